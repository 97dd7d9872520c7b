//! The host brings each answer to the recipe that asked, leaves other calls alone, and goes on for users who have left.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use zk_recipes::hold::{Command, Deadline, Event, Wish};
use zk_recipes::{Host, Layout, Lock, RunnerId, Sink};
use zk_session::proto::ops::CreatedNode;
use zk_session::{
    Answer, CallId, CallOptions, Calls, Ended, Instant, Notice, Output, Path, Refused, Reply, Request,
    SessionId, SessionState, Stat, Zxid,
};

#[derive(Clone, Default)]
struct News(Arc<Mutex<Vec<Event>>>);

impl Sink<Event> for News {
    fn tell(&mut self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

#[derive(Default)]
struct Desk {
    sent: Vec<Request>,
    holders: i32,
}

impl Calls for Desk {
    fn submit(&mut self, request: Request, _: CallOptions, _: Instant) -> Result<CallId, Refused> {
        self.sent.push(request);
        Ok(CallId::new(self.sent.len() as u64 - 1))
    }

    fn unwatch(&mut self, _: CallId) {}

    fn hold(&mut self, more: bool, _: Instant) {
        self.holders += if more { 1 } else { -1 };
    }
}

/// The session enters a state, of which others hear as well.
fn tell(host: &mut Host, state: SessionState, desk: &mut Desk) {
    assert_eq!(host.handle(Output::State(state), NOW, desk), Some(Output::State(state)));
}

const NOW: Instant = Instant::from_nanos(0);

fn connected() -> SessionState {
    SessionState::Connected { session: SessionId::new(1), timeout: Duration::from_secs(10), resumed: false }
}

fn lock() -> Lock {
    Lock::new(Path::new("/lock").unwrap(), Layout::default())
}

fn acquire(host: &mut Host, id: RunnerId, deadline: Deadline, desk: &mut Desk) {
    let wish = Wish { identifier: String::new(), deadline };
    assert!(host.command(id, Command::Acquire(wish), NOW, desk));
}

fn created(desk: &Desk, call: usize) -> Answer {
    let name = format!("{}0000000001", desk.sent[call].path().unwrap().as_str());
    let reply = CreatedNode { path: Path::new(&name).unwrap(), stat: Stat::default() };
    Answer { zxid: Zxid::ZERO, reply: Reply::Create2(reply) }
}

#[test]
fn answers_find_their_recipes_and_others_come_back() {
    let (mut host, mut desk) = (Host::new(1), Desk::default());
    tell(&mut host, connected(), &mut desk);
    let first = host.add(lock(), News::default(), NOW, &mut desk);
    let second = host.add(lock(), News::default(), NOW, &mut desk);
    acquire(&mut host, first, Deadline::Never, &mut desk);
    acquire(&mut host, second, Deadline::Never, &mut desk);
    assert_eq!(desk.sent.len(), 2);
    assert_ne!(desk.sent[0].path(), desk.sent[1].path(), "each has a token of its own");
    assert_eq!(desk.holders, 2);
    let answer = created(&desk, 1);
    assert_eq!(host.handle(Output::Completed(CallId::new(1), Ok(answer.clone())), NOW, &mut desk), None);
    assert!(matches!(desk.sent[2], Request::GetChildren2(_)));
    // Neither an unknown call nor one that has ended is the host's.
    for call in [1, 77] {
        let ended = Output::Completed(CallId::new(call), Ok(answer.clone()));
        assert_eq!(host.handle(ended.clone(), NOW, &mut desk), Some(ended));
    }
    let notified = Output::Notified(CallId::new(77), Notice::Ended(Ended::Expired));
    assert_eq!(host.handle(notified.clone(), NOW, &mut desk), Some(notified));
}

#[test]
fn a_recipe_that_comes_late_knows_the_session() {
    let (mut host, mut desk) = (Host::new(1), Desk::default());
    tell(&mut host, SessionState::Connecting, &mut desk);
    tell(&mut host, connected(), &mut desk);
    let suspended = SessionState::Suspended { valid_until: Instant::from_nanos(9) };
    tell(&mut host, suspended, &mut desk);
    let news = News::default();
    let id = host.add(lock(), news.clone(), NOW, &mut desk);
    acquire(&mut host, id, Deadline::Now, &mut desk);
    assert_eq!(*news.0.lock().unwrap(), [Event::NotAcquired]);
    acquire(&mut host, id, Deadline::Never, &mut desk);
    assert!(matches!(desk.sent[..], [Request::Create2(_)]), "the engine keeps it until there is a link");
}

#[test]
fn a_recipe_whose_user_has_left_stays_until_nothing_is_left() {
    let (mut host, mut desk) = (Host::new(1), Desk::default());
    tell(&mut host, connected(), &mut desk);
    let news = News::default();
    let id = host.add(lock(), news.clone(), NOW, &mut desk);
    acquire(&mut host, id, Deadline::At(Instant::from_nanos(50)), &mut desk);
    assert_eq!(host.timeout(), Some(Instant::from_nanos(50)));
    host.discard(id, NOW, &mut desk);
    assert_eq!((host.len(), host.timeout(), desk.holders), (1, None, 0));
    let answer = created(&desk, 0);
    assert_eq!(host.handle(Output::Completed(CallId::new(0), Ok(answer)), NOW, &mut desk), None);
    assert!(matches!(desk.sent[1], Request::Delete(_)));
    let deleted = Answer { zxid: Zxid::ZERO, reply: Reply::Delete(()) };
    assert_eq!(host.handle(Output::Completed(CallId::new(1), Ok(deleted)), NOW, &mut desk), None);
    assert!(host.is_empty());
    assert!(news.0.lock().unwrap().is_empty(), "nobody is told");
    assert!(!host.command(id, Command::Release, NOW, &mut desk));
}

#[test]
fn time_reaches_the_recipe_whose_timer_it_is() {
    let (mut host, mut desk) = (Host::new(1), Desk::default());
    let (early, late) = (News::default(), News::default());
    for (news, at) in [(&late, 80), (&early, 50)] {
        let id = host.add(lock(), news.clone(), NOW, &mut desk);
        acquire(&mut host, id, Deadline::At(Instant::from_nanos(at)), &mut desk);
    }
    host.tick(Instant::from_nanos(49), &mut desk);
    assert!(early.0.lock().unwrap().is_empty());
    host.tick(Instant::from_nanos(50), &mut desk);
    assert_eq!(*early.0.lock().unwrap(), [Event::TimedOut]);
    assert!(late.0.lock().unwrap().is_empty());
    assert_eq!(host.timeout(), Some(Instant::from_nanos(80)));
}

#[test]
fn closing_makes_every_recipe_leave() {
    let (mut host, mut desk) = (Host::new(1), Desk::default());
    tell(&mut host, connected(), &mut desk);
    let idle = host.add(lock(), News::default(), NOW, &mut desk);
    let busy = host.add(lock(), News::default(), NOW, &mut desk);
    acquire(&mut host, busy, Deadline::Never, &mut desk);
    host.discard_all(NOW, &mut desk);
    assert_eq!(host.len(), 1, "{idle:?} had nothing to do");
    tell(&mut host, SessionState::Ended(Ended::Closed), &mut desk);
    assert!(host.is_empty());
}
