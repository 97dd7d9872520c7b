//! Frames and records of the ZooKeeper wire protocol: jute bytes to typed values and back.
//!
//! To talk to a ZooKeeper ensemble, use a client crate; this one knows no session, no retry and no socket. It is for
//! whoever builds a client, a proxy, a test server or a tool that reads recorded traffic.
//!
//! The crate is `no_std`, it never blocks, and it never panics on bytes: whatever a peer sends is either a value or a
//! [`Malformed`] that says what is wrong, in which record and at which byte. Node data is not copied on its way in.
//!
//! A client's way through the crate:
//!
//! 1. [`encode_connect`] writes the first frame; [`Greeting::decode`] understands the first frame that comes back.
//! 2. [`encode_request`] writes a frame for a [`Request`](ops::Request).
//! 3. [`Deframer`] cuts received bytes into frames.
//! 4. Each frame starts with a [`ReplyHeader`]; then comes a [`WatcherEvent`] if its xid is [`Xid::NOTIFICATION`],
//!    nothing if it has an error, and else what [`Reply::decode`](ops::Reply::decode) reads.
//!
//! Two views of the same bytes come from the same table of operations. The typed one, in [`ops`], is strict: what can be
//! built is valid, and what makes a server die cannot be built. The other, [`Frame`], takes any frame apart as data, shows
//! it without its secrets, and writes it again to the byte; it is for looking at traffic, whatever that holds.
//!
//! # Limits
//!
//! - Memory: a frame is bounded by the limit of the [`Deframer`], and grows with what was received. A count is compared
//!   with the bytes that are left before anything is allocated for it, and the depth of a value is that of its type.
//! - Bytes after the end: a reply, a greeting and an event may have some, because servers add fields there, as they did
//!   with the read-only byte of the handshake; a request may, because servers ignore them. [`Reader::rest_len`] says how
//!   many there are, and [`Reader::finish`] makes them an error where somebody wants that. Within a record there are none:
//!   every field is read to its end.
//! - Text: what is not UTF-8 becomes U+FFFD as it does in Java, and never ends a connection. A [`Path`] with it is refused.
//! - Secrets: `Debug` shows no password, credential, token, hash of a digest, or node data. The memory is not wiped.
//!
//! ```
//! use bytes::BytesMut;
//! use zk_proto::ops::{GetData, NodeData, Opcode, Reply, Request};
//! use zk_proto::{Deframer, FRAME_LENGTH_MAX, Path, Reader, ReplyHeader, Stat, Wire, Xid, Zxid};
//!
//! let request = Request::from(GetData { path: Path::new("/config")?, watch: false });
//! let mut sent = BytesMut::new();
//! zk_proto::encode_request(Xid::FIRST, &request, &mut sent);
//! assert_eq!(sent.len(), request.frame_len());
//!
//! // What a server would answer.
//! let answer = Reply::GetData(NodeData { data: Some("on".into()), stat: Stat::default() });
//! let mut deframer = Deframer::new(FRAME_LENGTH_MAX);
//! zk_proto::encode_reply(Xid::FIRST, Zxid::new(7), Ok(&answer), deframer.buffer());
//!
//! let frame = deframer.next_frame()?.ok_or("the whole frame is there")?;
//! let mut input = Reader::new(&frame);
//! let header = ReplyHeader::decode(&mut input)?;
//! assert_eq!((header.xid, header.error), (Xid::FIRST, None));
//! assert_eq!(Reply::decode(Opcode::GetData, &mut input)?, answer);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[macro_use]
mod record;

mod acl;
mod challenge;
mod children;
mod code;
mod connect;
mod connect_string;
mod digest;
mod dissect;
mod ensemble;
mod error;
mod event;
mod frame;
mod header;
mod id;
mod message;
mod mode;
pub mod ops;
mod path;
mod read;
mod schema;
mod secret;
mod server;
mod stat;
mod text;
mod value;
pub mod words;
mod write;

pub use acl::{Acl, AclError, Id, Perms};
pub use challenge::{Challenge, ChallengeFault};
pub use children::Children;
pub use code::Code;
pub use connect::{ConnectRequest, ConnectResponse, Greeting, Password};
pub use connect_string::{ConnectString, ConnectStringError, ConnectStringFault};
pub use digest::ColonInUser;
pub use dissect::{Body, Frame, FrameKind, Header};
pub use ensemble::{EnsembleConfig, Member, Role};
pub use error::{Malformed, What};
pub use event::{EventKind, KeeperState, WatcherEvent};
pub use frame::{Deframer, FRAME_LENGTH_MAX, HANDSHAKE_LENGTH_MAX, REQUEST_LENGTH_MAX};
pub use header::{ReplyHeader, RequestHeader};
pub use id::{SessionId, Version, VersionUnusable, Xid, Zxid};
pub use message::{encode_connect, encode_connect_response, encode_event, encode_reply, encode_request};
pub use mode::{CreateMode, Ttl, TtlMode, TtlOutOfRange};
pub use path::{Path, PathError, PathFault};
pub use read::Reader;
pub use record::Wire;
pub use schema::{Field, Kind, Schema};
pub use secret::Secret;
pub use server::Server;
pub use stat::Stat;
pub use value::{MultiHeader, RawBatch, Record, Value};
pub use write::Sink;
