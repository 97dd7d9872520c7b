//! The one ensemble of this test process: tests take turns, and find it whole.
//!
//! Six servers at once would be too many for a small machine, and to start three takes seconds.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zk_tests::{Ensemble, Installation, Options, Release};

/// One test's turn with the ensemble.
pub(crate) struct Visit(MutexGuard<'static, Option<Lodged>>);

pub(crate) struct Lodged {
    release: Option<Release>,
    ensemble: Ensemble,
}

static HOUSE: Mutex<Option<Lodged>> = Mutex::new(None);

/// An ensemble of three nodes of this release, or the one that is installed, all of them serving.
pub(crate) fn visit(release: Option<Release>) -> Visit {
    // A test that failed has left it in some state, which is seen to here.
    let mut house = HOUSE.lock().unwrap_or_else(PoisonError::into_inner);
    if house.as_ref().is_some_and(|lodged| lodged.release != release) {
        *house = None;
    }
    match &mut *house {
        Some(lodged) => lodged.ensemble.recover(),
        None => *house = Some(Lodged { release, ensemble: start(release) }),
    }
    Visit(house)
}

fn start(release: Option<Release>) -> Ensemble {
    let found = release.map_or_else(Installation::find, Installation::find_release);
    let installation = found.expect("the build script has found it");
    let options = Options::new().heap_mb(128).setting("maxSessionTimeout", "20000");
    Ensemble::launch(&installation, 3, options).unwrap_or_else(|error| panic!("{error}"))
}

impl Deref for Visit {
    type Target = Ensemble;

    fn deref(&self) -> &Ensemble {
        &self.0.as_ref().expect("a visit has an ensemble").ensemble
    }
}

impl DerefMut for Visit {
    fn deref_mut(&mut self) -> &mut Ensemble {
        &mut self.0.as_mut().expect("a visit has an ensemble").ensemble
    }
}

impl Drop for Visit {
    /// What the servers have to say is worth nothing when the next test has begun.
    #[allow(clippy::print_stderr, reason = "it is for whoever reads why the test has failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
    }
}
