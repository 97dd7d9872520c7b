//! A whole frame as data, for those who look at traffic: proxies, recorders, people.
//!
//! It follows no connection. A reply does not say what it answers, so whoever asks must have seen the request with the
//! same xid.

use core::fmt;

use bytes::Bytes;

use crate::connect::{ConnectRequest, ConnectResponse, Greeting};
use crate::error::Malformed;
use crate::event::WatcherEvent;
use crate::header::{ReplyHeader, RequestHeader};
use crate::ops::{Opcode, name};
use crate::read::Reader;
use crate::record::Wire;
use crate::schema::Schema;
use crate::value::Record;
use crate::write::{Sink, put_length};

/// What a frame is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// The first frame of a client.
    ConnectRequest,
    /// The first frame of a server: a connect response, or a reply header that refuses.
    Greeting,
    /// Any later frame of a client.
    Request,
    /// A reply to a request with this number of an operation.
    Reply(i32),
    /// A watch event: a frame of a server with [`Xid::NOTIFICATION`](crate::Xid::NOTIFICATION).
    Event,
}

/// A frame taken apart, which can be shown and written again to the byte.
///
/// Nothing in it is refused but a header that is cut: an unknown operation, or a body that is not what it should be, is
/// kept as bytes. `Display` shows it on one line without secrets; node data is shown by its length. The values of long
/// lists take some ten times the memory of their bytes.
///
/// ```
/// use bytes::Bytes;
/// use zk_proto::{Frame, FrameKind};
///
/// let payload = Bytes::from_static(b"\0\0\0\x01\0\0\0\x04\0\0\0\x02/a\x01");
/// let frame = Frame::decode(FrameKind::Request, &payload)?;
/// assert_eq!(frame.to_string(), r#"getData xid 1: path "/a", watch true"#);
/// # Ok::<(), zk_proto::Malformed>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the frame was taken for.
    pub kind: FrameKind,
    /// What stands before the body.
    pub header: Header,
    /// The record, if there is one.
    pub body: Body,
    /// The bytes after the body. A peer may send more than is known here.
    pub rest: Bytes,
}

/// What stands before the body of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Header {
    /// Nothing, in the handshake.
    None,
    /// The header of a request.
    Request(RequestHeader),
    /// The header of a reply or an event.
    Reply(ReplyHeader),
}

/// The body of a frame.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// There is none, or it is not known what it is.
    None,
    /// A record.
    Record(Record),
    /// It should be this record, and is not.
    Malformed(&'static str, Malformed),
}

impl Frame {
    /// Takes apart the payload of a frame, that is without its length.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the header is cut.
    pub fn decode(kind: FrameKind, payload: &Bytes) -> Result<Self, Malformed> {
        let mut input = Reader::new(payload);
        let header = match kind {
            FrameKind::ConnectRequest => Header::None,
            FrameKind::Greeting if payload.len() >= Greeting::RESPONSE_LEN_MIN => Header::None,
            FrameKind::Request => Header::Request(RequestHeader::decode(&mut input)?),
            FrameKind::Greeting | FrameKind::Reply(_) | FrameKind::Event => {
                Header::Reply(ReplyHeader::decode(&mut input)?)
            }
        };
        let mut body = Body::None;
        if let Some(schema) = form(kind, header, &input) {
            let start = input.at();
            body = match Record::decode(schema, &mut input) {
                Ok(record) => Body::Record(record),
                Err(malformed) => {
                    let rest = payload.slice(start..);
                    return Ok(Self { kind, header, body: Body::Malformed(schema.name, malformed), rest });
                }
            };
        }
        Ok(Self { kind, header, body, rest: input.rest() })
    }

    /// Writes the frame with its length, as it was read.
    pub fn encode(&self, out: &mut impl Sink) {
        let mut payload = alloc::vec::Vec::new();
        match self.header {
            Header::None => {}
            Header::Request(header) => header.encode(&mut payload),
            Header::Reply(header) => header.encode(&mut payload),
        }
        if let Body::Record(record) = &self.body {
            record.encode(&mut payload);
        }
        put_length(out, payload.len() + self.rest.len());
        out.put(&payload);
        out.put_payload(&self.rest);
    }
}

/// The record that should follow the header.
fn form(kind: FrameKind, header: Header, input: &Reader<'_>) -> Option<&'static Schema> {
    match (kind, header) {
        (FrameKind::ConnectRequest, _) => ConnectRequest::KIND.record(),
        (FrameKind::Greeting, Header::None) => ConnectResponse::KIND.record(),
        (FrameKind::Request, Header::Request(header)) => Opcode::new(header.opcode)?.request_schema(),
        (FrameKind::Event, _) => WatcherEvent::KIND.record(),
        (FrameKind::Reply(raw), Header::Reply(ReplyHeader { error: None, .. })) => {
            Opcode::new(raw)?.reply_schema()
        }
        // Servers send a token of null with the refusal of a SASL exchange.
        (FrameKind::Reply(raw), _) if raw == Opcode::Sasl.raw() && input.rest_len() != 0 => {
            Opcode::Sasl.reply_schema()
        }
        (FrameKind::Greeting | FrameKind::Request | FrameKind::Reply(_), _) => None,
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FrameKind::ConnectRequest => out.write_str("connect")?,
            FrameKind::Greeting => out.write_str("greeting")?,
            FrameKind::Request => {}
            FrameKind::Reply(raw) => write!(out, "reply to {}", Operation(raw))?,
            FrameKind::Event => out.write_str("event")?,
        }
        match self.header {
            Header::None => {}
            Header::Request(header) => write!(out, "{} xid {}", Operation(header.opcode), header.xid)?,
            Header::Reply(header) => {
                write!(out, " xid {} zxid {}", header.xid, header.zxid)?;
                if let Some(code) = header.error {
                    write!(out, " error {code:?}")?;
                }
            }
        }
        match &self.body {
            Body::None => {}
            Body::Record(record) => write!(out, ": {record}")?,
            Body::Malformed(_, malformed) => write!(out, ": {malformed}")?,
        }
        if self.rest.is_empty() { Ok(()) } else { write!(out, " and {} bytes", self.rest.len()) }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Frame({self})")
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => out.write_str("None"),
            Self::Record(record) => fmt::Debug::fmt(record, out),
            Self::Malformed(_, malformed) => fmt::Debug::fmt(malformed, out),
        }
    }
}

/// The name of an operation, or its number.
struct Operation(i32);

impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match name(self.0) {
            Some(name) => out.write_str(name),
            None => write!(out, "operation {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests;
