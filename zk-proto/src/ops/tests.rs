//! What must hold for every row of the table, and for the rows that have something of their own.

use std::format;
use std::string::{String, ToString};
use std::vec;

use alloc::vec::Vec;

use bytes::Bytes;

use super::*;
use crate::acl::{Acl, Id, Perms};
use crate::children::Children;
use crate::error::What;
use crate::frame::{Deframer, REQUEST_LENGTH_MAX};
use crate::header::RequestHeader;
use crate::id::{SessionId, Version, Zxid};
use crate::mode::{CreateMode, Ttl, TtlMode};
use crate::path::{PathError, PathFault};
use crate::record::proof;
use crate::secret::Secret;

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
    let (version, mode, watch, kind) = (Version::ANY, CreateMode::EphemeralSequential, true, WatchKind::Any);
    let (read, list) = (path("/a"), vec![path("/b"), path("/c/d")]);
    let check = Check { path: path("/a"), version };
    vec![
        Create { path: path("/a"), data: data.clone(), acl: acl.clone(), mode }.into(),
        Delete { path: path("/a"), version }.into(),
        Exists { path: path("/a"), watch }.into(),
        GetData { path: path("/a"), watch }.into(),
        SetData { path: path("/a"), data: None, version }.into(),
        GetAcl { path: path("/a") }.into(),
        SetAcl { path: path("/a"), acl: acl.clone(), version }.into(),
        GetChildren { path: path("/a"), watch }.into(),
        Sync { path: path("/a") }.into(),
        Ping {}.into(),
        GetChildren2 { path: path("/a"), watch }.into(),
        Multi { ops: Batch(vec![check.clone().into(), check.into()]) }.into(),
        Create2 { path: path("/a"), data: data.clone(), acl: acl.clone(), mode }.into(),
        Reconfig { joining: None, leaving: Some("3".into()), new_members: None, config_id: -1 }.into(),
        CheckWatches { path: path("/a"), kind }.into(),
        RemoveWatches { path: path("/a"), kind }.into(),
        CreateContainer { path: path("/a"), data: data.clone(), acl: acl.clone() }.into(),
        CreateTtl { path: path("/a"), data, acl, mode: TtlMode::PersistentNumbered, ttl: Ttl::MAX }.into(),
        MultiRead { ops: Batch(vec![GetData { path: read, watch }.into()]) }.into(),
        Auth { scheme: "digest".into(), credential: Some(secret()) }.into(),
        SetWatches {
            relative_zxid: Zxid::new(9),
            data: vec![path("/a")],
            exist: vec![],
            child: list.clone(),
        }
        .into(),
        Sasl { token: secret() }.into(),
        GetEphemerals { prefix: path("/a") }.into(),
        GetAllChildrenNumber { path: path("/a") }.into(),
        SetWatches2 {
            relative_zxid: Zxid::new(9),
            data: vec![],
            exist: vec![],
            child: vec![],
            persistent: list,
            recursive: vec![path("/a")],
        }
        .into(),
        AddWatch { path: path("/a"), mode: AddWatchMode::PersistentRecursive }.into(),
        WhoAmI {}.into(),
        CloseSession {}.into(),
    ]
}

fn secret() -> Secret {
    Secret::new(Bytes::from_static(b"secret"))
}

/// A value of each reply, in the order of the table.
fn replies() -> Vec<Reply> {
    let children: Children = ["x", "y"].into_iter().collect();
    let created = || CreatedNode { path: path("/a"), stat: stat() };
    let data = || NodeData { data: Some(Bytes::from_static(b"secret")), stat: stat() };
    let acl = vec![Acl { perms: Perms::ALL, id: Id::new("digest", "bob:hash") }];
    let identity = ClientInfo { scheme: "ip".into(), user: "127.0.0.1".into() };
    vec![
        Reply::Create(Created { path: path("/a0000000001") }),
        Reply::Delete(()),
        Reply::Exists(stat()),
        Reply::GetData(data()),
        Reply::SetData(stat()),
        Reply::GetAcl(NodeAcl { acl, stat: stat() }),
        Reply::SetAcl(stat()),
        Reply::GetChildren(NodeNames { children: children.clone() }),
        Reply::Sync(Synced { path: path("/a") }),
        Reply::Ping(()),
        Reply::GetChildren2(NodeChildren { children, stat: stat() }),
        Reply::Multi(MultiReply { results: Batch(vec![MultiResult::CreatedNode(created())]) }),
        Reply::Create2(created()),
        Reply::Reconfig(data()),
        Reply::CheckWatches(()),
        Reply::RemoveWatches(()),
        Reply::CreateContainer(created()),
        Reply::CreateTtl(created()),
        Reply::MultiRead(MultiReply { results: Batch(vec![MultiResult::Data(data())]) }),
        Reply::Auth(()),
        Reply::SetWatches(()),
        Reply::Sasl(SaslToken { token: Some(secret()) }),
        Reply::GetEphemerals(Ephemerals { paths: vec![path("/a"), path("/b")] }),
        Reply::GetAllChildrenNumber(Descendants { total: 7 }),
        Reply::SetWatches2(()),
        Reply::AddWatch(WatchAdded { error: None }),
        Reply::WhoAmI(Identities { identities: vec![identity] }),
        Reply::CloseSession(()),
    ]
}

#[test]
fn every_row_has_its_number_name_and_release() {
    let row = |op: &Opcode| {
        let xid = op.xid().map_or(0, Xid::raw);
        format!("{} {} {} {:?} {} {xid}", op.raw(), op.name(), op.since(), op.repeat(), op.read_only())
    };
    assert_eq!(
        Opcode::ALL.iter().map(row).collect::<Vec<_>>(),
        [
            "1 create 3.0.0 Never false 0",
            "2 delete 3.0.0 Conditional false 0",
            "3 exists 3.0.0 Safe true 0",
            "4 getData 3.0.0 Safe true 0",
            "5 setData 3.0.0 Conditional false 0",
            "6 getACL 3.0.0 Safe true 0",
            "7 setACL 3.0.0 Conditional false 0",
            "8 getChildren 3.0.0 Safe true 0",
            "9 sync 3.0.0 Safe false 0",
            "11 ping 3.0.0 Safe true -2",
            "12 getChildren2 3.3.0 Safe true 0",
            "14 multi 3.4.0 Never false 0",
            "15 create2 3.5.0 Never false 0",
            "16 reconfig 3.5.0 Conditional false 0",
            "17 checkWatches 3.5.0 Safe true 0",
            "18 removeWatches 3.5.0 Safe true 0",
            "19 createContainer 3.5.1 Never false 0",
            "21 createTTL 3.5.3 Never false 0",
            "22 multiRead 3.6.0 Safe true 0",
            "100 auth 3.0.0 Safe true -4",
            "101 setWatches 3.0.0 Safe true -8",
            "102 sasl 3.4.0 Never true 0",
            "103 getEphemerals 3.6.0 Safe true 0",
            "104 getAllChildrenNumber 3.6.0 Safe true 0",
            "105 setWatches2 3.6.0 Safe true -8",
            "106 addWatch 3.6.0 Safe true 0",
            "107 whoAmI 3.7.0 Safe true 0",
            "-11 closeSession 3.0.0 Safe true 0",
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
fn what_ends_a_server_cannot_be_built() {
    let body = Bytes::from_static(b"body");
    for opcode in [13, 20, -10, -1, 0] {
        let error = Request::decode(opcode, &mut Reader::new(&body)).unwrap_err();
        assert_eq!(error, Malformed { what: What::Unsendable(opcode), record: "frame", at: 0 });
    }
    for opcode in (-200..200).filter(|raw| name(*raw).is_some()) {
        assert_eq!(RawOpcode::new(opcode), Err(Unsendable(opcode)));
    }
    assert_eq!(["notification", "check", "deleteContainer"].map(Some), [name(0), name(13), name(20)]);
    assert_eq!([Some("error"), Some("createSession"), None], [name(-1), name(-10), name(99)]);
    assert!(Unsendable(13).to_string().starts_with("operation 13 is not for raw requests"));

    // With the numbers of another mode, or with a time to live out of range.
    let ttl = |flags: i32, ttl: i64| {
        let mut bytes = Vec::new();
        Create { path: path("/a"), data: None, acl: vec![], mode: CreateMode::Persistent }.encode(&mut bytes);
        bytes.truncate(bytes.len() - 4);
        (flags, ttl).0.encode(&mut bytes);
        ttl.encode(&mut bytes);
        proof::decode::<CreateTtl>(&bytes).map(|create| create.mode).map_err(|error| (error.what, error.at))
    };
    assert_eq!(ttl(5, 1), Ok(TtlMode::Persistent));
    assert_eq!(ttl(6, 1), Ok(TtlMode::PersistentSequential));
    for mode in [0, 1, 2, 3, 4, 7, -1] {
        assert_eq!(ttl(mode, -1), Err((What::Mode(mode), 14)));
    }
    for time in [0, -1, 1 << 40] {
        assert_eq!(ttl(5, time), Err((What::Ttl(time), 18)));
    }
}

#[test]
fn an_operation_without_a_row_is_bytes() {
    let opcode = RawOpcode::new(99).unwrap();
    let raw = Raw { opcode, body: Bytes::from_static(b"secret") };
    let mut request = Request::Raw(raw.clone());
    let mut deframer = Deframer::new(REQUEST_LENGTH_MAX);
    crate::encode_request(Xid::FIRST, &request, deframer.buffer());
    assert_eq!(deframer.buffer()[..], b"\0\0\0\x0e\0\0\0\x01\0\0\0\x63secret"[..]);
    assert_eq!(deframer.buffer().len(), request.frame_len());
    let frame = deframer.next_frame().unwrap().unwrap().slice(8..);
    assert_eq!(Request::decode(99, &mut Reader::new(&frame)).as_ref(), Ok(&request));
    request.each_path(&mut |_| panic!("it has no path"));
    assert_eq!(
        (request.path(), format!("{request:?}")),
        (None, "Raw(Raw { opcode: 99, body: 6 bytes })".into())
    );

    let mut reply = Reply::Raw(raw);
    let mut bytes = Vec::new();
    reply.encode(&mut bytes);
    assert_eq!(bytes.len(), reply.encoded_len());
    assert_eq!(Reply::decode(Opcode::Raw(opcode), &mut Reader::new(&frame)).as_ref(), Ok(&reply));
    reply.each_path(&mut |_| panic!("it has no path"));

    let opcode = reply.opcode();
    assert_eq!((opcode, opcode.raw(), opcode.name()), (request.opcode(), 99, "raw"));
    assert_eq!((opcode.since(), opcode.repeat()), (Release::new(3, 0, 0), Repeat::Never));
    assert_eq!((opcode.read_only(), opcode.xid()), (false, None));
    assert_eq!((opcode.request_schema(), opcode.reply_schema()), (None, None));
}

#[test]
fn a_name_can_be_the_counter_alone() {
    let create = |text: &str, mode| Create { path: path(text), data: None, acl: vec![], mode };
    for (text, wire) in [("/", &b"\0\0\0\x01/"[..]), ("/a", b"\0\0\0\x03/a/")] {
        for mode in [CreateMode::PersistentNumbered, CreateMode::EphemeralNumbered] {
            let value = create(text, mode);
            proof::holds(&value);
            let bytes = proof::encode(&value);
            assert_eq!(bytes[..wire.len()], *wire);
            assert_eq!(bytes[bytes.len() - 4..], mode.raw().to_be_bytes());
        }
    }
    proof::holds(&create("/", CreateMode::Persistent));
    proof::holds(&Create2 {
        path: path("/a"),
        data: None,
        acl: vec![],
        mode: CreateMode::PersistentNumbered,
    });
    let (mode, ttl) = (TtlMode::PersistentNumbered, Ttl::MAX);
    proof::holds(&CreateTtl { path: path("/a"), data: None, acl: vec![], mode, ttl });
    proof::holds(&CreateContainer { path: path("/a"), data: None, acl: vec![] });

    let decode = |text: &str, flags: i32| {
        let mut bytes = Vec::new();
        String::from(text).encode(&mut bytes);
        bytes.extend([255; 4]);
        bytes.extend([0; 4]);
        flags.encode(&mut bytes);
        bytes
    };
    let fault = |text, flags| proof::decode::<Create>(&decode(text, flags)).unwrap_err();
    let slash = |at, fault| What::Path(PathError { at, fault });
    let record = "Create";
    for (text, flags, what, at) in [
        ("/a/", 0, slash(2, PathFault::TrailingSlash), 0),
        ("//", 2, slash(1, PathFault::EmptyComponent), 0),
        ("/a//", 2, slash(2, PathFault::TrailingSlash), 0),
        ("/a/", 4, What::Mode(4), 15),
        ("", 2, slash(0, PathFault::Empty), 0),
    ] {
        assert_eq!(fault(text, flags), Malformed { what, record, at }, "{text}");
    }
    let bytes = decode("/a/", 4);
    assert_eq!(
        proof::decode::<CreateContainer>(&bytes).unwrap_err().what,
        slash(2, PathFault::TrailingSlash)
    );
    let bytes = decode("/", 4);
    assert_eq!(proof::decode(&bytes), Ok(CreateContainer { path: path("/"), data: None, acl: vec![] }));
    let bytes = decode("/a", 2);
    let error = Malformed { what: What::Mode(2), record: "CreateContainer", at: 14 };
    assert_eq!(proof::decode::<CreateContainer>(&bytes), Err(error));
}

#[test]
fn the_configuration_is_a_node() {
    let get = GetData::config(true);
    assert_eq!((get.path.as_str(), get.watch), ("/zookeeper/config", true));
    assert_eq!(Path::new(get.path.as_str()), Ok(get.path));
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
        let several = matches!(request, Request::MultiRead(_));
        assert_eq!(request.path(), (seen == 1 && !several).then(|| path("/app/a")).as_ref(), "{request:?}");
    }
    assert_eq!(counts, [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 2, 1, 0, 1, 1, 1, 1, 1, 0, 3, 0, 1, 1, 3, 1, 0, 0]);

    let replies = replies().into_iter().map(|mut reply| {
        let mut seen = 0;
        reply.each_path(&mut |_| seen += 1);
        seen
    });
    assert_eq!(
        replies.collect::<Vec<_>>(),
        [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0]
    );
}
