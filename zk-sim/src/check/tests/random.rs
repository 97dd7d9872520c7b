//! Random histories: both judges agree on them, and on what was spoilt.

use super::*;

/// What a run of calls is made of.
struct Chance(Rng);

impl Chance {
    fn below(&mut self, count: u64) -> u64 {
        self.0.bits() % count
    }

    fn path(&mut self) -> &'static str {
        ["/a", "/a", "/b", "/a/c"][self.below(4) as usize]
    }

    fn request(&mut self, unique: usize) -> Request {
        let at = self.path();
        let watch = self.below(3) == 0;
        let version = [Version::ANY, Version::ANY, Version::exactly(0).unwrap()][self.below(3) as usize];
        match self.below(9) {
            0 | 1 => {
                let modes = [CreateMode::Persistent, CreateMode::Ephemeral, CreateMode::EphemeralSequential];
                create(at, modes[self.below(3) as usize]).into()
            }
            2 | 3 => SetData { version, ..set(at, &format!("value {unique}")) }.into(),
            4 => Delete { path: path(at), version }.into(),
            5 | 6 => get(at, watch).into(),
            7 => Exists { path: path(at), watch }.into(),
            _ => GetChildren2 { path: path(at), watch: false }.into(),
        }
    }
}

/// Three clients make calls at once; of some the end is lost, and perhaps the last client's session ends.
fn run(seed: u64, calls: usize, losses: u64, syncs: bool) -> Run {
    let mut chance = Chance(Rng::new(seed));
    let mut run = Run::new();
    // Each client's call under way, and whether it was served.
    let mut under_way: [Option<(usize, bool)>; CLIENTS] = [None; CLIENTS];
    let mut reads: [Option<Request>; CLIENTS] = [const { None }; CLIENTS];
    let clients = if seed.is_multiple_of(4) { CLIENTS - 1 } else { CLIENTS };
    let mut left = losses;
    while run.history.calls.len() < calls || under_way.iter().any(Option::is_some) {
        let ended = run.history.calls.len() >= calls / 2;
        let client = chance.below(if ended { clients } else { CLIENTS } as u64) as usize;
        if ended && clients < CLIENTS && under_way[CLIENTS - 1].take().is_some() {
            // What was under way when its session ended stays open.
            run.wires[CLIENTS - 1].clear();
            let _ = run.commit(CLIENTS - 1, Write::CloseSession);
        }
        match under_way[client] {
            None if run.history.calls.len() < calls => {
                let unique = run.history.calls.len();
                let request = reads[client].take().unwrap_or_else(|| chance.request(unique));
                let read = matches!(request, Request::GetData(_) | Request::Exists(_));
                let synced = run.history.calls.iter().rfind(|call| call.client == client as u64);
                let synced = synced.is_some_and(|call| matches!(call.request, Request::Sync(_)));
                let call = if syncs && read && !synced {
                    let at = request.path().unwrap().as_str().to_owned();
                    reads[client] = Some(request);
                    run.make(client, sync(&at))
                } else {
                    run.make(client, request)
                };
                under_way[client] = Some((call, false));
            }
            None => {}
            Some((call, served)) if left > 0 && chance.below(8) == 0 => {
                left -= 1;
                if !served && chance.below(2) == 0 {
                    run.serve(call);
                }
                run.wires[client].retain(|letter| matches!(letter, Letter::Event(..)));
                run.lose(call);
                unwatch(&mut run.history.calls[call].request);
                under_way[client] = None;
            }
            Some((call, false)) => {
                run.serve(call);
                under_way[client] = Some((call, true));
            }
            Some((call, true)) if run.read(client) == Some(call) => under_way[client] = None,
            Some((_, true)) => {}
        }
    }
    for client in 0..clients {
        while !run.wires[client].is_empty() {
            run.read(client);
        }
    }
    run
}

/// A watch whose reply is lost is nobody's; the server's event for it is not told.
fn unwatch(request: &mut Request) {
    if let Request::GetData(get) = request {
        get.watch = false;
    } else if let Request::Exists(exists) = request {
        exists.watch = false;
    }
}

#[test]
fn what_the_model_tells_follows_from_its_log() {
    let mut placed = 0;
    for seed in 0..200 {
        let mut run = run(seed, 60, 3, false);
        // Which event belongs to a lost watch is not to be known here.
        run.history.events.clear();
        for call in &mut run.history.calls {
            unwatch(&mut call.request);
        }
        let with_log = run.judged_with_log().unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        let without = run.judged().unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        assert_eq!(with_log.checked, without.checked, "seed {seed}");
        placed += without.placed;
    }
    assert!(placed > 50, "only {placed} guesses were needed");
}

#[test]
fn the_events_of_the_model_come_in_time() {
    let mut events = 0;
    for seed in 0..100 {
        // Several watches of a session on a node are one for the server: keep the first.
        let mut run = run(4 * seed + 1, 60, 0, false);
        single_watches(&mut run.history);
        run.judged().unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        events += run.history.events.len();
        if !run.history.events.is_empty() {
            run.history.events.push(run.history.events[0].clone());
            assert!(run.judged().is_err(), "seed {seed}");
        }
    }
    assert!(events > 100, "only {events} events");
}

/// Takes back watches that were asked for while another one of the session stood on the node.
fn single_watches(history: &mut History) {
    let mut order: Vec<usize> = (0..history.calls.len()).collect();
    order.sort_by_key(|at| history.calls[*at].position);
    let events = history.events.clone();
    let mut standing: Vec<(u64, Path, u64)> = Vec::new();
    for at in order {
        let Call { client, position, .. } = history.calls[at];
        let answered = matches!(history.calls[at].outcome, Outcome::Ok { .. });
        let request = &mut history.calls[at].request;
        let is_set = answered || matches!(request, Request::Exists(_));
        if !is_watching(request) || !is_set {
            continue;
        }
        let watched = request.path().unwrap().clone();
        let has_fired = |since: u64| {
            events.iter().any(|event| {
                event.client == client && event.path == watched && (since..position).contains(&event.position)
            })
        };
        let stands = standing
            .iter()
            .any(|(own, path, since)| *own == client && *path == watched && !has_fired(*since));
        if stands {
            unwatch(request);
        } else {
            standing.push((client, watched, position));
        }
    }
}

fn is_watching(request: &Request) -> bool {
    matches!(request, Request::GetData(get) if get.watch)
        || matches!(request, Request::Exists(exists) if exists.watch)
}

#[test]
fn both_judges_agree() {
    let mut seen_by_both = 0;
    for seed in 0..300 {
        let mut run = run(4 * seed + 1, 30, 2, true);
        run.history.events.clear();
        for call in &mut run.history.calls {
            unwatch(&mut call.request);
        }
        run.judged().unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        linearizable(&run.history, &path("/a"))
            .unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        seen_by_both += usize::from(spoilt(&run.history, seed));
    }
    assert!(seen_by_both > 25, "only {seen_by_both} were seen by both");
}

/// Gives a read of `/a` the answer of another one. Replay sees that for certain; whether both do.
fn spoilt(history: &History, seed: u64) -> bool {
    let mut spoilt = history.clone();
    let reads: Vec<usize> = (0..history.calls.len())
        .filter(|at| {
            let call = &history.calls[*at];
            let answered = matches!(&call.outcome, Outcome::Ok { reply: Reply::GetData(_), .. });
            answered && call.request.path() == Some(&path("/a"))
        })
        .collect();
    let Some((first, last)) = reads.first().zip(reads.last()) else { return false };
    let (Outcome::Ok { reply, .. }, Outcome::Ok { reply: later, .. }) =
        (history.calls[*first].outcome.clone(), &mut spoilt.calls[*last].outcome)
    else {
        return false;
    };
    if reply == *later {
        return false;
    }
    *later = reply;
    let by_order = linearizable(&spoilt, &path("/a")).is_err();
    let by_number = replay(&spoilt, &Quirks::default()).is_err();
    assert!(by_number, "seed {seed}");
    by_order
}
