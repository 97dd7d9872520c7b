//! What a run did: as one number always, as lines when somebody wants to read them.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::clock::{MILLI, Nanos};

/// The trace of a run. Two runs with the same hash did the same.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    hasher: DefaultHasher,
    lines: VecDeque<String>,
    /// How many of the last lines are kept.
    kept: usize,
    at: (u64, Nanos),
}

impl Trace {
    pub(super) fn new(kept: usize) -> Self {
        Self { hasher: DefaultHasher::new(), lines: VecDeque::new(), kept, at: (0, 0) }
    }

    /// A new step begins.
    pub(super) fn step(&mut self, step: u64, now: Nanos) {
        self.at = (step, now);
        now.hash(&mut self.hasher);
    }

    /// Something that tells this run from others.
    pub(super) fn note(&mut self, what: &impl Hash) {
        what.hash(&mut self.hasher);
    }

    pub(super) fn line(&mut self, text: impl FnOnce() -> String) {
        if self.kept == 0 {
            return;
        }
        if self.lines.len() == self.kept {
            self.lines.pop_front();
        }
        let (step, now) = self.at;
        self.lines.push_back(format!("{step:>6} {:>12.3} ms  {}", micros(now), text()));
    }

    pub(super) fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }
}

/// Milliseconds, for people.
#[expect(clippy::cast_precision_loss, reason = "for people")]
fn micros(now: Nanos) -> f64 {
    now as f64 / MILLI as f64
}
