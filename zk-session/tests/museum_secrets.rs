//! From the museum of bugs of clients: secrets in logs. It has a file of its own, since a process has one log.

#[macro_use]
mod script;

use std::fmt::{self, Debug, Write};
use std::sync::{Arc, Mutex, PoisonError};

use script::links::{digest, path};
use script::{Script, T, data};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use zk_session::ops::{Create, Reply, SaslToken, SetData};
use zk_session::proto::{self, ConnectResponse, Password, Secret, SessionId};
use zk_session::sasl::{DigestMd5, Plain};
use zk_session::{Acl, Code, Config, CreateMode, Input, Session, Version};

/// What must not be found: each is unlike anything else.
const PASSWORD: &str = "canary-password";
const SASL_PASSWORD: &str = "canary-sasl";
const SESSION_PASSWORD: &[u8; 16] = b"canary-session-1";
const DATA: &str = "canary-data";
const TOKEN: &str = "canary-token";

/// Everything that was logged, whatever its level.
static LOG: Mutex<String> = Mutex::new(String::new());

fn log() -> std::sync::MutexGuard<'static, String> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Log;

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?} {value:#?}").expect("a string");
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line(&mut log()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut log()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line(&mut log()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn note(what: &(impl Debug + ?Sized)) {
    write!(log(), " {what:?} {what:#?}").expect("a string");
}

fn note_session(session: &Session) {
    note(session);
    note(&session.statistics());
    note(&session.state());
    note(&session.last_fault());
    note(&session.servers());
    note(&session.recent_frames().collect::<Vec<_>>());
}

/// The ways in which bytes could show in a text.
fn traces(secret: &[u8]) -> Vec<String> {
    let by_byte = |write: &dyn Fn(&mut String, u8) -> fmt::Result, separator: &str| {
        let shown = |byte: &u8| {
            let mut text = String::new();
            write(&mut text, *byte).expect("a string");
            text
        };
        secret.iter().map(shown).collect::<Vec<_>>().join(separator)
    };
    vec![
        String::from_utf8(secret.to_vec()).expect("a text of the test"),
        by_byte(&|text, byte| write!(text, "{byte:02x}"), ""),
        by_byte(&|text, byte| write!(text, "{byte}"), ", "),
        by_byte(&|text, byte| write!(text, "{byte:#x}"), ", "),
        base64(secret),
    ]
}

/// The whole groups of three bytes in base64, which any longer text has too if it begins with them.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| char::from(DIGITS[(bits & 63) as usize]);
    bytes
        .chunks_exact(3)
        .map(|three| u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]))
        .flat_map(|bits| [digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), digit(bits)])
        .collect()
}

fn granted(script: &mut Script) {
    let response = ConnectResponse {
        timeout_ms: i32::try_from(T.as_millis()).expect("short"),
        session: SessionId::new(5),
        password: Password::new(SESSION_PASSWORD.as_slice().into()),
        read_only: Some(false),
    };
    note(&response);
    let mut bytes = Vec::new();
    proto::encode_connect_response(&response, &mut bytes);
    script.receive(&bytes);
}

/// A life with all that a session can keep to itself, and what goes wrong in it.
fn live(mut config: Config) {
    config.encrypted = true;
    config.credentials = vec![digest("bob:canary-password")];
    config.sasl = Some(Arc::new(Plain::new("bob", SASL_PASSWORD).expect("usable")));
    note(&config);
    note(&DigestMd5::new("bob", SASL_PASSWORD, [1; 16]));
    let mut script = Script::new(config.clone());
    script.submit(digest("eve:canary-password"));
    script.dialed();
    note(&script.connected());
    granted(&mut script);
    for (xid, request) in script.sent_requests() {
        note(&(xid, &request));
    }
    note_session(&script.session);
    let token = Reply::Sasl(SaslToken { token: Some(Secret::new(TOKEN.into())) });
    note(&token);
    script.reply(1, 0, Ok(Reply::Sasl(SaslToken { token: None })));
    script.reply(-4, 0, Ok(Reply::Auth(())));
    script.reply(-4, 0, Err(Code::AuthFailed));
    note_session(&script.session);
    note(&script.told());

    script.dialed_later();
    note(&script.connected());
    granted(&mut script);
    script.sent();
    script.reply(3, 0, Ok(Reply::Sasl(SaslToken { token: None })));
    script.reply(-4, 0, Ok(Reply::Auth(())));
    let node = Some(DATA.into());
    script.submit(Create {
        path: path("/a"),
        data: node.clone(),
        acl: Acl::creator_all(),
        mode: CreateMode::Persistent,
    });
    script.submit(SetData { path: path("/a"), data: node, version: Version::ANY });
    script.get("/a", true);
    note_session(&script.session);
    for (xid, request) in script.sent_requests() {
        note(&(xid, &request));
    }
    script.reply(4, 2, Err(Code::NodeExists));
    script.reply(5, 2, Err(Code::NoNode));
    script.reply(6, 2, Ok(data(DATA)));
    let outputs: Vec<_> = std::iter::from_fn(|| script.session.poll()).collect();
    assert!(outputs.len() >= 3, "{outputs:?}");
    note(&outputs);
    // The beginning of an answer, and then one that answers nothing.
    let answer = script::reply_bytes(7, 3, &Ok(data(DATA)));
    script.receive(&answer[..answer.len() - 60]);
    note_session(&script.session);
    script.receive(&answer);
    script.receive(&answer);
    note_session(&script.session);
    let handover = script.session.detach().expect("a session");
    note(&handover);
    let mut resumed = Session::resume(config, handover, script.now);
    note_session(&resumed);
    resumed.handle(Input::Timeout, script.now + T);
    note_session(&resumed);
}

/// CVE-2026-24308: the client logged its configuration, with all passwords in it. Here a whole life is watched: every level of
/// the log, and the `Debug` output of everything that is public.
#[test]
fn museum_s076_no_secret_is_logged_or_shown() {
    tracing::subscriber::set_global_default(Log).expect("the only log of this process");
    holds_but_not_if_wrong!([LogsItsSecrets], |config| {
        log().clear();
        live(config("a,b"));
        let log = log().clone();
        assert!(log.contains("greeting") || log.contains("link lost"), "nothing is logged at all");
        for secret in [
            PASSWORD.as_bytes(),
            SASL_PASSWORD.as_bytes(),
            SESSION_PASSWORD,
            DATA.as_bytes(),
            TOKEN.as_bytes(),
        ] {
            for trace in traces(secret) {
                let found =
                    log.find(&trace).map(|at| &log[at.saturating_sub(200)..(at + 100).min(log.len())]);
                assert_eq!(found, None, "{trace} is told");
            }
        }
    });
    assert_eq!(base64(b"canary"), "Y2FuYXJ5", "what is looked for is what would be there");
}
