//! From the museum of bugs of clients: logins and credentials, and what may be sent before and beside them.

#[macro_use]
mod script;

use std::sync::Arc;

use bytes::Bytes;
use script::{Script, T, create, created, data, greeting, reply_bytes};
use zk_session::ops::{Auth, Reply, SaslToken};
use zk_session::proto::Secret;
use zk_session::sasl::{Exchange, Mechanism, SaslError, Step};
use zk_session::{Code, Config, Fault, Request, Server};

/// A mechanism of three tokens: "hello" is answered with a riddle, and the solution with a welcome.
#[derive(Debug)]
struct Riddle;

/// What was heard so far.
#[derive(Debug, Default)]
struct Solving(u8);

impl Mechanism for Riddle {
    fn name(&self) -> &'static str {
        "RIDDLE"
    }

    fn reveals_secret(&self) -> bool {
        false
    }

    fn begin(&self, _server: &Server, _salt: [u8; 16]) -> Box<dyn Exchange> {
        Box::new(Solving::default())
    }
}

impl Exchange for Solving {
    fn initial(&mut self) -> Result<Bytes, SaslError> {
        Ok("hello".into())
    }

    fn step(&mut self, token: Option<&[u8]>) -> Result<Step, SaslError> {
        self.0 += 1;
        match (self.0, token) {
            (1, Some(b"riddle")) => Ok(Step::Send("solution".into())),
            (2, Some(b"welcome")) => Ok(Step::Done),
            (_, None) => Err(SaslError::NotConfigured),
            (_, Some(_)) => Err(SaslError::Unexpected),
        }
    }
}

fn with_login(mut config: Config) -> Config {
    config.sasl = Some(Arc::new(Riddle));
    config
}

fn token(xid: i32, text: &'static str) -> Vec<u8> {
    let token = Some(Secret::new(text.into()));
    reply_bytes(xid, 1, &Ok(Reply::Sasl(SaslToken { token })))
}

fn credential() -> Auth {
    Auth { scheme: "digest".into(), credential: Some(Secret::new("bob:secret".into())) }
}

/// ZOOKEEPER-4275: the time that a slow login took was counted as silence of the server, so the client hung up and began
/// again, for ever.
#[test]
fn museum_s016_a_slow_login_is_no_silence() {
    holds_but_not_if_wrong!([CountsTheLogin], |config| {
        let mut script = Script::new(with_login(config("a")));
        script.dialed();
        // The driver's own part, such as TLS, may take most of the time of the try.
        script.pass(T * 9 / 10);
        script.connected();
        script.accept(5);
        for (xid, request, answer) in [(1, "1 sasl", "riddle"), (2, "2 sasl", "welcome")] {
            assert_eq!(script.sent(), [request]);
            script.pass(T * 6 / 10);
            script.expect(&[]);
            script.receive(&token(xid, answer));
        }
        script.expect(&["connected 0x5 new"]);
        // But a server that says nothing at all is left.
        script.cut();
        script.expect(&["suspended"]);
        script.dialed_later();
        script.connected();
        script.accept(5);
        script.pass(T * 2 / 3);
        script.expect(&["disconnect"]);
        assert_eq!(script.session.last_fault(), Some(&Fault::Silence));
    });
}

/// Kazoo #229: servers answer a credential ahead of all that was asked before it, and the client took that answer for one
/// of the others.
#[test]
fn museum_s040_the_answer_to_a_credential_overtakes_others() {
    holds_but_not_if_wrong!([ExpectsOneQueue], |config| {
        let mut config = config("a");
        config.encrypted = true;
        let mut script = Script::linked(config);
        script.submit(create("/a"));
        script.submit(credential());
        script.get("/a", false);
        let mut sent = script.sent();
        assert_eq!(sent.split_off(1)[0], "-4 auth");
        assert_eq!(sent, ["1 create /a"]);
        script.reply(-4, 1, Ok(Reply::Auth(())));
        script.reply(1, 9, created("/a"));
        // The read may have been kept back until the client was known to be who it is.
        let _ = script.sent();
        script.reply(2, 9, Ok(data("x")));
        script.expect(&["call 2 ok", "call 1 ok", "call 3 ok"]);

        // So it is when a call that was made before is answered between, and with two of them.
        script.get("/b", false);
        script.submit(Auth { scheme: "ip".into(), credential: None });
        script.submit(Auth { scheme: "world".into(), credential: None });
        let _ = script.sent();
        script.reply(-4, 1, Ok(Reply::Auth(())));
        script.reply(3, 9, Ok(data("x")));
        script.reply(-4, 1, Ok(Reply::Auth(())));
        script.expect(&["call 5 ok", "call 4 ok", "call 6 ok"]);
    });
}

/// ZOOKEEPER-3937: calls that were made before the login was done were sent in the middle of it, and the stream of replies
/// fitted nothing any more.
#[test]
fn museum_s041_nothing_is_sent_before_the_login_is_done() {
    holds_but_not_if_wrong!([SpeaksBeforeItsLogin], |config| {
        let mut script = Script::new(with_login(config("a")));
        for index in 0..100 {
            script.get(&format!("/{index}"), false);
        }
        script.dialed();
        script.connected();
        let mut sent = Vec::new();
        for bytes in [greeting(5, T), token(1, "riddle"), token(2, "welcome")] {
            for byte in bytes {
                assert!(script.sent().iter().all(|frame| frame.ends_with(" sasl")), "only tokens");
                script.receive(&[byte]);
                script.pass(T / 1000);
            }
            sent.extend(script.sent_requests());
        }
        script.expect(&["connected 0x5 new"]);
        let paths: Vec<_> = sent.iter().map(|(_, request)| request.path().map(ToString::to_string)).collect();
        let gets = (0..100).map(|index| Some(format!("/{index}")));
        assert_eq!(paths, [None, None].into_iter().chain(gets).collect::<Vec<_>>());
        assert!(sent.is_sorted_by(|(one, _), (next, _)| one < next), "no two have the same number");
        script.reply(sent[2].0, 9, Ok(data("x")));
        script.expect(&["call 1 ok"]);
    });
}

/// ZOOKEEPER-2775: a login that had failed on one connection left the client in a state in which it failed on every
/// further one, though the cause was gone.
#[test]
fn museum_s042_each_connection_has_a_login_of_its_own() {
    holds_but_not_if_wrong!([SpeaksBeforeItsLogin], |config| {
        let mut script = Script::new(with_login(config("a,b")));
        script.get("/a", false);
        let mut sent = Vec::new();
        // The connection is lost before the first answer, and in the middle.
        for answers in [&[][..], &["riddle"], &["riddle", "welcome"]] {
            script.pass(T / 4);
            script.dialed();
            script.connected();
            script.accept(5);
            sent = script.sent_requests();
            for answer in answers {
                assert!(matches!(&*sent, [(_, Request::Sasl(_))]), "{sent:?}");
                script.receive(&token(sent[0].0, answer));
                sent = script.sent_requests();
            }
            if answers.len() < 2 {
                assert!(matches!(&*sent, [(_, Request::Sasl(_))]), "{sent:?}");
                script.cut();
                script.expect(&[]);
            }
        }
        script.expect(&["connected 0x5 new"]);
        assert!(matches!(&*sent, [(_, Request::GetData(_))]), "{sent:?}");
        script.reply(sent[0].0, 9, Ok(data("x")));
        script.expect(&["call 1 ok"]);
    });
    // Going on without the login is what made the trouble: a client that is to log in does not.
    holds_but_not_if_wrong!([TrustsAnyServer], |config| refused(config, token(1, "what?")));
    holds_but_not_if_wrong!([IgnoresItsRefusal], |config| {
        refused(config, reply_bytes(1, 1, &Err(Code::AuthFailed)));
    });
}

/// A login to which the server says this does not end well.
fn refused(config: &dyn Fn(&str) -> Config, answer: Vec<u8>) {
    let mut script = Script::new(with_login(config("a")));
    script.get("/a", false);
    script.dialed();
    script.connected();
    script.accept(5);
    assert_eq!(script.sent(), ["1 sasl"]);
    script.receive(&answer);
    script.expect(&["disconnect", "call 1 NotSent(Ended(AuthFailed))", "Ended(AuthFailed)"]);
    assert_eq!(script.session.poll_timeout(), None);
}

/// ZOOKEEPER-2253: a ping reply where none was expected tripped an assertion.
#[test]
fn museum_s051_a_ping_reply_may_come_at_any_time() {
    holds_but_not_if_wrong!([FearsStrayPongs], |config| {
        let pong = reply_bytes(-2, 1, &Ok(Reply::Ping(())));
        let mut script = Script::new(with_login(config("a")));
        script.dialed();
        script.connected();
        script.accept(5);
        script.receive(&pong);
        assert_eq!(script.sent(), ["1 sasl"]);
        script.receive(&[token(1, "riddle"), pong.clone(), pong.clone()].concat());
        assert_eq!(script.sent(), ["2 sasl"]);
        script.receive(&token(2, "welcome"));
        script.expect(&["connected 0x5 new"]);
        script.get("/a", false);
        script.get("/b", false);
        let xids: Vec<_> = script.sent_requests().into_iter().map(|(xid, _)| xid).collect();
        script.receive(&[pong.clone(), reply_bytes(xids[0], 9, &Ok(data("x"))), pong.clone(), pong].concat());
        script.reply(xids[1], 9, Ok(data("x")));
        script.expect(&["call 1 ok", "call 2 ok"]);
        assert_eq!(script.session.oddities().unexpected_pings, 6);
        // One that was expected is none of these.
        script.pass(T / 3);
        assert_eq!(script.sent(), ["-2 ping"]);
        script.reply(-2, 9, Ok(Reply::Ping(())));
        assert_eq!(script.session.oddities().unexpected_pings, 6);
    });
}
