//! What watches promise: an event for each at most, after it was set, and before any reply that shows the change.
//!
//! A watch for a node that was not there may miss that the node came and went while there was no link. That is how servers
//! restore watches, and no breach.

use std::collections::BTreeMap;

use zk_session::{EventKind, Path, Request, SessionId};

use super::{Call, History, Noticed, Outcome, Violation};
use crate::Zxid;
use crate::txn::{Event, Trigger};

/// Checks the events of a history against what happened.
pub(super) fn check(history: &History, triggers: &[(Zxid, Trigger)]) -> Result<(), Violation> {
    let mut changes: BTreeMap<&str, Vec<(i64, Event)>> = BTreeMap::new();
    for (zxid, trigger) in triggers {
        changes.entry(&trigger.path).or_default().push((zxid.0, trigger.event));
    }
    let mut told: BTreeMap<SessionId, Vec<(u64, Told<'_>)>> = BTreeMap::new();
    for (at, call) in history.calls.iter().enumerate() {
        told.entry(call.session).or_default().push((call.position, Told::End(at, call)));
    }
    for event in &history.events {
        told.entry(event.session).or_default().push((event.position, Told::Event(event)));
    }
    for mut told in told.into_values() {
        told.sort_by_key(|(position, _)| *position);
        session(told.into_iter().map(|(_, told)| told), &changes)?;
    }
    Ok(())
}

/// Something that a session was told.
enum Told<'a> {
    End(usize, &'a Call),
    Event(&'a Noticed),
}

/// A watch that stands.
#[derive(Clone, Copy, Debug)]
struct Watch<'a> {
    on: On,
    path: &'a Path,
    /// The number of the reply that set it.
    since: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    Data,
    /// Set by `exists` on a node that was not there.
    Missing,
    Children,
}

type Changes<'a> = BTreeMap<&'a str, Vec<(i64, Event)>>;

fn session<'a>(told: impl Iterator<Item = Told<'a>>, changes: &Changes<'_>) -> Result<(), Violation> {
    let mut watches: Vec<Watch<'_>> = Vec::new();
    let mut seen = 0;
    for told in told {
        match told {
            Told::Event(event) => {
                let heard =
                    watches.iter().position(|watch| watch.hears(event) && watch.change(changes).is_some());
                let Some(heard) = heard else {
                    let seen = format!("{event:?}");
                    return Err(Violation::of("an event is that of a watch, and of a change", None, seen));
                };
                watches.remove(heard);
            }
            Told::End(at, call) => {
                if let Some(zxid) = call.zxid() {
                    let late = |watch: &&Watch<'_>| watch.overdue(changes, zxid);
                    if let Some(watch) = watches.iter().find(late) {
                        let seen =
                            format!("the watch on {} had nothing to tell by {}", watch.path, Zxid(zxid));
                        return Err(Violation::of("an event comes before what shows the change", at, seen));
                    }
                    seen = zxid;
                }
                watches.extend(Watch::set(call, seen));
            }
        }
    }
    Ok(())
}

impl<'a> Watch<'a> {
    /// The watch that a call has set, if its reply says so.
    fn set(call: &'a Call, since: i64) -> Option<Self> {
        let (on, path) = if let Request::Exists(exists) = &call.request {
            (exists.watch.then_some(On::Data), &exists.path)
        } else if let Request::GetData(get) = &call.request {
            (get.watch.then_some(On::Data), &get.path)
        } else if let Request::GetChildren2(list) = &call.request {
            (list.watch.then_some(On::Children), &list.path)
        } else if let Request::GetChildren(list) = &call.request {
            (list.watch.then_some(On::Children), &list.path)
        } else {
            return None;
        };
        let missing = matches!(&call.outcome, Outcome::Refused { code: zk_session::Code::NoNode, .. })
            && matches!(call.request, Request::Exists(_));
        let on = match (on?, &call.outcome) {
            (on, Outcome::Ok { .. }) => on,
            (_, Outcome::Refused { .. }) if missing => On::Missing,
            (_, Outcome::Refused { .. } | Outcome::MaybeApplied | Outcome::NotSent) => return None,
        };
        Some(Self { on, path, since })
    }

    /// Whether an event is one of those that the watch is there for. After a time without a link it may be told by another
    /// one of them than what happened.
    fn hears(&self, event: &Noticed) -> bool {
        let kinds: &[EventKind] = match self.on {
            On::Data | On::Missing => {
                &[EventKind::NodeCreated, EventKind::NodeDataChanged, EventKind::NodeDeleted]
            }
            On::Children => &[EventKind::NodeChildrenChanged, EventKind::NodeDeleted],
        };
        kinds.contains(&event.kind) && event.path == *self.path
    }

    /// The first change that it waits for.
    fn change(&self, changes: &Changes<'_>) -> Option<i64> {
        self.changes(changes).map(|(zxid, _)| zxid).next()
    }

    /// Whether its event must have come before a reply with this number.
    fn overdue(&self, changes: &Changes<'_>, zxid: i64) -> bool {
        let last = self.changes(changes).take_while(|(change, _)| *change <= zxid).last();
        last.is_some_and(|(_, event)| self.on != On::Missing || event != Event::Deleted)
    }

    fn changes(&self, changes: &Changes<'_>) -> impl Iterator<Item = (i64, Event)> {
        let (on, since) = (self.on, self.since);
        let all = changes.get(self.path.as_str()).into_iter().flatten().copied();
        all.filter(move |(zxid, event)| {
            let heard = match event {
                Event::Created | Event::DataChanged => on != On::Children,
                Event::ChildrenChanged => on == On::Children,
                Event::Deleted => true,
            };
            *zxid > since && heard
        })
    }
}
