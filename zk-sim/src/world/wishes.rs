//! What callers of single operations ask for, and what they give up.

use bytes::Bytes;
use zk_session::ops::{
    AddWatch, AddWatchMode, Auth, Batch, Check, Create, Create2, Delete, Exists, GetChildren, GetChildren2,
    GetData, Multi, MultiOp, SetData, Sync,
};
use zk_session::proto::{Id, Perms, Secret};
use zk_session::{Acl, CallOptions, CreateMode, Order, Path, Request, Unlinked, Version};

use super::World;
use super::client::Note;
use super::marks::Mark;
use super::net::Credential;
use super::truth::Verdict;
use crate::{Version as Release, digest_id};

/// How many calls a client has under way at most.
const CALLS_MAX: usize = 8;
/// How many nodes the callers use.
const NODES: u64 = 4;
/// Bytes of a large node: more than an engine stages for a connection before the others wait.
const LARGE: usize = 300_000;
/// How many watches that last a client has at most.
const LASTING_MAX: usize = 4;
/// In how many of a million calls a user wants such a watch.
const LASTING: u64 = 80_000;
/// Up to here, something that is somebody's own.
const SECRET: u64 = 130_000;
/// How many there are who have something of their own.
const SOMEBODIES: u64 = 3;
/// Where what is somebody's own is. The directory is everybody's: a watch that lasts is told of it by one that sees all
/// below, which some servers do not tell of what the client may not read.
const SECRETS: &str = "/own";
const MILLION: u64 = 1_000_000;
const HALF: u64 = 500_000;
const RARELY: u64 = 20_000;

/// What proves somebody.
pub(super) fn credential(somebody: u64) -> Auth {
    let secret = format!("user{somebody}:secret{somebody}");
    Auth { scheme: "digest".into(), credential: Some(Secret::new(secret.into())) }
}

/// The user who may log in, and the password.
pub(super) fn login() -> (String, String) {
    ("worker".into(), "does its work".into())
}

/// The same as it is seen on its way.
pub(super) fn shown(auth: &Auth) -> Credential {
    (auth.scheme.clone(), auth.credential.as_ref().map_or_else(Vec::new, |it| it.as_bytes().to_vec()))
}

/// Whether a node is somebody's own.
pub(super) fn is_secret(path: &str) -> bool {
    path.strip_prefix(SECRETS).is_some_and(|rest| rest.starts_with('/'))
}

fn watches(request: &Request) -> bool {
    matches!(
        request,
        Request::Exists(Exists { watch: true, .. })
            | Request::GetData(GetData { watch: true, .. })
            | Request::GetChildren2(GetChildren2 { watch: true, .. })
            | Request::GetChildren(GetChildren { watch: true, .. })
            | Request::AddWatch(_)
    )
}

impl World {
    pub(super) fn call(&mut self, client: usize) {
        if self.clients[client].users.calls.len() >= CALLS_MAX {
            return;
        }
        let (request, somebody) = match self.decisions.below(MILLION) {
            ..LASTING => (self.lasting(client), None),
            LASTING..SECRET => self.secret(),
            _ => (self.request(), None),
        };
        let options = self.options(client);
        let is_entitled =
            somebody.is_some_and(|it| self.clients[client].proven.contains(&shown(&credential(it))));
        let cuts = self.clients[client].observed.cuts;
        self.ask(client, |_, calls, users, now| {
            let watches = watches(&request);
            // Who is refused has closed, or does not wait for a link.
            if let Ok(call) = calls.submit(request, options, now) {
                users.calls.push(call);
                users.watches.extend(watches.then_some(call));
                users.promises.made(call, options.order, cuts);
                users.promises.entitled.extend(is_entitled.then_some(call));
            }
        });
    }

    fn options(&mut self, client: usize) -> CallOptions {
        let now = self.local(client);
        let timeout = core::time::Duration::from_millis(self.plan.timeout_ms);
        let deadline = self.decisions.chance(HALF / 5).then(|| now + timeout / 4);
        let order = match self.decisions.below(10) {
            0..7 => Order::Client,
            7 => Order::Free,
            _ => self.pipeline(client),
        };
        let unlinked = match self.decisions.below(20) {
            0..18 => None,
            18 => Some(Unlinked::Wait { most: Some(timeout / 8) }),
            _ => Some(Unlinked::Refuse),
        };
        CallOptions { deadline, order, unlinked }
    }

    /// The pipeline of a client. Its users do not always look whether it is broken.
    fn pipeline(&mut self, client: usize) -> Order {
        let is_careless = self.decisions.chance(HALF);
        let own = &mut self.clients[client];
        let (pipeline, is_broken) = match own.users.promises.pipeline {
            Some((broken, true)) if !is_careless => {
                own.session.end_pipeline(broken);
                (own.session.pipeline(), false)
            }
            Some(known) => known,
            None => (own.session.pipeline(), false),
        };
        own.users.promises.pipeline = Some((pipeline, is_broken));
        Order::Pipeline(pipeline)
    }

    /// An operation on a node that is somebody's own.
    fn secret(&mut self) -> (Request, Option<u64>) {
        let somebody = self.decisions.below(SOMEBODIES);
        self.stamp += 1;
        let data = Some(Bytes::from(self.stamp.to_be_bytes().to_vec()));
        let (directory, node) = (String::from(SECRETS), format!("{SECRETS}/{somebody}"));
        let path = Path::new(&node).unwrap_or_else(|_| Path::root());
        let request = match self.decisions.below(9) {
            0 => {
                let path = Path::new(&directory).unwrap_or_else(|_| Path::root());
                let acl = Acl::open_unsafe();
                Create { path, data, acl, mode: CreateMode::Persistent }.into()
            }
            1 | 2 => {
                let id = digest_id(&format!("user{somebody}:secret{somebody}"));
                let acl = vec![Acl { perms: Perms::ALL, id: Id::new("digest", &id) }];
                Create { path, data, acl, mode: CreateMode::Persistent }.into()
            }
            3 | 4 => GetData { path, watch: false }.into(),
            5 | 6 => SetData { path, data, version: Version::ANY }.into(),
            _ => Delete { path, version: Version::ANY }.into(),
        };
        (request, Some(somebody))
    }

    /// A user does something about the client itself.
    pub(super) fn manage(&mut self, client: usize) {
        match self.decisions.below(4) {
            0 | 1 => self.add_credential(client),
            2 => self.update_servers(client),
            _ => self.confirm(client),
        }
    }

    fn add_credential(&mut self, client: usize) {
        let is_odd = !self.plan.is_calm() && self.decisions.chance(10 * RARELY);
        let mut auth = credential(self.decisions.below(SOMEBODIES));
        if is_odd {
            auth.scheme = "nonsense".into();
        }
        self.ask(client, |_, calls, users, now| {
            if let Ok(call) = calls.submit(auth.clone().into(), CallOptions::default(), now) {
                users.promises.auths.insert(call, shown(&auth));
            }
        });
    }

    fn update_servers(&mut self, client: usize) {
        let mut servers = self.connect_string().servers;
        let chosen = self.decisions.between(1, (1 << servers.len()) - 1);
        let mut at = 0;
        servers.retain(|_| {
            at += 1;
            chosen & (1 << (at - 1)) != 0
        });
        let now = self.local(client);
        let own = &mut self.clients[client];
        own.observed.beckoned.get_or_insert(now);
        // There is at least one.
        let _ = own.session.update_servers(servers, now);
    }

    fn confirm(&mut self, client: usize) {
        let now = self.local(client);
        let own = &mut self.clients[client];
        let Ok(call) = own.session.confirm(CallOptions::default(), now) else { return };
        own.users.promises.proofs.insert(call);
        let check = MultiOp::Check(Check { path: Path::root(), version: Version::ANY });
        let request = Multi { ops: Batch(vec![check]) }.into();
        self.take_notes(client, &mut vec![Note::Submitted(call, request, Order::Client)]);
    }

    /// Any operation on one of a few nodes. What is written is written by no other call.
    fn request(&mut self) -> Request {
        self.stamp += 1;
        let mut data = self.stamp.to_be_bytes().to_vec();
        if self.decisions.chance(self.plan.large) {
            data.resize(LARGE, 0);
        }
        let data = Some(Bytes::from(data));
        let node = format!("/n{}", self.decisions.below(NODES));
        let path = Path::new(&node).unwrap_or_else(|_| Path::root());
        let acl = Acl::open_unsafe();
        let watch = self.decisions.chance(HALF);
        match self.decisions.below(13) {
            12 => self.two_at_once(data),
            0 => GetData { path, watch }.into(),
            1 => Exists { path, watch }.into(),
            2 => GetChildren2 { path, watch }.into(),
            3 => GetChildren { path, watch }.into(),
            4 | 5 => SetData { path, data, version: Version::ANY }.into(),
            6 => Create { path, data, acl, mode: CreateMode::Persistent }.into(),
            7 => Create2 { path, data, acl, mode: CreateMode::Ephemeral }.into(),
            8 => {
                let path = Path::new(&format!("{node}/c-")).unwrap_or_else(|_| Path::root());
                Create2 { path, data, acl, mode: CreateMode::EphemeralSequential }.into()
            }
            9 => Delete { path, version: Version::ANY }.into(),
            10 => Sync { path }.into(),
            _ => {
                let set = MultiOp::SetData(SetData { path, data: data.clone(), version: Version::ANY });
                let other = Path::new(&format!("/n{}", self.decisions.below(NODES)));
                let path = other.unwrap_or_else(|_| Path::root());
                let create = MultiOp::Create(Create { path, data, acl, mode: CreateMode::Persistent });
                Multi { ops: Batch(vec![set, create]) }.into()
            }
        }
    }

    /// Sets two nodes at once: who watches both is told twice.
    fn two_at_once(&mut self, data: Option<Bytes>) -> Request {
        let first = self.decisions.below(NODES);
        let set = |number: u64| {
            let path = Path::new(&format!("/n{number}")).unwrap_or_else(|_| Path::root());
            MultiOp::SetData(SetData { path, data: data.clone(), version: Version::ANY })
        };
        Multi { ops: Batch(vec![set(first), set((first + 1) % NODES)]) }.into()
    }

    /// A watch that lasts. Servers before 3.6 do not know them, and close the connection.
    fn lasting(&mut self, client: usize) -> Request {
        let is_known = self.plan.version >= Release::V3_8;
        let is_odd = !self.plan.is_calm() && self.decisions.chance(RARELY);
        if (!is_known && !is_odd) || self.clients[client].lasting.count() >= LASTING_MAX {
            return self.request();
        }
        let node = match self.decisions.below(NODES + 1) {
            NODES => "/".into(),
            number => format!("/n{number}"),
        };
        let path = Path::new(&node).unwrap_or_else(|_| Path::root());
        let mode = if self.decisions.chance(HALF) {
            AddWatchMode::PersistentRecursive
        } else {
            AddWatchMode::Persistent
        };
        AddWatch { path, mode }.into()
    }

    pub(super) fn cancel(&mut self, client: usize) {
        let calls = self.clients[client].users.calls.clone();
        let Some(call) = self.decisions.pick(&calls) else { return };
        let own = &mut self.clients[client];
        own.users.calls.retain(|other| *other != call);
        own.users.watches.retain(|other| *other != call);
        own.session.unwatch(call);
        self.forget_watch(client, call);
        let own = &mut self.clients[client];
        if let Some(cancelled) = own.session.cancel(call) {
            let sent = cancelled == zk_session::Cancelled::MaybeApplied;
            self.marks.sometimes(true, Mark::Cancelled);
            let verdict = Verdict::Dropped { sent };
            let session = self.clients[client].session.id();
            self.tell_truth(client, call, verdict);
            self.diary.dropped(self.life(client), call, session, verdict, self.now);
        }
    }

    pub(super) fn unwatch(&mut self, client: usize) {
        let watches = self.clients[client].users.watches.clone();
        let Some(call) = self.decisions.pick(&watches) else { return };
        let own = &mut self.clients[client];
        own.users.watches.retain(|other| *other != call);
        own.session.unwatch(call);
        self.forget_watch(client, call);
    }
}
