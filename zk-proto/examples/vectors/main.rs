//! Checks this crate against recorded frames: `vectors FILE...`.
//!
//! A file has one frame a line, as `tests/vectors/README.md` describes. Each is decoded, every field compared with the
//! recorded one, and encoded again to the recorded bytes. What does not agree is printed; the last line counts. The
//! exit status is 0 only if there were frames and all agree.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::typed::Typed;

mod compare;
mod json;
mod typed;

fn main() -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let (mut frames, mut mismatches) = (0_usize, 0_usize);
    let mut refused = BTreeMap::<String, usize>::new();
    for file in env::args_os().skip(1) {
        let text = fs::read_to_string(&file)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            frames += 1;
            match compare::line(line) {
                Ok(Some(Typed::Refused(what))) => *refused.entry(what.to_string()).or_insert(0) += 1,
                Ok(Some(Typed::Equal | Typed::None) | None) => {}
                Err(differences) => {
                    mismatches += 1;
                    writeln!(out, "{}:{}: {differences}", file.display(), index + 1)?;
                }
            }
        }
    }
    for (reason, count) in refused {
        writeln!(out, "equal as data, and no typed record because {reason}: {count}")?;
    }
    writeln!(out, "{frames} frames, {mismatches} mismatches")?;
    Ok(if mismatches == 0 && frames > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
