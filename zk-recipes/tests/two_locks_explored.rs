//! Every interleaving of two locks with a few faults: at most one valid guard, and nothing left over at rest.
#![allow(clippy::print_stdout, reason = "the number of states is what one wants to know")]
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail by panicking")]

mod model;

use std::collections::BTreeMap;

use model::{Link, User, World};
use zk_recipes::hold::{Command, Event};
use zk_session::Error;

/// What a test allows to go wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Budget {
    cuts: u8,
    pauses: u8,
    deletes: u8,
    changes_of_mind: u8,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct State {
    world: World,
    budget: Budget,
    meddling: Meddling,
}

/// Whether an operator has deleted a node. A waiter learns of the end of its own only when its turn might have come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Meddling {
    None,
    Done,
}

#[derive(Clone, Debug)]
enum Step {
    Serve(usize),
    Deliver(usize),
    Tick(usize),
    Resume(usize),
    Renew(usize),
    Release(usize),
    Reclaim(usize),
    CutUnsent(usize),
    CutUnknown(usize),
    Lapse(usize),
    Doom(usize),
    Expire(usize),
    Delete(String),
    Cancel(usize),
    Abandon(usize),
}

#[test]
fn two_locks_with_a_lost_link() {
    explore(Budget { cuts: 1, pauses: 0, deletes: 0, changes_of_mind: 0 }, 8_000);
}

#[test]
fn two_locks_with_a_paused_process() {
    explore(Budget { cuts: 0, pauses: 1, deletes: 0, changes_of_mind: 0 }, 6_000);
}

#[test]
fn two_locks_with_a_paused_process_and_a_lost_link() {
    explore(Budget { cuts: 1, pauses: 1, deletes: 0, changes_of_mind: 0 }, 100_000);
}

#[test]
fn two_locks_with_a_paused_process_and_a_meddling_operator() {
    explore(Budget { cuts: 0, pauses: 1, deletes: 1, changes_of_mind: 0 }, 60_000);
}

#[test]
fn two_locks_with_a_meddling_operator() {
    explore(Budget { cuts: 0, pauses: 0, deletes: 2, changes_of_mind: 0 }, 20_000);
}

#[test]
fn two_locks_with_users_who_change_their_minds() {
    explore(Budget { cuts: 0, pauses: 0, deletes: 0, changes_of_mind: 2 }, 4_000);
}

#[test]
fn two_locks_with_a_lost_link_and_a_user_who_changes_their_mind() {
    explore(Budget { cuts: 1, pauses: 0, deletes: 0, changes_of_mind: 1 }, 40_000);
}

#[test]
fn two_locks_with_a_lost_link_and_a_meddling_operator() {
    explore(Budget { cuts: 1, pauses: 0, deletes: 1, changes_of_mind: 0 }, 80_000);
}

#[test]
fn two_locks_with_two_lost_links() {
    explore(Budget { cuts: 2, pauses: 0, deletes: 0, changes_of_mind: 0 }, 80_000);
}

/// Visits every state, breadth first, and checks it. From every state a state at rest must be within reach by steps that
/// are neither faults nor wishes. With fewer states than `floor` the model would have lost its teeth.
fn explore(budget: Budget, floor: usize) {
    let mut world = World::new(2);
    world.acquire(0);
    world.acquire(1);
    let start = State { world, budget, meddling: Meddling::None };
    let mut numbers = BTreeMap::new();
    numbers.insert(fingerprint(&start), 0usize);
    let mut states = vec![(start, None::<(usize, Step)>)];
    let mut calm: Vec<Vec<usize>> = Vec::new();
    let mut at_rest = Vec::new();
    let mut next = 0;
    while next < states.len() {
        let state = states[next].0.clone();
        let steps = steps(&state);
        let resting = !steps.iter().any(|step| step.is_calm());
        if let Err(fault) =
            state.check_always().and_then(|()| if resting { state.check_at_rest() } else { Ok(()) })
        {
            panic!("{fault}\nafter {:#?}\nin {:#?}", history(&states, next), state.world);
        }
        if resting {
            at_rest.push(next);
        }
        let mut onward = Vec::new();
        for step in steps {
            let after = state.after(&step);
            let number = *numbers.entry(fingerprint(&after)).or_insert_with(|| {
                states.push((after, Some((next, step.clone()))));
                states.len() - 1
            });
            if step.is_calm() {
                onward.push(number);
            }
        }
        calm.push(onward);
        // The state itself is not needed again; its place in the history is.
        next += 1;
    }
    assert_all_come_to_rest(&calm, &at_rest, &states);
    assert!(states.len() >= floor, "only {} states", states.len());
    println!("{} states, {} of them at rest", states.len(), at_rest.len());
}

fn assert_all_come_to_rest(
    calm: &[Vec<usize>],
    at_rest: &[usize],
    states: &[(State, Option<(usize, Step)>)],
) {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); calm.len()];
    for (from, onward) in calm.iter().enumerate() {
        for to in onward {
            before[*to].push(from);
        }
    }
    let mut reached = vec![false; calm.len()];
    let mut todo = at_rest.to_vec();
    while let Some(state) = todo.pop() {
        if !std::mem::replace(&mut reached[state], true) {
            todo.extend(&before[state]);
        }
    }
    if let Some(restless) = reached.iter().position(|reached| !reached) {
        panic!("never at rest after {:#?}\nin {:#?}", history(states, restless), states[restless].0.world);
    }
}

fn history(states: &[(State, Option<(usize, Step)>)], mut at: usize) -> Vec<&Step> {
    let mut steps = Vec::new();
    while let Some((before, step)) = &states[at].1 {
        steps.push(step);
        at = *before;
    }
    steps.reverse();
    steps
}

/// Two 64-bit hashes with different seeds: among millions of states no two meet by chance.
fn fingerprint(state: &State) -> (u64, u64) {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let hash = |seed: u64| {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        state.hash(&mut hasher);
        hasher.finish()
    };
    (hash(1), hash(2))
}

fn steps(state: &State) -> Vec<Step> {
    let mut steps = Vec::new();
    let Budget { cuts, pauses, deletes, changes_of_mind } = state.budget;
    for (number, client) in state.world.clients.iter().enumerate() {
        if client.is_linked() {
            if !client.wire.is_empty() {
                steps.push(Step::Deliver(number));
            }
            if !client.sent.is_empty() && client.link == Link::Linked {
                steps.push(Step::Serve(number));
            }
            if cuts > 0 && client.link != Link::Doomed {
                steps.push(Step::CutUnsent(number));
                if !client.sent.is_empty() {
                    steps.push(Step::CutUnknown(number));
                }
            }
            if pauses > 0 && client.link == Link::Linked {
                steps.push(Step::Lapse(number));
            }
        }
        if client.runner.poll_timeout().is_some() {
            steps.push(Step::Tick(number));
        }
        match client.link {
            Link::Linked | Link::Doomed | Link::Proving { lapsed: false } => {}
            Link::Proving { lapsed: true } => steps.push(Step::Doom(number)),
            Link::Cut => steps.extend([Step::Resume(number), Step::Lapse(number)]),
            Link::CutAndLapsed => steps.extend([Step::Resume(number), Step::Expire(number)]),
            Link::Gone => steps.push(Step::Renew(number)),
        }
        match &client.user {
            User::Holding { .. } => steps.push(Step::Release(number)),
            User::Doubting { .. } => steps.extend([Step::Release(number), Step::Reclaim(number)]),
            User::Waiting if changes_of_mind > 0 => {
                steps.extend([Step::Cancel(number), Step::Abandon(number)]);
            }
            _ => {}
        }
    }
    if deletes > 0 {
        let nodes = state.world.server.nodes.keys().filter(|path| path.as_str() != model::DIRECTORY);
        steps.extend(nodes.map(|path| Step::Delete(path.as_str().into())));
    }
    steps
}

impl Step {
    /// Whether it happens by itself, if nothing else goes wrong and nobody wishes anything.
    const fn is_calm(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Deliver(_) | Self::Tick(_) | Self::Resume(_) | Self::Renew(_))
    }
}

impl State {
    fn after(&self, step: &Step) -> Self {
        let mut state = self.clone();
        let (world, budget) = (&mut state.world, &mut state.budget);
        match step {
            Step::Serve(client) => {
                world.serve(*client);
            }
            Step::Deliver(client) => world.deliver(*client),
            Step::Tick(client) => world.tick(*client),
            Step::Resume(client) => world.resume(*client),
            Step::Renew(client) => world.renew(*client),
            Step::Release(client) => {
                world.clients[*client].user = User::Leaving;
                world.command(*client, Command::Release);
            }
            Step::Reclaim(client) => {
                if let User::Doubting { fence } = world.clients[*client].user {
                    world.clients[*client].user = User::Reclaiming { fence };
                }
                world.command(*client, Command::Reclaim);
            }
            Step::CutUnsent(client) => {
                budget.cuts -= 1;
                world.cut(*client, Error::NotSent);
            }
            Step::CutUnknown(client) => {
                budget.cuts -= 1;
                world.cut(*client, Error::MaybeApplied);
            }
            Step::Lapse(client) => {
                if world.clients[*client].link == Link::Linked {
                    budget.pauses -= 1;
                }
                world.lapse(*client);
            }
            Step::Doom(client) => world.doom(*client),
            Step::Expire(client) => world.expire(*client),
            Step::Delete(path) => {
                budget.deletes -= 1;
                state.meddling = Meddling::Done;
                world.delete(&zk_session::Path::new(path).unwrap());
            }
            Step::Cancel(client) => {
                budget.changes_of_mind -= 1;
                world.clients[*client].user = User::Leaving;
                world.command(*client, Command::Cancel);
            }
            Step::Abandon(client) => {
                budget.changes_of_mind -= 1;
                world.clients[*client].user = User::Done(Vec::new());
                world.command(*client, Command::Abandon);
            }
        }
        state
    }

    fn check_always(&self) -> Result<(), String> {
        let world = &self.world;
        let guards = || world.clients.iter().filter_map(|client| client.user.guard());
        if guards().filter(|fence| world.stands(*fence)).count() > 1 {
            return Err("two valid guards".into());
        }
        if self.meddling == Meddling::None && !guards().all(|fence| world.stands(fence)) {
            return Err("a valid guard without a node".into());
        }
        for client in &world.clients {
            if client.sent.len() > 2 {
                return Err(format!("too many calls under way: {:?}", client.sent));
            }
            match &client.user {
                User::Done(events) if events.len() > 1 => return Err(format!("told twice: {events:?}")),
                User::Done(events) => {
                    let fine = |event: &Event| {
                        matches!(
                            event,
                            Event::Released { .. }
                                | Event::Cancelled
                                | Event::Lost { .. }
                                | Event::Ended { .. }
                        )
                    };
                    if !events.iter().all(fine) {
                        return Err(format!("unexpected news: {events:?}"));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_at_rest(&self) -> Result<(), String> {
        let world = &self.world;
        for (number, client) in world.clients.iter().enumerate() {
            let (nodes, watches) = (world.nodes(number).len(), world.watches(number));
            let expected = match client.user {
                User::Waiting if self.meddling == Meddling::Done => nodes <= 1 && watches == 1,
                User::Waiting | User::Holding { .. } => nodes == 1 && watches == 1,
                User::Doubting { .. } => nodes <= 1 && watches <= 1,
                User::Idle | User::Done(_) => nodes == 0 && watches == 0 && client.runner.is_idle(),
                User::Leaving | User::Reclaiming { .. } => false,
            };
            if !expected || client.runner.leftovers() > 0 {
                return Err(format!(
                    "client {number} has {nodes} nodes and {watches} watches: {:?}",
                    client.user
                ));
            }
        }
        let users = || world.clients.iter().map(|client| &client.user);
        let held = users().any(|user| matches!(user, User::Holding { .. } | User::Doubting { .. }));
        if users().any(|user| *user == User::Waiting) && !held {
            return Err("somebody waits for what is free".into());
        }
        Ok(())
    }
}
