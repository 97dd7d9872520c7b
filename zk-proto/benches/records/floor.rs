//! What a decoder costs at the least: a cursor written by hand for two replies, with the same results and the same
//! checks of bounds, and without names, places or kinds of errors.

use bytes::Bytes;
use zk_proto::{SessionId, Stat, Zxid};

/// The header and the body of a getData reply.
pub(crate) fn get_data(frame: &Bytes) -> Option<(i32, i64, i32, Option<Bytes>, Stat)> {
    let mut cursor = Cursor { frame, at: 0 };
    let (xid, zxid, error) = (cursor.int()?, cursor.long()?, cursor.int()?);
    let data = cursor.buffer()?;
    Some((xid, zxid, error, data, cursor.stat()?))
}

/// The header and the body of a getChildren2 reply: the names are checked and left where they are.
pub(crate) fn get_children2(frame: &Bytes) -> Option<(i32, i64, i32, Bytes, usize, Stat)> {
    let mut cursor = Cursor { frame, at: 0 };
    let (xid, zxid, error) = (cursor.int()?, cursor.long()?, cursor.int()?);
    let count = usize::try_from(cursor.int()?).ok()?;
    if count > (frame.len() - cursor.at) / 4 {
        return None;
    }
    let start = cursor.at;
    for _ in 0..count {
        let length = usize::try_from(cursor.int()?).ok()?;
        str::from_utf8(cursor.take(length)?).ok()?;
    }
    let names = frame.slice(start..cursor.at);
    Some((xid, zxid, error, names, count, cursor.stat()?))
}

struct Cursor<'a> {
    frame: &'a Bytes,
    at: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let bytes = self.frame.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(bytes)
    }

    #[inline]
    fn int(&mut self) -> Option<i32> {
        self.take(4)?.try_into().ok().map(i32::from_be_bytes)
    }

    #[inline]
    fn long(&mut self) -> Option<i64> {
        self.take(8)?.try_into().ok().map(i64::from_be_bytes)
    }

    #[inline]
    fn buffer(&mut self) -> Option<Option<Bytes>> {
        let length = self.int()?;
        if length == -1 {
            return Some(None);
        }
        let start = self.at;
        self.take(usize::try_from(length).ok()?)?;
        Some(Some(self.frame.slice(start..self.at)))
    }

    #[inline]
    fn stat(&mut self) -> Option<Stat> {
        Some(Stat {
            czxid: Zxid::new(self.long()?),
            mzxid: Zxid::new(self.long()?),
            ctime: self.long()?,
            mtime: self.long()?,
            version: self.int()?,
            cversion: self.int()?,
            aversion: self.int()?,
            ephemeral_owner: SessionId::new(self.long()?),
            data_length: self.int()?,
            num_children: self.int()?,
            pzxid: Zxid::new(self.long()?),
        })
    }
}
