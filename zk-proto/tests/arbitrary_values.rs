//! Whatever value there is survives the wire, and whatever bytes there are do no harm.

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use zk_proto::ops::*;
use zk_proto::{
    Acl, Children, ConnectRequest, ConnectResponse, ConnectString, CreateMode, Deframer, EventKind,
    FRAME_LENGTH_MAX, Greeting, Id, KeeperState, Password, Path, Perms, Reader, ReplyHeader, RequestHeader,
    SessionId, Stat, Version, WatcherEvent, Wire, Xid, Zxid,
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
    }

    #[test]
    fn a_reply_comes_back_as_it_was(reply in replies(), xid in any::<i32>(), zxid in any::<i64>()) {
        let mut deframer = Deframer::new(FRAME_LENGTH_MAX);
        zk_proto::encode_reply(Xid::new(xid), Zxid::new(zxid), Ok(&reply), deframer.buffer());
        let frame = deframer.next_frame().unwrap().unwrap();
        let mut input = Reader::new(&frame);
        let header = ReplyHeader { xid: Xid::new(xid), zxid: Zxid::new(zxid), error: None };
        prop_assert_eq!(ReplyHeader::decode(&mut input), Ok(header));
        prop_assert_eq!(Reply::decode(reply.opcode(), &mut input), Ok(reply));
        prop_assert_eq!(input.finish(), Ok(()));
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

fn requests() -> impl Strategy<Value = Request> {
    let read = || (paths(), any::<bool>());
    let create = || (paths(), payloads(), vec(acls(), 0..4), modes());
    prop_oneof![
        create().prop_map(|(path, data, acl, mode)| Create { path, data, acl, mode }.into()),
        create().prop_map(|(path, data, acl, mode)| Create2 { path, data, acl, mode }.into()),
        (paths(), versions()).prop_map(|(path, version)| Delete { path, version }.into()),
        read().prop_map(|(path, watch)| Exists { path, watch }.into()),
        read().prop_map(|(path, watch)| GetData { path, watch }.into()),
        read().prop_map(|(path, watch)| GetChildren2 { path, watch }.into()),
        (paths(), payloads(), versions())
            .prop_map(|(path, data, version)| SetData { path, data, version }.into()),
        paths().prop_map(|path| Sync { path }.into()),
        (any::<i64>(), vec(paths(), 0..4), vec(paths(), 0..4), vec(paths(), 0..4)).prop_map(
            |(zxid, data, exist, child)| {
                SetWatches { relative_zxid: Zxid::new(zxid), data, exist, child }.into()
            }
        ),
        Just(Ping {}.into()),
        Just(CloseSession {}.into()),
    ]
}

fn replies() -> impl Strategy<Value = Reply> {
    prop_oneof![
        paths().prop_map(|path| Reply::Create(Created { path })),
        (paths(), stats()).prop_map(|(path, stat)| Reply::Create2(CreatedNode { path, stat })),
        stats().prop_map(Reply::Exists),
        stats().prop_map(Reply::SetData),
        (payloads(), stats()).prop_map(|(data, stat)| Reply::GetData(NodeData { data, stat })),
        (vec(any::<String>(), 0..6), stats()).prop_map(|(names, stat)| {
            Reply::GetChildren2(NodeChildren { children: names.iter().collect::<Children>(), stat })
        }),
        paths().prop_map(|path| Reply::Sync(Synced { path })),
        prop::sample::select(vec![
            Reply::Delete(()),
            Reply::Ping(()),
            Reply::SetWatches(()),
            Reply::CloseSession(())
        ]),
    ]
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
    (any::<i32>(), any::<String>(), any::<String>())
        .prop_map(|(perms, scheme, id)| Acl { perms: Perms::new(perms), id: Id { scheme, id } })
}

fn modes() -> impl Strategy<Value = CreateMode> {
    (0..4).prop_map(|raw| CreateMode::new(raw).expect("there are four modes"))
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
