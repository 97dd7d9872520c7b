//! What all values on the wire have in common, and the building blocks of records.
//!
//! The records themselves stand with their meaning.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::error::Malformed;
use crate::path::Path;
use crate::read::Reader;
use crate::schema::Kind;
use crate::write::{Sink, put_length};

#[macro_use]
mod macros;

/// A value that has a form on the wire.
///
/// `encode` writes exactly `encoded_len` bytes, and `decode` takes them back. A decoded value may be shorter when
/// encoded again: null vectors become empty ones, and invalid UTF-8 is replaced.
pub trait Wire: Sized + fmt::Debug {
    /// The fewest bytes that any value of the type has; it bounds what a count may announce.
    const LEN_MIN: usize;

    /// What jute calls the type, for those who read frames without knowing the type.
    const KIND: Kind;

    /// How many bytes [`encode`](Wire::encode) writes.
    fn encoded_len(&self) -> usize;

    /// Writes the value.
    fn encode(&self, out: &mut impl Sink);

    /// Takes the value from a frame. Bytes after it are left alone.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the bytes are not such a value; it says what is wrong and where.
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed>;

    /// Shows every path in the value to `visit`, in the order of the wire, so that it can be replaced.
    fn each_path(&mut self, _visit: &mut dyn FnMut(&mut Path)) {}

    /// The path of the one node that the value is about, if it is about one.
    fn path(&self) -> Option<&Path> {
        None
    }

    /// Writes the value for a log: like `Debug`, but node data as its length only.
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    fn show(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}

/// Makes `Debug` use [`Wire::show`] for a field.
pub(crate) struct Shown<'a, T>(pub(crate) &'a T);

impl<T: Wire> fmt::Debug for Shown<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(out)
    }
}

impl Wire for () {
    const LEN_MIN: usize = 0;

    const KIND: Kind = Kind::Nothing;

    #[inline]
    fn encoded_len(&self) -> usize {
        0
    }

    #[inline]
    fn encode(&self, _out: &mut impl Sink) {}

    #[inline]
    fn decode(_input: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(())
    }
}

impl Wire for bool {
    const LEN_MIN: usize = 1;

    const KIND: Kind = Kind::Bool;

    #[inline]
    fn encoded_len(&self) -> usize {
        Self::LEN_MIN
    }

    #[inline]
    fn encode(&self, out: &mut impl Sink) {
        out.put(&[u8::from(*self)]);
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.boolean()
    }
}

impl Wire for i32 {
    const LEN_MIN: usize = 4;

    const KIND: Kind = Kind::Int;

    #[inline]
    fn encoded_len(&self) -> usize {
        Self::LEN_MIN
    }

    #[inline]
    fn encode(&self, out: &mut impl Sink) {
        out.put(&self.to_be_bytes());
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.int()
    }
}

impl Wire for i64 {
    const LEN_MIN: usize = 8;

    const KIND: Kind = Kind::Long;

    #[inline]
    fn encoded_len(&self) -> usize {
        Self::LEN_MIN
    }

    #[inline]
    fn encode(&self, out: &mut impl Sink) {
        out.put(&self.to_be_bytes());
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.long()
    }
}

impl Wire for String {
    const LEN_MIN: usize = 4;

    const KIND: Kind = Kind::Text;

    #[inline]
    fn encoded_len(&self) -> usize {
        Self::LEN_MIN + self.len()
    }

    #[inline]
    fn encode(&self, out: &mut impl Sink) {
        put_length(out, self.len());
        out.put(self.as_bytes());
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.string()
    }
}

impl Wire for Option<Bytes> {
    const LEN_MIN: usize = 4;

    const KIND: Kind = Kind::Buffer;

    #[inline]
    fn encoded_len(&self) -> usize {
        Self::LEN_MIN + self.as_ref().map_or(0, Bytes::len)
    }

    #[inline]
    fn encode(&self, out: &mut impl Sink) {
        match self {
            Some(bytes) => {
                put_length(out, bytes.len());
                out.put_payload(bytes);
            }
            None => out.put(&(-1_i32).to_be_bytes()),
        }
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.buffer()
    }

    fn show(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Some(bytes) => write!(out, "{} bytes", bytes.len()),
            None => out.write_str("null"),
        }
    }
}

impl Wire for Option<String> {
    const LEN_MIN: usize = 4;

    const KIND: Kind = Kind::Text;

    #[inline]
    fn encoded_len(&self) -> usize {
        Self::LEN_MIN + self.as_ref().map_or(0, String::len)
    }

    #[inline]
    fn encode(&self, out: &mut impl Sink) {
        match self {
            Some(text) => text.encode(out),
            None => out.put(&(-1_i32).to_be_bytes()),
        }
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.nullable_string()
    }
}

impl<T: Wire> Wire for Vec<T> {
    const LEN_MIN: usize = 4;

    const KIND: Kind = Kind::Vector(&T::KIND);

    #[inline]
    fn encoded_len(&self) -> usize {
        Self::LEN_MIN + self.iter().map(Wire::encoded_len).sum::<usize>()
    }

    #[inline]
    fn encode(&self, out: &mut impl Sink) {
        put_length(out, self.len());
        for element in self {
            element.encode(out);
        }
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count = input.count(T::LEN_MIN)?;
        let mut elements = Self::with_capacity(count);
        for _ in 0..count {
            elements.push(T::decode(input)?);
        }
        Ok(elements)
    }

    fn each_path(&mut self, visit: &mut dyn FnMut(&mut Path)) {
        for element in self {
            element.each_path(visit);
        }
    }

    fn show(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter().map(Shown)).finish()
    }
}

/// What every record must stand, for the tests beside the records.
#[cfg(test)]
pub(crate) mod proof {
    use super::*;

    /// Decodes a whole frame.
    pub(crate) fn decode<T: Wire>(bytes: &[u8]) -> Result<T, Malformed> {
        let frame = Bytes::copy_from_slice(bytes);
        let mut input = Reader::new(&frame);
        let value = T::decode(&mut input)?;
        input.finish()?;
        Ok(value)
    }

    /// The bytes of a value; checks that there are as many as the value says.
    pub(crate) fn encode(value: &impl Wire) -> Vec<u8> {
        let mut bytes = Vec::new();
        value.encode(&mut bytes);
        assert_eq!(bytes.len(), value.encoded_len(), "{value:?}");
        bytes
    }

    /// Checks that a value survives the wire, that a cut anywhere is an error with a place, and that a change of any
    /// byte is an error or a value.
    pub(crate) fn holds<T: Wire + PartialEq>(value: &T) {
        let bytes = encode(value);
        assert!(bytes.len() >= T::LEN_MIN, "{value:?}");
        assert_eq!(decode::<T>(&bytes).as_ref(), Ok(value));
        for cut in 0..bytes.len() {
            let error = decode::<T>(&bytes[..cut]).expect_err("the value is cut");
            assert!(error.at <= cut, "{value:?} cut at {cut}: {error}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            for byte in [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1] {
                changed[at] = byte;
                if let Ok(other) = decode::<T>(&changed) {
                    encode(&other);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::ToString;
    use std::vec;

    use super::*;
    use crate::error::What;

    #[test]
    fn primitives_survive_the_wire() {
        proof::holds(&());
        proof::holds(&true);
        proof::holds(&i32::MIN);
        proof::holds(&i64::MAX);
        proof::holds(&"ä b".to_string());
        proof::holds(&None::<Bytes>);
        proof::holds(&Some(Bytes::new()));
        proof::holds(&Some(Bytes::from_static(b"data")));
        proof::holds(&vec![1, 2, 3]);
        proof::holds(&vec![vec!["a".to_string()], vec![]]);
    }

    #[test]
    fn numbers_are_big_endian_and_null_is_not_empty() {
        assert_eq!(proof::encode(&-2), [255, 255, 255, 254]);
        assert_eq!(proof::encode(&1_i64), [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(proof::encode(&"ä".to_string()), [0, 0, 0, 2, 0xc3, 0xa4]);
        assert_eq!(proof::encode(&None::<Bytes>), [255, 255, 255, 255]);
        assert_eq!(proof::encode(&Some(Bytes::new())), [0, 0, 0, 0]);
        assert_eq!(proof::encode(&Vec::<i32>::new()), [0, 0, 0, 0]);
    }

    #[test]
    fn readers_are_lenient_where_servers_are() {
        assert_eq!(proof::decode(&[2]), Ok(true));
        assert_eq!(proof::decode(b"\0\0\0\x03a\xffb"), Ok("a\u{fffd}b".to_string()));
        assert_eq!(proof::decode(&[255, 255, 255, 255]), Ok(Vec::<i64>::new()));
    }

    #[test]
    fn elements_without_bytes_cannot_be_counted_up() {
        let error = proof::decode::<Vec<()>>(&[0x7f, 255, 255, 255]).unwrap_err();
        assert_eq!(error.what, What::Count(i32::MAX));
        let error = proof::decode::<Vec<i32>>(&[0, 0, 0, 2, 0, 0, 0, 1]).unwrap_err();
        assert_eq!((error.what, error.at), (What::Count(2), 0));
    }

    #[test]
    fn node_data_is_shown_by_its_length() {
        let data = [Some(Bytes::from_static(b"secret")), None].map(|data| format!("{:?}", Shown(&data)));
        assert_eq!(data, ["6 bytes", "null"]);
        assert_eq!(format!("{:?}", Shown(&vec![Some(Bytes::new())])), "[0 bytes]");
    }
}
