//! Whose turn it is, decided from one listing of the directory.
//!
//! Pure decisions: nothing is remembered from one listing to the next.

use alloc::string::String;
use alloc::vec::Vec;

use zk_session::{Children, Path};

use crate::layout::{Seen, Token, is_exhausted};
use crate::parts::member::Seat;
use crate::parts::scene::Site;
use crate::wrong::wrong;

/// What a listing says about a contender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody comes before it.
    First,
    /// The contender just before it, and how many come before it in all.
    Behind { last: String, ahead: usize },
    /// A child of another layout.
    Foreign(String),
    /// A contender has a sequence number after which no order is left.
    Exhausted,
}

/// The rule of an exclusive lock: the contender with the lowest sequence number, reader or writer. `own` is our node;
/// without one, the question is whether a newcomer would be first.
pub(crate) fn first(children: &Children, site: &Site, own: Option<&Seat>) -> Verdict {
    let is_ahead = |name: &str, sequence| {
        own.is_none_or(|own| {
            if wrong!(site, ComparesNames) { name < own.path.name() } else { sequence < own.sequence }
        })
    };
    let mut ahead = 0;
    let mut last: Option<(i64, &str)> = None;
    for name in children.iter() {
        match site.layout.see(name) {
            Seen::Contender { sequence, .. } if is_exhausted(sequence) => return Verdict::Exhausted,
            Seen::Contender { sequence, .. } if is_ahead(name, sequence) => {
                ahead += 1;
                let is_next = |highest| {
                    if wrong!(site, WatchesTheFirst) { sequence < highest } else { sequence > highest }
                };
                if last.is_none_or(|(highest, _)| is_next(highest)) {
                    last = Some((sequence, name));
                }
            }
            Seen::Contender { .. } | Seen::Ignored => {}
            Seen::Foreign => return Verdict::Foreign(name.into()),
        }
    }
    match last {
        None => Verdict::First,
        Some((_, name)) => Verdict::Behind { last: name.into(), ahead },
    }
}

/// The nodes in a listing whose names were made with this token, in the order of their sequence numbers. More than one is
/// there if a server applied a create twice.
pub(crate) fn own(children: &Children, site: &Site, token: &Token) -> Vec<Path> {
    let sequence = |name| Some((site.layout.own(name, token)?, site.directory.join(name).ok()?));
    let mut own: Vec<(i64, Path)> = children.iter().filter_map(sequence).collect();
    own.sort_unstable();
    own.into_iter().map(|(_, path)| path).collect()
}
