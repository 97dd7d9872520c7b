//! From the museum of bugs of clients: frames in pieces, lengths that lie, and what they may cost.

use bytes::{BufMut, Bytes, BytesMut};
use zk_proto::ops::{NodeChildren, NodeData, NodeNames, Opcode, Reply};
use zk_proto::{
    Children, ConnectResponse, Deframer, EventKind, FRAME_LENGTH_MAX, Greeting, HANDSHAKE_LENGTH_MAX,
    KeeperState, Password, Reader, ReplyHeader, SessionId, Stat, WatcherEvent, What, Wire, Xid, Zxid,
};

/// All frames that come out when these pieces come in, each read as far as possible before the next.
fn frames<'a>(limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Bytes> {
    let mut deframer = Deframer::new(limit);
    let mut frames = Vec::new();
    for piece in pieces {
        deframer.buffer().extend_from_slice(piece);
        while let Some(frame) = deframer.next_frame().expect("frames") {
            frames.push(frame);
        }
    }
    assert!(deframer.buffer().is_empty());
    frames
}

/// ZOOKEEPER-3426: an answer to the handshake of which the last byte came later was read as one of an old server, and that
/// byte as the beginning of the next frame.
#[test]
fn museum_s043_a_handshake_in_pieces_is_cut_by_its_length_alone() {
    for (read_only, length) in [(None, 36), (Some(false), 37), (Some(true), 37)] {
        let response = ConnectResponse {
            timeout_ms: 10_000,
            session: SessionId::new(5),
            password: Password::new(Bytes::from_static(&[7; 16])),
            read_only,
        };
        let event = WatcherEvent {
            kind: EventKind::NodeDeleted,
            state: KeeperState::SyncConnected,
            path: "/a".into(),
        };
        let mut stream = Vec::new();
        zk_proto::encode_connect_response(&response, &mut stream);
        assert_eq!(stream.len(), 4 + length);
        zk_proto::encode_event(&event, Zxid::new(-1), &mut stream);
        zk_proto::encode_reply(Xid::FIRST, Zxid::new(9), Ok(&Reply::Exists(Stat::default())), &mut stream);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                let frames = frames(HANDSHAKE_LENGTH_MAX, pieces);
                assert_eq!(frames.len(), 3, "cut at {first} and {second}");
                assert_eq!(Greeting::decode(&frames[0]), Ok(Greeting::Accepted(response.clone())));
                let mut input = Reader::new(&frames[1]);
                ReplyHeader::decode(&mut input).expect("a header");
                assert_eq!(WatcherEvent::decode(&mut input).as_ref(), Ok(&event));
            }
        }
        let bytewise = frames(HANDSHAKE_LENGTH_MAX, stream.chunks(1));
        assert_eq!(Greeting::decode(&bytewise[0]), Ok(Greeting::Accepted(response)));
    }
}

/// The body of a reply whose first field is this number, with a whole stat and more behind it.
fn body(first: i32) -> Bytes {
    let mut body = BytesMut::new();
    body.put_i32(first);
    body.put_bytes(0, 100);
    body.freeze()
}

/// rust-zookeeper 2186517, ZOOKEEPER-402: null data was taken for data of a negative length.
#[test]
fn museum_s045_minus_one_is_null_and_less_is_an_error() {
    let decode = |opcode, first| Reply::decode(opcode, &mut Reader::new(&body(first)));
    let data = |first| match decode(Opcode::GetData, first) {
        Ok(Reply::GetData(NodeData { data, .. })) => data,
        other => panic!("{other:?}"),
    };
    assert_eq!((data(-1), data(0)), (None, Some(Bytes::new())), "null is not empty");

    let children = |first| match decode(Opcode::GetChildren2, first) {
        Ok(Reply::GetChildren2(NodeChildren { children, .. })) => children.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!((children(-1), children(0)), (0, 0), "a vector of null is empty");

    for negative in [-2, -100, i32::MIN] {
        for (opcode, what) in [
            (Opcode::GetData, What::NegativeLength(negative)),
            (Opcode::Create, What::NegativeLength(negative)),
            (Opcode::GetChildren, What::Count(negative)),
            (Opcode::GetChildren2, What::Count(negative)),
            (Opcode::GetAcl, What::Count(negative)),
            (Opcode::GetEphemerals, What::Count(negative)),
        ] {
            let error = decode(opcode, negative).expect_err("negative");
            assert_eq!(error.what, what, "{opcode:?}");
        }
    }
    // A node without a path is none.
    assert_eq!(decode(Opcode::Create, -1).expect_err("null").what, What::NullString);

    for negative in [-1, -2, i32::MIN] {
        let mut deframer = Deframer::new(FRAME_LENGTH_MAX);
        deframer.buffer().put_i32(negative);
        assert_eq!(deframer.next_frame().expect_err("negative").what, What::NegativeLength(negative));
    }
}

/// go-zookeeper 06f1de5: a reply that was longer than the buffer was read past its end.
#[test]
fn museum_s047_a_frame_may_be_as_long_as_the_limit_and_no_longer() {
    for limit in [37, 4096, 65_535, 65_536, 65_537, FRAME_LENGTH_MAX] {
        for length in [limit - 1, limit, limit + 1] {
            let mut deframer = Deframer::new(limit);
            deframer.buffer().put_u32(u32::try_from(length).expect("short"));
            if length > limit {
                let allocated = allocation_counter::measure(|| {
                    let what = deframer.next_frame().expect_err("too long").what;
                    assert_eq!(what, What::TooLong { length, limit });
                });
                assert_eq!(allocated.count_total, 0, "it is refused before anything is got for it");
                continue;
            }
            for (index, piece) in vec![7; length].chunks(10_000).enumerate() {
                assert_eq!(deframer.next_frame(), Ok(None), "piece {index} of {length} bytes");
                deframer.buffer().extend_from_slice(piece);
            }
            assert_eq!(deframer.next_frame().map(|frame| frame.map(|frame| frame.len())), Ok(Some(length)));
            assert_eq!(deframer.next_frame(), Ok(None));
        }
    }
}

/// Found by reading the code of a client: it made room for as many elements as a frame of a few bytes announced.
#[test]
fn museum_s054_a_count_costs_no_more_than_the_frame_that_announces_it() {
    const FRAME: usize = 64;
    for count in [i32::MAX, i32::MAX - 1, 1 << 24, 1 << 16, 61, 16] {
        for (opcode, before) in [
            (Opcode::GetChildren, &[][..]),
            (Opcode::GetChildren2, &[]),
            (Opcode::GetAcl, &[]),
            (Opcode::GetEphemerals, &[]),
            (Opcode::WhoAmI, &[]),
            // Within a multi: the result of getChildren.
            (Opcode::MultiRead, &[0, 0, 0, 8, 0, 0, 0, 0, 0]),
        ] {
            let mut frame = BytesMut::new();
            frame.put_slice(before);
            frame.put_i32(count);
            frame.put_bytes(0, FRAME - frame.len());
            let frame = frame.freeze();
            let mut decoded = None;
            let allocated = allocation_counter::measure(|| {
                decoded = Some(Reply::decode(opcode, &mut Reader::new(&frame)));
            });
            let error = decoded.expect("decoded").expect_err("so many do not fit");
            assert_eq!(error.what, What::Count(count), "{opcode:?}");
            assert!(allocated.bytes_max <= 4 * FRAME as u64, "{opcode:?}: {} bytes", allocated.bytes_max);
        }
    }
    // As many as fit are taken, and cost what the frame costs.
    let children: Children = (0..1000).map(|index| index.to_string()).collect();
    let mut frame = Vec::new();
    Reply::GetChildren(NodeNames { children: children.clone() }).encode(&mut frame);
    let frame = Bytes::from(frame);
    drop(frame.clone());
    let mut decoded = None;
    let allocated = allocation_counter::measure(|| {
        decoded = Some(Reply::decode(Opcode::GetChildren, &mut Reader::new(&frame)));
    });
    assert_eq!(decoded, Some(Ok(Reply::GetChildren(NodeNames { children }))));
    assert!(allocated.bytes_max <= frame.len() as u64);
}
