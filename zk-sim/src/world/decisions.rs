//! Every random choice of a run, in one list: the same list gives the same run, and a shorter one a simpler run.

use zk_session::Rng;

/// Where the choices of a run come from. It keeps what it has chosen.
///
/// Zero is the calm choice everywhere: no fault, the shortest delay. A list that has run out goes on with zeros, so any
/// list is a run, and a list can be made simpler by putting zeros into it.
#[derive(Clone, Debug)]
pub struct Decisions {
    source: Source,
    made: Vec<u64>,
}

#[derive(Clone, Debug)]
enum Source {
    Seed(Rng),
    List(std::vec::IntoIter<u64>),
}

/// Chances are given in millionths.
const MILLION: u64 = 1_000_000;

impl Decisions {
    /// Choices drawn from a seed.
    #[must_use]
    pub const fn from_seed(seed: u64) -> Self {
        Self { source: Source::Seed(Rng::new(seed)), made: Vec::new() }
    }

    /// The choices of an earlier run.
    #[must_use]
    pub fn from_list(list: Vec<u64>) -> Self {
        Self { source: Source::List(list.into_iter()), made: Vec::new() }
    }

    /// What was chosen so far.
    #[must_use]
    pub fn made(&self) -> &[u64] {
        &self.made
    }

    /// One of the numbers below `count`, which is at least 1.
    pub fn below(&mut self, count: u64) -> u64 {
        let count = count.max(1);
        let chosen = match &mut self.source {
            Source::Seed(rng) => rng.bits() % count,
            Source::List(list) => list.next().unwrap_or(0).min(count - 1),
        };
        self.made.push(chosen);
        chosen
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least).saturating_add(1))
    }

    /// A pause of up to `most`. The longest one is calm.
    pub fn pause(&mut self, most: u64) -> u64 {
        most - self.below(most)
    }

    /// A number from `least` to about `most` whose logarithm is spread evenly: small ones are as frequent as large ones.
    pub fn scale(&mut self, least: u64, most: u64) -> u64 {
        let doublings = u64::from((most / least.max(1)).max(1).ilog2());
        let base = least.max(1) << self.below(doublings + 1);
        (base + self.below(base)).min(most)
    }

    /// Whether something happens that does so `millionths` times in a million.
    pub fn chance(&mut self, millionths: u64) -> bool {
        millionths > 0 && self.below(MILLION) >= MILLION.saturating_sub(millionths)
    }

    /// One of these; the first is the calm one.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let at = self.below(of.len() as u64);
        of.get(usize::try_from(at).unwrap_or_default()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_repeats_what_a_seed_has_chosen() {
        let choose = |decisions: &mut Decisions| {
            let numbers = [decisions.below(7), decisions.between(3, 9), decisions.scale(10, 5000)];
            (numbers, decisions.chance(500_000), decisions.pick(&["a", "b", "c"]))
        };
        for seed in 0..200 {
            let mut first = Decisions::from_seed(seed);
            let chosen = choose(&mut first);
            assert!(chosen.0[0] < 7 && (3..=9).contains(&chosen.0[1]) && (10..=5000).contains(&chosen.0[2]));
            assert_eq!(choose(&mut Decisions::from_list(first.made().to_vec())), chosen);
        }
    }

    #[test]
    fn without_a_list_everything_is_calm() {
        let mut decisions = Decisions::from_list(vec![]);
        assert_eq!((decisions.below(9), decisions.between(3, 9), decisions.scale(10, 5000)), (0, 3, 10));
        assert!(!decisions.chance(999_999));
        assert!(decisions.chance(1_000_000) && !decisions.chance(0), "certain is certain");
        assert_eq!(decisions.pick(&[1, 2]), Some(1));
        assert_eq!(decisions.pick::<u8>(&[]), None);
    }
}
