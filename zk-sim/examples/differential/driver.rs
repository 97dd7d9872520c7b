//! Runs random sequences of requests on a real server and on the model, and tells where their answers differ.
//!
//! A sequence works below a node of its own, and is answered in an order that follows from it: who asks waits for the
//! answer, and what a request makes others hear has come before their next answer. What is left is the order in which a
//! session's nodes are deleted, and that has none. A server that deletes containers when it likes would differ at times:
//! its job is to be switched off.

use std::io;
use std::net::SocketAddr;

use frame::Body;
use grammar::{Grammar, Step};
use pair::Pair;
use peer::{CLOSE_SESSION, CLOSED, Peer};
use sides::{Line, Model, Real};
pub(crate) use sides::{told_version, version};
use zk_sim::Config;

mod batch;
pub(crate) mod frame;
mod grammar;
mod normal;
mod pair;
mod peer;
mod sides;
mod slow;

/// Requests of a sequence, for each client.
const STEPS: usize = 40;
/// Longer than any sequence takes.
const TIMEOUT_MS: i32 = 30_000;
/// Makes a client hear what there is to hear.
const PING_STEP: Step = Step::Ask { opcode: peer::PING, seen: None, body: Body(vec![]) };

/// What is to be compared.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The real server.
    pub(crate) address: SocketAddr,
    /// The model, set up like the real server.
    pub(crate) config: Config,
    /// How many clients a sequence has: 1 or 2.
    pub(crate) clients: usize,
    /// Whether there are quotas.
    pub(crate) quotas: bool,
    /// Whether requests are sent while answers are awaited.
    pub(crate) is_pipelined: bool,
    /// How many sequences.
    pub(crate) sequences: u64,
    /// What they follow from.
    pub(crate) seed: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Sequences that were run.
    pub(crate) sequences: u64,
    /// Those that differ, each told in full.
    pub(crate) differences: Vec<String>,
    /// Requests that were sent to each side.
    pub(crate) requests: u64,
}

/// Compares the server with the model.
///
/// # Errors
///
/// When the server cannot be reached or does not answer.
pub(crate) fn compare(plan: &Plan) -> io::Result<Report> {
    sequences(plan, |run| if plan.clients == 1 { run.single() } else { run.pair() })
}

/// Compares what time brings: the ends of sessions, of containers and of nodes with a time to live. A sequence takes
/// seconds; the server is to look for abandoned nodes every second.
///
/// # Errors
///
/// When the server cannot be reached or does not answer.
pub(crate) fn compare_slowly(plan: &Plan) -> io::Result<Report> {
    let config = Config { reap_interval_ms: slow::REAP_INTERVAL_MS, ..plan.config.clone() };
    sequences(&Plan { config, ..plan.clone() }, |run| run.slow())
}

/// Why a sequence ended early.
#[derive(Debug)]
enum Stop {
    /// The sides differ, in this way.
    Differs(String),
    /// A side does not answer.
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn sequences(plan: &Plan, run: impl Fn(Run<'_>) -> Result<(), Stop>) -> io::Result<Report> {
    let mut report = Report::default();
    // A root is not used twice, so that a server may be compared with again.
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
    for sequence in 0..plan.sequences {
        let seed = plan.seed.wrapping_mul(1_000_003).wrapping_add(sequence);
        let root = format!("/differential-{now:x}-{sequence}/r");
        report.sequences += 1;
        let found = run(Run {
            sides: (Peer::new(Real::new(plan.address)), Peer::new(Model::new(plan.config.clone()))),
            grammar: Grammar::new(seed, &root, plan),
            root: &root,
            requests: &mut report.requests,
            xid: 0,
        });
        match found {
            Ok(()) => {}
            Err(Stop::Differs(told)) => {
                report.differences.push(format!("sequence {sequence}, seed {seed}: {told}"));
            }
            Err(Stop::Io(error)) => return Err(error),
        }
    }
    Ok(report)
}

/// One sequence under way.
struct Run<'a> {
    sides: (Peer<Real>, Peer<Model>),
    grammar: Grammar,
    root: &'a str,
    requests: &'a mut u64,
    xid: i32,
}

impl Run<'_> {
    fn single(mut self) -> Result<(), Stop> {
        self.open(0)?;
        self.prepare()?;
        for _ in 2..STEPS {
            let step = self.grammar.next_or_batch();
            let lines = self.both(0, &step)?;
            if lines.last().is_some_and(|line| line == CLOSED) {
                self.both(0, &Step::Renew)?;
            }
        }
        self.close(0, None)
    }

    fn pair(mut self) -> Result<(), Stop> {
        self.open(0)?;
        self.open(1)?;
        self.prepare()?;
        let mut pair = Pair::new(self.grammar.clone());
        for _ in 2..2 * STEPS {
            let (who, step) = pair.next();
            let other = Some(1 - who).filter(|other| !pair.is_away(*other));
            if matches!(step, Step::Ask { opcode: CLOSE_SESSION, .. }) {
                self.close(who, other)?;
                self.open(who)?;
                continue;
            }
            let lines = self.both(who, &step)?;
            pair.grammar.created.append(&mut self.grammar.created);
            if lines.last().is_some_and(|line| line == CLOSED) {
                self.both(who, &Step::Renew)?;
            }
        }
        for who in [0, 1] {
            if pair.is_away(who) {
                self.both(who, &Step::Renew)?;
            }
        }
        self.close(0, Some(1))?;
        self.close(1, None)
    }

    fn open(&mut self, who: Line) -> Result<(), Stop> {
        self.open_for(who, TIMEOUT_MS)
    }

    /// Opens a session with this timeout.
    fn open_for(&mut self, who: Line, timeout_ms: i32) -> Result<(), Stop> {
        let (theirs, ours) = (self.sides.0.open(who, timeout_ms)?, self.sides.1.open(who, timeout_ms)?);
        self.same(&"open", &[theirs], &[ours])
    }

    /// Makes the node of the sequence. Two levels, for a sequential node beside it is numbered by the one above.
    fn prepare(&mut self) -> Result<(), Stop> {
        let top = self.root.rsplit_once('/').map_or(self.root, |(top, _)| top);
        let mut nodes = vec![(top.to_owned(), ""), (self.root.to_owned(), "")];
        nodes.extend(self.grammar.quota());
        for (path, data) in nodes {
            let body =
                Body::default().text(&path).text(data).int(1).int(31).text("world").text("anyone").int(0);
            self.both(0, &Step::Ask { opcode: 1, seen: None, body })?;
        }
        self.grammar.created = vec![self.root.into()];
        Ok(())
    }

    /// Ends a session. Its nodes are deleted in no order, and the other client is told in no order.
    fn close(&mut self, who: Line, other: Option<Line>) -> Result<(), Stop> {
        if let Some(other) = other {
            self.both(other, &PING_STEP)?;
        }
        let step = Step::Ask { opcode: CLOSE_SESSION, seen: None, body: Body::default() };
        self.carry_out(who, &step, true)?;
        if let Some(other) = other {
            self.carry_out(other, &PING_STEP, true)?;
        }
        Ok(())
    }

    fn both(&mut self, who: Line, step: &Step) -> Result<Vec<String>, Stop> {
        self.carry_out(who, step, false)
    }

    /// Takes a step on both sides, and compares.
    fn carry_out(&mut self, who: Line, step: &Step, in_any_order: bool) -> Result<Vec<String>, Stop> {
        let count = if let Step::Batch(steps) = step { steps.len() } else { 1 };
        let xid = self.xid + 1;
        self.xid += i32::try_from(count).expect("a sequence is short");
        *self.requests += u64::try_from(count).expect("a sequence is short");
        let (mut theirs, mut ours) = (self.sides.0.take(who, step, xid)?, self.sides.1.take(who, step, xid)?);
        if in_any_order {
            theirs.sort();
            ours.sort();
        }
        self.same(&format_args!("client {who}, {step:?}"), &theirs, &ours)?;
        self.grammar.created.append(&mut self.sides.0.created);
        Ok(theirs)
    }

    fn same(&self, what: &dyn std::fmt::Display, theirs: &[String], ours: &[String]) -> Result<(), Stop> {
        if theirs == ours {
            return Ok(());
        }
        Err(Stop::Differs(format!("at {} of {}\n{}", self.xid, self.root, told(what, theirs, ours))))
    }
}

fn told(what: &dyn std::fmt::Display, theirs: &[String], ours: &[String]) -> String {
    format!("{what}\n  real : {}\n  model: {}", theirs.join("\n         "), ours.join("\n         "))
}
