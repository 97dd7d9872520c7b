//! Explores a recipe: every interleaving of some peers with some faults.
//!
//! ```text
//! cargo run --release -p zk-sim --example explore -- RECIPE [--peers N] [--layout kazoo|curator|go]
//!     [--cuts N] [--pauses N] [--expiries N] [--deletes N] [--creates N] [--changes-of-mind N] [--states-max N]
//! ```
//!
//! Without a number of faults, each fault is explored by itself, once. The last line is `N states, V violations`; before it
//! stands the script of how to get to a violation, if there is one, and then the exit status is 1.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::process::ExitCode;

use zk_recipes::Layout;
use zk_sim::explore::specs::Locks;
use zk_sim::explore::{Budget, Limits, Report, Spec, explore};

/// The recipes by the names of their files.
const RECIPES: [&str; 1] = ["lock"];

fn main() -> ExitCode {
    match Asked::read(std::env::args().skip(1)) {
        Ok(asked) => asked.explore(),
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::from(2)
        }
    }
}

/// The command line.
struct Asked {
    recipe: String,
    peers: usize,
    layout: Layout,
    budget: Budget,
    limits: Limits,
}

impl Asked {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let known = format!("the recipes are: {}", RECIPES.join(", "));
        let recipe = words.next().ok_or_else(|| format!("which recipe? {known}"))?;
        if !RECIPES.contains(&recipe.as_str()) {
            return Err(format!("there is no recipe `{recipe}`; {known}"));
        }
        let (layout, limits) = (Layout::kazoo(), Limits::default());
        let mut asked = Self { recipe, peers: 2, layout, budget: Budget::default(), limits };
        while let Some(option) = words.next() {
            let value = words.next().ok_or_else(|| format!("{option} needs a value"))?;
            asked.option(&option, &value)?;
        }
        Ok(asked)
    }

    fn option(&mut self, option: &str, value: &str) -> Result<(), String> {
        let no_number = |_| format!("{option} takes a number, not `{value}`");
        let budget = &mut self.budget;
        let fault = match option {
            "--cuts" => &mut budget.cuts,
            "--pauses" => &mut budget.pauses,
            "--expiries" => &mut budget.expiries,
            "--deletes" => &mut budget.deletes,
            "--creates" => &mut budget.creates,
            "--changes-of-mind" => &mut budget.changes_of_mind,
            "--peers" => {
                self.peers = value.parse().map_err(no_number)?;
                return Ok(());
            }
            "--states-max" => {
                self.limits.states_max = value.parse().map_err(no_number)?;
                return Ok(());
            }
            "--layout" => {
                self.layout = match value {
                    "kazoo" => Layout::kazoo(),
                    "curator" => Layout::curator(),
                    "go" => Layout::go(),
                    _ => return Err(format!("there is no layout `{value}`; kazoo, curator, go")),
                };
                return Ok(());
            }
            _ => return Err(format!("there is no option {option}")),
        };
        *fault = value.parse().map_err(no_number)?;
        Ok(())
    }

    fn explore(&self) -> ExitCode {
        match &*self.recipe {
            "lock" => self.run(&Locks::new(self.peers, self.layout.clone())),
            other => unreachable!("{other} is no recipe"),
        }
    }

    /// Explores the budgets one after the other, up to the first violation.
    fn run(&self, spec: &impl Spec) -> ExitCode {
        let budgets = if self.budget == Budget::default() { single_faults() } else { vec![self.budget] };
        let (mut states, mut violations) = (0, 0);
        for budget in budgets {
            let report: Report = explore(spec, budget, self.limits);
            println!("{budget:?}: {} states, {} at rest", report.states, report.at_rest);
            report.violations.iter().for_each(|violation| println!("{violation}"));
            if !report.complete && report.violations.is_empty() {
                println!("there are more states than the limit");
            }
            states += report.states;
            violations += report.violations.len();
            if violations > 0 {
                break;
            }
        }
        println!("{states} states, {violations} violations");
        ExitCode::from(u8::from(violations > 0))
    }
}

/// Each fault by itself, and none.
fn single_faults() -> Vec<Budget> {
    let none = Budget::default();
    vec![
        none,
        Budget { cuts: 1, ..none },
        Budget { pauses: 1, ..none },
        Budget { expiries: 1, ..none },
        Budget { deletes: 1, ..none },
        Budget { creates: 1, ..none },
        Budget { changes_of_mind: 1, ..none },
    ]
}
