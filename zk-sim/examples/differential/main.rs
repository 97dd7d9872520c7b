//! Compares the model with a real server: `cargo run --release -p zk-sim --example differential -- HOST:PORT [OPTION...]`
//!
//! The server is to have a tick of 200 ms (or the one of `--tick`) and TTL nodes switched on, and not to delete
//! containers by itself, as this starts it (with `--version 3.9.3` for another release):
//!
//! ```text
//! cargo run -p zk-tests --bin zookeeper -- serve PORT --property znode.container.checkIntervalMs=86400000
//! ```
//!
//! For `--slow` the interval is to be 1000, for `--enforce-quotas` the server also needs
//! `--setting enforceQuota=true`. A server that has had quotas is good for nothing but quotas: they stay in the nodes that
//! all sequences share. Requests that are known to break servers are not sent.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it talks to a real server, in real time"
)]

use std::error::Error;
use std::net::SocketAddr;

use zk_sim::{Config, Quirks};

#[path = "driver.rs"]
mod driver;

const USAGE: &str = "\
usage: differential HOST:PORT
    [--sequences N]      how many, 300 unless told
    [--seed S]           what they follow from, 1 unless told
    [--version 3.9.3]    whose quirks the model has (3.4.13, 3.8.0); else it is what the server says
    [--tick MS]          the tick of the server, 200 unless told
    [--two]              two clients at once
    [--pipelined]        requests sent while answers are awaited
    [--quotas]           with quotas
    [--enforce-quotas]   with quotas, which the server enforces
    [--slow]             what time brings; a sequence takes seconds";

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let address: SocketAddr = words.next().ok_or(USAGE)?.parse()?;
    let mut plan = driver::Plan {
        address,
        config: Config { tick_ms: 200, reap_interval_ms: u64::MAX, ..Config::default() },
        clients: 1,
        quotas: false,
        is_pipelined: false,
        sequences: 300,
        seed: 1,
    };
    let (mut asked, mut is_slow, mut enforces_quotas) = (None, false, false);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(USAGE);
        match &*word {
            "--sequences" => plan.sequences = value()?.parse()?,
            "--seed" => plan.seed = value()?.parse()?,
            "--version" => asked = Some(value()?),
            "--tick" => plan.config.tick_ms = value()?.parse()?,
            "--two" => plan.clients = 2,
            "--pipelined" => plan.is_pipelined = true,
            "--quotas" => plan.quotas = true,
            "--enforce-quotas" => (plan.quotas, enforces_quotas) = (true, true),
            "--slow" => is_slow = true,
            _ => return Err(USAGE.into()),
        }
    }
    let name = asked.map_or_else(|| driver::told_version(address), Ok)?;
    let version = driver::version(&name).ok_or_else(|| format!("{name}: no such version is known"))?;
    plan.config.quirks = Quirks { enforces_quotas, ..Quirks::of(version) };
    let report = if is_slow { driver::compare_slowly(&plan)? } else { driver::compare(&plan)? };
    for difference in &report.differences {
        println!("{difference}");
    }
    println!("{} requests, with the quirks of {}", report.requests, plan.config.quirks.version.name());
    println!("{} sequences, {} differences", report.sequences, report.differences.len());
    Ok(())
}
