//! A TCP proxy that breaks connections on purpose, at a chosen byte where that matters.
//!
//! It knows nothing of the protocol it passes on, and of TCP not the half-closed connection: an end of either stream
//! closes both sides, as soon as the bytes before it are passed on.
//!
//! A fault that was switched on holds for all connections, present and future, until it is switched off or
//! [`Proxy::heal`] is called. Every fault applies to all bytes that reach the proxy after the method has returned; bytes
//! sent earlier may still be under way to it.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use self::pump::Pump;

mod pump;

/// One of the two ways through a [`Proxy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client, which connected, to the server.
    ToServer,
    /// From the server, the target, to the client.
    ToClient,
}

/// A proxy before one target, on a loopback port of its own; gone with its connections when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Starts a proxy that connects to `target` once for every connection it accepts. A target that cannot be connected
    /// to shows as a connection closed right away.
    ///
    /// # Panics
    ///
    /// When the system has no port left.
    #[must_use]
    pub fn start(target: SocketAddr) -> Self {
        Self::start_at(0, target).expect("loopback has a free port")
    }

    /// As [`Proxy::start`], on this port; 0 is any.
    ///
    /// # Errors
    ///
    /// What the system says of the port, [`io::ErrorKind::AddrInUse`] above all.
    pub fn start_at(port: u16, target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, target, &accepting));
        Ok(Self { address, shared })
    }

    /// Closes all present connections, on both sides; bytes passed on before reach their end.
    pub fn cut(&self) {
        self.shared.lock().cut();
        self.shared.changed.notify_all();
    }

    /// Sets whether connections are closed as soon as they are accepted. Present ones are left alone.
    pub fn refuse(&self, on: bool) {
        self.shared.lock().refusing = on;
    }

    /// Sets whether bytes of this direction are held back, with all connections kept open: a black hole while it lasts.
    /// What was held is passed on afterwards, also to an end of the stream.
    pub fn stall(&self, direction: Direction, on: bool) {
        self.shared.lock().flow(direction).stalled = on;
        self.shared.changed.notify_all();
    }

    /// Passes `count` more bytes on in this direction, over all connections together, and then cuts the connection that
    /// brought the last of them. With a count of 0, the next byte to come cuts its connection and is not passed on.
    ///
    /// This holds once; a later call replaces an earlier one that has not cut yet.
    pub fn drop_after(&self, direction: Direction, count: u64) {
        self.shared.lock().flow(direction).left = Some(count);
    }

    /// Reads the bytes of this direction and discards them, until [`Proxy::heal`]. An end of the stream is heeded.
    pub fn swallow(&self, direction: Direction) {
        self.shared.lock().flow(direction).swallowing = true;
    }

    /// Sets whether the two ends hear nothing of each other: present connections stay open and silent, new ones are closed.
    /// When it is over, what was held is passed on.
    pub fn part(&self, on: bool) {
        let mut state = self.shared.lock();
        state.refusing = on;
        state.to_server.stalled = on;
        state.to_client.stalled = on;
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Replaces a text in what each connection to come says first, for peers that tell each other where they listen.
    ///
    /// # Panics
    ///
    /// When the texts differ in length: peers tell lengths, too.
    pub fn rewrite_opening(&self, from: &str, to: &str) {
        assert_eq!(from.len(), to.len(), "{from} and {to}");
        self.shared.lock().rewriting = Some((from.into(), to.into()));
    }

    /// Ends all faults that were asked for. Connections that are open stay so, with what they have lost.
    pub fn heal(&self) {
        let mut state = self.shared.lock();
        state.refusing = false;
        for direction in [Direction::ToServer, Direction::ToClient] {
            let flow = state.flow(direction);
            *flow = Flow { forwarded: flow.forwarded, ..Flow::default() };
        }
        self.shared.changed.notify_all();
    }

    /// Where a client is to connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections are open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.lock().connections.len()
    }

    /// How many connections were accepted so far, refused ones among them.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.shared.lock().accepted
    }

    /// How many bytes were passed on in this direction so far. They are counted when they are written: what is counted
    /// arrives in spite of a [`Proxy::cut`], and what has arrived is counted a moment later.
    #[must_use]
    pub fn forwarded(&self, direction: Direction) -> u64 {
        self.shared.lock().flow(direction).forwarded
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.cut();
        // Wakes the thread that accepts; it may have ended already.
        let _ = TcpStream::connect(self.address);
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// A pump that is held back looks again.
    changed: Condvar,
}

impl Shared {
    /// A panic elsewhere leaves the state as good as it was: each method writes it in one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    refusing: bool,
    /// What is replaced in the first bytes to the server, and by what.
    rewriting: Option<(Vec<u8>, Vec<u8>)>,
    to_server: Flow,
    to_client: Flow,
    accepted: u64,
    /// The open connections by the number they were accepted as.
    connections: BTreeMap<u64, Connection>,
}

/// The faults and the count of one direction.
#[derive(Debug, Default)]
struct Flow {
    stalled: bool,
    swallowing: bool,
    left: Option<u64>,
    forwarded: u64,
}

#[derive(Debug)]
struct Connection {
    client: TcpStream,
    server: TcpStream,
}

impl State {
    const fn flow(&mut self, direction: Direction) -> &mut Flow {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    fn cut(&mut self) {
        for (_, connection) in std::mem::take(&mut self.connections) {
            connection.cut();
        }
    }
}

impl Connection {
    fn cut(self) {
        // A socket that its peer has closed cannot be shut down, and need not be.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

fn accept(listener: &TcpListener, target: SocketAddr, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        let mut state = shared.lock();
        if state.stopped {
            return;
        }
        state.accepted += 1;
        let (number, refusing) = (state.accepted, state.refusing);
        drop(state);
        // Dropping the client's socket closes it, which is how it learns of an error here.
        if let Ok(client) = client
            && !refusing
        {
            let _ = connect(client, target, number, shared);
        }
    }
}

fn connect(client: TcpStream, target: SocketAddr, number: u64, shared: &Arc<Shared>) -> io::Result<()> {
    let server = TcpStream::connect_timeout(&target, DIAL_LIMIT)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut state = shared.lock();
    if state.stopped {
        return Ok(());
    }
    let rewriting = state.rewriting.clone();
    let (from_client, from_server) = (client.try_clone()?, server.try_clone()?);
    let (to_client, to_server) = (client.try_clone()?, server.try_clone()?);
    let pumps = [
        Pump { direction: Direction::ToServer, number, from: from_client, to: to_server, rewriting },
        Pump { direction: Direction::ToClient, number, from: from_server, to: to_client, rewriting: None },
    ];
    state.connections.insert(number, Connection { client, server });
    drop(state);
    for pump in pumps {
        let shared = Arc::clone(shared);
        thread::spawn(move || pump.run(&shared));
    }
    Ok(())
}

/// A target on this machine answers at once; one that does not must not hold up the next connection for long.
const DIAL_LIMIT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
