//! The search: breadth first, each state once, with the way back to the first one.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::budget::Budget;
use super::print::{Print, Printer};
use super::script::Counterexample;
use super::spec::{Breach, Spec};
use super::steps::{Step, steps};
use super::world::World;

/// How far a search may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many states are visited at most. Each takes about 100 bytes for good, and a few kilobytes until it was expanded.
    pub states_max: usize,
}

impl Default for Limits {
    /// Three million states: a few minutes, and a few gigabytes at most.
    fn default() -> Self {
        Self { states_max: 3_000_000 }
    }
}

/// What a search has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many states there are; those that were seen, if the search ended early.
    pub states: usize,
    /// In how many of them nothing happens any more by itself.
    pub at_rest: usize,
    /// Whether all states were visited. If not, and nothing was found, there are more of them than the limit.
    pub complete: bool,
    /// What is wrong: nothing, or one breach that takes the fewest steps.
    pub violations: Vec<Counterexample>,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.violations.iter().try_for_each(|violation| writeln!(out, "{violation}"))?;
        write!(out, "{} states, {} violations", self.states, self.violations.len())
    }
}

/// Visits all states within the budget, or up to the limits, and ends with the first breach.
///
/// That rest can be reached from everywhere is checked at the end, if all states were visited.
#[must_use]
pub fn explore<S: Spec + ?Sized>(spec: &S, budget: Budget, limits: Limits) -> Report {
    let mut search = Search::new(spec, budget);
    let complete = loop {
        match search.expand() {
            Ok(Progress::More) if search.history.len() >= limits.states_max => break false,
            Ok(Progress::More) => {}
            Ok(Progress::Done) => break true,
            Err((last, breach)) => return search.report(false, Some((last, breach))),
        }
    };
    let restless = if complete { search.restless() } else { None };
    let breach = restless.map(|state| {
        let seen = "from here no state at rest can be reached by what happens by itself";
        (Way { state, step: None }, Breach::of("everything comes to rest", seen))
    });
    search.report(complete, breach)
}

struct Search<'a, S: Spec + ?Sized> {
    spec: &'a S,
    budget: Budget,
    printer: Printer,
    numbers: BTreeMap<Print, u32>,
    /// From which state each state was reached first, and how.
    history: Vec<(u32, Step)>,
    /// States that were not expanded, and the number of the first of them.
    frontier: VecDeque<World<S>>,
    next: u32,
    /// From where to where things happen by themselves.
    calm: Vec<(u32, u32)>,
    at_rest: Vec<u32>,
    choices: Vec<(Step, bool)>,
}

enum Progress {
    More,
    Done,
}

/// How a state is reached: a state, and perhaps one step more.
struct Way {
    state: u32,
    step: Option<Step>,
}

impl<'a, S: Spec + ?Sized> Search<'a, S> {
    fn new(spec: &'a S, budget: Budget) -> Self {
        let first = World::new(spec, budget);
        let mut printer = Printer::default();
        let print = printer.print(&first);
        Self {
            spec,
            budget,
            printer,
            numbers: [(print, 0)].into(),
            // Nobody follows the history beyond the first state.
            history: vec![(0, Step::Serve(0))],
            frontier: [first].into(),
            next: 0,
            calm: Vec::new(),
            at_rest: Vec::new(),
            choices: Vec::new(),
        }
    }

    /// Checks the oldest state of the frontier and puts what follows from it behind the others.
    fn expand(&mut self) -> Result<Progress, (Way, Breach)> {
        let Some(world) = self.frontier.pop_front() else { return Ok(Progress::Done) };
        let state = self.next;
        self.next += 1;
        let mut choices = std::mem::take(&mut self.choices);
        steps(self.spec, &world, &mut choices);
        let rests = !choices.iter().any(|(_, calm)| *calm);
        let here = |breach| (Way { state, step: None }, breach);
        self.spec.always(&world).map_err(here)?;
        if rests {
            self.at_rest.push(state);
            self.spec.at_rest(&world).map_err(here)?;
        }
        for (step, calm) in &choices {
            let mut after = world.clone();
            let taken = after.take(self.spec, *step, None);
            taken.map_err(|breach| (Way { state, step: Some(*step) }, breach))?;
            let number = self.number(after, state, *step);
            if *calm {
                self.calm.push((number, state));
            }
        }
        self.choices = choices;
        Ok(Progress::More)
    }

    fn number(&mut self, world: World<S>, from: u32, step: Step) -> u32 {
        let print = self.printer.print(&world);
        let fresh = u32::try_from(self.history.len()).expect("memory ends before the numbers do");
        let number = *self.numbers.entry(print).or_insert(fresh);
        if number == fresh {
            self.history.push((from, step));
            self.frontier.push_back(world);
        }
        number
    }

    /// A state from which none at rest can be reached by what happens by itself: the one with the fewest steps.
    fn restless(&mut self) -> Option<u32> {
        self.calm.sort_unstable();
        let mut reached = vec![false; self.history.len()];
        let mut todo = self.at_rest.clone();
        while let Some(state) = todo.pop() {
            if !std::mem::replace(&mut reached[state as usize], true) {
                let start = self.calm.partition_point(|(to, _)| *to < state);
                let before = self.calm[start..].iter().take_while(|(to, _)| *to == state);
                todo.extend(before.map(|(_, from)| from));
            }
        }
        reached.iter().position(|reached| !reached).and_then(|state| u32::try_from(state).ok())
    }

    fn report(&self, complete: bool, breach: Option<(Way, Breach)>) -> Report {
        let violation = breach.map(|(way, breach)| {
            let steps = self.steps_to(&way);
            Counterexample::replay(self.spec, self.budget, &steps, breach)
        });
        Report {
            states: self.history.len(),
            at_rest: self.at_rest.len(),
            complete,
            violations: violation.into_iter().collect(),
        }
    }

    fn steps_to(&self, way: &Way) -> Vec<Step> {
        let mut steps: Vec<Step> = way.step.into_iter().collect();
        let mut state = way.state;
        while state != 0 {
            let (before, step) = self.history[state as usize];
            steps.push(step);
            state = before;
        }
        steps.reverse();
        steps
    }
}
