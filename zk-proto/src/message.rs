//! Writes whole frames: the length, the header and the body.
//!
//! No limit is checked here: whoever queues a request compares [`Request::frame_len`] with what the server takes.

use crate::code::Code;
use crate::connect::{ConnectRequest, ConnectResponse};
use crate::event::WatcherEvent;
use crate::frame::PREFIX_LEN;
use crate::header::{ReplyHeader, RequestHeader};
use crate::id::{Xid, Zxid};
use crate::ops::{Reply, Request};
use crate::record::Wire;
use crate::write::{Sink, put_length};

/// Writes the first frame of a connection. It has no header.
pub fn encode_connect(request: &ConnectRequest, out: &mut impl Sink) {
    put_length(out, request.encoded_len());
    request.encode(out);
}

/// Writes the frame of a request.
pub fn encode_request(xid: Xid, request: &Request, out: &mut impl Sink) {
    put_length(out, RequestHeader::LEN + request.encoded_len());
    RequestHeader { xid, opcode: request.opcode().raw() }.encode(out);
    request.encode(out);
}

/// Writes the first frame of a server, for servers and tests. It has no header.
pub fn encode_connect_response(response: &ConnectResponse, out: &mut impl Sink) {
    put_length(out, response.encoded_len());
    response.encode(out);
}

/// Writes the frame of a reply, for servers and tests. An error has no body.
pub fn encode_reply(xid: Xid, zxid: Zxid, reply: Result<&Reply, Code>, out: &mut impl Sink) {
    match reply {
        Ok(reply) => {
            put_length(out, ReplyHeader::LEN + reply.encoded_len());
            ReplyHeader { xid, zxid, error: None }.encode(out);
            reply.encode(out);
        }
        Err(code) => {
            put_length(out, ReplyHeader::LEN);
            ReplyHeader { xid, zxid, error: Some(code) }.encode(out);
        }
    }
}

/// Writes the frame of a watch event, for servers and tests. A server before 3.9 writes -1 as the `zxid`.
pub fn encode_event(event: &WatcherEvent, zxid: Zxid, out: &mut impl Sink) {
    put_length(out, ReplyHeader::LEN + event.encoded_len());
    ReplyHeader { xid: Xid::NOTIFICATION, zxid, error: None }.encode(out);
    event.encode(out);
}

impl Request {
    /// The bytes of the request's frame: the length, the header and the body.
    ///
    /// A server takes it if this is at most 4 above its `jute.maxbuffer`, by default
    /// [`REQUEST_LENGTH_MAX`](crate::REQUEST_LENGTH_MAX).
    #[must_use]
    pub fn frame_len(&self) -> usize {
        PREFIX_LEN + RequestHeader::LEN + self.encoded_len()
    }
}
