//! The server behind a TCP listener, in real time: one thread, one loop. It decides nothing; the [`Server`] does.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this module is the driver, which owns clock, sockets and thread"
)]

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

use crate::config::Config;
use crate::peer::Output;
use crate::server::{Input, Server};
use crate::{ConnId, Millis};

/// A server that runs until this value is dropped. Its connections and its data end with it.
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

/// Serves on `address` with the usual configuration. A port of 0 takes a free one.
///
/// # Errors
///
/// When the address cannot be listened on, or the system has no thread left.
pub fn serve(address: impl ToSocketAddrs) -> io::Result<Served> {
    serve_with(address, Config::default())
}

/// Serves on `address` as the configuration says.
///
/// # Errors
///
/// When the address cannot be listened on, or the system has no thread left.
pub fn serve_with(address: impl ToSocketAddrs, config: Config) -> io::Result<Served> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let mut listener = TcpListener::from_std(listener);
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let clock = Clock::start();
    let stopped = Arc::new(AtomicBool::new(false));
    let host = Host {
        server: Server::new(config, clock.now()),
        clock,
        poll,
        listener,
        sockets: BTreeMap::new(),
        next: FIRST_CONN,
        stopped: Arc::clone(&stopped),
    };
    let thread = thread::Builder::new().name("zk-sim".into()).spawn(move || host.run())?;
    Ok(Served { address, stopped, waker, thread: Some(thread) })
}

impl Served {
    /// Where clients are to connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // Both fail only when the thread has ended by itself.
        let _ = self.waker.wake();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
/// The numbers of connections follow those of the listener and the waker.
const FIRST_CONN: usize = 2;
/// Bytes of one read.
const CHUNK: usize = 64 * 1024;
/// Reads of one connection in a row, so that a client that never stops sending does not keep out the others.
const READS_MAX: usize = 16;
/// Bytes that wait for a client to read them. It is more than a tree of usual size; a client that lets more wait is cut.
const WAITING_MAX: usize = 256 * 1024 * 1024;
/// After an accept that failed, say for want of file descriptors, the loop is not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Time that does not jump, counted from what the system said at the start.
#[derive(Debug)]
struct Clock {
    start: Instant,
    since_epoch: Duration,
}

impl Clock {
    fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), since_epoch }
    }

    fn now(&self) -> Millis {
        let now = self.since_epoch + self.start.elapsed();
        Millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
    }
}

#[derive(Debug)]
struct Host {
    server: Server,
    clock: Clock,
    poll: Poll,
    listener: TcpListener,
    sockets: BTreeMap<ConnId, Socket>,
    next: usize,
    stopped: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Socket {
    stream: TcpStream,
    waiting: Vec<u8>,
    /// The server has closed it; what waits is still sent.
    closing: bool,
    /// Reading stopped although there may be more.
    unread: bool,
}

impl Host {
    fn run(mut self) {
        let mut events = Events::with_capacity(128);
        while !self.stopped.load(Ordering::Acquire) {
            let due = self.server.poll_timeout().since(self.clock.now());
            let unread = self.sockets.values().any(|socket| socket.unread);
            let wait = if unread { Duration::ZERO } else { Duration::from_millis(due) };
            match self.poll.poll(&mut events, Some(wait)) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    WAKER => {}
                    Token(number) => {
                        let conn = conn_id(number);
                        if let Some(socket) = self.sockets.get_mut(&conn) {
                            socket.unread |= event.is_readable() || event.is_error();
                        }
                        self.flush(conn);
                    }
                }
            }
            let unread = self.sockets.iter().filter(|(_, socket)| socket.unread);
            for conn in unread.map(|(conn, _)| *conn).collect::<Vec<_>>() {
                self.read(conn);
            }
            self.server.handle(Input::Timeout, self.clock.now());
            self.carry_out();
        }
    }

    fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The client may be gone again; a lack of descriptors passes.
                Err(_) => thread::sleep(ACCEPT_PAUSE),
            }
        }
    }

    fn admit(&mut self, mut stream: TcpStream, peer: SocketAddr) {
        let number = self.next;
        self.next += 1;
        let interest = Interest::READABLE | Interest::WRITABLE;
        // A stream that cannot be watched is dropped, which closes it.
        if self.poll.registry().register(&mut stream, Token(number), interest).is_ok() {
            let _ = stream.set_nodelay(true);
            let conn = conn_id(number);
            self.sockets.insert(conn, Socket { stream, waiting: vec![], closing: false, unread: true });
            self.server.handle(Input::Connected(conn, peer.ip().to_canonical()), self.clock.now());
        }
    }

    fn read(&mut self, conn: ConnId) {
        let mut chunk = vec![0; CHUNK];
        for _ in 0..READS_MAX {
            let Some(socket) = self.sockets.get_mut(&conn) else { return };
            match socket.stream.read(&mut chunk) {
                Ok(0) => return self.lose(conn),
                // A connection that is closed has nothing more to say, but what it says must be taken off the system:
                // else the close would become a reset, and destroy what was sent before.
                Ok(_) if socket.closing => {}
                Ok(count) => {
                    self.server.handle(Input::Received(conn, &chunk[..count]), self.clock.now());
                    self.carry_out();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    socket.unread = false;
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.lose(conn),
            }
        }
    }

    /// Hands the server's frames to the sockets, all of a connection at once.
    fn carry_out(&mut self) {
        let mut changed = Vec::new();
        while let Some(output) = self.server.poll() {
            let (Output::Send(conn, _) | Output::Close(conn)) = output;
            let Some(socket) = self.sockets.get_mut(&conn) else { continue };
            match output {
                Output::Send(_, bytes) if socket.waiting.is_empty() => socket.waiting = bytes,
                Output::Send(_, bytes) => socket.waiting.extend_from_slice(&bytes),
                Output::Close(_) => socket.closing = true,
            }
            if changed.last() != Some(&conn) {
                changed.push(conn);
            }
        }
        for conn in changed {
            self.flush(conn);
        }
    }

    fn flush(&mut self, conn: ConnId) {
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        let mut written = 0;
        while written < socket.waiting.len() {
            match socket.stream.write(&socket.waiting[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return self.lose(conn),
            }
        }
        socket.waiting.drain(..written);
        if socket.waiting.len() > WAITING_MAX {
            return self.lose(conn);
        }
        if socket.closing && socket.waiting.is_empty() {
            let _ = socket.stream.shutdown(Shutdown::Write);
            self.read(conn);
            self.sockets.remove(&conn);
        }
    }

    /// The socket is of no use any more.
    fn lose(&mut self, conn: ConnId) {
        if self.sockets.remove(&conn).is_some() {
            self.server.handle(Input::Disconnected(conn), self.clock.now());
        }
    }
}

const fn conn_id(number: usize) -> ConnId {
    ConnId(number as u64)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    fn ask(served: &Served, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(served.address()).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    #[test]
    fn a_served_server_answers_and_closes() {
        let served = serve("127.0.0.1:0").unwrap();
        assert_eq!(ask(&served, b"ruok"), b"imok");
        assert!(ask(&served, &(-1_i32).to_be_bytes()).is_empty());
        assert!(String::from_utf8(ask(&served, b"srvr")).unwrap().contains("Mode: standalone"));
    }

    #[test]
    fn a_dropped_server_is_gone_with_its_connections() {
        let served = serve("127.0.0.1:0").unwrap();
        let mut stream = TcpStream::connect(served.address()).unwrap();
        let address = served.address();
        drop(served);
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
        assert!(TcpStream::connect(address).is_err());
    }
}
