//! What must hold for every row of the table, and for the rows that have something of their own.

use std::format;
use std::string::{String, ToString};
use std::vec;

use super::*;
use crate::acl::{Id, Perms};
use crate::error::What;
use crate::frame::{Deframer, REQUEST_LENGTH_MAX};
use crate::header::RequestHeader;
use crate::id::{SessionId, Xid};
use crate::record::proof;

fn path(text: &str) -> Path {
    Path::new(text).unwrap()
}

fn stat() -> Stat {
    Stat { czxid: Zxid::new(1), ephemeral_owner: SessionId::new(2), version: -3, ..Stat::default() }
}

/// A value of each request, in the order of the table.
fn requests() -> Vec<Request> {
    let acl = vec![Acl { perms: Perms::ALL, id: Id::new("digest", "bob:hash") }];
    let data = Some(Bytes::from_static(b"secret"));
    let (version, mode, watch) = (Version::ANY, CreateMode::EphemeralSequential, true);
    vec![
        Create { path: path("/a"), data: data.clone(), acl: acl.clone(), mode }.into(),
        Delete { path: path("/a"), version }.into(),
        Exists { path: path("/a"), watch }.into(),
        GetData { path: path("/a"), watch }.into(),
        SetData { path: path("/a"), data: None, version }.into(),
        Sync { path: path("/a") }.into(),
        Ping {}.into(),
        GetChildren2 { path: path("/a"), watch }.into(),
        Create2 { path: path("/a"), data, acl, mode }.into(),
        SetWatches {
            relative_zxid: Zxid::new(9),
            data: vec![path("/a")],
            exist: vec![],
            child: vec![path("/b"), path("/c/d")],
        }
        .into(),
        CloseSession {}.into(),
    ]
}

/// A value of each reply, in the order of the table.
fn replies() -> Vec<Reply> {
    let children = ["x", "y"].into_iter().collect();
    vec![
        Reply::Create(Created { path: path("/a0000000001") }),
        Reply::Delete(()),
        Reply::Exists(stat()),
        Reply::GetData(NodeData { data: Some(Bytes::from_static(b"secret")), stat: stat() }),
        Reply::SetData(stat()),
        Reply::Sync(Synced { path: path("/a") }),
        Reply::Ping(()),
        Reply::GetChildren2(NodeChildren { children, stat: stat() }),
        Reply::Create2(CreatedNode { path: path("/a"), stat: stat() }),
        Reply::SetWatches(()),
        Reply::CloseSession(()),
    ]
}

#[test]
fn every_row_has_its_number_name_and_release() {
    let rows =
        Opcode::ALL.iter().map(|op| format!("{} {} {} {:?}", op.raw(), op.name(), op.since(), op.repeat()));
    assert_eq!(
        rows.collect::<Vec<_>>(),
        [
            "1 create 3.0.0 Never",
            "2 delete 3.0.0 Conditional",
            "3 exists 3.0.0 Safe",
            "4 getData 3.0.0 Safe",
            "5 setData 3.0.0 Conditional",
            "9 sync 3.0.0 Safe",
            "11 ping 3.0.0 Safe",
            "12 getChildren2 3.3.0 Safe",
            "15 create2 3.5.0 Never",
            "101 setWatches 3.0.0 Safe",
            "-11 closeSession 3.0.0 Safe",
        ]
    );
    for raw in -200..200 {
        let known = Opcode::ALL.iter().find(|opcode| opcode.raw() == raw);
        assert_eq!(Opcode::new(raw).as_ref(), known);
    }
}

#[test]
fn every_request_survives_the_wire() {
    let requests = requests();
    assert_eq!(requests.iter().map(Request::opcode).collect::<Vec<_>>(), Opcode::ALL);
    for request in requests {
        let mut deframer = Deframer::new(REQUEST_LENGTH_MAX);
        crate::encode_request(Xid::FIRST, &request, deframer.buffer());
        assert_eq!(deframer.buffer().len(), request.frame_len());
        let frame = deframer.next_frame().unwrap().unwrap();
        let mut input = Reader::new(&frame);
        let header = RequestHeader { xid: Xid::FIRST, opcode: request.opcode().raw() };
        assert_eq!(RequestHeader::decode(&mut input), Ok(header));
        assert_eq!(Request::decode(header.opcode, &mut input).as_ref(), Ok(&request));
        assert_eq!(input.finish(), Ok(()));

        for cut in RequestHeader::LEN..frame.len() {
            let cut = frame.slice(RequestHeader::LEN..cut);
            assert!(Request::decode(header.opcode, &mut Reader::new(&cut)).is_err(), "{request:?}");
        }
    }
}

#[test]
fn every_reply_survives_the_wire() {
    let replies = replies();
    assert_eq!(replies.iter().map(Reply::opcode).collect::<Vec<_>>(), Opcode::ALL);
    for reply in replies {
        let mut bytes = Vec::new();
        reply.encode(&mut bytes);
        assert_eq!(bytes.len(), reply.encoded_len());
        bytes.extend_from_slice(b"more");
        let frame = Bytes::from(bytes);
        let mut input = Reader::new(&frame);
        assert_eq!(Reply::decode(reply.opcode(), &mut input).as_ref(), Ok(&reply));
        assert_eq!(input.rest_len(), 4);

        for cut in 0..reply.encoded_len() {
            let cut = frame.slice(..cut);
            assert!(Reply::decode(reply.opcode(), &mut Reader::new(&cut)).is_err(), "{reply:?}");
        }
    }
}

#[test]
fn every_record_holds() {
    let Some(Request::Create(create)) = requests().into_iter().next() else {
        panic!("create is the first row")
    };
    proof::holds(&create);
    proof::holds(&Delete { path: path("/a"), version: Version::ANY });
    proof::holds(&SetWatches {
        relative_zxid: Zxid::ZERO,
        data: vec![path("/a")],
        exist: vec![],
        child: vec![],
    });
    proof::holds(&NodeData { data: None, stat: stat() });
    proof::holds(&NodeChildren { children: ["x", "y"].into_iter().collect(), stat: stat() });
    proof::holds(&CreatedNode { path: path("/a"), stat: stat() });
}

#[test]
fn an_unknown_operation_is_an_error() {
    let frame = Bytes::new();
    let error = Request::decode(13, &mut Reader::new(&frame)).unwrap_err();
    assert_eq!(error, Malformed { what: What::UnknownOpcode(13), record: "frame", at: 0 });
}

#[test]
fn a_reply_is_given_to_its_own_operation_only() {
    assert_eq!(Exists::reply(Reply::Exists(stat())), Some(stat()));
    assert_eq!(Exists::reply(Reply::SetData(stat())), None);
    assert_eq!(Ping::reply(Reply::Ping(())), Some(()));
}

#[test]
fn neither_data_nor_a_hash_is_shown() {
    let shown: String = requests().iter().map(|request| format!("{request:?}\n")).collect();
    let replied: String = replies().iter().map(|reply| format!("{reply:?}\n")).collect();
    for secret in ["secret", "hash", "115, 101"] {
        assert!(!shown.contains(secret) && !replied.contains(secret), "{secret}");
    }
    assert_eq!(
        shown.lines().next().map(ToString::to_string),
        Some(
            "Create(Create { path: \"/a\", data: 6 bytes, \
             acl: [Acl { perms: Perms(rwcda), id: digest:bob:… }], mode: EphemeralSequential })"
                .to_string()
        )
    );
    assert!(shown.contains("SetData { path: \"/a\", data: null, version: Version(-1) }"));
}

#[test]
fn every_path_of_a_request_and_a_reply_can_be_replaced() {
    let chroot = path("/app");
    let mut counts = Vec::new();
    for mut request in requests() {
        let mut seen = 0;
        request.each_path(&mut |path| {
            seen += 1;
            *path = path.below(&chroot);
        });
        counts.push(seen);
        request.each_path(&mut |path| assert!(path.starts_with(&chroot)));
        assert_eq!(request.path(), (seen == 1).then(|| path("/app/a")).as_ref(), "{request:?}");
    }
    assert_eq!(counts, [1, 1, 1, 1, 1, 1, 0, 1, 1, 3, 0]);

    let replies = replies().into_iter().map(|mut reply| {
        let mut seen = 0;
        reply.each_path(&mut |_| seen += 1);
        seen
    });
    assert_eq!(replies.collect::<Vec<_>>(), [1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0]);
}
