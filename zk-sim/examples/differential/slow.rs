//! What time brings, told to a client that only looks on: a session ends because nothing is heard of it, and the server
//! deletes nodes that nobody needs any more.

use std::time::Duration;

use crate::driver::frame::Body;
use crate::driver::grammar::Step;
use crate::driver::sides::Line;
use crate::driver::{Run, Stop};

/// How often the server looks for nodes to delete.
pub(crate) const REAP_INTERVAL_MS: u64 = 1000;
/// Half of the shortest timeout of a session: who looks on is heard of often enough.
const PAUSE: Duration = Duration::from_millis(200);
/// Longer than any session lives without a word, and than the server lets pass before it looks twice.
const PAUSES: usize = 15;
/// Shorter than what is waited for, in milliseconds.
const TTLS_MS: [i64; 3] = [1, 300, 800];
/// Longer than that.
const LONG_TTL_MS: i64 = 3_600_000;

const WATCHER: Line = 1;

impl Run<'_> {
    /// Client 0 makes nodes and falls silent; client 1 looks on.
    pub(crate) fn slow(mut self) -> Result<(), Stop> {
        let timeout_ms = self.grammar.dice.pick(&[400, 700, 1000, 1400]);
        self.open_for(0, timeout_ms)?;
        self.open(WATCHER)?;
        self.prepare()?;
        self.watch()?;
        self.make_nodes()?;
        self.both(WATCHER, &ping())?;

        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..PAUSES {
            self.xid += 1;
            self.sides.0.wait(PAUSE);
            self.sides.1.wait(PAUSE);
            theirs.extend(self.sides.0.take(WATCHER, &ping(), self.xid)?);
            ours.extend(self.sides.1.take(WATCHER, &ping(), self.xid)?);
        }
        self.same(&"while time passed", &in_groups(theirs), &in_groups(ours))?;
        let (theirs, ours) = (self.sides.0.rest(0)?, self.sides.1.rest(0)?);
        self.same(&"the end of a silent session", &theirs, &ours)?;
        self.both(0, &Step::Renew)?;
        let root = self.root.to_owned();
        self.ask(WATCHER, 8, Body::default().text(&root).bool(false))?;
        self.ask(WATCHER, 3, Body::default().text(&root).bool(false))?;
        self.close(WATCHER, None)
    }

    /// Watches that hear of the root and of all below it, where the server has such watches.
    fn watch(&mut self) -> Result<(), Stop> {
        let root = self.root.to_owned();
        if self.grammar.is_modern() {
            let mode = self.grammar.dice.pick(&[0, 1]);
            self.ask(WATCHER, 106, Body::default().text(&root).int(mode))?;
        }
        Ok(())
    }

    fn make_nodes(&mut self) -> Result<(), Stop> {
        for at in 0..1 + self.grammar.dice.below(6) {
            let path = format!("{}/n{at}", self.root);
            let is_modern = self.grammar.is_modern();
            match self.grammar.dice.below(if is_modern { 6 } else { 2 }) {
                0 | 1 => self.create(1, &path, 1, None)?,
                2 => self.container(&path)?,
                3 => {
                    let ttl = self.grammar.dice.pick(&TTLS_MS);
                    self.create(21, &path, 5, Some(ttl))?;
                }
                4 => self.create(21, &path, 5, Some(LONG_TTL_MS))?,
                // A node that outlives its time because of its child.
                _ => {
                    self.create(21, &path, 5, Some(TTLS_MS[0]))?;
                    self.create(1, &format!("{path}/child"), 0, None)?;
                }
            }
            // So that every deletion is told by an event of its own.
            self.ask(WATCHER, 3, Body::default().text(&path).bool(true))?;
        }
        Ok(())
    }

    /// A container: abandoned, with the end of the session about to abandon it, or never used.
    fn container(&mut self, path: &str) -> Result<(), Stop> {
        self.create(19, path, 4, None)?;
        let child = format!("{path}/child");
        match self.grammar.dice.below(3) {
            0 => {
                self.create(1, &child, 0, None)?;
                self.ask(0, 2, Body::default().text(&child).int(-1))
            }
            1 => self.create(1, &child, 1, None),
            _ => Ok(()),
        }
    }

    fn create(&mut self, opcode: i32, path: &str, flags: i32, ttl: Option<i64>) -> Result<(), Stop> {
        let body =
            Body::default().text(path).bytes(None).int(1).int(31).text("world").text("anyone").int(flags);
        self.ask(0, opcode, ttl.map_or(body.clone(), |ttl| body.long(ttl)))
    }

    fn ask(&mut self, who: Line, opcode: i32, body: Body) -> Result<(), Stop> {
        self.both(who, &Step::Ask { opcode, seen: None, body }).map(drop)
    }
}

fn ping() -> Step {
    super::PING_STEP
}

/// Events in the order of the nodes that are deleted: a transaction deletes those of a session in any order, and tells of
/// each node first and then of its parent.
fn in_groups(lines: Vec<String>) -> Vec<String> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    for line in lines.into_iter().filter(|line| line.starts_with("event ")) {
        match groups.last_mut() {
            Some(group) if !line.starts_with("event 2 ") => group.push(line),
            Some(_) | None => groups.push(vec![line]),
        }
    }
    groups.sort();
    groups.concat()
}
