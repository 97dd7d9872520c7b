//! A listing of the contenders shows the queue as it is, and survives what a client survives.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use zk_recipes::{Contenders, Input, Layout, Look, Outbox, Recipe, Sight, Slot};
use zk_recipes::{Errand, hold::Failure};
use zk_session::proto::ops::{NodeChildren, NodeData};
use zk_session::{Code, Ended, Error, Instant, Path, Reply, Request, SessionState, Stat, Why, Zxid};

struct Case {
    recipe: Contenders,
    out: Outbox<Sight>,
}

impl Case {
    fn new() -> Self {
        let recipe = Contenders::new(Path::new("/lock").unwrap(), Layout::kazoo());
        Self { recipe, out: Outbox::new(1) }
    }

    /// The path that is asked for after this input, if anything is.
    fn step(&mut self, input: Input<Look>) -> Option<String> {
        self.recipe.step(input, Instant::default(), &mut self.out);
        match self.out.errands().poll()? {
            Errand::Call(_, request) => Some(request.path().unwrap().as_str().to_owned()),
            errand @ (Errand::Unwatch(_) | Errand::Janitor(_)) => panic!("unexpected {errand:?}"),
        }
    }

    fn listed(&mut self, names: &[&str]) -> Option<String> {
        let children = names.iter().copied().collect();
        self.step(Input::Got(
            Slot::ONLY,
            Reply::GetChildren2(NodeChildren { children, stat: Stat::default() }),
        ))
    }

    fn read(&mut self, identifier: &'static str, zxid: i64) -> Option<String> {
        let stat = Stat { czxid: Zxid::new(zxid), ..Stat::default() };
        self.step(Input::Got(Slot::ONLY, Reply::GetData(NodeData { data: Some(identifier.into()), stat })))
    }

    fn refused(&mut self, code: Code) -> Option<String> {
        self.step(Input::Failed(Slot::ONLY, Error::Server(code)))
    }
}

#[test]
fn the_queue_is_read_from_its_head() {
    let mut case = Case::new();
    assert_eq!(case.step(Input::Do(Look::List)).as_deref(), Some("/lock"));
    let names = ["c__lock__0000000003", "lease_holder", "a__rlock__0000000001", "b__lock__0000000002"];
    assert_eq!(case.listed(&names).as_deref(), Some("/lock/a__rlock__0000000001"));
    assert_eq!(case.read("anna", 10).as_deref(), Some("/lock/b__lock__0000000002"));
    // The second may not be read, the third has gone meanwhile.
    assert_eq!(case.refused(Code::NoAuth).as_deref(), Some("/lock/c__lock__0000000003"));
    assert_eq!(case.refused(Code::NoNode), None);
    let Some(Sight::Listed(queue)) = case.out.poll_event() else { panic!("not listed") };
    let told: Vec<_> =
        queue.iter().map(|one| one.details.as_ref().map(|about| about.identifier.as_str())).collect();
    assert_eq!(told, [Some("anna"), None]);
    assert!(case.recipe.is_idle());
}

#[test]
fn a_missing_directory_has_no_contenders() {
    let mut case = Case::new();
    case.step(Input::Do(Look::List));
    assert_eq!(case.refused(Code::NoNode), None);
    assert_eq!(case.out.poll_event(), Some(Sight::Listed(Vec::new())));
}

#[test]
fn a_lost_reply_or_session_starts_the_listing_over() {
    let mut case = Case::new();
    case.step(Input::Do(Look::List));
    case.listed(&["b__lock__0000000002"]);
    let lost = Error::MaybeApplied(Why::ConnectionLost);
    assert_eq!(case.step(Input::Failed(Slot::ONLY, lost)).as_deref(), Some("/lock"));
    assert_eq!(case.step(Input::Session(SessionState::Ended(Ended::Expired))), None);
    let session = zk_session::SessionId::new(2);
    let timeout = std::time::Duration::from_secs(1);
    let connected = SessionState::Connected { session, timeout, resumed: false };
    assert_eq!(case.step(Input::Session(connected)).as_deref(), Some("/lock"));
    assert_eq!(case.step(Input::Session(SessionState::Ended(Ended::Closed))), None);
    assert_eq!(case.out.poll_event(), Some(Sight::Failed(Failure::Ended(Ended::Closed))));
    assert!(case.recipe.is_idle());
}

#[test]
fn a_loop_of_losses_rests() {
    let mut case = Case::new();
    let lost = || Input::Failed(Slot::ONLY, Error::MaybeApplied(Why::ConnectionLost));
    assert!(case.step(Input::Do(Look::List)).is_some());
    assert!(case.step(lost()).is_some());
    assert!(case.step(lost()).is_some());
    assert!(case.step(lost()).is_none());
    assert!(case.out.errands().take_timer().is_some());
    assert_eq!(case.step(Input::Do(Look::List)), None);
    assert!(matches!(case.out.poll_event(), Some(Sight::Misuse(_))));
    assert_eq!(case.step(Input::Do(Look::Abandon)), None);
    assert!(case.recipe.is_idle());
}

#[test]
fn what_is_asked_is_only_read() {
    let mut case = Case::new();
    case.recipe.step(Input::Do(Look::List), Instant::default(), &mut case.out);
    let Some(Errand::Call(_, Request::GetChildren2(list))) = case.out.errands().poll() else {
        panic!("no listing")
    };
    assert!(!list.watch);
}
