//! The lines of the recording.

use serde_json::Value;

/// One recorded frame.
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) opcode: i32,
    /// The whole frame, with its length.
    pub(crate) bytes: Vec<u8>,
    pub(crate) decoded: Value,
    pub(crate) reencodes: bool,
}

/// All lines of all files.
pub(crate) fn lines() -> Vec<Line> {
    let files = [
        include_str!("../vectors/nodes.jsonl"),
        include_str!("../vectors/session.jsonl"),
        include_str!("../vectors/watches.jsonl"),
    ];
    files.iter().flat_map(|file| file.lines()).map(parse).collect()
}

fn parse(text: &str) -> Line {
    let mut line: Value = serde_json::from_str(text).expect("a line is JSON");
    let string = |line: &Value, field: &str| line[field].as_str().expect("the field is a text").to_owned();
    Line {
        id: string(&line, "id"),
        kind: string(&line, "kind"),
        opcode: line["opcode"].as_i64().unwrap_or_default().try_into().expect("an opcode is an int"),
        bytes: unhex(&string(&line, "hex")),
        reencodes: line["reencodes"].as_bool().unwrap_or(true),
        decoded: line["decoded"].take(),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("hex has hex digits") as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Bytes as the recording writes them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
