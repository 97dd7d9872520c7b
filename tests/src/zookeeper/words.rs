//! The four-letter words: a server's answers to operators, in plain text on the client port.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Asks the server at `address` a four-letter word, such as `mntr`, and returns its whole answer.
///
/// # Errors
///
/// Of kind [`io::ErrorKind::TimedOut`] when no answer comes within `limit`, else what the sockets say.
pub fn ask(address: SocketAddr, word: &str, limit: Duration) -> io::Result<String> {
    let end = Instant::now() + limit;
    let mut socket = TcpStream::connect_timeout(&address, limit)?;
    socket.write_all(word.as_bytes())?;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while !WHOLE_ANSWERS.contains(&&*answer) {
        let left = end.saturating_duration_since(Instant::now());
        let wait = if answer.is_empty() { left } else { left.min(QUIET_END) };
        if wait.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(wait))?;
        match socket.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && answer.is_empty() => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    String::from_utf8(answer).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// An answer ends with its connection; but ZooKeeper 3.8.0 at times answers and forgets to close, above all when it has
/// just started, and does so 10 to 20 s later. Silence after an answer has begun is taken for its end, too.
const QUIET_END: Duration = Duration::from_millis(300);

/// Answers that are known to be whole without waiting for an end.
const WHOLE_ANSWERS: [&[u8]; 2] = [b"imok", b"This ZooKeeper instance is not currently serving requests\n"];

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn an_answer_ends_without_its_connection() {
        let started = Instant::now();
        assert_eq!(ask(forgetful("one\ntwo\n"), "conf", LIMIT).unwrap(), "one\ntwo\n");
        assert!(started.elapsed() < LIMIT);
    }

    #[test]
    fn a_server_that_says_nothing_is_late() {
        let error = ask(forgetful(""), "conf", Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    /// A server that answers and keeps the connection until its client leaves.
    fn forgetful(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket.write_all(answer.as_bytes()).unwrap();
            io::copy(&mut socket, &mut io::sink())
        });
        address
    }
}
