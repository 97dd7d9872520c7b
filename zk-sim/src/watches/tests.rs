//! How watches on one path live together; what each kind hears of is in the tests of the server.

use super::*;
use crate::Version;
use crate::acl::Acl;

const CONN: ConnId = ConnId(1);
const OTHER: ConnId = ConnId(2);

struct World {
    watches: Watches,
    quirks: Quirks,
}

impl World {
    fn of(version: Version) -> Self {
        Self { watches: Watches::default(), quirks: Quirks::of(version) }
    }

    fn add(&mut self, mode: Mode) {
        self.watches.watch_both("/w", CONN, mode, &self.quirks);
    }

    /// How many of the events reach the connection.
    fn heard(&mut self, events: &[(Event, &str)]) -> Vec<bool> {
        let fire = |(event, path): &(Event, &str)| {
            let trigger = Trigger { event: *event, path: (*path).into(), acl: Acl::open().into() };
            self.watches.fire(&trigger).contains(&CONN)
        };
        events.iter().map(fire).collect()
    }

    fn remove(&mut self, wanted: Wanted) -> bool {
        self.watches.remove("/w", CONN, wanted, &self.quirks)
    }
}

const SET: (Event, &str) = (Event::DataChanged, "/w");
const CHILD: (Event, &str) = (Event::ChildrenChanged, "/w");
const BELOW: (Event, &str) = (Event::Created, "/w/c/g");

#[test]
fn a_read_with_a_watch_makes_a_persistent_one_last_once() {
    for (version, expected) in [(Version::V3_8, [true, false]), (Version::V3_9, [true, true])] {
        for mode in [Mode::Persistent, Mode::Recursive] {
            let mut world = World::of(version);
            world.add(mode);
            world.watches.watch_data("/w", CONN, &world.quirks);
            assert_eq!(world.heard(&[SET, SET]), expected, "{version:?} {mode:?}");
        }
    }
}

#[test]
fn the_other_half_of_a_persistent_watch_stays() {
    let mut world = World::of(Version::V3_8);
    world.add(Mode::Persistent);
    world.watches.watch_children("/w", CONN, &world.quirks);
    assert_eq!(world.heard(&[CHILD, CHILD, SET, SET]), [true, false, true, true]);
}

#[test]
fn the_later_of_two_lasting_watches_replaces_the_earlier() {
    let heard = |version, modes: [Mode; 2]| {
        let mut world = World::of(version);
        for mode in modes {
            world.add(mode);
        }
        world.heard(&[SET, CHILD, BELOW])
    };
    assert_eq!(heard(Version::V3_8, [Mode::Persistent, Mode::Recursive]), [true, false, true]);
    assert_eq!(heard(Version::V3_8, [Mode::Recursive, Mode::Persistent]), [true, true, false]);
    assert_eq!(heard(Version::V3_9, [Mode::Recursive, Mode::Persistent]), [true, true, true]);
}

#[test]
fn a_watch_once_beside_a_recursive_one_above_hears_of_children() {
    let mut world = World::of(Version::V3_8);
    world.watches.watch_both("/", CONN, Mode::Recursive, &world.quirks);
    world.watches.watch_children("/w", CONN, &world.quirks);
    assert_eq!(world.heard(&[CHILD, CHILD, BELOW, SET]), [true, false, true, true]);
}

#[test]
fn a_deleted_node_is_told_once() {
    let mut world = World::of(Version::V3_8);
    world.add(Mode::Once);
    assert_eq!(world.heard(&[(Event::Deleted, "/w"), SET, CHILD]), [true, false, false]);
    assert_eq!(world.watches, Watches::default());
}

#[test]
fn what_is_removed_is_gone() {
    let mut world = World::of(Version::V3_8);
    assert!(!world.remove(Wanted::Any));
    world.add(Mode::Persistent);
    assert!(world.remove(Wanted::Data));
    assert!(!world.remove(Wanted::Data));
    assert_eq!(world.heard(&[SET, CHILD]), [false, true]);
    assert!(world.remove(Wanted::Any));
    assert_eq!(world.watches, Watches::default());

    let mut world = World::of(Version::V3_9);
    world.add(Mode::Persistent);
    assert!(!world.remove(Wanted::Data), "a persistent watch has a kind of its own there");
    assert!(world.remove(Wanted::Persistent));
    assert_eq!(world.watches, Watches::default());
}

#[test]
fn a_look_for_a_watch_sees_those_of_others_before_3_9() {
    for (version, expected) in [(Version::V3_8, true), (Version::V3_9, false)] {
        let mut world = World::of(version);
        world.add(Mode::Once);
        let found = world.watches.has("/w", OTHER, Wanted::Any, &world.quirks);
        assert_eq!(found, Ok(expected), "{version:?}");
        assert_eq!(world.watches.has("/w", CONN, Wanted::Data, &world.quirks), Ok(true));
        assert_eq!(world.watches.has("/x", CONN, Wanted::Any, &world.quirks), Ok(false));
    }
}

#[test]
fn a_look_at_a_path_without_a_root_stumbles_before_3_9() {
    let mut world = World::of(Version::V3_8);
    let has = |world: &World, path| world.watches.has(path, CONN, Wanted::Data, &world.quirks);
    assert_eq!(has(&world, "a"), Err(Code::MarshallingError));
    assert_eq!((has(&world, ""), has(&world, "a/b")), (Ok(false), Ok(false)));
    world.add(Mode::Recursive);
    assert_eq!(has(&world, "a/b"), Err(Code::MarshallingError));
    assert_eq!(has(&World::of(Version::V3_9), "a"), Ok(false));
}

#[test]
fn a_connection_takes_its_watches_with_it() {
    let mut world = World::of(Version::V3_8);
    world.add(Mode::Recursive);
    world.watches.watch_data("/x", CONN, &world.quirks);
    assert_eq!(world.watches.count(), 3);
    world.watches.forget(CONN);
    assert_eq!(world.watches, Watches::default());
}

#[test]
fn ancestors_end_at_the_root() {
    assert_eq!(ancestors("/a/b/c").collect::<Vec<_>>(), ["/", "/a", "/a/b"]);
    assert_eq!(ancestors("/a").collect::<Vec<_>>(), ["/"]);
    assert_eq!(ancestors("/").count() + ancestors("").count(), 0);
}
