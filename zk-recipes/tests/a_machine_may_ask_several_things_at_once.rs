//! A recipe of one's own, with several calls and watches under way, each in its slot.

use zk_recipes::{Input, Outbox, Recipe, Runner, Slot};
use zk_session::ops::{GetData, NodeData};
use zk_session::proto::Stat;
use zk_session::{
    Answer, CallId, CallOptions, Calls, EventKind, Instant, Notice, Path, Refused, Reply, Request,
    WatchEvent, Zxid,
};

const NOW: Instant = Instant::from_nanos(1);

/// Tells the length of the data of two nodes whenever it changes: slot 1 is for `/a`, slot 2 for `/b`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lengths;

impl Recipe for Lengths {
    type Command = ();
    type Event = (Slot, usize);

    fn step(&mut self, input: Input<()>, _now: Instant, out: &mut Outbox<Self::Event>) {
        match input {
            Input::Do(()) => {
                out.call(Slot(1), read("/a"));
                out.call(Slot(2), read("/b"));
            }
            Input::Got(slot, Reply::GetData(node)) => {
                out.tell((slot, node.data.map_or(0, |data| data.len())))
            }
            Input::Watch(slot, event) => out.call(slot, GetData { path: event.path, watch: true }),
            Input::Got(..) | Input::Failed(..) | Input::Session(_) | Input::Tick => {}
        }
    }

    fn abandon() {}

    fn holds(&self) -> bool {
        false
    }

    fn is_idle(&self) -> bool {
        true
    }
}

fn read(path: &str) -> GetData {
    GetData { path: Path::new(path).expect("a path"), watch: true }
}

#[derive(Default)]
struct Desk {
    sent: Vec<Request>,
    unwatched: Vec<u64>,
}

impl Calls for Desk {
    fn submit(&mut self, request: Request, _: CallOptions, _: Instant) -> Result<CallId, Refused> {
        self.sent.push(request);
        Ok(CallId::new(self.sent.len() as u64))
    }

    fn unwatch(&mut self, call: CallId) {
        self.unwatched.push(call.number());
    }

    fn hold(&mut self, _: bool, _: Instant) {}
}

fn answer(data: &'static str) -> Answer {
    let reply = Reply::GetData(NodeData { data: Some(data.into()), stat: Stat::default() });
    Answer { zxid: Zxid::ZERO, reply }
}

#[test]
fn each_answer_and_each_watch_comes_to_its_slot() {
    let (mut runner, mut desk) = (Runner::new(Lengths, 1), Desk::default());
    runner.command((), NOW, &mut desk);
    assert_eq!(desk.sent, [read("/a").into(), read("/b").into()]);
    runner.completed(CallId::new(2), Ok(answer("four")), NOW, &mut desk);
    runner.completed(CallId::new(1), Ok(answer("one")), NOW, &mut desk);
    assert_eq!([runner.poll_event(), runner.poll_event()], [Some((Slot(2), 4)), Some((Slot(1), 3))]);

    let event = WatchEvent { kind: EventKind::NodeDataChanged, path: Path::new("/b").expect("a path") };
    runner.notified(CallId::new(2), Notice::Fired(event.clone()), NOW, &mut desk);
    assert_eq!(desk.sent[2..], [read("/b").into()]);
    assert!(runner.awaits(CallId::new(1)) && runner.awaits(CallId::new(3)) && !runner.awaits(CallId::new(2)));
    // The watch was spent; further news of it are nobody's.
    runner.notified(CallId::new(2), Notice::Fired(event), NOW, &mut desk);
    assert_eq!(desk.sent.len(), 3);
}

#[test]
fn a_further_call_in_a_slot_takes_the_place_of_the_one_before() {
    let (mut runner, mut desk) = (Runner::new(Lengths, 1), Desk::default());
    runner.command((), NOW, &mut desk);
    runner.completed(CallId::new(1), Ok(answer("one")), NOW, &mut desk);
    runner.command((), NOW, &mut desk);
    assert_eq!(desk.unwatched, [1, 2], "the watch that was left, and the one under way");
    runner.completed(CallId::new(2), Ok(answer("late")), NOW, &mut desk);
    runner.completed(CallId::new(4), Ok(answer("fresh")), NOW, &mut desk);
    assert_eq!(runner.poll_event(), Some((Slot(1), 3)));
    assert_eq!(runner.poll_event(), Some((Slot(2), 5)));
    assert_eq!(runner.poll_event(), None);
    assert!(runner.awaits(CallId::new(3)) && runner.awaits(CallId::new(4)));
}
