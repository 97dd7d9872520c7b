//! From the museum of bugs of clients: credentials, logins, and servers that do not let one in.

#[macro_use]
mod script;

use std::sync::Arc;
use std::time::Duration;

use script::links::{digest, path};
use script::{Script, T, data};
use zk_session::ops::{GetData, Reply, SaslToken};
use zk_session::proto::Secret;
use zk_session::sasl::{DigestMd5, Mechanism, Plain};
use zk_session::{Code, Config, Cut, Ended, Fault, Input, Output, SessionState};

fn with_credentials(mut config: Config, credentials: &[&'static str]) -> Config {
    config.plaintext_credentials = true;
    config.credentials = credentials.iter().map(|text| digest(text)).collect();
    config
}

fn with_login(mut config: Config, login: impl Mechanism + 'static) -> Config {
    config.encrypted = true;
    config.sasl = Some(Arc::new(login));
    config
}

fn plain() -> Plain {
    Plain::new("bob", "bobsecret").expect("usable")
}

fn digest_md5() -> DigestMd5 {
    DigestMd5::new("bob", "bobsecret", [3; 16])
}

fn token(text: Option<&'static str>) -> Reply {
    Reply::Sasl(SaslToken { token: text.map(|text| Secret::new(text.into())) })
}

/// The frame of an answer with this error and these bytes behind its header.
fn answer(xid: i32, error: i32, body: &[u8]) -> Vec<u8> {
    let content = [&xid.to_be_bytes()[..], &0_i64.to_be_bytes(), &error.to_be_bytes(), body].concat();
    [&u32::try_from(content.len()).expect("short").to_be_bytes()[..], &content].concat()
}

/// go-zookeeper #181: the connection was lost between a credential and its answer, and the client waited for that answer for
/// ever. Later ones forgot the credentials that were not answered.
#[test]
fn museum_s072_credentials_are_sent_until_a_server_has_answered_all() {
    holds_but_not_if_wrong!([ForgetsItsCredentials], |config| {
        let mut script = Script::new(with_credentials(config("a"), &["a:1", "b:2"]));
        let added = script.submit(digest("c:3"));
        script.get("/a", false);
        script.dialed();
        script.connected();
        script.accept(5);
        for answered in 0..3 {
            assert_eq!(script.sent(), ["-4 auth", "-4 auth", "-4 auth"]);
            for _ in 0..answered {
                script.reply(-4, 0, Ok(Reply::Auth(())));
            }
            script.expect(&[]);
            script.relinked();
        }
        let sent = script.sent_requests();
        let credentials: Vec<_> = ["a:1", "b:2", "c:3"].map(|text| (-4, digest(text).into())).into();
        assert_eq!(sent, credentials);
        for _ in 0..3 {
            assert!(script.sent().is_empty());
            script.reply(-4, 0, Ok(Reply::Auth(())));
        }
        script.expect(&[&format!("{added:?} ok"), "connected 0x5 new"]);
        assert_eq!(script.sent(), ["1 getData /a"]);
    });
}

/// ZOOKEEPER-4342: the client looked at the token of the answer and not at its error, and took a refusal for success.
#[test]
fn museum_s073_a_refused_login_is_no_login() {
    holds_but_not_if_wrong!([IgnoresItsRefusal], |config| {
        // Servers since 3.5.9 add a token of null, others nothing.
        for (code, body) in [(-115, &[][..]), (-124, &[]), (-115, &[0xff; 4]), (-115, &[0, 0, 0, 0])] {
            let mut script = Script::new(with_login(config("a"), plain()));
            script.get("/a", false);
            script.dialed();
            script.connected();
            script.accept(5);
            assert_eq!(script.sent(), ["1 sasl"]);
            script.receive(&answer(1, code, body));
            script.expect(&["disconnect", "call 1 NotSent(Ended(AuthFailed))", "Ended(AuthFailed)"]);
            let refused = Fault::LoginRefused(Code::new(code).expect("an error"));
            assert_eq!(script.session.last_fault(), Some(&refused));
        }
    });
}

/// ZOOKEEPER-4342, the other half: an answer without an error, whose token is cut short, is no success either. It costs the
/// link, as all that breaks the protocol, and the next server is asked.
#[test]
fn museum_s073_a_login_with_half_an_answer_is_no_login() {
    holds_but_not_if_wrong!([TakesHalfATokenForNone], |config| {
        for body in [
            &[0][..],
            &[0, 0, 0, 5],
            &[0, 0, 0, 5, 1, 2],
            &[0x7f, 0xff, 0xff, 0xff],
            &[0xff, 0xff, 0xff, 0xf0],
        ] {
            let mut script = Script::new(with_login(config("a"), plain()));
            script.get("/a", false);
            script.dialed();
            script.connected();
            script.accept(5);
            assert_eq!(script.sent(), ["1 sasl"]);
            script.receive(&answer(1, 0, body));
            assert!(matches!(script.session.last_fault(), Some(Fault::Malformed(_))), "{body:?}");
            script.expect(&["disconnect"]);
            script.dialed_later();
            script.connected();
            script.accept(5);
            assert_eq!(script.sent(), ["2 sasl"]);
            script.reply(2, 0, Ok(token(None)));
            script.expect(&["connected 0x5 new"]);
            assert!(matches!(&*script.sent(), [call] if call.ends_with("getData /a")));
        }
    });
}

/// kezhuw #45: who connected with credentials that the server refuses was not told, and waited.
#[test]
fn museum_s074_who_cannot_prove_who_he_is_is_told_at_once() {
    holds_but_not_if_wrong!([IgnoresItsRefusal, TrustsAnyServer], |config| {
        let refused = |mut script: Script, fault: &Fault| {
            let outputs = script.told();
            assert_eq!(outputs, ["disconnect", "call 1 NotSent(Ended(AuthFailed))", "Ended(AuthFailed)"]);
            assert_eq!(script.session.last_fault(), Some(fault));
            assert_eq!(script.session.poll_timeout(), None);
            assert!(script.session.successor(script.now).is_none(), "it would fail again");
        };
        let asked = |config| {
            let mut script = Script::new(config);
            script.get("/a", false);
            script.dialed();
            script.connected();
            script.accept(5);
            script.sent();
            script
        };
        let mut script = asked(with_credentials(config("a"), &["bob:bobsecret"]));
        script.reply(-4, 0, Err(Code::AuthFailed));
        refused(script, &Fault::AuthRefused(Code::AuthFailed));

        let mut script = asked(with_login(config("a"), plain()));
        script.reply(1, 0, Err(Code::AuthFailed));
        refused(script, &Fault::LoginRefused(Code::AuthFailed));

        let mut script = asked(with_login(config("a"), digest_md5()));
        script.reply(1, 0, Ok(token(Some("realm=\"r\",nonce=\"n\",charset=utf-8,algorithm=md5-sess"))));
        assert_eq!(script.sent(), ["2 sasl"]);
        script.reply(2, 0, Ok(token(Some("rspauth=00000000000000000000000000000000"))));
        refused(script, &zk_session::sasl::SaslError::Unproven.into());
    });
}

/// ZOOKEEPER-3937 and 4275: a login that takes long. Nothing is sent meanwhile, no ping either, and its slowness is not taken
/// for the silence of the server as long as bytes come.
#[test]
fn museum_s074_nothing_is_sent_before_the_login_has_succeeded() {
    holds_but_not_if_wrong!([SpeaksBeforeItsLogin], |config| {
        let mut config = with_login(config("a"), digest_md5());
        config.credentials = vec![digest("bob:bobsecret")];
        let mut script = Script::new(config);
        script.get("/a", false);
        script.dialed();
        script.connected();
        script.accept(5);
        assert_eq!(script.sent(), ["1 sasl"]);
        script.pass(T / 2);
        script.submit(digest("c:3"));
        assert!(script.sent().is_empty());
        script.reply(1, 0, Ok(token(Some("realm=\"r\",nonce=\"n\",charset=utf-8,algorithm=md5-sess"))));
        assert_eq!(script.sent(), ["2 sasl"]);
        script.pass(T / 2);
        assert!(script.sent().is_empty());
        script.expect(&[]);
    });
}

/// ZOOKEEPER-438: a credential that was added before the first connection was never sent.
#[test]
fn museum_s077_credentials_that_are_added_early_go_first() {
    holds_but_not_if_wrong!([ForgetsItsCredentials], |config| {
        let mut script = Script::new(with_credentials(config("a"), &[]));
        script.get("/a", false);
        let added = script.submit(digest("bob:bobsecret"));
        script.get("/b", false);
        script.dialed();
        script.connected();
        script.accept(5);
        assert_eq!(script.sent_requests(), [(-4, digest("bob:bobsecret").into())]);
        script.expect(&[]);
        script.reply(-4, 0, Ok(Reply::Auth(())));
        script.expect(&[&format!("{added:?} ok"), "connected 0x5 new"]);
        assert_eq!(script.sent(), ["1 getData /a", "2 getData /b"]);
    });
}

/// go-zookeeper d0e0d8e: a server that accepts connections and closes them kept the client busy without a pause.
#[test]
fn museum_s078_tries_that_fail_at_once_are_spaced() {
    holds_but_not_if_wrong!([NeverPauses], |config| {
        for servers in ["a", "a,b,c"] {
            let mut script = Script::new(config(servers));
            let begin = script.now;
            let (mut tries, mut first_minute) = (0_u32, 0);
            while tries < 1_000 {
                match script.session.poll() {
                    Some(Output::Connect(conn, _)) => {
                        script.conn = Some(conn);
                        script.connected();
                        script.cut();
                        tries += 1;
                        first_minute += u32::from(script.now.since(begin) <= Duration::from_secs(60));
                    }
                    Some(other) => panic!("{other:?}"),
                    None => {
                        let (due, _) = script.session.poll_timeout().expect("a duty");
                        let most = T / 4 + Duration::from_millis(1);
                        assert!(
                            due > script.now && due.since(script.now) <= most,
                            "a pause that is too long"
                        );
                        script.pass(due.since(script.now));
                    }
                }
            }
            assert!(first_minute <= 120, "{servers}: {first_minute} tries in the first minute");
            assert_eq!(script.session.state(), &SessionState::Connecting);
            assert_eq!(script.session.last_fault(), Some(&Fault::Unanswered));
        }
    });
}

/// go-zookeeper d0e0d8e, with a session to lose: in spite of all tries it ends when its time is over.
#[test]
fn museum_s078_tries_that_fail_do_not_prolong_the_session() {
    holds_but_not_if_wrong!([NeverPauses, WaitsForTheEnd], |config| {
        let mut script = Script::linked(config("a,b,c"));
        let heard = script.now;
        script.read(GetData { path: path("/a"), watch: false }, 1, data("x"));
        script.cut();
        for tries in 0..1_000 {
            match script.session.poll() {
                Some(Output::Connect(conn, _)) => {
                    script.conn = Some(conn);
                    script.connected();
                    script.session.handle(Input::Disconnected(conn, Cut::Closed), script.now);
                }
                Some(Output::State(SessionState::Ended(Ended::Expired))) => {
                    assert_eq!(script.now.since(heard), T * 4 / 3);
                    assert!(tries < 200, "{tries} tries in {T:?}");
                    return;
                }
                Some(_) => {}
                None => {
                    let (due, _) = script.session.poll_timeout().expect("a duty");
                    script.pass(due.since(script.now));
                }
            }
        }
        panic!("the session never expires");
    });
}
