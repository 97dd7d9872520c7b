//! Clients of an ensemble that do a bit of everything while its nodes and links fail, and the comparison of what they were
//! told with what is there in the end.
//!
//! A seed fixes what is done and what fails, but not when: the servers, the network and the machine are real. What is
//! compared holds whatever happens; see the files of the lanes, each of which says what.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use zk_session::{Acl, CreateMode, Rng};
use zk_tokio::Client;

use self::faults::Saboteur;
use self::lane::{Lane, Stage};
use self::player::Player;
use crate::{Ensemble, fresh_path, wait_until};

pub use self::report::Report;

mod faults;
mod holders;
mod lane;
mod ledger;
mod player;
mod registers;
mod report;
mod states;
mod watchers;
mod writers;

/// How long to go on, and by which dice.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What all choices are drawn from.
    pub seed: u64,
    /// How long things fail. After that the ensemble recovers, and the comparison takes some seconds.
    pub duration: Duration,
    /// How many clients there are. Each has a session, and five calls or locks under way at a time.
    pub clients: usize,
    /// The mistake that each of them is to make, for tests of the comparison.
    #[cfg(feature = "wrong")]
    pub mistake: Option<Mistake>,
}

/// A mistake that a client can be told to make.
#[cfg(feature = "wrong")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// In its session.
    Session(zk_session::wrong::Wrong),
    /// In its lock.
    Lock(zk_recipes::wrong::Wrong),
}

#[cfg(feature = "wrong")]
impl Mistake {
    /// Those that concern what is played.
    pub fn all() -> impl Iterator<Item = Self> {
        use zk_session::wrong::Wrong;
        let more = [
            Wrong::TakesTimeFromEvents,
            Wrong::LivesBackwards,
            Wrong::RestoresItsOwnPaths,
            Wrong::NeverPauses,
        ];
        let sessions = Wrong::IN_WORLDS.into_iter().chain(more).map(Self::Session);
        sessions.chain(zk_recipes::wrong::Wrong::ALL.into_iter().map(Self::Lock))
    }
}

impl Plan {
    /// A minute with six clients that do right.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            duration: Duration::from_secs(60),
            clients: 6,
            #[cfg(feature = "wrong")]
            mistake: None,
        }
    }
}

/// Plays on an ensemble, all of whose nodes serve, and leaves it like that.
///
/// # Panics
///
/// When the ensemble does not recover, or the system gives no threads.
#[must_use]
pub fn run(ensemble: &mut Ensemble, plan: &Plan) -> Report {
    let runtime = Runtime::new().expect("the system has threads");
    let mut rng = Rng::new(plan.seed);
    let root = fresh_path();
    let stage = Arc::new(Stage::default());
    let witness = runtime.block_on(witness(ensemble, &root, plan.clients));
    let servers = format!("{}{root}", ensemble.connect_string());
    let players: Vec<Player> = (0..plan.clients)
        .map(|number| {
            let (seed, stage) = (rng.bits(), Arc::clone(&stage));
            runtime.block_on(Player::enter(number, plan, &servers, seed, stage))
        })
        .collect();

    let mut saboteur = Saboteur::new(rng.bits());
    let end = Instant::now() + plan.duration;
    while Instant::now() < end {
        let pause = saboteur.act(ensemble).min(end.saturating_duration_since(Instant::now()));
        thread::sleep(pause);
    }
    ensemble.recover();
    calm(&stage);
    stage.end();
    let report = runtime.block_on(conclude(players, &witness, &stage));
    Report { faults: saboteur.into_tally(), ..report }
}

/// Waits until calls are answered again.
fn calm(stage: &Stage) {
    let before = stage.ledger.answered();
    wait_until("calls are answered", CALM_LIMIT, || stage.ledger.answered() > before + CALM_CALLS);
}

/// A client past all proxies, and the nodes that the others need.
async fn witness(ensemble: &Ensemble, root: &str, clients: usize) -> Client {
    let servers: Vec<_> = (0..ensemble.size()).map(|node| ensemble.address(node).to_string()).collect();
    let mut config = Client::config(&servers.join(",")).expect("addresses make a connect string");
    config.session_timeout = WITNESS_TIMEOUT;
    let outside = Client::open(config.clone());
    let mut paths = vec![root.to_owned()];
    let fixed = ["/seq", "/born", "/pair", "/batch", "/eph", "/reg", "/reg/shared", "/audit"];
    paths.extend(fixed.iter().map(|path| format!("{root}{path}")));
    for number in 0..clients {
        paths.extend([Lane::sequence(number), Lane::register(number)].map(|path| format!("{root}{path}")));
    }
    for path in &paths {
        let made = outside.create(path, "", Acl::open_unsafe(), CreateMode::Persistent).await;
        made.expect("nothing fails so far");
    }
    outside.close().await;
    config.servers = format!("{}{root}", servers.join(",")).parse().expect("as before, with a root");
    Client::open(config)
}

async fn conclude(players: Vec<Player>, witness: &Client, stage: &Arc<Stage>) -> Report {
    let ledger = &stage.ledger;
    let mut played = Vec::new();
    let until = tokio::time::Instant::now() + player::CALM_LIMIT;
    for player in players {
        played.push(player.finish(until, ledger).await);
    }
    ledger.expect(ledger.begun() == ledger.ended(), || {
        format!("{} calls were made and {} have ended", ledger.begun(), ledger.ended())
    });
    witness.sync("/").await.expect("the ensemble has recovered");
    writers::check(&played, witness, ledger).await;
    registers::check(&played, witness, stage).await;
    let mut report = Report::default();
    watchers::check(&mut played, witness, ledger, &mut report).await;
    for player in played {
        player.leave(ledger, &mut report).await;
    }
    writers::check_departed(witness, ledger).await;
    witness.close().await;
    report.settle(stage);
    report
}

/// Kills of leaders are nothing to the witness, nor are pauses.
const WITNESS_TIMEOUT: Duration = Duration::from_secs(20);

const CALM_LIMIT: Duration = Duration::from_secs(30);
const CALM_CALLS: u64 = 200;
