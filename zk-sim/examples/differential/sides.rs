//! The two that are compared, behind one face: a real server over sockets, and the model over its bytes.
#![allow(clippy::disallowed_types, reason = "a real server is reached over a socket")]

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use zk_sim::{Config, ConnId, Input, Millis, Output, Server, Version};

/// What comes back for a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Frames without their length, up to the reply.
    pub(crate) frames: Vec<Vec<u8>>,
    /// Whether the connection ended.
    pub(crate) closed: bool,
}

/// Which of the connections is meant: that of a client, or the one by which somebody takes its session.
pub(crate) type Line = usize;

/// The line beside those of two clients.
pub(crate) const SPARE: Line = 2;
const LINES: usize = 3;

/// Something that answers requests.
pub(crate) trait Side {
    /// Opens a connection. The one that was on this line has been cut, or has ended.
    fn connect(&mut self, line: Line) -> io::Result<()>;

    /// Ends a connection, and returns when the server has forgotten it.
    fn cut(&mut self, line: Line) -> io::Result<()>;

    /// Sends frames.
    fn send(&mut self, line: Line, frames: &[u8]) -> io::Result<()>;

    /// Waits for a reply or the end. The reply is the frame of which `is_reply` is true.
    fn hear(&mut self, line: Line, is_reply: &dyn Fn(&[u8]) -> bool) -> io::Result<Answer>;

    /// What comes until the end of the connection, which the server is known to bring about.
    fn rest(&mut self, line: Line) -> io::Result<Vec<Vec<u8>>>;

    /// Two connections change places.
    fn swap(&mut self, one: Line, other: Line);

    /// Lets time pass.
    fn wait(&mut self, span: Duration);
}

/// A real server.
#[derive(Debug)]
pub(crate) struct Real {
    address: SocketAddr,
    streams: [Option<TcpStream>; LINES],
}

/// A real server answers in less than a millisecond; one that has been broken does not answer at all.
const PATIENCE: Duration = Duration::from_secs(10);

impl Real {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self { address, streams: [const { None }; LINES] }
    }

    fn stream(&mut self, line: Line) -> io::Result<&mut TcpStream> {
        self.streams[line].as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn frame(&mut self, line: Line) -> io::Result<Option<Vec<u8>>> {
        let stream = self.stream(line)?;
        let mut head = [0; 4];
        match stream.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if is_end(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut frame = vec![0; usize::try_from(u32::from_be_bytes(head)).expect("usize has 32 bits")];
        stream.read_exact(&mut frame)?;
        Ok(Some(frame))
    }
}

/// The version that a server says it has, such as `3.8.0`.
///
/// # Errors
///
/// When it cannot be reached, or does not say it as its first line.
pub(crate) fn told_version(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"srvr")?;
    let mut answer = [0; 64];
    let count = stream.read(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer[..count]);
    let version = answer.strip_prefix("Zookeeper version: ").and_then(|rest| rest.split(['-', ',']).next());
    version.map(str::to_owned).ok_or_else(|| io::Error::other("the server does not tell its version"))
}

/// The version of the model for the one of a server: the same, or one of the same line.
pub(crate) fn version(name: &str) -> Option<Version> {
    let lines =
        [("3.4.", Version::V3_4), ("3.5.", Version::V3_5), ("3.8.", Version::V3_8), ("3.9.", Version::V3_9)];
    lines.into_iter().find(|(line, _)| name.starts_with(line)).map(|(_, version)| version)
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    [UnexpectedEof, ConnectionReset, BrokenPipe].contains(&error.kind())
}

impl Side for Real {
    fn connect(&mut self, line: Line) -> io::Result<()> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        self.streams[line] = Some(stream);
        Ok(())
    }

    fn cut(&mut self, line: Line) -> io::Result<()> {
        // The server closes its half when it has dropped the watches; without waiting, `checkWatches` could see them.
        if self.stream(line)?.shutdown(Shutdown::Write).is_ok() {
            self.rest(line)?;
        }
        self.streams[line] = None;
        Ok(())
    }

    fn send(&mut self, line: Line, frames: &[u8]) -> io::Result<()> {
        match self.stream(line)?.write_all(frames) {
            Err(error) if !is_end(&error) => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn hear(&mut self, line: Line, is_reply: &dyn Fn(&[u8]) -> bool) -> io::Result<Answer> {
        let mut answer = Answer::default();
        while let Some(frame) = self.frame(line)? {
            answer.frames.push(frame);
            if answer.frames.last().is_some_and(|frame| is_reply(frame)) {
                return Ok(answer);
            }
        }
        answer.closed = true;
        Ok(answer)
    }

    fn rest(&mut self, line: Line) -> io::Result<Vec<Vec<u8>>> {
        let mut frames = Vec::new();
        while let Some(frame) = self.frame(line)? {
            frames.push(frame);
        }
        Ok(frames)
    }

    fn swap(&mut self, one: Line, other: Line) {
        self.streams.swap(one, other);
    }

    fn wait(&mut self, span: Duration) {
        std::thread::sleep(span);
    }
}

/// The model, with a time of its own.
#[derive(Debug)]
pub(crate) struct Model {
    server: Server,
    now: Millis,
    conns: u64,
    lines: [Wire; LINES],
}

#[derive(Clone, Debug, Default)]
struct Wire {
    conn: ConnId,
    frames: VecDeque<Vec<u8>>,
    closed: bool,
}

impl Model {
    pub(crate) fn new(config: Config) -> Self {
        let now = Millis(1_700_000_000_000);
        Self { server: Server::new(config, now), now, conns: 0, lines: Default::default() }
    }

    fn handle(&mut self, input: Input<'_>) {
        self.server.handle(input, self.now);
        while let Some(output) = self.server.poll() {
            let (Output::Send(conn, _) | Output::Close(conn)) = output;
            let Some(wire) = self.lines.iter_mut().find(|wire| wire.conn == conn) else { continue };
            match output {
                Output::Send(_, bytes) => wire.frames.push_back(bytes[4..].to_vec()),
                Output::Close(_) => wire.closed = true,
            }
        }
    }
}

impl Side for Model {
    fn connect(&mut self, line: Line) -> io::Result<()> {
        self.conns += 1;
        self.now = self.now.plus(1);
        let conn = ConnId(self.conns);
        self.lines[line] = Wire { conn, ..Wire::default() };
        self.handle(Input::Connected(conn, Ipv4Addr::LOCALHOST.into()));
        Ok(())
    }

    fn cut(&mut self, line: Line) -> io::Result<()> {
        let wire = std::mem::take(&mut self.lines[line]);
        if !wire.closed {
            self.handle(Input::Disconnected(wire.conn));
        }
        Ok(())
    }

    fn send(&mut self, line: Line, frames: &[u8]) -> io::Result<()> {
        self.now = self.now.plus(1);
        self.handle(Input::Received(self.lines[line].conn, frames));
        Ok(())
    }

    fn hear(&mut self, line: Line, is_reply: &dyn Fn(&[u8]) -> bool) -> io::Result<Answer> {
        let wire = &mut self.lines[line];
        let mut answer = Answer::default();
        while let Some(frame) = wire.frames.pop_front() {
            answer.frames.push(frame);
            if answer.frames.last().is_some_and(|frame| is_reply(frame)) {
                return Ok(answer);
            }
        }
        answer.closed = true;
        if wire.closed { Ok(answer) } else { Err(io::Error::other("the model does not answer")) }
    }

    fn rest(&mut self, line: Line) -> io::Result<Vec<Vec<u8>>> {
        let wire = &mut self.lines[line];
        if wire.closed {
            Ok(wire.frames.drain(..).collect())
        } else {
            Err(io::Error::other("the model does not end a connection"))
        }
    }

    fn swap(&mut self, one: Line, other: Line) {
        self.lines.swap(one, other);
    }

    fn wait(&mut self, span: Duration) {
        let end = self.now.plus(u64::try_from(span.as_millis()).expect("waits are short"));
        while self.server.poll_timeout() <= end {
            self.now = self.server.poll_timeout().max(self.now);
            self.handle(Input::Timeout);
        }
        self.now = end;
        self.handle(Input::Timeout);
    }
}
