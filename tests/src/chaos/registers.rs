//! Registers: what was set is what is read, each value once, in the order of versions, and never backwards in a session.
//!
//! Each client has a register that only it sets, whatever is there; one more is set by all, by the version that they have
//! read.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zk_session::ops::NodeData;
use zk_session::{Code, Error, SessionId, Stat, Version, Zxid};
use zk_tokio::Client;

use super::lane::{Lane, Stage};
use super::ledger::Ledger;
use super::player::Played;

const SHARED: &str = "/reg/shared";

/// What each version of each register was, by all that was seen of it.
#[derive(Debug, Default)]
pub(super) struct Registers(Mutex<BTreeMap<String, Versions>>);

type Versions = BTreeMap<i32, (Zxid, String)>;

/// A set, and what became of it.
#[derive(Debug)]
pub(super) struct Written {
    register: String,
    value: String,
    result: Result<Stat, Error>,
    /// The session, if it was the same before and after.
    session: Option<SessionId>,
}

impl Registers {
    /// A version is one value, of one transaction, whoever looks.
    fn observe(&self, register: &str, stat: &Stat, value: &str, ledger: &Ledger) {
        let mut registers = self.lock();
        match registers.entry(register.to_owned()).or_default().entry(stat.version) {
            Entry::Vacant(vacant) => drop(vacant.insert((stat.mzxid, value.to_owned()))),
            Entry::Occupied(occupied) => {
                ledger.expect(*occupied.get() == (stat.mzxid, value.to_owned()), || {
                    let (mzxid, known) = occupied.get();
                    format!(
                        "{register} at version {} was {known:?} of {mzxid}, and is {value:?} of {}",
                        stat.version, stat.mzxid
                    )
                })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Versions>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets the client's register, and now and then the shared one.
pub(super) async fn set(mut lane: Lane) -> Vec<Written> {
    let mut written = Vec::new();
    while lane.goes_on().await {
        let value = format!("{}-{}", lane.number, written.len());
        let (register, version, refusals) = if lane.below(3) == 0 {
            let Ok(seen) = look(&lane, SHARED).await else { continue };
            let version = Version::exactly(seen.stat.version).expect("it has not been set so often");
            (SHARED.to_owned(), version, &[Code::BadVersion][..])
        } else {
            (Lane::register(lane.number), Version::ANY, &[][..])
        };
        let before = lane.session();
        let call = lane.client.set_data(&*register, value.clone(), version);
        let result = lane.call("set", refusals, call).await;
        let session = before.filter(|before| lane.session() == Some(*before));
        if let Ok(stat) = &result {
            lane.stage.registers.observe(&register, stat, &value, &lane.stage.ledger);
            raise(&lane, &register, session, stat.version);
        }
        written.push(Written { register, value, result, session });
    }
    written
}

/// Reads any register.
pub(super) async fn read(mut lane: Lane) {
    while lane.goes_on().await {
        let number = lane.below(lane.plan.clients + 1);
        let register = if number == lane.plan.clients { SHARED.to_owned() } else { Lane::register(number) };
        // How it ended is in the ledger.
        let _ = look(&lane, &register).await;
    }
}

/// Reads, and compares with what the session has been shown before the call.
async fn look(lane: &Lane, register: &str) -> Result<NodeData, Error> {
    let before = lane.session();
    let floor = lane.floors.lock().unwrap_or_else(PoisonError::into_inner).get(register).copied();
    let node = lane.call("get", &[], lane.client.get_data(register)).await?;
    let session = before.filter(|before| lane.session() == Some(*before));
    let value = String::from_utf8_lossy(node.data.as_deref().unwrap_or_default()).into_owned();
    lane.stage.registers.observe(register, &node.stat, &value, &lane.stage.ledger);
    if let (Some(session), Some((of, floor))) = (session, floor)
        && session == of
    {
        let version = node.stat.version;
        lane.stage.ledger.expect(version >= floor, || {
            format!("{session} was shown version {floor} of {register}, and then {version}")
        });
    }
    raise(lane, register, session, node.stat.version);
    Ok(node)
}

/// Takes note of what the session has been shown.
fn raise(lane: &Lane, register: &str, session: Option<SessionId>, version: i32) {
    let Some(session) = session else { return };
    let mut floors = lane.floors.lock().unwrap_or_else(PoisonError::into_inner);
    let floor = floors.entry(register.to_owned()).or_insert((session, version));
    *floor = if floor.0 == session { (session, floor.1.max(version)) } else { (session, version) };
}

/// Compares what each client was told of its sets with all that was ever seen, and what there is in the end.
pub(super) async fn check(played: &[Played], witness: &Client, stage: &Arc<Stage>) {
    let ledger = &stage.ledger;
    let names = (0..played.len()).map(Lane::register).chain([SHARED.to_owned()]);
    let mut last = BTreeMap::new();
    for register in names {
        let node = witness.get_data(&*register).await.expect("the ensemble has recovered");
        let value = String::from_utf8_lossy(node.data.as_deref().unwrap_or_default()).into_owned();
        stage.registers.observe(&register, &node.stat, &value, ledger);
        last.insert(register, node.stat.version);
    }
    let registers = stage.registers.lock();
    for (register, versions) in &*registers {
        let sets: Vec<_> =
            played.iter().flat_map(|player| &player.sets).filter(|set| set.register == *register).collect();
        count(register, last[register], &sets, ledger);
        compare(register, versions, &sets, ledger);
    }
    for player in played {
        in_order(&player.sets, &registers, ledger);
    }
}

/// Every set that was answered raised the version, and no other but those whose answers were lost.
fn count(register: &str, version: i32, sets: &[&Written], ledger: &Ledger) {
    let number = |such: fn(&Result<Stat, Error>) -> bool| sets.iter().filter(|set| such(&set.result)).count();
    let done = number(Result::is_ok);
    let maybe = number(|result| matches!(result, Err(Error::MaybeApplied(_))));
    let version = usize::try_from(version).expect("versions grow from 0");
    ledger.expect((done..=done + maybe).contains(&version), || {
        format!("{register} has version {version}; {done} sets were answered and {maybe} may be applied")
    });
}

/// Every value that was seen was set, once, and the transactions of later versions are later.
fn compare(register: &str, versions: &Versions, sets: &[&Written], ledger: &Ledger) {
    let by_value: BTreeMap<&str, &Written> = sets.iter().map(|set| (&*set.value, *set)).collect();
    let mut seen = BTreeMap::new();
    let mut before = Zxid::new(0);
    for (version, (mzxid, value)) in versions {
        ledger.expect(*mzxid > before, || {
            format!("{register}: version {version} is of {mzxid}, after {before}")
        });
        before = *mzxid;
        if *version == 0 && value.is_empty() {
            continue;
        }
        if let Some(other) = seen.insert(value, version) {
            ledger.violation(format!("{register} was set to {value:?} twice, at {other} and {version}"));
        }
        let possible = by_value.get(&**value).is_some_and(|set| match &set.result {
            Ok(stat) => stat.version == *version,
            Err(error) => matches!(error, Error::MaybeApplied(_)),
        });
        ledger.expect(possible, || {
            format!("{register} was {value:?} at version {version}: {:?}", by_value.get(&**value))
        });
    }
}

/// What a client set in one session, one after the other, was set in this order.
fn in_order(sets: &[Written], registers: &BTreeMap<String, Versions>, ledger: &Ledger) {
    for (register, versions) in registers {
        let places: BTreeMap<&str, i32> =
            versions.iter().map(|(version, (_, value))| (&**value, *version)).collect();
        let mut last: Option<(Option<SessionId>, i32)> = None;
        for set in sets.iter().filter(|set| set.register == *register) {
            let Some(place) = places.get(&*set.value) else { continue };
            if let Some((session, before)) = last
                && session.is_some()
                && session == set.session
            {
                ledger.expect(*place > before, || format!("{set:?} came before one that was made earlier"));
            }
            last = Some((set.session, *place));
        }
    }
}
