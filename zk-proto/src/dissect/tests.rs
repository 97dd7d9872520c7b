//! What must hold for frames as data.

use std::format;
use std::string::ToString;
use std::vec::Vec;

use super::*;
use crate::{Code, What, Xid, Zxid};

fn shown(kind: FrameKind, payload: &'static [u8]) -> String {
    let payload = Bytes::from_static(payload);
    let frame = Frame::decode(kind, &payload).unwrap();
    let mut encoded = Vec::new();
    frame.encode(&mut encoded);
    assert_eq!(encoded[..4], u32::try_from(payload.len()).unwrap().to_be_bytes());
    assert_eq!(encoded[4..], payload);
    assert_eq!(format!("{frame:?}"), format!("Frame({frame})"));
    frame.to_string()
}

use std::string::String;

#[test]
fn every_frame_is_shown_on_a_line() {
    for (kind, payload, line) in [
        (
            FrameKind::ConnectRequest,
            &b"\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\x1f\x40\0\0\0\0\0\0\0\0\0\0\0\x02pw\x01"[..],
            "connect: protocolVersion 0, lastZxidSeen 7, timeOut 8000, sessionId 0, passwd …, readOnly true",
        ),
        (
            FrameKind::Greeting,
            b"\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x07\0\0\0\0more",
            "greeting: protocolVersion 0, timeOut 5, sessionId 7, passwd …, readOnly true and 3 bytes",
        ),
        (
            FrameKind::Greeting,
            b"\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\x89",
            "greeting xid 0 zxid 0x0 error NotReadOnly",
        ),
        (FrameKind::Request, b"\xff\xff\xff\xfe\0\0\0\x0bjunk", "ping xid -2 and 4 bytes"),
        (FrameKind::Request, b"\0\0\0\x01\0\0\0\x63\0", "operation 99 xid 1 and 1 bytes"),
        (FrameKind::Request, b"\0\0\0\x01\0\0\0\x0d", "check xid 1"),
        (
            FrameKind::Request,
            b"\0\0\0\x01\0\0\0\x02\0\0",
            "delete xid 1: DeleteRequest at byte 8: the frame ends too early and 2 bytes",
        ),
        (
            FrameKind::Request,
            b"\xff\xff\xff\xfc\0\0\0\x64\0\0\0\0\0\0\0\x06digest\0\0\0\x05bob:x",
            "auth xid -4: type 0, scheme \"digest\", auth …",
        ),
        (
            FrameKind::Reply(9),
            b"\0\0\0\x01\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\x02/a",
            "reply to sync xid 1 zxid 0x10: path \"/a\"",
        ),
        (
            FrameKind::Reply(9),
            b"\0\0\0\x01\0\0\0\0\0\0\0\x10\xff\xff\xff\x9b",
            "reply to sync xid 1 zxid 0x10 error NoNode",
        ),
        (
            FrameKind::Reply(102),
            b"\0\0\0\x01\0\0\0\0\0\0\0\0\xff\xff\xff\x8d\xff\xff\xff\xff",
            "reply to sasl xid 1 zxid 0x0 error AuthFailed: token null",
        ),
        (
            FrameKind::Reply(102),
            b"\0\0\0\x01\0\0\0\0\0\0\0\0\xff\xff\xff\x8d",
            "reply to sasl xid 1 zxid 0x0 error AuthFailed",
        ),
        (
            FrameKind::Event,
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\x01\0\0\0\x03\0\0\0\x02/a",
            "event xid -1 zxid 0xffffffffffffffff: type 1, state 3, path \"/a\"",
        ),
    ] {
        assert_eq!(shown(kind, payload), line);
    }
}

#[test]
fn only_a_cut_header_is_an_error() {
    for kind in [FrameKind::Greeting, FrameKind::Request, FrameKind::Reply(1), FrameKind::Event] {
        let error = Frame::decode(kind, &Bytes::from_static(b"\0\0\0")).unwrap_err();
        assert_eq!((error.what, error.at), (What::Truncated, 0));
    }
    let frame = Frame::decode(FrameKind::ConnectRequest, &Bytes::new()).unwrap();
    assert_eq!(frame.header, Header::None);
    let cut = Malformed { what: What::Truncated, record: "ConnectRequest", at: 0 };
    assert_eq!(frame.body, Body::Malformed("ConnectRequest", cut));
    assert_eq!(format!("{:?} {:?}", frame.body, Body::None), format!("{cut:?} None"));
}

#[test]
fn the_parts_can_be_looked_at() {
    let payload = Bytes::from_static(b"\0\0\0\x01\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\x02/a");
    let frame = Frame::decode(FrameKind::Reply(9), &payload).unwrap();
    let header = ReplyHeader { xid: Xid::FIRST, zxid: Zxid::new(16), error: None::<Code> };
    assert_eq!(frame.header, Header::Reply(header));
    let Body::Record(record) = &frame.body else { panic!("it has a body") };
    assert_eq!(record.name(), "SyncResponse");
    assert_eq!(format!("{:?}", frame.body), "SyncResponse {path \"/a\"}");
}
