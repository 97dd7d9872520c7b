//! Takes jute values from a frame, front to back.
//!
//! Knows the primitives only: numbers, booleans, strings, buffers and counts. Records are built from them elsewhere.
//! Nothing here recurses, and nothing is allocated before the frame was seen to hold that much.

use alloc::string::String;
use core::fmt;

use bytes::Bytes;
use nom::{IResult, Parser};

use crate::error::{Malformed, What};
use crate::text::lossy;

/// Reads one frame. Each method takes one value from what is left, or leaves the reader at the fault.
pub struct Reader<'a> {
    frame: &'a Bytes,
    rest: &'a [u8],
    record: &'static str,
}

impl<'a> Reader<'a> {
    /// A reader at the first byte of a frame's payload.
    #[must_use]
    #[inline]
    pub fn new(frame: &'a Bytes) -> Self {
        Self { frame, rest: frame, record: "frame" }
    }

    /// Decodes a record under the name that its errors are to show.
    ///
    /// # Errors
    ///
    /// What `decode` returns.
    #[inline]
    pub fn within<T>(
        &mut self,
        record: &'static str,
        decode: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<T, Malformed> {
        let outer = self.enter(record);
        let value = decode(self)?;
        self.leave(outer);
        Ok(value)
    }

    /// Names the record that is decoded next, and gives back the outer one, for [`Reader::leave`]. In a macro this does
    /// what [`Reader::within`] does elsewhere, without a closure: a large value that is built in one is moved twice.
    #[inline]
    pub(crate) const fn enter(&mut self, record: &'static str) -> &'static str {
        core::mem::replace(&mut self.record, record)
    }

    /// Goes on with the outer record.
    #[inline]
    pub(crate) const fn leave(&mut self, outer: &'static str) {
        self.record = outer;
    }

    /// Takes an `int`.
    ///
    /// # Errors
    ///
    /// [`What::Truncated`] if fewer than four bytes are left.
    #[inline]
    pub fn int(&mut self) -> Result<i32, Malformed> {
        self.parse(chunk.map(|bytes| i32::from_be_bytes(*bytes)))
    }

    /// Takes a `long`.
    ///
    /// # Errors
    ///
    /// [`What::Truncated`] if fewer than eight bytes are left.
    #[inline]
    pub fn long(&mut self) -> Result<i64, Malformed> {
        self.parse(chunk.map(|bytes| i64::from_be_bytes(*bytes)))
    }

    /// Takes a `boolean`. Any byte but zero is true, as for the servers.
    ///
    /// # Errors
    ///
    /// [`What::Truncated`] if no byte is left.
    #[inline]
    pub fn boolean(&mut self) -> Result<bool, Malformed> {
        self.raw_byte().map(|byte| byte != 0)
    }

    /// Takes `N` bytes of a record whose fields have fixed places.
    ///
    /// # Errors
    ///
    /// [`What::Truncated`] if fewer bytes are left.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        self.parse(chunk)
    }

    /// Takes a `buffer`; `None` is null, which differs from empty. The bytes share the memory of the frame: whoever
    /// keeps them keeps the frame.
    ///
    /// # Errors
    ///
    /// [`What::NegativeLength`] for a negative length other than -1, [`What::Truncated`] if fewer bytes are left.
    #[inline]
    pub fn buffer(&mut self) -> Result<Option<Bytes>, Malformed> {
        let Some(bytes) = self.span()? else { return Ok(None) };
        let end = self.at();
        Ok(Some(self.frame.slice(end - bytes.len()..end)))
    }

    /// Takes a `ustring` that must not be null. Invalid UTF-8 is replaced by U+FFFD: a Java server sends it for
    /// characters outside the basic plane, and no connection should end because of one.
    ///
    /// # Errors
    ///
    /// [`What::NullString`] for null, else as [`Reader::buffer`].
    pub fn string(&mut self) -> Result<String, Malformed> {
        self.string_bytes().map(|bytes| lossy(bytes).into_owned())
    }

    /// Takes a `ustring`; `None` is null, which differs from empty. Invalid UTF-8 is replaced, as in
    /// [`Reader::string`].
    ///
    /// # Errors
    ///
    /// As [`Reader::buffer`].
    pub fn nullable_string(&mut self) -> Result<Option<String>, Malformed> {
        Ok(self.span()?.map(|bytes| lossy(bytes).into_owned()))
    }

    /// Takes the count of a vector whose elements have at least `len_min` bytes each. Null counts as zero.
    ///
    /// # Errors
    ///
    /// [`What::Count`] if the rest of the frame cannot hold so many, or for a negative count other than -1;
    /// [`What::Truncated`] if fewer than four bytes are left.
    #[inline]
    pub fn count(&mut self, len_min: usize) -> Result<usize, Malformed> {
        let at = self.at();
        let raw = self.int()?;
        if raw == -1 {
            return Ok(0);
        }
        match usize::try_from(raw) {
            Ok(count) if count <= self.rest.len() / len_min.max(1) => Ok(count),
            Ok(_) | Err(_) => Err(self.malformed(at, What::Count(raw))),
        }
    }

    /// Ends the reading of a frame that must hold nothing more.
    ///
    /// # Errors
    ///
    /// [`What::Trailing`] if bytes are left.
    pub fn finish(self) -> Result<(), Malformed> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(self.malformed(self.at(), What::Trailing(left))),
        }
    }

    /// The offset of the next byte in the frame's payload.
    #[must_use]
    #[inline]
    pub fn at(&self) -> usize {
        self.frame.len() - self.rest.len()
    }

    /// How many bytes are left.
    #[must_use]
    #[inline]
    pub const fn rest_len(&self) -> usize {
        self.rest.len()
    }

    /// The error for a fault at an offset, in the record that is being decoded.
    #[must_use]
    pub const fn malformed(&self, at: usize, what: What) -> Malformed {
        Malformed { what, record: self.record, at }
    }

    /// Takes the bytes of a `ustring` that must not be null.
    #[inline]
    pub(crate) fn string_bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let at = self.at();
        self.span()?.ok_or_else(|| self.malformed(at, What::NullString))
    }

    /// Takes all that is left.
    pub(crate) fn rest(&mut self) -> Bytes {
        let rest = self.frame.slice(self.at()..);
        self.rest = &[];
        rest
    }

    /// The byte at the front of what is left, as the wire has it where a `boolean` is due.
    pub(crate) fn raw_byte(&mut self) -> Result<u8, Malformed> {
        self.parse(chunk.map(|&[byte]| byte))
    }

    /// What is left, to look at.
    #[inline]
    pub(crate) const fn peek(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes this many bytes without a copy.
    #[inline]
    pub(crate) fn region(&mut self, length: usize) -> Result<Bytes, Malformed> {
        let start = self.at();
        self.parse(span(length))?;
        Ok(self.frame.slice(start..start + length))
    }

    #[inline]
    fn span(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        let at = self.at();
        let raw = self.int()?;
        if raw == -1 {
            return Ok(None);
        }
        let Ok(length) = usize::try_from(raw) else {
            return Err(self.malformed(at, What::NegativeLength(raw)));
        };
        self.parse(span(length)).map(Some)
    }

    /// Runs a parser on the rest. The parsers used here fail for one reason only.
    #[inline]
    fn parse<T>(
        &mut self,
        mut parser: impl Parser<&'a [u8], Output = T, Error = ()>,
    ) -> Result<T, Malformed> {
        match parser.parse(self.rest) {
            Ok((rest, value)) => {
                self.rest = rest;
                Ok(value)
            }
            Err(_) => Err(self.truncated()),
        }
    }

    #[cold]
    fn truncated(&self) -> Malformed {
        self.malformed(self.at(), What::Truncated)
    }
}

/// Takes bytes of a number that is known when the program is compiled.
///
/// This and [`span`] stand for nom's own `take` and numbers, which are calls into another crate for each value and read
/// byte by byte: measured, they doubled the time of a reply.
#[inline]
fn chunk<const N: usize>(input: &[u8]) -> IResult<&[u8], &[u8; N], ()> {
    input.split_first_chunk().map(|(chunk, rest)| (rest, chunk)).ok_or(nom::Err::Error(()))
}

/// Takes this many bytes.
#[inline]
fn span<'a>(length: usize) -> impl Fn(&'a [u8]) -> IResult<&'a [u8], &'a [u8], ()> {
    move |input| input.split_at_checked(length).map(|(span, rest)| (rest, span)).ok_or(nom::Err::Error(()))
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Reader({} at byte {} of {})", self.record, self.at(), self.frame.len())
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn a_fault_is_named_with_its_place_and_record() {
        let frame = Bytes::from_static(b"\0\0\0\x01\xff\xff\xff\xfe");
        let mut input = Reader::new(&frame);
        let error = input.within("Outer", |input| {
            assert_eq!(input.within("Inner", Reader::int), Ok(1));
            assert_eq!(input.malformed(0, What::Truncated).record, "Outer");
            input.within("Inner", Reader::buffer)
        });
        assert_eq!(error, Err(Malformed { what: What::NegativeLength(-2), record: "Inner", at: 4 }));
        assert_eq!(Reader::new(&frame).malformed(0, What::Truncated).record, "frame");
    }

    #[test]
    fn a_buffer_is_not_copied_and_null_is_not_empty() {
        let frame = Bytes::from_static(b"\0\0\0\x02ab\0\0\0\0\xff\xff\xff\xff");
        let mut input = Reader::new(&frame);
        assert_eq!(input.buffer().unwrap().unwrap().as_ptr(), frame[4..].as_ptr());
        assert_eq!(input.buffer(), Ok(Some(Bytes::new())));
        assert_eq!(input.buffer(), Ok(None));
        assert_eq!(input.finish(), Ok(()));
    }

    #[test]
    fn a_string_must_not_be_null() {
        let frame = Bytes::from_static(b"\0\0\0\0\xff\xff\xff\xff");
        let mut input = Reader::new(&frame);
        assert_eq!(input.string().as_deref(), Ok(""));
        assert_eq!(input.string(), Err(Malformed { what: What::NullString, record: "frame", at: 4 }));
    }

    #[test]
    fn a_count_is_bounded_by_the_bytes_that_are_left() {
        let frame = Bytes::from_static(b"\0\0\0\x02........");
        assert_eq!(Reader::new(&frame).count(4), Ok(2));
        assert_eq!(Reader::new(&frame).count(5).map_err(|error| error.what), Err(What::Count(2)));
        assert_eq!(Reader::new(&frame).count(0), Ok(2));
    }

    #[test]
    fn bytes_that_are_left_are_counted_and_not_shown() {
        let frame = Bytes::from_static(b"\x05secret");
        let mut input = Reader::new(&frame);
        assert_eq!(input.boolean(), Ok(true));
        assert_eq!((input.at(), input.rest_len()), (1, 6));
        assert_eq!(format!("{input:?}"), "Reader(frame at byte 1 of 7)");
        assert_eq!(input.finish(), Err(Malformed { what: What::Trailing(6), record: "frame", at: 1 }));

        let frame = Bytes::from_static(b"x");
        let error = Malformed { what: What::Trailing(1), record: "frame", at: 0 };
        assert_eq!(Reader::new(&frame).finish(), Err(error));
    }
}
