//! Answers, to their bytes. It does not decide what is answered.

use std::cmp::Ordering;

use crate::request::{CHECK, CREATE, CREATE2, DELETE, GET_CHILDREN, GET_DATA, SET_DATA};
use crate::txn::{Event, Form, Outcome};
use crate::wire::Writer;
use crate::{Acl, Code, Id, SessionId, Stat, Zxid};

/// What follows the header of an answer that is not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Nothing,
    Stat(Stat),
    Data(Option<std::sync::Arc<[u8]>>, Stat),
    Acl(Vec<Acl>, Stat),
    Children(Vec<String>, Option<Stat>),
    Path(Option<String>),
    Paths(Vec<String>),
    Number(usize),
    Identities(Vec<Id>),
    /// An error code of its own, which is always 0: the answer to `addWatch`.
    NoError,
    /// A token of SASL.
    Token(Option<Vec<u8>>),
    Outcome(Outcome),
    /// The items of a `multiRead`.
    Reads(Vec<Result<Self, Code>>),
}

/// The frame of an answer.
pub(crate) fn answer(xid: i32, zxid: Zxid, result: &Result<Body, Code>) -> Vec<u8> {
    let mut writer = Writer::frame();
    writer.header(xid, zxid, result.as_ref().err().map_or(0, |code| code.raw()));
    if let Ok(body) = result {
        encode(body, &mut writer);
    }
    writer.finish()
}

/// The frame that refuses a login: the only refusal with a body.
pub(crate) fn login_refused(xid: i32, code: Code) -> Vec<u8> {
    let mut writer = Writer::frame();
    writer.header(xid, Zxid(0), code.raw());
    writer.buffer(None);
    writer.finish()
}

/// The frame of a watch event.
pub(crate) fn event(zxid: Zxid, event: Event, path: &str) -> Vec<u8> {
    let mut writer = Writer::frame();
    writer.header(EVENT_XID, zxid, 0);
    writer.int(event as i32);
    writer.int(SYNC_CONNECTED);
    writer.text(path);
    writer.finish()
}

/// The first frame of a connection, which has no header. Old clients neither send nor expect the last byte.
pub(crate) fn greeting(
    timeout_ms: u32,
    session: SessionId,
    password: [u8; 16],
    is_old: bool,
    is_read_only: bool,
) -> Vec<u8> {
    let mut writer = Writer::frame();
    writer.int(0);
    writer.int(i32::try_from(timeout_ms).unwrap_or(i32::MAX));
    writer.long(session.0);
    writer.buffer(Some(&password));
    if !is_old {
        writer.bool(is_read_only);
    }
    writer.finish()
}

const EVENT_XID: i32 = -1;
/// The state in every event.
const SYNC_CONNECTED: i32 = 3;
/// The type of an item of a multi that has failed.
const ERROR: i32 = -1;

fn encode(body: &Body, writer: &mut Writer) {
    match body {
        Body::Nothing => {}
        Body::Stat(stat) => writer.stat(stat),
        Body::Data(data, stat) => {
            writer.buffer(data.as_deref());
            writer.stat(stat);
        }
        Body::Acl(acl, stat) => {
            writer.acl(acl);
            writer.stat(stat);
        }
        Body::Children(names, stat) => {
            writer.texts(names.iter().map(String::as_str));
            if let Some(stat) = stat {
                writer.stat(stat);
            }
        }
        Body::Path(Some(path)) => writer.text(path),
        Body::Path(None) => writer.buffer(None),
        Body::Paths(paths) => writer.texts(paths.iter().map(String::as_str)),
        Body::Number(number) => writer.count(*number),
        Body::Identities(identities) => {
            writer.count(identities.len());
            for identity in identities {
                writer.id(identity);
            }
        }
        Body::NoError => writer.int(0),
        Body::Token(token) => writer.buffer(token.as_deref()),
        Body::Outcome(outcome) => single(outcome, writer),
        Body::Reads(items) => {
            for item in items {
                read_item(item, writer);
            }
            header(writer, ERROR, true, -1);
        }
    }
}

fn read_item(item: &Result<Body, Code>, writer: &mut Writer) {
    match item {
        Ok(body) => {
            let kind = if matches!(body, Body::Data(..)) { GET_DATA } else { GET_CHILDREN };
            header(writer, kind, false, 0);
            encode(body, writer);
        }
        Err(code) => error_item(writer, code.raw()),
    }
}

fn single(outcome: &Outcome, writer: &mut Writer) {
    match outcome {
        Outcome::Session | Outcome::Deleted | Outcome::Checked => {}
        Outcome::Created { path, stat, form } => {
            writer.text(path);
            if *form != Form::Plain {
                writer.stat(stat);
            }
        }
        Outcome::DataSet(stat) | Outcome::AclSet(stat) => writer.stat(stat),
        Outcome::Multi(outcomes) => {
            for outcome in outcomes {
                multi_item(outcome, writer);
            }
            header(writer, ERROR, true, -1);
        }
        Outcome::MultiFailed { count, at, code } => {
            for item in 0..*count {
                let not_tried = Code::RuntimeInconsistency;
                error_item(
                    writer,
                    match item.cmp(at) {
                        Ordering::Less => 0,
                        Ordering::Equal => code.raw(),
                        Ordering::Greater => not_tried.raw(),
                    },
                );
            }
            header(writer, ERROR, true, -1);
        }
    }
}

fn multi_item(outcome: &Outcome, writer: &mut Writer) {
    let kind = match outcome {
        Outcome::Created { form: Form::Plain, .. } => CREATE,
        Outcome::Created { .. } => CREATE2,
        Outcome::Deleted => DELETE,
        Outcome::Checked => CHECK,
        Outcome::DataSet(_)
        | Outcome::AclSet(_)
        | Outcome::Session
        | Outcome::Multi(_)
        | Outcome::MultiFailed { .. } => SET_DATA,
    };
    header(writer, kind, false, 0);
    single(outcome, writer);
}

fn error_item(writer: &mut Writer, code: i32) {
    header(writer, ERROR, false, code);
    writer.int(code);
}

fn header(writer: &mut Writer, kind: i32, done: bool, error: i32) {
    writer.int(kind);
    writer.bool(done);
    writer.int(error);
}
