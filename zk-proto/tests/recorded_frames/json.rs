//! Decoded values as the recording writes them.

use serde_json::{Value, json};
use zk_proto::ops::{Reply, Request};
use zk_proto::{Acl, Code, Password, Path, ReplyHeader, Stat};

use crate::line::hex;
use crate::message::Message;

impl Message {
    /// The header; null for the handshake, which has none.
    pub(crate) fn header_json(&self) -> Value {
        match self {
            Self::Connect(_) | Self::Connected(_) => Value::Null,
            Self::Request(header, _) => json!({ "xid": header.xid.raw(), "type": header.opcode }),
            Self::Reply(header, _) | Self::Event(header, _) => reply_header(header),
        }
    }

    /// The body; null if there is none.
    pub(crate) fn body_json(&self) -> Value {
        match self {
            Self::Connect(request) => with_read_only(
                json!({
                    "protocolVersion": 0,
                    "lastZxidSeen": long(request.last_zxid.raw()),
                    "timeOut": request.timeout_ms,
                    "sessionId": long(request.session.raw()),
                    "passwd": password(&request.password),
                }),
                request.read_only,
            ),
            Self::Connected(response) => with_read_only(
                json!({
                    "protocolVersion": 0,
                    "timeOut": response.timeout_ms,
                    "sessionId": long(response.session.raw()),
                    "passwd": password(&response.password),
                }),
                response.read_only,
            ),
            Self::Request(_, request) => request_body(request),
            Self::Reply(_, reply) => reply.as_ref().map_or(Value::Null, reply_body),
            Self::Event(_, event) => {
                json!({ "type": event.kind.raw(), "state": event.state.raw(), "path": event.path })
            }
        }
    }
}

/// Replaces what this crate takes for the same as something else, and says what that was.
pub(crate) fn normalize(decoded: &mut Value) -> Option<&'static str> {
    let mut found = None;
    for field in ["acl", "dataWatches", "existWatches", "childWatches", "children"] {
        if let Some(value) = decoded["body"].get_mut(field).filter(|value| value.is_null()) {
            *value = json!([]);
            found = Some("a null vector, taken for an empty one");
        }
    }
    found
}

fn reply_header(header: &ReplyHeader) -> Value {
    json!({
        "xid": header.xid.raw(),
        "zxid": long(header.zxid.raw()),
        "err": header.error.map_or(0, Code::raw),
    })
}

fn request_body(request: &Request) -> Value {
    let read = |path: &Path, watch: bool| json!({ "path": path.as_str(), "watch": watch });
    let create = |path: &Path, data: &Option<_>, acl: &[Acl], flags: i32| json!({ "path": path.as_str(), "data": buffer(data), "acl": acls(acl), "flags": flags });
    match request {
        Request::Create(create_1) => {
            create(&create_1.path, &create_1.data, &create_1.acl, create_1.mode.raw())
        }
        Request::Create2(create_2) => {
            create(&create_2.path, &create_2.data, &create_2.acl, create_2.mode.raw())
        }
        Request::Delete(delete) => json!({ "path": delete.path.as_str(), "version": delete.version.raw() }),
        Request::Exists(exists) => read(&exists.path, exists.watch),
        Request::GetData(get) => read(&get.path, get.watch),
        Request::GetChildren2(get) => read(&get.path, get.watch),
        Request::SetData(set) => {
            json!({ "path": set.path.as_str(), "data": buffer(&set.data), "version": set.version.raw() })
        }
        Request::Sync(sync) => json!({ "path": sync.path.as_str() }),
        Request::SetWatches(set) => json!({
            "relativeZxid": long(set.relative_zxid.raw()),
            "dataWatches": paths(&set.data),
            "existWatches": paths(&set.exist),
            "childWatches": paths(&set.child),
        }),
        Request::Ping(_) | Request::CloseSession(_) => Value::Null,
    }
}

fn reply_body(reply: &Reply) -> Value {
    match reply {
        Reply::Create(created) => json!({ "path": created.path.as_str() }),
        Reply::Create2(created) => json!({ "path": created.path.as_str(), "stat": stat(&created.stat) }),
        Reply::Exists(found) | Reply::SetData(found) => json!({ "stat": stat(found) }),
        Reply::GetData(node) => json!({ "data": buffer(&node.data), "stat": stat(&node.stat) }),
        Reply::GetChildren2(node) => json!({ "children": node.children.to_vec(), "stat": stat(&node.stat) }),
        Reply::Sync(synced) => json!({ "path": synced.path.as_str() }),
        Reply::Delete(()) | Reply::Ping(()) | Reply::SetWatches(()) | Reply::CloseSession(()) => Value::Null,
    }
}

fn stat(stat: &Stat) -> Value {
    json!({
        "czxid": long(stat.czxid.raw()),
        "mzxid": long(stat.mzxid.raw()),
        "ctime": long(stat.ctime),
        "mtime": long(stat.mtime),
        "version": stat.version,
        "cversion": stat.cversion,
        "aversion": stat.aversion,
        "ephemeralOwner": long(stat.ephemeral_owner.raw()),
        "dataLength": stat.data_length,
        "numChildren": stat.num_children,
        "pzxid": long(stat.pzxid.raw()),
    })
}

fn acls(acls: &[Acl]) -> Value {
    acls.iter()
        .map(|acl| json!({ "perms": acl.perms.raw(), "id": { "scheme": acl.id.scheme, "id": acl.id.id } }))
        .collect()
}

fn paths(paths: &[Path]) -> Value {
    paths.iter().map(Path::as_str).collect()
}

fn buffer(data: &Option<bytes::Bytes>) -> Value {
    data.as_ref().map_or(Value::Null, |bytes| hex(bytes).into())
}

fn password(password: &Password) -> Value {
    hex(password.as_bytes()).into()
}

fn long(raw: i64) -> Value {
    raw.to_string().into()
}

fn with_read_only(mut body: Value, read_only: Option<bool>) -> Value {
    if let Some(flag) = read_only {
        body["readOnly"] = flag.into();
    }
    body
}
