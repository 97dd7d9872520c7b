//! Where encoded bytes go.
//!
//! A [`Sink`] only takes bytes; frames and their lengths are the encoder's business.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

/// Takes the bytes of encoded values, in order.
pub trait Sink {
    /// Takes bytes that are valid for this call only.
    fn put(&mut self, bytes: &[u8]);

    /// Takes a payload: node data, names or a credential. A sink that can keep a reference need not copy it.
    fn put_payload(&mut self, bytes: &Bytes);
}

impl Sink for BytesMut {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn put_payload(&mut self, bytes: &Bytes) {
        self.extend_from_slice(bytes);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn put_payload(&mut self, bytes: &Bytes) {
        self.extend_from_slice(bytes);
    }
}

/// Writes the length of a frame, string, buffer or vector.
///
/// Above `i32::MAX` the protocol has no length; the bound is written, and the peer will not understand the frame. A
/// sender keeps to [`REQUEST_LENGTH_MAX`](crate::REQUEST_LENGTH_MAX), far below.
pub(crate) fn put_length(out: &mut impl Sink, length: usize) {
    out.put(&i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    #[test]
    fn both_sinks_take_bytes_and_payloads_in_order() {
        let mut vector = vec![0];
        vector.put(&[1, 2]);
        vector.put_payload(&Bytes::from_static(&[3]));
        let mut buffer = BytesMut::from(&[0][..]);
        buffer.put(&[1, 2]);
        buffer.put_payload(&Bytes::from_static(&[3]));
        assert_eq!(vector, [0, 1, 2, 3]);
        assert_eq!(buffer, vector);
    }

    #[test]
    fn a_length_beyond_the_protocol_is_written_as_its_bound() {
        let mut out = Vec::new();
        put_length(&mut out, usize::MAX);
        assert_eq!(out, i32::MAX.to_be_bytes());
    }
}
