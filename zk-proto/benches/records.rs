//! How fast the hot records are, against a straight cursor written by hand.
//!
//! `cargo bench -p zk-proto` first prints the ratios to the floor, measured in turns so that a busy machine slows both,
//! and then the times and allocations of each record by divan.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use zk_proto::ops::*;
use zk_proto::{
    Acl, CreateMode, EventKind, KeeperState, Malformed, Path, Reader, ReplyHeader, Stat, Version,
    WatcherEvent, Wire, Xid, Zxid,
};

#[path = "records/floor.rs"]
mod floor;
#[path = "records/ratio.rs"]
mod ratio;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    ratio::print();
    divan::main();
}

/// Sizes of node data, in bytes.
const DATA: [usize; 3] = [100, 1024, 1024 * 1024];

/// Counts of children.
const CHILDREN: [usize; 2] = [100, 10_000];

#[divan::bench(args = DATA)]
fn decode_get_data(bencher: Bencher, length: usize) {
    let frame = get_data(length);
    bencher.counter(BytesCount::new(frame.len())).bench_local(|| decode(Opcode::GetData, black_box(&frame)));
}

#[divan::bench(args = DATA)]
fn floor_get_data(bencher: Bencher, length: usize) {
    let frame = get_data(length);
    bencher.counter(BytesCount::new(frame.len())).bench_local(|| floor::get_data(black_box(&frame)));
}

#[divan::bench(args = CHILDREN)]
fn decode_get_children2(bencher: Bencher, count: usize) {
    let frame = get_children(count);
    bencher
        .counter(BytesCount::new(frame.len()))
        .bench_local(|| decode(Opcode::GetChildren2, black_box(&frame)));
}

#[divan::bench(args = CHILDREN)]
fn floor_get_children2(bencher: Bencher, count: usize) {
    let frame = get_children(count);
    bencher.counter(BytesCount::new(frame.len())).bench_local(|| floor::get_children2(black_box(&frame)));
}

#[divan::bench]
fn decode_ping(bencher: Bencher) {
    let frame = reply(&Reply::Ping(()));
    bencher.bench_local(|| decode(Opcode::Ping, black_box(&frame)));
}

#[divan::bench]
fn decode_set_data(bencher: Bencher) {
    let frame = reply(&Reply::SetData(Stat::default()));
    bencher.bench_local(|| decode(Opcode::SetData, black_box(&frame)));
}

#[divan::bench]
fn decode_create2(bencher: Bencher) {
    let frame = reply(&Reply::Create2(CreatedNode { path: path(), stat: Stat::default() }));
    bencher.bench_local(|| decode(Opcode::Create2, black_box(&frame)));
}

#[divan::bench]
fn decode_multi_of_10(bencher: Bencher) {
    let results = (0..10).map(|_| MultiResult::Set(Stat::default())).collect();
    let frame = reply(&Reply::Multi(MultiReply { results: Batch(results) }));
    bencher.bench_local(|| decode(Opcode::Multi, black_box(&frame)));
}

#[divan::bench]
fn decode_event(bencher: Bencher) {
    let (kind, state) = (EventKind::NodeDataChanged, KeeperState::SyncConnected);
    let mut out = BytesMut::new();
    let event = WatcherEvent { kind, state, path: path().to_string() };
    zk_proto::encode_event(&event, Zxid::new(7), &mut out);
    let frame = out.freeze().slice(4..);
    bencher.bench_local(|| {
        let mut input = Reader::new(black_box(&frame));
        let header = ReplyHeader::decode(&mut input)?;
        WatcherEvent::decode(&mut input).map(|event| (header, event))
    });
}

#[divan::bench]
fn encode_ping(bencher: Bencher) {
    encode(bencher, &Ping {}.into());
}

#[divan::bench]
fn encode_get_data(bencher: Bencher) {
    encode(bencher, &GetData { path: path(), watch: false }.into());
}

#[divan::bench(args = DATA)]
fn encode_set_data(bencher: Bencher, length: usize) {
    encode(bencher, &SetData { path: path(), data: Some(data(length)), version: Version::ANY }.into());
}

#[divan::bench]
fn encode_create2(bencher: Bencher) {
    let (acl, mode) = (Acl::open_unsafe(), CreateMode::EphemeralSequential);
    encode(bencher, &Create2 { path: path(), data: Some(data(100)), acl, mode }.into());
}

#[divan::bench]
fn encode_get_children2(bencher: Bencher) {
    encode(bencher, &GetChildren2 { path: path(), watch: true }.into());
}

#[divan::bench]
fn encode_multi_of_10(bencher: Bencher) {
    let set = || SetData { path: path(), data: Some(data(100)), version: Version::ANY }.into();
    encode(bencher, &Multi { ops: Batch((0..10).map(|_| set()).collect()) }.into());
}

/// Into a buffer that has the space, as a connection that is used has.
fn encode(bencher: Bencher, request: &Request) {
    let mut out = BytesMut::with_capacity(request.frame_len());
    bencher.counter(BytesCount::new(request.frame_len())).bench_local(|| {
        out.clear();
        zk_proto::encode_request(Xid::FIRST, black_box(request), &mut out);
        out.len()
    });
}

/// What a client does with the payload of a reply: it looks at the header, and then takes the body.
fn decode(opcode: Opcode, frame: &Bytes) -> Result<Reply, Malformed> {
    let mut input = Reader::new(frame);
    black_box(ReplyHeader::decode(&mut input)?);
    Reply::decode(opcode, &mut input)
}

fn get_data(length: usize) -> Bytes {
    reply(&Reply::GetData(NodeData { data: Some(data(length)), stat: Stat::default() }))
}

fn get_children(count: usize) -> Bytes {
    let children = (0..count).map(|index| format!("lock-{index:010}")).collect();
    reply(&Reply::GetChildren2(NodeChildren { children, stat: Stat::default() }))
}

/// The payload of the frame of a reply.
fn reply(reply: &Reply) -> Bytes {
    let mut out = BytesMut::new();
    zk_proto::encode_reply(Xid::FIRST, Zxid::new(7), Ok(reply), &mut out);
    out.freeze().slice(4..)
}

fn data(length: usize) -> Bytes {
    vec![b'x'; length].into()
}

fn path() -> Path {
    Path::new("/services/search/config").expect("the path is valid")
}
