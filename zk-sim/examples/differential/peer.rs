//! One side with the clients on it: what they are answered, in words that both sides share.

use std::io;

use crate::driver::PING_STEP;
use crate::driver::frame::{Body, Values, is_safe};
use crate::driver::grammar::Step;
use crate::driver::normal::Frame;
use crate::driver::sides::{Answer, Line, SPARE, Side};

pub(crate) const CLOSE_SESSION: i32 = -11;
pub(crate) const PING: i32 = 11;
/// Instead of a frame: the connection has ended.
pub(crate) const CLOSED: &str = "closed";
/// The operations that are answered by a path.
const CREATES: [i32; 4] = [1, 15, 19, 21];
/// The operations that take a zxid.
const WRITES: [i32; 10] = [1, 2, 5, 7, 14, 15, 16, 19, 21, CLOSE_SESSION];

/// A side with what it has said of itself.
pub(crate) struct Peer<S> {
    side: S,
    pub(crate) frame: Frame,
    sessions: [Session; 2],
    /// The paths that creates were answered with.
    pub(crate) created: Vec<String>,
}

/// A session as its client knows it.
#[derive(Clone, Debug, Default)]
struct Session {
    id: i64,
    password: Vec<u8>,
    timeout_ms: i32,
}

impl<S: Side> Peer<S> {
    pub(crate) fn new(side: S) -> Self {
        Self { side, frame: Frame::default(), sessions: Default::default(), created: vec![] }
    }

    /// Connects, and opens a session with this timeout.
    pub(crate) fn open(&mut self, who: Line, timeout_ms: i32) -> io::Result<String> {
        self.sessions[who] = Session { id: 0, password: vec![0; 16], timeout_ms };
        self.greet(who, who, 0)
    }

    /// Connects, and goes on with the session.
    pub(crate) fn renew(&mut self, who: Line) -> io::Result<String> {
        self.greet(who, who, 0)
    }

    /// Says on a new connection that a client is there which has seen so much.
    fn greet(&mut self, who: Line, line: Line, seen: i64) -> io::Result<String> {
        let Session { id, password, timeout_ms } = self.sessions[who].clone();
        self.side.connect(line)?;
        let body = Body::default().int(0).long(seen).int(timeout_ms).long(id);
        let frame = body.bytes(Some(&password)).bool(false).framed();
        self.side.send(line, &frame)?;
        let answer = self.side.hear(line, &|_| true)?;
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
        if session != 0 {
            self.sessions[who] = Session { id: session, password, timeout_ms };
        }
        let name = self.frame.session(session);
        Ok(format!("{version} {timeout} {read_only} known password {known} session {name}"))
    }

    /// Carries a step of a client out: what comes back, in the words that both sides share.
    pub(crate) fn take(&mut self, who: Line, step: &Step, xid: i32) -> io::Result<Vec<String>> {
        match step {
            Step::Ask { .. } => self.ask(who, std::slice::from_ref(step), xid),
            Step::Batch(steps) => self.ask(who, steps, xid),
            Step::Reconnect => {
                self.side.cut(who)?;
                Ok(vec![self.renew(who)?])
            }
            Step::Cut => {
                self.side.cut(who)?;
                Ok(vec![])
            }
            Step::Renew => Ok(vec![self.renew(who)?]),
            Step::TakeOver => {
                // What has been sent has arrived: a connection that is ended may lose the rest.
                let mut lines = self.ping(who, xid)?;
                let greeting = self.greet(who, SPARE, 0)?;
                self.side.swap(who, SPARE);
                lines.extend(self.rest(SPARE)?);
                lines.push(greeting);
                Ok(lines)
            }
            Step::Impostor => {
                let mut lines = self.ping(who, xid)?;
                let owner = self.sessions[who].clone();
                self.sessions[who].password = vec![1; 16];
                lines.push(self.greet(who, SPARE, 0)?);
                self.sessions[who] = owner;
                lines.extend(self.rest(SPARE)?);
                lines.extend(self.rest(who)?);
                Ok(lines)
            }
            Step::Ahead => {
                let lines = vec![self.greet(who, SPARE, i64::MAX)?];
                Ok([lines, self.ping(who, xid)?].concat())
            }
        }
    }

    /// What has come for a client, and the answer to a ping after it.
    pub(crate) fn ping(&mut self, who: Line, xid: i32) -> io::Result<Vec<String>> {
        self.ask(who, &[PING_STEP], xid)
    }

    /// Lets time pass, without a word of the clients.
    pub(crate) fn wait(&mut self, span: std::time::Duration) {
        self.side.wait(span);
    }

    /// What comes on a connection that the server ends, and the end.
    pub(crate) fn rest(&mut self, line: Line) -> io::Result<Vec<String>> {
        let frames = self.side.rest(line)?;
        let mut lines: Vec<_> = frames.iter().map(|frame| self.frame.normal(0, frame)).collect();
        lines.push(CLOSED.into());
        Ok(lines)
    }

    /// Sends requests, all at once, and hears what comes for each.
    fn ask(&mut self, who: Line, asked: &[Step], xid: i32) -> io::Result<Vec<String>> {
        let mut frames = Vec::new();
        let mut awaited = Vec::new();
        for (step, xid) in asked.iter().zip(xid..) {
            let Step::Ask { opcode, seen, body } = step else { continue };
            let request = self.request(*opcode, *seen, body, xid);
            if !is_safe(&request.0) {
                continue;
            }
            frames.extend(request.framed());
            awaited.push((*opcode, if *opcode == PING { -2 } else { xid }));
        }
        self.side.send(who, &frames)?;
        let mut lines = Vec::new();
        for (opcode, xid) in awaited {
            let ends = self.hear(who, opcode, xid, &mut lines)?;
            if ends {
                break;
            }
        }
        Ok(lines)
    }

    fn request(&self, opcode: i32, seen: Option<i64>, body: &Body, xid: i32) -> Body {
        let mut request = Body::default().int(xid).int(opcode);
        if let Some(seen) = seen {
            let at = usize::try_from(seen).unwrap_or(0).min(self.frame.own.len().saturating_sub(1));
            request = request.long(self.frame.own.get(at).copied().unwrap_or(0));
        }
        request.0.extend(&body.0);
        request
    }

    /// Hears the answer to one request, and tells whether the connection has ended with it.
    fn hear(&mut self, who: Line, opcode: i32, xid: i32, lines: &mut Vec<String>) -> io::Result<bool> {
        let answer = self.side.hear(who, &|frame: &[u8]| frame.starts_with(&xid.to_be_bytes()))?;
        self.learn(opcode, &answer);
        lines.extend(answer.frames.iter().map(|frame| self.frame.normal(opcode, frame)));
        let reply = answer.frames.last();
        self.created.extend(reply.filter(|_| CREATES.contains(&opcode)).and_then(|frame| created(frame)));
        let code = reply.and_then(|frame| Values(frame.get(12..)?).int());
        if answer.closed {
            lines.push(CLOSED.into());
            return Ok(true);
        }
        let ends = opcode == CLOSE_SESSION || [Some(-6), Some(-115)].contains(&code);
        if ends {
            lines.extend(self.rest(who)?);
        }
        Ok(ends)
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

fn created(reply: &[u8]) -> Option<String> {
    let mut values = Values(reply);
    values.take(12)?;
    if values.int()? == 0 { values.text() } else { None }
}
