//! From the museum of bugs of clients: lists of servers that change, and ensembles that are others than before.

#[macro_use]
mod script;

use std::collections::BTreeSet;
use std::time::Duration;

use script::{Script, T, data};
use zk_session::ops::{GetData, NodeData, Reply};
use zk_session::proto::Zxid;
use zk_session::{Config, Cut, Ended, Fault, Input, Misuse, Output, Path, Server, SessionState, Stat};

fn server(host: &str) -> Server {
    Server { host: host.into(), port: 2181 }
}

fn servers(hosts: &[&str]) -> Vec<Server> {
    hosts.iter().map(|host| server(host)).collect()
}

fn read_only(mut config: Config) -> Config {
    config.read_only = true;
    config
}

/// CURATOR-724: the ensemble was built anew, from nothing. Its servers refused every client that had seen more than they
/// had, and no client ever came back.
#[test]
fn museum_s104_clients_of_an_ensemble_that_was_wiped_start_anew() {
    holds_but_not_if_wrong!([NeverStartsAnew], |config| {
        let mut script = Script::linked(config("a,b,c"));
        script.read(GetData { path: Path::root(), watch: false }, 1_000, data("x"));
        script.cut();
        script.told();
        // Every server closes the connection without a word.
        for tries in 1..=4 {
            script.dialed_later();
            let handshake = script.connected();
            assert_eq!((handshake.session.raw(), handshake.last_zxid), (5, Zxid::new(1_000)));
            script.cut();
            script.expect(&[]);
            let is_told = script.session.last_fault() == Some(&Fault::Unanswered);
            assert_eq!(is_told, tries >= 3, "it is told when every server has refused: {tries}");
        }
        while !matches!(script.session.state(), SessionState::Ended(_)) {
            match script.session.poll() {
                Some(Output::Connect(conn, _)) => {
                    script.session.handle(Input::Disconnected(conn, Cut::Closed), script.now);
                }
                Some(_) => {}
                None => script.pass(Duration::from_millis(100)),
            }
        }
        assert_eq!(script.session.state(), &SessionState::Ended(Ended::Expired));
        script.session = script.session.successor(script.now).expect("renewed");
        script.told();
        // A lagging server may refuse a new session too, and so do all without a quorum, for a while.
        let (start, mut tries) = (script.now, 0);
        loop {
            script.dialed_later();
            let handshake = script.connected();
            assert_eq!(handshake.session.raw(), 0);
            if handshake.last_zxid == Zxid::ZERO {
                break;
            }
            assert_eq!(handshake.last_zxid, Zxid::new(1_000));
            tries += 1;
            assert!(tries < 100, "it never starts anew");
            script.cut();
        }
        assert!(tries >= 3 && script.now.since(start) >= T, "{tries}");
        script.accept(1);
        script.get("/", false);
        let xid = script.last_sent();
        script.reply(xid, 2, Ok(data("x")));
        script.expect(&["connected 0x1 new", "call 2 ok"]);
    });
}

/// ZOOKEEPER-4819: a client of a read-only server looked for a better one over a bare socket, where its servers speak TLS
/// only. Here the driver makes every connection, the one for the question like the others.
#[test]
fn museum_s126_a_client_leaves_a_server_without_a_quorum() {
    holds_but_not_if_wrong!([SettlesForLess], |config| {
        let mut script = Script::linked(read_only(config("a,b")));
        script.cut();
        script.told();
        let conn = script.dialed_later();
        script.connected();
        script.accept_read_only(5);
        assert!(script.told()[0].starts_with("ReadOnly"));
        let mut pause = Duration::from_millis(100);
        for (answer, is_better) in
            [("ro", false), ("", false), ("null", false), ("not in the whitelist", false), ("rw", true)]
        {
            script.pass(pause - Duration::from_millis(1));
            script.expect(&[]);
            script.pass(Duration::from_millis(1));
            let (probe, asked) = script.asked_for();
            assert_ne!(probe, conn);
            assert_eq!(script.session.transmit(probe, &mut [&[]]), 0, "nothing before the connection stands");
            assert_eq!(script.asks(probe), b"isro");
            if answer.is_empty() {
                // The server says nothing: it is passed over, and the link that there is stays.
                script.pass(Duration::from_secs(1));
            }
            for byte in answer.split_inclusive(|_: char| true) {
                script.answers(probe, byte);
            }
            pause *= 2;
            if is_better {
                script.expect(&["disconnect", "disconnect", "suspended", &format!("connect {asked}")]);
            } else {
                script.expect(&["disconnect"]);
            }
        }
    });
}

/// ZOOKEEPER-2184: names were resolved once, and servers that had moved were never found again. Every try names its server, so
/// that the driver resolves the name again.
#[test]
fn museum_s127_every_try_names_its_server() {
    let mut script = Script::new(script::config("one,two,three"));
    for _ in 0..3 {
        let mut tried = BTreeSet::new();
        for _ in 0..3 {
            let (conn, server) = script.asked_for();
            script.conn = Some(conn);
            tried.insert(server.host);
            script.cut();
            script.pass(T / 4 + Duration::from_millis(1));
        }
        assert_eq!(tried, ["one", "three", "two"].map(Into::into).into());
    }
}

/// Kazoo 2a15b13, ZOOKEEPER-1029: a name that did not resolve ended the loop that connects.
#[test]
fn museum_s128_names_that_do_not_resolve_are_passed_over_and_tried_again() {
    holds_but_not_if_wrong!([GivesUpOnNames], |config| {
        let mut script = Script::new(config("one,two,three"));
        let mut tried = Vec::new();
        let is_known = |server: &Server, round: usize| match round {
            0 => server.host != "one",
            1 => false,
            _ => true,
        };
        for round in 0..4 {
            for _ in 0..3 {
                script.pass(T / 4 + Duration::from_millis(1));
                let (conn, server) = script.asked_for();
                script.conn = Some(conn);
                let known = is_known(&server, round);
                let cut = if known { Cut::Refused } else { Cut::Unresolved(server.host.clone()) };
                tried.push(server.host);
                script.session.handle(Input::Disconnected(conn, cut.clone()), script.now);
                assert_eq!(script.session.last_fault(), Some(&Fault::Cut(cut)));
            }
        }
        let each = tried.chunks(3).map(|round| round.iter().cloned().collect::<BTreeSet<_>>());
        assert!(each.into_iter().all(|round| round.len() == 3), "{tried:?}");
        script.dialed_later();
        script.connected();
        script.accept(5);
        script.expect(&["connected 0x5 new"]);
    });
    for bad in ["", ",", "a,,b", "a:", "a:x", "a:0", "a:70000", ":2181", "a//b", "[::1", "a/b/"] {
        let parsed: Result<zk_session::ConnectString, _> = bad.parse();
        assert!(parsed.is_err(), "{bad:?} is refused before anything is tried: {parsed:?}");
    }
}

/// A session in every state, told how it got there.
fn in_every_state(config: &dyn Fn(&str) -> Config) -> Vec<(&'static str, Script)> {
    let fresh = || Script::new(read_only(config("a,b")));
    let dialed = || {
        let mut script = fresh();
        script.dialed();
        script
    };
    let greeted = || {
        let mut script = dialed();
        script.connected();
        script
    };
    let linked = || Script::linked(read_only(config("a,b")));
    let mut resting = linked();
    resting.cut();
    let mut restoring = linked();
    restoring.read(GetData { path: Path::root(), watch: true }, 1, data("x"));
    restoring.relinked();
    let mut probing = greeted();
    probing.accept_read_only(5);
    probing.pass(Duration::from_millis(101));
    let mut waiting = linked();
    waiting.get("/a", false);
    waiting.sent();
    let mut closing = linked();
    closing.session.close(closing.now);
    let mut ended = linked();
    ended.session.abort();
    vec![
        ("fresh", fresh()),
        ("dialed", dialed()),
        ("greeted", greeted()),
        ("linked", linked()),
        ("waiting for an answer", waiting),
        ("resting", resting),
        ("restoring", restoring),
        ("probing", probing),
        ("closing", closing),
        ("ended", ended),
    ]
}

/// ZOOKEEPER-1683: the list was changed while there was no connection, and the client crashed. Here it is changed in every state,
/// to an empty list, to one with all servers, and to one without any of the old ones.
#[test]
fn museum_s129_the_list_of_servers_may_change_in_any_state() {
    holds_but_not_if_wrong!([StaysWithTheRemoved], |config| {
        for (name, mut script) in in_every_state(config) {
            let empty = script.session.update_servers([], script.now);
            assert_eq!(empty, Err(Misuse::NoServers), "{name}");
            assert_eq!(script.session.servers().servers, servers(&["a", "b"]), "{name}: the old list stays");
            script.told();

            assert_eq!(
                script.session.update_servers(servers(&["c", "d", "e"]), script.now),
                Ok(()),
                "{name}"
            );
            assert_eq!(script.session.servers().servers, servers(&["c", "d", "e"]));
            if let SessionState::Ended(_) = script.session.state() {
                script.expect(&[]);
                continue;
            }
            let begin = script.now;
            let server = loop {
                match script.session.poll() {
                    Some(Output::Connect(_, server)) => break Some(server),
                    Some(Output::State(SessionState::Ended(_))) => break None,
                    Some(_) => {}
                    None => script.pass(Duration::from_millis(10)),
                }
                assert!(script.now.since(begin) < T / 2, "{name}: it stays with a server that was taken off");
            };
            let moved = server.is_none_or(|server| servers(&["c", "d", "e"]).contains(&server));
            assert!(moved, "{name}");
        }
    });
}

/// The text of a configuration as a node.
fn config_node(text: &str) -> Reply {
    Reply::GetData(NodeData { data: Some(text.to_owned().into()), stat: Stat::default() })
}

/// CURATOR-638: entries that listen everywhere, have no port for clients, or several addresses, made a list with which nobody
/// could connect.
#[test]
fn museum_s130_a_configuration_never_leaves_the_client_without_a_server() {
    holds_but_not_if_wrong!([TrustsWildcards], |config| {
        let known = ["a:2181", "b:2181"];
        for (text, expected) in [
            ("server.1=x:2888:3888:participant;0.0.0.0:2182\nversion=1", &["x:2182"][..]),
            ("server.1=x:2888:3888:participant;[::]:2182", &["x:2182"]),
            ("server.1=x:2888:3888:observer;[0:0:0:0:0:0:0:0]:2182", &["x:2182"]),
            ("server.1=x:2888:3888;2182", &["x:2182"]),
            ("server.1=[::2]:2888:3888;2182", &["[::2]:2182"]),
            ("server.1=x:1:2|y:1:2;2182", &["x:2182"]),
            ("server.1=x:1:2;client.x:2182\nserver.2=y:1:2", &["client.x:2182"]),
            ("server.1=x:1:2:observer;[::3]:2182", &["[::3]:2182"]),
            // Nothing of these is of use.
            ("server.1=x:2888:3888:participant", &known),
            ("server.1=0.0.0.0:2888:3888;0.0.0.0:2182", &known),
            ("server.1=[::]:2888:3888;2182", &known),
            ("server.1=x:1:2;0.0.0.0:0", &known),
            ("server.1=x:1:2;y:port", &known),
            ("version=100000000", &known),
            ("\u{fffd}=;\n=\nserver.=", &known),
            ("", &known),
        ] {
            let mut config = config("a,b");
            config.follow_reconfig = true;
            let mut script = Script::linked(config);
            let xid = script.last_sent();
            script.reply(xid, 10, Ok(config_node(text)));
            let mut list: Vec<_> = script.session.servers().servers.iter().map(ToString::to_string).collect();
            list.sort();
            assert_eq!(list, expected, "{text:?}");
        }
    });
}
