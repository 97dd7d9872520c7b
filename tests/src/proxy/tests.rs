//! The proxy before a plain echo server.

use std::io::{Read as _, Write as _};

use super::*;
use crate::wait_until;

const LIMIT: Duration = Duration::from_secs(10);
/// Long enough for a byte to cross loopback many times over.
const QUIET: Duration = Duration::from_millis(50);

#[test]
fn bytes_pass_both_ways_and_are_counted() {
    let proxy = Proxy::start(echo());
    let mut client = connect_to(&proxy);
    assert_eq!(echoed(&mut client, b"hello"), b"hello");
    assert_eq!(proxy.connections(), 1);
    assert_eq!(proxy.accepted(), 1);
    wait_until("both counts are 5", LIMIT, || {
        proxy.forwarded(Direction::ToServer) == 5 && proxy.forwarded(Direction::ToClient) == 5
    });
}

#[test]
fn a_client_that_leaves_takes_its_connection_along() {
    let proxy = Proxy::start(echo());
    let client = connect_to(&proxy);
    wait_until("it is connected", LIMIT, || proxy.connections() == 1);
    drop(client);
    wait_until("it is gone", LIMIT, || proxy.connections() == 0);
}

#[test]
fn a_cut_closes_what_is_open_and_no_more() {
    let proxy = Proxy::start(echo());
    let mut client = connect_to(&proxy);
    assert_eq!(echoed(&mut client, b"a"), b"a");
    proxy.cut();
    assert_eq!(rest(&mut client), b"");
    assert_eq!(proxy.connections(), 0);
    assert_eq!(echoed(&mut connect_to(&proxy), b"b"), b"b");
}

#[test]
fn a_refusing_proxy_closes_new_connections_only() {
    let proxy = Proxy::start(echo());
    let mut before = connect_to(&proxy);
    assert_eq!(echoed(&mut before, b"a"), b"a");
    proxy.refuse(true);
    assert_eq!(rest(&mut connect_to(&proxy)), b"");
    assert_eq!(echoed(&mut before, b"b"), b"b");
    proxy.refuse(false);
    assert_eq!(echoed(&mut connect_to(&proxy), b"c"), b"c");
}

#[test]
fn parted_ends_hear_nothing_until_it_is_over() {
    let proxy = Proxy::start(echo());
    let mut before = connect_to(&proxy);
    assert_eq!(echoed(&mut before, b"a"), b"a");
    proxy.part(true);
    assert_eq!(rest(&mut connect_to(&proxy)), b"");
    before.write_all(b"b").unwrap();
    before.set_read_timeout(Some(QUIET)).unwrap();
    assert!(before.read(&mut [0]).is_err(), "nothing comes back");
    proxy.part(false);
    before.set_read_timeout(Some(LIMIT)).unwrap();
    let mut late = [0];
    before.read_exact(&mut late).unwrap();
    assert_eq!(&late, b"b", "and nothing is lost");
    assert_eq!(echoed(&mut connect_to(&proxy), b"c"), b"c");
}

#[test]
fn an_opening_is_rewritten_and_nothing_after_it() {
    let proxy = Proxy::start(echo());
    proxy.rewrite_opening("me at 1", "me at 2");
    let mut client = connect_to(&proxy);
    assert_eq!(echoed(&mut client, b"I, me at 1, say"), b"I, me at 2, say");
    assert_eq!(echoed(&mut client, b"me at 1"), b"me at 1");
    let mut other = connect_to(&proxy);
    assert_eq!(echoed(&mut other, b"else"), b"else");
}

#[test]
fn a_target_that_is_not_there_closes_the_connection() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let proxy = Proxy::start(nobody);
    assert_eq!(rest(&mut connect_to(&proxy)), b"");
}

#[test]
fn a_stalled_direction_holds_its_bytes_back() {
    for direction in [Direction::ToServer, Direction::ToClient] {
        let proxy = Proxy::start(echo());
        let mut client = connect_to(&proxy);
        assert_eq!(echoed(&mut client, b"a"), b"a");
        proxy.stall(direction, true);
        client.write_all(b"b").unwrap();
        assert!(quiet(&mut client), "{direction:?}");
        assert_eq!(proxy.connections(), 1);
        proxy.stall(direction, false);
        assert_eq!(take(&mut client, 1), b"b");
    }
}

#[test]
fn a_stalled_connection_can_be_cut() {
    let proxy = Proxy::start(echo());
    let mut client = connect_to(&proxy);
    proxy.stall(Direction::ToServer, true);
    client.write_all(b"a").unwrap();
    wait_until("it is connected", LIMIT, || proxy.connections() == 1);
    proxy.cut();
    assert_eq!(rest(&mut client), b"");
    assert_eq!(proxy.forwarded(Direction::ToServer), 0);
}

#[test]
fn the_connection_is_cut_after_the_last_byte_allowed() {
    for (count, sent) in [(0, b"hello"), (1, b"hello"), (4, b"hello"), (5, b"hello")] {
        let proxy = Proxy::start(echo());
        let mut client = connect_to(&proxy);
        proxy.drop_after(Direction::ToClient, count as u64);
        client.write_all(sent).unwrap();
        assert_eq!(rest(&mut client), sent[..count]);
        wait_until("all went to the server", LIMIT, || proxy.forwarded(Direction::ToServer) == 5);
        assert_eq!(proxy.forwarded(Direction::ToClient), count as u64);
        assert_eq!(proxy.connections(), 0);
        assert_eq!(echoed(&mut connect_to(&proxy), b"once"), b"once");
    }
}

#[test]
fn the_bytes_allowed_are_counted_over_several_writes() {
    let proxy = Proxy::start(echo());
    let mut client = connect_to(&proxy);
    proxy.drop_after(Direction::ToServer, 7);
    assert_eq!(echoed(&mut client, b"12345"), b"12345");
    client.write_all(b"6789").unwrap();
    // The echo of the last two bytes may be lost with the connection.
    assert!(b"67".starts_with(&rest(&mut client)));
    assert_eq!(proxy.forwarded(Direction::ToServer), 7);
}

#[test]
fn a_swallowed_byte_never_comes() {
    let proxy = Proxy::start(echo());
    let mut client = connect_to(&proxy);
    proxy.swallow(Direction::ToClient);
    client.write_all(b"a").unwrap();
    wait_until("the server has it", LIMIT, || proxy.forwarded(Direction::ToServer) == 1);
    assert!(quiet(&mut client));
    proxy.heal();
    assert_eq!(echoed(&mut client, b"b"), b"b");
    wait_until("only the second is counted", LIMIT, || proxy.forwarded(Direction::ToClient) == 1);
}

#[test]
fn a_healed_proxy_has_no_fault_left() {
    let proxy = Proxy::start(echo());
    proxy.refuse(true);
    for direction in [Direction::ToServer, Direction::ToClient] {
        proxy.stall(direction, true);
        proxy.swallow(direction);
        proxy.drop_after(direction, 1);
    }
    proxy.heal();
    assert_eq!(echoed(&mut connect_to(&proxy), b"hello"), b"hello");
}

#[test]
fn a_dropped_proxy_closes_its_connections_and_its_port() {
    let proxy = Proxy::start(echo());
    let address = proxy.address();
    let mut client = connect_to(&proxy);
    assert_eq!(echoed(&mut client, b"a"), b"a");
    drop(proxy);
    assert_eq!(rest(&mut client), b"");
    wait_until("the port is closed", LIMIT, || TcpStream::connect(address).is_err());
}

/// A server that sends back what it gets, for as long as the test process lives.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut back = socket.try_clone().unwrap();
            thread::spawn(move || {
                let _ = io::copy(&mut socket, &mut back);
                let _ = back.shutdown(Shutdown::Write);
            });
        }
    });
    address
}

fn connect_to(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(proxy.address()).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client
}

fn echoed(client: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    client.write_all(bytes).unwrap();
    take(client, bytes.len())
}

fn take(client: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).unwrap();
    bytes
}

/// All bytes up to the end, be it orderly or a reset.
fn rest(client: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Err(error) = client.read_to_end(&mut bytes) {
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
    bytes
}

/// Whether nothing comes for a while, not even an end.
fn quiet(client: &mut TcpStream) -> bool {
    client.set_read_timeout(Some(QUIET)).unwrap();
    let got = client.read(&mut [0]);
    client.set_read_timeout(Some(LIMIT)).unwrap();
    got.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
