//! Answers as servers of several releases give them.

use std::string::ToString;
use std::vec::Vec;

use super::*;
use crate::{SessionId, Zxid};

const SRVR: &str =
    "Zookeeper version: 3.9.3-c26634f34490bb0ea7a09cc51e05ede3b4e320ee, built on 2024-10-17 23:21 UTC
Latency min/avg/max: 0/0.5625/12
Received: 48
Sent: 47
Connections: 2
Outstanding: 3
Zxid: 0x10000000a
Mode: follower
Node count: 9
";

const STAT: &str =
    "Zookeeper version: 3.4.13-2d71af4dbe22557fda74f9a9b4309b15a7487f03, built on 06/29/2018 04:05 GMT
Clients:
 /127.0.0.1:50220[1](queued=0,recved=4,sent=5)
 /0:0:0:0:0:0:0:1:50222[0](queued=0,recved=1,sent=0)

Latency min/avg/max: 0/2/12
Mode: standalone
";

#[test]
fn a_status_is_understood() {
    let status = ServerStatus::new(SRVR).unwrap();
    assert!(status.version.is_some_and(|version| version.starts_with("3.9.3-c26")));
    assert_eq!(status.latency, Some(Latency { min_ms: 0, avg_ms: 0.5625, max_ms: 12 }));
    assert_eq!((status.received, status.sent), (Some(48), Some(47)));
    assert_eq!((status.connections, status.outstanding, status.nodes), (Some(2), Some(3), Some(9)));
    assert_eq!((status.zxid, status.mode), (Some(Zxid::new(0x1_0000_000a)), Some(Mode::Follower)));
    assert!(status.clients.is_empty());

    let status = ServerStatus::new(STAT).unwrap();
    assert_eq!(status.latency, Some(Latency { min_ms: 0, avg_ms: 2.0, max_ms: 12 }));
    assert_eq!((status.mode, status.zxid), (Some(Mode::Standalone), None));
    let addresses: Vec<_> = status.clients.iter().map(|client| client.address.as_str()).collect();
    assert_eq!(addresses, ["127.0.0.1:50220", "0:0:0:0:0:0:0:1:50222"]);
    assert_eq!(status.clients[0].values["recved"], "4");
    assert_eq!(status.clients[0].session, None);

    for (text, mode) in [
        ("leader", Mode::Leader),
        ("observer", Mode::Observer),
        ("read-only", Mode::ReadOnly),
        ("leader-to-be", Mode::Unknown("leader-to-be".into())),
    ] {
        let status = ServerStatus::new(&("a line\nReceived: many\nMode: ".to_string() + text)).unwrap();
        assert_eq!((status.mode, status.received), (Some(mode), None));
    }
    assert_eq!(ServerStatus::new("Latency min/avg/max: 0/1").unwrap(), ServerStatus::default());
}

#[test]
fn connections_are_understood() {
    let answer = " /127.0.0.1:40000[1](queued=0,recved=1,sent=1,sid=0x9000000000000001,lop=PING,to=30000)\n\
                  \x20/127.0.0.1:40001[0](queued=0,recved=1,sent=0)\nnonsense\n/host\n";
    let all = ServerConnection::all(answer).unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].session, Some(SessionId::new(0x9000_0000_0000_0001_u64.cast_signed())));
    assert_eq!((all[0].values["lop"].as_str(), all[0].values["to"].as_str()), ("PING", "30000"));
    assert_eq!(all[1].session, None);
}

#[test]
fn names_and_values_are_understood() {
    let metrics =
        Metrics::new("zk_version\t3.9.3-x\nzk_avg_latency\t0.5\nzk_znode_count\t9\nnothing\n").unwrap();
    assert_eq!(metrics.0.len(), 3);
    assert_eq!(metrics.number("zk_znode_count"), Some(9.0));
    assert_eq!((metrics.number("zk_version"), metrics.number("zk_other")), (None, None));

    let conf = Settings::new("clientPort=2181\nmembership: \nserver.1=one:2888:3888:participant\n").unwrap();
    assert_eq!(conf.0["clientPort"], "2181");
    assert_eq!(conf.0["server.1"], "one:2888:3888:participant");
    let envi = Settings::new("Environment:\njava.version=11\nuser.name=zookeeper\n").unwrap();
    assert_eq!((envi.0.len(), envi.0["java.version"].as_str()), (2, "11"));
}

#[test]
fn watches_and_sessions_are_understood() {
    let summary = WatchSummary::new("1 connections watching 2 paths\nTotal watches:3\n").unwrap();
    assert_eq!(summary, WatchSummary { connections: Some(1), paths: Some(2), watches: Some(3) });
    assert_eq!(WatchSummary::new("none").unwrap(), WatchSummary::default());

    let answer = "SessionTracker dump:\nSession Sets (3)/(2):\n0 expire at 14:00:\n2 expire at 14:01:\n\
                  \t0x1000000000\n\t0xff00000000000001\nephemeral nodes dump:\nSessions with Ephemerals (1):\n\
                  0x1000000000:\n\t/a\n\t/b/c\nConnections dump:\nConnections Sets (1)/(1):\n1 expire at x:\n\
                  \tip: /127.0.0.1:5000 sessionId: 0x1000000000\n/stray\n";
    let dump = SessionDump::new(answer).unwrap();
    let (first, second) =
        (SessionId::new(0x10_0000_0000), SessionId::new(0xff00_0000_0000_0001_u64.cast_signed()));
    assert_eq!(dump.sessions, [first, second]);
    assert_eq!(
        dump.ephemerals.into_iter().collect::<Vec<_>>(),
        [(first, ["/a", "/b/c"].map(Into::into).to_vec())]
    );
}

#[test]
fn short_answers_are_understood() {
    assert_eq!((is_ok("imok"), is_ok("imnot")), (Ok(true), Ok(false)));
    assert_eq!(Service::new("rw"), Ok(Service::ReadWrite));
    assert_eq!(Service::new("ro\n"), Ok(Service::ReadOnly));
    assert_eq!(Service::new("null"), Ok(Service::Nobody));
}

#[test]
fn a_refusal_is_an_error() {
    let refused = |answer: &str| {
        let errors = [
            is_ok(answer).err(),
            ServerStatus::new(answer).err(),
            Metrics::new(answer).err(),
            Settings::new(answer).err(),
            ServerConnection::all(answer).err(),
            Service::new(answer).err(),
            WatchSummary::new(answer).err(),
            SessionDump::new(answer).err(),
        ];
        assert!(errors.windows(2).all(|pair| pair[0] == pair[1]), "{errors:?}");
        errors[0].clone()
    };
    assert_eq!(refused(""), Some(WordRefused::Silent));
    assert_eq!(
        refused("mntr is not executed because it is not in the whitelist.\n"),
        Some(WordRefused::NotAllowed)
    );
    assert_eq!(
        refused("This ZooKeeper instance is not currently serving requests\n"),
        Some(WordRefused::NotServing)
    );
}

#[test]
fn a_word_has_four_letters() {
    use Word::{Conf, Cons, Dump, Envi, Isro, Mntr, Ruok, Srvr, Stat, Wchs};
    let all = [Ruok, Srvr, Stat, Mntr, Conf, Envi, Cons, Isro, Wchs, Dump];
    let texts = all.map(Word::as_str).join(" ");
    assert_eq!(texts, "ruok srvr stat mntr conf envi cons isro wchs dump");
}
