//! The two that are compared, behind one face: a real server over a socket, and the model over its bytes.
#![allow(clippy::disallowed_types, reason = "a real server is reached over a socket")]

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use zk_sim::{Config, ConnId, Input, Millis, Output, Server};

/// What comes back for a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Frames without their length, up to the reply.
    pub(crate) frames: Vec<Vec<u8>>,
    /// Whether the connection ended.
    pub(crate) closed: bool,
}

/// Something that answers requests.
pub(crate) trait Side {
    /// Opens a connection, in place of the last one.
    fn connect(&mut self) -> io::Result<()>;

    /// Sends a frame, and waits for the reply or the end. The reply is the frame of which `is_reply` is true.
    fn ask(&mut self, frame: &[u8], is_reply: &dyn Fn(&[u8]) -> bool) -> io::Result<Answer>;

    /// Waits for the end of the connection, which the last answer is known to be followed by.
    fn await_end(&mut self) -> io::Result<bool>;
}

/// A real server.
#[derive(Debug)]
pub(crate) struct Real {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

/// A real server answers in less than a millisecond; one that has been broken does not answer at all.
const PATIENCE: Duration = Duration::from_secs(10);

impl Real {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    fn frame(&mut self) -> io::Result<Option<Vec<u8>>> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
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

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    [UnexpectedEof, ConnectionReset, BrokenPipe].contains(&error.kind())
}

impl Side for Real {
    fn connect(&mut self) -> io::Result<()> {
        self.stream = None;
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        self.stream = Some(stream);
        Ok(())
    }

    fn ask(&mut self, frame: &[u8], is_reply: &dyn Fn(&[u8]) -> bool) -> io::Result<Answer> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        stream.write_all(frame)?;
        let mut answer = Answer::default();
        while let Some(frame) = self.frame()? {
            answer.frames.push(frame);
            if answer.frames.last().is_some_and(|frame| is_reply(frame)) {
                return Ok(answer);
            }
        }
        answer.closed = true;
        Ok(answer)
    }

    fn await_end(&mut self) -> io::Result<bool> {
        Ok(self.frame()?.is_none())
    }
}

/// The model, with a time of its own.
#[derive(Debug)]
pub(crate) struct Model {
    server: Server,
    now: Millis,
    conn: ConnId,
    frames: VecDeque<Vec<u8>>,
    closed: bool,
}

impl Model {
    /// A model with the tick of the real server, which bounds timeouts.
    pub(crate) fn new(tick_ms: u32) -> Self {
        let now = Millis(1_700_000_000_000);
        let config = Config { tick_ms, reap_interval_ms: u64::MAX, ..Config::default() };
        let server = Server::new(config, now);
        Self { server, now, conn: ConnId(0), frames: VecDeque::new(), closed: true }
    }

    fn handle(&mut self, input: Input<'_>) {
        self.server.handle(input, self.now);
        while let Some(output) = self.server.poll() {
            match output {
                Output::Send(conn, bytes) if conn == self.conn => self.frames.push_back(bytes[4..].to_vec()),
                Output::Close(conn) if conn == self.conn => self.closed = true,
                Output::Send(..) | Output::Close(_) => {}
            }
        }
    }
}

impl Side for Model {
    fn connect(&mut self) -> io::Result<()> {
        self.handle(Input::Disconnected(self.conn));
        self.conn = ConnId(self.conn.0 + 1);
        (self.closed, self.now) = (false, self.now.plus(1));
        self.frames.clear();
        self.handle(Input::Connected(self.conn, Ipv4Addr::LOCALHOST.into()));
        Ok(())
    }

    fn ask(&mut self, frame: &[u8], is_reply: &dyn Fn(&[u8]) -> bool) -> io::Result<Answer> {
        self.now = self.now.plus(1);
        self.handle(Input::Received(self.conn, frame));
        let mut answer = Answer::default();
        while let Some(frame) = self.frames.pop_front() {
            answer.frames.push(frame);
            if answer.frames.last().is_some_and(|frame| is_reply(frame)) {
                return Ok(answer);
            }
        }
        answer.closed = true;
        if self.closed { Ok(answer) } else { Err(io::Error::other("the model does not answer")) }
    }

    fn await_end(&mut self) -> io::Result<bool> {
        Ok(self.closed && self.frames.is_empty())
    }
}
