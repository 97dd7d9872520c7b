//! What has really happened, seen from where no client can be: the log, whose writes are in it, when watches were due.

use std::collections::BTreeMap;

use zk_session::{CallId, Error, Order, Why};

use super::clock::Nanos;
use super::violation::Law;
use crate::txn::{Change, Event, Trigger, Write};
use crate::{ConnId, Quirks, SessionId, Tree, Txn, Zxid, apply};

/// The log as the world has read it, and the calls that it is compared with.
#[derive(Debug)]
pub(super) struct Truth {
    quirks: Quirks,
    /// The tree of a server without any lag.
    pub(super) head: Tree,
    /// What was triggered at a path, in order.
    triggers: BTreeMap<String, Vec<(Zxid, Event)>>,
    /// All that was triggered, in order.
    pub(super) feed: Vec<(Zxid, Trigger)>,
    books: BTreeMap<LifeId, Book>,
    /// Which call of which life a frame is.
    frames: BTreeMap<(ConnId, i32), (LifeId, usize)>,
    /// Whether servers keep the order of what they are sent. One that refuses some of it does not.
    is_fair: bool,
    /// Sessions that have ended, and when.
    ended: BTreeMap<SessionId, Nanos>,
    /// How often the ensemble has begun anew.
    pub(super) wipes: u32,
}

/// One session of one client, before and after it has an id.
pub(super) type LifeId = (usize, u32);

/// The calls of one session, in the order in which they were submitted.
#[derive(Debug, Default)]
struct Book {
    calls: Vec<Call>,
    index: BTreeMap<CallId, usize>,
    /// The call after the last one that was found in the log.
    logged: usize,
    /// The same for those that must not overtake each other.
    in_order: BTreeMap<Order, usize>,
    /// The call after the last one that has left.
    sent: usize,
    untold: usize,
}

#[derive(Debug)]
struct Call {
    /// What it writes, if it writes.
    write: Option<Write>,
    order: Order,
    submitted: u64,
    verdict: Option<(u64, Verdict)>,
    zxid: Option<Zxid>,
    /// Its connection was lost before it left.
    stranded: bool,
    /// A later call is in the log, which was made when nothing was known of this one.
    overtaken: bool,
}

/// What the caller was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Ok(Zxid),
    Refused,
    NotSent,
    Unknown,
    /// The caller has asked to forget it, or its deadline has passed, before or after it was sent.
    Dropped {
        sent: bool,
    },
}

impl Call {
    /// Whether the caller was told that it was not sent.
    const fn is_unsent(&self) -> bool {
        matches!(self.verdict, Some((_, Verdict::NotSent | Verdict::Dropped { sent: false })))
    }
}

impl Verdict {
    pub(super) const fn of(error: Error) -> Self {
        match error {
            Error::Server(_) => Self::Refused,
            // Its time was over, or that of its patience without a link.
            Error::NotSent(Why::Deadline | Why::Unlinked) => Self::Dropped { sent: false },
            Error::MaybeApplied(Why::Deadline) => Self::Dropped { sent: true },
            Error::MaybeApplied(_) => Self::Unknown,
            // Whatever else there is says that nothing was sent.
            Error::NotSent(_) | Error::Misuse(_) | _ => Self::NotSent,
        }
    }
}

impl Truth {
    pub(super) fn new(quirks: Quirks, is_fair: bool) -> Self {
        Self {
            head: Tree::new(&quirks),
            quirks,
            triggers: BTreeMap::new(),
            feed: Vec::new(),
            books: BTreeMap::new(),
            frames: BTreeMap::new(),
            is_fair,
            ended: BTreeMap::new(),
            wipes: 0,
        }
    }

    /// The ensemble has lost all it knew.
    pub(super) fn wiped(&mut self) {
        self.head = Tree::new(&self.quirks);
        self.triggers.clear();
        self.feed.clear();
        self.frames.clear();
        self.books.clear();
        self.wipes += 1;
    }

    pub(super) fn ended_at(&self, session: SessionId) -> Option<Nanos> {
        self.ended.get(&session).copied()
    }

    pub(super) fn submitted(
        &mut self,
        life: LifeId,
        call: CallId,
        (write, order): (Option<Write>, Order),
        step: u64,
    ) {
        let book = self.books.entry(life).or_default();
        book.index.insert(call, book.calls.len());
        book.in_order.entry(order).or_insert(book.calls.len());
        book.untold += 1;
        book.calls.push(Call {
            write,
            order,
            submitted: step,
            verdict: None,
            zxid: None,
            stranded: false,
            overtaken: false,
        });
    }

    /// The caller was told. Whether it was applied all the same, for calls of unknown fate.
    pub(super) fn told(
        &mut self,
        life: LifeId,
        id: CallId,
        verdict: Verdict,
        step: u64,
    ) -> Result<Option<bool>, Law> {
        // Calls from before a wipe are of no interest any more.
        let Some(book) = self.books.get_mut(&life) else { return Ok(None) };
        let Some(call) = book.index.get(&id).and_then(|at| book.calls.get_mut(*at)) else {
            return if self.wipes > 0 { Ok(None) } else { Err(Law::ToldOfNothing) };
        };
        if call.verdict.replace((step, verdict)).is_some() {
            return Err(Law::ToldTwice);
        }
        book.untold -= 1;
        // What the servers have forgotten is no evidence.
        if self.wipes > 0 {
            return Ok(None);
        }
        let is_write = call.write.is_some();
        match verdict {
            Verdict::Ok(zxid) if is_write && call.zxid != Some(zxid) => Err(Law::OkIsInTheLog),
            Verdict::NotSent | Verdict::Dropped { sent: false } if call.zxid.is_some() => {
                Err(Law::NotSentIsNot)
            }
            Verdict::NotSent | Verdict::Unknown if call.overtaken => Err(Law::Fifo),
            Verdict::Unknown | Verdict::Dropped { sent: true } if is_write => Ok(Some(call.zxid.is_some())),
            Verdict::Ok(_)
            | Verdict::Refused
            | Verdict::NotSent
            | Verdict::Unknown
            | Verdict::Dropped { .. } => Ok(None),
        }
    }

    /// No call of this session is left untold.
    pub(super) fn is_settled(&self, life: LifeId) -> bool {
        self.books.get(&life).is_none_or(|book| book.untold == 0)
    }

    /// Reads the next transaction, which a frame of this number on a connection has asked for. From where in the feed what it
    /// triggers stands, and whether somebody had given it up already.
    pub(super) fn read(
        &mut self,
        txn: &Txn,
        frame: Option<(ConnId, i32)>,
        now: Nanos,
    ) -> Result<(usize, bool), Law> {
        let (_, triggers) = apply(&mut self.head, txn, &self.quirks);
        let from = self.feed.len();
        for trigger in triggers {
            let at = self.triggers.entry(trigger.path.clone()).or_default();
            at.push((txn.zxid, trigger.event));
            self.feed.push((txn.zxid, trigger));
        }
        let is_late = match &txn.write {
            Write::CloseSession => {
                self.ended.insert(txn.session, now);
                false
            }
            Write::OpenSession { .. } | Write::Reap { .. } | Write::Refused(_) => false,
            write if is_proof(write) => false,
            Write::Change(_) | Write::SetAcl { .. } | Write::Multi(_) => match frame {
                Some(frame) => self.find(frame, txn.zxid)?,
                None => false,
            },
        };
        Ok((from, is_late))
    }

    /// A connection is lost: what has ended and not left never will.
    pub(super) fn cut(&mut self, life: LifeId) {
        let Some(book) = self.books.get_mut(&life) else { return };
        for call in book.calls.iter_mut().skip(book.sent) {
            call.stranded |= call.verdict.is_some();
        }
    }

    /// A frame has left a client: which call is it? Calls leave in the order in which they were made.
    pub(super) fn sent(&mut self, life: LifeId, frame: (ConnId, i32), write: &Write) {
        let Some(book) = self.books.get_mut(&life) else { return };
        let rest = book.calls.iter().enumerate().skip(book.sent);
        let is_it = |call: &Call| call.write.as_ref() == Some(write) && !call.is_unsent() && !call.stranded;
        if let Some((at, _)) = rest.into_iter().find(|(_, call)| is_it(call)) {
            book.sent = at + 1;
            self.frames.insert(frame, (life, at));
        }
    }

    /// Books the call that a transaction comes from: each at most once, and in the order in which they were made. Whether its
    /// caller had given it up.
    fn find(&mut self, frame: (ConnId, i32), zxid: Zxid) -> Result<bool, Law> {
        if self.wipes > 0 {
            return Ok(false);
        }
        let (life, at) = self.frames.remove(&frame).ok_or(Law::NobodysWrite)?;
        let Some(book) = self.books.get_mut(&life) else { return Ok(false) };
        if at < book.logged {
            return Err(Law::OutOfOrder);
        }
        book.keeps_order(at, self.is_fair)?;
        book.logged = at + 1;
        let Some(call) = book.calls.get_mut(at) else { return Ok(false) };
        call.zxid = Some(zxid);
        if call.is_unsent() {
            return Err(Law::NotSentIsNot);
        }
        Ok(matches!(call.verdict, Some((_, Verdict::Unknown | Verdict::Dropped { .. }))))
    }

    /// The first change after `after` that a watch of this kind at this path waits for.
    pub(super) fn first_trigger(&self, path: &str, kind: Watched, after: Zxid) -> Option<Zxid> {
        let triggers = self.triggers.get(path)?;
        let from = triggers.partition_point(|(zxid, _)| *zxid <= after);
        let later = triggers.get(from..).unwrap_or_default();
        later.iter().find(|(_, event)| kind.hears(*event)).map(|(zxid, _)| *zxid)
    }
}

impl Book {
    /// The call at this place is in the log: what must not be overtaken by it is there, or its caller knew better.
    fn keeps_order(&mut self, at: usize, is_fair: bool) -> Result<(), Law> {
        let Some(Call { order, submitted, .. }) = self.calls.get(at) else { return Ok(()) };
        let (order, submitted) = (*order, *submitted);
        let from = self.in_order.insert(order, at + 1).unwrap_or(0);
        if order == Order::Free {
            return Ok(());
        }
        let earlier = self.calls.get_mut(from..at).unwrap_or_default();
        for earlier in earlier.iter_mut().filter(|call| call.order == order) {
            if earlier.write.is_none() || earlier.zxid.is_some() {
                continue;
            }
            // A pipeline that has lost a call is broken, whoever knows it.
            let is_known = |told: u64| told < submitted && order == Order::Client;
            match earlier.verdict {
                Some((told, _)) if is_known(told) => {}
                Some((told, Verdict::Ok(_))) if told >= submitted => return Err(Law::OkIsInTheLog),
                Some((_, Verdict::NotSent | Verdict::Unknown)) if is_fair => return Err(Law::Fifo),
                Some(_) => {}
                None => earlier.overtaken = is_fair,
            }
        }
        Ok(())
    }
}

/// Whether this is the transaction that changes nothing, by which engines prove that their session lives.
pub(super) fn is_proof(write: &Write) -> bool {
    let is_idle = |change: &Change| matches!(change, Change::Check { path, version: -1 } if path == "/");
    matches!(write, Write::Multi(changes) if changes.len() == 1 && changes.iter().all(is_idle))
}

/// What a watch waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Watched {
    Data,
    /// Set where there was no node.
    Missing,
    Children,
}

impl Watched {
    pub(super) fn hears(self, event: Event) -> bool {
        match self {
            Self::Data | Self::Missing => event != Event::ChildrenChanged,
            Self::Children => matches!(event, Event::ChildrenChanged | Event::Deleted),
        }
    }
}
