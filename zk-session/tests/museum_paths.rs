//! From the museum of bugs of clients: paths below a chroot, on the way out and on the way in.

#[macro_use]
mod script;

use script::links::{add_watch, added, children, exists, no_children, path};
use script::{Script, data};
use zk_session::ops::{
    AddWatchMode, Batch, Create, Create2, CreateContainer, CreateTtl, Created, CreatedNode, Delete, GetData,
    GetEphemerals, Multi, MultiReply, MultiResult, Reply, Request, SetData, Sync, Synced,
};
use zk_session::proto::{Ttl, TtlMode};
use zk_session::{Acl, Answer, Code, CreateMode, EventKind, Output, Path, Stat, Version};

use EventKind::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};

/// ZOOKEEPER-682: an event on the chroot itself lost its whole path.
#[test]
fn museum_s079_the_chroot_is_the_clients_root() {
    holds_but_not_if_wrong!([TellsServerPaths], |config| {
        for chroot in ["/app", "/a/b/c"] {
            let mut script = Script::linked(config(&format!("a{chroot}")));
            script.watch("/", AddWatchMode::Persistent, 10);
            script.told();
            for kind in [NodeDeleted, NodeCreated, NodeDataChanged, NodeChildrenChanged] {
                script.event(kind, chroot);
                script.expect(&[&format!("call 1 {kind:?} /")]);
            }
            script.event(NodeDeleted, "/app/");
            script.event(NodeDeleted, "/apple");
            script.expect(&[]);
        }
        let mut script = Script::linked(config("a/app"));
        script.read(GetData { path: Path::root(), watch: true }, 10, data("x"));
        script.read(children("/"), 10, no_children());
        script.told();
        script.event(NodeDeleted, "/app");
        script.expect(&["call 1 NodeDeleted /", "call 2 NodeDeleted /"]);
    });
}

/// ZOOKEEPER-4565: the node of the ensemble's configuration is outside of every chroot. Cutting the chroot off its path, by
/// the number of characters, killed the client.
#[test]
fn museum_s080_an_event_from_outside_of_the_chroot_is_told_as_it_is() {
    holds_but_not_if_wrong!([DreadsForeignPaths], |config| {
        for chroot in
            ["/zookeeper-client-x", "/zookeeper/config-of-another", "/z", "/zookeeperconfigzookeeper"]
        {
            let mut script = Script::linked(config(&format!("a{chroot}")));
            script.read(GetData::config(true), 10, data("server.1=a:1:2"));
            script.watch("/", AddWatchMode::PersistentRecursive, 10);
            script.told();
            script.event(NodeDataChanged, "/zookeeper/config");
            script.event(NodeDataChanged, "/zookeeper");
            script.expect(&["call 1 NodeDataChanged /zookeeper/config"]);
            script.read(GetData::config(true), 10, data("server.1=a:1:2"));
            script.relinked();
            let [lists] = &*script.restoring() else { panic!("expected one request") };
            assert_eq!(lists.data, [Path::config()]);
            assert!(script.session.statistics().links == 2, "no event costs the link");
        }
    });
}

/// A request, as it must leave, the answer, and as it must be told.
type Trip = (Request, Request, Reply, Reply);

fn node(at: &str) -> CreatedNode {
    CreatedNode { path: path(at), stat: Stat::default() }
}

/// All requests that create a node below this path, with the server's answer.
fn creations() -> Vec<Trip> {
    let acl = || Acl::open_unsafe();
    let plain = |at, mode| Create { path: path(at), data: None, acl: acl(), mode };
    let with_stat = |at, mode| Create2 { path: path(at), data: None, acl: acl(), mode };
    let container = |at| CreateContainer { path: path(at), data: None, acl: acl() };
    let time = || Ttl::from_ms(1_000).expect("a time to live");
    let ttl =
        |at| CreateTtl { path: path(at), data: None, acl: acl(), mode: TtlMode::Persistent, ttl: time() };
    let name = |at| Reply::Create(Created { path: path(at) });
    let (once, sequential) = (CreateMode::Persistent, CreateMode::EphemeralSequential);
    vec![
        (plain("/x", once).into(), plain("/app/x", once).into(), name("/app/x"), name("/x")),
        (
            plain("/n-", sequential).into(),
            plain("/app/n-", sequential).into(),
            name("/app/n-0000000007"),
            name("/n-0000000007"),
        ),
        (
            with_stat("/n-", sequential).into(),
            with_stat("/app/n-", sequential).into(),
            Reply::Create2(node("/app/n--2147483648")),
            Reply::Create2(node("/n--2147483648")),
        ),
        (
            container("/c").into(),
            container("/app/c").into(),
            Reply::CreateContainer(node("/app/c")),
            Reply::CreateContainer(node("/c")),
        ),
        (
            ttl("/t").into(),
            ttl("/app/t").into(),
            Reply::CreateTtl(node("/app/t")),
            Reply::CreateTtl(node("/t")),
        ),
    ]
}

fn travels(config: zk_session::Config, (request, sent, answer, told): Trip) {
    let mut script = Script::linked(config);
    script.submit(request);
    assert_eq!(script.sent_requests(), [(1, sent)]);
    script.reply(1, 10, Ok(answer));
    let Some(Output::Completed(_, Ok(Answer { reply, .. }))) = script.session.poll() else {
        panic!("expected the answer")
    };
    assert_eq!(reply, told);
    script.expect(&[]);
    assert_eq!(script.session.oddities().foreign_paths, 0);
}

/// ZOOKEEPER-2282, ZOOKEEPER-1027: some of the ways to ask for a creation told the path as the server knows it.
#[test]
fn museum_s081_the_path_of_a_new_node_is_the_clients() {
    holds_but_not_if_wrong!([TellsServerPaths], |config| {
        for trip in creations() {
            travels(config("a/app"), trip);
        }
        let synced = |at| Reply::Sync(Synced { path: path(at) });
        let sync = |at| Sync { path: path(at) };
        travels(config("a/app"), (sync("/").into(), sync("/app").into(), synced("/app"), synced("/")));
        travels(config("a/app"), (sync("/x").into(), sync("/app/x").into(), synced("/app/x"), synced("/x")));
        let prefix = |at| GetEphemerals { prefix: path(at) };
        let paths = |all: &[&str]| {
            Reply::GetEphemerals(zk_session::ops::Ephemerals {
                paths: all.iter().map(|at| path(at)).collect(),
            })
        };
        let (answer, told) =
            (paths(&["/app/x/1", "/app/xy", "/app", "/apple"]), paths(&["/x/1", "/xy", "/"]));
        travels(config("a/app"), (prefix("/").into(), prefix("/app").into(), answer, told));
    });
}

/// kezhuw 6b52b0b: the same, for creations within a multi.
#[test]
fn museum_s082_the_path_of_a_new_node_of_a_multi_is_the_clients() {
    holds_but_not_if_wrong!([TellsServerPaths], |config| {
        let ops = |chroot: &str| {
            let at = |name: &str| path(&format!("{chroot}{name}"));
            let (acl, mode) = (Acl::open_unsafe(), CreateMode::PersistentSequential);
            let create = Create { path: at("/n-"), data: None, acl: acl.clone(), mode };
            let with_stat = Create2 { path: at("/n-"), data: None, acl, mode };
            let set = SetData { path: at("/s"), data: None, version: Version::ANY };
            let delete = Delete { path: at("/d"), version: Version::ANY };
            Multi { ops: Batch(vec![create.into(), with_stat.into(), set.into(), delete.into()]) }
        };
        let results = |chroot: &str| {
            let at = |name: &str| path(&format!("{chroot}{name}"));
            let created = MultiResult::Created(Created { path: at("/n-0000000041") });
            let node = MultiResult::CreatedNode(node(at("/n-0000000042").as_str()));
            let results = vec![created, node, MultiResult::Set(Stat::default()), MultiResult::Deleted];
            Reply::Multi(MultiReply { results: Batch(results) })
        };
        travels(config("a/app"), (ops("").into(), ops("/app").into(), results("/app"), results("")));

        // Servers before 3.7.2 and 3.8.2 answer the second creation as if it were the first.
        let failed = || {
            let item = |code| MultiResult::Error(code);
            let inconsistent = || item(Some(Code::RuntimeInconsistency));
            let results = vec![item(None), item(Some(Code::NodeExists)), inconsistent(), inconsistent()];
            Reply::Multi(MultiReply { results: Batch(results) })
        };
        travels(config("a/app"), (ops("").into(), ops("/app").into(), failed(), failed()));
    });
}

/// ZOOKEEPER-961, ZOOKEEPER-4565: watches of all kinds travel out and in by the chroot's rules, and removals too.
#[test]
fn museum_s024_watches_of_every_kind_live_below_the_chroot() {
    holds_but_not_if_wrong!([TellsServerPaths, RestoresItsOwnPaths], |config| {
        let mut config = config("a/app");
        config.release = Some(zk_session::ops::Release::new(3, 6, 0));
        let mut script = Script::linked(config);
        script.watch("/r", AddWatchMode::PersistentRecursive, 10);
        script.submit(add_watch("/p", AddWatchMode::Persistent));
        script.submit(exists("/e"));
        script.submit(children("/c"));
        assert_eq!(script.sent(), ["2 addWatch /app/p", "3 exists /app/e", "4 getChildren2 /app/c"]);
        script.reply(2, 10, Ok(added()));
        script.reply(3, 10, Err(Code::NoNode));
        script.reply(4, 10, Ok(no_children()));
        script.relinked();
        let [lists] = &*script.restoring() else { panic!("expected one request") };
        let all = [&lists.exist, &lists.child, &lists.persistent, &lists.recursive].map(|list| &**list);
        assert_eq!(all, [[path("/app/e")], [path("/app/c")], [path("/app/p")], [path("/app/r")]]);
        script.restored(10);
        script.told();
        for (kind, at) in [
            (NodeCreated, "/app/r/x"),
            (NodeChildrenChanged, "/app/p"),
            (NodeDeleted, "/app/c"),
            (NodeCreated, "/app/e"),
        ] {
            script.event(kind, at);
        }
        script.expect(&[
            "call 1 NodeCreated /r/x",
            "call 2 NodeChildrenChanged /p",
            "call 4 NodeDeleted /c",
            "call 3 NodeCreated /e",
        ]);
        script.session.unwatch(zk_session::CallId::new(1));
        assert!(script.sent()[0].ends_with("removeWatches /app/r"));
    });
}
