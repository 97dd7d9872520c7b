//! After a cut each call says what is known about its effect, judged by what the transport took.

mod script;

use std::time::Duration;

use script::{Script, config, data};
use zk_session::{Cancelled, Code, Error, EventKind, Instant, Output, Refusal, Why};

#[test]
fn ten_and_a_half_frames_of_a_hundred_were_taken() {
    let mut script = Script::linked(config("a"));
    let calls: Vec<_> = (0..100).map(|_| script.get("/node", false)).collect();
    let frame = 4 + 8 + 4 + "/node".len() + 1;
    assert_eq!(script.take_bytes(10 * frame + frame / 2), 10 * frame + frame / 2);
    script.cut();
    for (index, call) in calls.into_iter().enumerate() {
        let why = Why::ConnectionLost;
        let expected = if index < 10 { Error::MaybeApplied(why) } else { Error::NotSent(why) };
        assert_eq!(script.session.poll(), Some(Output::Completed(call, Err(expected))), "call {index}");
    }
    script.expect(&["suspended"]);
}

#[test]
fn calls_that_were_not_even_staged_end_with_the_others() {
    let mut script = Script::linked(config("a"));
    let large = || zk_session::ops::SetData {
        path: zk_session::Path::root(),
        data: Some(vec![0; 200_000].into()),
        version: zk_session::Version::ANY,
    };
    for _ in 0..4 {
        script.submit(large());
    }
    script.cut();
    let not_sent = |call| format!("call {call} NotSent(ConnectionLost)");
    script.expect(&[&*not_sent(1), &*not_sent(2), &*not_sent(3), &*not_sent(4), "suspended"]);
    script.dialed_later();
    script.connected();
    script.accept(5);
    assert!(script.sent().is_empty(), "nothing of the old link is sent on the new one");
}

#[test]
fn behind_a_stalled_transport_calls_can_still_be_taken_back() {
    let mut script = Script::linked(config("a"));
    let set = zk_session::ops::SetData {
        path: zk_session::Path::root(),
        data: Some(vec![0; 200_000].into()),
        version: zk_session::Version::ANY,
    };
    let calls: Vec<_> = (0..4).map(|_| script.submit(set.clone())).collect();
    assert_eq!(script.session.cancel(calls[0]), Some(Cancelled::MaybeApplied), "it may leave at any moment");
    assert_eq!(script.session.cancel(calls[3]), Some(Cancelled::NotSent));
    assert_eq!(script.sent().len(), 3);
}

#[test]
fn replies_that_came_before_the_cut_count() {
    let mut script = Script::linked(config("a"));
    script.get("/a", false);
    script.get("/b", false);
    assert_eq!(script.sent(), ["1 getData /a", "2 getData /b"]);
    script.reply(1, 9, Ok(data("x")));
    script.cut();
    script.expect(&["call 1 ok", "call 2 MaybeApplied(ConnectionLost)", "suspended"]);
}

#[test]
fn a_call_made_without_a_link_waits_for_the_next_one() {
    let mut script = Script::linked(config("a"));
    script.cut();
    script.expect(&["suspended"]);
    script.get("/a", false);
    script.dialed_later();
    script.connected();
    script.accept(5);
    script.expect(&["connected 0x5 resumed"]);
    assert_eq!(script.sent(), ["1 getData /a"]);
    script.reply(1, 9, Ok(data("x")));
    script.expect(&["call 1 ok"]);
}

#[test]
fn a_failed_try_keeps_the_calls_that_wait() {
    let mut script = Script::new(config("a"));
    script.get("/a", false);
    for _ in 0..3 {
        script.dialed();
        script.connected();
        script.cut();
        script.pass(Duration::from_secs(3));
    }
    script.dialed();
    script.connected();
    script.accept(5);
    script.expect(&["connected 0x5 new"]);
    assert_eq!(script.sent(), ["1 getData /a"]);
}

#[test]
fn deadlines_tell_the_same_two_things() {
    let mut script = Script::linked(config("a"));
    let soon = |script: &Script| zk_session::CallOptions {
        deadline: Some(script.now + Duration::from_secs(1)),
        ..Default::default()
    };
    let get = |path: &str| zk_session::ops::GetData {
        path: zk_session::Path::new(path).expect("a path"),
        watch: true,
    };
    let options = soon(&script);
    script.session.submit(get("/sent").into(), options, script.now).expect("taken");
    assert_eq!(script.sent(), ["1 getData /sent"]);
    script.pass(Duration::from_millis(999));
    script.expect(&[]);
    script.pass(Duration::from_millis(1));
    script.expect(&["call 1 MaybeApplied(Deadline)"]);
    // The late reply is consumed, and its watch is nobody's.
    script.reply(1, 9, Ok(data("x")));
    assert_eq!(script.session.watch_count(), 0);
    script.cut();
    script.expect(&["suspended"]);

    let options = soon(&script);
    script.session.submit(get("/queued").into(), options, script.now).expect("taken");
    while script.now < options.deadline.unwrap_or(Instant::NEVER) {
        script.pass(Duration::from_millis(100));
        while let Some(output) = script.session.poll() {
            if let Output::Completed(_, result) = output {
                assert_eq!(result, Err(Error::NotSent(Why::Deadline)));
                assert_eq!(script.now, options.deadline.unwrap_or(Instant::NEVER));
                return;
            }
        }
    }
    panic!("the call outlived its deadline");
}

#[test]
fn a_cancelled_call_disturbs_no_other() {
    let mut script = Script::linked(config("a"));
    let first = script.get("/a", true);
    let second = script.get("/b", false);
    script.sent();
    assert_eq!(script.session.cancel(first), Some(Cancelled::MaybeApplied));
    assert_eq!(script.session.cancel(first), None);
    script.reply(1, 9, Ok(data("x")));
    script.reply(2, 9, Err(Code::NoNode));
    script.expect(&["call 2 NoNode"]);
    assert_eq!(script.session.watch_count(), 0);
    assert_eq!(script.session.cancel(second), None);
    script.cut();
    let queued = script.get("/c", false);
    assert_eq!(script.session.cancel(queued), Some(Cancelled::NotSent));
    script.expect(&["suspended"]);
    assert_eq!(script.session.call_count(), 0);
}

#[test]
fn what_cannot_be_taken_comes_back() {
    let mut small = config("a/chroot");
    small.calls_max = 2;
    small.request_length_max = 40;
    let mut script = Script::linked(small);
    let get = |path: &str| zk_session::ops::GetData {
        path: zk_session::Path::new(path).expect("a path"),
        watch: false,
    };
    let options = zk_session::CallOptions::default();
    let long = get("/a-path-of-thirty-letters-----").into();
    let refused = script.session.submit(long, options, script.now).expect_err("too long");
    assert!(
        matches!(refused.why, Refusal::Misuse(zk_session::Misuse::TooLong { limit: 40, .. })),
        "{refused}"
    );
    let with_chroot = get("/a-path-of-25-letters---").into();
    let refused =
        script.session.submit(with_chroot, options, script.now).expect_err("too long with the chroot");
    assert!(matches!(refused.why, Refusal::Misuse(zk_session::Misuse::TooLong { .. })), "{refused}");
    let ping = zk_session::ops::Ping {}.into();
    let refused = script.session.submit(ping, options, script.now).expect_err("reserved");
    assert_eq!(refused.why, Refusal::Misuse(zk_session::Misuse::Reserved));
    script.get("/a", false);
    script.get("/b", false);
    let refused = script.session.submit(get("/c").into(), options, script.now).expect_err("full");
    assert_eq!((refused.why, *refused.request), (Refusal::Full, get("/c").into()));
    assert_eq!(script.sent(), ["1 getData /chroot/a", "2 getData /chroot/b"]);
}

#[test]
fn who_does_not_know_of_a_loss_does_not_overtake_what_was_lost() {
    let mut script = Script::linked(config("a"));
    script.get("/first", false);
    script.sent();
    script.cut();
    script.get("/unaware", false);
    assert!(matches!(script.session.poll(), Some(Output::Completed(_, Err(Error::MaybeApplied(_))))));
    let aware = script.get("/aware", false);
    script.expect(&["suspended", "call 2 NotSent(ConnectionLost)"]);
    script.dialed_later();
    script.connected();
    script.accept(5);
    assert_eq!(script.sent().len(), 1, "{aware:?} waits for the next link");
}

#[test]
fn a_notice_that_is_taken_back_does_not_hide_that_a_loss_was_told() {
    let mut script = Script::linked(config("a"));
    let watching = script.get("/watched", true);
    script.sent();
    script.reply(1, 1, Ok(data("x")));
    script.expect(&["call 1 ok"]);
    script.get("/lost", false);
    script.sent();
    script.event(EventKind::NodeDeleted, "/watched");
    script.cut();
    script.session.unwatch(watching);
    assert!(matches!(script.session.poll(), Some(Output::Completed(_, Err(Error::MaybeApplied(_))))));
    script.get("/aware", false);
    script.expect(&["suspended"]);
}
