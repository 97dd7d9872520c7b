//! What watches that last ought to be told, and whether they were: each change once, as it happens, on a link that stands;
//! of what happens without one, that there is a gap.

use std::collections::{BTreeMap, VecDeque};

use zk_session::ops::{AddWatch, AddWatchMode};
use zk_session::{CallId, Request};

use super::violation::Law;
use crate::acl::{self, READ};
use crate::path::is_within;
use crate::{Event, Trigger, Zxid};

/// The watches of one session that last.
#[derive(Debug, Default)]
pub(super) struct Lasting {
    /// What a call will watch if it is answered, and whether everything below as well.
    wanted: BTreeMap<CallId, (String, bool)>,
    set: BTreeMap<CallId, Watch>,
}

#[derive(Debug)]
struct Watch {
    path: String,
    is_recursive: bool,
    standing: Standing,
    /// What it is to be told, in this order.
    owed: VecDeque<Change>,
    /// What it was told between the gap and the link.
    early: Vec<(Event, String)>,
}

/// Whether the link stands over which a watch is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Linked,
    Cut,
    /// The gap was told. Until the server has the watch again, what it tells one-shot watches may be heard here as well.
    Gap,
}

#[derive(Debug)]
struct Change {
    zxid: Zxid,
    event: Event,
    path: String,
    /// Whether everybody may read the node. What not everybody may know, some servers do not tell; nor twice what was told.
    is_public: bool,
}

impl Watch {
    fn concerns(&self, trigger: &Trigger) -> bool {
        self.hears(trigger.event, &trigger.path)
    }

    fn hears(&self, event: Event, path: &str) -> bool {
        if self.is_recursive {
            event != Event::ChildrenChanged && is_within(path, &self.path)
        } else {
            path == self.path
        }
    }

    fn owe(&mut self, zxid: Zxid, trigger: &Trigger) {
        if self.concerns(trigger) {
            let is_public = acl::check(&trigger.acl, READ, &[]).is_ok();
            let (event, path) = (trigger.event, trigger.path.clone());
            self.owed.push_back(Change { zxid, event, path, is_public });
        }
    }

    /// What was told early may have been a change after the server had the watch again: then it is not told once more. Or it
    /// was what a one-shot watch there had missed.
    fn settle_early(&mut self) {
        for (event, path) in std::mem::take(&mut self.early) {
            let is_it = |change: &Change| change.event == event && change.path == path;
            if let Some(next) = self.owed.iter_mut().find(|change| change.is_public || is_it(change))
                && is_it(next)
            {
                next.is_public = false;
            }
        }
    }

    /// What must be told next.
    fn next(&self) -> Option<Zxid> {
        self.owed.iter().find(|change| change.is_public).map(|change| change.zxid)
    }

    fn told(&mut self, event: Event, path: &str) -> Result<(), Law> {
        match self.standing {
            Standing::Cut => return Err(Law::GapIsHidden),
            Standing::Gap if self.hears(event, path) => {
                self.early.push((event, path.into()));
                return Ok(());
            }
            Standing::Gap => return Err(Law::LastingIsWrong),
            Standing::Linked => {}
        }
        while let Some(change) = self.owed.pop_front() {
            if change.event == event && change.path == path {
                return Ok(());
            }
            if change.is_public {
                break;
            }
        }
        Err(Law::LastingIsWrong)
    }
}

impl Lasting {
    /// Takes note of a call that may set a watch.
    pub(super) fn asked(&mut self, call: CallId, request: &Request) {
        if let Request::AddWatch(AddWatch { path, mode }) = request {
            let is_recursive = *mode == AddWatchMode::PersistentRecursive;
            self.wanted.insert(call, (path.as_str().into(), is_recursive));
        }
    }

    /// A call was answered; if yes, from the state at this transaction. What has happened since is told from here on. If not,
    /// the path that is not watched.
    pub(super) fn answered(
        &mut self,
        call: CallId,
        at: Option<Zxid>,
        feed: &[(Zxid, Trigger)],
    ) -> Option<String> {
        let (path, is_recursive) = self.wanted.remove(&call)?;
        let Some(at) = at else { return Some(path) };
        let mut watch = Watch {
            path,
            is_recursive,
            standing: Standing::Linked,
            owed: VecDeque::new(),
            early: Vec::new(),
        };
        let from = feed.partition_point(|(zxid, _)| *zxid <= at);
        for (zxid, trigger) in feed.get(from..).unwrap_or_default() {
            watch.owe(*zxid, trigger);
        }
        self.set.insert(call, watch);
        None
    }

    pub(super) fn forget(&mut self, call: CallId) {
        self.wanted.remove(&call);
        self.set.remove(&call);
    }

    /// Something has happened.
    pub(super) fn triggered(&mut self, trigger: &Trigger, zxid: Zxid) {
        for watch in self.set.values_mut() {
            watch.owe(zxid, trigger);
        }
    }

    /// The link is gone.
    pub(super) fn cut(&mut self) {
        for watch in self.set.values_mut() {
            watch.standing = Standing::Cut;
            watch.early.clear();
        }
    }

    /// A watch was told that it may have missed what came after `since`.
    pub(super) fn gap(&mut self, call: CallId, since: Zxid) -> Result<(), Law> {
        let Some(watch) = self.set.get_mut(&call) else { return Err(Law::EventTwice) };
        let is_cut = watch.standing == Standing::Cut;
        watch.standing = Standing::Gap;
        let is_true = watch.next().is_none_or(|next| next > since);
        if is_cut && is_true { Ok(()) } else { Err(Law::GapIsWrong) }
    }

    /// There is a link, on which the server has had the watches since this transaction.
    pub(super) fn linked(&mut self, since: Option<Zxid>) -> Result<(), Law> {
        for watch in self.set.values_mut() {
            match watch.standing {
                Standing::Linked => {}
                Standing::Cut => return Err(Law::GapIsHidden),
                Standing::Gap => {
                    watch.standing = Standing::Linked;
                    watch.owed.retain(|change| since.is_none_or(|since| change.zxid > since));
                    watch.settle_early();
                }
            }
        }
        Ok(())
    }

    /// A watch was told of a change. Nothing if it is no watch that lasts.
    pub(super) fn told(&mut self, call: CallId, event: Event, path: &str) -> Option<Result<(), Law>> {
        self.set.get_mut(&call).map(|watch| watch.told(event, path))
    }

    /// Whether a watch has to have been told of what an answer from this state shows.
    pub(super) fn is_late(&self, zxid: Zxid) -> bool {
        self.set.values().any(|watch| watch.next().is_some_and(|next| next <= zxid))
    }

    /// Whether a watch has to have been told of something at all.
    pub(super) fn is_owed(&self) -> bool {
        self.is_late(Zxid(i64::MAX))
    }

    pub(super) fn is_set(&self, call: CallId) -> bool {
        self.set.contains_key(&call)
    }

    /// Whether any stands at this path.
    pub(super) fn stands(&self, path: &str) -> bool {
        self.set.values().any(|watch| watch.path == path)
    }

    pub(super) fn count(&self) -> usize {
        self.set.len() + self.wanted.len()
    }
}
