//! One of the things that a client does over and over, one call at a time.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use zk_session::{Code, Error, Rng, SessionId, SessionState};
use zk_tokio::Client;

use super::Plan;
use super::holders::Exclusion;
use super::ledger::Ledger;
use super::registers::Registers;

/// What all clients share.
#[derive(Debug, Default)]
pub(super) struct Stage {
    pub(super) ledger: Ledger,
    pub(super) registers: Registers,
    pub(super) exclusion: Exclusion,
    over: AtomicBool,
}

impl Stage {
    /// Lets all lanes come to their ends.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// A lane of a client.
pub(super) struct Lane {
    pub(super) client: Client,
    /// Which client it is.
    pub(super) number: usize,
    pub(super) plan: Plan,
    pub(super) rng: Rng,
    pub(super) stage: Arc<Stage>,
    /// For each register the version that the session has been shown.
    pub(super) floors: Arc<Mutex<BTreeMap<String, (SessionId, i32)>>>,
}

impl Lane {
    /// Rests a moment; false when it is time to stop.
    pub(super) async fn goes_on(&mut self) -> bool {
        tokio::time::sleep(self.rng.up_to(REST_MAX)).await;
        !self.stage.over.load(Ordering::Relaxed)
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.rng.bits() % count as u64).expect("it is below a usize")
    }

    pub(super) async fn call<T>(
        &self,
        name: &'static str,
        refusals: &[Code],
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.stage.ledger.call(name, refusals, call).await
    }

    /// The present session, if there is a link: what happens between two looks at the same one happens in it.
    pub(super) fn session(&self) -> Option<SessionId> {
        linked(&self.client)
    }

    /// The parent of a client's sequential nodes.
    pub(super) fn sequence(number: usize) -> String {
        format!("/seq/{number}")
    }

    /// The register that only this client sets.
    pub(super) fn register(number: usize) -> String {
        format!("/reg/{number}")
    }

    /// A node that a client creates at some time, and perhaps deletes.
    pub(super) fn born(number: usize, count: usize) -> String {
        format!("/born/{number}-{count}")
    }
}

pub(super) fn linked(client: &Client) -> Option<SessionId> {
    if let SessionState::Connected { session, .. } = client.state() { Some(session) } else { None }
}

/// A client makes some 200 calls a second: enough to have calls under way at any time, and little enough for two cores.
const REST_MAX: Duration = Duration::from_millis(40);
