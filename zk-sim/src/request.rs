//! Requests, from their bytes. It does not decide whether one is allowed.

use crate::quirks::{Quirks, Version};
use crate::txn::{Change, Create, Form, Write};
use crate::wire::{Decoded, Malformed, Reader};

/// What a client asks for, once it has a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Goes through the log.
    Write(Write),
    Read(Read),
    Watch(Watch),
    Sync {
        path: Option<String>,
    },
    Ping,
    Auth {
        scheme: Option<String>,
        credentials: Option<Vec<u8>>,
    },
    Sasl {
        token: Option<Vec<u8>>,
    },
    /// A server alone has no ensemble to configure.
    Reconfig,
    CloseSession,
}

/// Answered from the tree as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Exists { path: String, watch: bool },
    Data { path: String, watch: bool },
    Acl { path: String },
    Children { path: String, watch: bool, stat: bool },
    Ephemerals { prefix: Option<String> },
    AllChildrenNumber { path: String },
    WhoAmI,
    Multi(Vec<Self>),
}

/// About the watches of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    Add { path: String, recursive: bool },
    Check { path: String, wanted: Wanted },
    Remove { path: String, wanted: Wanted },
    Restore(Restore),
}

/// Which watches a client means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Children,
    Data,
    Any,
    Persistent,
    Recursive,
}

/// The watches that a client had on its last connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Restore {
    /// The last zxid it has seen.
    pub(crate) seen: i64,
    pub(crate) data: Vec<String>,
    pub(crate) exist: Vec<String>,
    pub(crate) child: Vec<String>,
    pub(crate) persistent: Vec<String>,
    pub(crate) recursive: Vec<String>,
}

pub(crate) const CLOSE_SESSION: i32 = -11;
pub(crate) const CREATE: i32 = 1;
pub(crate) const DELETE: i32 = 2;
const EXISTS: i32 = 3;
pub(crate) const GET_DATA: i32 = 4;
pub(crate) const SET_DATA: i32 = 5;
const GET_ACL: i32 = 6;
const SET_ACL: i32 = 7;
pub(crate) const GET_CHILDREN: i32 = 8;
const SYNC: i32 = 9;
const PING: i32 = 11;
const GET_CHILDREN2: i32 = 12;
pub(crate) const CHECK: i32 = 13;
const MULTI: i32 = 14;
pub(crate) const CREATE2: i32 = 15;
const RECONFIG: i32 = 16;
const CHECK_WATCHES: i32 = 17;
const REMOVE_WATCHES: i32 = 18;
const CREATE_CONTAINER: i32 = 19;
const CREATE_TTL: i32 = 21;
const MULTI_READ: i32 = 22;
const AUTH: i32 = 100;
const SET_WATCHES: i32 = 101;
const SASL: i32 = 102;
const GET_EPHEMERALS: i32 = 103;
const GET_ALL_CHILDREN_NUMBER: i32 = 104;
const SET_WATCHES2: i32 = 105;
const ADD_WATCH: i32 = 106;
const WHO_AM_I: i32 = 107;

/// Since which version a server takes the operation from a client. `check` is for multis only.
fn since(opcode: i32) -> Option<Version> {
    match opcode {
        CREATE..=SYNC | PING | GET_CHILDREN2 | MULTI | AUTH..=SASL | CLOSE_SESSION => Some(Version::V3_4),
        CREATE2..=CREATE_CONTAINER | CREATE_TTL => Some(Version::V3_5),
        MULTI_READ | GET_EPHEMERALS..=WHO_AM_I => Some(Version::V3_8),
        _ => None,
    }
}

/// Whether a request of this kind takes a place in the log even when it cannot be decoded.
pub(crate) fn is_logged(opcode: i32, body: &[u8], quirks: &Quirks) -> bool {
    match opcode {
        MULTI => !quirks.malformed_has_no_zxid || !lacks_acl(&mut Reader::new(body), quirks),
        CREATE | DELETE | SET_DATA | SET_ACL | CREATE2 | CREATE_CONTAINER | CREATE_TTL => {
            !quirks.malformed_has_no_zxid
        }
        _ => false,
    }
}

/// Whether the first fault of a multi is a create that has flags and no ACL. Reads are no fault as long as no write
/// is there, too.
fn lacks_acl(reader: &mut Reader<'_>, quirks: &Quirks) -> bool {
    let (mut has_reads, mut has_writes) = (false, false);
    while let (Ok(opcode), Ok(false), Ok(_)) = (reader.int(), reader.bool(), reader.int()) {
        if !has_writes && item_read(opcode, reader).is_ok() {
            has_reads = true;
            continue;
        }
        has_writes = true;
        match change(opcode, reader, quirks) {
            Ok(Change::Create(create)) if has_unknown_flags(&create) => return false,
            Ok(Change::Create(create)) if lacks_what_it_needs(&create) => return create.acl.is_none(),
            Ok(_) if !has_reads => {}
            Ok(_) | Err(_) => return false,
        }
    }
    false
}

fn has_unknown_flags(create: &Create) -> bool {
    !matches!(create.form, Form::Ttl(_)) && !(0..=FLAGS_MAX).contains(&create.flags)
}

fn lacks_what_it_needs(create: &Create) -> bool {
    !matches!(create.form, Form::Ttl(_)) && (create.acl.is_none() || TTL_FLAGS.contains(&create.flags))
}

/// The last of the flags that exist.
const FLAGS_MAX: i32 = 6;
/// The flags for a time to live.
const TTL_FLAGS: [i32; 2] = [5, 6];

/// Whether a request is looked at where frames are read, so that one that cannot be decoded ends its connection.
pub(crate) const fn is_for_the_door(opcode: i32) -> bool {
    matches!(opcode, AUTH | SASL)
}

/// Whether a server that has too much to do may refuse such a request (3.7 to 3.9).
pub(crate) const fn can_be_throttled(opcode: i32) -> bool {
    !matches!(opcode, PING | CLOSE_SESSION) && !is_for_the_door(opcode)
}

/// Whether the server knows the operation.
pub(crate) fn is_known(opcode: i32, quirks: &Quirks) -> bool {
    since(opcode).is_some_and(|since| since <= quirks.version)
}

/// Reads the body of a request that is known. What follows it is not looked at.
pub(crate) fn decode(opcode: i32, body: &[u8], quirks: &Quirks) -> Decoded<Request> {
    let reader = &mut Reader::new(body);
    Ok(match opcode {
        EXISTS => Request::Read(Read::Exists { path: reader.path()?, watch: reader.bool()? }),
        GET_DATA => Request::Read(Read::Data { path: reader.path()?, watch: reader.bool()? }),
        GET_ACL => Request::Read(Read::Acl { path: reader.path()? }),
        GET_CHILDREN | GET_CHILDREN2 => Request::Read(Read::Children {
            path: reader.path()?,
            watch: reader.bool()?,
            stat: opcode == GET_CHILDREN2,
        }),
        GET_EPHEMERALS => Request::Read(Read::Ephemerals { prefix: reader.text()? }),
        GET_ALL_CHILDREN_NUMBER => Request::Read(Read::AllChildrenNumber { path: reader.path()? }),
        WHO_AM_I => Request::Read(Read::WhoAmI),
        MULTI_READ => Request::Read(Read::Multi(items(reader, item_read)?)),
        SET_ACL => {
            Request::Write(Write::SetAcl { path: reader.path()?, acl: reader.acl()?, version: reader.int()? })
        }
        MULTI => {
            Request::Write(Write::Multi(items(reader, |opcode, reader| item_change(opcode, reader, quirks))?))
        }
        CREATE | DELETE | SET_DATA | CREATE2 | CREATE_CONTAINER | CREATE_TTL => {
            Request::Write(Write::Change(change(opcode, reader, quirks)?))
        }
        SYNC => Request::Sync { path: reader.text()? },
        PING => Request::Ping,
        AUTH => {
            reader.int()?;
            let scheme = reader.text()?;
            Request::Auth { scheme, credentials: reader.buffer()?.map(<[u8]>::to_vec) }
        }
        SASL => Request::Sasl { token: reader.buffer()?.map(<[u8]>::to_vec) },
        RECONFIG => {
            for _ in 0..3 {
                reader.text()?;
            }
            reader.long()?;
            Request::Reconfig
        }
        CLOSE_SESSION => Request::CloseSession,
        _ => Request::Watch(watch(opcode, reader, quirks)?),
    })
}

fn watch(opcode: i32, reader: &mut Reader<'_>, quirks: &Quirks) -> Decoded<Watch> {
    Ok(match opcode {
        ADD_WATCH => Watch::Add {
            path: reader.path()?,
            recursive: match reader.int()? {
                0 => false,
                1 => true,
                _ => return Err(Malformed),
            },
        },
        CHECK_WATCHES => Watch::Check { path: reader.path()?, wanted: wanted(reader, quirks)? },
        REMOVE_WATCHES => Watch::Remove { path: reader.path()?, wanted: wanted(reader, quirks)? },
        SET_WATCHES | SET_WATCHES2 => {
            let mut restore = Restore {
                seen: reader.long()?,
                data: reader.paths()?,
                exist: reader.paths()?,
                child: reader.paths()?,
                ..Restore::default()
            };
            if opcode == SET_WATCHES2 {
                (restore.persistent, restore.recursive) = (reader.paths()?, reader.paths()?);
            }
            Watch::Restore(restore)
        }
        _ => return Err(Malformed),
    })
}

fn wanted(reader: &mut Reader<'_>, quirks: &Quirks) -> Decoded<Wanted> {
    match reader.int()? {
        1 => Ok(Wanted::Children),
        2 => Ok(Wanted::Data),
        3 => Ok(Wanted::Any),
        4 if quirks.watches_mix => Ok(Wanted::Persistent),
        5 if quirks.watches_mix => Ok(Wanted::Recursive),
        _ => Err(Malformed),
    }
}

/// The operations of a multi, up to the header that says it is done.
fn items<T>(reader: &mut Reader<'_>, item: impl Fn(i32, &mut Reader<'_>) -> Decoded<T>) -> Decoded<Vec<T>> {
    let mut items = Vec::new();
    loop {
        let (opcode, done, _) = (reader.int()?, reader.bool()?, reader.int()?);
        if done {
            return Ok(items);
        }
        items.push(item(opcode, reader)?);
    }
}

fn item_read(opcode: i32, reader: &mut Reader<'_>) -> Decoded<Read> {
    let mut target = || Ok((reader.path()?, reader.bool()?).0);
    match opcode {
        GET_DATA => Ok(Read::Data { path: target()?, watch: false }),
        GET_CHILDREN => Ok(Read::Children { path: target()?, watch: false, stat: false }),
        _ => Err(Malformed),
    }
}

fn item_change(opcode: i32, reader: &mut Reader<'_>, quirks: &Quirks) -> Decoded<Change> {
    let change = change(opcode, reader, quirks)?;
    let spoils = match &change {
        Change::Create(create) => has_unknown_flags(create) || lacks_what_it_needs(create),
        Change::Delete { .. } | Change::SetData { .. } | Change::Check { .. } => false,
    };
    if quirks.multi_checks_flags && spoils { Err(Malformed) } else { Ok(change) }
}

/// Reads a change that the server knows. A `check` is part of multis only.
fn change(opcode: i32, reader: &mut Reader<'_>, quirks: &Quirks) -> Decoded<Change> {
    if opcode != CHECK && !is_known(opcode, quirks) {
        return Err(Malformed);
    }
    Ok(match opcode {
        CREATE | CREATE2 | CREATE_CONTAINER | CREATE_TTL => Change::Create(Create {
            path: reader.path()?,
            data: reader.data()?,
            acl: reader.acl()?,
            flags: reader.int()?,
            form: match opcode {
                CREATE => Form::Plain,
                CREATE2 => Form::WithStat,
                CREATE_CONTAINER => Form::Container,
                _ => Form::Ttl(reader.long()?),
            },
        }),
        DELETE => Change::Delete { path: reader.path()?, version: reader.int()? },
        SET_DATA => Change::SetData { path: reader.path()?, data: reader.data()?, version: reader.int()? },
        CHECK => Change::Check { path: reader.path()?, version: reader.int()? },
        _ => return Err(Malformed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A create without an ACL, or with none in it, as an item of a multi.
    fn create(has_acl: bool, flags: i32) -> Vec<u8> {
        let acl: i32 = if has_acl { 0 } else { -1 };
        let parts = [-1_i32, acl, flags].map(i32::to_be_bytes).concat();
        [&1_i32.to_be_bytes()[..], &[0; 5], &2_i32.to_be_bytes(), b"/a", &parts].concat()
    }

    fn read() -> Vec<u8> {
        [&GET_DATA.to_be_bytes()[..], &[0; 5], &2_i32.to_be_bytes(), b"/a", &[0]].concat()
    }

    fn multi(items: &[Vec<u8>]) -> Vec<u8> {
        [items.concat(), [&(-1_i32).to_be_bytes()[..], &[1], &(-1_i32).to_be_bytes()].concat()].concat()
    }

    #[test]
    fn a_malformed_write_has_no_place_in_the_log_of_3_9() {
        let (old, new) = (Quirks::default(), Quirks::of(Version::V3_9));
        assert!(is_logged(CREATE, b"", &old) && is_logged(MULTI, b"", &old));
        assert!(!is_logged(CREATE, b"", &new) && is_logged(MULTI, b"", &new));
        assert!(!is_logged(GET_DATA, b"", &old));
    }

    #[test]
    fn a_multi_of_3_9_that_lacks_an_acl_has_none_either() {
        let quirks = Quirks::of(Version::V3_9);
        for (items, logged) in [
            (vec![create(false, 0)], false),
            (vec![create(false, 5)], false),
            (vec![create(true, 0), create(false, 0)], false),
            (vec![read(), create(false, 0)], false),
            (vec![create(false, 9)], true),
            (vec![create(true, 5), create(false, 0)], true),
            (vec![create(true, 0), read(), create(false, 0)], true),
            (vec![read(), create(true, 0), create(false, 0)], true),
        ] {
            let body = multi(&items);
            assert!(decode(MULTI, &body, &quirks).is_err(), "{items:?}");
            assert_eq!(is_logged(MULTI, &body, &quirks), logged, "{items:?}");
        }
        assert!(decode(MULTI, &multi(&[create(false, 0)]), &Quirks::default()).is_ok());
    }

    #[test]
    fn the_old_server_knows_fewer_changes() {
        let quirks = Quirks::of(Version::V3_4);
        assert!(decode(MULTI, &multi(&[create(true, 0)]), &quirks).is_ok());
        let mut newer = create(true, 0);
        newer[3] = 15;
        assert!(decode(MULTI, &multi(&[newer]), &quirks).is_err());
    }
}
