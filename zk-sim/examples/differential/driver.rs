//! Runs random sequences of requests on a real server and on the model, and tells where their answers differ.
//!
//! One client at a time. A sequence works below a node of its own, so that the server may be used by others, if they
//! leave it time; one that differs is run again before it counts, because a real server deletes containers when it likes.

use std::io;
use std::net::SocketAddr;

use frame::{Body, Values};
use grammar::{Grammar, Step};
use normal::Frame;
use sides::{Answer, Model, Real, Side};

pub(crate) mod frame;
mod grammar;
mod normal;
mod sides;

/// Requests of a sequence.
const STEPS: usize = 40;
const CLOSE_SESSION: i32 = -11;
const PING: i32 = 11;
const TIMEOUT_MS: i32 = 30_000;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Sequences that were run.
    pub(crate) sequences: u64,
    /// Those that differ, each told in full.
    pub(crate) differences: Vec<String>,
    /// Those that differed at first and did not when they were run again.
    pub(crate) passing: u64,
    /// Requests that were sent to each side.
    pub(crate) requests: u64,
}

/// A side with what it has said of itself.
struct Peer<S> {
    side: S,
    frame: Frame,
    password: Vec<u8>,
    /// The path that the last create was answered with.
    created: Option<String>,
}

/// Compares the server at `address` with the model, by `count` sequences that follow from `seed`.
///
/// # Errors
///
/// When the server cannot be reached or does not answer.
pub(crate) fn compare(address: SocketAddr, tick_ms: u32, count: u64, seed: u64) -> io::Result<Report> {
    let mut report = Report::default();
    // A root is not used twice, so that a server may be compared with again.
    let run =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
    for sequence in 0..count {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(sequence);
        let root = |again: u8| format!("/differential-{run:x}-{sequence}-{again}/r");
        report.sequences += 1;
        let Some(_) = differs(address, tick_ms, seed, &root(0), &mut report.requests)? else { continue };
        match differs(address, tick_ms, seed, &root(1), &mut report.requests)? {
            None => report.passing += 1,
            Some(told) => report.differences.push(format!("sequence {sequence}, seed {seed}: {told}")),
        }
    }
    Ok(report)
}

/// Runs one sequence, and tells the first difference.
fn differs(
    address: SocketAddr,
    tick_ms: u32,
    seed: u64,
    root: &str,
    requests: &mut u64,
) -> io::Result<Option<String>> {
    let mut real = Peer::new(Real::new(address));
    let mut model = Peer::new(Model::new(tick_ms));
    let (theirs, ours) = (real.greet(true)?, model.greet(true)?);
    if theirs != ours {
        return Ok(Some(told("connect", &[theirs], &[ours])));
    }
    let mut grammar = Grammar::new(seed, root);
    // Two levels, for a sequential node beside the root of the sequence is numbered by the one above.
    let top = root.rsplit_once('/').map_or(root, |(top, _)| top);
    let first = [top, root].map(|path| Step::Ask {
        opcode: 1,
        seen: None,
        body: Body::default().text(path).bytes(None).int(1).int(31).text("world").text("anyone").int(0),
    });
    let last = Step::Ask { opcode: CLOSE_SESSION, seen: None, body: Body::default() };
    let mut history = Vec::new();
    for at in 0..STEPS {
        let step = match first.get(at) {
            Some(step) => step.clone(),
            None if at + 1 == STEPS => last.clone(),
            None => grammar.next(),
        };
        *requests += 1;
        let xid = i32::try_from(at + 1).expect("a sequence is short");
        let (mut theirs, mut ours) = (real.take(&step, xid)?, model.take(&step, xid)?);
        if matches!(step, Step::Ask { opcode: CLOSE_SESSION, .. }) {
            // Ephemeral nodes are deleted in no order.
            theirs.sort();
            ours.sort();
        }
        history.push(format!("{step:?}"));
        if theirs != ours {
            return Ok(Some(format!("at {at} of {root}\n{}", told(&history[at], &theirs, &ours))));
        }
        grammar.created.extend(real.created.take().filter(|path| path != top));
        if theirs.last().is_some_and(|line| line == CLOSED) && at + 1 != STEPS {
            let (theirs, ours) = (real.greet(false)?, model.greet(false)?);
            if theirs != ours {
                return Ok(Some(told("renewal", &[theirs], &[ours])));
            }
        }
    }
    Ok(None)
}

const CLOSED: &str = "closed";
/// The operations that are answered by a path.
const CREATES: [i32; 4] = [1, 15, 19, 21];

/// The operations that take a zxid.
const WRITES: [i32; 10] = [1, 2, 5, 7, 14, 15, 16, 19, 21, CLOSE_SESSION];

fn created(reply: &[u8]) -> Option<String> {
    let mut values = Values(reply);
    values.take(12)?;
    if values.int()? == 0 { values.text() } else { None }
}

fn told(step: &str, theirs: &[String], ours: &[String]) -> String {
    format!("{step}\n  real : {}\n  model: {}", theirs.join("\n         "), ours.join("\n         "))
}

impl<S: Side> Peer<S> {
    fn new(side: S) -> Self {
        Self { side, frame: Frame::default(), password: vec![0; 16], created: None }
    }

    /// Connects, with a new session or the one it has.
    fn greet(&mut self, is_new: bool) -> io::Result<String> {
        self.side.connect()?;
        let session = if is_new { 0 } else { self.frame.session };
        let body = Body::default().int(0).long(0).int(TIMEOUT_MS).long(session);
        let frame = body.bytes(Some(&self.password)).bool(false).framed();
        let answer = self.side.ask(&frame, &|_| true)?;
        let Some(greeting) = answer.frames.first() else { return Ok(CLOSED.into()) };
        let mut values = Values(greeting);
        let parsed = (|| {
            let (version, timeout, session) = (values.int()?, values.int()?, values.long()?);
            Some((version, timeout, session, values.bytes()?.to_vec(), values.bool()?))
        })();
        let Some((version, timeout, session, password, read_only)) = parsed else {
            return Ok(format!("unreadable {greeting:?}"));
        };
        let known = zk_sim::password(zk_sim::SessionId(session)) == *password;
        let same = is_new || self.frame.session == session;
        (self.frame.session, self.password) = (session, password);
        Ok(format!("{version} {timeout} {read_only} known password {known} same session {same}"))
    }

    /// Carries a step out: what comes back, in the words that both sides share.
    fn take(&mut self, step: &Step, xid: i32) -> io::Result<Vec<String>> {
        let Step::Ask { opcode, seen, body } = step else { return Ok(vec![self.greet(false)?]) };
        let mut request = Body::default().int(xid).int(*opcode);
        if let Some(seen) = seen {
            let at = usize::try_from(*seen).unwrap_or(0).min(self.frame.own.len().saturating_sub(1));
            request = request.long(self.frame.own.get(at).copied().unwrap_or(0));
        }
        request.0.extend(&body.0);
        if !frame::is_safe(&request.0) {
            return Ok(vec!["not sent".into()]);
        }
        let awaited = if *opcode == PING { -2 } else { xid };
        let answer = self.side.ask(&request.framed(), &|frame| frame.starts_with(&awaited.to_be_bytes()))?;
        self.learn(*opcode, &answer);
        let mut lines: Vec<_> = answer.frames.iter().map(|frame| self.frame.normal(*opcode, frame)).collect();
        self.created =
            answer.frames.last().filter(|_| CREATES.contains(opcode)).and_then(|frame| created(frame));
        let code = answer.frames.last().and_then(|frame| Values(frame.get(12..)?).int());
        let is_last = answer.closed || *opcode == CLOSE_SESSION || [Some(-6), Some(-115)].contains(&code);
        if is_last && (answer.closed || self.side.await_end()?) {
            lines.push(CLOSED.into());
        }
        Ok(lines)
    }

    /// Notes the zxid of a write.
    fn learn(&mut self, opcode: i32, answer: &Answer) {
        let Some(zxid) = answer.frames.last().and_then(|frame| Values(frame.get(4..)?).long()) else {
            return;
        };
        if WRITES.contains(&opcode) && self.frame.own.last().is_none_or(|last| *last < zxid) {
            self.frame.own.push(zxid);
        }
    }
}
