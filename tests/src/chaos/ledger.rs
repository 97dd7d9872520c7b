//! What is counted, and what is held against the client.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zk_session::{Code, Error, Why};

#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    begun: u64,
    ended: u64,
    answered: u64,
    /// By operation and outcome.
    outcomes: BTreeMap<(&'static str, String), u64>,
    /// By name.
    counts: BTreeMap<&'static str, u64>,
    violations: Vec<String>,
    /// Those that are not kept.
    more: u64,
}

impl Ledger {
    /// Awaits a call and takes note of how it ends. `refusals` are the server's answers that may well come.
    pub(super) async fn call<T>(
        &self,
        name: &'static str,
        refusals: &[Code],
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.entries().begun += 1;
        let result = call.await;
        let outcome = match &result {
            Ok(_) => "ok".into(),
            Err(Error::NotSent(_)) => "not sent".into(),
            Err(Error::MaybeApplied(_)) => "maybe applied".into(),
            Err(Error::Server(code)) => format!("{code:?}"),
            Err(other) => format!("{other}"),
        };
        match &result {
            Err(Error::Server(code)) if !refusals.contains(code) => {
                self.violation(format!("{name}: {code:?}"))
            }
            Err(Error::Misuse(misuse)) => self.violation(format!("{name}: {misuse}")),
            Err(Error::NotSent(Why::Full | Why::Deadline)) => self.violation(format!("{name}: {outcome}")),
            _ => {}
        }
        let mut entries = self.entries();
        entries.ended += 1;
        entries.answered += u64::from(matches!(result, Ok(_) | Err(Error::Server(_))));
        *entries.outcomes.entry((name, outcome)).or_default() += 1;
        drop(entries);
        result
    }

    pub(super) fn count(&self, name: &'static str) {
        *self.entries().counts.entry(name).or_default() += 1;
    }

    pub(super) fn expect(&self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.violation(otherwise());
        }
    }

    pub(super) fn violation(&self, text: String) {
        let mut entries = self.entries();
        if entries.violations.len() < VIOLATIONS_MAX {
            entries.violations.push(text);
        } else {
            entries.more += 1;
        }
    }

    pub(super) fn begun(&self) -> u64 {
        self.entries().begun
    }

    pub(super) fn ended(&self) -> u64 {
        self.entries().ended
    }

    pub(super) fn answered(&self) -> u64 {
        self.entries().answered
    }

    pub(super) fn outcomes(&self) -> BTreeMap<(&'static str, String), u64> {
        self.entries().outcomes.clone()
    }

    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.entries().counts.clone()
    }

    pub(super) fn violations(&self) -> Vec<String> {
        let entries = self.entries();
        let more = (entries.more > 0).then(|| format!("and {} more", entries.more));
        entries.violations.iter().cloned().chain(more).collect()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Each method leaves the entries whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first ones tell what is wrong.
const VIOLATIONS_MAX: usize = 50;
