//! A client and its lanes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use zk_session::{Rng, SessionState, Zxid};
use zk_tokio::Client;

use super::lane::{Lane, Stage};
use super::ledger::Ledger;
use super::report::Report;
use super::watchers::Watching;
use super::{Plan, holders, registers, states, watchers, writers};

/// A client that plays.
pub(super) struct Player {
    client: Client,
    states: JoinHandle<Vec<SessionState>>,
    written: JoinHandle<Vec<writers::Written>>,
    sets: JoinHandle<Vec<registers::Written>>,
    reads: JoinHandle<()>,
    watches: JoinHandle<Vec<Watching>>,
    held: JoinHandle<Vec<(Zxid, String)>>,
}

/// A client that makes no more calls, and what it was told.
pub(super) struct Played {
    pub(super) client: Client,
    pub(super) written: Vec<writers::Written>,
    pub(super) sets: Vec<registers::Written>,
    pub(super) watches: Vec<Watching>,
    pub(super) held: Vec<(Zxid, String)>,
    states: JoinHandle<Vec<SessionState>>,
}

impl Player {
    /// Opens a client and lets it play.
    pub(super) async fn enter(
        number: usize,
        plan: &Plan,
        servers: &str,
        seed: u64,
        stage: Arc<Stage>,
    ) -> Self {
        let mut rng = Rng::new(seed);
        let mut config = Client::config(servers).expect("addresses make a connect string");
        config.seed = rng.bits();
        config.session_timeout = TIMEOUT_MIN + rng.up_to(TIMEOUT_MORE);
        #[cfg(feature = "wrong")]
        if let Some(super::Mistake::Session(mistake)) = plan.mistake {
            config.wrong = Some(mistake);
        }
        let client = Client::open(config);
        client.connected(CALM_LIMIT).await.expect("nothing fails so far");
        let floors = Arc::new(Mutex::new(BTreeMap::new()));
        let mut lane = || Lane {
            client: client.clone(),
            number,
            plan: *plan,
            rng: Rng::new(rng.bits()),
            stage: Arc::clone(&stage),
            floors: Arc::clone(&floors),
        };
        Self {
            states: tokio::spawn(client.states().collect()),
            written: tokio::spawn(writers::play(lane())),
            sets: tokio::spawn(registers::set(lane())),
            reads: tokio::spawn(registers::read(lane())),
            watches: tokio::spawn(watchers::play(lane())),
            held: tokio::spawn(holders::play(lane())),
            client,
        }
    }

    /// Awaits the ends of all lanes, and with them of all calls, and a link.
    pub(super) async fn finish(self, until: Instant, ledger: &Ledger) -> Played {
        let written = ended("the creates", self.written, until, ledger).await;
        let sets = ended("the sets", self.sets, until, ledger).await;
        ended("the reads", self.reads, until, ledger).await;
        let watches = ended("the setting of watches", self.watches, until, ledger).await;
        let held = ended("the locks", self.held, until, ledger).await;
        if let Err(error) = self.client.connected(until.saturating_duration_since(Instant::now())).await {
            ledger.violation(format!("no link although nothing fails: {error}"));
        }
        Played { client: self.client, written, sets, watches, held, states: self.states }
    }
}

impl Played {
    /// Closes the client, and checks what it was told as a whole.
    pub(super) async fn leave(self, ledger: &Ledger, report: &mut Report) {
        let closing = tokio::time::timeout(CALM_LIMIT, self.client.close());
        ledger.expect(closing.await.is_ok(), || "a client does not close".into());
        watchers::check_closed(self.watches, ledger, report).await;
        report.written_under_the_lock.extend(self.held);
        states::check(&ended("the states", self.states, Instant::now() + CALM_LIMIT, ledger).await, ledger);
    }
}

/// The result of a lane; nothing if it does not end.
async fn ended<T: Default>(what: &str, task: JoinHandle<T>, until: Instant, ledger: &Ledger) -> T {
    match tokio::time::timeout_at(until, task).await {
        Ok(Ok(result)) => return result,
        Ok(Err(panic)) => ledger.violation(format!("{what}: {panic}")),
        Err(_) => ledger.violation(format!("{what} have not ended")),
    }
    T::default()
}

/// Some sessions expire by the faults, some do not.
const TIMEOUT_MIN: Duration = Duration::from_millis(1500);
const TIMEOUT_MORE: Duration = Duration::from_millis(6500);

/// Enough for all that is to end when nothing fails any more.
pub(super) const CALM_LIMIT: Duration = Duration::from_secs(30);
