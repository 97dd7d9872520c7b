//! From the museum of bugs of clients: replies that are missing, in disorder, too long, or none.

#[macro_use]
mod script;

use std::sync::Arc;

use script::{Script, T, create, created, data, greeting, path, reply_bytes};
use zk_session::ops::{
    Batch, Create, Create2, CreateContainer, GetChildren, GetData, Multi, MultiOp, NodeNames, Release, Reply,
    SaslToken,
};
use zk_session::proto::{Malformed, What};
use zk_session::sasl::Plain;
use zk_session::{
    Acl, CallId, CallOptions, Children, Code, Config, CreateMode, Ended, Error, Fault, Misuse, Output,
    Refusal, Request, Rng, SessionState, Why,
};

const LOST: Error = Error::MaybeApplied(Why::ConnectionLost);

fn container(text: &str) -> CreateContainer {
    CreateContainer { path: path(text), data: None, acl: Acl::open_unsafe() }
}

/// A multi of one operation.
fn multi(op: impl Into<MultiOp>) -> Request {
    Multi { ops: Batch([op.into()].into()) }.into()
}

/// A link after another one; nothing is sent on it of its own.
fn linked_again(script: &mut Script) {
    script.pass(T / 4);
    script.dialed();
    script.connected();
    script.accept(5);
    script.expect(&["connected 0x5 resumed"]);
    assert_eq!(script.sent(), <[String; 0]>::default(), "nothing is sent a second time");
}

/// ZOOKEEPER-624: a client crashed on what was no reply.
#[test]
fn museum_s044_garbage_costs_the_link_in_every_state() {
    holds_but_not_if_wrong!([CallsItUnsent], |config| {
        for seed in 0..600 {
            let mut rng = Rng::new(seed);
            let mut config = config("a,b");
            config.encrypted = true;
            config.sasl = (seed / 6)
                .is_multiple_of(2)
                .then(|| Arc::new(Plain::new("bob", "secret").expect("usable")) as _);
            let (mut script, written) = in_state(config, seed % 6);
            script.receive(&garbage(&mut rng));
            script.cut();
            let mut lost = 0;
            while let Some(output) = script.session.poll() {
                if let Output::Completed(_, result) = output {
                    lost += 1;
                    let is_honest = result == Err(LOST) || matches!(result, Ok(_) | Err(Error::Server(_)));
                    assert!(is_honest, "{result:?}, seed {seed}");
                }
            }
            assert_eq!(lost, written, "seed {seed}");
            if seed % 6 == 5 {
                script.pass(T);
                assert_eq!(script.session.state(), &SessionState::Ended(Ended::Closed), "seed {seed}");
                continue;
            }
            // A greeting may say by chance that the session is over.
            if !matches!(script.session.state(), SessionState::Ended(Ended::Expired)) {
                script.dialed_later();
                assert_eq!(script.connected().session.raw(), 5, "seed {seed}");
            }
        }
    });
}

/// A session of which a link of some kind stands for the second time, and how many calls are on their way.
fn in_state(config: Config, state: u64) -> (Script, usize) {
    let login = |script: &mut Script| {
        if let Some((xid, _)) = script.sent_requests().pop() {
            script.reply(xid, 1, Ok(Reply::Sasl(SaslToken { token: None })));
        }
    };
    let mut script = Script::new(config);
    script.dialed();
    script.connected();
    script.accept(5);
    login(&mut script);
    script.expect(&["connected 0x5 new"]);
    script.get("/watched", true);
    let xid = script.sent_requests()[0].0;
    script.reply(xid, 7, Ok(data("x")));
    script.expect(&["call 1 ok"]);
    if state < 3 {
        script.cut();
        script.expect(&["suspended"]);
        script.dialed_later();
        script.connected();
        if state > 0 {
            script.accept(5);
        }
        if state > 1 {
            login(&mut script);
        }
        return (script, 0);
    }
    for _ in 0..3 {
        script.submit(create("/a"));
    }
    script.sent();
    if state == 4 {
        script.receive(&[0, 0, 1, 0, 7]);
    }
    if state == 5 {
        script.session.close(script.now);
        script.sent();
    }
    (script, 3)
}

/// Bytes of any kind: noise, noise in a frame, or a good frame with some bytes changed.
fn garbage(rng: &mut Rng) -> Vec<u8> {
    let noise: Vec<u8> = (0..rng.bits() % 80).map(|_| rng.bits().to_be_bytes()[0]).collect();
    let good = match rng.bits() % 4 {
        0 => greeting(5, T),
        1 => reply_bytes(2, 9, &Ok(data("x"))),
        2 => reply_bytes(-8, 9, &Ok(Reply::SetWatches(()))),
        _ => reply_bytes(-1, 9, &Ok(data("x"))),
    };
    match rng.bits() % 3 {
        0 => noise,
        1 => [&u32::try_from(noise.len()).expect("short").to_be_bytes()[..], &noise].concat(),
        _ => {
            let mut frame = good;
            for _ in 0..=rng.bits() % 3 {
                let at = usize::try_from(rng.bits() % frame.len() as u64).expect("short");
                // Not the timeout of a greeting: with one of a few milliseconds the session is over before one looks.
                if !(8..12).contains(&at) {
                    frame[at] = rng.bits().to_be_bytes()[0];
                }
            }
            frame
        }
    }
}

/// ZOOKEEPER-1863: a server answered in another order than it was asked, and calls got the answers of others.
#[test]
fn museum_s048_answers_in_disorder_answer_nobody() {
    holds_but_not_if_wrong!([TakesWhatComes], |config| {
        let mut script = Script::linked(config("a,b"));
        let calls: Vec<CallId> = (1..=8).map(|index| script.get(&format!("/{index}"), false)).collect();
        script.sent();
        for xid in 1..=4 {
            script.reply(xid, 9, Ok(data("x")));
        }
        script.expect(&["call 1 ok", "call 2 ok", "call 3 ok", "call 4 ok"]);
        script
            .receive(&[reply_bytes(6, 9, &Ok(data("of 6"))), reply_bytes(5, 9, &Ok(data("of 5")))].concat());
        assert!(matches!(script.session.poll(), Some(Output::Disconnect(_))));
        for call in &calls[4..] {
            assert_eq!(script.session.poll(), Some(Output::Completed(*call, Err(LOST))));
        }
        script.expect(&["suspended"]);
        assert_eq!(script.session.last_fault(), Some(&Fault::UnexpectedReply(6)));
        linked_again(&mut script);
        script.get("/9", false);
        assert_eq!(script.sent(), ["9 getData /9"]);
        script.reply(9, 9, Ok(data("x")));
        script.expect(&["call 9 ok"]);
    });
}

/// elasticjob #1265: an old server never answered a multi with an operation that it did not know, and the client took the
/// next answer for a broken stream, again and again, since it sent the multi again.
#[test]
fn museum_s049_what_an_old_server_does_not_answer_is_not_sent_again() {
    holds_but_not_if_wrong!([TakesWhatComes], |config| {
        let mut script = Script::linked(config("old"));
        script.submit(multi(container("/a")));
        script.get("/b", false);
        script.sent();
        script.reply(2, 9, Ok(data("x")));
        script.expect(&[
            "disconnect",
            "call 1 MaybeApplied(ConnectionLost)",
            "call 2 MaybeApplied(ConnectionLost)",
            "suspended",
        ]);
        assert_eq!(script.session.last_fault(), Some(&Fault::UnexpectedReply(2)));
        linked_again(&mut script);
        script.get("/b", false);
        script.sent();
        script.reply(3, 9, Ok(data("x")));
        script.expect(&["call 3 ok"]);
    });
    // Where the release is known, it does not come that far.
    holds_but_not_if_wrong!([SendsTheUnknown], |config| {
        let mut old = config("old");
        old.release = Some(Release::new(3, 4, 14));
        refuses(old, multi(container("/a")), Release::new(3, 5, 1));
    });
}

fn newer() -> Create2 {
    Create2 { path: path("/a"), data: None, acl: Acl::open_unsafe(), mode: CreateMode::Persistent }
}

/// kezhuw #18: the client sent the newer way to create nodes to a server that has the older one only.
#[test]
fn museum_s050_an_old_server_is_spared_what_it_does_not_know() {
    let mut script = Script::linked(script::config("old"));
    script.submit(newer());
    script.sent();
    // The server says so and closes the connection; some only close it.
    script.reply(1, -1, Err(Code::Unimplemented));
    script.cut();
    script.expect(&["call 1 Unimplemented", "suspended"]);
    linked_again(&mut script);
    script.submit(newer());
    script.sent();
    script.cut();
    script.expect(&["call 2 MaybeApplied(ConnectionLost)", "suspended"]);
    linked_again(&mut script);
    holds_but_not_if_wrong!([SendsTheUnknown], |config| {
        let mut old = config("old");
        old.release = Some(Release::new(3, 4, 14));
        refuses(old.clone(), newer().into(), Release::new(3, 5, 0));
        refuses(old.clone(), multi(newer()), Release::new(3, 5, 0));
        let mut script = Script::linked(old);
        let Create2 { path, data, acl, mode } = newer();
        script.submit(Create { path, data, acl, mode });
        assert_eq!(script.sent(), ["1 create /a"]);
        script.reply(1, 9, created("/a"));
        script.expect(&["call 1 ok"]);
    });
}

/// The request is refused since servers have it from this release on only, and nothing is sent.
fn refuses(config: Config, request: Request, since: Release) {
    let mut script = Script::linked(config);
    let refused = script.session.submit(request, CallOptions::default(), script.now).expect_err("too new");
    assert_eq!(refused.why, Refusal::Misuse(Misuse::TooNew { since }));
    assert_eq!(script.take_bytes(usize::MAX), 0);
}

/// ZOOKEEPER-272, and likewise go-zookeeper 06f1de5: a list of children that was longer than the client's buffer made it
/// crash, or lose the connection again and again over the same call.
#[test]
fn museum_s052_a_reply_over_the_limit_is_named_and_not_asked_for_again() {
    holds_but_not_if_wrong!([KnowsNoLimit], |config| {
        let children: Children = (0..100).map(|index| format!("node-{index:010}")).collect();
        let reply = reply_bytes(1, 9, &Ok(Reply::GetChildren(NodeNames { children })));
        let length = reply.len() - 4;
        for limit in [length - 1, length, length + 1, 4 << 20] {
            let mut config = config("a");
            config.frame_length_max = limit;
            let mut script = Script::linked(config);
            script.submit(GetChildren { path: path("/many"), watch: false });
            script.sent();
            if limit >= length {
                for piece in reply.chunks(1000) {
                    script.receive(piece);
                }
                script.expect(&["call 1 ok"]);
                continue;
            }
            // It is seen as soon as the length has come.
            script.receive(&reply[..4]);
            script.expect(&["disconnect", "call 1 MaybeApplied(ConnectionLost)", "suspended"]);
            let Some(Fault::Malformed(Malformed { what, .. })) = script.session.last_fault() else {
                panic!("{:?}", script.session.last_fault())
            };
            assert_eq!(what, &What::TooLong { length, limit });
            linked_again(&mut script);
            assert_eq!(script.session.statistics().losses, 1);
        }
    });
}

/// tokio-zookeeper b563cd6: a connection that ended in the middle of a frame was read from for ever.
#[test]
fn museum_s053_half_a_frame_is_gone_with_its_connection() {
    let mut script = Script::linked(script::config("a"));
    script.get("/a", false);
    script.sent();
    let reply = reply_bytes(1, 9, &Ok(data("a long answer")));
    script.receive(&reply[..reply.len() / 2]);
    for _ in 0..3 {
        script.cut();
        script.receive(&[]);
    }
    script.expect(&["call 1 MaybeApplied(ConnectionLost)", "suspended"]);
    script.pass(T / 4);
    script.dialed();
    script.connected();
    // Neither half belongs to what comes now.
    script.accept(5);
    script.expect(&["connected 0x5 resumed"]);
    script.get("/a", false);
    script.sent();
    script.reply(2, 9, Ok(data("x")));
    script.expect(&["call 2 ok"]);
}

/// ZOOKEEPER-2251: the answer to one call was lost inside the server, which went on to answer pings, and the caller waited
/// for ever.
#[test]
fn museum_s058_a_call_whose_answer_is_lost_ends_at_its_deadline() {
    holds_but_not_if_wrong!([TakesWhatComes], |config| {
        for comes_late in [true, false] {
            let mut script = Script::linked(config("a,b"));
            let within = CallOptions { deadline: Some(script.now + T), ..CallOptions::default() };
            script
                .session
                .submit(GetData { path: path("/a"), watch: false }.into(), within, script.now)
                .expect("taken");
            script.sent();
            for _ in 0..3 {
                script.expect(&[]);
                script.pass(T / 3);
                assert_eq!(script.sent(), ["-2 ping"]);
                script.reply(-2, 9, Ok(Reply::Ping(())));
            }
            script.expect(&["call 1 MaybeApplied(Deadline)"]);
            let next = script.get("/b", false);
            script.sent();
            if comes_late {
                // It is for nobody, and least of all for the next call.
                script.reply(1, 9, Ok(data("x")));
                script.reply(2, 9, Ok(data("x")));
                script.expect(&["call 2 ok"]);
            } else {
                script.reply(2, 9, Ok(data("x")));
                assert!(matches!(script.session.poll(), Some(Output::Disconnect(_))));
                assert_eq!(script.session.poll(), Some(Output::Completed(next, Err(LOST))));
                script.expect(&["suspended"]);
                linked_again(&mut script);
            }
        }
    });
}
