//! The bytes that wait for the transport, and the watermark up to which it has taken them.
//!
//! It does not know what the bytes mean. Small frames share one staging buffer; a large payload waits as its own segment
//! and is never copied.

use alloc::collections::VecDeque;
use core::fmt;

use bytes::{Buf, Bytes, BytesMut};
use zk_proto::Sink;

/// From this length on a payload travels as its own segment: below, copying it costs less than another slice in the
/// write call.
const SEGMENT_LENGTH_MIN: usize = 4096;

#[derive(Default)]
pub(crate) struct Outgoing {
    segments: VecDeque<Bytes>,
    staging: BytesMut,
    /// Bytes of this connection's stream that were staged and that the transport took.
    staged: u64,
    taken: u64,
}

impl Outgoing {
    /// Forgets everything: the next byte is the first of a new connection.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The transport took `n` more bytes; more than there are is taken for all.
    pub(crate) fn taken(&mut self, n: usize) {
        let mut left = n.min(self.pending());
        self.taken += left as u64;
        while let Some(front) = self.segments.front_mut() {
            if left < front.len() {
                front.advance(left);
                return;
            }
            left -= front.len();
            self.segments.pop_front();
        }
        self.staging.advance(left);
        if self.staging.is_empty() {
            // Gives the buffer its whole capacity back.
            self.staging.clear();
        }
    }

    /// Fills `out` with the bytes that wait, in order; returns how many slices it used.
    pub(crate) fn slices<'a>(&'a self, out: &mut [&'a [u8]]) -> usize {
        let waiting = self.segments.iter().map(|segment| &**segment).chain([&*self.staging]);
        let mut used = 0;
        for (slot, slice) in out.iter_mut().zip(waiting.filter(|slice| !slice.is_empty())) {
            *slot = slice;
            used += 1;
        }
        used
    }

    /// The front segment, owned.
    pub(crate) fn front(&mut self) -> Option<Bytes> {
        if self.segments.is_empty() {
            self.cut_staging();
        }
        self.segments.front().cloned()
    }

    pub(crate) fn pending(&self) -> usize {
        usize::try_from(self.staged - self.taken).unwrap_or(usize::MAX)
    }

    /// The stream offset behind the last staged byte.
    pub(crate) const fn end(&self) -> u64 {
        self.staged
    }

    /// Whether the transport took everything up to this stream offset.
    pub(crate) const fn took(&self, end: u64) -> bool {
        end <= self.taken
    }

    fn cut_staging(&mut self) {
        if !self.staging.is_empty() {
            self.segments.push_back(self.staging.split().freeze());
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What waits is passwords and the user's data.
        write!(out, "Outgoing({} bytes staged, {} taken)", self.staged, self.taken)
    }
}

impl Sink for Outgoing {
    fn put(&mut self, bytes: &[u8]) {
        self.staging.extend_from_slice(bytes);
        self.staged += bytes.len() as u64;
    }

    fn put_payload(&mut self, payload: &Bytes) {
        if payload.len() < SEGMENT_LENGTH_MIN {
            return self.put(payload);
        }
        self.cut_staging();
        self.segments.push_back(payload.clone());
        self.staged += payload.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    fn waiting(outgoing: &Outgoing) -> Vec<u8> {
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let used = outgoing.slices(&mut slices);
        slices[..used].concat()
    }

    #[test]
    fn bytes_leave_in_order_whatever_the_transport_takes() {
        let mut outgoing = Outgoing::default();
        let large = Bytes::from(vec![7; SEGMENT_LENGTH_MIN]);
        outgoing.put(b"ab");
        outgoing.put_payload(&large);
        outgoing.put(b"cd");
        outgoing.put_payload(&large);
        let all = [b"ab".as_slice(), &large, b"cd", &large].concat();
        assert_eq!(waiting(&outgoing), all);
        for taken in 0..all.len() {
            assert_eq!(waiting(&outgoing), all[taken..]);
            assert!(!outgoing.took(all.len() as u64));
            outgoing.taken(1);
        }
        assert!(outgoing.took(all.len() as u64));
        assert_eq!(outgoing.pending(), 0);
    }

    #[test]
    fn a_large_payload_is_not_copied() {
        let mut outgoing = Outgoing::default();
        let large = Bytes::from(vec![7; SEGMENT_LENGTH_MIN]);
        outgoing.put_payload(&large);
        let mut slices: [&[u8]; 1] = [&[]];
        assert_eq!(outgoing.slices(&mut slices), 1);
        assert_eq!(slices[0].as_ptr(), large.as_ptr());
        assert_eq!(outgoing.front().map(|front| front.as_ptr()), Some(large.as_ptr()));
    }

    #[test]
    fn a_transport_that_claims_too_much_took_what_there_was() {
        let mut outgoing = Outgoing::default();
        outgoing.put(b"abc");
        outgoing.taken(usize::MAX);
        assert_eq!((outgoing.pending(), outgoing.end()), (0, 3));
    }
}
