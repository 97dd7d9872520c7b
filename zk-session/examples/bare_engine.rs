//! The engine over a blocking socket, by hand: calls, watches, and a connection that is lost on purpose.
//!
//! `cargo run -p zk-session --example bare_engine -- HOST:PORT[/chroot]`
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a driver owns clock and socket")]
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use std::io::{ErrorKind, Read, Write};
use std::{net::TcpStream, thread, time::Duration};

use zk_session::ops::{AddWatch, AddWatchMode, Create, Delete, Reply};
use zk_session::{
    Acl, Config, ConnId, CreateMode, Cut, Input, Instant, Notice, Output, Path, Session, SessionState,
    Version,
};

const TICK: Duration = Duration::from_millis(1);

type Failure = Box<dyn std::error::Error>;

struct Driver {
    session: Session,
    socket: Option<(ConnId, TcpStream)>,
    start: std::time::Instant,
}

impl Driver {
    fn now(&self) -> Instant {
        Instant::default() + self.start.elapsed()
    }

    /// 1. Carry out what the engine says; what is for users comes back.
    fn work(&mut self) -> Option<Output> {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Connect(conn, server) => {
                    let stream = TcpStream::connect((&*server.host, server.port)).ok();
                    let failed = Input::Disconnected(conn, Cut::Refused);
                    let input = if stream.is_some() { Input::Connected(conn) } else { failed };
                    self.socket = stream.map(|stream| (conn, stream));
                    self.session.handle(input, self.now());
                }
                Output::Disconnect(_) => self.socket = None,
                news @ (Output::Completed(..) | Output::Notified(..) | Output::State(_)) => {
                    return Some(news);
                }
            }
        }
        None
    }

    /// 2. Write what it wants to send, and tell how much was taken; read, until the next timer at the latest, and tell what
    ///    came: the end, bytes, or time.
    fn exchange(&mut self) -> Result<(), Failure> {
        let wait = self.session.poll_timeout().map_or(TICK, |(due, _)| due.since(self.now()).max(TICK));
        let Some((conn, stream)) = &mut self.socket else {
            thread::sleep(wait);
            self.session.handle(Input::Timeout, self.now());
            return Ok(());
        };
        let conn = *conn;
        let mut broken = false;
        while let Some(bytes) = self.session.transmit_owned(conn).filter(|_| !broken) {
            match stream.write(&bytes) {
                Ok(taken) => self.session.transmitted(conn, taken),
                Err(_) => broken = true,
            }
        }
        stream.set_read_timeout(Some(wait))?;
        let mut bytes = [0; 4096];
        let input = match stream.read(&mut bytes) {
            Ok(n) if n > 0 => {
                self.session.receive_buffer(conn).extend_from_slice(&bytes[..n]);
                Input::Received(conn)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock && !broken => Input::Timeout,
            Ok(_) | Err(_) => {
                self.socket = None;
                Input::Disconnected(conn, Cut::Closed)
            }
        };
        self.session.handle(input, self.now());
        Ok(())
    }

    /// What happens next.
    fn next(&mut self) -> Result<Output, Failure> {
        loop {
            if let Some(news) = self.work() {
                println!("{news:?}");
                return Ok(news);
            }
            self.exchange()?;
        }
    }

    /// Makes a call and waits for its reply. News that come before it are shown only.
    fn call(&mut self, request: impl Into<zk_session::Request>) -> Result<Reply, Failure> {
        let call = self.session.submit(request.into(), Default::default(), self.now())?;
        loop {
            if let Output::Completed(ended, result) = self.next()?
                && ended == call
            {
                return Ok(result?.reply);
            }
        }
    }
}

fn main() -> Result<(), Failure> {
    let servers = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:2181".into());
    let session = Session::new(Config::new(servers.parse()?, 42), Instant::default());
    let mut driver = Driver { session, socket: None, start: std::time::Instant::now() };

    let path = Path::new("/bare-engine")?;
    driver.call(AddWatch { path: path.clone(), mode: AddWatchMode::PersistentRecursive })?;
    println!("-- the connection is lost");
    if let Some((conn, _)) = driver.socket.take() {
        driver.session.handle(Input::Disconnected(conn, Cut::Closed), driver.now());
    }
    while !matches!(driver.next()?, Output::State(SessionState::Connected { resumed: true, .. })) {}
    println!("-- the session goes on, and the watch stands again");
    let (data, acl, mode) = (None, Acl::open_unsafe(), CreateMode::Ephemeral);
    driver.call(Create { path: path.clone(), data, acl, mode })?;
    driver.session.submit(Delete { path, version: Version::ANY }.into(), Default::default(), driver.now())?;
    let is_event = |output: &Output| matches!(output, Output::Notified(_, Notice::Fired(_)));
    while !is_event(&driver.next()?) {}
    let now = driver.now();
    driver.session.close(now);
    while !matches!(driver.next()?, Output::State(SessionState::Ended(_))) {}
    Ok(())
}
