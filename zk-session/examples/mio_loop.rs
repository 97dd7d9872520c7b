//! Two sessions in one event loop of mio: one changes a node, the other watches it.
//!
//! `cargo run -p zk-session --example mio_loop -- HOST:PORT[/chroot]`
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a driver owns clock and socket")]
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::ToSocketAddrs;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Registry, Token};
use zk_session::ops::{AddWatch, AddWatchMode, Create, Delete, SetData};
use zk_session::{
    Acl, Config, ConnId, CreateMode, Cut, EventKind, Input, Instant, Notice, Output, Path, Request, Session,
    SessionState, Version,
};

/// One session and its socket.
struct Peer {
    name: &'static str,
    token: Token,
    session: Session,
    socket: Option<(ConnId, TcpStream)>,
    is_connected: bool,
}

impl Peer {
    fn new(name: &'static str, token: usize, config: Config, now: Instant) -> Self {
        let session = Session::new(config, now);
        Self { name, token: Token(token), session, socket: None, is_connected: false }
    }

    fn submit(&mut self, request: impl Into<Request>, now: Instant) -> Result<(), zk_session::Refused> {
        self.session.submit(request.into(), Default::default(), now).map(drop)
    }

    /// Carries out what the engine says; returns what is for users.
    fn work(&mut self, registry: &Registry, now: Instant) -> Vec<Output> {
        let mut news = Vec::new();
        while let Some(output) = self.session.poll() {
            match output {
                Output::Connect(conn, server) => match connect(&server, registry, self.token) {
                    Ok(stream) => (self.socket, self.is_connected) = (Some((conn, stream)), false),
                    Err(error) => {
                        let cut = Cut::Broken(error.to_string());
                        self.session.handle(Input::Disconnected(conn, cut), now);
                    }
                },
                Output::Disconnect(_) => self.socket = None,
                output @ (Output::Completed(..) | Output::Notified(..) | Output::State(_)) => {
                    println!("{}: {output:?}", self.name);
                    news.push(output);
                }
            }
        }
        news
    }

    /// Writes and reads what can be without waiting.
    fn exchange(&mut self, now: Instant) {
        let Some((conn, stream)) = &mut self.socket else { return };
        let conn = *conn;
        if !self.is_connected {
            match (stream.take_error(), stream.peer_addr()) {
                (Ok(None), Ok(_)) => self.is_connected = true,
                (Ok(None), Err(error)) if error.kind() == ErrorKind::NotConnected => return,
                _ => {
                    self.socket = None;
                    return self.session.handle(Input::Disconnected(conn, Cut::Refused), now);
                }
            }
            self.session.handle(Input::Connected(conn), now);
        }
        write(&mut self.session, conn, stream);
        if let Err(error) = read(&mut self.session, conn, stream, now) {
            self.socket = None;
            self.session.handle(Input::Disconnected(conn, Cut::Broken(error.to_string())), now);
        }
    }

    fn has_ended(&self) -> bool {
        matches!(self.session.state(), SessionState::Ended(_))
    }
}

fn connect(server: &zk_session::Server, registry: &Registry, token: Token) -> io::Result<TcpStream> {
    // It blocks for as long as a look-up takes; a real loop would have it done elsewhere.
    let address = (&*server.host, server.port).to_socket_addrs()?.next().ok_or(ErrorKind::NotFound)?;
    let mut stream = TcpStream::connect(address)?;
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(stream)
}

/// A socket that breaks while it is written to shows it when it is read from.
fn write(session: &mut Session, conn: ConnId, stream: &mut TcpStream) {
    loop {
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let used = session.transmit(conn, &mut slices);
        match stream.write_vectored(&slices.map(IoSlice::new)[..used]) {
            Ok(taken) if taken > 0 => session.transmitted(conn, taken),
            Ok(_) | Err(_) => return,
        }
    }
}

fn read(session: &mut Session, conn: ConnId, stream: &mut TcpStream, now: Instant) -> io::Result<()> {
    let mut bytes = [0; 4096];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                session.receive_buffer(conn).extend_from_slice(&bytes[..n]);
                session.handle(Input::Received(conn), now);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

const WRITER: usize = 0;
const WATCHER: usize = 1;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let servers = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:2181".into());
    let start = std::time::Instant::now();
    let now = || Instant::default() + start.elapsed();
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(16);
    let mut peers = [
        Peer::new("writer", WRITER, Config::new(servers.parse()?, 1), now()),
        Peer::new("watcher", WATCHER, Config::new(servers.parse()?, 2), now()),
    ];
    let path = Path::new("/mio-loop")?;
    peers[WATCHER].submit(AddWatch { path: path.clone(), mode: AddWatchMode::Persistent }, now())?;
    while !peers.iter().all(Peer::has_ended) {
        let mut news = Vec::new();
        for peer in &mut peers {
            peer.exchange(now());
            let token = peer.token;
            news.extend(peer.work(poll.registry(), now()).into_iter().map(|output| (token, output)));
        }
        if news.is_empty() {
            let due = peers.iter().filter_map(|peer| peer.session.poll_timeout()).map(|(due, _)| due).min();
            poll.poll(&mut events, due.map(|due| due.since(now())))?;
            for peer in &mut peers {
                if peer.session.poll_timeout().is_some_and(|(due, _)| due <= now()) {
                    peer.session.handle(Input::Timeout, now());
                }
            }
        }
        for (Token(who), output) in news {
            react(&mut peers, who, &output, &path, now())?;
        }
    }
    Ok(())
}

/// The story: when the watch stands, the writer creates, changes and deletes the node, and both go.
fn react(
    peers: &mut [Peer; 2],
    who: usize,
    output: &Output,
    path: &Path,
    now: Instant,
) -> Result<(), zk_session::Refused> {
    let (path, version) = (path.clone(), Version::ANY);
    if who == WATCHER && matches!(output, Output::Completed(..)) {
        let (data, acl, mode) = (None, Acl::open_unsafe(), CreateMode::Ephemeral);
        let writer = &mut peers[WRITER];
        writer.submit(Create { path: path.clone(), data, acl, mode }, now)?;
        writer.submit(SetData { path: path.clone(), data: Some("news".into()), version }, now)?;
        writer.submit(Delete { path, version }, now)?;
        writer.session.close(now);
    } else if let Output::Notified(_, Notice::Fired(event)) = output
        && event.kind == EventKind::NodeDeleted
    {
        peers[who].session.close(now);
    }
    Ok(())
}
