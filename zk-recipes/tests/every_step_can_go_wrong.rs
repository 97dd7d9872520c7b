//! At every step of an attempt, on servers with and without trouble, one thing goes wrong; then everything settles.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail by panicking")]

mod model;

use model::{DIRECTORY, Link, Quirks, User, World};
use zk_recipes::hold::{Command, Event};
use zk_session::{Error, Path};

/// All servers that the attempt is made on, each with an attempt of a first contender that holds the lock or not.
fn worlds(quirks: &[Quirks]) -> Vec<World> {
    let mut worlds = Vec::new();
    for quirk in quirks {
        for behind in [false, true] {
            for missing in [false, true] {
                let mut world = World::new(2);
                world.server.quirks = *quirk;
                if behind {
                    world.acquire(0);
                    world.settle();
                } else if missing {
                    world.delete(&Path::new(DIRECTORY).unwrap());
                }
                world.acquire(1);
                worlds.push(world);
            }
        }
    }
    worlds
}

/// Does `fault` to the second contender after each number of steps, until there is no further step. Whoever holds then
/// releases, and nothing must be left.
fn at_every_step(fault: impl Fn(&mut World)) -> usize {
    let plain = Quirks { no_create2: false, no_reading: false, creates_twice: false };
    let old = Quirks { no_create2: true, ..plain };
    let strict = Quirks { no_reading: true, ..plain };
    at_every_step_on(&[plain, old, strict], fault)
}

fn at_every_step_on(quirks: &[Quirks], fault: impl Fn(&mut World)) -> usize {
    let mut tried = 0;
    for world in worlds(quirks) {
        for steps in 0.. {
            let mut world = world.clone();
            let mut done = 0;
            while done < steps && world.step(1) {
                done += 1;
            }
            fault(&mut world);
            finish(&mut world);
            tried += 1;
            if done < steps {
                break;
            }
        }
    }
    tried
}

/// Lets everything settle, lets holders release, until both users are done; then nothing must be left.
fn finish(world: &mut World) {
    for _ in 0..200 {
        world.settle();
        for client in 0..2 {
            match world.clients[client].link {
                Link::Cut | Link::CutAndLapsed => world.resume(client),
                Link::Gone => world.renew(client),
                Link::Linked | Link::Doomed | Link::Proving { .. } => world.tick(client),
            }
            if let User::Holding { .. } | User::Doubting { .. } = world.clients[client].user {
                world.clients[client].user = User::Leaving;
                world.command(client, Command::Release);
            }
        }
    }
    for (number, client) in world.clients.iter().enumerate() {
        let User::Done(events) = &client.user else {
            assert_eq!(client.user, User::Idle, "client {number} is not done in {world:#?}");
            continue;
        };
        assert!(events.len() <= 1, "{events:?}");
        assert!(client.runner.is_idle(), "{client:#?}");
        assert_eq!(world.watches(number), 0, "{world:#?}");
        assert_eq!(world.nodes(number), Vec::<&Path>::new(), "{world:#?}");
    }
}

#[test]
fn a_cancelled_attempt_leaves_nothing() {
    let tried = at_every_step(|world| {
        if world.clients[1].user == User::Waiting {
            world.clients[1].user = User::Leaving;
            world.command(1, Command::Cancel);
        }
    });
    assert!(tried > 50);
}

#[test]
fn an_abandoned_attempt_leaves_nothing_and_says_nothing() {
    at_every_step(|world| {
        world.clients[1].user = User::Done(Vec::new());
        world.command(1, Command::Abandon);
    });
}

#[test]
fn a_lost_link_is_survived() {
    at_every_step(|world| world.cut(1, Error::NotSent));
    at_every_step(|world| world.cut(1, Error::MaybeApplied));
    at_every_step(|world| {
        world.serve(1);
        world.cut(1, Error::MaybeApplied);
    });
}

#[test]
fn a_lost_link_after_a_cancel_is_survived() {
    at_every_step(|world| {
        if world.clients[1].user == User::Waiting {
            world.clients[1].user = User::Leaving;
            world.command(1, Command::Cancel);
        }
        world.serve(1);
        world.cut(1, Error::MaybeApplied);
    });
}

#[test]
fn an_expired_session_is_survived() {
    at_every_step(|world| {
        world.cut(1, Error::MaybeApplied);
        world.lapse(1);
        world.expire(1);
    });
}

#[test]
fn a_paused_process_is_survived() {
    at_every_step(|world| world.lapse(1));
}

#[test]
fn an_operator_who_deletes_everything_is_survived() {
    at_every_step(|world| {
        let nodes: Vec<Path> = world.server.nodes.keys().rev().cloned().collect();
        for node in nodes {
            world.delete(&node);
        }
    });
}

#[test]
fn a_node_that_was_made_twice_is_survived() {
    let quirks = [Quirks { creates_twice: true, ..Quirks::default() }];
    at_every_step_on(&quirks, |_| {});
    at_every_step_on(&quirks, |world| world.cut(1, Error::MaybeApplied));
    at_every_step_on(&quirks, |world| {
        world.serve(1);
        world.cut(1, Error::MaybeApplied);
    });
}

#[test]
fn a_grant_survives_whatever_does_not_end_its_session() {
    at_every_step(|world| {
        world.cut(1, Error::MaybeApplied);
        world.resume(1);
        world.settle();
        if let User::Done(events) = &world.clients[1].user {
            assert!(!events.iter().any(|event| matches!(event, Event::Lost { .. })), "{events:?}");
        }
    });
}
