//! The calls of a session: queued -> written -> answered.
//!
//! It does not encode anything and knows no connection. Written calls are a queue in wire order, whose front must match
//! the next reply. Call numbers only grow, hence both queues are ordered by them.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use zk_proto::Xid;
use zk_proto::ops::{Opcode, Request};

use crate::config::Unlinked;
use crate::error::Why;
use crate::time::Instant;
use crate::watches::Wanted;
use crate::words::{CallId, Order};

/// Who waits for the end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The one who submitted it.
    Caller,
    /// Nobody any more: cancelled, or ended by its deadline. Its reply is consumed.
    Nobody,
    /// The engine, to prove the session's life.
    KeepAlive,
    /// The engine, to close the session.
    Close,
    /// The engine, to take a watch away that nobody wants any more.
    Unwatch,
    /// The engine, to follow the ensemble's configuration.
    Follow,
}

impl Owner {
    /// Whether the call was made by a user of the session, be he gone.
    pub(crate) const fn is_user(self) -> bool {
        matches!(self, Self::Caller | Self::Nobody)
    }
}

/// How a call is queued.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    pub(crate) deadline: Option<Instant>,
    pub(crate) order: Order,
    /// How long it may wait for a link, if there is none.
    pub(crate) wait: Option<Instant>,
    /// What becomes of it when the link is lost before it was sent; `None`: what the configuration says.
    pub(crate) unlinked: Option<Unlinked>,
}

/// A call that has not been staged for any connection.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) id: CallId,
    pub(crate) owner: Owner,
    pub(crate) request: Request,
    pub(crate) order: Order,
    /// The owner of its watch has given it up.
    pub(crate) is_unwatched: bool,
    /// Bytes of its frame.
    length: usize,
    pub(crate) deadline: Option<Instant>,
    /// How long it may wait for a link, if there is none.
    wait: Option<Instant>,
    /// What becomes of it when the link is lost before it was sent; `None`: what the configuration says.
    pub(crate) unlinked: Option<Unlinked>,
}

impl Queued {
    fn due(&self) -> Option<Instant> {
        self.deadline.into_iter().chain(self.wait).min()
    }
}

/// A call whose frame was staged for the present connection.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) id: CallId,
    pub(crate) owner: Owner,
    pub(crate) xid: Xid,
    pub(crate) opcode: Opcode,
    pub(crate) wanted: Option<Wanted>,
    /// The owner of its watch has given it up.
    pub(crate) is_unwatched: bool,
    pub(crate) order: Order,
    pub(crate) deadline: Option<Instant>,
    /// Engine time at which it was staged; none of its bytes can have left before.
    pub(crate) sent: Instant,
    /// Stream offset behind its last byte.
    pub(crate) end: u64,
}

impl Written {
    /// A request of the engine itself to take a watch away.
    pub(crate) fn own(id: CallId, xid: Xid, request: &Request, sent: Instant, end: u64) -> Self {
        Self {
            id,
            owner: Owner::Unwatch,
            xid,
            opcode: request.opcode(),
            wanted: None,
            is_unwatched: false,
            order: Order::Free,
            deadline: None,
            sent,
            end,
        }
    }
}

#[derive(Debug)]
pub(crate) struct CallTable {
    queued: VecDeque<Queued>,
    written: VecDeque<Written>,
    deadlines: BTreeSet<(Instant, CallId)>,
    queued_bytes: usize,
    next_id: u64,
    next_xid: Xid,
}

/// What the end of a call's wait found.
#[derive(Debug)]
pub(crate) enum Removed {
    /// It had not been staged, and never will be.
    Queued,
    /// Its frame was staged; the reply will be consumed.
    Written,
}

impl CallTable {
    /// A table whose first call gets the number `next_id`.
    pub(crate) const fn new(next_id: u64) -> Self {
        Self {
            queued: VecDeque::new(),
            written: VecDeque::new(),
            deadlines: BTreeSet::new(),
            queued_bytes: 0,
            next_id,
            next_xid: Xid::FIRST,
        }
    }

    pub(crate) fn queue(&mut self, request: Request, owner: Owner, how: How) -> CallId {
        let id = self.number();
        let length = request.frame_len();
        let call = Queued {
            id,
            owner,
            request,
            order: how.order,
            is_unwatched: false,
            length,
            deadline: how.deadline,
            wait: how.wait,
            unlinked: how.unlinked,
        };
        self.remember_deadline(call.due(), id);
        self.queued_bytes += length;
        self.queued.push_back(call);
        id
    }

    /// The number of a call that is not to be queued.
    pub(crate) const fn number(&mut self) -> CallId {
        let id = CallId::new(self.next_id);
        self.next_id += 1;
        id
    }

    /// The next call to stage, and the xid it is to have.
    pub(crate) fn next(&mut self) -> Option<(Queued, Xid)> {
        let call = self.queued.pop_front()?;
        self.left_queue(&call);
        Some((call, self.xid()))
    }

    /// A fresh xid.
    pub(crate) const fn xid(&mut self) -> Xid {
        let xid = self.next_xid;
        self.next_xid = xid.next();
        xid
    }

    fn remember_deadline(&mut self, deadline: Option<Instant>, id: CallId) {
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, id));
        }
    }

    fn left_queue(&mut self, call: &Queued) {
        self.forget_deadline(call.due(), call.id);
        self.queued_bytes = self.queued_bytes.saturating_sub(call.length);
    }

    /// There is a link: nobody waits for one any more.
    pub(crate) fn linked(&mut self) {
        for call in &mut self.queued {
            if let Some(due) = call.wait.and(call.due()) {
                self.deadlines.remove(&(due, call.id));
                call.wait = None;
                self.deadlines.extend(call.deadline.map(|deadline| (deadline, call.id)));
            }
        }
    }

    /// There is no link any more: what is still queued may wait for the next, as long as its own rule or this one says.
    pub(crate) fn unlinked(&mut self, rule: Unlinked, now: Instant) {
        for call in &mut self.queued {
            if let Some(due) = call.due() {
                self.deadlines.remove(&(due, call.id));
            }
            call.wait = call.unlinked.unwrap_or(rule).until(now);
            self.deadlines.extend(call.due().map(|due| (due, call.id)));
        }
    }

    pub(crate) fn written(&mut self, call: Written) {
        self.remember_deadline(call.deadline, call.id);
        self.written.push_back(call);
    }

    pub(crate) fn has_written(&self) -> bool {
        !self.written.is_empty()
    }

    /// Takes out the call that a reply answers: the oldest, or none if that has another xid, since the server is wrong then.
    pub(crate) fn answered(&mut self, is_due: impl FnOnce(Xid) -> bool) -> Option<Written> {
        self.written.front().filter(|oldest| is_due(oldest.xid))?;
        let call = self.written.pop_front()?;
        self.forget_deadline(call.deadline, call.id);
        Some(call)
    }

    /// Takes out all written calls: their connection is gone.
    pub(crate) fn take_written(&mut self) -> VecDeque<Written> {
        let written = core::mem::take(&mut self.written);
        for call in &written {
            self.forget_deadline(call.deadline, call.id);
        }
        written
    }

    /// Takes out all queued calls of which this is true.
    pub(crate) fn take_queued(&mut self, mut is_over: impl FnMut(&Queued) -> bool) -> Vec<Queued> {
        let (over, left): (Vec<Queued>, Vec<Queued>) =
            core::mem::take(&mut self.queued).into_iter().partition(|call| is_over(call));
        self.queued = left.into();
        for call in &over {
            self.left_queue(call);
        }
        over
    }

    /// The caller waits no longer.
    pub(crate) fn abandon(&mut self, id: CallId) -> Option<Removed> {
        if let Ok(index) = self.queued.binary_search_by_key(&id, |call| call.id) {
            let call = self.queued.remove(index)?;
            self.left_queue(&call);
            return Some(Removed::Queued);
        }
        let index = self.written.binary_search_by_key(&id, |call| call.id).ok()?;
        let call = self.written.get_mut(index).filter(|call| call.owner == Owner::Caller)?;
        call.owner = Owner::Nobody;
        let deadline = call.deadline.take();
        self.forget_deadline(deadline, id);
        Some(Removed::Written)
    }

    /// The watch that a call would set is not wanted any more.
    pub(crate) fn unwatch(&mut self, id: CallId) {
        if let Ok(index) = self.queued.binary_search_by_key(&id, |call| call.id)
            && let Some(call) = self.queued.get_mut(index)
        {
            Wanted::decline(&mut call.request);
            call.is_unwatched = true;
        }
        if let Ok(index) = self.written.binary_search_by_key(&id, |call| call.id)
            && let Some(call) = self.written.get_mut(index)
        {
            call.is_unwatched = true;
        }
    }

    /// A call whose deadline has come, or that has waited long enough for a link.
    pub(crate) fn overdue(&mut self, now: Instant) -> Option<(CallId, Why)> {
        self.deadlines.first().filter(|(deadline, _)| *deadline <= now)?;
        let (_, id) = self.deadlines.pop_first()?;
        let queued = self.queued.binary_search_by_key(&id, |call| call.id).ok();
        let queued = queued.and_then(|index| self.queued.get(index));
        let is_late = queued.is_none_or(|call| call.deadline.is_some_and(|deadline| deadline <= now));
        Some((id, if is_late { Why::Deadline } else { Why::Unlinked }))
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    pub(crate) fn len(&self) -> usize {
        self.queued.len() + self.written.len()
    }

    pub(crate) fn queued_len(&self) -> usize {
        self.queued.len()
    }

    pub(crate) const fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    pub(crate) const fn next_id(&self) -> u64 {
        self.next_id
    }

    fn forget_deadline(&mut self, deadline: Option<Instant>, id: CallId) {
        if let Some(deadline) = deadline {
            self.deadlines.remove(&(deadline, id));
        }
    }
}

#[cfg(test)]
mod tests;
