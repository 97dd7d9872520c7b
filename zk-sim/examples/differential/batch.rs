//! Requests that are sent without waiting for the answers to those before them.

use crate::driver::grammar::{Grammar, Step};

/// The most requests that are under way at once.
const BATCH_MAX: usize = 6;
/// What every server answers in order and without ending the connection. Credentials overtake, and what is not known ends
/// the connection while later requests are on their way.
const OLD: [i32; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14];
/// The same of servers since 3.7.
const NEW: [i32; 12] = [15, 16, 17, 18, 19, 21, 22, 103, 104, 105, 106, 107];
const SET_WATCHES: i32 = 101;

/// Whether what comes after it may be checked, on a real server, against a state that never was. A server checks a write
/// against those before it that are not yet applied; but it keeps the old ACL for a `setACL` (3.4 to 3.9), so that later
/// writes are allowed what they were allowed before, and what a multi has begun when an exception ends it, such as a
/// deletion (3.8). That depends on how soon it is applied.
const fn is_forgotten(step: &Step) -> bool {
    matches!(step, Step::Ask { opcode: 7 | 14, .. })
}

impl Grammar {
    /// The next step, which is a batch at times, if there are to be batches.
    pub(crate) fn next_or_batch(&mut self) -> Step {
        let step = self.next();
        if !self.is_pipelined || !self.dice.one_in(3) || !self.may_wait(&step) {
            return step;
        }
        let mut steps = vec![step];
        for _ in 0..self.dice.below(BATCH_MAX) {
            let step = self.next();
            if steps.last().is_some_and(is_forgotten) || !self.may_wait(&step) {
                break;
            }
            steps.push(step);
        }
        Step::Batch(steps)
    }

    fn may_wait(&self, step: &Step) -> bool {
        let Step::Ask { opcode, .. } = step else { return false };
        OLD.contains(opcode) || *opcode == SET_WATCHES || (self.is_modern() && NEW.contains(opcode))
    }
}
