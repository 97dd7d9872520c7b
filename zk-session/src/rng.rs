//! The seeded source of jitter, shuffles and tokens. It is not for secrets: who knows the seed knows the sequence.

use core::time::Duration;

/// A small generator (splitmix64): the same seed gives the same sequence on every machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rng(u64);

impl Rng {
    /// A generator that starts at `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Sixteen bytes, for a token.
    pub fn token(&mut self) -> [u8; 16] {
        let mut token = [0; 16];
        token[..8].copy_from_slice(&self.bits().to_be_bytes());
        token[8..].copy_from_slice(&self.bits().to_be_bytes());
        token
    }

    /// A duration from zero to `most`, both included.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(match most.checked_add(1) {
            Some(choices) => self.bits() % choices,
            None => self.bits(),
        })
    }

    /// Puts `items` into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.bits() % (last as u64 + 1);
            items.swap(last, usize::try_from(other).unwrap_or(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_repeat_with_their_seed() {
        let tokens = |seed| {
            let mut rng = Rng::new(seed);
            [rng.token(), rng.token()]
        };
        let [first, second] = tokens(7);
        assert!(first != second && first[..8] != first[8..] && first != [0; 16]);
        assert_eq!(tokens(7), [first, second]);
        assert_ne!(tokens(8)[0], first);
    }
}
