//! One direction of one connection: reads, asks what is to become of the bytes, writes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::{Direction, Shared, State};

/// Moves bytes from one socket to the other until either ends, which cuts the connection, or others cut it.
#[derive(Debug)]
pub(super) struct Pump {
    pub(super) direction: Direction,
    pub(super) number: u64,
    pub(super) from: TcpStream,
    pub(super) to: TcpStream,
    /// What is replaced in the first bytes, and by as many.
    pub(super) rewriting: Option<(Vec<u8>, Vec<u8>)>,
}

/// What becomes of bytes that have come.
enum Fate {
    Pass,
    Discard,
    PassThenCut(usize),
    End,
    ConnectionGone,
}

impl Pump {
    pub(super) fn run(mut self, shared: &Shared) {
        let mut chunk = [0; CHUNK_BYTES];
        loop {
            // An error is an end that came the hard way.
            let count = self.from.read(&mut chunk).unwrap_or(0);
            if let Some((from, to)) = self.rewriting.take() {
                replace(&mut chunk[..count], &from, &to);
            }
            match self.fate(count, shared) {
                Fate::ConnectionGone => return,
                Fate::Discard => {}
                Fate::Pass if self.forward(&chunk[..count], shared) => {}
                Fate::End | Fate::Pass => return self.cut(shared),
                Fate::PassThenCut(left) => {
                    self.forward(&chunk[..left], shared);
                    return self.cut(shared);
                }
            }
        }
    }

    /// Waits while the direction is stalled, then takes the bytes off what is left of it.
    fn fate(&self, count: usize, shared: &Shared) -> Fate {
        let held = |state: &mut State| {
            state.connections.contains_key(&self.number) && state.flow(self.direction).stalled
        };
        let mut state =
            shared.changed.wait_while(shared.lock(), held).unwrap_or_else(std::sync::PoisonError::into_inner);
        if !state.connections.contains_key(&self.number) {
            return Fate::ConnectionGone;
        }
        let flow = state.flow(self.direction);
        if count == 0 {
            return Fate::End;
        }
        if flow.swallowing {
            return Fate::Discard;
        }
        match flow.left {
            None => Fate::Pass,
            Some(left) if left > count as u64 => {
                flow.left = Some(left - count as u64);
                Fate::Pass
            }
            Some(left) => {
                flow.left = None;
                Fate::PassThenCut(usize::try_from(left).expect("it is at most the count"))
            }
        }
    }

    /// Writes the bytes and counts them; false when the socket takes none any more.
    fn forward(&mut self, bytes: &[u8], shared: &Shared) -> bool {
        let written = self.to.write_all(bytes).is_ok();
        if written {
            shared.lock().flow(self.direction).forwarded += bytes.len() as u64;
        }
        written
    }

    fn cut(&self, shared: &Shared) {
        let connection = shared.lock().connections.remove(&self.number);
        if let Some(connection) = connection {
            connection.cut();
        }
        shared.changed.notify_all();
    }
}

/// Replaces the first occurrence of a text, if there is one, by another of its length.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    if let Some(at) = bytes.windows(from.len()).position(|window| window == from) {
        bytes[at..at + from.len()].copy_from_slice(to);
    }
}

/// Several of a client's frames in one, so that frames are cut and joined as in a real network.
const CHUNK_BYTES: usize = 16 * 1024;
