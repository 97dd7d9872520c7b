//! All of it as one value: the server, the peers, and what may still go wrong. And what each step does to it.
//!
//! Everything on the way is in a queue; nothing happens but by a [`Step`].

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use zk_session::{
    Answer, CallId, Ended, Error, EventKind, Instant, Notice, Path, SessionState, WatchEvent, Why,
};

use super::budget::Budget;
use super::ground::{Fired, Ground};
use super::peer::{Letter, Link, Peer, Sent, Watch, Watching};
use super::spec::{Breach, Nature, News, Spec};
use super::steps::Step;
use crate::txn::Event;
use crate::{SessionId, Tree, translate};

/// A state of everything that a [`Spec`] describes.
#[derive(Debug)]
pub struct World<S: Spec + ?Sized> {
    pub(super) ground: Arc<Ground>,
    pub(super) peers: Vec<Arc<Peer<S>>>,
    pub(super) ledger: S::Ledger,
    pub(super) budget: Budget,
    pub(super) meddled: bool,
}

impl<S: Spec + ?Sized> Clone for World<S> {
    fn clone(&self) -> Self {
        Self {
            ground: Arc::clone(&self.ground),
            peers: self.peers.clone(),
            ledger: self.ledger.clone(),
            ..*self
        }
    }
}

impl<S: Spec + ?Sized> Hash for World<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.ground, &self.peers, &self.ledger, self.budget, self.meddled).hash(state);
    }
}

impl<S: Spec + ?Sized> World<S> {
    /// The tree of the server.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        self.ground.tree()
    }

    /// The peers, in order.
    pub fn peers(&self) -> impl ExactSizeIterator<Item = &Peer<S>> {
        self.peers.iter().map(|peer| &**peer)
    }

    /// What was noted.
    #[must_use]
    pub const fn ledger(&self) -> &S::Ledger {
        &self.ledger
    }

    /// Whether an operator has deleted or created something.
    #[must_use]
    pub const fn meddled(&self) -> bool {
        self.meddled
    }
}

/// What the news of a step comes to, and what it is written down with.
pub(super) struct Stage<'a, S: Spec + ?Sized> {
    pub(super) spec: &'a S,
    pub(super) world: &'a mut World<S>,
    /// Each piece of news, in words.
    pub(super) told: Option<&'a mut Vec<String>>,
    pub(super) breach: Option<Breach>,
}

impl<S: Spec + ?Sized> World<S> {
    /// The first state: all linked, nothing wished.
    pub(super) fn new(spec: &S, budget: Budget) -> Self {
        let peers = (0..spec.peers()).map(|peer| Arc::new(Peer::new(spec, peer))).collect();
        let ground = Arc::new(Ground::new(&spec.nodes(), spec.quirks()));
        let mut world = Self { ground, peers, ledger: S::Ledger::default(), budget, meddled: false };
        let mut stage = Stage { spec, world: &mut world, told: None, breach: None };
        for peer in 0..spec.peers() {
            stage.open(peer);
        }
        world
    }

    /// Lets a step happen that is among those that can.
    pub(super) fn take(
        &mut self,
        spec: &S,
        step: Step,
        told: Option<&mut Vec<String>>,
    ) -> Result<(), Breach> {
        let mut stage = Stage { spec, world: self, told, breach: None };
        stage.take(step);
        stage.breach.map_or(Ok(()), Err)
    }
}

/// No time passes but that of ticks.
const NOW: Instant = Instant::from_nanos(0);

impl<S: Spec + ?Sized> Stage<'_, S> {
    fn take(&mut self, step: Step) {
        match step {
            Step::Serve(peer) => self.serve(peer.into()),
            Step::Deliver(peer) => self.deliver(peer.into()),
            Step::Tick(peer) => {
                if let Some(at) = self.peer(peer.into()).runner.poll_timeout() {
                    self.run(peer.into(), |peer| peer.run(|runner, calls| runner.timeout(at, calls)));
                }
            }
            Step::Resume(peer) => self.resume(peer.into()),
            Step::Renew(peer) => {
                self.peer(peer.into()).renew();
                self.open(peer.into());
            }
            Step::Wish(peer, nth) => self.wish(peer.into(), nth.into()),
            Step::Cut(peer, sent) => {
                self.world.budget.cuts -= 1;
                self.cut(peer.into(), sent.into());
            }
            Step::Lapse(peer) => {
                if self.peer(peer.into()).link == Link::Live {
                    self.world.budget.pauses -= 1;
                }
                self.lapse(peer.into());
            }
            Step::Doom(peer) => {
                self.world.budget.expiries -= 1;
                self.doom(peer.into());
            }
            Step::Expire(peer) => {
                self.world.budget.expiries -= 1;
                self.expire(peer.into());
            }
            Step::Reap(peer) => {
                let session = self.peer(peer.into()).ghosts.remove(0);
                self.reap(session);
            }
            Step::Delete(nth) => {
                self.world.budget.deletes -= 1;
                let nodes = self.spec.nodes();
                let path = self.world.ground.deletable(&nodes).nth(nth.into()).map(str::to_owned);
                let ground = Arc::make_mut(&mut self.world.ground);
                let fired = path.map(|path| ground.delete(&path));
                self.meddle(fired.unwrap_or_default());
            }
            Step::Create(nth) => {
                self.world.budget.creates -= 1;
                let strangers = self.spec.strangers();
                let ground = Arc::make_mut(&mut self.world.ground);
                let stranger = strangers.get(usize::from(nth));
                let fired = stranger.map(|stranger| ground.create(&stranger.path, stranger.sequential));
                self.meddle(fired.unwrap_or_default());
            }
        }
    }

    /// A session begins on a live link.
    fn open(&mut self, peer: usize) {
        let session = model_session(self.world.peers[peer].session);
        Arc::make_mut(&mut self.world.ground).open(session);
        let state = self.world.peers[peer].connected(false);
        self.state(peer, state);
    }

    fn serve(&mut self, peer: usize) {
        let Some(sent) = self.peer(peer).sent.pop_front() else { return };
        let Sent::Call(call, request) = sent else {
            return self.peer(peer).wire.push_back(Letter::Resumed);
        };
        let session = model_session(self.world.peers[peer].session);
        let mut fired = Vec::new();
        let result = Arc::make_mut(&mut self.world.ground).serve(peer, session, &request, &mut fired);
        let result = match result {
            Ok(body) => Ok(translate::answered(request.opcode(), body)),
            Err(code) => Err(translate::refused(code)),
        };
        self.post(fired);
        let watch = Watch::left(&request, &result);
        self.peer(peer).wire.push_back(Letter::Reply(call, result, watch));
    }

    fn deliver(&mut self, peer: usize) {
        match self.peer(peer).wire.pop_front() {
            Some(Letter::Reply(call, result, watch)) => {
                self.peer(peer).watches.extend(watch.map(|watch| (call, watch)));
                // A runner has no use for the zxid of an answer.
                let answer = |reply| Answer { zxid: zk_session::Zxid::ZERO, reply };
                self.complete(peer, call, result.map(answer).map_err(Error::Server));
            }
            Some(Letter::Event(event)) => {
                for call in self.peer(peer).fire(&event) {
                    let notice = Notice::Fired(event.clone());
                    self.run(peer, |peer| {
                        peer.run(|runner, calls| runner.notified(call, notice, NOW, calls));
                    });
                }
            }
            Some(Letter::Resumed) => {
                let state = self.peer(peer);
                (state.link, state.lapsed) = (Link::Live, false);
                for watch in state.watches.values_mut() {
                    watch.seen = None;
                }
                let connected = state.connected(true);
                self.state(peer, connected);
            }
            Some(Letter::Expired) => self.end(peer),
            None => {}
        }
    }

    fn wish(&mut self, peer: usize, nth: usize) {
        let Some(wish) = self.spec.wishes(&self.world.peers[peer].user).into_iter().nth(nth) else { return };
        if wish.nature == Nature::Whim {
            self.world.budget.changes_of_mind -= 1;
        }
        self.peer(peer).user = wish.then;
        self.run(peer, |peer| peer.run(|runner, calls| runner.command(wish.command, NOW, calls)));
    }

    /// The link is lost, with the replies and events on the wire. The first `written` requests may have been sent. While the
    /// session is being resumed nothing is sent, and what is queued stays so.
    fn cut(&mut self, peer: usize, written: usize) {
        let applied = self.world.ground.tree().applied();
        let state = self.peer(peer);
        let before = std::mem::replace(&mut state.link, Link::Cut);
        let (mut lost, mut failed) = (Vec::new(), Vec::new());
        for letter in std::mem::take(&mut state.wire) {
            match letter {
                Letter::Reply(call, ..) => failed.push((call, Error::MaybeApplied(Why::ConnectionLost))),
                Letter::Event(event) => lost.push(event),
                Letter::Resumed | Letter::Expired => {}
            }
        }
        state.suspend_watches(&lost, applied);
        if before != Link::Proving {
            let calls = std::mem::take(&mut state.sent).into_iter().filter_map(Sent::call);
            failed.extend(calls.enumerate().map(|(nth, call)| {
                let why = Why::ConnectionLost;
                (call, if nth < written { Error::MaybeApplied(why) } else { Error::NotSent(why) })
            }));
        }
        Arc::make_mut(&mut self.world.ground).forget(peer);
        for (call, error) in failed {
            self.complete(peer, call, Err(error));
        }
        if before == Link::Live {
            self.state(peer, SessionState::Suspended { valid_until: Instant::from_nanos(1) });
        }
    }

    /// The lease runs out: without a link, or because the process stood still.
    fn lapse(&mut self, peer: usize) {
        let state = self.peer(peer);
        state.lapsed = true;
        if state.link == Link::Live {
            state.link = Link::Doubtful;
        }
        self.state(peer, SessionState::LeaseExpired);
        let state = self.peer(peer);
        if state.link == Link::Doubtful {
            // It goes out after what was sent before.
            state.sent.push_back(Sent::Proof);
        }
    }

    /// A link is found again: what was missed comes first.
    fn resume(&mut self, peer: usize) {
        let watches: Vec<Watch> = self.peer(peer).watches.values().cloned().collect();
        for watch in watches {
            let path = watch.path.as_str();
            if let Some(kind) = watch.catch_up(self.world.ground.tree()) {
                self.peer(peer).post(WatchEvent { kind, path: watch.path.clone() });
                continue;
            }
            let ground = Arc::make_mut(&mut self.world.ground);
            match watch.watching {
                Watching::Data | Watching::Exist => ground.watch_data(path, peer),
                Watching::Children => ground.watch_children(path, peer),
            }
        }
        let state = self.peer(peer);
        state.wire.push_back(Letter::Resumed);
        state.link = Link::Proving;
    }

    /// The servers end the session of a peer, which goes on reading what was written before, or is told when it comes back.
    fn doom(&mut self, peer: usize) {
        let state = self.peer(peer);
        state.link = Link::Doomed;
        state.wire.retain(|letter| !letter.is_proof());
        let session = state.session;
        Arc::make_mut(&mut self.world.ground).forget(peer);
        self.reap(session);
        self.peer(peer).wire.push_back(Letter::Expired);
    }

    /// A peer is away for so long that it takes its session for expired. The servers keep it a while.
    fn expire(&mut self, peer: usize) {
        let state = self.peer(peer);
        if state.link != Link::Cut {
            let calls = state.sent.len();
            self.cut(peer, calls);
        }
        let state = self.peer(peer);
        if state.holders > 0 && !state.lapsed {
            self.lapse(peer);
        }
        let state = self.peer(peer);
        state.ghosts.push(state.session);
        self.end(peer);
    }

    /// The servers end a session.
    fn reap(&mut self, session: zk_session::SessionId) {
        let mut fired = Vec::new();
        Arc::make_mut(&mut self.world.ground).close(model_session(session), &mut fired);
        self.post(fired);
    }

    /// A peer learns that its session is over.
    fn end(&mut self, peer: usize) {
        let state = self.peer(peer);
        state.link = Link::Gone;
        state.wire.clear();
        state.watches.clear();
        for call in std::mem::take(&mut state.sent).into_iter().filter_map(Sent::call) {
            self.complete(peer, call, Err(Error::MaybeApplied(Why::Ended(Ended::Expired))));
        }
        self.state(peer, SessionState::Ended(Ended::Expired));
    }

    fn meddle(&mut self, fired: Vec<Fired>) {
        self.world.meddled = true;
        self.post(fired);
    }

    fn post(&mut self, fired: Vec<Fired>) {
        for Fired { peer, event, path } in fired {
            let kind = match event {
                Event::Created => EventKind::NodeCreated,
                Event::Deleted => EventKind::NodeDeleted,
                Event::DataChanged => EventKind::NodeDataChanged,
                Event::ChildrenChanged => EventKind::NodeChildrenChanged,
            };
            let path = Path::new(&path).expect("a node's path is a path");
            self.peer(peer).post(WatchEvent { kind, path });
        }
    }

    fn complete(&mut self, peer: usize, call: CallId, result: Result<Answer, Error>) {
        self.run(peer, |peer| peer.run(|runner, calls| runner.completed(call, result, NOW, calls)));
    }

    fn state(&mut self, peer: usize, state: SessionState) {
        self.run(peer, |peer| peer.run(|runner, calls| runner.state(state, NOW, calls)));
    }

    /// Lets a machine take a step, and tells its user what comes of it.
    fn run(&mut self, number: usize, act: impl FnOnce(&mut Peer<S>)) {
        let World { ground, peers, ledger, meddled, .. } = &mut *self.world;
        let peer = Arc::make_mut(&mut peers[number]);
        act(peer);
        while let Some(event) = peer.poll_event() {
            if let Some(told) = self.told.as_deref_mut() {
                told.push(format!("user {number} is told {event:?}"));
            }
            let news = News { peer: number, event: &event, tree: ground.tree(), meddled: *meddled };
            if let Err(breach) = self.spec.told(news, &mut peer.user, ledger) {
                self.breach.get_or_insert(breach);
            }
        }
    }

    fn peer(&mut self, peer: usize) -> &mut Peer<S> {
        Arc::make_mut(&mut self.world.peers[peer])
    }
}

const fn model_session(session: zk_session::SessionId) -> SessionId {
    SessionId(session.raw())
}
