//! The numbers of requests, where they begin again.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use zk_proto::ops::{Exists, Reply, Request};
use zk_proto::{
    ConnectResponse, Deframer, Password, Path, Reader, RequestHeader, SessionId, Stat, Wire, Xid, Zxid,
};

use crate::{CallOptions, Config, ConnId, Cut, Input, Instant, Output, Session};

/// What the session sends now, by the numbers of the frames.
fn sent(session: &mut Session, conn: ConnId) -> Vec<Xid> {
    let mut deframer = Deframer::new(zk_proto::FRAME_LENGTH_MAX);
    while let Some(bytes) = session.transmit_owned(conn) {
        session.transmitted(conn, bytes.len());
        deframer.buffer().extend_from_slice(&bytes);
    }
    let frames = core::iter::from_fn(|| deframer.next_frame().expect("frames"));
    let xid = |frame| RequestHeader::decode(&mut Reader::new(&frame)).expect("a header").xid;
    frames.map(xid).collect()
}

fn receive(session: &mut Session, conn: ConnId, now: Instant, write: impl FnOnce(&mut bytes::BytesMut)) {
    write(session.receive_buffer(conn));
    session.handle(Input::Received(conn), now);
}

/// A link to a server that accepts session 5.
fn linked(session: &mut Session, now: Instant) -> ConnId {
    let dialed = core::iter::from_fn(|| session.poll())
        .find_map(|output| if let Output::Connect(conn, _) = output { Some(conn) } else { None });
    let conn = dialed.expect("a dial");
    session.handle(Input::Connected(conn), now);
    while let Some(bytes) = session.transmit_owned(conn) {
        session.transmitted(conn, bytes.len());
    }
    let accepts = ConnectResponse {
        timeout_ms: 10_000,
        session: SessionId::new(5),
        password: Password::zero(),
        read_only: Some(false),
    };
    receive(session, conn, now, |bytes| zk_proto::encode_connect_response(&accepts, bytes));
    conn
}

/// Kazoo 28aa93b: the request after number 2^31 - 1 could not be written, and took the connection's thread with it.
#[test]
fn museum_s039_the_numbers_of_requests_begin_again_at_one() {
    let mut now = Instant::default();
    let mut session = Session::new(Config::new("a".parse().expect("a server"), 7), now);
    let mut conn = linked(&mut session, now);
    let ask = |session: &mut Session, now| {
        for _ in 0..8 {
            let request = Request::from(Exists { path: Path::root(), watch: false });
            session.submit(request, CallOptions::default(), now).expect("taken");
        }
    };
    // Once within a connection, with several calls on their way, and once between two.
    for is_cut in [false, true] {
        session.calls.next_xid = Xid::new(i32::MAX - 3);
        ask(&mut session, now);
        let mut on_their_way = sent(&mut session, conn);
        let end = [-3, -2, -1, 0].map(|less| Xid::new(i32::MAX + less));
        assert_eq!(on_their_way, [&end[..], &[1, 2, 3, 4].map(Xid::new)].concat());
        if is_cut {
            session.calls.next_xid = Xid::new(i32::MAX);
            session.handle(Input::Disconnected(conn, Cut::Closed), now);
            now = session.poll_timeout().expect("a pause").0;
            session.handle(Input::Timeout, now);
            conn = linked(&mut session, now);
            ask(&mut session, now);
            on_their_way = sent(&mut session, conn);
            assert_eq!(on_their_way, [i32::MAX, 1, 2, 3, 4, 5, 6, 7].map(Xid::new));
        }
        assert_eq!(on_their_way.iter().collect::<BTreeSet<_>>().len(), 8);
        assert!(on_their_way.iter().all(|xid| xid.raw() > 0), "the others have a meaning of their own");
        while session.poll().is_some() {}
        for xid in on_their_way {
            let reply = Reply::Exists(Stat::default());
            receive(&mut session, conn, now, |bytes| {
                zk_proto::encode_reply(xid, Zxid::new(9), Ok(&reply), bytes);
            });
            assert!(matches!(session.poll(), Some(Output::Completed(_, Ok(_)))), "{xid}");
        }
        assert!(session.state().is_connected());
    }
}
