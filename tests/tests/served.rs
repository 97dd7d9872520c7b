//! Other clients on the model behind a socket: Java's and Kazoo, which take it for a server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use zk_sim::{Config, Served, serve_with};
use zk_tests::{Installation, Options, Proxy, Server, kazoo};

/// As short as the tick of the real servers here, for sessions that expire.
const TICK_MS: u32 = 200;

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn the_command_line_client_takes_it_for_a_server() {
    let (served, installation) = (served(), installation());
    let run = |words: &[&str]| {
        let output = installation.client(served.address(), words).expect("Java runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert!(run(&["create", "/a", "text"]).0);
    assert!(run(&["create", "-s", "/a/b-", "more"]).0);
    assert!(!run(&["create", "/none/b", "text"]).0);
    let (_, got) = run(&["get", "-s", "/a"]);
    assert!(got.contains("\ntext\n") && got.contains("\ncversion = 1\n"), "{got}");
    assert!(run(&["setquota", "-N", "5", "/a"]).0);
    let (_, quota) = run(&["listquota", "/a"]);
    assert!(quota.contains("countHardLimit=5") && quota.contains("count=2,bytes=8"), "{quota}");
    assert!(run(&["deleteall", "/a"]).0);
    let (_, left) = run(&["ls", "/"]);
    assert!(left.ends_with("[zookeeper]\n"), "{left}");
}

#[test]
#[cfg_attr(
    not(all(zookeeper, javac)),
    ignore = "no ZooKeeper, or no javac: install Debian's zookeeper and default-jdk-headless"
)]
fn the_java_client_sees_what_it_sees_on_a_real_server() {
    let (served, installation) = (served(), installation());
    let server = Server::start(&installation, Options::new());
    let classes = tempfile::tempdir().expect("a directory");
    compile(&installation, classes.path());
    let theirs = walk(&installation, classes.path(), server.address());
    let ours = walk(&installation, classes.path(), served.address());
    assert!(theirs.last().is_some_and(|line| line == "after the end: SESSIONEXPIRED"), "{theirs:#?}");
    assert_eq!(ours, theirs);
}

fn compile(installation: &Installation, classes: &Path) {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/java/Walk.java");
    let mut javac = Command::new("javac");
    javac.arg("-cp").arg(class_path(installation, None)).arg("-d").arg(classes).arg(source);
    let output = javac.output().expect("the build script has found javac");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What the walk says on a server, whose connections are cut when it asks for it.
fn walk(installation: &Installation, classes: &Path, server: SocketAddr) -> Vec<String> {
    let proxy = Proxy::start(server);
    let mut java = Command::new(installation.java());
    java.arg("-XX:TieredStopAtLevel=1").arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=off");
    java.arg("-cp").arg(class_path(installation, Some(classes))).arg("Walk");
    java.args([proxy.address(), server].map(|address| address.to_string()));
    let mut child = java.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Java runs");
    let (mut input, output) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
    let mut lines = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line.expect("it is text");
        if line == "cut" {
            proxy.cut();
            input.write_all(b"\n").expect("it reads");
        }
        lines.push(line);
    }
    assert!(child.wait().expect("it ends").success(), "{lines:#?}");
    lines
}

fn class_path(installation: &Installation, first: Option<&Path>) -> std::ffi::OsString {
    let entries: Vec<_> = first.into_iter().chain(installation.class_path()).map(Path::as_os_str).collect();
    entries.join(":".as_ref())
}

/// Kazoo's own tests run on the model, too, by `tests/kazoo/served.py`; these are a few of what they do.
const SCRIPT: &str = r#"
import sys, threading
from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, NoNodeError

client = KazooClient(hosts=sys.argv[1], timeout=2)
client.start()
client.ensure_path("/a/b")
seen, children = [], threading.Event()

@client.DataWatch("/a/b")
def data(value, stat):
    seen.append(value)

@client.ChildrenWatch("/a")
def names(found):
    if sorted(found) == ["b", "c"]:
        children.set()

client.set("/a/b", b"new")
client.create("/a/c", b"", ephemeral=True)
assert children.wait(10)
assert seen[0] == b"" and seen[-1] == b"new", seen

transaction = client.transaction()
transaction.check("/a/b", 1)
transaction.create("/a/d")
transaction.delete("/none")
assert [type(result).__name__ for result in transaction.commit()][2] == "NoNodeError"
assert client.exists("/a/d") is None
try:
    client.set("/a/b", b"", version=7)
    raise AssertionError("the version is another one")
except BadVersionError:
    pass

with client.Lock("/lock", "me"):
    other = KazooClient(hosts=sys.argv[1], timeout=2)
    other.start()
    assert not other.Lock("/lock", "other").acquire(blocking=False)
counter = client.Counter("/count")
counter += 2
assert other.Counter("/count").value == 2
queue = client.Queue("/queue")
queue.put(b"thing")
assert other.Queue("/queue").get() == b"thing"
client.stop()
assert other.exists("/a/c") is None
other.stop()
print("walked")
"#;

#[test]
#[cfg_attr(not(kazoo), ignore = "no Kazoo: install Debian's python3-kazoo")]
fn kazoo_takes_it_for_a_server() {
    let served = served();
    let mut python = Command::new(kazoo::python().expect("the build script has found it"));
    let output = python.args(["-c", SCRIPT, &served.address().to_string()]).output().expect("Python runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.ends_with("walked\n"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

fn served() -> Served {
    serve_with("127.0.0.1:0", Config { tick_ms: TICK_MS, ..Config::default() }).expect("there is a port")
}

fn installation() -> Installation {
    Installation::find().unwrap_or_else(|error| panic!("{error}"))
}
