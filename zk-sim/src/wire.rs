//! The encoding on the wire, from the server's side. It shares nothing with the client's, so that a mistake there cannot
//! hide behind the same mistake here. It knows primitives only.

use std::sync::Arc;

use crate::acl::{Acl, AclAsked, Id};
use crate::{Code, Millis, SessionId, Stat, Zxid};

/// Something that cannot be what the record should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl From<Malformed> for Code {
    fn from(_: Malformed) -> Self {
        Self::MarshallingError
    }
}

pub(crate) type Decoded<T> = Result<T, Malformed>;

/// Takes values off the front of some bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, count: usize) -> Decoded<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    pub(crate) fn bool(&mut self) -> Decoded<bool> {
        Ok(self.array::<1>()? != [0])
    }

    pub(crate) fn int(&mut self) -> Decoded<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn long(&mut self) -> Decoded<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// Bytes with their length before them; -1 is null.
    pub(crate) fn buffer(&mut self) -> Decoded<Option<&'a [u8]>> {
        match self.int()? {
            -1 => Ok(None),
            length => self.take(usize::try_from(length).map_err(|_| Malformed)?).map(Some),
        }
    }

    /// Text. What is not UTF-8 in it is replaced, as Java does.
    pub(crate) fn text(&mut self) -> Decoded<Option<String>> {
        Ok(self.buffer()?.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
    }

    /// A path, where null makes the server stumble.
    pub(crate) fn path(&mut self) -> Decoded<String> {
        self.text()?.ok_or(Malformed)
    }

    pub(crate) fn data(&mut self) -> Decoded<Option<Arc<[u8]>>> {
        Ok(self.buffer()?.map(Arc::from))
    }

    /// Elements with their count before them; -1 is null, any other negative count is none.
    pub(crate) fn vector<T>(&mut self, item: impl Fn(&mut Self) -> Decoded<T>) -> Decoded<Option<Vec<T>>> {
        let count = self.int()?;
        // Grows with what is there, not with what was announced.
        let items = (0..count.max(0)).map(|_| item(self)).collect::<Decoded<Vec<T>>>()?;
        Ok((count != -1).then_some(items))
    }

    pub(crate) fn paths(&mut self) -> Decoded<Vec<String>> {
        self.vector(Self::path)?.ok_or(Malformed)
    }

    pub(crate) fn acl(&mut self) -> Decoded<Option<Vec<AclAsked>>> {
        self.vector(|reader| {
            Ok(AclAsked { perms: reader.int()?, scheme: reader.text()?, id: reader.text()? })
        })
    }
}

/// Collects the bytes of one frame.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A frame whose length is still to come.
    pub(crate) fn frame() -> Self {
        Self { bytes: vec![0; LENGTH_BYTES] }
    }

    /// The frame with its length. The server does not limit its answers, and all it holds came in smaller frames.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len() - LENGTH_BYTES).unwrap_or(u32::MAX);
        self.bytes[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        self.bytes
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.bytes.push(u8::from(value));
    }

    pub(crate) fn int(&mut self, value: i32) {
        self.bytes.extend(value.to_be_bytes());
    }

    pub(crate) fn long(&mut self, value: i64) {
        self.bytes.extend(value.to_be_bytes());
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.int(i32::try_from(count).unwrap_or(i32::MAX));
    }

    pub(crate) fn buffer(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => self.int(-1),
            Some(bytes) => {
                self.count(bytes.len());
                self.bytes.extend(bytes);
            }
        }
    }

    /// Text as Java writes it: each half of a character of two UTF-16 units by itself.
    pub(crate) fn text(&mut self, text: &str) {
        if text.chars().all(|char| char.len_utf16() == 1) {
            return self.buffer(Some(text.as_bytes()));
        }
        let mut bytes = Vec::new();
        for char in text.chars() {
            if char.len_utf16() == 1 {
                bytes.extend(char.encode_utf8(&mut [0; 4]).bytes());
            } else {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    let [high, low] = unit.to_be_bytes();
                    bytes.extend([0xe0 | high >> 4, 0x80 | (high & 0xf) << 2 | low >> 6, 0x80 | low & 0x3f]);
                }
            }
        }
        self.buffer(Some(&bytes));
    }

    pub(crate) fn texts<'a>(&mut self, texts: impl ExactSizeIterator<Item = &'a str>) {
        self.count(texts.len());
        for text in texts {
            self.text(text);
        }
    }

    pub(crate) fn id(&mut self, id: &Id) {
        self.text(&id.scheme);
        self.text(&id.id);
    }

    pub(crate) fn acl(&mut self, acl: &[Acl]) {
        self.count(acl.len());
        for entry in acl {
            self.int(entry.perms);
            self.id(&entry.id);
        }
    }

    pub(crate) fn stat(&mut self, stat: &Stat) {
        let Stat { czxid: Zxid(czxid), mzxid: Zxid(mzxid), pzxid: Zxid(pzxid), .. } = *stat;
        let (Millis(ctime), Millis(mtime)) = (stat.ctime, stat.mtime);
        let SessionId(owner) = stat.ephemeral_owner;
        for value in [czxid, mzxid, ctime.cast_signed(), mtime.cast_signed()] {
            self.long(value);
        }
        for value in [stat.version, stat.cversion, stat.aversion] {
            self.int(value);
        }
        self.long(owner);
        self.int(stat.data_length);
        self.int(stat.num_children);
        self.long(pzxid);
    }

    /// What stands before every answer but the first.
    pub(crate) fn header(&mut self, xid: i32, zxid: Zxid, code: i32) {
        self.int(xid);
        self.long(zxid.0);
        self.int(code);
    }
}

/// Bytes of the length before a frame.
pub(crate) const LENGTH_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written() {
        let mut writer = Writer::frame();
        writer.bool(true);
        writer.int(-2);
        writer.long(i64::MIN);
        writer.buffer(None);
        writer.buffer(Some(&[]));
        writer.text("ä");
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        assert_eq!(usize::try_from(reader.int().unwrap()), Ok(bytes.len() - LENGTH_BYTES));
        assert_eq!((reader.bool(), reader.int(), reader.long()), (Ok(true), Ok(-2), Ok(i64::MIN)));
        assert_eq!((reader.buffer(), reader.buffer()), (Ok(None), Ok(Some(&[][..]))));
        assert_eq!(reader.text(), Ok(Some("ä".into())));
        assert_eq!(reader.bool(), Err(Malformed));
    }

    #[test]
    fn lengths_that_cannot_be_are_malformed() {
        for length in [-2, i32::MIN, 1, i32::MAX] {
            assert_eq!(Reader::new(&length.to_be_bytes()).buffer(), Err(Malformed), "{length}");
        }
        for count in [1, i32::MAX] {
            assert_eq!(Reader::new(&i32::to_be_bytes(count)).vector(Reader::int), Err(Malformed));
        }
        assert_eq!(Reader::new(&i32::to_be_bytes(-1)).vector(Reader::int), Ok(None));
        assert_eq!(Reader::new(&i32::to_be_bytes(-7)).vector(Reader::int), Ok(Some(vec![])));
    }

    #[test]
    fn a_character_of_two_units_is_written_in_halves() {
        let mut writer = Writer::frame();
        writer.text("a\u{1f600}");
        assert_eq!(writer.finish()[8..], [b'a', 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]);
    }
}
