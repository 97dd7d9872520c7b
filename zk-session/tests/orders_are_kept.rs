//! Which calls end with a lost link and which go on, by their order; and what becomes of calls that find no link.

mod script;

use std::time::Duration;

use script::links::path;
use script::{Script, T, config, data};
use zk_session::ops::GetData;
use zk_session::{CallId, CallOptions, Config, Order, PipelineId, Refusal, Unlinked};

const SECOND: Duration = Duration::from_secs(1);

fn get(script: &mut Script, at: &str, order: Order) -> CallId {
    get_with(script, at, CallOptions { order, ..CallOptions::default() })
}

fn get_with(script: &mut Script, at: &str, options: CallOptions) -> CallId {
    let request = GetData { path: path(at), watch: false };
    script.session.submit(request.into(), options, script.now).expect("taken")
}

fn patient(unlinked: Unlinked) -> CallOptions {
    CallOptions { unlinked: Some(unlinked), ..CallOptions::default() }
}

/// A link whose transport takes nothing any more: what is asked for waits, though there is a link.
fn stuffed(config: Config) -> Script {
    let mut script = Script::linked(config);
    for number in 0..300 {
        get(&mut script, &format!("/{number:0>1000}"), Order::Free);
    }
    script
}

#[test]
fn a_lost_call_takes_those_of_its_order_with_it() {
    let mut script = Script::linked(config("a"));
    let (first, second) = (script.session.pipeline(), script.session.pipeline());
    get(&mut script, "/client", Order::Client);
    get(&mut script, "/first", Order::Pipeline(first));
    get(&mut script, "/free", Order::Free);
    script.sent();
    script.cut();
    let late = [
        get(&mut script, "/client", Order::Client),
        get(&mut script, "/first", Order::Pipeline(first)),
        get(&mut script, "/second", Order::Pipeline(second)),
        get(&mut script, "/free", Order::Free),
    ];
    assert_eq!(late.map(CallId::number), [4, 5, 6, 7]);
    script.expect(&[
        "call 1 MaybeApplied(ConnectionLost)",
        "call 2 MaybeApplied(ConnectionLost)",
        "call 3 MaybeApplied(ConnectionLost)",
        "suspended",
        "call 4 NotSent(ConnectionLost)",
        "call 5 NotSent(ConnectionLost)",
    ]);
    // Who has been told of the loss may ask again. A pipeline is broken until its user says otherwise.
    get(&mut script, "/client", Order::Client);
    get(&mut script, "/first", Order::Pipeline(first));
    script.expect(&["call 9 NotSent(ConnectionLost)"]);
    script.session.end_pipeline(first);
    get(&mut script, "/first", Order::Pipeline(first));
    script.dialed_later();
    script.connected();
    script.accept(5);
    script.expect(&["connected 0x5 resumed"]);
    assert_eq!(
        script.sent(),
        ["4 getData /second", "5 getData /free", "6 getData /client", "7 getData /first"]
    );
}

#[test]
fn a_pipeline_without_a_lost_call_goes_on() {
    let mut script = stuffed(config("a"));
    let pipeline = script.session.pipeline();
    get(&mut script, "/pipeline", Order::Pipeline(pipeline));
    get(&mut script, "/client", Order::Client);
    script.cut();
    let told = script.told();
    assert!(!told.iter().any(|output| output.starts_with("call 301") || output.starts_with("call 302")));
    script.dialed_later();
    script.connected();
    script.accept(5);
    let sent = script.sent();
    assert!(sent[sent.len() - 2].ends_with(" getData /pipeline"), "{sent:?}");
    assert!(sent[sent.len() - 1].ends_with(" getData /client"), "{sent:?}");
}

#[test]
fn a_pipeline_that_broke_with_its_session_is_broken_in_the_next() {
    for is_sent in [true, false] {
        let mut script = if is_sent { Script::linked(config("a")) } else { stuffed(config("a")) };
        let pipeline = script.session.pipeline();
        get(&mut script, "/a", Order::Pipeline(pipeline));
        if is_sent {
            script.sent();
            script.cut();
            get(&mut script, "/never", Order::Client);
        } else {
            script.cut();
        }
        script.told();
        script.dialed_later();
        script.connected();
        script.expire(false);
        script.told();
        script.session = script.session.successor(script.now).expect("renewed");
        script.told();
        let late = get(&mut script, "/b", Order::Pipeline(pipeline));
        script.expect(&[&format!("{late:?} NotSent(ConnectionLost)")]);
        script.session.end_pipeline(pipeline);
        get(&mut script, "/c", Order::Pipeline(pipeline));
        script.expect(&[]);
        let other: PipelineId = script.session.pipeline();
        assert_ne!(other, pipeline, "the number is not used again");
    }
}

#[test]
fn a_call_that_finds_no_link_does_as_it_is_told() {
    let wait = |most| Unlinked::Wait { most };
    let mut config = config("a");
    config.unlinked = wait(Some(2 * SECOND));
    let mut script = Script::new(config);
    get(&mut script, "/as-configured", Order::Client);
    get_with(&mut script, "/longer", patient(wait(Some(4 * SECOND))));
    get_with(&mut script, "/for-ever", patient(wait(None)));
    let early = CallOptions { deadline: Some(script.now + SECOND), ..CallOptions::default() };
    get_with(&mut script, "/deadline", early);
    let request = GetData { path: path("/refused"), watch: false };
    let refused = script.session.submit(request.into(), patient(Unlinked::Refuse), script.now);
    assert_eq!(refused.expect_err("there is no link").why, Refusal::Unlinked);
    script.dialed();
    script.pass(SECOND);
    script.expect(&["call 4 NotSent(Deadline)"]);
    script.pass(SECOND);
    script.expect(&["call 1 NotSent(Unlinked)"]);
    script.pass(2 * SECOND);
    assert!(script.told().contains(&"call 2 NotSent(Unlinked)".to_owned()));
    assert_eq!(script.session.call_count(), 1);
}

#[test]
fn a_call_goes_on_waiting_by_its_own_rule_when_another_link_is_lost() {
    for (rule, ends) in [
        (Some(Unlinked::Wait { most: None }), None),
        (Some(Unlinked::Wait { most: Some(2 * SECOND) }), Some(2 * SECOND)),
        (Some(Unlinked::Refuse), Some(Duration::ZERO)),
        (None, Some(SECOND)),
    ] {
        let mut config = config("a");
        config.unlinked = Unlinked::Wait { most: Some(SECOND) };
        let mut script = stuffed(config);
        let options = CallOptions { unlinked: rule, order: Order::Free, ..CallOptions::default() };
        let call = get_with(&mut script, "/last", options);
        script.cut();
        let lost = script.now;
        let mut ended = None;
        while script.now.since(lost) < 3 * SECOND && ended.is_none() {
            let is_over = script.told().contains(&format!("{call:?} NotSent(Unlinked)"));
            ended = is_over.then(|| script.now.since(lost));
            script.pass(SECOND / 4);
        }
        assert_eq!(ended, ends, "{rule:?}");
    }
}

#[test]
fn a_link_that_comes_in_time_ends_the_wait() {
    let mut config = config("a");
    config.unlinked = Unlinked::Wait { most: Some(4 * SECOND) };
    let mut script = Script::linked(config);
    script.cut();
    script.told();
    let deadline = Some(script.now + T);
    get_with(&mut script, "/a", CallOptions { deadline, ..CallOptions::default() });
    script.dialed_later();
    script.connected();
    script.accept(5);
    script.expect(&["connected 0x5 resumed"]);
    let xid = script.last_sent();
    script.pass(2 * SECOND);
    script.reply(xid, 1, Ok(data("x")));
    script.expect(&["call 1 ok"]);
}
