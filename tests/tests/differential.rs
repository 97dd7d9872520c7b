//! The model of a server against real ones: random requests get the same answers. More of them by zk-sim's example of the
//! same name.

use std::sync::Mutex;

use driver::Plan;
use zk_sim::{Config, Quirks};
use zk_tests::{Installation, Options, Release, Server};

#[path = "../../zk-sim/examples/differential/driver.rs"]
mod driver;

/// Enough that each difference found so far would show.
const SEQUENCES: u64 = 300;
/// Of two clients.
const PAIRS: u64 = 60;
/// Of those that take seconds.
const SLOW: u64 = 3;
const TICK_MS: u32 = 200;

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn the_model_answers_as_the_installed_server_does() {
    answers_alike(&installed());
}

#[test]
#[cfg_attr(
    not(zookeeper_3_9),
    ignore = "no ZooKeeper 3.9.3: cargo run -p zk-tests --bin zookeeper -- install"
)]
fn the_model_answers_as_3_9_does() {
    answers_alike(&release(Release::V3_9));
}

#[test]
#[cfg_attr(
    not(zookeeper_3_4),
    ignore = "no ZooKeeper 3.4.13: cargo run -p zk-tests --bin zookeeper -- install"
)]
fn the_model_answers_as_3_4_does() {
    answers_alike(&release(Release::V3_4));
}

fn answers_alike(installation: &Installation) {
    let server = Server::start(installation, options());
    for (clients, sequences) in [(1, SEQUENCES), (2, PAIRS)] {
        for (is_pipelined, sequences) in [(false, sequences), (true, sequences / 3)] {
            alike(&server, false, driver::compare, &|plan| Plan { clients, is_pipelined, sequences, ..plan });
        }
    }
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn the_model_keeps_account_of_quotas_as_the_installed_server_does() {
    let server = Server::start(&installed(), options());
    alike(&server, false, driver::compare, &|plan| Plan { quotas: true, ..plan });
}

#[test]
#[cfg_attr(
    not(zookeeper_3_9),
    ignore = "no ZooKeeper 3.9.3: cargo run -p zk-tests --bin zookeeper -- install"
)]
fn the_model_enforces_quotas_as_3_9_does() {
    let server = Server::start(&release(Release::V3_9), options().setting("enforceQuota", "true"));
    for (clients, sequences) in [(1, SEQUENCES), (2, PAIRS)] {
        alike(&server, true, driver::compare, &|plan| Plan { quotas: true, clients, sequences, ..plan });
    }
}

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn time_brings_to_the_model_what_it_brings_to_the_installed_server() {
    let server = Server::start(&installed(), Options::new().property(REAP_PROPERTY, "1000"));
    alike(&server, false, driver::compare_slowly, &|plan| Plan { sequences: SLOW, ..plan });
}

const REAP_PROPERTY: &str = "znode.container.checkIntervalMs";

/// Containers are not deleted while sequences run, for the model does not know when.
fn options() -> Options {
    Options::new().property(REAP_PROPERTY, "86400000")
}

fn alike(
    server: &Server,
    enforces_quotas: bool,
    compare: fn(&Plan) -> std::io::Result<driver::Report>,
    change: &dyn Fn(Plan) -> Plan,
) {
    // Servers that are compared at once would only slow each other down.
    static ONE: Mutex<()> = Mutex::new(());
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let address = server.address();
    let name = driver::told_version(address).expect("the server answers");
    let version = driver::version(&name).unwrap_or_else(|| panic!("the model does not know {name}"));
    let quirks = Quirks { enforces_quotas, ..Quirks::of(version) };
    let config = Config { quirks, tick_ms: TICK_MS, reap_interval_ms: u64::MAX, ..Config::default() };
    let plan = change(Plan {
        address,
        config,
        clients: 1,
        quotas: false,
        is_pipelined: false,
        sequences: SEQUENCES,
        seed: 1,
    });
    let report = compare(&plan).expect("the server answers");
    assert_eq!(report.sequences, plan.sequences);
    assert!(report.requests > plan.sequences, "too few requests were compared: {report:?}");
    assert!(report.differences.is_empty(), "{}", report.differences.join("\n"));
}

fn installed() -> Installation {
    Installation::find().expect("the build script has found it")
}

fn release(release: Release) -> Installation {
    Installation::find_release(release).expect("the build script has found it")
}

#[test]
fn requests_that_break_servers_are_not_sent() {
    use driver::frame::{Body, is_safe};

    let request = |opcode| Body::default().int(1).int(opcode);
    let ttl = |body: Body, flags, ttl| body.text("/a").bytes(None).int(0).int(flags).long(ttl);
    let multi = |opcode| request(14).int(opcode).bool(false).int(-1);
    let done = |body: Body| body.int(-1).bool(true).int(-1);
    for broken in [
        request(13).text("/").int(-1),
        request(20),
        request(-10),
        ttl(request(21), 0, -1),
        ttl(request(21), 5, 0),
        ttl(request(21), 5, 1 << 40),
        request(21).text("/a"),
        done(ttl(multi(21), 0, -1)),
        multi(21).text("/a"),
    ] {
        assert!(!is_safe(&broken.0), "{broken:?}");
    }
    for good in [
        ttl(request(21), 5, 1),
        ttl(request(21), 6, (1 << 40) - 1),
        done(multi(13).text("/").int(-1)),
        done(ttl(multi(21), 5, 1)),
        request(4).text("/").bool(false),
    ] {
        assert!(is_safe(&good.0), "{good:?}");
    }
}
