//! Goes on deleting nodes that nobody wants any more, until they are gone or their session is.
//!
//! Only ephemeral nodes with unique names may be handed to it: deleting one twice harms nobody, and the end of the session
//! deletes what is left. It is no recipe: nobody waits for it.

use alloc::collections::BTreeMap;

use crate::runner::PATIENTLY;
use zk_session::ops::Delete;
use zk_session::{Answer, CallId, Calls, Code, Error, Instant, Path, Rng, Version};

use crate::parts::pace::Pause;

/// The nodes that are still to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Janitor(BTreeMap<Path, Chore>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Chore {
    state: State,
    pause: Pause,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Deleting(CallId),
    Resting(Instant),
}

impl Janitor {
    /// Takes over a node and tries to delete it at once.
    pub(crate) fn add(&mut self, path: Path, now: Instant, calls: &mut dyn Calls) {
        self.0.entry(path).or_insert(Chore { state: State::Resting(now), pause: Pause::default() });
        self.work(now, calls);
    }

    /// Sends the deletes that are due. Without a link they wait in the engine.
    pub(crate) fn work(&mut self, now: Instant, calls: &mut dyn Calls) {
        for (path, chore) in &mut self.0 {
            let State::Resting(until) = chore.state else { continue };
            if until > now {
                continue;
            }
            let delete = Delete { path: path.clone(), version: Version::ANY };
            chore.state = match calls.submit(delete.into(), PATIENTLY, now) {
                Ok(call) => State::Deleting(call),
                Err(_) => State::Resting(now + Pause::FIRST),
            };
        }
    }

    /// One of the deletes has ended.
    pub(crate) fn completed(
        &mut self,
        call: CallId,
        result: Result<Answer, Error>,
        now: Instant,
        rng: &mut Rng,
    ) {
        let Some((path, chore)) = self.0.iter_mut().find(|(_, chore)| chore.state == State::Deleting(call))
        else {
            return;
        };
        match result {
            Ok(_) | Err(Error::Server(Code::NoNode)) => {
                let path = path.clone();
                self.0.remove(&path);
            }
            Err(error) => {
                if let Error::Server(code) = error {
                    tracing::warn!(%path, %code, "a leftover node cannot be deleted so far");
                }
                chore.state = State::Resting(now + chore.pause.next(rng));
            }
        }
    }

    /// Forgets everything: the session that owned the nodes has ended.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.0.values().filter_map(Chore::due).min()
    }

    pub(crate) fn awaits(&self, call: CallId) -> bool {
        self.0.values().any(|chore| chore.state == State::Deleting(call))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Chore {
    const fn due(&self) -> Option<Instant> {
        match self.state {
            State::Resting(until) => Some(until),
            State::Deleting(_) => None,
        }
    }
}
