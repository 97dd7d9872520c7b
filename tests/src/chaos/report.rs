//! What a run has brought.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use zk_session::Zxid;

use super::holders;
use super::lane::Stage;

/// The counts of a run, and what was wrong.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How often what has failed.
    pub faults: BTreeMap<&'static str, u64>,
    /// The calls, by operation and outcome.
    pub calls: BTreeMap<(&'static str, String), u64>,
    /// What happened to sessions, locks and watches.
    pub events: BTreeMap<&'static str, u64>,
    /// Watches that have told of a change.
    pub watches_fired: u64,
    /// Watches that have ended with their sessions.
    pub watches_expired: u64,
    /// Watches whose nodes did not change, and which have ended with their clients.
    pub watches_closed: u64,
    /// What contradicts the promises of the client. There is to be none.
    pub violations: Vec<String>,
    pub(super) written_under_the_lock: Vec<(Zxid, String)>,
}

impl Report {
    /// How many calls of all operations have ended so: `ok`, `maybe applied`, `not sent`, or the code of a refusal.
    #[must_use]
    pub fn ended(&self, outcome: &str) -> u64 {
        self.calls.iter().filter(|((_, ended), _)| ended == outcome).map(|(_, count)| count).sum()
    }

    /// How often something of [`Report::events`] has happened.
    #[must_use]
    pub fn happened(&self, event: &str) -> u64 {
        self.events.get(event).copied().unwrap_or_default()
    }

    /// Takes over what the stage has gathered.
    pub(super) fn settle(&mut self, stage: &Stage) {
        holders::check(std::mem::take(&mut self.written_under_the_lock), &stage.ledger);
        self.calls = stage.ledger.outcomes();
        self.events = stage.ledger.counts();
        self.violations = stage.ledger.violations();
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "faults: {}", self.faults.values().sum::<u64>())?;
        for (fault, count) in &self.faults {
            writeln!(out, "  {count:>7} {fault}")?;
        }
        writeln!(out, "calls: {}", self.calls.values().sum::<u64>())?;
        for ((operation, outcome), count) in &self.calls {
            writeln!(out, "  {count:>7} {operation}: {outcome}")?;
        }
        writeln!(out, "events:")?;
        for (event, count) in &self.events {
            writeln!(out, "  {count:>7} {event}")?;
        }
        for (what, count) in [
            ("watches fired", self.watches_fired),
            ("watches ended by an expiry", self.watches_expired),
            ("watches silent with reason", self.watches_closed),
        ] {
            writeln!(out, "  {count:>7} {what}")?;
        }
        writeln!(out, "violations: {}", self.violations.len())?;
        self.violations.iter().try_for_each(|violation| writeln!(out, "  {violation}"))
    }
}
