//! The log that all servers of an ensemble apply in the same order. It does not look into a transaction.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::acl::Id;
use crate::txn::{Txn, Write};
use crate::{Millis, SessionId, Zxid};

/// Hands out zxids, and keeps the last transactions for who has not applied them yet.
#[derive(Clone, Debug)]
pub struct Log {
    last: Zxid,
    kept: VecDeque<Txn>,
    kept_max: usize,
}

impl Log {
    /// An empty log, which keeps up to `kept_max` transactions.
    #[must_use]
    pub const fn new(kept_max: usize) -> Self {
        Self { last: Zxid(0), kept: VecDeque::new(), kept_max }
    }

    /// Gives a write its place.
    pub fn append(&mut self, time: Millis, session: SessionId, identities: Arc<[Id]>, write: Write) -> Txn {
        self.last = Zxid(self.last.0.wrapping_add(1));
        let txn = Txn { zxid: self.last, time, session, identities, write };
        if self.kept_max > 0 {
            if self.kept.len() == self.kept_max {
                self.kept.pop_front();
            }
            self.kept.push_back(txn.clone());
        }
        txn
    }

    /// Begins the epoch of a new leader.
    pub const fn begin_epoch(&mut self) {
        self.last = Zxid(((self.last.0 >> EPOCH_SHIFT) + 1) << EPOCH_SHIFT);
    }

    /// The last zxid that was handed out.
    #[must_use]
    pub const fn last(&self) -> Zxid {
        self.last
    }

    /// The transactions that are kept and come after `applied`, in order.
    pub fn after(&self, applied: Zxid) -> impl Iterator<Item = &Txn> {
        self.kept.range(self.kept.partition_point(|txn| txn.zxid <= applied)..)
    }
}

/// The epoch is the high half of a zxid.
const EPOCH_SHIFT: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Quirks, Tree, apply};

    fn log() -> Log {
        let mut log = Log::new(2);
        for _ in 0..3 {
            log.append(Millis(1), SessionId(1), [].into(), Write::Refused(Code::BadArguments));
        }
        log
    }

    #[test]
    fn zxids_count_up_and_epochs_start_anew() {
        let mut log = log();
        assert_eq!(log.last(), Zxid(3));
        log.begin_epoch();
        let txn = log.append(Millis(1), SessionId(1), [].into(), Write::CloseSession);
        assert_eq!(txn.zxid, Zxid((1 << 32) + 1));
    }

    #[test]
    fn no_more_is_kept_than_asked_for() {
        assert_eq!(log().after(Zxid(0)).map(|txn| txn.zxid.0).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(log().after(Zxid(2)).map(|txn| txn.zxid.0).collect::<Vec<_>>(), [3]);
        let mut none = Log::new(0);
        none.append(Millis(1), SessionId(1), [].into(), Write::CloseSession);
        assert_eq!(none.after(Zxid(0)).count(), 0);
    }

    #[test]
    fn a_server_that_lags_comes_to_the_same_tree() {
        let quirks = Quirks::default();
        let mut log = log();
        let mut ahead = Tree::new(&quirks);
        for write in [Write::OpenSession { timeout_ms: 1000 }, Write::CloseSession] {
            let txn = log.append(Millis(5), SessionId(1), [].into(), write);
            apply(&mut ahead, &txn, &quirks).0.unwrap();
        }
        let mut behind = Tree::new(&quirks);
        for txn in log.after(Zxid(3)) {
            apply(&mut behind, txn, &quirks).0.unwrap();
        }
        assert_eq!(ahead, behind);
    }
}
