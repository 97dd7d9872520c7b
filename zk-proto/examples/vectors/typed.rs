//! What the typed records make of a frame.
//!
//! They refuse what must not be sent and even out what makes no difference to anybody. So a refusal must have a reason
//! that is a rule about values, and an accepted frame must give back its bytes once those are evened out in the data,
//! too.

use bytes::{Bytes, BytesMut};
use zk_proto::ops::{Opcode, RawOpcode, Reply, Request};
use zk_proto::{
    Body, ConnectRequest, ConnectResponse, Frame, FrameKind, Header, Kind, Malformed, MultiHeader, Reader,
    Record, ReplyHeader, RequestHeader, Value, WatcherEvent, What, Wire, Xid,
};

/// The outcome of a typed decoding.
#[derive(Debug)]
pub(crate) enum Typed {
    /// It gave back the bytes.
    Equal,
    /// It refused them for this reason.
    Refused(What),
    /// There is no type for such a frame.
    None,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other faults are rules about values")]
pub(crate) fn compare(frame: &Frame, payload: &Bytes) -> Result<Typed, String> {
    let encoded = match encode(frame, payload) {
        Ok(Some(encoded)) => encoded,
        Ok(None) => return Ok(Typed::None),
        Err(malformed) => {
            let understood = !matches!(frame.body, Body::Malformed(..));
            return match malformed.what {
                What::Truncated | What::NegativeLength(_) | What::TooLong { .. } | What::Trailing(_)
                    if understood =>
                {
                    Err(format!("only the typed record says {malformed}"))
                }
                what => Ok(Typed::Refused(what)),
            };
        }
    };
    let even = even_out(frame.clone());
    if let Body::Malformed(_, malformed) = even.body {
        return Err(format!("only the data says {malformed}"));
    }
    let mut expected = BytesMut::new();
    even.encode(&mut expected);
    if encoded == expected {
        return Ok(Typed::Equal);
    }
    Err(format!("the typed record is written as {encoded:x}, not as {expected:x}"))
}

/// Decodes and encodes by types; `None` if there is none for the frame.
fn encode(frame: &Frame, payload: &Bytes) -> Result<Option<BytesMut>, Malformed> {
    let mut input = Reader::new(payload);
    let mut out = BytesMut::new();
    match (frame.kind, frame.header) {
        (FrameKind::ConnectRequest, _) => {
            zk_proto::encode_connect(&ConnectRequest::decode(&mut input)?, &mut out);
        }
        (FrameKind::Greeting, Header::None) => {
            zk_proto::encode_connect_response(&ConnectResponse::decode(&mut input)?, &mut out);
        }
        (FrameKind::Request, _) => {
            let RequestHeader { xid, opcode } = Wire::decode(&mut input)?;
            let mut request = Request::decode(opcode, &mut input)?;
            request.each_path(&mut |_| {});
            zk_proto::encode_request(xid, &request, &mut out);
            assert_eq!(out.len(), request.frame_len(), "{request:?}");
        }
        (FrameKind::Event, Header::Reply(ReplyHeader { xid: Xid::NOTIFICATION, zxid, error: None })) => {
            ReplyHeader::decode(&mut input)?;
            zk_proto::encode_event(&WatcherEvent::decode(&mut input)?, zxid, &mut out);
        }
        (_, Header::Reply(ReplyHeader { xid, zxid, error: Some(code) })) => {
            zk_proto::encode_reply(xid, zxid, Err(code), &mut out);
        }
        (FrameKind::Reply(raw), _) => {
            let ReplyHeader { xid, zxid, .. } = Wire::decode(&mut input)?;
            let opcode = Opcode::new(raw).or_else(|| RawOpcode::new(raw).ok().map(Opcode::Raw));
            let Some(opcode) = opcode else { return Ok(None) };
            let reply = Reply::decode(opcode, &mut input)?;
            zk_proto::encode_reply(xid, zxid, Ok(&reply), &mut out);
        }
        (FrameKind::Greeting | FrameKind::Event, _) => return Ok(None),
    }
    Ok(Some(out))
}

/// The same frame without what the typed records even out. They take no body where there is an error.
fn even_out(mut frame: Frame) -> Frame {
    if matches!(frame.header, Header::Reply(ReplyHeader { error: Some(_), .. })) {
        frame.body = Body::None;
        frame.rest = Bytes::new();
    }
    match &mut frame.body {
        Body::Record(record) => even_out_record(record),
        Body::None | Body::Malformed(..) => {}
    }
    let known = match (frame.kind, frame.header) {
        (FrameKind::Request, Header::Request(header)) => Opcode::new(header.opcode).is_some(),
        (FrameKind::Reply(raw), _) => Opcode::new(raw).is_some(),
        (FrameKind::ConnectRequest | FrameKind::Greeting | FrameKind::Event | FrameKind::Request, _) => true,
    };
    if known {
        frame.rest = Bytes::new();
    }
    frame
}

fn even_out_record(record: &mut Record) {
    let name = record.name();
    for (field, value) in record.fields_mut() {
        match (name, field.name) {
            ("ConnectRequest" | "ConnectResponse", "protocolVersion") | ("AuthPacket", "type") => {
                *value = Value::Int(0);
            }
            ("ConnectRequest" | "ConnectResponse", "passwd") if *value == Value::Secret(None) => {
                *value = Value::Secret(Some(Bytes::new()));
            }
            _ => even_out_value(field.kind, value),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other values are written as they were read")]
fn even_out_value(kind: Kind, value: &mut Value) {
    if let Some(text) = value.text().map(|text| Bytes::from(text.into_owned())) {
        *value = Value::Text(Some(text));
    }
    match value {
        Value::Bool(byte) => *byte = u8::from(*byte != 0),
        // A typed count is -1 or none at all.
        Value::NegativeCount(-1) => *value = Value::Vector(Vec::new()),
        Value::Record(record) => even_out_record(record),
        Value::Vector(elements) => {
            let Kind::Vector(element) = kind else { return };
            elements.iter_mut().for_each(|value| even_out_value(*element, value));
        }
        Value::Batch(batch) => {
            for (header, record) in &mut batch.items {
                record.iter_mut().for_each(even_out_record);
                header.done = 0;
                header.error = match (kind, record.as_ref().and_then(|record| record.field("err"))) {
                    (Kind::Results, Some(Value::Int(error))) if header.opcode == -1 => *error,
                    (Kind::Results, _) => 0,
                    _ => -1,
                };
            }
            batch.terminator = MultiHeader::TERMINATOR;
        }
        _ => {}
    }
}
