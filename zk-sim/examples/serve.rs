//! A server to try a client on, until Ctrl-C: `cargo run -p zk-sim --features serve --example serve -- ADDR [OPTION...]`
//!
//! It keeps nothing: what it holds ends with it.
#![allow(clippy::print_stdout, reason = "an example tells what it does")]

use std::error::Error;

use zk_sim::{Config, Quirks, Version, digest_id};

const USAGE: &str = "\
usage: serve [ADDR] [OPTION...]        ADDR is 127.0.0.1:2181 unless told
    --version 3.9.3              what it does as (3.4.13, 3.5.10, 3.8.0)
    --tick MS                    the unit of time of sessions, 2000 unless told
    --super user:password        who may do everything
    --user NAME:PASSWORD         who may log in by DIGEST-MD5; may be repeated
    --require-login              serve only those who have logged in
    --enforce-quotas             refuse what exceeds a hard limit";

fn main() -> Result<(), Box<dyn Error>> {
    let mut config = Config::default();
    let mut address = String::from("127.0.0.1:2181");
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(USAGE);
        match &*word {
            "--version" => {
                let name = value()?;
                let versions = [Version::V3_4, Version::V3_5, Version::V3_8, Version::V3_9];
                let version = versions.into_iter().find(|version| version.name() == name).ok_or(USAGE)?;
                config.quirks =
                    Quirks { enforces_quotas: config.quirks.enforces_quotas, ..Quirks::of(version) };
            }
            "--tick" => config.tick_ms = value()?.parse()?,
            "--super" => config.super_digest = Some(digest_id(&value()?)),
            "--user" => {
                let user = value()?;
                let (name, password) = user.split_once(':').ok_or(USAGE)?;
                config.users.insert(name.into(), password.into());
            }
            "--require-login" => config.requires_login = true,
            "--enforce-quotas" => config.quirks.enforces_quotas = true,
            option if option.starts_with('-') => return Err(USAGE.into()),
            other => address = other.into(),
        }
    }
    config.quirks.has_logins = !config.users.is_empty();
    let served = zk_sim::serve_with(address, config)?;
    println!("serving at {}", served.address());
    loop {
        std::thread::park();
    }
}
