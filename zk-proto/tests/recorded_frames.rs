//! Every recorded frame decodes to what ZooKeeper's own classes read, and encodes to the recorded bytes.
//!
//! What `vectors/README.md` says about a line holds. A line that is not compared in full is counted, by reason, and the
//! counts are part of the test.

use std::collections::BTreeMap;

use serde_json::Value;
use zk_proto::ops::Opcode;
use zk_proto::{Malformed, PathFault, What};

use crate::line::{Line, lines};
use crate::message::Message;

#[path = "recorded_frames/json.rs"]
mod json;
#[path = "recorded_frames/line.rs"]
mod line;
#[path = "recorded_frames/message.rs"]
mod message;

#[test]
fn every_frame_decodes_to_its_values_and_encodes_to_its_bytes() {
    let mut counts = BTreeMap::new();
    for line in lines() {
        *counts.entry(compare(&line)).or_insert(0) += 1;
    }
    assert_eq!(
        counts,
        BTreeMap::from([
            ("a create mode that create does not take", 2),
            ("a null path", 6),
            ("a null scheme or id in an ACL", 3),
            ("a null vector, taken for an empty one", 2),
            ("a path that breaks a rule", 23),
            ("a sequential name that is nothing but the counter", 2),
            ("an operation without a row", 1),
            ("equal", 691),
            ("equal but for bytes after the end, which are ignored", 2),
        ])
    );
}

/// Compares a line and says how far that goes.
fn compare(line: &Line) -> &'static str {
    let (message, trailing) = match Message::decode(line) {
        Ok(decoded) => decoded,
        Err(error) => return refused(line, error),
    };
    assert_eq!(line::hex(&trailing), line.decoded["trailing"].as_str().unwrap_or_default(), "{}", line.id);

    let mut recorded = line.decoded.clone();
    let leniency = json::normalize(&mut recorded);
    assert_eq!(message.header_json(), recorded["header"], "{}", line.id);
    assert_eq!(message.body_json(), recorded["body"], "{}", line.id);

    let mut bytes = message.encode();
    if trailing.is_empty() {
        assert!(line.reencodes, "{}", line.id);
        assert_eq!(bytes == line.bytes, leniency.is_none(), "{}", line.id);
        return leniency.unwrap_or("equal");
    }
    bytes.extend_from_slice(&trailing);
    assert_eq!(bytes[4..], line.bytes[4..], "{}", line.id);
    "equal but for bytes after the end, which are ignored"
}

/// Checks that a refusal has its cause in the recorded values.
#[expect(clippy::wildcard_enum_match_arm, reason = "a fault of any other kind fails the test")]
fn refused(line: &Line, error: Malformed) -> &'static str {
    let body = &line.decoded["body"];
    match error.what {
        What::Mode(raw) => {
            assert_eq!(body["flags"], raw, "{}", line.id);
            "a create mode that create does not take"
        }
        What::UnknownOpcode(raw) => {
            assert!(Opcode::new(raw).is_none(), "{}", line.id);
            assert_eq!(line.decoded["header"]["type"], raw, "{}", line.id);
            "an operation without a row"
        }
        What::NullString if error.record == "Id" => {
            assert_eq!(body["acl"][0]["id"]["id"], Value::Null, "{}", line.id);
            "a null scheme or id in an ACL"
        }
        What::NullString => {
            assert_eq!(body["path"], Value::Null, "{}", line.id);
            "a null path"
        }
        What::Path(fault) => {
            let path = body["path"].as_str().expect("the path is a text");
            assert!(fault.at <= path.len(), "{}", line.id);
            if fault.fault == PathFault::TrailingSlash && body["flags"].as_i64().is_some_and(|raw| raw >= 2) {
                return "a sequential name that is nothing but the counter";
            }
            "a path that breaks a rule"
        }
        _ => panic!("{}: {error}", line.id),
    }
}

#[test]
fn every_cut_and_every_change_of_a_byte_is_an_error_or_a_value() {
    let mut errors = 0_usize;
    let mut values = 0_usize;
    for mut line in lines().into_iter().filter(|line| line.bytes.len() < 400).step_by(5) {
        let bytes = line.bytes.clone();
        for cut in 4..bytes.len() {
            line.bytes = bytes[..cut].to_vec();
            count(&line, &mut errors, &mut values);
        }
        for at in 4..bytes.len() {
            for change in 1..=u8::MAX {
                line.bytes.clone_from(&bytes);
                line.bytes[at] ^= change;
                count(&line, &mut errors, &mut values);
            }
        }
    }
    assert!(errors > 100_000 && values > 1_000_000, "{errors} errors and {values} values are too few");
}

/// Decodes a changed frame; whatever comes out must be encodable.
fn count(line: &Line, errors: &mut usize, values: &mut usize) {
    match Message::decode(line) {
        Ok((message, _)) => {
            message.encode();
            *values += 1;
        }
        Err(error) => {
            assert!(error.at <= line.bytes.len() - 4, "{}: {error}", line.id);
            *errors += 1;
        }
    }
}
