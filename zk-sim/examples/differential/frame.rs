//! Frames of requests, and values out of answers. Written for this driver alone; it may build what no client would.

/// Bytes of a request under construction.
#[derive(Clone, Default)]
pub(crate) struct Body(pub(crate) Vec<u8>);

impl std::fmt::Debug for Body {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "\"{}\"", self.0.escape_ascii())
    }
}

impl Body {
    pub(crate) fn bool(mut self, value: bool) -> Self {
        self.0.push(u8::from(value));
        self
    }

    pub(crate) fn int(mut self, value: i32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn long(mut self, value: i64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn bytes(self, value: Option<&[u8]>) -> Self {
        let Some(value) = value else { return self.int(-1) };
        let mut longer = self.int(i32::try_from(value.len()).expect("requests here are small"));
        longer.0.extend(value);
        longer
    }

    pub(crate) fn text(self, value: &str) -> Self {
        self.bytes(Some(value.as_bytes()))
    }

    pub(crate) fn texts(self, values: &[String]) -> Self {
        let counted = self.int(i32::try_from(values.len()).expect("requests here are small"));
        values.iter().fold(counted, |body, value| body.text(value))
    }

    pub(crate) fn framed(self) -> Vec<u8> {
        Self::default().bytes(Some(&self.0)).0
    }
}

/// Takes values off the front; nothing when there is no more.
#[derive(Clone, Debug)]
pub(crate) struct Values<'a>(pub(crate) &'a [u8]);

impl<'a> Values<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn bool(&mut self) -> Option<bool> {
        Some(self.take(1)? != [0])
    }

    pub(crate) fn int(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(crate) fn long(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    /// A null is empty here.
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.int()?;
        if length == -1 { Some(&[]) } else { self.take(usize::try_from(length).ok()?) }
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        Some(String::from_utf8_lossy(self.bytes()?).into_owned())
    }

    pub(crate) fn count(&mut self) -> Option<usize> {
        usize::try_from(self.int()?.max(0)).ok()
    }
}

/// Whether a real server survives this request (xid, opcode and body).
///
/// A `check` outside of a multi, a `createTTL` that is not one, and what servers send only to each other break 3.8.0 for
/// good. What cannot be told apart from these is not safe.
pub(crate) fn is_safe(request: &[u8]) -> bool {
    let mut values = Values(request);
    let Some(opcode) = values.int().and_then(|_| values.int()) else { return true };
    match opcode {
        CHECK | DELETE_CONTAINER | CREATE_SESSION => false,
        CREATE_TTL => is_ttl(&mut values) == Some(true),
        MULTI | MULTI_READ => !mentions_ttl(request) || is_safe_multi(&mut values) == Some(true),
        _ => true,
    }
}

const CHECK: i32 = 13;
const MULTI: i32 = 14;
const DELETE_CONTAINER: i32 = 20;
const CREATE_TTL: i32 = 21;
const MULTI_READ: i32 = 22;
const CREATE_SESSION: i32 = -10;

fn mentions_ttl(bytes: &[u8]) -> bool {
    bytes.windows(4).any(|window| window == CREATE_TTL.to_be_bytes())
}

fn is_ttl(values: &mut Values<'_>) -> Option<bool> {
    values.bytes()?;
    values.bytes()?;
    for _ in 0..values.count()? {
        values.int()?;
        values.bytes()?;
        values.bytes()?;
    }
    let (flags, ttl) = (values.int()?, values.long()?);
    Some([5, 6].contains(&flags) && (1..1 << 40).contains(&ttl))
}

fn is_safe_multi(values: &mut Values<'_>) -> Option<bool> {
    loop {
        let (opcode, done, _) = (values.int()?, values.bool()?, values.int()?);
        match opcode {
            _ if done => return Some(true),
            CREATE_TTL => {
                if !is_ttl(values)? {
                    return Some(false);
                }
            }
            1 | 15 | 19 => {
                values.bytes()?;
                values.bytes()?;
                for _ in 0..values.count()? {
                    values.int()?;
                    values.bytes()?;
                    values.bytes()?;
                }
                values.int()?;
            }
            2 | CHECK => {
                values.bytes()?;
                values.int()?;
            }
            5 => {
                values.bytes()?;
                values.bytes()?;
                values.int()?;
            }
            4 | 8 => {
                values.bytes()?;
                values.bool()?;
            }
            // The server stops reading here as well.
            _ => return Some(true),
        }
    }
}
