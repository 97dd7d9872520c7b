//! How to get to a breach, for people to read: one line a step.

use std::fmt;

use super::budget::Budget;
use super::spec::{Breach, Spec};
use super::steps::Step;
use super::words;
use super::world::World;

/// A breach and the steps that lead to it, as few as possible. Its text is a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// What is wrong in the end.
    pub breach: Breach,
    /// What happened, one line a step: who did what, what was asked and answered, and what users were told.
    pub script: Vec<String>,
}

impl Counterexample {
    /// Takes the steps once more, and writes down what happens.
    pub(super) fn replay<S: Spec + ?Sized>(spec: &S, budget: Budget, steps: &[Step], breach: Breach) -> Self {
        let mut world = World::new(spec, budget);
        let mut script = Vec::new();
        for step in steps {
            let mut line = words::happens(spec, &world, *step);
            let kept: Vec<usize> = (0..spec.peers()).map(|peer| words::kept(&world, *step, peer)).collect();
            let mut told = Vec::new();
            // The breach is the one that is known.
            let _ = world.take(spec, *step, Some(&mut told));
            for (number, peer) in world.peers().enumerate() {
                for request in peer.requests().skip(kept[number]) {
                    line += &format!("; peer {number} asks {}", words::request(request));
                }
            }
            told.iter().for_each(|news| line += &format!("; {news}"));
            script.push(words::short(&line));
        }
        Self { breach: Breach { seen: words::short(&breach.seen), ..breach }, script }
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, line) in self.script.iter().enumerate() {
            writeln!(out, "{:3}. {line}", number + 1)?;
        }
        write!(out, "broken: {}", self.breach)
    }
}
