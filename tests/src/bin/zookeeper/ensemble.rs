//! An ensemble for a person to break: one command a line of the standard input.

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};

use zk_tests::Ensemble;

use crate::{Asked, USAGE};

const COMMANDS: &str = "\
status           what each node says of itself
kill N           SIGKILL              start N    start it again
pause N          SIGSTOP              resume N   let it go on
isolate N        part it from nodes   rejoin N   end that
cut N            close all connections of clients to it
heal             end all faults of links
help             this";

pub(crate) fn run(words: &[&str]) -> Result<(), Box<dyn Error>> {
    let Asked { installation, options, ports } = Asked::parse(words)?;
    if ports.is_empty() {
        return Err(USAGE.into());
    }
    let mut ensemble = Ensemble::launch_at(&installation, &ports, options)?;
    writeln!(io::stdout(), "serving at {}\n{COMMANDS}", ensemble.connect_string())?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = obey(&mut ensemble, &words).unwrap_or_else(|complaint| format!("{complaint}\n"));
        write!(io::stdout(), "{answer}")?;
    }
    Ok(())
}

/// Carries out a command and returns what is to be printed, or what is wrong with it.
fn obey(ensemble: &mut Ensemble, words: &[&str]) -> Result<String, &'static str> {
    let (command, node) = match *words {
        [] => return Ok(String::new()),
        ["status"] => return Ok(status(ensemble)),
        ["help"] => return Ok(format!("{COMMANDS}\n")),
        ["heal"] => {
            ensemble.heal();
            return Ok(String::new());
        }
        [command, node] => (command, node.parse::<usize>().map_err(|_| COMMANDS)?),
        _ => return Err(COMMANDS),
    };
    if node >= ensemble.size() {
        return Err("nodes count from 0, and there are not so many");
    }
    if matches!(command, "pause" | "resume") && !ensemble.runs(node) {
        return Err("the node does not run; start it");
    }
    match command {
        "kill" => ensemble.kill(node),
        "start" => ensemble.start(node),
        "pause" => ensemble.pause(node),
        "resume" => ensemble.resume(node),
        "isolate" => ensemble.isolate(node),
        "rejoin" => ensemble.rejoin(node),
        "cut" => ensemble.cut_clients(node),
        _ => return Err(COMMANDS),
    }
    Ok(String::new())
}

fn status(ensemble: &Ensemble) -> String {
    let lines = (0..ensemble.size()).map(|node| {
        let said = match ensemble.standing(node) {
            Some(standing) => format!("{:?}, zxid {:#x}", standing.mode, standing.zxid),
            None if ensemble.runs(node) => "does not serve".into(),
            None => "does not run".into(),
        };
        format!("node {node} at {}: {said}\n", ensemble.proxy(node).address())
    });
    lines.collect()
}
