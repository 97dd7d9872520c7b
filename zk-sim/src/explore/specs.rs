//! Specs of the recipes of `zk-recipes`, one file each.

pub use lock::{LockLedger, LockUser, Locks};

mod lock;
