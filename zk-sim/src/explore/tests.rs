//! The search itself, with a recipe that does next to nothing.

use zk_recipes::{Input, Outbox, Recipe, Slot};
use zk_session::ops::GetChildren2;
use zk_session::{Instant, Path};

use super::*;

/// Lists the root, as often as it is to, and tells each time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lister {
    left: Option<u8>,
}

impl Lister {
    fn list(&mut self, out: &mut Outbox<&'static str>) {
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.left != Some(0) {
            out.call(Slot::ONLY, GetChildren2 { path: Path::root(), watch: false });
        }
    }
}

impl Recipe for Lister {
    type Command = ();
    type Event = &'static str;

    fn step(&mut self, input: Input<()>, _: Instant, out: &mut Outbox<&'static str>) {
        match input {
            Input::Do(()) => self.list(out),
            Input::Got(..) => {
                out.tell("listed");
                self.list(out);
            }
            Input::Failed(..) | Input::Watch(..) | Input::Session(_) | Input::Tick => {}
        }
    }

    fn abandon() {}

    fn holds(&self) -> bool {
        false
    }

    fn is_idle(&self) -> bool {
        true
    }
}

/// One lister, whose user counts what it is told, and minds the last of so many.
struct Listing {
    lists: Option<u8>,
    bad: u8,
}

impl Spec for Listing {
    type Recipe = Lister;
    type User = Option<u8>;
    type Ledger = ();

    fn peers(&self) -> usize {
        1
    }

    fn recipe(&self, _: usize) -> Lister {
        Lister { left: self.lists.map(|lists| lists + 1) }
    }

    fn user(&self, _: usize) -> Option<u8> {
        None
    }

    fn nodes(&self) -> Vec<String> {
        vec![]
    }

    fn wishes(&self, user: &Option<u8>) -> Vec<WishOf<Self>> {
        let wish = Wish { what: "wants a list", command: (), then: Some(0), nature: Nature::Calm };
        if user.is_none() { vec![wish] } else { vec![] }
    }

    fn told(&self, _: News<'_, &'static str>, user: &mut Option<u8>, (): &mut ()) -> Result<(), Breach> {
        let told = user.unwrap_or_default() + 1;
        *user = Some(if self.lists.is_some() { told } else { 0 });
        if told == self.bad { Err(Breach::of("not that often", told.to_string())) } else { Ok(()) }
    }

    fn always(&self, _: &World<Self>) -> Result<(), Breach> {
        Ok(())
    }

    fn at_rest(&self, world: &World<Self>) -> Result<(), Breach> {
        let told = world.peers().all(|peer| *peer.user() == self.lists);
        if told { Ok(()) } else { Err(Breach::of("all lists are told", "one is not")) }
    }
}

fn found(spec: &Listing, budget: Budget) -> Report {
    explore(spec, budget, Limits::default())
}

#[test]
fn all_states_are_visited_once() {
    let report = found(&Listing { lists: Some(2), bad: 9 }, Budget::default());
    // Nothing wished, and each of two lists asked for, on the wire, and told; the last one ends it.
    assert_eq!((report.states, report.at_rest, report.complete), (6, 1, true));
    assert_eq!(report.to_string(), "6 states, 0 violations");
}

#[test]
fn the_shortest_way_to_a_breach_is_told() {
    let report = found(&Listing { lists: Some(2), bad: 2 }, Budget::default());
    let lines = [
        "user 0 wants a list; peer 0 asks getChildren2 /",
        "the server takes getChildren2 / of peer 0",
        "peer 0 reads the reply to getChildren2: [\"zookeeper\"]; peer 0 asks getChildren2 /; \
         user 0 is told \"listed\"",
        "the server takes getChildren2 / of peer 0",
        "peer 0 reads the reply to getChildren2: [\"zookeeper\"]; user 0 is told \"listed\"",
    ];
    assert_eq!(report.violations[0].script, lines);
    assert!(!report.complete);
}

#[test]
fn what_must_hold_at_rest_is_looked_at() {
    let report = found(&Listing { lists: Some(2), bad: 9 }, Budget { cuts: 1, ..Budget::default() });
    assert_eq!(report.violations[0].breach.invariant, "all lists are told");
    assert!(report.violations[0].script[1].starts_with("the link of peer 0 is cut, getChildren2 / not sent"));
}

#[test]
fn what_never_rests_is_found() {
    let report = found(&Listing { lists: None, bad: 9 }, Budget::default());
    assert_eq!(report.violations[0].breach.invariant, "everything comes to rest");
}

#[test]
fn a_search_ends_at_its_limit() {
    let report = explore(&Listing { lists: Some(9), bad: 99 }, Budget::default(), Limits { states_max: 5 });
    assert!(!report.complete && report.violations.is_empty());
}
