//! Sequences of two clients below one node: who does what, and what needs two. The requests are those of the grammar.

use crate::driver::frame::Body;
use crate::driver::grammar::{Grammar, Step};
use crate::driver::peer::CLOSE_SESSION;
use crate::driver::sides::Line;

/// Makes the steps of two clients.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) grammar: Grammar,
    /// Who has no connection for a while.
    away: [bool; 2],
    last: Line,
}

impl Pair {
    pub(crate) const fn new(grammar: Grammar) -> Self {
        Self { grammar, away: [false; 2], last: 0 }
    }

    /// The next step, and whose it is.
    pub(crate) fn next(&mut self) -> (Line, Step) {
        let dice = &mut self.grammar.dice;
        // A client does a little before the other one does something.
        let who = if dice.one_in(3) { 1 - self.last } else { self.last };
        self.last = who;
        if self.away[who] {
            if !dice.one_in(3) {
                self.last = 1 - who;
                return if self.away[self.last] { self.renew(self.last) } else { self.step(self.last) };
            }
            return self.renew(who);
        }
        self.step(who)
    }

    /// Who is away at the end comes back.
    pub(crate) fn is_away(&self, who: Line) -> bool {
        self.away[who]
    }

    fn renew(&mut self, who: Line) -> (Line, Step) {
        self.away[who] = false;
        (who, Step::Renew)
    }

    fn step(&mut self, who: Line) -> (Line, Step) {
        let dice = &mut self.grammar.dice;
        let step = match dice.below(100) {
            0 | 1 => {
                self.away[who] = true;
                Step::Cut
            }
            2 => Step::TakeOver,
            3 if dice.one_in(2) => Step::Impostor,
            3 => Step::Ahead,
            4 => Step::Ask { opcode: CLOSE_SESSION, seen: None, body: Body::default() },
            _ => self.grammar.next_or_batch(),
        };
        (who, step)
    }
}
