//! What a user or a server may get wrong costs one call or one connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use zk_session::proto::{self, ConnectResponse, Password, PathFault, Xid};
use zk_session::{Code, ConnectString, CreateMode, Error, Misuse, PathError, SessionId, Zxid};

use crate::face::{Face, SOON, client, config, fresh_root};
use crate::{both, shared};

both!(
    malformed_paths_are_told_before_anything_is_sent,
    a_server_that_talks_nonsense_is_left_for_the_next,
    too_long_a_request_is_not_sent,
    the_last_words_of_a_server_are_heard,
);

#[test]
fn malformed_connect_strings_say_what_and_where() {
    for (text, at) in [("", 0), ("a,,b", 2), ("a:0", 2), ("a:99999", 2), ("[::1", 0), ("a/b//c", 4)] {
        let error = text.parse::<ConnectString>().expect_err(text);
        assert_eq!(error.at, at, "{text}: {error}");
    }
}

fn malformed_paths_are_told_before_anything_is_sent<C: Face>() {
    let client: C = client(shared().address(), &fresh_root::<C>());
    let cases = [
        ("", 0, PathFault::Empty),
        ("a", 0, PathFault::Relative),
        ("/a/", 2, PathFault::TrailingSlash),
        ("/a//b", 3, PathFault::EmptyComponent),
        ("/a/../b", 3, PathFault::DotComponent),
        ("/a\u{0}b", 2, PathFault::Forbidden('\u{0}')),
    ];
    for (path, at, fault) in cases {
        let expected = Err(Error::Misuse(Misuse::Path(PathError { at, fault })));
        assert_eq!(client.exists(path).map(drop), expected, "{path:?}");
        assert_eq!(client.create(path, "", CreateMode::Persistent).map(drop), expected, "{path:?}");
        assert_eq!(client.get_data_watched(path).map(drop), expected, "{path:?}");
    }
    client.close();
}

fn too_long_a_request_is_not_sent<C: Face>() {
    let client: C = client(shared().address(), &fresh_root::<C>());
    let result = client.create("/a", &"x".repeat(2_000_000), CreateMode::Persistent);
    assert!(matches!(result, Err(Error::Misuse(Misuse::TooLong { limit: 1_048_575, .. }))), "{result:?}");
    assert_eq!(client.get_data("/a").map(drop), Err(Error::Server(Code::NoNode)));
    client.close();
}

/// A server that answers every handshake with these bytes.
fn nonsense(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            // A client that has left already is welcome to.
            let _ = stream.read(&mut [0; 64]).and_then(|_| stream.write_all(bytes));
        }
    });
    address
}

fn a_server_that_talks_nonsense_is_left_for_the_next<C: Face>() {
    let liars: Vec<SocketAddr> = [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        &[0xff; 64],
        &[0, 0, 0, 0],
        &[0, 0, 0, 5, 1, 2, 3, 4, 5],
        &[0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0x89],
        &[],
    ]
    .into_iter()
    .map(nonsense)
    .collect();
    let mut servers: Vec<String> = liars.iter().map(ToString::to_string).collect();
    servers.push(shared().address().to_string());
    let client = C::open(config(servers.join(","), ""));
    client.connected(SOON).expect("the honest server is found");
    assert!(client.exists("/").expect("asked").is_some());
    client.close();
}

/// A server that grants a session, answers one request with `NoNode`, and closes the connection in the same breath.
fn curt() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut granted = Vec::new();
    let response = ConnectResponse {
        timeout_ms: 10_000,
        session: SessionId::new(7),
        password: Password::zero(),
        read_only: Some(false),
    };
    proto::encode_connect_response(&response, &mut granted);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 256];
            let answered = stream.read(&mut request).and_then(|_| stream.write_all(&granted));
            // Length, xid, opcode: the answer has the xid of the request.
            if answered.is_ok() && stream.read(&mut request).is_ok_and(|length| length > 12) {
                let xid = i32::from_be_bytes([request[4], request[5], request[6], request[7]]);
                let mut answer = Vec::new();
                proto::encode_reply(Xid::new(xid), Zxid::new(1), Err(Code::NoNode), &mut answer);
                // A client that has left already is welcome to.
                let _ = stream.write_all(&answer);
            }
        }
    });
    address
}

fn the_last_words_of_a_server_are_heard<C: Face>() {
    let server = curt();
    for _ in 0..20 {
        let client = C::open(config(server, ""));
        client.connected(SOON).expect("connected");
        assert_eq!(client.get_data("/a").map(drop), Err(Error::Server(Code::NoNode)));
    }
}
