//! What must hold for the parts of a multi.

use std::format;
use std::string::ToString;
use std::vec;

use bytes::Bytes;

use super::*;
use crate::acl::Acl;
use crate::mode::{CreateMode, Ttl, TtlMode};
use crate::record::proof;

fn path(text: &str) -> Path {
    Path::new(text).unwrap()
}

fn all_ops() -> Vec<MultiOp> {
    let (acl, data, version) = (Acl::open_unsafe(), Some(Bytes::from_static(b"secret")), Version::ANY);
    let mode = CreateMode::PersistentNumbered;
    vec![
        Create { path: path("/a"), data: data.clone(), acl: acl.clone(), mode }.into(),
        Create2 { path: path("/b"), data: None, acl: acl.clone(), mode: CreateMode::Ephemeral }.into(),
        CreateContainer { path: path("/c"), data: None, acl: acl.clone() }.into(),
        CreateTtl { path: path("/d"), data: None, acl, mode: TtlMode::Persistent, ttl: Ttl::MAX }.into(),
        Delete { path: path("/e"), version }.into(),
        SetData { path: path("/f"), data, version }.into(),
        Check { path: path("/g"), version }.into(),
    ]
}

fn all_results() -> Vec<MultiResult> {
    let stat = Stat { version: 3, ..Stat::default() };
    vec![
        MultiResult::Created(Created { path: path("/a") }),
        MultiResult::CreatedNode(CreatedNode { path: path("/b"), stat }),
        MultiResult::Deleted,
        MultiResult::Set(stat),
        MultiResult::Checked,
        MultiResult::Data(NodeData { data: None, stat }),
        MultiResult::Children(["x"].into_iter().collect()),
        MultiResult::Error(None),
        MultiResult::Error(Some(Code::NoNode)),
    ]
}

#[test]
fn every_operation_and_every_result_survives_the_wire() {
    proof::holds(&Multi { ops: Batch(all_ops()) });
    proof::holds(&Multi { ops: Batch(vec![]) });
    let reads = vec![
        GetData { path: path("/a"), watch: true }.into(),
        GetChildren { path: path("/b"), watch: false }.into(),
    ];
    proof::holds(&MultiRead { ops: Batch(reads) });
    proof::holds(&MultiReply { results: Batch(all_results()) });
    proof::holds(&Check { path: path("/a"), version: Version::ANY });
}

#[test]
fn an_empty_multi_is_its_end() {
    let end = [255, 255, 255, 255, 1, 255, 255, 255, 255];
    assert_eq!(proof::encode(&Multi { ops: Batch(vec![]) }), end);
    assert_eq!(proof::encode(&MultiReply { results: Batch(vec![]) }), end);
    // Whatever else the header says, it is the end.
    let odd = proof::decode::<Multi>(&[0, 0, 0, 14, 9, 0, 0, 0, 0]);
    assert_eq!(odd, Ok(Multi { ops: Batch(vec![]) }));
}

#[test]
fn headers_are_those_of_the_clients_and_servers() {
    let bytes = proof::encode(&Multi { ops: Batch(vec![all_ops().remove(6)]) });
    assert_eq!(bytes[..9], [0, 0, 0, 13, 0, 255, 255, 255, 255]);
    let bytes = proof::encode(&MultiReply { results: Batch(vec![MultiResult::Checked]) });
    assert_eq!(bytes[..9], [0, 0, 0, 13, 0, 0, 0, 0, 0]);
    let bytes = proof::encode(&MultiReply { results: Batch(vec![MultiResult::Error(Some(Code::NoNode))]) });
    assert_eq!(bytes[..13], [255, 255, 255, 255, 0, 255, 255, 255, 155, 255, 255, 255, 155]);
}

#[test]
fn what_is_no_part_of_a_multi_is_refused() {
    // Another multi, a read, an error, and what there is not.
    for opcode in [14, 4, 8, -1, 99] {
        let mut bytes = Vec::new();
        MultiHeader { opcode, done: 0, error: -1 }.encode(&mut bytes);
        MultiHeader::TERMINATOR.encode(&mut bytes);
        let error = Malformed { what: What::MultiType(opcode), record: "Multi", at: 0 };
        assert_eq!(proof::decode::<Multi>(&bytes), Err(error));
        if opcode != 4 && opcode != 8 {
            let error = Malformed { record: "MultiRead", ..error };
            assert_eq!(proof::decode::<MultiRead>(&bytes), Err(error));
        }
        if opcode == 14 || opcode == 99 {
            let error = Malformed { record: "MultiReply", ..error };
            assert_eq!(proof::decode::<MultiReply>(&bytes), Err(error));
        }
    }
}

#[test]
fn a_failed_multi_is_one_error() {
    let reply = |results: &[i32]| MultiReply {
        results: Batch(results.iter().map(|raw| MultiResult::Error(Code::new(*raw))).collect()),
    };
    let failed = reply(&[0, 0, -101, -2, -2]).into_result().unwrap_err();
    assert_eq!(failed, MultiFailed { index: 2, code: Code::NoNode });
    assert!(failed.to_string().starts_with("operation 2 of the multi failed and none was done: "));
    assert_eq!(reply(&[-112, -2]).into_result().map_err(|failed| failed.index), Err(0));
    assert_eq!(reply(&[0]).into_result(), Ok(vec![MultiResult::Error(None)]));

    let mut done = all_results();
    done.pop();
    assert_eq!(MultiReply { results: Batch(done.clone()) }.into_result(), Ok(done));
}

#[test]
fn every_path_can_be_replaced_and_no_data_is_shown() {
    let mut multi = Multi { ops: Batch(all_ops()) };
    let chroot = path("/app");
    let mut seen = 0;
    multi.each_path(&mut |path| {
        seen += 1;
        *path = path.below(&chroot);
    });
    assert_eq!(seen, 7);
    multi.each_path(&mut |path| assert!(path.starts_with(&chroot)));
    assert_eq!(multi.path(), None);
    assert!(!format!("{multi:?}").contains("secret"));

    let mut seen = vec![];
    MultiReply { results: Batch(all_results()) }.each_path(&mut |path| seen.push(path.to_string()));
    assert_eq!(seen, ["/a", "/b"]);
}
