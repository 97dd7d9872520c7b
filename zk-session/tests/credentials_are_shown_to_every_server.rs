//! Credentials that are added, refused, given up and shown again.

mod script;

use std::time::Duration;

use script::links::{digest, path};
use script::{Script, T, config, data};
use zk_session::ops::{GetData, Reply};
use zk_session::{CallOptions, Cancelled, Code, Config, Ended, Fault, Misuse, Refusal};

fn open(servers: &str) -> Config {
    let mut config = config(servers);
    config.encrypted = true;
    config
}

fn accepted(script: &mut Script) {
    script.reply(-4, 0, Ok(Reply::Auth(())));
}

#[test]
fn the_same_credential_may_be_added_by_several_at_once() {
    let mut script = Script::linked(open("a"));
    for _ in 0..3 {
        script.submit(digest("bob:1"));
    }
    let asked = script.sent().len();
    for _ in 0..asked {
        accepted(&mut script);
    }
    script.expect(&["call 1 ok", "call 2 ok", "call 3 ok"]);
    // Who comes later is answered from memory.
    script.submit(digest("bob:1"));
    script.expect(&["call 4 ok"]);
    assert!(script.sent().is_empty());
}

#[test]
fn a_refused_credential_is_told_to_all_who_added_it_and_costs_one_link_each_at_most() {
    let mut script = Script::linked(open("a"));
    script.submit(digest("eve:1"));
    script.submit(digest("eve:1"));
    script.sent();
    let mut told = Vec::new();
    for _ in 0..3 {
        script.reply(-4, 0, Err(Code::AuthFailed));
        told.extend(script.told());
        if script.session.last_fault() != Some(&Fault::AuthRefused(Code::AuthFailed)) {
            break;
        }
        script.dialed_later();
        script.connected();
        script.accept(5);
        if script.sent().is_empty() {
            break;
        }
    }
    told.retain(|output| output.starts_with("call"));
    assert_eq!(told, ["call 1 AuthFailed", "call 2 AuthFailed"]);
    assert!(script.session.state().is_connected());
}

#[test]
fn a_credential_that_was_given_up_and_is_refused_costs_the_link_and_not_the_session() {
    for by_deadline in [false, true] {
        let mut script = Script::linked(open("a"));
        let deadline = by_deadline.then(|| script.now + Duration::from_secs(1));
        let options = CallOptions { deadline, ..CallOptions::default() };
        let call = script.session.submit(digest("eve:1").into(), options, script.now).expect("taken");
        script.sent();
        if by_deadline {
            script.pass(Duration::from_secs(1));
            script.expect(&["call 1 MaybeApplied(Deadline)"]);
        } else {
            assert_eq!(script.session.cancel(call), Some(Cancelled::MaybeApplied));
        }
        script.reply(-4, 0, Err(Code::AuthFailed));
        script.expect(&["disconnect", "suspended"]);
        assert_eq!(script.session.last_fault(), Some(&Fault::AuthRefused(Code::AuthFailed)));
        script.dialed_later();
        script.connected();
        script.accept(5);
        assert!(script.sent().is_empty(), "it is not shown again");
        script.expect(&["connected 0x5 resumed"]);
    }
}

#[test]
fn a_credential_that_was_given_up_in_time_is_never_shown() {
    let mut script = Script::new(open("a"));
    let call = script.submit(digest("eve:1"));
    assert_eq!(script.session.cancel(call), Some(Cancelled::NotSent));
    script.dialed();
    script.connected();
    script.accept(5);
    assert!(script.sent().is_empty());
    script.expect(&["connected 0x5 new"]);
}

#[test]
fn answers_to_credentials_overtake_others_and_calls_wait_for_them() {
    let mut script = Script::linked(open("a"));
    script.get("/a", false);
    script.sent();
    script.submit(digest("bob:1"));
    script.get("/b", false);
    assert_eq!(script.sent(), ["-4 auth"]);
    accepted(&mut script);
    script.expect(&["call 2 ok"]);
    assert_eq!(script.sent(), ["2 getData /b"]);
    script.reply(1, 1, Ok(data("a")));
    script.reply(2, 1, Ok(data("b")));
    script.expect(&["call 1 ok", "call 3 ok"]);
}

#[test]
fn an_accepted_credential_that_is_refused_later_ends_the_session() {
    let mut script = Script::linked(open("a"));
    script.submit(digest("bob:1"));
    script.sent();
    accepted(&mut script);
    script.read(GetData { path: path("/a"), watch: true }, 1, data("x"));
    script.relinked();
    script.reply(-4, 0, Err(Code::AuthFailed));
    script.expect(&["disconnect", "call 2 ended AuthFailed", "Ended(AuthFailed)"]);
    assert!(script.session.successor(script.now).is_none());
}

#[test]
fn the_next_session_shows_what_was_accepted_and_nothing_else() {
    let mut script = Script::linked(open("a"));
    script.submit(digest("bob:1"));
    script.sent();
    accepted(&mut script);
    script.submit(digest("eve:2"));
    script.told();
    script.pass(T);
    script.pass(T);
    assert_eq!(script.told().last().map(String::as_str), Some("Ended(Expired)"));
    script.session = script.session.successor(script.now).expect("renewed");
    script.told();
    script.dialed_later();
    script.connected();
    script.accept(6);
    assert_eq!(script.sent_requests(), [(-4, digest("bob:1").into())]);
}

#[test]
fn secrets_go_in_clear_to_this_machine_only() {
    let mut script = Script::linked(config("localhost,127.0.0.1,[::1]"));
    script.submit(digest("bob:1"));
    for servers in ["a", "localhost,a", "127.0.0.1.example.org"] {
        let mut script = Script::linked(config(servers));
        let options = CallOptions::default();
        let refused = script.session.submit(digest("bob:1").into(), options, script.now).expect_err(servers);
        assert_eq!(refused.why, Refusal::Misuse(Misuse::InsecureAuth));
        // What is no secret may be told to anybody.
        script.submit(zk_session::ops::Auth { scheme: "ip".into(), credential: None });
    }
    let mut configured = config("a");
    configured.credentials = vec![digest("bob:1")];
    let mut script = Script::new(configured);
    script.expect(&["Ended(AuthFailed)"]);
    assert_eq!(script.session.last_fault(), Some(&Fault::InsecureAuth));
    assert_eq!(script.session.state(), &zk_session::SessionState::Ended(Ended::AuthFailed));
}
