//! From a run that breaks a law to one that breaks it with fewer choices that are not calm.

use super::{Decisions, Law, Limits, run};

/// Puts zeros into the choices of a run as long as it breaks the same law, trying at most `tries` runs. The result is the
/// list of a run that breaks it, without the zeros at its end.
#[must_use]
pub fn shrink(decisions: &[u64], law: Law, limits: Limits, tries: usize) -> Vec<u64> {
    let limits = Limits { lines: 0, ..limits };
    let mut best = decisions.to_vec();
    let mut left = tries;
    let mut breaks = |list: &[u64]| {
        left = left.checked_sub(1)?;
        let outcome = run(Decisions::from_list(list.to_vec()), limits);
        Some(outcome.violation.filter(|violation| violation.law == law).map(|_| outcome.decisions))
    };
    let mut size = best.len().next_power_of_two() / 2;
    while size > 0 {
        let mut at = 0;
        while at < best.len() {
            let end = (at + size).min(best.len());
            if best.get(at..end).is_some_and(|part| part.iter().any(|choice| *choice != 0)) {
                let mut calmer = best.clone();
                calmer.iter_mut().take(end).skip(at).for_each(|choice| *choice = 0);
                let Some(broken) = breaks(&calmer) else { return trimmed(best) };
                if broken.is_some() {
                    best = calmer;
                }
            }
            at = end;
        }
        size /= 2;
    }
    trimmed(best)
}

fn trimmed(list: Vec<u64>) -> Vec<u64> {
    let mut list = list;
    let used = list.iter().rposition(|choice| *choice != 0).map_or(0, |last| last + 1);
    list.truncate(used);
    list
}
