//! What is allocated, and that it is not what a peer announces.

use bytes::{Bytes, BytesMut};
use zk_proto::ops::{NodeChildren, NodeData, Opcode, Reply, Request};
use zk_proto::{Deframer, Frame, FrameKind, Greeting, Malformed, Reader, ReplyHeader, Stat, Wire, Xid, Zxid};

#[test]
fn decoding_data_and_children_allocates_nothing() {
    let children = (0..100).map(|index| format!("lock-{index:010}")).collect();
    for (reply, opcode) in [
        (
            Reply::GetData(NodeData { data: Some(vec![1; 1024].into()), stat: Stat::default() }),
            Opcode::GetData,
        ),
        (Reply::GetChildren2(NodeChildren { children, stat: Stat::default() }), Opcode::GetChildren2),
        (Reply::Exists(Stat::default()), Opcode::Exists),
        (Reply::Ping(()), Opcode::Ping),
    ] {
        let mut out = BytesMut::new();
        zk_proto::encode_reply(Xid::FIRST, Zxid::new(7), Ok(&reply), &mut out);
        let frame = out.freeze().slice(4..);
        // The first clone of a buffer makes the count of its owners.
        drop(frame.clone());
        let decode = || -> Result<Reply, Malformed> {
            let mut input = Reader::new(&frame);
            ReplyHeader::decode(&mut input)?;
            Reply::decode(opcode, &mut input)
        };
        let mut decoded = Ok(Reply::Ping(()));
        let allocated = allocation_counter::measure(|| decoded = decode());
        assert_eq!(decoded, Ok(reply));
        assert_eq!(allocated.count_total, 0, "{opcode:?}");
    }
}

#[test]
fn encoding_into_a_buffer_with_space_allocates_nothing() {
    let payload = Bytes::from(vec![1; 1000]);
    let (path, version) = (zk_proto::Path::config(), zk_proto::Version::ANY);
    let request = Request::from(zk_proto::ops::SetData { path, data: Some(payload), version });
    let mut out = BytesMut::with_capacity(request.frame_len());
    let allocated = allocation_counter::measure(|| zk_proto::encode_request(Xid::FIRST, &request, &mut out));
    assert_eq!((allocated.count_total, out.len()), (0, request.frame_len()));
}

/// Each place where 64 bytes can announce a length or a count, with each announcement.
#[test]
fn sixty_four_bytes_never_allocate_more_than_64_kib() {
    let mut most = 0;
    for at in 0..=60 {
        for announced in [i32::MAX, 1 << 30, 1 << 20, 1 << 16, 60, 16, 15, 14, 12, 8, 2, -1, -2, i32::MIN] {
            for fill in [0, 1, 0x2f, 0xff] {
                let mut bytes = [fill; 64];
                bytes[at..at + 4].copy_from_slice(&announced.to_be_bytes());
                most = most.max(allocated(&bytes));
            }
        }
    }
    assert!(most <= 64 * 1024, "{most} bytes");
    // It is far less, and should not grow unseen.
    assert!(most <= 8 * 1024, "{most} bytes");
}

/// The most bytes that anything holds which decodes them.
fn allocated(bytes: &[u8; 64]) -> u64 {
    let frame = Bytes::copy_from_slice(bytes);
    let mut most = 0;
    let mut measure = |decode: &dyn Fn()| most = most.max(allocation_counter::measure(decode).bytes_max);
    for &opcode in Opcode::ALL {
        measure(&|| drop(Reply::decode(opcode, &mut Reader::new(&frame))));
        measure(&|| drop(Request::decode(opcode.raw(), &mut Reader::new(&frame))));
        measure(&|| drop(Frame::decode(FrameKind::Reply(opcode.raw()), &frame)));
        let mut request = [0; 64];
        request[4..8].copy_from_slice(&opcode.raw().to_be_bytes());
        request[8..].copy_from_slice(&bytes[..56]);
        let request = Bytes::copy_from_slice(&request);
        measure(&|| drop(Frame::decode(FrameKind::Request, &request)));
    }
    measure(&|| drop(Greeting::decode(&frame)));
    for kind in [FrameKind::ConnectRequest, FrameKind::Greeting, FrameKind::Event] {
        measure(&|| drop(Frame::decode(kind, &frame)));
    }
    measure(&|| {
        let mut deframer = Deframer::new(usize::MAX);
        deframer.buffer().extend_from_slice(bytes);
        while let Ok(Some(_)) = deframer.next_frame() {}
    });
    most
}
