//! A frame as this crate understands it.

use bytes::Bytes;
use zk_proto::ops::{Opcode, Reply, Request};
use zk_proto::{
    ConnectRequest, ConnectResponse, Greeting, Malformed, Reader, ReplyHeader, RequestHeader, WatcherEvent,
    Wire,
};

use crate::line::Line;

/// What a frame can be.
pub(crate) enum Message {
    Connect(ConnectRequest),
    Connected(ConnectResponse),
    Request(RequestHeader, Request),
    Reply(ReplyHeader, Option<Reply>),
    Event(ReplyHeader, WatcherEvent),
}

impl Message {
    /// Decodes the frame of a line, without its length, and gives back what is left after it.
    pub(crate) fn decode(line: &Line) -> Result<(Self, Bytes), Malformed> {
        let frame = Bytes::copy_from_slice(&line.bytes[4..]);
        let mut input = Reader::new(&frame);
        let message = match line.kind.as_str() {
            "connect_request" => ConnectRequest::decode(&mut input).map(Self::Connect),
            "connect_response" => {
                greets_like(&frame, ConnectResponse::decode(&mut input)).map(Self::Connected)
            }
            "connect_refused_reply" => {
                let refused = Greeting::decode(&frame)?;
                let header = ReplyHeader::decode(&mut input)?;
                if frame.len() < 20 {
                    assert_eq!(Some(refused), header.error.map(Greeting::Refused));
                }
                Ok(Self::Reply(header, None))
            }
            "request" | "ping_request" => {
                let header = RequestHeader::decode(&mut input)?;
                Request::decode(header.opcode, &mut input).map(|request| Self::Request(header, request))
            }
            "response" | "ping_response" => decode_reply(line, &mut input),
            "event" => {
                let header = ReplyHeader::decode(&mut input)?;
                WatcherEvent::decode(&mut input).map(|event| Self::Event(header, event))
            }
            other => panic!("{}: nothing is known of {other}", line.id),
        }?;
        Ok((message, frame.slice(input.at()..)))
    }

    /// The whole frame.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Connect(request) => zk_proto::encode_connect(request, &mut out),
            Self::Connected(response) => zk_proto::encode_connect_response(response, &mut out),
            Self::Request(header, request) => {
                zk_proto::encode_request(header.xid, request, &mut out);
                assert_eq!(out.len(), request.frame_len());
            }
            Self::Reply(header, reply) => match (header.error, reply) {
                (None, Some(reply)) => zk_proto::encode_reply(header.xid, header.zxid, Ok(reply), &mut out),
                (Some(code), None) => zk_proto::encode_reply(header.xid, header.zxid, Err(code), &mut out),
                (None, None) | (Some(_), Some(_)) => panic!("a reply has either an error or a body"),
            },
            // A change can turn the header of an event into that of something else.
            Self::Event(header, event) => zk_proto::encode_event(event, header.zxid, &mut out),
        }
        out
    }
}

fn decode_reply(line: &Line, input: &mut Reader<'_>) -> Result<Message, Malformed> {
    let header = ReplyHeader::decode(input)?;
    if header.error.is_some() {
        return Ok(Message::Reply(header, None));
    }
    let opcode = Opcode::new(line.opcode).expect("an unknown operation is refused by the server");
    Reply::decode(opcode, input).map(|reply| Message::Reply(header, Some(reply)))
}

/// Checks that the frame is understood as a greeting to the same effect.
fn greets_like(
    frame: &Bytes,
    decoded: Result<ConnectResponse, Malformed>,
) -> Result<ConnectResponse, Malformed> {
    let greeting = Greeting::decode(frame);
    match (greeting, &decoded) {
        (Ok(Greeting::Accepted(accepted)), Ok(response)) => assert_eq!(&accepted, response),
        (Ok(Greeting::Expired { read_only }), Ok(response)) => {
            assert!(response.timeout_ms <= 0);
            assert_eq!(read_only, response.read_only == Some(true));
        }
        (Ok(Greeting::Refused(_)), Err(_)) => assert!(frame.len() < 20),
        (Err(greeting), Err(error)) => assert!(greeting == *error || frame.len() < 20),
        (greeting, response) => panic!("{greeting:?} is not {response:?}"),
    }
    decoded
}
