//! The names by which lost creations are found again, and what the four ways to create a node have in common.

use alloc::format;
use alloc::string::String;
use core::fmt::Write;

use bytes::Bytes;
use zk_proto::ops::{Create, Create2, CreateContainer, CreateTtl, Created, CreatedNode, Reply, Request};
use zk_proto::{Children, CreateMode, Path, PathError, Stat, TtlMode};

/// What the four ways to create a node have in common.
pub(super) struct Creation<'a> {
    pub(super) path: &'a Path,
    pub(super) data: &'a Option<Bytes>,
    pub(super) ephemeral: bool,
    /// Whether the server completes the name.
    pub(super) sequential: bool,
    /// Whether the path is that of the parent.
    numbered: bool,
}

/// What a request creates.
pub(super) fn creation(request: &Request) -> Option<Creation<'_>> {
    let of = |path, data, mode: CreateMode| Creation {
        path,
        data,
        ephemeral: mode.is_ephemeral(),
        sequential: mode.is_sequential(),
        numbered: mode.is_numbered(),
    };
    if let Request::Create(Create { path, data, mode, .. }) = request {
        Some(of(path, data, *mode))
    } else if let Request::Create2(Create2 { path, data, mode, .. }) = request {
        Some(of(path, data, *mode))
    } else if let Request::CreateContainer(CreateContainer { path, data, .. }) = request {
        Some(of(path, data, CreateMode::Persistent))
    } else if let Request::CreateTtl(CreateTtl { path, data, mode, .. }) = request {
        let sequential = *mode != TtlMode::Persistent;
        Some(Creation { sequential, numbered: mode.is_numbered(), ..of(path, data, CreateMode::Persistent) })
    } else {
        None
    }
}

/// The token as text, in groups as a UUID is written.
pub(super) fn text(token: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in token.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Puts the token in front of the name that is to be created.
pub(super) fn protect(request: &mut Request, token: &str) -> Result<(), PathError> {
    let Some(creation) = creation(request) else { return Ok(()) };
    let (parent, name) = if creation.numbered {
        (creation.path.clone(), "")
    } else {
        (creation.path.parent().unwrap_or_else(Path::root), creation.path.name())
    };
    let protected = parent.join(&format!("{}{name}", prefix(token)))?;
    if let Request::Create(Create { path, mode, .. }) | Request::Create2(Create2 { path, mode, .. }) = request
    {
        *path = protected;
        *mode = named(*mode);
    } else if let Request::CreateContainer(CreateContainer { path, .. }) = request {
        *path = protected;
    } else if let Request::CreateTtl(CreateTtl { path, mode, .. }) = request {
        *path = protected;
        *mode = if mode.is_numbered() { TtlMode::PersistentSequential } else { *mode };
    }
    Ok(())
}

/// The mode of the same kind whose name is not the counter alone.
fn named(mode: CreateMode) -> CreateMode {
    match (mode.is_numbered(), mode.is_ephemeral()) {
        (true, true) => CreateMode::EphemeralSequential,
        (true, false) => CreateMode::PersistentSequential,
        (false, _) => mode,
    }
}

/// The child with the token; the first in order if there are several.
pub(super) fn own<'a>(children: &'a Children, token: &str) -> Option<&'a str> {
    let prefix = prefix(token);
    children.iter().filter(|name| name.starts_with(&*prefix)).min()
}

fn prefix(token: &str) -> String {
    format!("_c_{token}-")
}

/// The reply to a creation that made this node.
pub(super) fn created(request: &Request, path: Path, stat: Stat) -> Option<Reply> {
    if matches!(request, Request::Create(_)) {
        Some(Reply::Create(Created { path }))
    } else if matches!(request, Request::Create2(_)) {
        Some(Reply::Create2(CreatedNode { path, stat }))
    } else if matches!(request, Request::CreateContainer(_)) {
        Some(Reply::CreateContainer(CreatedNode { path, stat }))
    } else if matches!(request, Request::CreateTtl(_)) {
        Some(Reply::CreateTtl(CreatedNode { path, stat }))
    } else {
        None
    }
}
