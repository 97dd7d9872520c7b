//! Servers that do less than the embedded one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use zk_session::ops::Opcode;

use super::TIMEOUT;
use crate::Code;

/// A server without a quorum, which grants a session for reads, has no node, and answers `exists` only.
pub(super) fn read_only_server() -> SocketAddr {
    listen(|stream| serve(stream, true))
}

/// Hands every connection to a thread of its own.
pub(super) fn listen(serve: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || serve(stream.expect("a client")));
        }
    });
    address
}

/// Greets a client, and then answers `exists` only.
pub(super) fn serve(mut stream: TcpStream, read_only: bool) {
    let mut head = [0; 4];
    if stream.read_exact(&mut head).is_err() {
        return;
    }
    if &head == b"isro" {
        let _ = stream.write_all(b"ro");
        return;
    }
    let Some(_greeting) = body(&mut stream, head) else { return };
    let timeout = i32::try_from(TIMEOUT.as_millis()).expect("an int").to_be_bytes();
    say(
        &mut stream,
        &[
            &0_i32.to_be_bytes(),
            &timeout,
            &7_i64.to_be_bytes(),
            &16_i32.to_be_bytes(),
            &[1; 16],
            &[u8::from(read_only)],
        ],
    );
    while stream.read_exact(&mut head).is_ok() {
        let Some(request) = body(&mut stream, head) else { return };
        if request[4..8] == Opcode::Exists.raw().to_be_bytes() {
            let no_node = Code::NoNode.raw().to_be_bytes();
            say(&mut stream, &[&request[..4], &1_i64.to_be_bytes(), &no_node]);
        }
    }
}

/// The rest of a frame, if the client does not leave before.
fn body(stream: &mut TcpStream, head: [u8; 4]) -> Option<Vec<u8>> {
    let mut body = vec![0; u32::from_be_bytes(head) as usize];
    stream.read_exact(&mut body).ok().map(|()| body)
}

fn say(stream: &mut TcpStream, fields: &[&[u8]]) {
    let frame = fields.concat();
    let length = u32::try_from(frame.len()).expect("short").to_be_bytes();
    // A client that has left shows at the next read.
    let _ = stream.write_all(&[&length, &*frame].concat());
}
