//! The one thread of a client: it waits for the sockets and the timers, and carries out what the engine says.
//!
//! It decides nothing. Callers put their requests into the engine and write them themselves; the driver writes what the
//! socket did not take from them.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::thread;

use bytes::BytesMut;
use mio::{Events, Poll, Token, Waker};
use zk_session::{Cut, Input, Instant, Session, SessionState};

use crate::clock;
use crate::core::{CONNECTIONS, Core, Order, Rest, Shared};
use crate::dial::{Dial, Progress, broken};

/// Bytes read before the callers are answered, so that a flood of replies does not keep them waiting.
const READ_MAX: usize = 64 * 1024;
/// Room for one read.
const READ_ROOM: usize = 16 * 1024;

const WAKE: Token = Token(0);
/// One for each place where a connection may stand.
const SOCKETS: [Token; CONNECTIONS] = [Token(1), Token(2)];

/// Starts the thread of a new client.
pub(crate) fn start(session: Session) -> io::Result<Arc<Shared>> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKE)?;
    let shared = Arc::new(Shared::new(session, waker));
    let driver = Driver { shared: Arc::clone(&shared), poll, dials: [None, None] };
    thread::Builder::new().name("zk-std".into()).spawn(move || driver.drive())?;
    Ok(shared)
}

struct Driver {
    shared: Arc<Shared>,
    poll: Poll,
    dials: [Option<Dial>; CONNECTIONS],
}

enum Work {
    /// There may be more at once.
    More,
    /// Nothing until this instant, or until a socket is ready.
    Wait(Option<Instant>),
    /// The session has ended, and no other follows.
    Over,
}

impl Driver {
    fn drive(mut self) {
        let mut events = Events::with_capacity(8);
        loop {
            match self.work() {
                Work::More => {}
                Work::Wait(until) => {
                    // Rounded up: waking early would only mean to wait again.
                    let wait = until.map(|until| until.since(clock::now()));
                    if let Err(error) = self.poll.poll(&mut events, wait)
                        && error.kind() != ErrorKind::Interrupted
                    {
                        tracing::error!(target: "zk_std", %error, "waiting for the sockets failed");
                        return;
                    }
                }
                Work::Over => return,
            }
        }
    }

    /// Does everything that can be done without waiting, once around.
    fn work(&mut self) -> Work {
        let shared = Arc::clone(&self.shared);
        let core = &mut *shared.lock();
        let now = clock::now();
        if core.session.poll_timeout().is_some_and(|(due, _)| due <= now) {
            core.session.handle(Input::Timeout, now);
        }
        core.rest = Rest::Awake;
        core.turn(now);
        let mut more = !core.orders.is_empty();
        while let Some(order) = core.orders.pop_front() {
            self.obey(core, order);
        }
        if let SessionState::Ended(_) = core.session.state() {
            return Work::Over;
        }
        for place in 0..CONNECTIONS {
            more |= self.advance_dial(core, place, now);
        }
        core.flush();
        for place in 0..CONNECTIONS {
            more |= read(core, place, now);
        }
        if more {
            return Work::More;
        }
        let until = core.due();
        core.rest = Rest::Asleep { until };
        Work::Wait(until)
    }

    fn obey(&mut self, core: &mut Core, order: Order) {
        match order {
            Order::Connect(conn, server) => {
                let is_free = |place: &usize| self.dials[*place].is_none() && core.streams[*place].is_none();
                let free = (0..CONNECTIONS).find(is_free);
                debug_assert!(free.is_some(), "the engine has one link and one search");
                if let Some(place) = free {
                    self.dials[place] = Some(Dial::new(conn, server, &self.shared));
                }
            }
            Order::Disconnect(conn) => {
                for place in 0..CONNECTIONS {
                    self.dials[place].take_if(|dial| dial.conn == conn);
                    core.streams[place].take_if(|(mine, _)| *mine == conn);
                }
            }
        }
    }

    fn advance_dial(&mut self, core: &mut Core, place: usize, now: Instant) -> bool {
        let Some(dial) = self.dials[place].take() else { return false };
        let conn = dial.conn;
        match dial.advance(self.poll.registry(), SOCKETS[place]) {
            Progress::Pending(dial) => {
                self.dials[place] = Some(dial);
                false
            }
            Progress::Connected(stream) => {
                core.streams[place] = Some((conn, stream));
                core.session.handle(Input::Connected(conn), now);
                true
            }
            Progress::Failed(cut) => {
                core.session.handle(Input::Disconnected(conn, cut), now);
                true
            }
        }
    }
}

impl Drop for Driver {
    /// Also if the thread ends before its session: what is under way ends all the same.
    fn drop(&mut self) {
        let core = &mut *self.shared.lock();
        core.session.abort();
        core.turn(clock::now());
        core.streams = [None, None];
        core.orders.clear();
        core.feeds.clear();
    }
}

/// Reads what the socket at this place has, as far as it does not block; whether anything has happened.
fn read(core: &mut Core, place: usize, now: Instant) -> bool {
    let Some((conn, stream)) = &mut core.streams[place] else { return false };
    let conn = *conn;
    let mut read = 0;
    let mut cut = None;
    while read < READ_MAX && cut.is_none() {
        match read_once(stream, core.session.receive_buffer(conn)) {
            Ok(0) => cut = Some(Cut::Closed),
            Ok(n) => read += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => cut = Some(broken(&error)),
        }
    }
    if read > 0 {
        core.session.handle(Input::Received(conn), now);
    }
    let lost = cut.is_some();
    if let Some(cut) = cut {
        core.streams[place] = None;
        core.session.handle(Input::Disconnected(conn, cut), now);
    }
    read > 0 || lost
}

/// Appends what one read gives.
fn read_once(stream: &mut impl Read, buffer: &mut BytesMut) -> io::Result<usize> {
    let length = buffer.len();
    buffer.resize(length + READ_ROOM, 0);
    let result = stream.read(&mut buffer[length..]);
    buffer.truncate(length + result.as_ref().map_or(0, |n| *n));
    result
}
