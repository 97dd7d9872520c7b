//! Plays on a real ensemble that fails, and tells what it has brought.

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use zk_tests::chaos::{self, Plan};
use zk_tests::{Ensemble, Installation, Options, Release};

const USAGE: &str = "\
usage: chaos [OPTION...]
    --version 3.9.3    not the installed release, but this one
    --seconds 60       how long things fail
    --seed 1           what all choices are drawn from
    --clients 6        sessions that play
    --mistake Session(WaitsInSilence)
                       what they all do wrong, with the feature `wrong`";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match play(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // With nowhere to write to, the exit code must do.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing was wrong.
fn play(arguments: &[String]) -> Result<bool, Box<dyn Error>> {
    let mut plan = Plan::new(1);
    let mut release = None;
    let mut arguments = arguments.iter();
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match &**name {
            "--version" => {
                let known = Release::ALL.into_iter().find(|release| release.version() == value);
                release = Some(known.ok_or("no such release is known")?);
            }
            "--seconds" => plan.duration = Duration::from_secs(value.parse().map_err(|_| USAGE)?),
            "--seed" => plan.seed = value.parse().map_err(|_| USAGE)?,
            "--clients" => plan.clients = value.parse().map_err(|_| USAGE)?,
            #[cfg(feature = "wrong")]
            "--mistake" => {
                let known = chaos::Mistake::all().find(|mistake| format!("{mistake:?}") == *value);
                plan.mistake = Some(known.ok_or("no such mistake is known")?);
            }
            _ => return Err(USAGE.into()),
        }
    }
    let installation = release.map_or_else(Installation::find, Installation::find_release)?;
    let options = Options::new().heap_mb(128).setting("maxSessionTimeout", "20000");
    let mut ensemble = Ensemble::launch(&installation, 3, options)?;
    let report = chaos::run(&mut ensemble, &plan);
    write!(io::stdout(), "{report}")?;
    Ok(report.violations.is_empty())
}
