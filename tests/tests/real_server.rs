//! The support library against itself: a real server starts, stops, stands still and comes back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use zk_tests::zookeeper::{StartError, ask};
use zk_tests::{Installation, Options, Proxy, Release, Server, fresh_path, shared, wait_until};

const LIMIT: Duration = Duration::from_secs(20);

/// What a server does not do within this time, it does not do; it takes a millisecond.
const QUIET: Duration = Duration::from_millis(300);

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn a_started_server_serves() {
    let server = shared();
    assert_eq!(server.command("ruok"), "imok");
    assert!(server.command("srvr").contains("Mode: standalone"), "{}", server.log_tail());
    let config = server.command("conf");
    for line in ["tickTime=200", "minSessionTimeout=400", "maxSessionTimeout=4000"] {
        assert!(config.lines().any(|other| other == line), "no {line} in\n{config}");
    }
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn a_killed_server_restarts_on_its_port_with_its_data() {
    let installation = installation();
    let mut server = Server::start(&installation, Options::new());
    let address = server.address();
    let path = fresh_path();
    let created = installation.client(address, &["create", &path, "kept"]).unwrap();
    assert!(created.status.success(), "{created:?}");

    server.kill();
    assert!(TcpStream::connect(address).is_err(), "a killed server still listens");
    server.restart();
    assert_eq!(server.address(), address);
    let got = installation.client(address, &["get", &path]).unwrap();
    assert_eq!(String::from_utf8_lossy(&got.stdout).lines().last(), Some("kept"), "{got:?}");
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn a_paused_server_is_silent_until_it_resumes() {
    let server = Server::start(&installation(), Options::new());
    server.pause();
    let error = ask(server.address(), "ruok", QUIET).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    server.resume();
    assert_eq!(server.command("ruok"), "imok");
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn a_paused_server_can_be_stopped() {
    let server = Server::start(&installation(), Options::new());
    let address = server.address();
    server.pause();
    drop(server);
    assert!(TcpStream::connect(address).is_err(), "a dropped server still listens");
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn a_port_asked_for_must_be_free() {
    let taken = shared().port();
    match Server::launch(&installation(), Options::new().port(taken)) {
        Err(StartError::Died { port, log, .. }) => {
            assert_eq!(port, taken);
            assert!(log.contains("Address already in use"), "{log}");
        }
        other => panic!("two servers at port {taken}: {other:?}"),
    }
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn settings_and_properties_reach_the_server() {
    let options = Options::new().tick(Duration::from_millis(100)).setting("maxSessionTimeout", "60000");
    let server = Server::start(&installation(), options.property("os.name", "Plan 9"));
    let config = server.command("conf");
    assert!(config.contains("tickTime=100\n") && config.contains("maxSessionTimeout=60000\n"), "{config}");
    let environment = server.command("envi");
    assert!(environment.contains("os.name=Plan 9\n"), "{environment}");
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn a_server_with_users_challenges_who_logs_in() {
    let server = Server::start(&installation(), Options::new().jaas("bob", "bobsecret"));
    let challenge = answer_to_a_login(server.address()).unwrap();
    assert!(challenge.contains("nonce=\"") && challenge.contains("md5-sess"), "{challenge:?}");
    let other = answer_to_a_login(shared().address()).unwrap();
    assert!(!other.contains("nonce"), "one without users has no challenge: {other:?}");
}

/// What a server says to an empty first token (DIGEST-MD5).
fn answer_to_a_login(address: SocketAddr) -> std::io::Result<String> {
    let mut client = TcpStream::connect(address)?;
    client.set_read_timeout(Some(LIMIT))?;
    // Version 0, no zxid seen, 4 s, no session, an empty password.
    let handshake = [&[0; 14][..], &[0x0f, 0xa0], &[0; 8], &[0, 0, 0, 0]].concat();
    // Xid 1, opcode 102, an empty token.
    let login = [[0, 0, 0, 1], [0, 0, 0, 102], [0; 4]].concat();
    let mut answer = Vec::new();
    for frame in [handshake, login] {
        let length = u32::try_from(frame.len()).expect("it is short").to_be_bytes();
        client.write_all(&[&length[..], &frame].concat())?;
        let mut length = [0; 4];
        client.read_exact(&mut length)?;
        answer = vec![0; u32::from_be_bytes(length) as usize];
        client.read_exact(&mut answer)?;
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn a_cut_proxy_ends_a_connection_to_the_server() {
    let server = shared();
    let proxy = Proxy::start(server.address());
    assert_eq!(ask(proxy.address(), "ruok", LIMIT).unwrap(), "imok");

    let mut client = TcpStream::connect(proxy.address()).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    wait_until("only the second is open", LIMIT, || proxy.accepted() == 2 && proxy.connections() == 1);
    proxy.cut();
    let ended = client.read(&mut [0]);
    assert!(
        matches!(ended, Ok(0))
            || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
    );
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn a_server_ends_with_the_input_of_the_binary() {
    let (mut serving, address) = serve();
    assert_eq!(ask(address, "ruok", LIMIT).unwrap(), "imok");
    drop(serving.stdin.take());
    assert!(serving.wait().unwrap().success());
    assert!(TcpStream::connect(address).is_err(), "the server outlived the binary");
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn a_server_and_its_directory_go_with_a_process_that_was_killed() {
    let (mut serving, address) = serve();
    let config = ask(address, "conf", LIMIT).unwrap();
    let data = config
        .lines()
        .find_map(|line| line.strip_prefix("dataDir="))
        .expect("the server names its directory");
    let directory = Path::new(data).parent().expect("it is not the root");
    assert!(directory.exists());
    serving.kill().unwrap();
    serving.wait().unwrap();
    wait_until("the server is gone", LIMIT, || TcpStream::connect(address).is_err());
    wait_until("its directory is gone", LIMIT, || !directory.exists());
}

#[test]
#[cfg_attr(
    not(zookeeper_3_9),
    ignore = "no ZooKeeper 3.9.3: cargo run -p zk-tests --bin zookeeper -- install"
)]
fn another_release_serves_beside_the_installed_one() {
    let installation = Installation::find_release(Release::V3_9).expect("the build script has found it");
    let server = Server::start(&installation, Options::new());
    let said = server.command("srvr");
    assert!(said.starts_with("Zookeeper version: 3.9.3-"), "{said}");
}

#[test]
#[cfg_attr(
    not(zookeeper_3_4),
    ignore = "no ZooKeeper 3.4.13: cargo run -p zk-tests --bin zookeeper -- install"
)]
fn an_old_release_serves_beside_the_installed_one() {
    let installation = Installation::find_release(Release::V3_4).expect("the build script has found it");
    let server = Server::start(&installation, Options::new());
    let said = server.command("srvr");
    assert!(said.starts_with("Zookeeper version: 3.4.13-"), "{said}");
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn a_person_can_break_an_ensemble() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zookeeper"));
    let child = command.args(["ensemble", "0", "0"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("the binary was built with this test");
    let mut commands = child.stdin.take().expect("it is piped");
    let mut said = BufReader::new(child.stdout.take().expect("it is piped")).lines().map(Result::unwrap);
    assert!(said.next().unwrap().starts_with("serving at 127.0.0.1:"));
    assert_eq!(said.by_ref().find(|line| line.starts_with("help")).as_deref(), Some("help             this"));
    commands.write_all(b"status\nkill 0\npause 0\nstatus\n").unwrap();
    drop(commands);
    let rest: Vec<_> = said.collect();
    let [first, second, complaint, killed, left] = &rest[..] else { panic!("{rest:#?}") };
    let leads = |line: &String| line.contains(": Leader, zxid 0x");
    let follows = |line: &String| line.contains(": Follower, zxid 0x");
    assert!(leads(first) && follows(second) || follows(first) && leads(second), "{rest:#?}");
    assert_eq!(complaint, "the node does not run; start it");
    assert!(killed.ends_with(": does not run"), "{killed}");
    assert!(left.starts_with("node 1 at 127.0.0.1:"), "{left}");
    assert!(child.wait().unwrap().success());
}

/// The binary `zookeeper serve`, and where its server listens.
fn serve() -> (Child, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zookeeper"));
    let child = command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("the binary was built with this test");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("it is piped")).read_line(&mut line).expect("it is text");
    let address = line.trim_end().strip_prefix("serving at ").expect("the binary says where it serves");
    (child, address.parse().expect("it is an address"))
}

fn installation() -> Installation {
    Installation::find().unwrap_or_else(|error| panic!("{error}"))
}
