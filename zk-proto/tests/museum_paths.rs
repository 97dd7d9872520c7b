//! From the museum of bugs of clients: what must not be built, whatever is asked for.

use bytes::Bytes;
use zk_proto::ops::{
    Batch, Check, Create, Create2, Delete, Multi, MultiOp, MultiReply, MultiResult, Opcode, Reply, Request,
    SetData,
};
use zk_proto::{Acl, Code, CreateMode, Path, Reader, Version};

/// Texts that are no paths. Servers refuse them, drop the connection over them, or take one for another.
const BAD: [&str; 22] = [
    "",
    "a",
    "a/b",
    "/a/",
    "//",
    "//a",
    "/a//b",
    "/.",
    "/..",
    "/./b",
    "/a/./b",
    "/a/..",
    "/a/../b",
    "/\0",
    "/a\0b",
    "/a\u{1}",
    "/a\u{1f}",
    "/\u{7f}",
    "/\u{9f}x",
    "/\u{e000}",
    "/\u{fff0}",
    "/\u{10000}",
];

/// The operations of a multi that have this path.
fn each_op(path: &Path) -> Vec<MultiOp> {
    let (acl, mode) = (Acl::open_unsafe(), CreateMode::Persistent);
    vec![
        Create { path: path.clone(), data: None, acl: acl.clone(), mode }.into(),
        Create2 { path: path.clone(), data: None, acl, mode }.into(),
        Delete { path: path.clone(), version: Version::ANY }.into(),
        SetData { path: path.clone(), data: None, version: Version::ANY }.into(),
        Check { path: path.clone(), version: Version::ANY }.into(),
    ]
}

fn encoded(ops: Vec<MultiOp>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Request::from(Multi { ops: Batch(ops) }).encode(&mut bytes);
    bytes
}

/// ZOOKEEPER-1388: the paths of single requests were checked and those within a multi were not. Here an operation holds a path
/// that was checked when it was made, within a multi as without.
#[test]
fn museum_s083_no_operation_of_a_multi_has_a_bad_path() {
    for text in BAD {
        let error = Path::new(text).expect_err(text);
        assert!(error.at <= text.len(), "{text:?}: {error}");
    }
}

/// ZOOKEEPER-1388, from the other side: bytes with such a path are no multi either, wherever in it the path stands.
#[test]
fn museum_s083_no_bytes_with_a_bad_path_are_a_multi() {
    let good = Path::new("/good").expect("a path");
    // As long as the good one, so that the bytes of the path can be replaced.
    for text in ["good/", "/goo/", "//ood", "/g//d", "/g/./", "/g\0od", "/go\u{1f}d", "/g\u{fff0}"] {
        assert!(Path::new(text).is_err(), "{text:?}");
        assert_eq!(text.len(), good.as_str().len(), "{text:?}");
        for before in 0..3 {
            for op in each_op(&good) {
                let mut ops = vec![each_op(&Path::root())[2].clone(); before];
                ops.push(op);
                let mut bytes = encoded(ops.clone());
                let whole = Bytes::from(bytes.clone());
                let decoded = Request::decode(Opcode::Multi.raw(), &mut Reader::new(&whole));
                assert_eq!(decoded, Ok(Multi { ops: Batch(ops) }.into()));
                let at = bytes.windows(5).position(|part| part == b"/good").expect("the path");
                bytes[at..at + 5].copy_from_slice(text.as_bytes());
                let bytes = Bytes::from(bytes);
                let decoded = Request::decode(Opcode::Multi.raw(), &mut Reader::new(&bytes));
                assert!(decoded.is_err(), "{text:?} after {before}: {decoded:?}");
            }
        }
    }
}

/// kezhuw 6b52b0b, ZOOKEEPER-2282: the visitor of paths, by which chroots are put on and taken off, sees every path of a multi
/// and of its answer.
#[test]
fn museum_s082_every_path_of_a_multi_is_seen() {
    let ops = each_op(&Path::new("/x").expect("a path"));
    let count = ops.len();
    let mut request = Request::from(Multi { ops: Batch(ops) });
    let mut seen = 0;
    request.each_path(&mut |path| {
        *path = path.below(&Path::new("/app").expect("a path"));
        seen += 1;
    });
    assert_eq!(seen, count);
    let below = each_op(&Path::new("/app/x").expect("a path"));
    assert_eq!(request, Multi { ops: Batch(below) }.into());

    let created =
        |text| MultiResult::Created(zk_proto::ops::Created { path: Path::new(text).expect("a path") });
    let failed = MultiResult::Error(Some(Code::NoNode));
    let mut reply = Reply::Multi(MultiReply { results: Batch(vec![created("/app/x-1"), failed.clone()]) });
    reply.each_path(&mut |path| *path = path.strip(&Path::new("/app").expect("a path")).expect("below it"));
    assert_eq!(reply, Reply::Multi(MultiReply { results: Batch(vec![created("/x-1"), failed]) }));
}
