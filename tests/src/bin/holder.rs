//! Holds a lock until it is told to release it, is killed, or loses it: the other process of the lock tests.
//!
//! `holder HOST:PORT PATH TIMEOUT_MS` prints `held FENCE`, then `lost CAUSE` when the guard dies. The end of the standard
//! input releases the lock, and `released` is printed.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use zk_std::Client;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, path, timeout] = &*arguments else {
        return Err("usage: holder HOST:PORT PATH TIMEOUT_MS".into());
    };
    let mut config = Client::config(server)?;
    config.session_timeout = Duration::from_millis(timeout.parse()?);
    let client = Client::open(config)?;
    client.connected(Duration::from_secs(10))?;
    let guard = Arc::new(client.lock(path)?.identifier("holder").acquire()?);
    say(&format!("held {}", guard.fence().raw()));
    let watched = Arc::clone(&guard);
    std::thread::spawn(move || say(&format!("lost {}", watched.lost())));
    io::stdin().read_to_end(&mut Vec::new())?;
    // The watching thread keeps its share of the guard; closing the session releases the lock.
    client.close();
    say("released");
    Ok(())
}

/// Prints a line at once. Without a reader there is nobody to tell.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
