//! Requests by hand, and what the server makes of bytes that are none.

use proptest::prelude::*;

use super::*;

/// Bytes of a request under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body(pub(crate) Vec<u8>);

impl Body {
    pub(crate) fn bool(mut self, value: bool) -> Self {
        self.0.push(u8::from(value));
        self
    }

    pub(crate) fn int(mut self, value: i32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn long(mut self, value: i64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn buffer(self, value: Option<&[u8]>) -> Self {
        let mut longer = self.int(value.map_or(-1, |value| i32::try_from(value.len()).unwrap()));
        longer.0.extend(value.unwrap_or_default());
        longer
    }

    pub(crate) fn text(self, value: &str) -> Self {
        self.buffer(Some(value.as_bytes()))
    }

    pub(crate) fn framed(self) -> Vec<u8> {
        Self::default().buffer(Some(&self.0)).0
    }

    pub(crate) fn path(path: &str) -> Self {
        Self::default().text(path)
    }

    pub(crate) fn create(path: &str, flags: i32) -> Self {
        Self::path(path).buffer(None).int(1).int(31).text("world").text("anyone").int(flags)
    }

    pub(crate) fn watched(path: &str) -> Self {
        Self::path(path).bool(true)
    }
}

#[test]
fn bytes_may_come_one_by_one() {
    let mut world = World::new();
    let session = world.open();
    let request = Body::default().int(7).int(1).text("/a").buffer(None).int(0).int(0).framed();
    for byte in request.iter().chain(&Body::default().int(8).int(11).framed()) {
        world.handle(Input::Received(session.conn, &[*byte]));
    }
    let answers = world.take(session.conn);
    assert_eq!(answers.iter().map(|frame| code_of(frame)).collect::<Vec<_>>(), [-114, 0]);
}

#[test]
fn several_requests_may_come_at_once() {
    let mut world = World::new();
    let session = world.open();
    let one = Body::default().int(7).int(11).framed();
    world.handle(Input::Received(session.conn, &one.repeat(5)));
    assert_eq!(world.take(session.conn).len(), 5);
}

#[test]
fn lengths_that_cannot_be_end_the_connection() {
    for length in [0, -1, i32::MIN, 0x10_0000] {
        let mut world = World::new();
        let session = world.open();
        world.handle(Input::Received(session.conn, &length.to_be_bytes()));
        assert!(world.is_closed(session.conn), "{length}");
        assert!(world.take(session.conn).is_empty());
    }
    let mut world = World::new();
    let session = world.open();
    world.handle(Input::Received(session.conn, &0xf_ffff_i32.to_be_bytes()));
    assert!(!world.is_closed(session.conn), "the longest frame is allowed");
}

#[test]
fn a_command_of_four_letters_is_answered_first_only() {
    let mut world = World::new();
    let conn = world.connect();
    world.handle(Input::Received(conn, b"is"));
    world.handle(Input::Received(conn, b"ro"));
    assert!(world.is_closed(conn));
    let session = world.open();
    world.handle(Input::Received(session.conn, b"ruok"));
    assert!(world.is_closed(session.conn) && world.take(session.conn).is_empty());
    for word in ["srvr", "stat", "mntr", "conf", "envi"] {
        let conn = world.connect();
        world.handle(Input::Received(conn, word.as_bytes()));
        assert!(world.is_closed(conn) && world.take(conn).len() == 1, "{word}");
    }
    let conn = world.connect();
    world.handle(Input::Received(conn, b"nope"));
    assert!(world.is_closed(conn) && world.take(conn).is_empty());
}

#[test]
fn a_body_that_is_cut_short_is_refused_and_the_connection_stays() {
    for (opcode, body) in
        [(1, Body::create("/a", 0)), (3, Body::watched("/a")), (106, Body::path("/a").int(0))]
    {
        for length in 0..body.0.len() {
            let mut world = World::new();
            let session = world.open();
            let cut = Body(body.0[..length].to_vec());
            assert_eq!(world.code(session.conn, opcode, cut), -5, "{opcode} cut at {length}");
            assert!(!world.is_closed(session.conn));
        }
    }
}

#[test]
fn an_unknown_operation_is_told_and_ends_the_connection() {
    for opcode in [13, 0, 10, 20, 23, -10, -1, i32::MAX] {
        let mut world = World::new();
        let session = world.open();
        let answers = world.ask(session.conn, opcode, Body::default());
        assert_eq!((code_of(&answers[0]), zxid_of(&answers[0])), (-6, -1), "{opcode}");
        assert!(world.is_closed(session.conn));
    }
    for opcode in [15, 17, 19, 21, 22, 103, 106, 107] {
        let quirks = crate::Quirks::of(Version::V3_4);
        let mut world = World::of(Config { quirks, ..Config::default() });
        let session = world.open();
        assert_eq!(world.code(session.conn, opcode, Body::default()), -6, "{opcode} is not known to 3.4");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(
        first in proptest::collection::vec(any::<u8>(), 0..200),
        bodies in proptest::collection::vec(
            (-12_i32..110, proptest::collection::vec(prop_oneof![Just(0_u8), 0_u8..4, any::<u8>()], 0..80)),
            0..20,
        ),
    ) {
        let mut world = World::new();
        let conn = world.connect();
        world.handle(Input::Received(conn, &first));
        let session = world.open();
        for (opcode, body) in bodies {
            world.ask(session.conn, opcode, Body(body));
        }
    }
}
