//! The engine over a blocking socket, by hand: `cargo run -p zk-session --example bare_engine -- HOST:PORT[/chroot]`
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a driver owns clock and socket")]
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use std::io::{ErrorKind, Read, Write};
use std::{net::TcpStream, thread, time::Duration};
use zk_session::{Config, Cut, Input, Instant, Output, Path, Session, SessionState, ops::GetChildren2};

const TICK: Duration = Duration::from_millis(1);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let servers = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:2181".into());
    let start = std::time::Instant::now();
    let now = || Instant::default() + start.elapsed();
    let mut session = Session::new(Config::new(servers.parse()?, 42), now());
    session.submit(GetChildren2 { path: Path::root(), watch: false }.into(), Default::default(), now())?;
    let mut socket = None;
    while !matches!(session.state(), SessionState::Ended(_)) {
        // 1. Carry out what the engine says.
        while let Some(output) = session.poll() {
            match output {
                Output::Connect(conn, server) => {
                    socket =
                        TcpStream::connect((&*server.host, server.port)).ok().map(|stream| (conn, stream));
                    let failed = Input::Disconnected(conn, Cut::Refused);
                    session.handle(if socket.is_some() { Input::Connected(conn) } else { failed }, now());
                }
                Output::Disconnect(_) => socket = None,
                Output::Completed(call, result) => {
                    println!("{call:?}: {:?}", result?.reply);
                    session.close(now());
                }
                news @ (Output::State(_) | Output::Notified(..)) => println!("{news:?}"),
            }
        }
        let wait = session.poll_timeout().map_or(TICK, |(due, _)| due.since(now()).max(TICK));
        let Some((conn, stream)) = &mut socket else {
            thread::sleep(wait);
            session.handle(Input::Timeout, now());
            continue;
        };
        // 2. Write what it wants to send, and tell how much was taken.
        while let Some(bytes) = session.transmit_owned(*conn) {
            session.transmitted(*conn, stream.write(&bytes)?);
        }
        // 3. Read, until the next timer at the latest, and tell what came: the end, bytes, or time.
        stream.set_read_timeout(Some(wait))?;
        let mut bytes = [0; 4096];
        let input = match stream.read(&mut bytes) {
            Ok(n) if n > 0 => {
                session.receive_buffer(*conn).extend_from_slice(&bytes[..n]);
                Input::Received(*conn)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Input::Timeout,
            Ok(_) | Err(_) => Input::Disconnected(*conn, Cut::Closed),
        };
        session.handle(input, now());
    }
    Ok(())
}
