//! Compares the model with a real server: `cargo run -p zk-sim --example differential -- HOST:PORT --sequences N --seed S`
//!
//! The server is to have a tick of 200 ms (or the one of `--tick MS`) and TTL nodes switched on, as
//! `cargo run -p zk-tests --bin zookeeper -- serve PORT` starts it. Requests that are known to break servers are not sent.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]
#![allow(clippy::disallowed_methods, reason = "it names its nodes by the time")]

use std::error::Error;

#[path = "driver.rs"]
mod driver;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, options @ ..] = &*arguments else {
        return Err("usage: differential HOST:PORT [--sequences N] [--seed S] [--tick MS]".into());
    };
    let (mut sequences, mut seed, mut tick_ms) = (300, 1, 200);
    for option in options.chunks(2) {
        match option {
            [name, value] if name == "--sequences" => sequences = value.parse()?,
            [name, value] if name == "--seed" => seed = value.parse()?,
            [name, value] if name == "--tick" => tick_ms = value.parse()?,
            _ => return Err(format!("what is {option:?}?").into()),
        }
    }
    let report = driver::compare(server.parse()?, tick_ms, sequences, seed)?;
    for difference in &report.differences {
        println!("{difference}");
    }
    println!("{} requests, {} sequences passed when run again", report.requests, report.passing);
    println!("{} sequences, {} differences", report.sequences, report.differences.len());
    Ok(())
}
