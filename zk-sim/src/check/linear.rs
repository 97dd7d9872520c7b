//! Whether calls on one node can be put into an order that explains them all, by search.
//!
//! The algorithm is that of Wing and Gong, with the memory of Lowe: what was tried once from a set of calls done and a state
//! is not tried again. It takes exponential time in the number of calls at once, and of unknown fates above all.

use std::collections::BTreeSet;

use bytes::Bytes;
use zk_session::{Code, Instant, Path, Reply, Request, Version};

use super::{Call, History, Outcome, Violation};

/// How many calls on one node are looked at, at most.
pub const OPERATIONS_MAX: usize = 2_000;

/// Judges the calls on one node: `create`, `create2`, `setData`, `delete`, `getData` and `exists`, as a register with a version
/// that nobody had created before and that does not end with a session. Reads may be stale and are left out, but for those right after a `sync` of their client,
/// which count from that.
///
/// # Errors
///
/// There is no such order, or there are more than [`OPERATIONS_MAX`] calls.
pub fn linearizable(history: &History, path: &Path) -> Result<(), Violation> {
    let calls = operations(history, path);
    if calls.len() > OPERATIONS_MAX {
        let seen = format!("{} on {path}", calls.len());
        return Err(Violation::of("few calls can be put into order", None, seen));
    }
    if Search::new(&calls).succeeds() {
        Ok(())
    } else {
        let seen = format!("{} calls on {path} cannot be put into order", calls.len());
        Err(Violation::of("calls take effect at one moment each", None, seen))
    }
}

/// A call as an operation on a register.
#[derive(Clone, Debug)]
struct Operation<'a> {
    call: &'a Call,
    made: Instant,
    /// The latest moment at which it may have taken effect; none for an unknown fate.
    told: Option<Instant>,
}

/// What is known of the node: its data and their version.
type Register = Option<(Option<Bytes>, i32)>;

fn operations<'a>(history: &'a History, path: &Path) -> Vec<Operation<'a>> {
    let mut order: Vec<&Call> = history.calls.iter().collect();
    order.sort_by_key(|call| call.invoked);
    let mut operations = Vec::new();
    for (at, call) in order.iter().enumerate() {
        if call.request.path() != Some(path) || !is_of_register(call) {
            continue;
        }
        let write = matches!(
            call.request,
            Request::Create(_) | Request::Create2(_) | Request::SetData(_) | Request::Delete(_)
        );
        let read = matches!(call.request, Request::GetData(_) | Request::Exists(_));
        let unknown = call.outcome == Outcome::MaybeApplied;
        let before = order[..at].iter().rev().find(|other| other.client == call.client);
        let synced = before.filter(|before| matches!(before.request, Request::Sync(_)));
        let made = match synced {
            _ if write => call.invoked,
            Some(sync) if read && !unknown => sync.invoked,
            Some(_) | None => continue,
        };
        let told = if unknown { None } else { call.returned };
        operations.push(Operation { call, made, told });
    }
    operations.sort_by_key(|operation| operation.made);
    operations
}

/// Whether the call can have changed the register or tells about it. Children and parents are another matter.
fn is_of_register(call: &Call) -> bool {
    let creates = matches!(call.request, Request::Create(_) | Request::Create2(_));
    let is_sequential = matches!(&call.request, Request::Create(create) if create.mode.is_sequential())
        || matches!(&call.request, Request::Create2(create) if create.mode.is_sequential());
    let is_told = match &call.outcome {
        Outcome::Ok { .. } | Outcome::MaybeApplied => true,
        Outcome::Refused { code: Code::NoNode, .. } => !creates,
        Outcome::Refused { code, .. } => matches!(code, Code::NodeExists | Code::BadVersion),
        Outcome::NotSent => false,
    };
    is_told && !is_sequential
}

/// The calls that were done, a bit each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Done(Vec<u64>);

impl Done {
    fn has(&self, at: usize) -> bool {
        self.0[at / BITS] >> (at % BITS) & 1 == 1
    }

    fn flip(&mut self, at: usize) {
        self.0[at / BITS] ^= 1 << (at % BITS);
    }
}

const BITS: usize = u64::BITS as usize;

struct Search<'a> {
    operations: &'a [Operation<'a>],
    done: Done,
    register: Register,
    /// Calls with a result that are not done.
    due: usize,
    /// What was done, in order, and the register before it.
    order: Vec<(usize, Register)>,
    tried: BTreeSet<(Done, Register)>,
}

impl<'a> Search<'a> {
    fn new(operations: &'a [Operation<'a>]) -> Self {
        Self {
            operations,
            done: Done(vec![0; operations.len().div_ceil(BITS)]),
            register: None,
            due: operations.iter().filter(|operation| operation.told.is_some()).count(),
            order: Vec::new(),
            tried: BTreeSet::new(),
        }
    }

    fn succeeds(&mut self) -> bool {
        let mut from = 0;
        while self.due > 0 {
            if let Some((at, next)) = self.next(from) {
                self.due -= usize::from(self.operations[at].told.is_some());
                self.order.push((at, std::mem::replace(&mut self.register, next)));
                from = 0;
            } else if let Some((at, before)) = self.order.pop() {
                self.due += usize::from(self.operations[at].told.is_some());
                self.done.flip(at);
                self.register = before;
                from = at + 1;
            } else {
                return false;
            }
        }
        true
    }

    /// The next call that may be done, from this place on, and what comes of it. It is marked.
    fn next(&mut self, from: usize) -> Option<(usize, Register)> {
        let open = (0..self.operations.len()).filter(|at| !self.done.has(*at));
        let horizon = open.filter_map(|at| self.operations[at].told).min()?;
        for at in from..self.operations.len() {
            if self.operations[at].made > horizon {
                return None;
            }
            if self.done.has(at) {
                continue;
            }
            if let Some(next) = effect(&self.register, self.operations[at].call) {
                self.done.flip(at);
                if self.tried.insert((self.done.clone(), next.clone())) {
                    return Some((at, next));
                }
                self.done.flip(at);
            }
        }
        None
    }
}

/// The register after a call; nothing if the call cannot have ended as it did.
fn effect(register: &Register, call: &Call) -> Option<Register> {
    let result = apply(register, &call.request);
    match (&call.outcome, result) {
        (Outcome::MaybeApplied, Ok(next)) => Some(next),
        (Outcome::MaybeApplied, Err(_)) => Some(register.clone()),
        (Outcome::Refused { code, .. }, Err(refused)) => (*code == refused).then(|| register.clone()),
        (Outcome::Ok { reply, .. }, Ok(next)) => shows(reply, &next).then_some(next),
        (Outcome::Ok { .. } | Outcome::Refused { .. } | Outcome::NotSent, _) => None,
    }
}

fn apply(register: &Register, request: &Request) -> Result<Register, Code> {
    let create = |data: &Option<Bytes>| {
        if register.is_some() { Err(Code::NodeExists) } else { Ok(Some((data.clone(), 0))) }
    };
    let versioned = |asked: Version| match register {
        None => Err(Code::NoNode),
        Some((_, version)) if asked.is_any() || asked.raw() == *version => Ok(*version),
        Some(_) => Err(Code::BadVersion),
    };
    if let Request::Create(asked) = request {
        create(&asked.data)
    } else if let Request::Create2(asked) = request {
        create(&asked.data)
    } else if let Request::SetData(asked) = request {
        let version = versioned(asked.version)?;
        Ok(Some((asked.data.clone(), version.wrapping_add(1))))
    } else if let Request::Delete(asked) = request {
        versioned(asked.version).map(|_| None)
    } else {
        versioned(Version::ANY).map(|_| register.clone())
    }
}

/// Whether a reply is right about the register that it leaves.
fn shows(reply: &Reply, register: &Register) -> bool {
    let has = |shown: i32| register.as_ref().is_some_and(|(_, version)| *version == shown);
    if let Reply::GetData(node) = reply {
        has(node.stat.version) && register.as_ref().is_some_and(|(data, _)| *data == node.data)
    } else if let Reply::Exists(stat) | Reply::SetData(stat) = reply {
        has(stat.version)
    } else {
        true
    }
}
