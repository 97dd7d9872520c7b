//! Operations that have no row: sent and received as bytes.

use core::fmt;

use bytes::Bytes;

use super::Opcode;

/// The body of a request or a reply of an operation that has no row.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Raw {
    /// The operation.
    pub opcode: RawOpcode,
    /// The body, without its header. A server that does not know the operation ignores it and closes the connection.
    pub body: Bytes,
}

/// The number of an operation that has no row and that does no harm to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawOpcode(i32);

/// The number cannot be sent as it is: the operation has a row, is internal to servers, or makes them die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("operation {0} is not for raw requests: use its own type, if it has one")]
pub struct Unsendable(pub i32);

impl RawOpcode {
    /// The operation with this number.
    ///
    /// # Errors
    ///
    /// [`Unsendable`] if the operation has a row, for then its own type keeps what is sent valid; or if it is one of
    /// those that no client may send.
    pub const fn new(raw: i32) -> Result<Self, Unsendable> {
        if name(raw).is_some() { Err(Unsendable(raw)) } else { Ok(Self(raw)) }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn raw(self) -> i32 {
        self.0
    }
}

/// The name that ZooKeeper has for the operation with this number, those among them that no client sends.
#[must_use]
pub const fn name(raw: i32) -> Option<&'static str> {
    if let Some(opcode) = Opcode::new(raw) {
        return Some(opcode.name());
    }
    match raw {
        0 => Some("notification"),
        13 => Some("check"),
        20 => Some("deleteContainer"),
        -1 => Some("error"),
        -10 => Some("createSession"),
        _ => None,
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Raw {{ opcode: {}, body: {} bytes }}", self.opcode.0, self.body.len())
    }
}
