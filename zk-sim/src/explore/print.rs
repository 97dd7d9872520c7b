//! Fingerprints of states. Numbers of transactions count by their order only, so that histories of different lengths which
//! come to the same make the same state.

use std::hash::{Hash, Hasher};

use super::ground::EPOCH;

/// Takes fingerprints; kept for its memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Printer {
    /// What a value feeds a hasher with.
    bytes: Vec<u8>,
    /// Where in it the number of a transaction is to be filled in.
    zxids: Vec<(usize, i64)>,
    order: Vec<i64>,
}

/// Two hashes of 64 bits with different seeds: among millions of states no two meet by chance.
pub(super) type Print = (u64, u64);

impl Printer {
    pub(super) fn print(&mut self, value: &impl Hash) -> Print {
        self.bytes.clear();
        self.zxids.clear();
        value.hash(self);
        self.order.clear();
        self.order.extend(self.zxids.iter().map(|(_, zxid)| zxid));
        self.order.sort_unstable();
        self.order.dedup();
        for (at, zxid) in &self.zxids {
            let rank = self.order.partition_point(|other| other < zxid) as u64;
            self.bytes[*at..*at + size_of::<u64>()].copy_from_slice(&rank.to_ne_bytes());
        }
        self.fold()
    }

    /// The length and the words, each multiplied in twice. A hash against attackers would be the costliest part of a search.
    fn fold(&self) -> Print {
        let mut print = (FACTORS.1 ^ self.bytes.len() as u64, FACTORS.0);
        for chunk in self.bytes.chunks(size_of::<u64>()) {
            let mut word = [0; size_of::<u64>()];
            word[..chunk.len()].copy_from_slice(chunk);
            let word = u64::from_ne_bytes(word);
            print = (multiplied(print.0 ^ word, FACTORS.0), multiplied(print.1 ^ word, FACTORS.1));
        }
        print
    }
}

/// The product with its upper half folded onto the lower one.
const fn multiplied(word: u64, factor: u64) -> u64 {
    let product = word as u128 * factor as u128;
    (product >> u64::BITS) as u64 ^ product as u64
}

/// Odd numbers without a pattern: the fractions of the golden ratio and of the square root of 2, in 64 bits.
const FACTORS: (u64, u64) = (0x9e37_79b9_7f4a_7c15, 0x6a09_e667_f3bc_c909);

impl Hasher for Printer {
    fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn write_i64(&mut self, number: i64) {
        if number >> 32 == EPOCH {
            self.zxids.push((self.bytes.len(), number));
        }
        self.bytes.extend_from_slice(&number.to_ne_bytes());
    }

    /// Nobody asks for it: a fingerprint is taken of the whole.
    fn finish(&self) -> u64 {
        self.bytes.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Zxid;

    const fn zxid(number: i64) -> Zxid {
        Zxid((EPOCH << 32) + number)
    }

    #[test]
    fn the_order_of_transactions_counts_and_not_their_numbers() {
        let mut printer = Printer::default();
        let few = printer.print(&[(zxid(1), "a"), (zxid(2), "b"), (zxid(1), "c")]);
        assert_eq!(few, printer.print(&[(zxid(5), "a"), (zxid(9), "b"), (zxid(5), "c")]));
        assert_ne!(few, printer.print(&[(zxid(9), "a"), (zxid(5), "b"), (zxid(9), "c")]));
        assert_ne!(few, printer.print(&[(zxid(5), "a"), (zxid(9), "b"), (zxid(6), "c")]));
        assert_ne!(few, printer.print(&[(zxid(1), "a"), (zxid(2), "b"), (zxid(1), "d")]));
    }

    #[test]
    fn other_numbers_count_as_they_are() {
        let mut printer = Printer::default();
        assert_ne!(printer.print(&(1_i64, 2_i64)), printer.print(&(5_i64, 9_i64)));
    }
}
