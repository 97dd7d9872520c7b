//! Creates missing parents, from the lowest that exists downwards.
//!
//! It is used after a create has failed for want of a parent, never before, and never touches what exists.
//!
//! ```text
//! Making(target) --NoNode--> Making(its parent) ... --made or there--> Making(one lower) ... --> done
//! ```

use zk_session::ops::Create;
use zk_session::{CreateMode, Error, Path, Reply};

use crate::hold::Failure;
use crate::outbox::Slot;
use crate::parts::scene::Scene;
use crate::parts::trouble::Trouble;
use crate::recipe::Input;

/// A node and its ancestors being made; `making` is the one under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ensure {
    target: Path,
    making: Path,
}

/// How far it has got.
pub(crate) enum Ensured {
    Not(Ensure),
    /// The same create is to be repeated.
    Setback(Ensure),
    Done,
    Failed(Failure),
    /// The session is over.
    Over,
}

impl Ensure {
    /// Starts with the target itself; its creator calls [`Ensure::ask`].
    pub(crate) fn new(target: Path) -> Self {
        Self { making: target.clone(), target }
    }

    /// Makes the call of this state. Its name is no secret and its effect no one's property: repeating it is harmless.
    pub(crate) fn ask(&self, scene: &mut Scene<'_>) {
        scene.errands.call(
            Slot::ONLY,
            Create {
                path: self.making.clone(),
                data: None,
                acl: scene.site.parent_acl.clone(),
                mode: CreateMode::Persistent,
            },
        );
    }

    pub(crate) fn step<C>(self, input: Input<C>, scene: &mut Scene<'_>) -> Ensured {
        match input {
            Input::Got(_, Reply::Create(_)) => self.descend(scene),
            Input::Failed(_, error) => self.fail(error, scene),
            Input::Do(_) | Input::Got(_, _) | Input::Watch(_, _) | Input::Session(_) | Input::Tick => {
                Ensured::Not(self)
            }
        }
    }

    fn descend(mut self, scene: &mut Scene<'_>) -> Ensured {
        let mut next = self.target.clone();
        while next != self.making {
            match next.parent() {
                Some(parent) if parent == self.making => {
                    self.making = next;
                    self.ask(scene);
                    return Ensured::Not(self);
                }
                Some(parent) => next = parent,
                None => return Ensured::Done,
            }
        }
        Ensured::Done
    }

    fn fail(mut self, error: Error, scene: &mut Scene<'_>) -> Ensured {
        match (Trouble::of(error), self.making.parent()) {
            (Trouble::NodeExists, _) => self.descend(scene),
            (Trouble::NoNode, Some(parent)) => {
                self.making = parent;
                self.ask(scene);
                Ensured::Not(self)
            }
            (Trouble::Over, _) => Ensured::Over,
            (trouble, _) => match trouble.failure() {
                Some(failure) => Ensured::Failed(failure),
                None => Ensured::Setback(self),
            },
        }
    }
}
