//! No reply leads to more than three calls of one state; then the machine rests, longer each time.

mod script;

use script::Script;
use zk_recipes::hold::{Command, Deadline};
use zk_session::{Code, EventKind};

/// Runs a loop of answers until the machine rests; returns the calls it made and the pause.
fn rest(script: &mut Script, answer: impl Fn(&mut Script)) -> (usize, u128) {
    let mut calls = 0;
    while !script.under_way().is_empty() {
        calls += 1;
        assert!(calls < 20, "no rest");
        answer(script);
    }
    script.take();
    (calls, script.until_timer())
}

#[test]
fn an_unsendable_create_is_tried_three_times_between_rests_that_double() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    let mut whole = 50;
    for _ in 0..12 {
        let (calls, pause) = rest(&mut script, Script::unsent);
        assert_eq!(calls, 3);
        assert!((whole / 2..=whole * 3 / 2).contains(&pause), "{pause} is not around {whole}");
        whole = (whole * 2).min(5_000);
    }
}

#[test]
fn a_predecessor_that_is_listed_but_not_there_is_not_chased() {
    let mut script = Script::ranking();
    let answer = |script: &mut Script| match script.under_way()[0] {
        "list" => script.listed(&["T1:5", "other__lock__0000000004"]),
        _ => script.refused(Code::NoNode),
    };
    assert_eq!(rest(&mut script, answer).0, 6);
    assert_eq!(rest(&mut script, answer).0, 6);
}

#[test]
fn a_directory_that_is_made_and_gone_again_is_not_chased() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    let answer = |script: &mut Script| match script.under_way()[0] {
        "create2 T1" => script.refused(Code::NoNode),
        _ => script.created_plainly("/lock"),
    };
    assert_eq!(rest(&mut script, answer).0, 5);
}

#[test]
fn progress_makes_the_next_rest_a_short_one() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    for _ in 0..6 {
        rest(&mut script, Script::unsent);
    }
    script.created("T1:5", 50);
    script.listed(&["T1:5", "other__lock__0000000004"]);
    script.got_data();
    script.fires(EventKind::NodeDeleted, "other__lock__0000000004");
    let (calls, pause) = rest(&mut script, Script::unknown);
    assert_eq!(calls, 3);
    assert!(pause <= 75, "{pause}");
}

#[test]
fn a_throttled_call_rests_at_once() {
    let mut script = Script::new();
    script.acquire(Deadline::Never);
    assert_eq!(rest(&mut script, |script| script.refused(Code::Throttled)).0, 1);
    let mut script = Script::held();
    script.command(Command::Release);
    assert_eq!(rest(&mut script, |script| script.refused(Code::SessionMoved)).0, 1);
}

#[test]
fn a_holder_whose_watch_cannot_be_set_goes_on_holding_and_trying() {
    let mut script = Script::ranking();
    script.listed(&["T1:5"]);
    script.take();
    assert_eq!(rest(&mut script, Script::unknown).0, 3);
    script.expect(&["exists! T1:5"]);
    script.lease_expired();
    script.expect(&["Lost { fence: 0x32, cause: LeaseExpired }"]);
}

#[test]
fn a_verification_that_fails_is_repeated_after_a_rest() {
    let mut script = Script::doubtful();
    script.resumed();
    script.command(Command::Reclaim);
    assert_eq!(rest(&mut script, Script::unknown).0, 3);
    script.exists(1, 50);
    script.expect(&["exists! T1:5", "regained T1:5 50/2"]);
}
