//! What callers of single operations ask for, and what they give up.

use bytes::Bytes;
use zk_session::ops::{
    AddWatch, AddWatchMode, Batch, Create, Create2, Delete, Exists, GetChildren, GetChildren2, GetData,
    Multi, MultiOp, SetData, Sync,
};
use zk_session::{Acl, CallOptions, CreateMode, Path, Request, Version};

use super::World;
use super::marks::Mark;
use super::truth::Verdict;
use crate::Version as Release;

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
const HALF: u64 = 500_000;
const RARELY: u64 = 20_000;

impl World {
    pub(super) fn call(&mut self, client: usize) {
        if self.clients[client].users.calls.len() >= CALLS_MAX {
            return;
        }
        let request = if self.decisions.chance(LASTING) { self.lasting(client) } else { self.request() };
        let now = self.local(client);
        let timeout = core::time::Duration::from_millis(self.plan.timeout_ms);
        let deadline = self.decisions.chance(HALF / 5).then(|| now + timeout / 4);
        let watches = matches!(
            &request,
            Request::Exists(Exists { watch: true, .. })
                | Request::GetData(GetData { watch: true, .. })
                | Request::GetChildren2(GetChildren2 { watch: true, .. })
                | Request::GetChildren(GetChildren { watch: true, .. })
                | Request::AddWatch(_)
        );
        self.ask(client, |_, calls, users, now| {
            // Who is refused has closed.
            if let Ok(call) = calls.submit(request, CallOptions { deadline, ..CallOptions::default() }, now) {
                users.calls.push(call);
                users.watches.extend(watches.then_some(call));
            }
        });
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
        match self.decisions.below(12) {
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
