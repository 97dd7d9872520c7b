//! Whatever value there is survives the wire, and whatever bytes there are do no harm.

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use zk_proto::ops::*;
use zk_proto::{
    Acl, Body, Children, Code, ConnectRequest, ConnectResponse, ConnectString, CreateMode, Deframer,
    EventKind, FRAME_LENGTH_MAX, Frame, FrameKind, Greeting, Id, KeeperState, Password, Path, Perms, Reader,
    ReplyHeader, RequestHeader, Secret, SessionId, Stat, Ttl, TtlMode, Version, WatcherEvent, Wire, Xid,
    Zxid,
};

proptest! {
    #[test]
    fn a_request_comes_back_as_it_was(request in requests(), xid in any::<i32>()) {
        let mut deframer = Deframer::new(FRAME_LENGTH_MAX);
        zk_proto::encode_request(Xid::new(xid), &request, deframer.buffer());
        prop_assert_eq!(deframer.buffer().len(), request.frame_len());
        let frame = deframer.next_frame().unwrap().unwrap();
        let mut input = Reader::new(&frame);
        let header = RequestHeader::decode(&mut input).unwrap();
        prop_assert_eq!(header.xid, Xid::new(xid));
        prop_assert_eq!(Request::decode(header.opcode, &mut input), Ok(request));
        prop_assert_eq!(input.finish(), Ok(()));
        is_data(FrameKind::Request, &frame)?;
    }

    #[test]
    fn a_reply_comes_back_as_it_was(reply in replies(), xid in any::<i32>(), zxid in any::<i64>()) {
        let mut deframer = Deframer::new(FRAME_LENGTH_MAX);
        zk_proto::encode_reply(Xid::new(xid), Zxid::new(zxid), Ok(&reply), deframer.buffer());
        let frame = deframer.next_frame().unwrap().unwrap();
        let mut input = Reader::new(&frame);
        let header = ReplyHeader { xid: Xid::new(xid), zxid: Zxid::new(zxid), error: None };
        prop_assert_eq!(ReplyHeader::decode(&mut input), Ok(header));
        let opcode = reply.opcode();
        prop_assert_eq!(Reply::decode(opcode, &mut input), Ok(reply));
        prop_assert_eq!(input.finish(), Ok(()));
        is_data(FrameKind::Reply(opcode.raw()), &frame)?;
    }

    #[test]
    fn a_handshake_and_an_event_come_back_as_they_were(
        (last, timeout_ms, session, password, read_only) in
            (any::<i64>(), any::<i32>(), any::<i64>(), vec(any::<u8>(), 0..40), any::<Option<bool>>()),
        (kind, state, path) in (any::<i32>(), any::<i32>(), any::<String>()),
    ) {
        let (session, password) = (SessionId::new(session), Password::new(password.into()));
        let response = ConnectResponse { timeout_ms, session, password: password.clone(), read_only };
        comes_back(&response)?;
        comes_back(&ConnectRequest { last_zxid: Zxid::new(last), timeout_ms, session, password, read_only })?;
        comes_back(&WatcherEvent { kind: EventKind::new(kind), state: KeeperState::new(state), path })?;
    }

    #[test]
    fn any_bytes_are_an_error_or_a_value(bytes in vec(any::<u8>(), 0..300)) {
        let frame = Bytes::from(bytes);
        for &opcode in Opcode::ALL {
            let _ = Reply::decode(opcode, &mut Reader::new(&frame));
            let _ = Request::decode(opcode.raw(), &mut Reader::new(&frame));
        }
        let _ = Greeting::decode(&frame);
        let kinds = [FrameKind::ConnectRequest, FrameKind::Greeting, FrameKind::Request, FrameKind::Event];
        let replies = Opcode::ALL.iter().map(|opcode| FrameKind::Reply(opcode.raw()));
        for kind in kinds.into_iter().chain(replies) {
            if let Ok(taken) = Frame::decode(kind, &frame) {
                let mut encoded = Vec::new();
                taken.encode(&mut encoded);
                prop_assert_eq!(&encoded[4..], &frame);
            }
        }
        let _ = WatcherEvent::decode(&mut Reader::new(&frame));
        let mut deframer = Deframer::new(100);
        deframer.buffer().extend_from_slice(&frame);
        while let Ok(Some(_)) = deframer.next_frame() {}
    }

    #[test]
    fn any_text_is_an_error_or_a_connect_string(text in "[a\\[\\]:,/ 0-9%.]{0,20}|\\PC{0,20}") {
        if let Ok(parsed) = text.parse::<ConnectString>() {
            prop_assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
    }

    #[test]
    fn a_chroot_comes_off_as_it_was_put_on(path in paths(), chroot in paths()) {
        let server = path.below(&chroot);
        prop_assert_eq!(Path::new(server.as_str()), Ok(server.clone()));
        prop_assert!(server.starts_with(&chroot));
        prop_assert_eq!(server.strip(&chroot), Some(path.clone()));
        prop_assert_eq!(path.starts_with(&chroot), path.strip(&chroot).is_some());
        if let Some(parent) = path.parent() {
            prop_assert_eq!(parent.join(path.name()), Ok(path));
        }
    }
}

/// Checks that a value survives the wire.
fn comes_back<T: Wire + PartialEq>(value: &T) -> Result<(), TestCaseError> {
    let mut out = BytesMut::new();
    value.encode(&mut out);
    prop_assert_eq!(out.len(), value.encoded_len());
    let frame = out.freeze();
    let mut input = Reader::new(&frame);
    let back = T::decode(&mut input);
    prop_assert_eq!(back.as_ref(), Ok(value));
    prop_assert_eq!(input.finish(), Ok(()));
    Ok(())
}

/// Checks that the data of a frame are read to the end, and are the same bytes when written.
fn is_data(kind: FrameKind, payload: &Bytes) -> Result<(), TestCaseError> {
    let frame = Frame::decode(kind, payload).expect("the header is whole");
    prop_assert!(!matches!(frame.body, Body::Malformed(..)), "{frame}");
    let raw = frame.to_string().starts_with("operation ");
    prop_assert!(raw || frame.rest.is_empty(), "{frame}");
    let mut encoded = Vec::new();
    frame.encode(&mut encoded);
    prop_assert_eq!(&encoded[4..], payload);
    Ok(())
}

fn requests() -> impl Strategy<Value = Request> {
    prop_oneof![node_requests(), other_requests()]
}

fn node_requests() -> impl Strategy<Value = Request> {
    let read = || (paths(), any::<bool>());
    prop_oneof![
        multi_ops().prop_map(|op| match op {
            MultiOp::Create(create) => create.into(),
            MultiOp::Create2(create) => create.into(),
            MultiOp::CreateContainer(create) => create.into(),
            MultiOp::CreateTtl(create) => create.into(),
            MultiOp::Delete(delete) => delete.into(),
            MultiOp::SetData(set) => set.into(),
            MultiOp::Check(Check { path, .. }) => Sync { path }.into(),
        }),
        read().prop_map(|(path, watch)| Exists { path, watch }.into()),
        read().prop_map(|(path, watch)| GetData { path, watch }.into()),
        read().prop_map(|(path, watch)| GetChildren { path, watch }.into()),
        read().prop_map(|(path, watch)| GetChildren2 { path, watch }.into()),
        paths().prop_map(|path| GetAcl { path }.into()),
        (paths(), vec(acls(), 0..4), versions()).prop_map(|(path, acl, version)| SetAcl {
            path,
            acl,
            version
        }
        .into()),
        paths().prop_map(|prefix| GetEphemerals { prefix }.into()),
        paths().prop_map(|path| GetAllChildrenNumber { path }.into()),
        vec(multi_ops(), 0..5).prop_map(|ops| Multi { ops: Batch(ops) }.into()),
        vec(read().prop_map(|(path, watch)| GetData { path, watch }.into()), 0..5)
            .prop_map(|ops| MultiRead { ops: Batch(ops) }.into()),
        vec(read().prop_map(|(path, watch)| GetChildren { path, watch }.into()), 0..5)
            .prop_map(|ops| MultiRead { ops: Batch(ops) }.into()),
    ]
}

fn other_requests() -> impl Strategy<Value = Request> {
    let list = || vec(paths(), 0..4);
    prop_oneof![
        (any::<i64>(), list(), list(), list()).prop_map(|(zxid, data, exist, child)| {
            SetWatches { relative_zxid: Zxid::new(zxid), data, exist, child }.into()
        }),
        (any::<i64>(), list(), list(), list(), list(), list()).prop_map(
            |(zxid, data, exist, child, persistent, recursive)| {
                let relative_zxid = Zxid::new(zxid);
                SetWatches2 { relative_zxid, data, exist, child, persistent, recursive }.into()
            }
        ),
        (paths(), any::<i32>())
            .prop_map(|(path, raw)| AddWatch { path, mode: AddWatchMode::new(raw) }.into()),
        (paths(), any::<i32>())
            .prop_map(|(path, raw)| CheckWatches { path, kind: WatchKind::new(raw) }.into()),
        (paths(), any::<i32>())
            .prop_map(|(path, raw)| RemoveWatches { path, kind: WatchKind::new(raw) }.into()),
        (any::<[Option<String>; 3]>(), any::<i64>()).prop_map(|([joining, leaving, new_members], id)| {
            Reconfig { joining, leaving, new_members, config_id: id }.into()
        }),
        (any::<String>(), option::of(secrets()))
            .prop_map(|(scheme, credential)| Auth { scheme, credential }.into()),
        secrets().prop_map(|token| Sasl { token }.into()),
        (any::<i32>(), vec(any::<u8>(), 0..30)).prop_filter_map("it has a row", |(raw, body)| {
            let opcode = RawOpcode::new(raw).ok()?;
            Some(Request::Raw(Raw { opcode, body: body.into() }))
        }),
        Just(Ping {}.into()),
        Just(WhoAmI {}.into()),
        Just(CloseSession {}.into()),
    ]
}

fn multi_ops() -> impl Strategy<Value = MultiOp> {
    let create = || (paths(), payloads(), vec(acls(), 0..4));
    prop_oneof![
        (create(), modes()).prop_filter_map("it has another form", |((path, data, acl), mode)| {
            let same = path.is_root() && mode.is_sequential() && !mode.is_numbered();
            (!same).then(|| Create { path, data, acl, mode }.into())
        }),
        (create(), modes()).prop_filter_map("it has another form", |((path, data, acl), mode)| {
            let same = path.is_root() && mode.is_sequential() && !mode.is_numbered();
            (!same).then(|| Create2 { path, data, acl, mode }.into())
        }),
        create().prop_map(|(path, data, acl)| CreateContainer { path, data, acl }.into()),
        (create(), ttl_modes(), 1..Ttl::MAX.ms()).prop_filter_map(
            "it has another form",
            |((path, data, acl), mode, ms)| {
                let same = path.is_root() && mode == TtlMode::PersistentSequential;
                let ttl = Ttl::from_ms(ms).ok()?;
                (!same).then(|| CreateTtl { path, data, acl, mode, ttl }.into())
            }
        ),
        (paths(), versions()).prop_map(|(path, version)| Delete { path, version }.into()),
        (paths(), payloads(), versions())
            .prop_map(|(path, data, version)| SetData { path, data, version }.into()),
        (paths(), versions()).prop_map(|(path, version)| Check { path, version }.into()),
    ]
}

fn replies() -> impl Strategy<Value = Reply> {
    let created = || (paths(), stats()).prop_map(|(path, stat)| CreatedNode { path, stat });
    let data = || (payloads(), stats()).prop_map(|(data, stat)| NodeData { data, stat });
    let multi = || vec(multi_results(), 0..5).prop_map(|results| MultiReply { results: Batch(results) });
    prop_oneof![
        paths().prop_map(|path| Reply::Create(Created { path })),
        created().prop_map(Reply::Create2),
        created().prop_map(Reply::CreateContainer),
        created().prop_map(Reply::CreateTtl),
        stats().prop_map(Reply::Exists),
        stats().prop_map(Reply::SetData),
        stats().prop_map(Reply::SetAcl),
        data().prop_map(Reply::GetData),
        data().prop_map(Reply::Reconfig),
        (vec(acls(), 0..4), stats()).prop_map(|(acl, stat)| Reply::GetAcl(NodeAcl { acl, stat })),
        children().prop_map(|children| Reply::GetChildren(NodeNames { children })),
        (children(), stats())
            .prop_map(|(children, stat)| Reply::GetChildren2(NodeChildren { children, stat })),
        paths().prop_map(|path| Reply::Sync(Synced { path })),
        multi().prop_map(Reply::Multi),
        multi().prop_map(Reply::MultiRead),
        option::of(secrets()).prop_map(|token| Reply::Sasl(SaslToken { token })),
        vec(paths(), 0..4).prop_map(|paths| Reply::GetEphemerals(Ephemerals { paths })),
        any::<i32>().prop_map(|total| Reply::GetAllChildrenNumber(Descendants { total })),
        any::<i32>().prop_map(|raw| Reply::AddWatch(WatchAdded { error: Code::new(raw) })),
        vec(any::<(String, String)>(), 0..4).prop_map(|all| {
            let identities = all.into_iter().map(|(scheme, user)| ClientInfo { scheme, user });
            Reply::WhoAmI(Identities { identities: identities.collect() })
        }),
        prop::sample::select(vec![
            Reply::Delete(()),
            Reply::Ping(()),
            Reply::CheckWatches(()),
            Reply::RemoveWatches(()),
            Reply::Auth(()),
            Reply::SetWatches(()),
            Reply::SetWatches2(()),
            Reply::CloseSession(())
        ]),
    ]
}

fn multi_results() -> impl Strategy<Value = MultiResult> {
    prop_oneof![
        paths().prop_map(|path| MultiResult::Created(Created { path })),
        (paths(), stats()).prop_map(|(path, stat)| MultiResult::CreatedNode(CreatedNode { path, stat })),
        stats().prop_map(MultiResult::Set),
        (payloads(), stats()).prop_map(|(data, stat)| MultiResult::Data(NodeData { data, stat })),
        children().prop_map(MultiResult::Children),
        any::<i32>().prop_map(|raw| MultiResult::Error(Code::new(raw))),
        prop::sample::select(vec![MultiResult::Deleted, MultiResult::Checked]),
    ]
}

fn children() -> impl Strategy<Value = Children> {
    vec(any::<String>(), 0..6).prop_map(|names| names.iter().collect())
}

fn secrets() -> impl Strategy<Value = Secret> {
    vec(any::<u8>(), 0..40).prop_map(|bytes| Secret::new(bytes.into()))
}

fn paths() -> impl Strategy<Value = Path> {
    let component = prop_oneof!["[a-z]{1,8}", "[ -.0-~\u{a0}-\u{2000}]{1,6}"];
    vec(component.prop_filter("dots are no names", |name| name != "." && name != ".."), 0..5)
        .prop_map(|components| Path::new(&format!("/{}", components.join("/"))).expect("the parts are valid"))
}

fn payloads() -> impl Strategy<Value = Option<Bytes>> {
    option::of(vec(any::<u8>(), 0..50).prop_map(Bytes::from))
}

fn acls() -> impl Strategy<Value = Acl> {
    (any::<i32>(), any::<Option<String>>(), any::<Option<String>>())
        .prop_map(|(perms, scheme, id)| Acl { perms: Perms::new(perms), id: Id { scheme, id } })
}

fn modes() -> impl Strategy<Value = CreateMode> {
    prop::sample::select(vec![
        CreateMode::Persistent,
        CreateMode::Ephemeral,
        CreateMode::PersistentSequential,
        CreateMode::EphemeralSequential,
        CreateMode::PersistentNumbered,
        CreateMode::EphemeralNumbered,
    ])
}

fn ttl_modes() -> impl Strategy<Value = TtlMode> {
    prop::sample::select(vec![
        TtlMode::Persistent,
        TtlMode::PersistentSequential,
        TtlMode::PersistentNumbered,
    ])
}

fn versions() -> impl Strategy<Value = Version> {
    any::<i32>().prop_map(|raw| Version::exactly(raw).unwrap_or(Version::ANY))
}

fn stats() -> impl Strategy<Value = Stat> {
    (any::<[i64; 6]>(), any::<[i32; 5]>()).prop_map(|(long, int)| Stat {
        czxid: Zxid::new(long[0]),
        mzxid: Zxid::new(long[1]),
        ctime: long[2],
        mtime: long[3],
        version: int[0],
        cversion: int[1],
        aversion: int[2],
        ephemeral_owner: SessionId::new(long[4]),
        data_length: int[3],
        num_children: int[4],
        pzxid: Zxid::new(long[5]),
    })
}
