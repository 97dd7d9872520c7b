//! Runs worlds, one a seed, and reports what was found: `swarm --seeds A..B [--steps N] [--replay SEED]`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the report is the point")]

use std::process::ExitCode;

use zk_sim::world::{Decisions, Limits, Marks, Outcome, run, shrink};

const USAGE: &str = "usage: swarm [--seeds A..B] [--steps N] [--replay SEED]";
/// How many lines of a run that breaks a law are shown.
const LINES: usize = 0;
/// Runs spent on making a failure simpler.
const TRIES: usize = 0;

struct Asked {
    seeds: std::ops::Range<u64>,
    steps: u64,
    replay: Option<u64>,
}

fn main() -> ExitCode {
    let Some(asked) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    asked.replay.map_or_else(|| swarm(&asked), |seed| replay(seed, asked.steps))
}

fn parse(mut args: impl Iterator<Item = String>) -> Option<Asked> {
    let mut asked = Asked { seeds: 0..100, steps: Limits::default().steps, replay: None };
    while let Some(name) = args.next() {
        let value = args.next()?;
        match &*name {
            "--seeds" => {
                let (from, to) = value.split_once("..")?;
                asked.seeds = from.parse().ok()?..to.parse().ok()?;
            }
            "--steps" => asked.steps = value.parse().ok()?,
            "--replay" => asked.replay = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(asked)
}

fn swarm(asked: &Asked) -> ExitCode {
    let limits = Limits { steps: asked.steps, ..Limits::default() };
    let (mut steps, mut nanos, mut faults, mut violations) = (0, 0u128, 0, 0);
    let mut marks = Marks::default();
    for seed in asked.seeds.clone() {
        let outcome = run(Decisions::from_seed(seed), limits);
        steps += outcome.steps;
        nanos += u128::from(outcome.nanos);
        faults += outcome.faults;
        marks.add(&outcome.marks);
        if outcome.violation.is_some() {
            violations += 1;
            explain(seed, limits, &outcome);
        }
    }
    for mark in zk_sim::world::Mark::ALL {
        println!("{:>10}  {mark}", marks.count(*mark));
    }
    for mark in marks.missed() {
        println!("never: {mark}");
    }
    let count = asked.seeds.end.saturating_sub(asked.seeds.start);
    let hours = nanos / 3_600_000_000_000;
    println!("{count} seeds, {steps} steps, {hours} virtual hours, {faults} faults, {violations} violations");
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Shows a failure: the law, how to see it again, how few choices it takes, and the end of its trace.
fn explain(seed: u64, limits: Limits, outcome: &Outcome) {
    let Some(violation) = &outcome.violation else { return };
    println!("seed {seed}, {violation}");
    let steps = limits.steps;
    println!("  again: cargo run --release -p zk-sim --example swarm -- --replay {seed} --steps {steps}");
    let simple = shrink(&outcome.decisions, violation.law, limits, TRIES);
    let faults = simple.iter().filter(|choice| **choice != 0).count();
    println!("  {faults} of {} choices are needed; the simpler run ends so:", outcome.decisions.len());
    let traced = run(Decisions::from_list(simple), Limits { lines: LINES, ..limits });
    for line in traced.lines {
        println!("  {line}");
    }
}

fn replay(seed: u64, steps: u64) -> ExitCode {
    let outcome = run(Decisions::from_seed(seed), Limits { steps, lines: usize::MAX, ..Limits::default() });
    for line in &outcome.lines {
        println!("{line}");
    }
    println!("trace hash {:016x}", outcome.hash);
    let violations = u8::from(outcome.violation.is_some());
    if let Some(violation) = &outcome.violation {
        println!("seed {seed}, {violation}");
    }
    let hours = outcome.nanos / 3_600_000_000_000;
    let Outcome { steps, faults, .. } = outcome;
    println!("1 seeds, {steps} steps, {hours} virtual hours, {faults} faults, {violations} violations");
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
