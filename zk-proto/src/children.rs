//! The names of a node's children, checked once and kept as they came.
//!
//! A node may have a hundred thousand children, and most readers look at each name once: a string for each would be
//! the costliest part of decoding.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::{Bytes, BytesMut};

use crate::error::Malformed;
use crate::read::Reader;
use crate::record::Wire;
use crate::schema::Kind;
use crate::write::{Sink, put_length};

/// The names of a node's children, without a path, in no particular order.
///
/// It shares the memory of the frame it came in: take [`Children::to_vec`] of what is to be kept for long.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Children {
    /// The names as on the wire: each a length that fits and that many bytes of valid UTF-8.
    region: Bytes,
    count: usize,
}

impl Children {
    /// The names, in the order of the server, which has no meaning.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        Names { rest: &self.region, left: self.count }
    }

    /// The names as strings of their own.
    #[must_use]
    pub fn to_vec(&self) -> Vec<String> {
        self.iter().map(ToOwned::to_owned).collect()
    }

    /// The number of children.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no children.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<Name: AsRef<str>> FromIterator<Name> for Children {
    fn from_iter<Names: IntoIterator<Item = Name>>(names: Names) -> Self {
        let mut region = BytesMut::new();
        let mut count = 0;
        for name in names {
            put_length(&mut region, name.as_ref().len());
            region.put(name.as_ref().as_bytes());
            count += 1;
        }
        Self { region: region.freeze(), count }
    }
}

impl fmt::Debug for Children {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

#[derive(Clone)]
struct Names<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Names<'a> {
    type Item = &'a str;

    /// The names of a value were checked when it was made; a fault ends the iteration.
    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        let (name, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        self.rest = rest;
        self.left = self.left.saturating_sub(1);
        str::from_utf8(name).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Names<'_> {}

impl Wire for Children {
    const LEN_MIN: usize = 4;

    const KIND: Kind = Kind::Vector(&Kind::Text);

    fn encoded_len(&self) -> usize {
        Self::LEN_MIN + self.region.len()
    }

    fn encode(&self, out: &mut impl Sink) {
        put_length(out, self.count);
        out.put_payload(&self.region);
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.within("Children", |input| {
            let count = input.count(String::LEN_MIN)?;
            let mut names = Names { rest: input.peek(), left: count };
            if names.by_ref().take(count).count() == count {
                let region = input.region(input.rest_len() - names.rest.len())?;
                return Ok(Self { region, count });
            }
            replaced(input, count)
        })
    }
}

/// The same names with invalid UTF-8 replaced, which takes a copy; or what else is wrong with them.
#[cold]
fn replaced(input: &mut Reader<'_>, count: usize) -> Result<Children, Malformed> {
    (0..count).map(|_| input.string()).collect()
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;
    use crate::error::What;
    use crate::record::proof;

    #[test]
    fn names_come_out_as_they_came_in() {
        let children: Children = ["a", "", "lock-0000000001", "ä"].into_iter().collect();
        proof::holds(&children);
        assert_eq!((children.len(), Children::default().len()), (4, 0));
        let mut names = children.iter();
        for left in (0..4).rev() {
            assert!(names.next().is_some());
            assert_eq!(names.len(), left);
        }
        assert_eq!(children.to_vec(), ["a", "", "lock-0000000001", "ä"]);
        assert_eq!(format!("{children:?}"), r#"["a", "", "lock-0000000001", "ä"]"#);
        assert!(!children.is_empty() && Children::default().is_empty());
    }

    #[test]
    fn null_is_taken_for_no_children() {
        assert_eq!(proof::decode(&[255, 255, 255, 255]), Ok(Children::default()));
        assert_eq!(proof::decode(&[0, 0, 0, 0]), Ok(Children::default()));
    }

    #[test]
    fn the_names_are_not_copied_unless_one_is_invalid() {
        let frame = Bytes::from_static(b"\0\0\0\x02\0\0\0\x01a\0\0\0\x02bc");
        let children = Children::decode(&mut Reader::new(&frame)).unwrap();
        assert_eq!(children.region.as_ptr(), frame[4..].as_ptr());

        let invalid: Children = proof::decode(b"\0\0\0\x02\0\0\0\x01\xff\0\0\0\x02b\x80").unwrap();
        assert_eq!(invalid, ["\u{fffd}", "b\u{fffd}"].into_iter().collect());
        assert_eq!(invalid.to_vec(), ["\u{fffd}", "b\u{fffd}"]);
    }

    #[test]
    fn a_bad_count_or_name_is_an_error() {
        for (bytes, what, at) in [
            (&b"\0\0\0\x02\0\0\0\x01a"[..], What::Count(2), 0),
            (b"\x7f\xff\xff\xff\0\0\0\x01a", What::Count(i32::MAX), 0),
            (b"\xff\xff\xff\xfe", What::Count(-2), 0),
            (b"\0\0\0\x01\xff\xff\xff\xff", What::NullString, 4),
            (b"\0\0\0\x01\xff\xff\xff\xfe", What::NegativeLength(-2), 4),
            (b"\0\0\0\x01\0\0\0\x02a", What::Truncated, 8),
        ] {
            assert_eq!(proof::decode::<Children>(bytes), Err(Malformed { what, record: "Children", at }));
        }
    }
}
