//! The forms of records are those of ZooKeeper's own classes, field by field.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use zk_proto::ops::{Check, Opcode};
use zk_proto::{
    Acl, ConnectRequest, ConnectResponse, Id, Kind, ReplyHeader, RequestHeader, Schema, Stat, WatcherEvent,
    Wire,
};

#[test]
fn every_record_has_the_fields_that_zookeeper_says() {
    let recorded: Json = serde_json::from_str(include_str!("vectors/schema.json")).expect("the file is JSON");
    let mut recorded: BTreeMap<&str, &Json> = recorded
        .as_object()
        .expect("it has records")
        .iter()
        .map(|(name, form)| (name.as_str(), form))
        .collect();
    let schemas = Opcode::ALL.iter().flat_map(|opcode| [opcode.request_schema(), opcode.reply_schema()]);
    let others = [
        Check::KIND,
        Acl::KIND,
        Id::KIND,
        Stat::KIND,
        ConnectRequest::KIND,
        ConnectResponse::KIND,
        RequestHeader::KIND,
        ReplyHeader::KIND,
        WatcherEvent::KIND,
        zk_proto::ops::ClientInfo::KIND,
    ];
    let mut seen = BTreeMap::new();
    for schema in schemas.chain(others.map(Kind::record)).flatten() {
        let fields: Vec<Json> =
            schema.fields.iter().map(|field| [field.name, &jute(field.kind)].into()).collect();
        seen.insert(schema.name, (schema, Json::from(fields)));
    }
    for (name, (_, fields)) in &seen {
        match recorded.remove(name) {
            Some(form) => assert_eq!(fields, form, "{name}"),
            None => {
                assert!(["MultiOperationRecord", "MultiResponse"].contains(name), "{name} is not recorded")
            }
        }
    }
    // The first is a type of its own here, and the second was never used.
    assert_eq!(recorded.keys().collect::<Vec<_>>(), [&"MultiHeader", &"SetSASLRequest"]);
}

/// What jute calls a kind.
fn jute(kind: Kind) -> String {
    match kind {
        Kind::Bool | Kind::LateBool => "boolean".into(),
        Kind::Int => "int".into(),
        Kind::Long => "long".into(),
        Kind::Text => "ustring".into(),
        Kind::Buffer | Kind::Secret => "buffer".into(),
        Kind::Vector(element) => format!("vector<{}>", jute(*element)),
        Kind::Record(Schema { name, .. }) => (*name).into(),
        Kind::Nothing | Kind::Requests | Kind::Results | _ => format!("{kind:?}"),
    }
}
