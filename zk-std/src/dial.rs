//! From a server's name to an established connection, without blocking the driver.
//!
//! Literal addresses are connected to at once. A name is resolved by a thread of its own, which lives as long as the look-up:
//! the standard library can look names up in no other way, and timers must not wait for it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use zk_session::{ConnId, Cut, Server};

use crate::core::Shared;

/// A connection in the making.
#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) conn: ConnId,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Resolving(Receiver<io::Result<Vec<SocketAddr>>>),
    Connecting { stream: Option<TcpStream>, rest: VecDeque<SocketAddr>, last: Cut },
}

/// How far a dial has come.
pub(crate) enum Progress {
    Pending(Dial),
    Connected(TcpStream),
    Failed(Cut),
}

impl Dial {
    pub(crate) fn new(conn: ConnId, server: Server, shared: &Arc<Shared>) -> Self {
        if let Ok(literal) = server.host.parse::<IpAddr>() {
            return Self { conn, stage: connecting([SocketAddr::new(literal, server.port)].into()) };
        }
        let (sender, receiver) = sync_channel(1);
        let shared = Arc::clone(shared);
        let resolve = move || {
            let addresses = (server.host.as_str(), server.port).to_socket_addrs().map(Iterator::collect);
            // Nobody listens if the dial was given up meanwhile.
            let _ = sender.send(addresses);
            shared.wake();
        };
        // If no thread can be had, its end of the channel is gone, and the dial fails.
        let _ = thread::Builder::new().name("zk-resolve".into()).spawn(resolve);
        Self { conn, stage: Stage::Resolving(receiver) }
    }

    /// Goes on as far as possible without waiting.
    pub(crate) fn advance(mut self, registry: &Registry, token: Token) -> Progress {
        loop {
            self.stage = match self.stage {
                Stage::Resolving(receiver) => match receiver.try_recv() {
                    Ok(Ok(addresses)) => connecting(addresses.into()),
                    Ok(Err(error)) => return Progress::Failed(Cut::Unresolved(error.to_string())),
                    Err(TryRecvError::Empty) => {
                        return Progress::Pending(Self { stage: Stage::Resolving(receiver), ..self });
                    }
                    Err(TryRecvError::Disconnected) => {
                        return Progress::Failed(Cut::Unresolved("no thread for the look-up".into()));
                    }
                },
                Stage::Connecting { stream: Some(stream), rest, last } => match established(&stream) {
                    Ok(true) => return Progress::Connected(stream),
                    Ok(false) => {
                        let stage = Stage::Connecting { stream: Some(stream), rest, last };
                        return Progress::Pending(Self { stage, ..self });
                    }
                    Err(error) => Stage::Connecting { stream: None, rest, last: broken(&error) },
                },
                Stage::Connecting { stream: None, mut rest, last } => {
                    let Some(address) = rest.pop_front() else { return Progress::Failed(last) };
                    match connect(address, registry, token) {
                        Ok(stream) => Stage::Connecting { stream: Some(stream), rest, last },
                        Err(error) => Stage::Connecting { stream: None, rest, last: broken(&error) },
                    }
                }
            };
        }
    }
}

fn connecting(rest: VecDeque<SocketAddr>) -> Stage {
    Stage::Connecting { stream: None, rest, last: Cut::Unresolved("the name has no address".into()) }
}

fn connect(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(stream)
}

/// Whether a non-blocking connection has come about.
fn established(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => {
            // Requests are small and waited for.
            stream.set_nodelay(true)?;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

/// The engine's word for a broken connection.
pub(crate) fn broken(error: &io::Error) -> Cut {
    if error.kind() == ErrorKind::ConnectionRefused { Cut::Refused } else { Cut::Broken(error.to_string()) }
}
