//! The model of a server against a real one: random requests get the same answers. More of them by zk-sim's example of
//! the same name.

use zk_tests::{Installation, Options, Server};

#[path = "../../zk-sim/examples/differential/driver.rs"]
mod driver;

/// Enough that each difference found so far would show.
const SEQUENCES: u64 = 300;
const TICK_MS: u32 = 200;

#[test]
#[cfg_attr(not(zookeeper), ignore = "no ZooKeeper: install Debian's zookeeper package or set ZOOKEEPER_JARS")]
fn the_model_answers_as_a_real_server_does() {
    let installation = Installation::find().expect("the build script has found it");
    let server = Server::start(&installation, Options::new());
    let report = driver::compare(server.address(), TICK_MS, SEQUENCES, 1).expect("the server answers");
    assert_eq!(report.sequences, SEQUENCES);
    assert!(report.requests > SEQUENCES, "too few requests were compared: {report:?}");
    assert!(report.differences.is_empty(), "{}", report.differences.join("\n"));
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
