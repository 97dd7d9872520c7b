//! When the watches of a client ought to fire, and whether they did.

use std::collections::{BTreeMap, BTreeSet};

use zk_session::{CallId, Request, ops};

use super::truth::{Truth, Watched};
use super::violation::Law;
use crate::{Tree, Trigger, Zxid};

/// The watches of one session.
#[derive(Debug, Default)]
pub(super) struct Watching {
    /// What a call will watch if it is answered.
    wanted: BTreeMap<CallId, (Watched, String)>,
    set: BTreeMap<CallId, Watch>,
    paths: BTreeMap<String, BTreeSet<CallId>>,
    /// Those that have to fire, by the change that they wait for.
    due: BTreeSet<(Zxid, CallId)>,
    /// Where a watch that lasts was refused. A one-shot watch that it was to serve has to be set anew, and what was under way
    /// by then is answered before it fires.
    refused: BTreeSet<String>,
}

#[derive(Debug)]
struct Watch {
    kind: Watched,
    path: String,
    /// It was not set before this.
    since: Zxid,
    due: Option<Zxid>,
}

impl Watching {
    /// Takes note of a call that may set a watch.
    pub(super) fn asked(&mut self, call: CallId, request: &Request) {
        let wanted = if let Request::Exists(ops::Exists { path, watch: true }) = request {
            (Watched::Missing, path)
        } else if let Request::GetData(ops::GetData { path, watch: true }) = request {
            (Watched::Data, path)
        } else if let Request::GetChildren(ops::GetChildren { path, watch: true })
        | Request::GetChildren2(ops::GetChildren2 { path, watch: true }) = request
        {
            (Watched::Children, path)
        } else {
            return;
        };
        self.wanted.insert(call, (wanted.0, wanted.1.as_str().into()));
    }

    /// A call has ended without an answer that sets a watch.
    pub(super) fn not_set(&mut self, call: CallId) {
        self.wanted.remove(&call);
    }

    /// A call was answered from a state between these two.
    pub(super) fn set(&mut self, call: CallId, found: bool, (since, until): (Zxid, Zxid), truth: &Truth) {
        let Some((kind, path)) = self.wanted.remove(&call) else { return };
        let kind = match kind {
            Watched::Missing if found => Watched::Data,
            Watched::Data | Watched::Children if !found => return,
            kind @ (Watched::Data | Watched::Missing | Watched::Children) => kind,
        };
        let due = truth.first_trigger(&path, kind, until);
        self.due.extend(due.map(|zxid| (zxid, call)));
        self.paths.entry(path.clone()).or_default().insert(call);
        self.set.insert(call, Watch { kind, path, since, due });
    }

    pub(super) fn forget(&mut self, call: CallId) {
        self.wanted.remove(&call);
        let Some(watch) = self.set.remove(&call) else { return };
        self.due.retain(|(_, due)| *due != call);
        if let Some(calls) = self.paths.get_mut(&watch.path) {
            calls.remove(&call);
            if calls.is_empty() {
                self.paths.remove(&watch.path);
            }
        }
    }

    /// Something has happened.
    pub(super) fn triggered(&mut self, trigger: &Trigger, zxid: Zxid) {
        for call in self.paths.get(&trigger.path).into_iter().flatten() {
            if let Some(watch) = self.set.get_mut(call)
                && watch.due.is_none()
                && watch.kind.hears(trigger.event)
                && watch.since < zxid
            {
                watch.due = Some(zxid);
                self.due.insert((zxid, *call));
            }
        }
    }

    /// A watch has fired.
    pub(super) fn fired(&mut self, call: CallId, path: &str, truth: &Truth) -> Result<(), Law> {
        let Some(watch) = self.set.get(&call) else { return Err(Law::EventTwice) };
        let caused = watch.path == path && truth.first_trigger(path, watch.kind, watch.since).is_some();
        self.forget(call);
        if caused { Ok(()) } else { Err(Law::EventWithoutCause) }
    }

    /// Whether a watch has to have fired for what an answer from this state shows.
    pub(super) fn is_late(&self, zxid: Zxid) -> bool {
        let mut late = self.due.iter().take_while(|(due, _)| *due <= zxid);
        late.any(|(_, call)| self.set.get(call).is_some_and(|watch| !self.refused.contains(&watch.path)))
    }

    /// A watch that lasts was refused at this path.
    pub(super) fn refused(&mut self, path: String) {
        self.refused.insert(path);
    }

    /// Whether a watch has to have fired at all.
    pub(super) fn is_owed(&self) -> bool {
        !self.due.is_empty()
    }

    /// The watches were restored on a server with this tree. A node that came and went meanwhile was seen by nobody.
    pub(super) fn restored(&mut self, tree: &Tree) -> bool {
        let mut missed = false;
        for (call, watch) in &mut self.set {
            if watch.kind == Watched::Missing
                && tree.node(&watch.path).is_none()
                && let Some(due) = watch.due.filter(|due| *due <= tree.applied())
            {
                // It may have been seen all the same, by a server that was asked a little earlier.
                self.due.remove(&(due, *call));
                watch.due = None;
                missed = true;
            }
        }
        missed
    }

    /// Whether a watch at this path waits for something that concerns its children, or for anything else.
    pub(super) fn waits(&self, path: &str, children: bool) -> bool {
        let calls = self.paths.get(path).into_iter().flatten();
        calls.filter_map(|call| self.set.get(call)).any(|watch| (watch.kind == Watched::Children) == children)
    }

    pub(super) fn is_set(&self, call: CallId) -> bool {
        self.set.contains_key(&call)
    }
}
