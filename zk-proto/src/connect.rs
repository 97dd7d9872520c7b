//! The handshake that opens a connection: the only frames without a header.
//!
//! What to do after a refusal or an expiry is for the session to know.

use core::fmt;

use bytes::Bytes;

use crate::code::Code;
use crate::error::{Malformed, What};
use crate::header::ReplyHeader;
use crate::id::{SessionId, Zxid};
use crate::read::Reader;
use crate::record::Wire;
use crate::schema::{Field, Kind, Schema};
use crate::write::Sink;

/// Asks for a new session, or to go on with an old one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectRequest {
    /// The last transaction that the client saw, [`Zxid::ZERO`] if none. A server that is behind it closes the
    /// connection without an answer.
    pub last_zxid: Zxid,
    /// The session timeout that the client would like, in milliseconds. The server moves it into its own bounds, by
    /// default 2 to 20 ticks.
    pub timeout_ms: i32,
    /// The session to go on with, [`SessionId::NONE`] for a new one.
    pub session: SessionId,
    /// The password of that session, [`Password::zero`] for a new one.
    pub password: Password,
    /// Whether a server that serves reads only will do. `None` leaves the byte out, as clients of 3.3 did.
    pub read_only: Option<bool>,
}

/// Accepts a session, or says that it has expired.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectResponse {
    /// The session timeout that holds, in milliseconds. Zero or less: the session has expired, or the password is
    /// wrong.
    pub timeout_ms: i32,
    /// The session.
    pub session: SessionId,
    /// The password to go on with the session on another connection.
    pub password: Password,
    /// Whether the server serves reads only. `None` if the byte is missing, as from a server of 3.3 or to a request
    /// without it.
    pub read_only: Option<bool>,
}

/// What the first frame from a server says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Greeting {
    /// The session is accepted.
    Accepted(ConnectResponse),
    /// The session has expired, or the password is wrong; the server closes the connection next.
    Expired {
        /// Whether the server serves reads only. It may then not know a session that is alive elsewhere.
        read_only: bool,
    },
    /// The server takes no session and leaves the connection open: close it and try another server. A read-only server
    /// since 3.7 does so, with [`Code::NotReadOnly`].
    Refused(Code),
}

impl Greeting {
    /// The length of the shortest connect response, with an empty password and without the read-only byte. All that is
    /// shorter can only be a reply header.
    pub(crate) const RESPONSE_LEN_MIN: usize = 20;

    /// Understands the payload of the first frame from a server. Bytes after the known fields are ignored, because the
    /// last field was added there.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the frame is neither a connect response nor a reply header with an error.
    pub fn decode(frame: &Bytes) -> Result<Self, Malformed> {
        let mut input = Reader::new(frame);
        if frame.len() < Self::RESPONSE_LEN_MIN {
            let header = ReplyHeader::decode(&mut input)?;
            return header.error.map(Self::Refused).ok_or(Malformed {
                what: What::NoRefusal,
                record: "ReplyHeader",
                at: ReplyHeader::LEN - 4,
            });
        }
        let response = ConnectResponse::decode(&mut input)?;
        Ok(if response.timeout_ms <= 0 {
            Self::Expired { read_only: response.read_only.unwrap_or(false) }
        } else {
            Self::Accepted(response)
        })
    }
}

/// What proves that a session is the sender's: 16 bytes, as servers make it. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Password(Bytes);

impl Password {
    /// The password with these bytes.
    #[must_use]
    pub const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The 16 zero bytes that a client sends when it asks for a new session.
    #[must_use]
    pub const fn zero() -> Self {
        Self(Bytes::from_static(&[0; 16]))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Password({} bytes)", self.0.len())
    }
}

impl Wire for Password {
    const LEN_MIN: usize = 4;

    const KIND: Kind = Kind::Secret;

    fn encoded_len(&self) -> usize {
        Self::LEN_MIN + self.0.len()
    }

    fn encode(&self, out: &mut impl Sink) {
        crate::write::put_length(out, self.0.len());
        out.put_payload(&self.0);
    }

    /// Null is taken for empty, as servers since 3.8 do. The bytes are copied: a session keeps its password long after
    /// the buffer of the handshake should be free.
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let bytes = input.buffer()?.unwrap_or_default();
        Ok(Self(Bytes::copy_from_slice(&bytes)))
    }
}

/// The only version there has ever been; servers ignore it.
const PROTOCOL_VERSION: i32 = 0;

impl Wire for ConnectRequest {
    const LEN_MIN: usize = 28;

    const KIND: Kind = Kind::Record(&Schema {
        name: "ConnectRequest",
        fields: &[
            Field { name: "protocolVersion", kind: Kind::Int },
            Field { name: "lastZxidSeen", kind: Kind::Long },
            Field { name: "timeOut", kind: Kind::Int },
            Field { name: "sessionId", kind: Kind::Long },
            Field { name: "passwd", kind: Kind::Secret },
            Field { name: "readOnly", kind: Kind::LateBool },
        ],
    });

    fn encoded_len(&self) -> usize {
        4 + 8 + 4 + 8 + self.password.encoded_len() + self.read_only.map_or(0, |flag| flag.encoded_len())
    }

    fn encode(&self, out: &mut impl Sink) {
        PROTOCOL_VERSION.encode(out);
        self.last_zxid.encode(out);
        self.timeout_ms.encode(out);
        self.session.encode(out);
        self.password.encode(out);
        if let Some(flag) = self.read_only {
            flag.encode(out);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.within("ConnectRequest", |input| {
            let _protocol_version = input.int()?;
            Ok(Self {
                last_zxid: Wire::decode(input)?,
                timeout_ms: input.int()?,
                session: Wire::decode(input)?,
                password: Wire::decode(input)?,
                read_only: decode_read_only(input)?,
            })
        })
    }
}

impl Wire for ConnectResponse {
    const LEN_MIN: usize = Greeting::RESPONSE_LEN_MIN;

    const KIND: Kind = Kind::Record(&Schema {
        name: "ConnectResponse",
        fields: &[
            Field { name: "protocolVersion", kind: Kind::Int },
            Field { name: "timeOut", kind: Kind::Int },
            Field { name: "sessionId", kind: Kind::Long },
            Field { name: "passwd", kind: Kind::Secret },
            Field { name: "readOnly", kind: Kind::LateBool },
        ],
    });

    fn encoded_len(&self) -> usize {
        4 + 4 + 8 + self.password.encoded_len() + self.read_only.map_or(0, |flag| flag.encoded_len())
    }

    fn encode(&self, out: &mut impl Sink) {
        PROTOCOL_VERSION.encode(out);
        self.timeout_ms.encode(out);
        self.session.encode(out);
        self.password.encode(out);
        if let Some(flag) = self.read_only {
            flag.encode(out);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.within("ConnectResponse", |input| {
            let _protocol_version = input.int()?;
            Ok(Self {
                timeout_ms: input.int()?,
                session: Wire::decode(input)?,
                password: Wire::decode(input)?,
                read_only: decode_read_only(input)?,
            })
        })
    }
}

/// The byte was added at the end of both records in 3.4.
fn decode_read_only(input: &mut Reader<'_>) -> Result<Option<bool>, Malformed> {
    if input.rest_len() == 0 { Ok(None) } else { input.boolean().map(Some) }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::vec::Vec;

    use super::*;
    use crate::record::proof;

    fn response(timeout_ms: i32, read_only: Option<bool>) -> ConnectResponse {
        ConnectResponse { timeout_ms, session: SessionId::new(5), password: Password::zero(), read_only }
    }

    fn greet(bytes: Vec<u8>) -> Result<Greeting, Malformed> {
        Greeting::decode(&bytes.into())
    }

    #[test]
    fn the_handshake_survives_the_wire_with_and_without_the_last_byte() {
        for read_only in [None, Some(false), Some(true)] {
            let request = ConnectRequest {
                last_zxid: Zxid::new(7),
                timeout_ms: 8000,
                session: SessionId::new(-1),
                password: Password::new(Bytes::from_static(b"0123456789abcdef")),
                read_only,
            };
            let bytes = proof::encode(&request);
            assert_eq!(bytes.len(), 44 + usize::from(read_only.is_some()));
            assert_eq!(proof::decode(&bytes), Ok(request));

            let bytes = proof::encode(&response(8000, read_only));
            assert_eq!(bytes.len(), 36 + usize::from(read_only.is_some()));
            assert_eq!(proof::decode(&bytes), Ok(response(8000, read_only)));
            for cut in 0..36 {
                assert!(proof::decode::<ConnectResponse>(&bytes[..cut]).is_err());
                let looks_like_a_refusal = (ReplyHeader::LEN..Greeting::RESPONSE_LEN_MIN).contains(&cut);
                assert_eq!(greet(bytes[..cut].to_vec()).is_ok(), looks_like_a_refusal, "cut at {cut}");
            }
        }
        proof::holds(&Password::zero());
    }

    #[test]
    fn the_first_frame_accepts_ends_or_refuses() {
        let accepted = response(8000, Some(true));
        assert_eq!(greet(proof::encode(&accepted)), Ok(Greeting::Accepted(accepted)));
        assert_eq!(greet(proof::encode(&response(0, Some(true)))), Ok(Greeting::Expired { read_only: true }));
        assert_eq!(greet(proof::encode(&response(-1, None))), Ok(Greeting::Expired { read_only: false }));

        let refusal = |error| ReplyHeader { xid: crate::id::Xid::new(0), zxid: Zxid::ZERO, error };
        let refused = greet(proof::encode(&refusal(Some(Code::NotReadOnly))));
        assert_eq!(refused, Ok(Greeting::Refused(Code::NotReadOnly)));
        let without_code = Malformed { what: What::NoRefusal, record: "ReplyHeader", at: 12 };
        assert_eq!(greet(proof::encode(&refusal(None))), Err(without_code));
        assert_eq!(greet(Vec::new()).map_err(|error| error.what), Err(What::Truncated));
    }

    #[test]
    fn fields_to_come_are_ignored() {
        let mut bytes = proof::encode(&response(8000, Some(false)));
        bytes.extend_from_slice(b"more");
        assert_eq!(greet(bytes), Ok(Greeting::Accepted(response(8000, Some(false)))));
    }

    #[test]
    fn a_password_is_not_shown_and_null_is_an_empty_one() {
        let password = Password::new(Bytes::from_static(b"secret"));
        assert_eq!(format!("{password:?}"), "Password(6 bytes)");
        assert_eq!(proof::decode(&[255; 4]), Ok(Password::new(Bytes::new())));
    }
}
