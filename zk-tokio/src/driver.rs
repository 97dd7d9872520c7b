//! The one task of a client: it owns the sockets, waits, and carries out what the engine says.
//!
//! It decides nothing. Callers put their requests into the engine themselves and wake it.

use std::collections::VecDeque;
use std::future::pending;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::future::{BoxFuture, FutureExt};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::task::coop::consume_budget;
use tokio::time::{Sleep, sleep};
use zk_session::{ConnId, Cut, Input, Instant, Server, Session, SessionState};

use crate::clock;
use crate::core::{Order, Shared};

/// The link, and the search for a better server while it stands.
const CONNECTIONS: usize = 2;
/// Bytes read before the callers are answered, so that a flood of replies does not keep them waiting.
const READ_MAX: usize = 64 * 1024;
/// Room for one read.
const READ_ROOM: usize = 16 * 1024;
/// Slices handed to one write.
const SLICES: usize = 16;

/// Drives a client until its last session has ended. If the task is dropped, even before it has begun, what is under way
/// ends all the same.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    transports: [Transport; CONNECTIONS],
}

/// A socket, or what becomes one.
enum Transport {
    None,
    Dialing(ConnId, BoxFuture<'static, Result<TcpStream, Cut>>),
    Connected(ConnId, TcpStream),
}

impl Driver {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, transports: [const { Transport::None }; CONNECTIONS] }
    }

    pub(crate) async fn drive(mut self) {
        let mut alarm = Alarm::new();
        loop {
            match self.work() {
                Work::More => consume_budget().await,
                Work::Wait { until, to_write } => {
                    alarm.set(until);
                    self.wait(&mut alarm, to_write).await;
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
        let orders = core.turn(now);
        let mut more = !orders.is_empty();
        self.obey(orders);
        if let SessionState::Ended(_) = core.session.state() {
            return Work::Over;
        }
        let mut to_write = [false; CONNECTIONS];
        for (transport, to_write) in self.transports.iter_mut().zip(&mut to_write) {
            let Transport::Connected(conn, stream) = transport else { continue };
            let exchanged = exchange(&mut core.session, *conn, stream, now);
            more |= exchanged.read;
            *to_write = exchanged.to_write;
            if let Some(cut) = exchanged.cut {
                core.session.handle(Input::Disconnected(*conn, cut), now);
                *transport = Transport::None;
                more = true;
            }
        }
        if more { Work::More } else { Work::Wait { until: core.due(), to_write } }
    }

    fn obey(&mut self, orders: VecDeque<Order>) {
        for order in orders {
            match order {
                Order::Connect(conn, server) => {
                    let free = self.transports.iter_mut().find(|transport| transport.conn().is_none());
                    debug_assert!(free.is_some(), "the engine has one link and one search");
                    if let Some(free) = free {
                        *free = Transport::Dialing(conn, dial(server).boxed());
                    }
                }
                Order::Disconnect(conn) => {
                    let gone = self.transports.iter_mut().find(|transport| transport.conn() == Some(conn));
                    if let Some(gone) = gone {
                        *gone = Transport::None;
                    }
                }
            }
        }
    }

    /// Waits until something may have happened.
    async fn wait(&mut self, alarm: &mut Alarm, to_write: [bool; CONNECTIONS]) {
        let [one, other] = &mut self.transports;
        let input = tokio::select! {
            () = self.shared.wake.notified() => None,
            () = alarm.ring() => None,
            input = one.ready(to_write[0]) => input,
            input = other.ready(to_write[1]) => input,
        };
        if let Some(input) = input {
            self.shared.lock().session.handle(input, clock::now());
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let core = &mut *self.shared.lock();
        core.session.abort();
        core.turn(clock::now());
        core.feeds.clear();
    }
}

enum Work {
    /// There may be more at once.
    More,
    /// Nothing until this instant, or until a socket is ready, for writing as well if there is something to write.
    Wait { until: Option<Instant>, to_write: [bool; CONNECTIONS] },
    /// The session has ended, and no other follows.
    Over,
}

impl Transport {
    const fn conn(&self) -> Option<ConnId> {
        match self {
            Self::None => None,
            Self::Dialing(conn, _) | Self::Connected(conn, _) => Some(*conn),
        }
    }

    /// Waits until the connection is made, or may be read from or written to.
    async fn ready(&mut self, to_write: bool) -> Option<Input> {
        match self {
            Self::None => pending().await,
            Self::Dialing(conn, dialing) => {
                let conn = *conn;
                match dialing.await {
                    Ok(stream) => {
                        *self = Self::Connected(conn, stream);
                        Some(Input::Connected(conn))
                    }
                    Err(cut) => {
                        *self = Self::None;
                        Some(Input::Disconnected(conn, cut))
                    }
                }
            }
            Self::Connected(_, stream) => {
                let interest =
                    if to_write { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
                // An error of the wait shows in the next read.
                let _ = stream.ready(interest).await;
                None
            }
        }
    }
}

struct Exchanged {
    read: bool,
    to_write: bool,
    cut: Option<Cut>,
}

/// Writes what the engine has, then reads what the socket has, as far as neither blocks. What came before the end of a
/// connection is handed in before the end is.
fn exchange(session: &mut Session, conn: ConnId, stream: &TcpStream, now: Instant) -> Exchanged {
    // A socket that cannot be written to may still hold the server's last words.
    let (to_write, mut cut) = match write(session, conn, stream) {
        Ok(to_write) => (to_write, None),
        Err(error) => (false, Some(broken(&error))),
    };
    let mut read = 0;
    while read < READ_MAX {
        let buffer: &mut BytesMut = session.receive_buffer(conn);
        buffer.reserve(READ_ROOM);
        match stream.try_read_buf(buffer) {
            Ok(0) => {
                cut = Some(Cut::Closed);
                break;
            }
            Ok(n) => read += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => {
                cut = Some(broken(&error));
                break;
            }
        }
    }
    if read > 0 {
        session.handle(Input::Received(conn), now);
    }
    Exchanged { read: read > 0, to_write, cut }
}

/// Returns whether bytes are left that the socket does not take now.
fn write(session: &mut Session, conn: ConnId, stream: &TcpStream) -> io::Result<bool> {
    loop {
        let mut slices: [&[u8]; SLICES] = [&[]; SLICES];
        let used = session.transmit(conn, &mut slices);
        if used == 0 {
            return Ok(false);
        }
        match stream.try_write_vectored(&slices.map(IoSlice::new)[..used]) {
            Ok(0) => return Ok(true),
            Ok(n) => session.transmitted(conn, n),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
    }
}

/// Resolves the name and connects. Every address is tried; the engine limits the time.
async fn dial(server: Server) -> Result<TcpStream, Cut> {
    let addresses = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
    let addresses: Vec<_> = addresses.map_err(|error| Cut::Unresolved(error.to_string()))?.collect();
    if addresses.is_empty() {
        return Err(Cut::Unresolved(server.host));
    }
    let stream = TcpStream::connect(&*addresses).await.map_err(|error| broken(&error))?;
    // Requests are small and waited for.
    stream.set_nodelay(true).map_err(|error| broken(&error))?;
    Ok(stream)
}

fn broken(error: &io::Error) -> Cut {
    if error.kind() == ErrorKind::ConnectionRefused { Cut::Refused } else { Cut::Broken(error.to_string()) }
}

/// A timer that is touched only when it would ring too late.
struct Alarm {
    sleep: Pin<Box<Sleep>>,
    set_for: Option<Instant>,
}

impl Alarm {
    fn new() -> Self {
        Self { sleep: Box::pin(sleep(Duration::ZERO)), set_for: None }
    }

    fn set(&mut self, until: Option<Instant>) {
        let Some(until) = until else { return };
        if self.set_for.is_none_or(|set_for| until < set_for) {
            let wait = until.since(clock::now());
            self.sleep.as_mut().reset(tokio::time::Instant::now() + wait);
            self.set_for = Some(until);
        }
    }

    /// Waits for the instant that was set last, or an earlier one.
    async fn ring(&mut self) {
        if self.set_for.is_none() {
            return pending().await;
        }
        self.sleep.as_mut().await;
        self.set_for = None;
    }
}
