//! Cuts received bytes into frames.
//!
//! A frame is a big-endian `int` length and that many bytes. What is in them is not looked at.

use core::fmt;

use bytes::{Buf, Bytes, BytesMut};

use crate::error::{Malformed, What};

/// The default limit of frames that a client receives: 4 MiB.
///
/// Servers do not limit their replies. What a client may write comes back some 60 bytes longer than it was sent, and a
/// list of children may be longer by far, so the limit of requests will not do.
pub const FRAME_LENGTH_MAX: usize = 4 * 1024 * 1024;

/// The limit for the first frame from a server, before it is known to be one: 4 KiB, where 37 bytes are usual.
///
/// Enough for a long password and for fields to come, and too little for a length made of some other protocol's
/// text.
pub const HANDSHAKE_LENGTH_MAX: usize = 4096;

/// The limit of requests, in bytes after the length prefix: the default of a server's `jute.maxbuffer`.
///
/// A server closes the connection without a word if a request is longer by one byte.
pub const REQUEST_LENGTH_MAX: usize = 1_048_575;

/// The bytes of the length before each frame.
pub(crate) const PREFIX_LEN: usize = 4;

/// Collects received bytes and gives them back as frames.
///
/// The buffer grows with what was received, never with what a peer announces, and a frame is not copied on its way out.
pub struct Deframer {
    received: BytesMut,
    limit: usize,
}

impl Deframer {
    /// A deframer that takes frames of up to `limit` bytes, the length prefix not counted.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { received: BytesMut::new(), limit }
    }

    /// Where received bytes are to be appended.
    pub const fn buffer(&mut self) -> &mut BytesMut {
        &mut self.received
    }

    /// Changes the limit, from the next frame on.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Forgets what was received, for a new connection.
    pub fn clear(&mut self) {
        self.received.clear();
    }

    /// The payload of the next frame, without its length; `None` until all of it was received.
    ///
    /// # Errors
    ///
    /// [`What::NegativeLength`] and [`What::TooLong`] as soon as the length is there. The error comes again at each
    /// call until [`Deframer::clear`]: where the next frame starts is lost, so close the connection.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, Malformed> {
        let Some((prefix, rest)) = self.received.split_first_chunk::<PREFIX_LEN>() else {
            return Ok(None);
        };
        let raw = i32::from_be_bytes(*prefix);
        let Ok(length) = usize::try_from(raw) else {
            return Err(fault(What::NegativeLength(raw)));
        };
        if length > self.limit {
            return Err(fault(What::TooLong { length, limit: self.limit }));
        }
        if rest.len() < length {
            return Ok(None);
        }
        self.received.advance(PREFIX_LEN);
        Ok(Some(self.received.split_to(length).freeze()))
    }
}

impl fmt::Debug for Deframer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Deframer({} bytes received, limit {})", self.received.len(), self.limit)
    }
}

const fn fault(what: What) -> Malformed {
    Malformed { what, record: "frame", at: 0 }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn frames_come_out_however_the_bytes_come_in() {
        let stream = b"\0\0\0\x03abc\0\0\0\0\0\0\0\x01d";
        let frames = [&b"abc"[..], b"", b"d"];
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let mut deframer = Deframer::new(3);
                let mut landed = Vec::new();
                for part in [&stream[..first], &stream[first..second], &stream[second..]] {
                    deframer.buffer().extend_from_slice(part);
                    while let Some(frame) = deframer.next_frame().unwrap() {
                        landed.push(frame);
                    }
                }
                assert_eq!(landed, frames, "split at {first} and {second}");
                assert!(deframer.buffer().is_empty());
            }
        }
    }

    #[test]
    fn a_bad_length_is_an_error_before_the_body_comes() {
        let mut deframer = Deframer::new(3);
        deframer.buffer().extend_from_slice(&4_i32.to_be_bytes());
        let too_long = Malformed { what: What::TooLong { length: 4, limit: 3 }, record: "frame", at: 0 };
        assert_eq!(deframer.next_frame(), Err(too_long));
        assert_eq!(deframer.next_frame(), Err(too_long));

        deframer.set_limit(4);
        assert_eq!(deframer.next_frame(), Ok(None));

        for raw in [-1, i32::MIN] {
            deframer.clear();
            deframer.buffer().extend_from_slice(&i32::to_be_bytes(raw));
            assert_eq!(deframer.next_frame().map_err(|error| error.what), Err(What::NegativeLength(raw)));
        }
    }

    #[test]
    fn an_announced_length_allocates_nothing() {
        let mut deframer = Deframer::new(usize::MAX);
        deframer.buffer().extend_from_slice(&i32::MAX.to_be_bytes());
        assert_eq!(deframer.next_frame(), Ok(None));
        assert!(deframer.buffer().capacity() < 1024);
    }

    #[test]
    fn what_a_server_takes_is_less_than_what_it_sends() {
        assert_eq!(
            (REQUEST_LENGTH_MAX, FRAME_LENGTH_MAX, HANDSHAKE_LENGTH_MAX),
            (0xf_ffff, 0x40_0000, 0x1000)
        );
    }

    #[test]
    fn a_frame_is_not_copied() {
        let mut deframer = Deframer::new(8);
        deframer.buffer().extend_from_slice(b"\0\0\0\x02ab");
        assert_eq!(format!("{deframer:?}"), "Deframer(6 bytes received, limit 8)");
        let place = deframer.buffer().as_ptr().wrapping_add(PREFIX_LEN);
        assert_eq!(deframer.next_frame().unwrap().unwrap().as_ptr(), place);
    }
}
