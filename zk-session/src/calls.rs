//! The calls of a session: queued -> written -> answered.
//!
//! It does not encode anything and knows no connection. Written calls are a queue in wire order, whose front must match
//! the next reply. Call numbers only grow, hence both queues are ordered by them.

use alloc::collections::{BTreeSet, VecDeque};

use zk_proto::Xid;
use zk_proto::ops::{Opcode, Request};

use crate::time::Instant;
use crate::watches::Wanted;
use crate::words::CallId;

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
}

/// A call that has not been staged for any connection.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) id: CallId,
    pub(crate) owner: Owner,
    pub(crate) request: Request,
    pub(crate) deadline: Option<Instant>,
}

/// A call whose frame was staged for the present connection.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) id: CallId,
    pub(crate) owner: Owner,
    pub(crate) xid: Xid,
    pub(crate) opcode: Opcode,
    pub(crate) wanted: Option<Wanted>,
    pub(crate) deadline: Option<Instant>,
    /// Engine time at which it was staged; none of its bytes can have left before.
    pub(crate) sent: Instant,
    /// Stream offset behind its last byte.
    pub(crate) end: u64,
}

#[derive(Debug)]
pub(crate) struct CallTable {
    queued: VecDeque<Queued>,
    written: VecDeque<Written>,
    deadlines: BTreeSet<(Instant, CallId)>,
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
            next_id,
            next_xid: Xid::FIRST,
        }
    }

    pub(crate) fn queue(&mut self, request: Request, owner: Owner, deadline: Option<Instant>) -> CallId {
        let id = self.number();
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, id));
        }
        self.queued.push_back(Queued { id, owner, request, deadline });
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
        let xid = self.next_xid;
        self.next_xid = xid.next();
        Some((call, xid))
    }

    pub(crate) fn written(&mut self, call: Written) {
        self.written.push_back(call);
    }

    /// Takes out the call that a reply with this xid answers: the oldest, or none if the server is wrong.
    pub(crate) fn answered(&mut self, xid: Xid) -> Option<Written> {
        self.written.front().filter(|oldest| oldest.xid == xid)?;
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

    /// Takes out all queued calls.
    pub(crate) fn take_queued(&mut self) -> VecDeque<Queued> {
        let queued = core::mem::take(&mut self.queued);
        for call in &queued {
            self.forget_deadline(call.deadline, call.id);
        }
        queued
    }

    /// The caller waits no longer.
    pub(crate) fn abandon(&mut self, id: CallId) -> Option<Removed> {
        if let Ok(index) = self.queued.binary_search_by_key(&id, |call| call.id) {
            let call = self.queued.remove(index)?;
            self.forget_deadline(call.deadline, id);
            return Some(Removed::Queued);
        }
        let index = self.written.binary_search_by_key(&id, |call| call.id).ok()?;
        let call = self.written.get_mut(index).filter(|call| call.owner == Owner::Caller)?;
        call.owner = Owner::Nobody;
        call.wanted = None;
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
        }
        if let Ok(index) = self.written.binary_search_by_key(&id, |call| call.id)
            && let Some(call) = self.written.get_mut(index)
        {
            call.wanted = None;
        }
    }

    /// A call whose deadline has come.
    pub(crate) fn overdue(&self, now: Instant) -> Option<CallId> {
        let (_, id) = *self.deadlines.first().filter(|(deadline, _)| *deadline <= now)?;
        Some(id)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    pub(crate) fn len(&self) -> usize {
        self.queued.len() + self.written.len()
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
