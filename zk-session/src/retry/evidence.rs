//! What a node says about a request that may have been applied to it. Only judgement: nothing is asked here.
//!
//! It was read behind everything that came before, so that a request that has left no trace will leave none.

use bytes::Bytes;
use zk_proto::ops::{Exists, GetChildren2, GetData, Reply, Request, SetData};
use zk_proto::{Code, Path, SessionId, Stat, Version, Zxid};

use super::token::{self, Creation};
use super::{Resolution, RetryOptions};
use crate::words::Answer;

/// What became of a request.
pub(super) enum Verdict {
    /// It was applied, and this is what its answer would have been.
    Applied(Answer),
    /// It was not applied, and will not be.
    Unapplied,
    /// It was not applied, and this is how it would be refused.
    Refused(Code),
    /// Nobody can tell.
    Unknown,
}

/// A node that was looked at.
pub(super) struct Node {
    stat: Stat,
    /// Its data, if that was asked for.
    data: Option<Option<Bytes>>,
}

impl Node {
    /// What a reply says about one node.
    pub(super) fn new(reply: Reply) -> Option<Self> {
        if let Reply::Exists(stat) = reply {
            Some(Self { stat, data: None })
        } else if let Reply::GetData(read) = reply {
            Some(Self { stat: read.stat, data: Some(read.data) })
        } else {
            None
        }
    }
}

/// The version that a request expects; `None` if it is none that expects one.
pub(super) fn version(request: &Request) -> Option<Version> {
    if let Request::SetData(set) = request {
        Some(set.version)
    } else if let Request::SetAcl(set) = request {
        Some(set.version)
    } else if let Request::Delete(delete) = request {
        Some(delete.version)
    } else {
        None
    }
}

/// What to read to learn what became of `request`.
pub(super) fn look(request: &Request, resolution: Resolution, options: &RetryOptions) -> Request {
    let creation = token::creation(request);
    let path = request.path().cloned().unwrap_or_else(Path::root);
    if resolution == Resolution::ByToken {
        return GetChildren2 { path: path.parent().unwrap_or_else(Path::root), watch: false }.into();
    }
    // The owner tells enough about an ephemeral node, and needs no permission on most servers.
    let told_by_data = match creation {
        Some(creation) => options.unique && !creation.ephemeral,
        None => matches!(request, Request::SetData(_)),
    };
    if told_by_data { GetData { path, watch: false }.into() } else { Exists { path, watch: false }.into() }
}

/// What a node says about a request that expected a version or was to create it; `None` if there is no such node.
pub(super) fn judge(
    request: &Request,
    options: &RetryOptions,
    session: Option<SessionId>,
    node: Option<Node>,
) -> Verdict {
    if let Some(creation) = token::creation(request) {
        return created(request, &creation, options, session, node);
    }
    match (request, version(request), node) {
        (Request::SetData(set), Some(expected), Some(node)) => was_set(set, expected.raw(), options, node),
        (Request::SetAcl(_), Some(expected), Some(Node { stat, .. })) => {
            let unapplied = same(&stat, options) && stat.aversion == expected.raw();
            if unapplied { Verdict::Unapplied } else { Verdict::Unknown }
        }
        (Request::SetData(_) | Request::SetAcl(_), _, None) if options.kept => Verdict::Refused(Code::NoNode),
        // That nobody else deletes it is not enough: once we did, others may have created it again.
        (Request::Delete(_), Some(expected), Some(Node { stat, .. }))
            if options.czxid == Some(stat.czxid) =>
        {
            let unapplied = stat.version == expected.raw();
            if unapplied { Verdict::Unapplied } else { Verdict::Refused(Code::BadVersion) }
        }
        (Request::Delete(_), _, None) if options.gone_is_done => {
            Verdict::Applied(Answer { zxid: Zxid::ZERO, reply: Reply::Delete(()) })
        }
        _ => Verdict::Unknown,
    }
}

fn was_set(set: &SetData, expected: i32, options: &RetryOptions, node: Node) -> Verdict {
    let Node { stat, data } = node;
    let (next, same) = (stat.version == expected.wrapping_add(1), same(&stat, options));
    let ours = data.is_some_and(|data| data == set.data);
    if next && ours && options.unique {
        Verdict::Applied(Answer { zxid: stat.mzxid, reply: Reply::SetData(stat) })
    } else if same && stat.version == expected {
        Verdict::Unapplied
    } else if same && next && !ours {
        // The step from the expected version was somebody else's.
        Verdict::Refused(Code::BadVersion)
    } else {
        Verdict::Unknown
    }
}

/// Whether the node is the one that the caller knew, not one of the same name.
fn same(stat: &Stat, options: &RetryOptions) -> bool {
    options.czxid.map_or(options.kept, |czxid| czxid == stat.czxid)
}

fn created(
    request: &Request,
    creation: &Creation<'_>,
    options: &RetryOptions,
    session: Option<SessionId>,
    node: Option<Node>,
) -> Verdict {
    let Some(Node { stat, data, .. }) = node else {
        return if options.kept { Verdict::Unapplied } else { Verdict::Unknown };
    };
    let ours = if creation.ephemeral {
        session.map(|session| stat.ephemeral_owner == session)
    } else {
        // Data that was set since says nothing about the creation.
        data.filter(|_| options.unique && stat.version == 0).map(|data| data == *creation.data)
    };
    match ours {
        Some(true) => adopted(request, creation.path.clone(), stat),
        Some(false) if options.kept => Verdict::Refused(Code::NodeExists),
        Some(false) | None => Verdict::Unknown,
    }
}

/// What a node whose name has the token says about its creation.
pub(super) fn found(
    request: &Request,
    session: Option<SessionId>,
    path: Path,
    node: Option<Node>,
) -> Verdict {
    let ephemeral = token::creation(request).is_some_and(|creation| creation.ephemeral);
    match node {
        Some(node) if !ephemeral || session == Some(node.stat.ephemeral_owner) => {
            adopted(request, path, node.stat)
        }
        // It was there, and is another's or gone: not what the caller was promised.
        Some(_) | None => Verdict::Unknown,
    }
}

fn adopted(request: &Request, path: Path, stat: Stat) -> Verdict {
    let reply = token::created(request, path, stat);
    reply.map_or(Verdict::Unknown, |reply| Verdict::Applied(Answer { zxid: stat.czxid, reply }))
}
