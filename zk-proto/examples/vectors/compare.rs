//! Compares one recorded line with what this crate makes of its bytes.
//!
//! Frames are taken apart as data, which must agree in every field and give back every byte. What the typed records make
//! of the same bytes is compared in `typed`.

use bytes::Bytes;
use serde_json::Value as Json;
use zk_proto::{Body, Deframer, Frame, FrameKind, Header};

use crate::json;
use crate::typed::{self, Typed};

/// Compares a line. A success says what the typed records make of it; `None` for what is no frame.
pub(crate) fn line(text: &str) -> Result<Option<Typed>, String> {
    let line: Json = serde_json::from_str(text).map_err(|error| format!("the line is no JSON: {error}"))?;
    let mut differences = Differences(Vec::new());
    let outcome = compare(&line, &mut differences);
    let id = line["id"].as_str().unwrap_or("a line without id");
    match outcome {
        Ok(typed) if differences.0.is_empty() => Ok(typed),
        Ok(_) => Err(format!("{id}: {}", differences.0.join("; "))),
        Err(fault) => Err(format!("{id}: {fault}")),
    }
}

/// The bytes of a line, and what they are to be taken for; `None` if they are no frame.
pub(crate) fn frame(line: &Json) -> Result<(Vec<u8>, Option<FrameKind>), String> {
    let bytes = line["hex"].as_str().and_then(json::unhex).ok_or("the field hex is not hex")?;
    let opcode = line["opcode"].as_i64().and_then(|raw| i32::try_from(raw).ok());
    let kind = match line["kind"].as_str().unwrap_or_default() {
        "connect_request" => FrameKind::ConnectRequest,
        "connect_response" | "connect_refused_reply" => FrameKind::Greeting,
        "request" | "ping_request" | "auth_request" | "sasl_request" => FrameKind::Request,
        "response" | "ping_response" | "auth_response" | "sasl_response" => {
            // Without the number there is only the header to understand.
            FrameKind::Reply(opcode.unwrap_or_default())
        }
        "event" => FrameKind::Event,
        "four_letter_word" => return Ok((bytes, None)),
        other => return Err(format!("nothing is known of the kind {other:?}")),
    };
    Ok((bytes, Some(kind)))
}

fn compare(line: &Json, differences: &mut Differences) -> Result<Option<Typed>, String> {
    let decoded = &line["decoded"];
    let (bytes, kind) = frame(line)?;
    let Some(kind) = kind else {
        differences.note("text", &String::from_utf8_lossy(&bytes).into(), &decoded["text"]);
        return Ok(None);
    };
    let refused = !decoded["decode_error"].is_null();
    let frame = payload(&bytes).and_then(|payload| {
        let frame = Frame::decode(kind, &payload).map_err(|malformed| malformed.to_string())?;
        Ok((frame, payload))
    });
    let (frame, payload) = match frame {
        Ok(decoded) => decoded,
        // Not even a header: both agree.
        Err(_) if refused => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let typed = typed::compare(&frame, &payload)?;
    note_header(&frame, line, differences);
    if !refused {
        note_body(&frame, decoded, differences)?;
    } else if !matches!(frame.body, Body::Malformed(..)) && !matches!(typed, Typed::Refused(_)) {
        return Err(format!("the bytes are accepted; recorded was {}", decoded["decode_error"]));
    }

    let mut encoded = Vec::new();
    frame.encode(&mut encoded);
    differences.note("the bytes", &json::hex(&encoded).into(), &json::hex(&bytes).into());
    Ok(Some(typed))
}

/// The header, and what the line repeats of it.
fn note_header(frame: &Frame, line: &Json, differences: &mut Differences) {
    let header = json::header(frame.header);
    differences.note("header", &header, &line["decoded"]["header"]);
    let (opcode, error) = match frame.header {
        Header::None => return,
        Header::Request(_) => (&header["type"], &Json::Null),
        Header::Reply(_) => (&Json::Null, &header["err"]),
    };
    let no_error = Json::from(0);
    let recorded_error = if line["err"].is_null() { &no_error } else { &line["err"] };
    for (what, found, recorded) in [
        ("opcode", opcode, &line["opcode"]),
        ("xid", &header["xid"], &line["xid"]),
        ("err", error, recorded_error),
    ] {
        if !found.is_null() && !recorded.is_null() {
            differences.note(what, found, recorded);
        }
    }
}

/// The record, and what comes after it.
fn note_body(frame: &Frame, decoded: &Json, differences: &mut Differences) -> Result<(), String> {
    let (body, record) = json::body(&frame.body);
    if let Body::Malformed(_, malformed) = &frame.body {
        // Where nothing follows the header, nothing is recorded either.
        return if frame.rest.is_empty() && decoded["body"].is_null() {
            Ok(())
        } else {
            Err(format!("{malformed}, but the recorded body is {}", decoded["body"]))
        };
    }
    differences.note("body", &body, &decoded["body"]);
    differences.note("body_record", &record, &decoded["body_record"]);
    let trailing = if frame.rest.is_empty() { Json::Null } else { json::hex(&frame.rest).into() };
    differences.note("trailing", &trailing, &decoded["trailing"]);
    Ok(())
}

/// The payload of the one frame that the bytes are.
fn payload(bytes: &[u8]) -> Result<Bytes, String> {
    let mut deframer = Deframer::new(usize::MAX);
    deframer.buffer().extend_from_slice(bytes);
    match deframer.next_frame() {
        Ok(Some(payload)) if deframer.buffer().is_empty() => Ok(payload),
        Ok(Some(_)) => Err(format!("{} bytes come after the frame", deframer.buffer().len())),
        Ok(None) => Err("the frame is cut".into()),
        Err(malformed) => Err(malformed.to_string()),
    }
}

/// What does not agree.
struct Differences(Vec<String>);

impl Differences {
    fn note(&mut self, what: &str, found: &Json, recorded: &Json) {
        if found != recorded {
            self.0.push(format!("{what} is {found}, recorded was {recorded}"));
        }
    }
}
