//! What is wrong with bytes of a peer, and where.
//!
//! A [`Malformed`] holds no bytes of the peer: it can be logged without leaking node data.

use crate::path::PathError;

/// Bytes that are not the record they should be.
///
/// The peer is wrong, or it speaks another protocol. Nothing after the fault can be trusted: close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{record} at byte {at}: {what}")]
pub struct Malformed {
    /// What is wrong.
    pub what: What,
    /// The innermost record that was being decoded, by its name in this crate.
    pub record: &'static str,
    /// The byte offset of the fault in the frame's payload, that is after the length prefix. Zero for a fault of the
    /// length prefix itself.
    pub at: usize,
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum What {
    /// The frame ends before the value does.
    #[error("the frame ends too early")]
    Truncated,
    /// A length is negative, and not the -1 that stands for null where null is possible.
    #[error("the length {0} is negative")]
    NegativeLength(i32),
    /// A frame announces more bytes than are allowed. If the peer is a trusted server, raise the receive limit: a
    /// server does not limit its replies.
    #[error("the frame has {length} bytes and the limit is {limit}")]
    TooLong {
        /// The announced length.
        length: usize,
        /// The limit that was set.
        limit: usize,
    },
    /// A vector announces more elements than the rest of the frame can hold, or a negative number other than the -1
    /// that stands for null.
    #[error("{0} elements do not fit into the rest of the frame")]
    Count(i32),
    /// A string is null where a value is needed.
    #[error("the string is null")]
    NullString,
    /// A buffer is null where a value is needed.
    #[error("the buffer is null")]
    NullBuffer,
    /// A string is not the path of a node.
    #[error("the path is refused {0}")]
    Path(PathError),
    /// A create mode that the operation does not take, or that nobody knows.
    #[error("{0} is not a create mode of the operation")]
    Mode(i32),
    /// A time to live that servers refuse or that ends them.
    #[error("{0} ms is no time to live")]
    Ttl(i64),
    /// A request that no client may send: it is internal to servers, or ends them.
    #[error("operation {0} must not be sent")]
    Unsendable(i32),
    /// A type that has no place in this multi.
    #[error("{0} is not the type of an operation or a result in this multi")]
    MultiType(i32),
    /// A frame too short for a connect response that carries no error code either.
    #[error("a refusal of the connection has no error code")]
    NoRefusal,
    /// Bytes are left after the record, where none may be.
    #[error("{0} bytes are left after the end")]
    Trailing(usize),
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::path::{Path, PathFault};

    #[test]
    fn an_error_says_what_and_where() {
        let error = Malformed { what: What::Truncated, record: "ReplyHeader", at: 12 };
        assert_eq!(error.to_string(), "ReplyHeader at byte 12: the frame ends too early");

        let fault = Path::new("/a//secret").unwrap_err();
        assert_eq!(fault, PathError { at: 3, fault: PathFault::EmptyComponent });
        let error = Malformed { what: What::Path(fault), record: "Created", at: 4 };
        assert!(error.to_string().starts_with("Created at byte 4: the path is refused at byte 3: "));
        assert!(!error.to_string().contains("secret"));
    }
}
