//! What of an answer must be the same on both sides, as text. Times are left out, a zxid is the number of writes of the
//! sequence up to it, sessions have no names, and what has no order is sorted.

use crate::driver::frame::Values;

/// What differs from one side to the other, and how it is named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// The zxids of the sequence's own writes. Those between them belong to others, such as the server's own job.
    pub(crate) own: Vec<i64>,
    /// The sessions in the order in which they were opened.
    sessions: Vec<i64>,
}

const EVENT_XID: i32 = -1;

impl Frame {
    /// The name of a session.
    pub(crate) fn session(&mut self, id: i64) -> String {
        if id != 0 && !self.sessions.contains(&id) {
            self.sessions.push(id);
        }
        self.owner(id)
    }

    fn owner(&self, id: i64) -> String {
        match self.sessions.iter().position(|known| *known == id) {
            _ if id == 0 => "nobody".into(),
            Some(at) => format!("#{at}"),
            None => "somebody".into(),
        }
    }

    fn zxid(&self, zxid: i64) -> String {
        format!("#{}", self.own.partition_point(|own| *own <= zxid))
    }

    fn event_zxid(&self, zxid: i64) -> String {
        if zxid < 0 { zxid.to_string() } else { self.zxid(zxid) }
    }

    /// One frame of an answer to a request with this opcode.
    pub(crate) fn normal(&self, opcode: i32, frame: &[u8]) -> String {
        let mut values = Values(frame);
        self.parsed(opcode, &mut values)
            .filter(|_| values.0.is_empty())
            .unwrap_or_else(|| format!("unreadable {frame:x?}"))
    }

    fn parsed(&self, opcode: i32, values: &mut Values<'_>) -> Option<String> {
        let (xid, zxid, code) = (values.int()?, values.long()?, values.int()?);
        if xid == EVENT_XID {
            let (kind, state, path) = (values.int()?, values.int()?, values.text()?);
            return Some(format!("event {kind} {state} {path:?} zxid {}", self.event_zxid(zxid)));
        }
        let body = if code == 0 { self.body(opcode, values)? } else { String::new() };
        Some(format!("reply {xid} zxid {} code {code} {body}", self.event_zxid(zxid)))
    }

    fn body(&self, opcode: i32, values: &mut Values<'_>) -> Option<String> {
        Some(match opcode {
            1 | 9 => format!("{:?}", nullable(values)?.map(|bytes| bytes.escape_ascii().to_string())),
            15 | 19 | 21 => format!("{:?} {}", values.text()?, self.stat(values)?),
            3 | 5 | 7 => self.stat(values)?,
            4 => format!("{:x?} {}", nullable(values)?, self.stat(values)?),
            6 => {
                let mut acl = (0..values.count()?)
                    .map(|_| Some(format!("{} {:?} {:?}", values.int()?, values.text()?, values.text()?)))
                    .collect::<Option<Vec<_>>>()?;
                acl.sort();
                format!("{acl:?} {}", self.stat(values)?)
            }
            8 => names(values)?,
            12 => format!("{} {}", names(values)?, self.stat(values)?),
            14 | 22 => self.items(values)?,
            103 => names(values)?,
            104 | 106 => values.int()?.to_string(),
            102 => format!("{:?}", nullable(values)?),
            107 => {
                let mut ids = (0..values.count()?)
                    .map(|_| Some((values.text()?, values.text()?)))
                    .collect::<Option<Vec<_>>>()?;
                ids.sort();
                format!("{ids:?}")
            }
            _ => String::new(),
        })
    }

    fn items(&self, values: &mut Values<'_>) -> Option<String> {
        let mut items = Vec::new();
        loop {
            let (kind, done, code) = (values.int()?, values.bool()?, values.int()?);
            let body = match kind {
                _ if done => {
                    items.push(format!("end {kind} {code}"));
                    return Some(format!("{items:?}"));
                }
                -1 => values.int()?.to_string(),
                2 | 13 => String::new(),
                _ => self.body(kind, values)?,
            };
            items.push(format!("{kind} {code} {body}"));
        }
    }

    fn stat(&self, values: &mut Values<'_>) -> Option<String> {
        let (created, modified) = (values.long()?, values.long()?);
        values.take(16)?;
        let versions = [values.int()?, values.int()?, values.int()?];
        let owner = self.owner(values.long()?);
        let (length, children, family) = (values.int()?, values.int()?, values.long()?);
        let zxids = [created, modified, family].map(|zxid| self.zxid(zxid));
        Some(format!("{zxids:?} versions {versions:?} owner {owner} length {length} children {children}"))
    }
}

/// Bytes, where null is not the same as none.
fn nullable(values: &mut Values<'_>) -> Option<Option<Vec<u8>>> {
    let is_null = values.0.starts_with(&(-1_i32).to_be_bytes());
    let bytes = values.bytes()?.to_vec();
    Some((!is_null).then_some(bytes))
}

fn names(values: &mut Values<'_>) -> Option<String> {
    let mut names = (0..values.count()?).map(|_| values.text()).collect::<Option<Vec<_>>>()?;
    names.sort();
    Some(format!("{names:?}"))
}
