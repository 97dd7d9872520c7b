//! What can happen next.

use super::peer::{Letter, Link, Sent};
use super::spec::{Nature, Spec};
use super::world::World;

/// One thing that happens; peers, wishes and nodes by their place, so that a long history is a small one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The server takes the oldest request of a peer.
    Serve(u8),
    /// A peer reads the oldest letter on its wire.
    Deliver(u8),
    /// The instant that a machine waits for has come.
    Tick(u8),
    /// A link is found again.
    Resume(u8),
    /// A new session begins.
    Renew(u8),
    /// A user does what it wishes, by the place in its list.
    Wish(u8, u8),
    /// The link is lost; so many of the requests were sent.
    Cut(u8, u8),
    /// The lease runs out.
    Lapse(u8),
    /// The servers end the session of a peer, which is still to learn of it.
    Doom(u8),
    /// A peer is away for so long that it gives its session up; the servers are still to end it.
    Expire(u8),
    /// The servers end the oldest of the sessions that a peer has given up.
    Reap(u8),
    /// An operator deletes a node, by its place among those that can be.
    Delete(u8),
    /// An operator creates a stranger, by its place in the list.
    Create(u8),
}

/// Writes down everything that can happen next, each step with whether it happens by itself.
pub(super) fn steps<S: Spec + ?Sized>(spec: &S, world: &World<S>, out: &mut Vec<(Step, bool)>) {
    out.clear();
    for number in 0..world.peers.len() {
        own(spec, world, small(number), out);
    }
    let budget = world.budget;
    if budget.deletes > 0 {
        let count = world.ground.deletable(&spec.nodes()).count();
        out.extend((0..small(count)).map(|nth| (Step::Delete(nth), false)));
    }
    if budget.creates > 0 {
        let count = spec.strangers().len();
        out.extend((0..small(count)).map(|nth| (Step::Create(nth), false)));
    }
}

fn own<S: Spec + ?Sized>(spec: &S, world: &World<S>, number: u8, out: &mut Vec<(Step, bool)>) {
    let (peer, budget) = (&world.peers[usize::from(number)], world.budget);
    let mut fault = |step: Step| out.push((step, false));
    let may_lapse = peer.holders > 0 && !peer.lapsed;
    let is_linked = matches!(peer.link, Link::Live | Link::Doubtful);
    let is_open = !matches!(peer.link, Link::Doomed | Link::Gone);
    if is_linked && budget.cuts > 0 {
        let calls = peer.sent.iter().filter(|sent| matches!(sent, Sent::Call(..))).count();
        (0..=small(calls)).for_each(|sent| fault(Step::Cut(number, sent)));
    }
    if peer.link == Link::Proving && budget.cuts > 0 {
        fault(Step::Cut(number, 0));
    }
    if may_lapse && (peer.link == Link::Cut || is_linked && budget.pauses > 0) {
        fault(Step::Lapse(number));
    }
    if is_open && !may_lapse && budget.expiries > 0 {
        fault(Step::Doom(number));
    }
    if (is_linked || peer.link == Link::Cut) && budget.expiries > 0 {
        fault(Step::Expire(number));
    }
    let mut calm = |step: Step| out.push((step, true));
    if !peer.sent.is_empty() && matches!(peer.link, Link::Live | Link::Doubtful) {
        calm(Step::Serve(number));
    }
    if !peer.wire.is_empty() {
        calm(Step::Deliver(number));
    }
    if peer.runner.poll_timeout().is_some() {
        calm(Step::Tick(number));
    }
    match peer.link {
        Link::Cut => calm(Step::Resume(number)),
        Link::Gone => calm(Step::Renew(number)),
        Link::Live | Link::Doubtful | Link::Proving | Link::Doomed => {}
    }
    if !peer.ghosts.is_empty() {
        calm(Step::Reap(number));
    }
    for (nth, wish) in spec.wishes(&peer.user).iter().enumerate() {
        if wish.nature != Nature::Whim || budget.changes_of_mind > 0 {
            out.push((Step::Wish(number, small(nth)), wish.nature == Nature::Calm));
        }
    }
}

/// A place in a list that is a short one.
fn small(number: usize) -> u8 {
    u8::try_from(number).expect("a small world has short lists")
}

impl Letter {
    /// Whether it is the word that a paused or cut session lives.
    pub(super) const fn is_proof(&self) -> bool {
        matches!(self, Self::Resumed)
    }
}
