//! Whatever a server sends costs at most the link.

mod script;

use script::{Script, config, data};
use zk_session::ops::Reply;
use zk_session::proto::{EventKind, What};
use zk_session::{Code, Error, Fault, Output, Why};

/// A linked session with a call under way.
fn waiting() -> Script {
    let mut script = Script::linked(config("a"));
    script.get("/a", false);
    script.sent();
    script
}

#[test]
fn frames_that_break_the_protocol_end_the_link_and_nothing_else() {
    let framed = |body: &[u8]| [&u32::try_from(body.len()).expect("short").to_be_bytes(), body].concat();
    let reply = |xid: i32, err: i32, body: &[u8]| {
        framed(&[&xid.to_be_bytes()[..], &7_i64.to_be_bytes(), &err.to_be_bytes(), body].concat())
    };
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("negative length", vec![0xff, 0xff, 0xff, 0xff]),
        ("longer than the limit", vec![0x7f, 0xff, 0xff, 0xff]),
        ("empty frame", framed(&[])),
        ("half a header", framed(&[0, 0, 0, 1, 0, 0])),
        ("unknown xid", reply(99, 0, &[])),
        ("xid zero", reply(0, 0, &[])),
        ("auth reply without auth", reply(-4, 0, &[])),
        ("watches restored without a request", reply(-8, 0, &[])),
        ("no body", reply(1, 0, &[])),
        ("a body cut short", reply(1, 0, &[0, 0, 0, 9, 1, 2])),
        ("a negative length inside", reply(1, 0, &[0xff, 0xff, 0xff, 0xf0])),
        ("half an event", reply(-1, 0, &[0, 0, 0, 3])),
    ];
    for (name, bytes) in bad {
        let mut script = waiting();
        script.receive(&bytes);
        let outputs: Vec<_> = std::iter::from_fn(|| script.session.poll()).collect();
        let completions: Vec<_> =
            outputs.iter().filter(|output| matches!(output, Output::Completed(..))).collect();
        assert!(
            matches!(&*completions, [Output::Completed(_, Err(Error::MaybeApplied(Why::ConnectionLost)))]),
            "{name}: {outputs:?}"
        );
        let fault = script.session.last_fault().expect("a fault").clone();
        assert!(matches!(fault, Fault::Malformed(_) | Fault::UnexpectedReply(_)), "{name}: {fault}");
        script.dialed_later();
        script.connected();
        script.accept(5);
        script.expect(&["connected 0x5 resumed"]);
    }
}

#[test]
fn replies_out_of_order_answer_nobody() {
    let mut script = waiting();
    script.get("/b", false);
    script.sent();
    script.reply(2, 7, Ok(data("for the second")));
    script.expect(&[
        "disconnect",
        "call 1 MaybeApplied(ConnectionLost)",
        "call 2 MaybeApplied(ConnectionLost)",
        "suspended",
    ]);
    assert_eq!(script.session.last_fault(), Some(&Fault::UnexpectedReply(2)));
}

#[test]
fn a_fault_says_what_and_where() {
    let mut script = waiting();
    script.receive(&[0xff, 0xff, 0xff, 0xf6]);
    let Some(Fault::Malformed(malformed)) = script.session.last_fault() else {
        panic!("expected a malformed frame")
    };
    assert_eq!((&malformed.what, malformed.at), (&What::NegativeLength(-10), 0));
}

#[test]
fn an_unknown_error_code_is_data() {
    let mut script = waiting();
    script.reply(1, 7, Err(Code::Unknown(-4242)));
    script.expect(&["call 1 Unknown(-4242)"]);
}

#[test]
fn a_server_that_lost_the_session_is_left_and_the_session_asked_for_again() {
    for code in [Code::SessionMoved, Code::SessionExpired] {
        let mut script = waiting();
        script.get("/b", false);
        script.sent();
        script.reply(1, 7, Err(code));
        script.expect(&[
            &format!("call 1 {code:?}"),
            "disconnect",
            "call 2 MaybeApplied(ConnectionLost)",
            "suspended",
        ]);
        script.dialed_later();
        assert_eq!(script.connected().session.raw(), 5);
    }
}

#[test]
fn unknown_events_and_odd_paths_are_counted_and_dropped() {
    let mut script = waiting();
    script.event(EventKind::Unknown(77), "/a");
    script.event(EventKind::NodeDeleted, "no path");
    script.event(EventKind::NodeDeleted, "/nobody/watches");
    let oddities = script.session.oddities();
    assert_eq!((oddities.unknown_events, oddities.unmatched_events), (2, 1));
    script.reply(-2, 7, Ok(Reply::Ping(())));
    assert_eq!(script.session.oddities().unexpected_pings, 1);
    script.reply(1, 7, Ok(data("x")));
    script.expect(&["call 1 ok"]);
}

#[test]
fn a_greeting_may_be_refused_or_nonsense() {
    let refusal = [0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0x89];
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    for (bytes, expected) in [(&refusal[..], Some(Fault::Refused(Code::NotReadOnly))), (&http[..], None)] {
        let mut script = Script::new(config("a"));
        script.dialed();
        script.connected();
        script.receive(bytes);
        script.expect(&["disconnect"]);
        let fault = script.session.last_fault();
        match &expected {
            Some(_) => assert_eq!(fault, expected.as_ref()),
            None => assert!(matches!(fault, Some(Fault::Malformed(_))), "{fault:?}"),
        }
        script.dialed_later();
    }
}

#[test]
fn a_session_without_an_id_is_none() {
    let mut script = Script::new(config("a"));
    script.dialed();
    script.connected();
    script.accept(0);
    script.expect(&["disconnect"]);
    assert_eq!(script.session.last_fault(), Some(&Fault::Refused(Code::SessionExpired)));
}

#[test]
fn frames_may_come_in_any_pieces() {
    let mut whole = Vec::new();
    for xid in 1..=2 {
        let xid = zk_session::proto::Xid::new(xid);
        zk_session::proto::encode_reply(xid, zk_session::Zxid::new(7), Ok(&data("hello")), &mut whole);
    }
    for first in 0..whole.len() {
        for second in first..whole.len() {
            let mut script = waiting();
            script.get("/b", false);
            script.sent();
            for piece in [&whole[..first], &whole[first..second], &whole[second..]] {
                script.receive(piece);
            }
            script.expect(&["call 1 ok", "call 2 ok"]);
        }
    }
}
