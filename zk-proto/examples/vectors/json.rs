//! Decoded values as the recording writes them.

use serde_json::{Map, Value as Json, json};
use zk_proto::{Body, Code, Header, Kind, MultiHeader, RawBatch, Record, ReplyHeader, Value, ops};

pub(crate) fn header(header: Header) -> Json {
    match header {
        Header::None => Json::Null,
        Header::Request(header) => json!({ "xid": header.xid.raw(), "type": header.opcode }),
        Header::Reply(ReplyHeader { xid, zxid, error }) => {
            json!({ "xid": xid.raw(), "zxid": zxid.raw().to_string(), "err": error.map_or(0, Code::raw) })
        }
    }
}

/// The body, and the name of its record.
pub(crate) fn body(body: &Body) -> (Json, Json) {
    match body {
        Body::None => (Json::Null, Json::Null),
        Body::Record(record) => (self::record(record), record.name().into()),
        Body::Malformed(name, _) => (Json::Null, (*name).into()),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other values stand under their own name")]
fn record(record: &Record) -> Json {
    let mut object = Map::new();
    for (field, value) in record.fields() {
        match value {
            Value::Missing => {}
            Value::Batch(RawBatch { items, terminator }) => {
                let requests = matches!(field.kind, Kind::Requests);
                let name = if requests { "ops" } else { "results" };
                object.insert(name.into(), items.iter().map(item).collect());
                object.insert("terminator".into(), multi_header(*terminator));
            }
            value => {
                object.insert(field.name.into(), self::value(value));
            }
        }
    }
    object.into()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a new kind of value must not go by unnoticed")]
fn value(value: &Value) -> Json {
    match value {
        Value::Bool(byte) => (*byte != 0).into(),
        Value::Int(number) => (*number).into(),
        Value::Long(number) => number.to_string().into(),
        Value::Text(_) => value.text().map_or(Json::Null, |text| Json::from(&*text)),
        Value::Buffer(bytes) | Value::Secret(bytes) => {
            bytes.as_ref().map_or(Json::Null, |bytes| hex(bytes).into())
        }
        Value::Vector(elements) => elements.iter().map(self::value).collect(),
        Value::NegativeCount(-1) => Json::Null,
        Value::NegativeCount(_) => json!([]),
        Value::Record(record) => self::record(record),
        other => panic!("{other} stands in a record that knows what to do with it"),
    }
}

fn item((header, record): &(MultiHeader, Option<Record>)) -> Json {
    json!({
        "header": multi_header(*header),
        "op": ops::name(header.opcode),
        "record": record.as_ref().map(Record::name),
        "body": record.as_ref().map(self::record),
    })
}

fn multi_header(header: MultiHeader) -> Json {
    json!({ "type": header.opcode, "done": header.done != 0, "err": header.error })
}

/// Bytes as the recording writes them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that the recording writes so.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok());
    if odd.is_empty() { bytes.collect() } else { None }
}
