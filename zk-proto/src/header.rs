//! What stands before every request and every reply.

use crate::code::Code;
use crate::error::Malformed;
use crate::id::{Xid, Zxid};
use crate::read::Reader;
use crate::record::Wire;
use crate::schema::{Field, Kind, Schema};
use crate::write::Sink;

record! {
    /// Stands before the body of a request.
    #[derive(Copy)]
    pub struct RequestHeader {
        /// The number of the request.
        pub xid: Xid,
        /// The operation, by its number on the wire.
        pub opcode as type: i32,
    }
}

impl RequestHeader {
    /// The bytes of the header on the wire.
    pub const LEN: usize = 8;
}

/// Stands before the body of a reply. A reply with an error has no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplyHeader {
    /// The number of the request, or [`Xid::NOTIFICATION`] for a watch event, or [`Xid::PING`] for every ping.
    pub xid: Xid,
    /// The last transaction that the server had applied. Before 3.9, and for what a renewal of watches finds, an event
    /// has -1 here; a reply to an auth packet has 0, and one to an unknown operation has -1.
    pub zxid: Zxid,
    /// Why the request was refused, if it was.
    pub error: Option<Code>,
}

impl ReplyHeader {
    /// The bytes of the header on the wire.
    pub const LEN: usize = 16;
}

impl Wire for ReplyHeader {
    const LEN_MIN: usize = Self::LEN;

    const KIND: Kind = Kind::Record(&Schema {
        name: "ReplyHeader",
        fields: &[
            Field { name: "xid", kind: Kind::Int },
            Field { name: "zxid", kind: Kind::Long },
            Field { name: "err", kind: Kind::Int },
        ],
    });

    fn encoded_len(&self) -> usize {
        Self::LEN
    }

    fn encode(&self, out: &mut impl Sink) {
        self.xid.encode(out);
        self.zxid.encode(out);
        self.error.map_or(0, Code::raw).encode(out);
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let &[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] =
            input.within("ReplyHeader", Reader::array::<{ Self::LEN }>)?;
        Ok(Self {
            xid: Xid::new(i32::from_be_bytes([a, b, c, d])),
            zxid: Zxid::new(i64::from_be_bytes([e, f, g, h, i, j, k, l])),
            error: Code::new(i32::from_be_bytes([m, n, o, p])),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::What;
    use crate::record::proof;

    #[test]
    fn headers_survive_the_wire() {
        proof::holds(&RequestHeader { xid: Xid::PING, opcode: 11 });
        proof::holds(&ReplyHeader { xid: Xid::FIRST, zxid: Zxid::new(-1), error: None });
        proof::holds(&ReplyHeader { xid: Xid::FIRST, zxid: Zxid::ZERO, error: Code::new(-7777) });
    }

    #[test]
    fn a_reply_header_has_its_fields_in_order() {
        let bytes = b"\xff\xff\xff\xfe\0\0\0\x01\0\0\0\x02\xff\xff\xff\x9b";
        let header =
            ReplyHeader { xid: Xid::PING, zxid: Zxid::new(0x1_0000_0002), error: Some(Code::NoNode) };
        assert_eq!(proof::decode(bytes), Ok(header));
        assert_eq!(proof::encode(&header), bytes);
        let cut = Malformed { what: What::Truncated, record: "ReplyHeader", at: 0 };
        assert_eq!(proof::decode::<ReplyHeader>(&bytes[..15]), Err(cut));
    }
}
