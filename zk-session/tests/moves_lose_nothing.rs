//! How a session moves: to other servers, to other processes, and with the ensemble's own list.

mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use script::links::{digest, path};
use script::{Script, T, config, data};
use zk_session::ops::{GetData, NodeData, Reply};
use zk_session::{
    CallId, Cancelled, Config, Cut, Ended, Fault, Output, Server, Session, SessionState, Stat, Zxid,
};

fn servers(hosts: &[&str]) -> Vec<Server> {
    hosts.iter().map(|host| Server { host: (*host).into(), port: 2181 }).collect()
}

fn following(list: &str) -> Config {
    let mut config = config(list);
    config.follow_reconfig = true;
    config
}

fn config_node(text: &'static str) -> Reply {
    Reply::GetData(NodeData { data: Some(text.into()), stat: Stat::default() })
}

#[test]
fn what_is_under_way_is_answered_before_a_move_and_what_comes_after_waits() {
    let mut script = Script::linked(config("a"));
    script.read(GetData { path: path("/w"), watch: true }, 1, data("x"));
    script.get("/before", false);
    assert_eq!(script.sent(), ["2 getData /before"]);
    script.told();
    script.session.update_servers(servers(&["b"]), script.now).expect("a list");
    script.get("/after", false);
    assert!(script.sent().is_empty());
    script.expect(&[]);
    script.pass(T / 4);
    script.reply(2, 2, Ok(data("x")));
    script.expect(&["call 2 ok", "disconnect", "suspended", "connect b:2181"]);
    assert_eq!(script.session.last_fault(), Some(&Fault::Rebalanced));
    let conn = script.session.statistics().tries;
    assert_eq!(conn, 2, "no time is lost");
}

#[test]
fn a_move_does_not_wait_for_ever() {
    let mut script = Script::linked(config("a"));
    script.get("/before", false);
    script.sent();
    script.session.update_servers(servers(&["b"]), script.now).expect("a list");
    script.pass(T / 3 - Duration::from_millis(1));
    script.expect(&[]);
    script.pass(Duration::from_millis(1));
    script.expect(&["disconnect", "call 1 MaybeApplied(ConnectionLost)", "suspended", "connect b:2181"]);
}

#[test]
fn a_moved_session_is_the_same() {
    let mut script = Script::linked(config("a"));
    script.read(GetData { path: path("/w"), watch: true }, 7, data("x"));
    script.told();
    script.session.update_servers(servers(&["b", "c"]), script.now).expect("a list");
    script.get("/after", false);
    let told: Vec<_> = std::iter::from_fn(|| script.session.poll()).collect();
    let Some(Output::Connect(conn, server)) = told.last() else { panic!("{told:?}") };
    assert!(servers(&["b", "c"]).contains(server));
    script.conn = Some(*conn);
    let handshake = script.connected();
    assert_eq!((handshake.session.raw(), handshake.last_zxid), (5, Zxid::new(7)));
    script.accept(5);
    assert_eq!(script.restoring().len(), 1);
    script.restored(7);
    script.expect(&["connected 0x5 resumed"]);
    assert_eq!(script.sent(), ["2 getData /after"]);
}

/// The rule of the official client, in the large: of many clients each server has its share afterwards.
#[test]
fn clients_spread_evenly_over_a_changed_list() {
    const CLIENTS: u32 = 3_000;
    for (before, after) in [
        (&["a", "b", "c"][..], &["a", "b", "c", "d", "e"][..]),
        (&["a", "b", "c"], &["a", "b", "d", "e"]),
        (&["a", "b", "c", "d", "e"], &["a", "b", "c"]),
        (&["a", "b", "c"], &["a", "b", "d"]),
        (&["a", "b", "c", "d"], &["a", "b", "x"]),
        (&["a"], &["b"]),
    ] {
        let mut load: BTreeMap<String, u32> = BTreeMap::new();
        for seed in 0..CLIENTS {
            let mut config = config(&before.join(","));
            config.seed = seed.into();
            let mut script = Script::new(config);
            let (conn, mut server) = script.asked_for();
            script.conn = Some(conn);
            script.connected();
            script.accept(5);
            script.session.update_servers(servers(after), script.now).expect("a list");
            while let Some(output) = script.session.poll() {
                if let Output::Connect(_, next) = output {
                    server = next;
                }
            }
            *load.entry(server.host).or_default() += 1;
        }
        let hosts: BTreeSet<_> = load.keys().map(String::as_str).collect();
        assert_eq!(hosts, after.iter().copied().collect());
        let fair = CLIENTS / u32::try_from(after.len()).expect("few");
        for (host, count) in &load {
            assert!(count.abs_diff(fair) <= fair / 7, "{before:?} {after:?}: {host} has {count} of {fair}");
        }
    }
}

#[test]
fn the_ensembles_own_list_is_followed_and_its_watch_is_nobodys_business() {
    let mut script = Script::linked(following("a"));
    assert_eq!(script.sent(), ["1 getData /zookeeper/config"]);
    script.reply(1, 1, Ok(config_node("server.1=a:1:2:participant;a:2181")));
    for links in 2..5 {
        script.relinked();
        script.restored_if_asked();
        script.told();
        let xid = script.last_sent();
        script.reply(xid, 1, Ok(config_node("server.1=a:1:2:participant;a:2181")));
        assert_eq!(script.session.watch_count(), 1, "after {links} links");
    }
    script.event(zk_session::EventKind::NodeDataChanged, "/zookeeper/config");
    script.expect(&[]);
    let xid = script.last_sent();
    script.reply(
        xid,
        2,
        Ok(config_node("server.1=b:1:2:participant;b:2181\nserver.2=c:1:2:observer;c:2181")),
    );
    let told = script.told();
    assert!(
        matches!(&*told, [_, _, connect] if *connect == "connect b:2181" || *connect == "connect c:2181"),
        "{told:?}"
    );
    script.session.abort();
    script.expect(&["disconnect", "Ended(Closed)"]);
}

#[test]
fn a_list_that_says_the_same_moves_nobody() {
    let mut script = Script::linked(following("a,b"));
    let xid = script.last_sent();
    script.reply(xid, 1, Ok(config_node("server.2=b:1:2;2181\nserver.1=a:1:2;2181\nversion=5")));
    script.expect(&[]);
    // A user who watches the same node is told; the engine's own watch is not in his way.
    let call = script.submit(GetData::config(true));
    let xid = script.last_sent();
    script.reply(xid, 1, Ok(config_node("")));
    script.told();
    script.event(zk_session::EventKind::NodeDataChanged, "/zookeeper/config");
    script.expect(&[&format!("{call:?} NodeDataChanged /zookeeper/config")]);
}

#[test]
fn servers_that_do_not_tell_their_list_leave_it_as_it_is() {
    for code in [zk_session::Code::NoNode, zk_session::Code::NoAuth] {
        let mut script = Script::linked(following("a"));
        let xid = script.last_sent();
        script.reply(xid, 1, Err(code));
        script.expect(&[]);
        assert_eq!(script.session.servers().servers, servers(&["a"]));
        assert_eq!(script.session.watch_count(), 0);
    }
}

fn handed_over() -> (Script, zk_session::Handover) {
    let mut script = Script::linked(config("a"));
    script.read(GetData { path: path("/w"), watch: true }, 7, data("x"));
    script.get("/on-its-way", false);
    script.sent();
    script
        .session
        .submit(digest("a:1").into(), zk_session::CallOptions::default(), script.now)
        .expect_err("in clear");
    script.told();
    let handover = script.session.detach().expect("a session");
    (script, handover)
}

#[test]
fn a_session_that_is_handed_over_ends_here_and_goes_on_there() {
    let (mut script, handover) = handed_over();
    script.expect(&[
        "disconnect",
        "call 2 MaybeApplied(Ended(Detached))",
        "call 1 ended Detached",
        "Ended(Detached)",
    ]);
    assert_eq!(script.session.detach(), None);
    assert!(script.session.successor(script.now).is_none());
    assert_eq!(handover.last_zxid, Zxid::new(7));

    script.session = Session::resume(config("b"), handover, script.now);
    script.dialed();
    let handshake = script.connected();
    assert_eq!((handshake.session.raw(), handshake.last_zxid), (5, Zxid::new(7)));
    script.accept(5);
    script.expect(&["connected 0x5 resumed"]);
    assert!(script.sent().is_empty());
}

#[test]
fn a_handed_over_session_that_has_expired_is_told_so() {
    let (mut script, handover) = handed_over();
    script.session = Session::resume(config("b"), handover.clone(), script.now);
    script.dialed();
    script.connected();
    script.expire(false);
    script.expect(&["disconnect", "Ended(Expired)"]);
    assert!(script.session.successor(script.now).is_some());

    // Nobody answers: it ends by its own time, counted from the resumption.
    script.session = Session::resume(config("b"), handover, script.now);
    let begin = script.now;
    while !matches!(script.session.state(), SessionState::Ended(_)) {
        match script.session.poll() {
            Some(Output::Connect(conn, _)) => {
                script.session.handle(zk_session::Input::Disconnected(conn, Cut::Refused), script.now);
            }
            Some(_) => {}
            None => script.pass(Duration::from_millis(100)),
        }
    }
    assert_eq!(script.session.state(), &SessionState::Ended(Ended::Expired));
    assert!(script.now.since(begin) <= T * 4 / 3 + Duration::from_millis(100));
}

#[test]
fn what_is_not_a_session_or_is_about_to_end_is_not_handed_over() {
    let mut script = Script::new(config("a"));
    assert_eq!(script.session.detach(), None, "no server has granted one");
    script.dialed();

    let mut script = Script::linked(config("a"));
    script.session.close(script.now);
    assert_eq!(script.sent(), ["1 closeSession"]);
    assert_eq!(script.session.detach(), None, "it is being closed");
    script.reply(1, 2, Ok(Reply::CloseSession(())));
    script.expect(&["disconnect", "Ended(Closed)"]);

    let mut read_only = config("a");
    read_only.read_only = true;
    let mut script = Script::new(read_only);
    script.dialed();
    script.connected();
    script.accept_read_only(9);
    assert_eq!(script.session.detach(), None, "no other server knows it");
    assert_eq!(script.session.cancel(CallId::new(1)), None::<Cancelled>);
}

trait RestoredIfAsked {
    fn restored_if_asked(&mut self);
}

impl RestoredIfAsked for Script {
    /// Answers requests that restore watches, if there are any.
    fn restored_if_asked(&mut self) {
        if !self.session.state().is_connected() {
            for _ in self.restoring() {
                self.restored(1);
            }
        }
    }
}
