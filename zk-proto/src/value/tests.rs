//! What must hold for records as data.

use std::format;
use std::string::ToString;
use std::vec;

use super::*;
use crate::ops::Opcode;
use crate::{Acl, ConnectResponse};

fn value(kind: Kind, bytes: &'static [u8]) -> Result<Value, What> {
    let frame = Bytes::from_static(bytes);
    let mut input = Reader::new(&frame);
    let value = Value::decode(kind, &mut input).map_err(|error| error.what)?;
    let mut encoded = Vec::new();
    value.encode(&mut encoded);
    assert_eq!(encoded, bytes[..input.at()]);
    Ok(value)
}

#[test]
fn every_kind_comes_back_as_it_was() {
    let bytes = Bytes::from_static;
    assert_eq!(value(Kind::Nothing, b""), Ok(Value::Missing));
    assert_eq!(value(Kind::Bool, b"\x07"), Ok(Value::Bool(7)));
    assert_eq!(value(Kind::LateBool, b"\x01"), Ok(Value::Bool(1)));
    assert_eq!(value(Kind::LateBool, b""), Ok(Value::Missing));
    assert_eq!(value(Kind::Bool, b""), Err(What::Truncated));
    assert_eq!(value(Kind::Int, b"\xff\xff\xff\xfe"), Ok(Value::Int(-2)));
    assert_eq!(value(Kind::Long, b"\0\0\0\0\0\0\0\x07"), Ok(Value::Long(7)));
    assert_eq!(value(Kind::Text, b"\0\0\0\x02\xff/"), Ok(Value::Text(Some(bytes(b"\xff/")))));
    assert_eq!(value(Kind::Text, b"\xff\xff\xff\xff"), Ok(Value::Text(None)));
    assert_eq!(value(Kind::Text, b"\xff\xff\xff\xfe"), Err(What::NegativeLength(-2)));
    assert_eq!(value(Kind::Buffer, b"\0\0\0\0"), Ok(Value::Buffer(Some(Bytes::new()))));
    assert_eq!(value(Kind::Secret, b"\0\0\0\x01x"), Ok(Value::Secret(Some(bytes(b"x")))));
}

#[test]
fn a_vector_is_bounded_by_the_bytes_that_are_left() {
    const INTS: Kind = Kind::Vector(&Kind::Int);
    assert_eq!(value(INTS, b"\0\0\0\x01\0\0\0\x05"), Ok(Value::Vector(vec![Value::Int(5)])));
    assert_eq!(value(INTS, b"\0\0\0\0"), Ok(Value::Vector(vec![])));
    assert_eq!(value(INTS, b"\xff\xff\xff\xff"), Ok(Value::NegativeCount(-1)));
    assert_eq!(value(INTS, b"\xff\xff\xff\xfe"), Ok(Value::NegativeCount(-2)));
    assert_eq!(value(INTS, b"\0\0\0\x02\0\0\0\x05\0\0\0"), Err(What::Count(2)));
    assert_eq!(value(Kind::Vector(&Kind::Nothing), b"\0\0\0\x02x"), Err(What::Count(2)));
    assert_eq!(value(Kind::Vector(&Acl::KIND), b"\0\0\0\x02...................").err(), Some(What::Count(2)));
}

#[test]
fn a_record_knows_its_fields() {
    let payload = Bytes::from_static(b"\0\0\0\x02/a\x01");
    let schema = Opcode::GetData.request_schema().unwrap();
    let mut record = Record::decode(schema, &mut Reader::new(&payload)).unwrap();
    assert_eq!(record.name(), "GetDataRequest");
    assert_eq!(record.field("path").and_then(Value::text).as_deref(), Some("/a"));
    assert_eq!(record.field("watch"), Some(&Value::Bool(1)));
    assert_eq!((record.field("data"), Value::Int(1).text()), (None, None));
    assert_eq!(record.fields().count(), 2);
    record.fields_mut().for_each(|(_, value)| *value = Value::Int(3));
    assert_eq!(record.to_string(), "path 3, watch 3");

    let cut = Record::decode(schema, &mut Reader::new(&payload.slice(..6))).unwrap_err();
    assert_eq!(cut, Malformed { what: What::Truncated, record: "GetDataRequest", at: 6 });
}

#[test]
fn a_multi_holds_every_operation_but_another_multi() {
    let batch = |opcode: i32, kind| {
        let form: Form = if kind == Kind::Requests { requested } else { answered };
        form(opcode).map(|schema| schema.map(|schema| schema.name))
    };
    for (opcode, request, result) in [
        (1, Some(Some("CreateRequest")), Some(Some("CreateResponse"))),
        (7, Some(Some("SetACLRequest")), Some(Some("SetACLResponse"))),
        (13, Some(Some("CheckVersionRequest")), Some(None)),
        (2, Some(Some("DeleteRequest")), Some(None)),
        (-1, None, Some(Some("ErrorResponse"))),
        (14, None, None),
        (22, None, None),
        (99, None, None),
    ] {
        assert_eq!(batch(opcode, Kind::Requests), request, "{opcode}");
        assert_eq!(batch(opcode, Kind::Results), result, "{opcode}");
    }
    let error = value(Kind::Requests, b"\0\0\0\x0e\0\0\0\0\0");
    assert_eq!(error, Err(What::MultiType(14)));
    let one =
        value(Kind::Results, b"\xff\xff\xff\xff\0\0\0\0\x05\0\0\0\x05\0\0\0\x09\x02\0\0\0\x08").unwrap();
    let Value::Batch(batch) = &one else { panic!("{one} is a batch") };
    assert_eq!(batch.items[0].0, MultiHeader { opcode: -1, done: 0, error: 5 });
    assert_eq!(batch.terminator, MultiHeader { opcode: 9, done: 2, error: 8 });
    assert_eq!(format!("{one} {batch:?}"), "[error {err 5}] error {err 5}");
}

#[test]
fn no_secret_is_shown() {
    let acl = b"\0\0\0\x1f\0\0\0\x06digest\0\0\0\x08bob:hash";
    assert_eq!(value(Acl::KIND, acl).unwrap().to_string(), r#"{perms 31, id {scheme "digest", id "bob:…"}}"#);
    let acl = b"\0\0\0\x1f\0\0\0\x06digest\0\0\0\x04hash";
    assert_eq!(value(Acl::KIND, acl).unwrap().to_string(), r#"{perms 31, id {scheme "digest", id "…"}}"#);
    let acl = b"\0\0\0\x1f\0\0\0\x04sasl\0\0\0\x03b:b";
    assert_eq!(value(Acl::KIND, acl).unwrap().to_string(), r#"{perms 31, id {scheme "sasl", id "b:b"}}"#);

    let response = b"\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x07\0\0\0\x06secret";
    let shown = value(ConnectResponse::KIND, response).unwrap();
    assert_eq!(
        format!("{shown} {shown:?}").split("} {").next(),
        Some("{protocolVersion 0, timeOut 5, sessionId 7, passwd …, readOnly missing")
    );
    let Value::Record(record) = shown else { panic!("it is a record") };
    assert!(format!("{record:?}").starts_with("ConnectResponse {protocolVersion 0"));

    let list = Value::Vector(vec![Value::Buffer(Some(Bytes::from_static(b"abc"))), Value::Buffer(None)]);
    assert_eq!(list.to_string(), "[3 bytes, null]");
    let rest =
        [Value::Secret(None), Value::Text(None), Value::NegativeCount(-1), Value::Bool(2), Value::Long(4)];
    assert_eq!(format!("{rest:?}"), "[null, null, null, true, 4]");
    assert_eq!(Value::Text(Some(Bytes::from_static(b"a\xff\""))).to_string(), r#""a�\"""#);
}
