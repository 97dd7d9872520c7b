//! What must hold for any bytes.
//!
//! Every target may be given anything; it panics if something does not hold, and only then. The same functions run under
//! the fuzzer and, over the committed corpus, under `cargo test`.

#![allow(dead_code, reason = "each binary of the fuzzer uses one of the targets")]

use arbitrary::Unstructured;
use bytes::{Bytes, BytesMut};
use zk_proto::ops::*;
use zk_proto::{
    Acl, Body, Challenge, ConnectRequest, ConnectResponse, ConnectString, CreateMode, Deframer,
    EnsembleConfig, Frame, FrameKind, Greeting, Id, Path, Perms, Reader, Secret, SessionId, Stat, Ttl,
    TtlMode, Version, WatcherEvent, Wire, Xid, Zxid,
};

/// What a target may hold at once beyond what grows with the input.
const ALLOCATED_MAX: u64 = 64 * 1024;

/// What it may hold at once for each byte of the input: the smallest element of a vector has four bytes, and is kept as a
/// value of forty, in a list that has grown to twice its size and is copied while it grows, next to its typed form.
const ALLOCATED_PER_BYTE_MAX: u64 = 128;

/// Runs a target with a bound on its memory; 64 bytes of input have nothing but the fixed part.
pub(crate) fn capped(data: &[u8], target: fn(&[u8])) {
    let allocated = allocation_counter::measure(|| target(data)).bytes_max;
    let long = u64::try_from(data.len().saturating_sub(64)).expect("a length fits");
    let limit = ALLOCATED_MAX + ALLOCATED_PER_BYTE_MAX * long;
    assert!(allocated <= limit, "{} bytes of input held {allocated} bytes at once", data.len());
}

/// Frames come out the same however the bytes come in, and nothing is kept but what came in.
pub(crate) fn deframer(data: &[u8]) {
    let Some((&seed, stream)) = data.split_first() else { return };
    let limit = 1 << (seed & 15);
    let mut whole = Deframer::new(limit);
    whole.buffer().extend_from_slice(stream);
    let mut expected = Vec::new();
    let end = loop {
        match whole.next_frame() {
            Ok(Some(frame)) => expected.push(frame),
            other => break other,
        }
    };
    let mut parts = Deframer::new(limit);
    let (mut rest, mut state, mut landed) = (stream, u32::from(seed), Vec::new());
    let mut last = Ok(None);
    while !rest.is_empty() && last.is_ok() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (part, left) = rest.split_at(rest.len().min((state >> 24) as usize % 9 + 1));
        parts.buffer().extend_from_slice(part);
        rest = left;
        last = loop {
            match parts.next_frame() {
                Ok(Some(frame)) => landed.push(frame),
                other => break other,
            }
        };
    }
    assert_eq!(landed, expected);
    if stream.is_empty() {
        return;
    }
    assert_eq!(last, end);
    assert!(landed.iter().all(|frame| frame.len() <= limit));
}

/// Any bytes as a request.
pub(crate) fn request(data: &[u8]) {
    let payload = Bytes::copy_from_slice(data);
    let Some(frame) = as_data(FrameKind::Request, &payload) else { return };
    let zk_proto::Header::Request(header) = frame.header else { panic!("a request has a header") };
    let body = payload.slice(8..);
    let mut input = Reader::new(&body);
    match Request::decode(header.opcode, &mut input) {
        Ok(mut request) => {
            assert!(!matches!(frame.body, Body::Malformed(..)), "{request:?}");
            assert_eq!(input.rest_len(), raw_rest(&request, &frame));
            let mut out = Deframer::new(usize::MAX);
            zk_proto::encode_request(header.xid, &request, out.buffer());
            assert_eq!(out.buffer().len(), request.frame_len());
            let again = out.next_frame().expect("the frame is whole").expect("it is there").slice(8..);
            assert_eq!(Request::decode(header.opcode, &mut Reader::new(&again)).as_ref(), Ok(&request));
            let chroot = Path::config();
            request.each_path(&mut |path| *path = path.below(&chroot));
            let _ = (request.path(), format!("{request:?}"));
            assert!(![13, 20].contains(&request.opcode().raw()));
        }
        Err(malformed) => assert!(malformed.at <= body.len(), "{malformed}"),
    }
}

/// A raw request takes all bytes as its body; others leave what comes after it.
fn raw_rest(request: &Request, frame: &Frame) -> usize {
    if matches!(request, Request::Raw(_)) { 0 } else { frame.rest.len() }
}

/// Any bytes as a reply to the operation that the first byte names.
pub(crate) fn reply(data: &[u8]) {
    let Some((&which, data)) = data.split_first() else { return };
    let opcode = Opcode::ALL[usize::from(which) % Opcode::ALL.len()];
    let mut bytes = BytesMut::new();
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(data);
    let payload = bytes.freeze();
    let frame = as_data(FrameKind::Reply(opcode.raw()), &payload).expect("the header is whole");
    let body = payload.slice(16..);
    let mut input = Reader::new(&body);
    match Reply::decode(opcode, &mut input) {
        Ok(mut reply) => {
            assert!(!matches!(frame.body, Body::Malformed(..)), "{reply:?}");
            assert_eq!(input.rest_len(), frame.rest.len());
            let mut out = BytesMut::new();
            reply.encode(&mut out);
            assert_eq!(out.len(), reply.encoded_len());
            let again = out.freeze();
            assert_eq!(Reply::decode(opcode, &mut Reader::new(&again)).as_ref(), Ok(&reply));
            reply.each_path(&mut |path| *path = Path::root());
            let _ = format!("{reply:?}");
            if let Reply::Multi(multi) | Reply::MultiRead(multi) = reply {
                let _ = multi.into_result();
            }
        }
        Err(malformed) => assert!(malformed.at <= body.len(), "{malformed}"),
    }
}

/// Any bytes as the first frame of either side, and as an event.
pub(crate) fn handshake(data: &[u8]) {
    let payload = Bytes::copy_from_slice(data);
    for kind in [FrameKind::ConnectRequest, FrameKind::Greeting, FrameKind::Event] {
        let _ = as_data(kind, &payload);
    }
    comes_back::<ConnectRequest>(&payload);
    comes_back::<ConnectResponse>(&payload);
    comes_back::<WatcherEvent>(&payload);
    if let Ok(Greeting::Accepted(response)) = Greeting::decode(&payload) {
        assert!(response.timeout_ms > 0);
    }
}

/// A frame as data is the same bytes again.
fn as_data(kind: FrameKind, payload: &Bytes) -> Option<Frame> {
    let frame = Frame::decode(kind, payload).ok()?;
    let mut out = BytesMut::new();
    frame.encode(&mut out);
    assert_eq!(out[4..], payload[..]);
    let _ = frame.to_string();
    Some(frame)
}

/// What decodes is the same value when it is encoded and decoded again.
fn comes_back<T: Wire + PartialEq>(payload: &Bytes) {
    let Ok(value) = T::decode(&mut Reader::new(payload)) else { return };
    let mut out = BytesMut::new();
    value.encode(&mut out);
    assert_eq!(out.len(), value.encoded_len());
    assert_eq!(T::decode(&mut Reader::new(&out.freeze())).as_ref(), Ok(&value));
}

/// Arbitrary values survive the wire.
pub(crate) fn values(data: &[u8]) {
    let mut source = Unstructured::new(data);
    let Ok(request) = any_request(&mut source) else { return };
    let mut out = Deframer::new(usize::MAX);
    zk_proto::encode_request(Xid::FIRST, &request, out.buffer());
    assert_eq!(out.buffer().len(), request.frame_len());
    let payload = out.next_frame().expect("the frame is whole").expect("it is there");
    let frame = as_data(FrameKind::Request, &payload).expect("the header is whole");
    assert!(!matches!(frame.body, Body::Malformed(..)), "{frame}");
    let body = payload.slice(8..);
    let mut input = Reader::new(&body);
    assert_eq!(Request::decode(request.opcode().raw(), &mut input).as_ref(), Ok(&request));
    assert_eq!(input.rest_len(), 0);

    let Ok(reply) = any_reply(&mut source) else { return };
    let mut out = BytesMut::new();
    reply.encode(&mut out);
    assert_eq!(out.len(), reply.encoded_len());
    assert_eq!(Reply::decode(reply.opcode(), &mut Reader::new(&out.freeze())).as_ref(), Ok(&reply));
}

fn any_request(source: &mut Unstructured<'_>) -> arbitrary::Result<Request> {
    Ok(match source.int_in_range(0..=8)? {
        0 => Multi { ops: Batch(list(source, any_op)?) }.into(),
        1 => Exists { path: any_path(source)?, watch: source.arbitrary()? }.into(),
        2 => {
            let (path, acl) = (any_path(source)?, list(source, any_acl)?);
            SetAcl { path, acl, version: any_version(source)? }.into()
        }
        3 => Auth { scheme: source.arbitrary()?, credential: Some(any_secret(source)?) }.into(),
        4 => Sasl { token: any_secret(source)? }.into(),
        5 => Reconfig {
            joining: source.arbitrary()?,
            leaving: source.arbitrary()?,
            new_members: source.arbitrary()?,
            config_id: source.arbitrary()?,
        }
        .into(),
        6 => AddWatch { path: any_path(source)?, mode: AddWatchMode::new(source.arbitrary()?) }.into(),
        7 => SetWatches2 {
            relative_zxid: Zxid::new(source.arbitrary()?),
            data: list(source, any_path)?,
            exist: list(source, any_path)?,
            child: list(source, any_path)?,
            persistent: list(source, any_path)?,
            recursive: list(source, any_path)?,
        }
        .into(),
        _ => match any_op(source)? {
            MultiOp::Create(create) => create.into(),
            MultiOp::Create2(create) => create.into(),
            MultiOp::CreateContainer(create) => create.into(),
            MultiOp::CreateTtl(create) => create.into(),
            MultiOp::Delete(delete) => delete.into(),
            MultiOp::SetData(set) => set.into(),
            MultiOp::Check(check) => Sync { path: check.path }.into(),
        },
    })
}

fn any_op(source: &mut Unstructured<'_>) -> arbitrary::Result<MultiOp> {
    let (path, data) = (any_path(source)?, source.arbitrary::<Option<Vec<u8>>>()?.map(Bytes::from));
    let which = source.int_in_range(0..=6)?;
    let version = any_version(source)?;
    if which > 3 {
        return Ok(match which {
            4 => Delete { path, version }.into(),
            5 => SetData { path, data, version }.into(),
            _ => Check { path, version }.into(),
        });
    }
    let acl = list(source, any_acl)?;
    // On the root the last two are the same on the wire.
    let modes = [
        CreateMode::Persistent,
        CreateMode::Ephemeral,
        CreateMode::PersistentNumbered,
        CreateMode::EphemeralNumbered,
        CreateMode::PersistentSequential,
        CreateMode::EphemeralSequential,
    ];
    let mode = *source.choose(if path.is_root() { &modes[..4] } else { &modes[..] })?;
    Ok(match which {
        0 => Create { path, data, acl, mode }.into(),
        1 => Create2 { path, data, acl, mode }.into(),
        2 => CreateContainer { path, data, acl }.into(),
        _ => {
            let modes = [TtlMode::Persistent, TtlMode::PersistentNumbered, TtlMode::PersistentSequential];
            let mode = *source.choose(if path.is_root() { &modes[..2] } else { &modes[..] })?;
            let ttl = Ttl::from_ms(source.int_in_range(1..=Ttl::MAX.ms())?).expect("it is in range");
            CreateTtl { path, data, acl, mode, ttl }.into()
        }
    })
}

fn any_reply(source: &mut Unstructured<'_>) -> arbitrary::Result<Reply> {
    Ok(match source.int_in_range(0..=5)? {
        0 => Reply::Create(Created { path: any_path(source)? }),
        1 => {
            let data = source.arbitrary::<Option<Vec<u8>>>()?.map(Bytes::from);
            Reply::GetData(NodeData { data, stat: any_stat(source)? })
        }
        2 => {
            let children = list(source, |source| source.arbitrary::<String>())?.into_iter().collect();
            Reply::GetChildren2(NodeChildren { children, stat: any_stat(source)? })
        }
        3 => Reply::GetAcl(NodeAcl { acl: list(source, any_acl)?, stat: any_stat(source)? }),
        4 => {
            let results = list(source, |source| {
                Ok(match source.int_in_range(0..=3)? {
                    0 => MultiResult::Created(Created { path: any_path(source)? }),
                    1 => MultiResult::Set(any_stat(source)?),
                    2 => MultiResult::Deleted,
                    _ => MultiResult::Error(zk_proto::Code::new(source.arbitrary()?)),
                })
            })?;
            Reply::Multi(MultiReply { results: Batch(results) })
        }
        _ => Reply::Create2(CreatedNode { path: any_path(source)?, stat: any_stat(source)? }),
    })
}

fn list<T>(
    source: &mut Unstructured<'_>,
    mut one: impl FnMut(&mut Unstructured<'_>) -> arbitrary::Result<T>,
) -> arbitrary::Result<Vec<T>> {
    (0..source.int_in_range(0..=5)?).map(|_| one(source)).collect()
}

fn any_path(source: &mut Unstructured<'_>) -> arbitrary::Result<Path> {
    let text: String = source.arbitrary()?;
    Ok(Path::new(&text).or_else(|_| Path::root().join(&text)).unwrap_or_else(|_| Path::root()))
}

fn any_acl(source: &mut Unstructured<'_>) -> arbitrary::Result<Acl> {
    let id = Id { scheme: source.arbitrary()?, id: source.arbitrary()? };
    Ok(Acl { perms: Perms::new(source.arbitrary()?), id })
}

fn any_secret(source: &mut Unstructured<'_>) -> arbitrary::Result<Secret> {
    source.arbitrary::<Vec<u8>>().map(|bytes| Secret::new(bytes.into()))
}

fn any_version(source: &mut Unstructured<'_>) -> arbitrary::Result<Version> {
    source.arbitrary().map(|raw| Version::exactly(raw).unwrap_or(Version::ANY))
}

fn any_stat(source: &mut Unstructured<'_>) -> arbitrary::Result<Stat> {
    Ok(Stat {
        czxid: Zxid::new(source.arbitrary()?),
        version: source.arbitrary()?,
        ephemeral_owner: SessionId::new(source.arbitrary()?),
        ..Stat::default()
    })
}

/// A connect string that is accepted names the same when it is shown.
pub(crate) fn connect_string(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match text.parse::<ConnectString>() {
        Ok(parsed) => {
            assert!(!parsed.servers.is_empty());
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
        Err(error) => assert!(error.at <= text.len(), "{error}"),
    }
}

/// A path that is accepted holds to the server's rules, and can be taken apart and put together.
pub(crate) fn path(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let parsed = Path::new(text);
    assert_eq!(parsed.is_ok(), valid(text), "{text:?}");
    match parsed {
        Ok(path) => {
            assert_eq!(path.as_str(), text);
            let chroot = Path::config();
            assert_eq!(path.below(&chroot).strip(&chroot), Some(path.clone()));
            match path.parent() {
                Some(parent) => assert_eq!(parent.join(path.name()), Ok(path)),
                None => assert!(path.is_root()),
            }
        }
        Err(error) => assert!(error.at <= text.len(), "{error}"),
    }
    if let Ok(joined) = Path::config().join(text) {
        assert!(joined.starts_with(&Path::config()) && valid(joined.as_str()));
    }
}

/// The server's own validation, over UTF-16 units.
fn valid(text: &str) -> bool {
    let forbidden = |unit: u16| {
        unit <= 0x1f || (0x7f..=0x9f).contains(&unit) || (0xd800..=0xf8ff).contains(&unit) || unit >= 0xfff0
    };
    let components = |text: &str| text.split('/').all(|part| !["", ".", ".."].contains(&part));
    let structure = text == "/" || text.strip_prefix('/').is_some_and(components);
    structure && !text.encode_utf16().any(forbidden)
}

/// An entry of an ACL, as text and as bytes.
pub(crate) fn acl(data: &[u8]) {
    let payload = Bytes::copy_from_slice(data);
    comes_back::<Acl>(&payload);
    comes_back::<Id>(&payload);
    comes_back::<Vec<Acl>>(&payload);
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(acl) = text.parse::<Acl>() {
        assert!(Perms::ALL.contains(acl.perms));
        let _ = format!("{acl:?}");
    }
    if let Some((user, password)) = text.split_once('\n') {
        let digest = Id::digest(user, password);
        assert_eq!(digest.is_ok(), !user.contains(':'));
        assert!(!format!("{:?}", Auth::digest(user, "bob:secret")).contains("bob:secret"));
    }
}

/// The challenge of a SASL exchange.
pub(crate) fn challenge(data: &[u8]) {
    if let Ok(challenge) = Challenge::new(data) {
        assert!(data.len() <= Challenge::LENGTH_MAX && !challenge.nonce.is_empty());
    }
}

/// Answers to words, and the configuration of an ensemble.
pub(crate) fn words(data: &[u8]) {
    use zk_proto::words::*;
    let Ok(text) = str::from_utf8(data) else { return };
    let _ = (is_ok(text), ServerStatus::new(text), Metrics::new(text), Settings::new(text));
    let _ =
        (ServerConnection::all(text), Service::new(text), WatchSummary::new(text), SessionDump::new(text));
    let lines = text.lines().count();
    assert!(EnsembleConfig::new(text).members.len() <= lines);
}
