//! Each promise, broken by hand.

use super::*;

#[track_caller]
fn broken(result: Result<Report, Violation>, rule: &str) {
    match result {
        Ok(report) => panic!("nothing was seen: {report:?}"),
        Err(violation) => assert_eq!(violation.rule, rule, "{violation}"),
    }
}

const TOLD: &str = "what is told follows from the writes before it";

/// Creates `/a`, sets and reads it by two clients: the calls 0 to 4.
fn simple() -> Run {
    let mut run = Run::new();
    run.call(0, create("/a", CreateMode::Persistent));
    run.call(1, set("/a", "second"));
    run.call(0, get("/a", false));
    run.call(0, set("/a", "third"));
    run.call(1, get("/a", false));
    run
}

fn told(run: &mut Run, call: usize) -> &mut Reply {
    let Outcome::Ok { reply, .. } = &mut run.history.calls[call].outcome else { panic!("no answer") };
    reply
}

fn number(run: &mut Run, call: usize) -> &mut Zxid {
    let Outcome::Ok { zxid, .. } = &mut run.history.calls[call].outcome else { panic!("no number") };
    zxid
}

fn data(run: &mut Run, call: usize) -> &mut NodeData {
    let Reply::GetData(node) = told(run, call) else { panic!("no data") };
    node
}

#[test]
fn an_honest_history_is_in_order() {
    let run = simple();
    let all = Report { checked: 5, unchecked: 0, placed: 0 };
    assert_eq!(run.judged(), Ok(all));
    assert_eq!(run.judged_with_log(), Ok(all));
}

#[test]
fn a_stale_read_is_seen() {
    let mut run = simple();
    let stale = data(&mut run, 2).clone();
    *data(&mut run, 4) = stale;
    broken(run.judged(), TOLD);
    broken(run.judged_with_log(), TOLD);
}

#[test]
fn a_wrong_stat_is_seen() {
    for spoil in [
        (|stat| stat.version += 1) as fn(&mut zk_session::Stat),
        |stat| stat.num_children = 1,
        |stat| stat.pzxid = Zxid::new(9),
        |stat| stat.ephemeral_owner = session(0),
    ] {
        let mut run = simple();
        spoil(&mut data(&mut run, 4).stat);
        broken(run.judged(), TOLD);
    }
    let mut run = simple();
    data(&mut run, 4).stat.mtime += 1;
    broken(run.judged_with_log(), TOLD);
    run.judged().unwrap();
}

#[test]
fn a_lost_update_is_seen() {
    let mut run = simple();
    *told(&mut run, 3) = told(&mut run, 1).clone();
    broken(run.judged(), TOLD);
}

#[test]
fn the_number_of_another_is_seen() {
    let mut run = simple();
    *number(&mut run, 3) = *number(&mut run, 1);
    broken(run.judged(), "a write comes after what was told before it");
    let mut run = simple();
    let number_of_get = *number(&mut run, 4);
    *number(&mut run, 3) = Zxid::new(number_of_get.raw() + 1);
    broken(run.judged(), TOLD);
    broken(run.judged_with_log(), "what is logged was asked for, and once");
}

#[test]
fn a_session_that_goes_back_is_seen() {
    let mut run = simple();
    *number(&mut run, 4) = *number(&mut run, 0);
    broken(run.judged(), "a session does not go back in time");
}

#[test]
fn writes_out_of_order_are_seen() {
    let mut run = Run::new();
    run.call(0, create("/a", CreateMode::Persistent));
    run.call(1, create("/b", CreateMode::Persistent));
    let (first, second) = (*number(&mut run, 0), *number(&mut run, 1));
    *number(&mut run, 0) = second;
    *number(&mut run, 1) = first;
    broken(run.judged(), "a write comes after what was told before it");
}

#[test]
fn a_write_that_was_not_sent_and_is_there_is_seen() {
    let mut run = simple();
    run.history.calls[3].outcome = Outcome::NotSent;
    broken(run.judged(), TOLD);
    broken(run.judged_with_log(), "what was not sent is not applied");
}

#[test]
fn a_write_that_is_applied_twice_is_seen() {
    let mut run = simple();
    let again = run.log[4].write.clone();
    let _ = run.commit(1, again);
    broken(run.judged_with_log(), "what is logged was asked for, and once");
    run.call(0, get("/a", false));
    broken(run.judged(), TOLD);
}

#[test]
fn a_write_that_is_not_in_the_log_is_seen() {
    let mut run = simple();
    run.log.pop();
    broken(run.judged_with_log(), "what was answered is logged");
}

#[test]
fn a_wrong_refusal_is_seen_with_its_number_and_without() {
    for known in [true, false] {
        let mut run = simple();
        let refused = run.call(2, Delete { path: path("/none"), version: Version::ANY });
        run.call(2, get("/a", false));
        if !known {
            let Outcome::Refused { zxid, .. } = &mut run.history.calls[refused].outcome else { panic!() };
            *zxid = None;
        }
        run.judged().unwrap();
        let Outcome::Refused { code, .. } = &mut run.history.calls[refused].outcome else { panic!() };
        *code = Code::NodeExists;
        broken(run.judged(), TOLD);
    }
}

#[test]
fn a_write_of_unknown_fate_is_found_where_it_shows() {
    for applied in [true, false] {
        let mut run = simple();
        let lost = run.make(2, create("/a/b", CreateMode::Ephemeral));
        if applied {
            run.serve(lost);
        }
        run.lose(lost);
        run.call(0, set("/a", "fourth"));
        run.call(0, GetChildren2 { path: path("/a"), watch: false });
        let report = run.judged().unwrap();
        assert_eq!(report.placed, usize::from(applied));
        assert_eq!(run.judged_with_log().unwrap().placed, usize::from(applied));
        // Without the call there is no reason for the child.
        run.history.calls[lost].outcome = Outcome::NotSent;
        assert_eq!(run.judged().is_err(), applied);
        assert_eq!(run.judged_with_log().is_err(), applied);
    }
}

#[test]
fn two_writes_of_unknown_fate_may_be_needed_at_once() {
    let mut run = simple();
    for request in [Request::from(create("/a/b", CreateMode::Persistent)), set("/a/b", "lost").into()] {
        let lost = run.make(2, request);
        run.serve(lost);
        run.lose(lost);
    }
    run.call(1, get("/a/b", false));
    assert_eq!(run.judged().unwrap().placed, 2);
}

#[test]
fn a_session_that_ends_takes_its_nodes_with_it() {
    let mut run = simple();
    run.call(2, create("/a/b", CreateMode::Ephemeral));
    run.call(2, create("/a/c", CreateMode::EphemeralSequential));
    let _ = run.commit(2, Write::CloseSession);
    run.call(0, GetChildren2 { path: path("/a"), watch: false });
    run.call(0, set("/a", "after"));
    assert_eq!(run.judged().unwrap().placed, 1);
    assert_eq!(run.judged_with_log().unwrap().placed, 1);
    // It does not take one of them only.
    let list = run.history.calls.len() - 2;
    let Reply::GetChildren2(found) = told(&mut run, list) else { panic!() };
    found.children = ["b"].into_iter().collect();
    found.stat.num_children = 1;
    broken(run.judged(), TOLD);
}

/// Client 0 watches `/a`, client 1 sets it, client 0 hears of it and reads it.
fn watched() -> Run {
    let mut run = simple();
    run.call(0, get("/a", true));
    run.call(1, set("/a", "watched"));
    run.call(0, get("/a", false));
    run
}

#[test]
fn an_event_comes_once_and_in_time() {
    let run = watched();
    assert_eq!(run.history.events.len(), 1);
    run.judged().unwrap();

    let (alien, early) =
        ("an event is that of a watch, and of a change", "an event comes before what shows the change");
    let mut twice = watched();
    twice.history.events.push(twice.history.events[0].clone());
    broken(twice.judged(), alien);

    let mut never = watched();
    never.history.events.clear();
    broken(never.judged(), early);

    let mut late = watched();
    late.history.events[0].position = u64::MAX;
    broken(late.judged(), early);

    let mut soon = watched();
    soon.history.events[0].position = 0;
    broken(soon.judged(), alien);

    let mut other = watched();
    other.history.events[0].path = path("/b");
    broken(other.judged(), alien);

    let mut unfounded = simple();
    unfounded.call(0, get("/a", true));
    let event = watched().history.events[0].clone();
    unfounded.history.events.push(Noticed { position: u64::MAX, ..event });
    broken(unfounded.judged(), alien);
}

#[test]
fn children_are_watched_as_nodes_are() {
    let mut run = simple();
    run.call(0, GetChildren2 { path: path("/a"), watch: true });
    run.call(1, set("/a", "no child"));
    run.call(0, get("/a", false));
    run.judged().unwrap();
    run.call(1, create("/a/b", CreateMode::Persistent));
    run.call(0, get("/a", false));
    assert_eq!(run.history.events.len(), 1);
    run.judged().unwrap();
    run.history.events.clear();
    broken(run.judged(), "an event comes before what shows the change");
}

#[test]
fn what_comes_and_goes_without_a_link_may_be_missed_by_exists_only() {
    let mut run = simple();
    run.call(0, Exists { path: path("/b"), watch: true });
    run.call(1, create("/b", CreateMode::Persistent));
    run.call(1, Delete { path: path("/b"), version: Version::ANY });
    run.call(0, get("/a", false));
    assert_eq!(run.history.events.len(), 1);
    run.judged().unwrap();
    run.history.events.clear();
    run.judged().unwrap();
}

#[test]
fn a_multi_is_all_or_nothing() {
    let mut run = simple();
    let multi = |version| {
        let check = Check { path: path("/a"), version };
        let ops = vec![set("/a", "multi").into(), check.into()];
        Multi { ops: zk_session::ops::Batch(ops) }
    };
    run.call(0, multi(Version::ANY));
    run.call(0, multi(Version::exactly(0).unwrap()));
    run.call(0, get("/a", false));
    run.judged().unwrap();
    let last = run.history.calls.len() - 1;
    data(&mut run, last).stat.version += 1;
    broken(run.judged(), TOLD);
}
