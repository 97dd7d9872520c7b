//! Every recorded frame decodes to what ZooKeeper's own classes read, and encodes to the recorded bytes.
//!
//! The comparison is that of the example `vectors`. What the typed records refuse is counted, by reason, and the counts
//! are part of the test.

use std::collections::BTreeMap;
use std::fs;

use bytes::Bytes;
use serde_json::Value as Json;
use zk_proto::{Frame, What};

use crate::typed::Typed;

#[path = "../examples/vectors/compare.rs"]
mod compare;
#[path = "../examples/vectors/json.rs"]
mod json;
#[path = "../examples/vectors/typed.rs"]
mod typed;

#[test]
fn every_frame_decodes_to_its_values_and_encodes_to_its_bytes() {
    let mut counts = BTreeMap::new();
    for line in lines() {
        let outcome = match compare::line(&line) {
            Ok(Some(Typed::Equal)) => "equal",
            Ok(Some(Typed::None)) => "there is no type for it",
            Ok(Some(Typed::Refused(what))) => reason(what),
            Ok(None) => "no frame",
            Err(differences) => panic!("{differences}"),
        };
        *counts.entry(outcome).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from(COUNTS));
}

/// What was sent to see what servers say to it is refused here, and nothing else.
const COUNTS: [(&str, usize); 10] = [
    ("a create mode that the operation does not take", 4),
    ("a frame that was cut on purpose", 1),
    ("a null path or scheme", 11),
    ("a null token", 3),
    ("a path that breaks a rule", 43),
    ("a time to live out of range", 4),
    ("an operation that no client may send", 2),
    ("an operation that no multi has", 2),
    ("equal", 2167),
    ("no frame", 6),
];

/// Why the typed records refuse what was sent.
#[expect(clippy::wildcard_enum_match_arm, reason = "a fault of any other kind fails the test")]
fn reason(what: What) -> &'static str {
    match what {
        What::Path(_) => "a path that breaks a rule",
        What::NullString => "a null path or scheme",
        What::NullBuffer => "a null token",
        What::Mode(_) => "a create mode that the operation does not take",
        What::Ttl(_) => "a time to live out of range",
        What::Unsendable(_) => "an operation that no client may send",
        What::MultiType(_) => "an operation that no multi has",
        What::Truncated => "a frame that was cut on purpose",
        other => panic!("{other}"),
    }
}

#[test]
fn what_does_not_agree_is_a_difference() {
    let sample = |line: &String| {
        ["\"kind\":\"response\"", "\"opcode\":4", "\"data\":\"6"].iter().all(|part| line.contains(part))
    };
    let line = lines().into_iter().find(sample).expect("there is one");
    assert!(compare::line(&line).is_ok());
    for (from, to) in [
        ("\"numChildren\":", "\"numChildren\":1"),
        ("\"xid\":", "\"xid\":1"),
        ("\"GetDataResponse\"", "\"GetACLResponse\""),
        ("\"data\":\"6", "\"data\":\"006"),
        ("\"hex\":\"000000", "\"hex\":\"000001"),
        ("\"hex\":\"", "\"hex\":\"0"),
        ("\"opcode\":4", "\"opcode\":6"),
        ("\"kind\":\"response\"", "\"kind\":\"answer\""),
        ("\"decoded\":{", "\"decoded\":{\"trailing\":\"00\", "),
        ("\"decoded\":{", "\"decoded\":{\"decode_error\":\"EOFException\", "),
    ] {
        assert!(line.contains(from), "{from}");
        assert!(compare::line(&line.replacen(from, to, 1)).is_err(), "{from} as {to}");
    }
    assert!(compare::line("{").is_err());
}

/// What the recording at hand does not hold, by the rules of its README.
#[test]
fn odd_lines_are_understood() {
    let line = |kind: &str, opcode: i32, hex: &str, decoded: &str| {
        let fields = format!(r#""id":"odd","kind":"{kind}","opcode":{opcode},"xid":1"#);
        compare::line(&format!(r#"{{{fields},"hex":"{hex}","decoded":{decoded}}}"#)).map(drop)
    };
    let header = r#""header":{"xid":1,"zxid":"0","err":0}"#;
    let request = r#""header":{"xid":1,"type":4},"body_record":"GetDataRequest""#;
    for (kind, opcode, hex, decoded) in [
        // A boolean of another byte, and text that is not UTF-8.
        ("request", 4, "0000000f0000000100000004000000022f6102", format!(r#"{{{request},"body":{{"path":"/a","watch":true}}}}"#)),
        ("request", 4, "0000000f0000000100000004000000022fff00", format!(r#"{{{request},"body":{{"path":"/�","watch":false}}}}"#)),
        // A body that is cut, and one that is missing.
        ("request", 4, "0000000e0000000100000004000000022f61", format!(r#"{{{request},"body":null,"decode_error":"EOFException"}}"#)),
        ("response", 4, "0000001000000001000000000000000000000000", format!("{{{header}}}")),
        // Bytes after an empty body, and after a full one.
        ("response", 11, "000000110000000100000000000000000000000061", format!(r#"{{{header},"body":null,"trailing":"61"}}"#)),
        ("response", 104, "0000001500000001000000000000000000000000000000076f", format!(r#"{{{header},"body_record":"GetAllChildrenNumberResponse","body":{{"totalNumber":7}},"trailing":"6f"}}"#)),
        // Nothing that could be a frame.
        ("request", 4, "00000002", r#"{"decode_error":"EOFException"}"#.into()),
        ("request", 4, "ffffffff", r#"{"decode_error":"IOException"}"#.into()),
        ("request", 4, "0000000000", r#"{"decode_error":"IOException"}"#.into()),
        // An unknown answer to an unknown question.
        ("response", 99, "000000110000000100000000000000000000000061", format!(r#"{{{header},"trailing":"61"}}"#)),
        ("four_letter_word", 0, "73727672", r#"{"text":"srvr"}"#.into()),
        // A null and a negative count of a list.
        ("response", 8, "0000001400000001000000000000000000000000ffffffff", format!(r#"{{{header},"body_record":"GetChildrenResponse","body":{{"children":null}}}}"#)),
        ("response", 8, "0000001400000001000000000000000000000000fffffffe", format!(r#"{{{header},"body_record":"GetChildrenResponse","body":{{"children":[]}}}}"#)),
        // A multi that holds another.
        ("request", 14, "0000001a000000010000000e0000000e00ffffffffffffffff01ffffffff", r#"{"header":{"xid":1,"type":14},"body_record":"MultiOperationRecord","body":null,"decode_error":"IOException"}"#.into()),
    ] {
        assert_eq!(line(kind, opcode, hex, &decoded), Ok(()));
    }
    assert!(line("request", 4, "0000000e0000000100000004000000022f61", "{}").is_err());
    assert!(line("request", 4, "00000002", "{}").is_err());
    assert!(line("request", 4, "000", "{}").is_err());
}

/// Cuts every frame at each byte, and changes each byte of frames to some other values; all frames in release, and as
/// many as fit into the time in debug.
#[test]
fn every_cut_and_every_change_of_a_byte_is_an_error_or_a_value() {
    let mut faults = Faults { bodies: 0, errors: 0, refusals: 0, differences: Vec::new() };
    let step = if cfg!(debug_assertions) { 97 } else { 1 };
    for line in lines().iter().step_by(step) {
        let line: Json = serde_json::from_str(line).expect("a line is JSON");
        let (bytes, Some(kind)) = compare::frame(&line).expect("a line has bytes") else { continue };
        let payload = &bytes[4..];
        // The rest of a long frame is more of the same.
        let length = payload.len().min(if cfg!(debug_assertions) { 300 } else { 2000 });
        for cut in 0..length {
            faults.count(kind, &payload[..cut]);
        }
        let mut changed = payload.to_vec();
        for at in 0..length {
            for byte in (0..=u8::MAX).filter(|byte| *byte != payload[at]).step_by(if payload.len() > 300 {
                16
            } else {
                1
            }) {
                changed[at] = byte;
                faults.count(kind, &changed);
            }
            changed[at] = payload[at];
        }
    }
    let Faults { bodies, errors, refusals, differences } = faults;
    assert!(
        differences.is_empty(),
        "{} differences, the first are {:#?}",
        differences.len(),
        differences.iter().step_by(differences.len() / 3 + 1).collect::<Vec<_>>()
    );
    let enough = bodies > 100_000 && errors > 200 && refusals > 10_000;
    assert!(enough, "{bodies} bodies, {errors} errors and {refusals} refusals are too few");
}

/// What became of changed frames.
struct Faults {
    bodies: usize,
    errors: usize,
    refusals: usize,
    differences: Vec<String>,
}

impl Faults {
    /// Whatever comes out must be the same bytes again, and the typed records must agree with the data.
    fn count(&mut self, kind: zk_proto::FrameKind, payload: &[u8]) {
        let payload = Bytes::copy_from_slice(payload);
        let frame = match Frame::decode(kind, &payload) {
            Ok(frame) => frame,
            Err(error) => {
                assert!(error.at <= payload.len(), "{error}");
                self.errors += 1;
                return;
            }
        };
        let mut encoded = Vec::new();
        frame.encode(&mut encoded);
        assert_eq!(encoded[4..], payload[..]);
        match typed::compare(&frame, &payload) {
            Ok(Typed::Equal | Typed::None) => self.bodies += 1,
            Ok(Typed::Refused(_)) => self.refusals += 1,
            Err(difference) => self.differences.push(format!("{frame}: {difference}")),
        }
    }
}

/// All lines of all files.
fn lines() -> Vec<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let mut files: Vec<_> = fs::read_dir(directory)
        .expect("the directory is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 10);
    files
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(file).expect("a file is text");
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}
