//! Several operations in one request: all or none of them, or several reads at once.
//!
//! On the wire each has a header of its own, and a header without an operation ends the list. A multi does not hold
//! another.

use alloc::vec::Vec;

use crate::children::Children;
use crate::code::Code;
use crate::error::{Malformed, What};
use crate::id::Version;
use crate::ops::{
    Create, Create2, CreateContainer, CreateTtl, Created, CreatedNode, Delete, GetChildren, GetData,
    NodeData, SetData,
};
use crate::path::Path;
use crate::read::Reader;
use crate::record::Wire;
use crate::schema::Kind;
use crate::stat::Stat;
use crate::value::MultiHeader;
use crate::write::Sink;

record! {
    /// Does all of the operations, one after the other in one transaction, or none of them.
    ///
    /// All of it must fit into one request. An empty list is answered by an empty list.
    ///
    /// # Errors
    ///
    /// A failure is not an error of the reply: [`MultiReply::into_result`] tells which operation failed and why, with
    /// the errors of that operation. An item's [SessionExpired](crate::Code::SessionExpired) does not mean that the
    /// session has expired, but that it is local to its server and cannot own ephemeral nodes.
    pub struct Multi as MultiOperationRecord {
        /// The operations, in order. Later ones see what earlier ones did.
        pub ops: Batch<MultiOp>,
    }
}

record! {
    /// Reads several nodes, each with a result of its own. Reads set no watch here, whatever they say.
    ///
    /// # Errors
    ///
    /// None of its own; each result can be an error of its read.
    pub struct MultiRead as MultiOperationRecord {
        /// The reads, in order.
        pub ops: Batch<MultiReadOp>,
    }
}

record! {
    /// Lets a multi fail unless the node exists and has the version. It needs `READ` permission.
    ///
    /// It is no operation of its own, because servers before 3.8.5 and 3.9.3 do not survive it outside of a multi.
    ///
    /// # Errors
    ///
    /// - [NoNode](crate::Code::NoNode): the node does not exist.
    /// - [BadVersion](crate::Code::BadVersion): somebody set the data; read again and decide anew.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `READ` permission.
    pub struct Check as CheckVersionRequest {
        /// The path of the node.
        pub path: Path,
        /// The version of the data that is expected; [`Version::ANY`] if the node need only exist.
        pub version: Version,
    }
}

record! {
    /// Answers [`Multi`] and [`MultiRead`].
    pub struct MultiReply as MultiResponse {
        /// A result for each operation, in order.
        pub results: Batch<MultiResult>,
    }
}

/// Operations or results of a multi.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Batch<Item>(pub Vec<Item>);

/// Why a multi was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("operation {index} of the multi failed and none was done: {code}")]
pub struct MultiFailed {
    /// The place of the operation that failed, from 0.
    pub index: usize,
    /// Why it failed.
    pub code: Code,
}

impl MultiReply {
    /// The results of a [`Multi`] that was done. For a [`MultiRead`], whose reads fail each on its own, look at the
    /// results.
    ///
    /// # Errors
    ///
    /// [`MultiFailed`] with the first operation that failed. Nothing was done: mend that one and send all again.
    pub fn into_result(self) -> Result<Vec<MultiResult>, MultiFailed> {
        let failed = self.results.0.iter().enumerate().find_map(|(index, result)| match result {
            MultiResult::Error(Some(code)) => Some(MultiFailed { index, code: *code }),
            MultiResult::Error(None)
            | MultiResult::Created(_)
            | MultiResult::CreatedNode(_)
            | MultiResult::Deleted
            | MultiResult::Set(_)
            | MultiResult::Checked
            | MultiResult::Data(_)
            | MultiResult::Children(_) => None,
        });
        failed.map_or(Ok(self.results.0), Err)
    }
}

/// Makes the operations of a multi: a variant each, and how they stand on the wire.
macro_rules! multi_ops {
    ($(#[$meta:meta])* pub enum $Name:ident { $($Variant:ident = $raw:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $Name {
            $(#[doc = concat!("As [`", stringify!($Variant), "`] says.")] $Variant($Variant),)*
        }

        $(
            impl From<$Variant> for $Name {
                fn from(operation: $Variant) -> Self {
                    Self::$Variant(operation)
                }
            }
        )*

        impl $Name {
            /// The path of the node that the operation is about.
            #[must_use]
            pub const fn path(&self) -> &Path {
                match self {
                    $(Self::$Variant(operation) => &operation.path,)*
                }
            }
        }

        impl Item for $Name {
            fn header(&self) -> MultiHeader {
                let opcode = match self {
                    $(Self::$Variant(_) => $raw,)*
                };
                MultiHeader { opcode, done: 0, error: NO_ERROR_YET }
            }

            fn body_len(&self) -> usize {
                match self {
                    $(Self::$Variant(operation) => operation.encoded_len(),)*
                }
            }

            fn encode_body(&self, out: &mut impl Sink) {
                match self {
                    $(Self::$Variant(operation) => operation.encode(out),)*
                }
            }

            fn decode_body(opcode: i32, input: &mut Reader<'_>) -> Option<Result<Self, Malformed>> {
                Some(match opcode {
                    $($raw => Wire::decode(input).map(Self::$Variant),)*
                    _ => return None,
                })
            }

            fn each_path(&mut self, visit: &mut dyn FnMut(&mut Path)) {
                match self {
                    $(Self::$Variant(operation) => Wire::each_path(operation, visit),)*
                }
            }
        }
    };
}

multi_ops! {
    /// An operation of a [`Multi`].
    pub enum MultiOp {
        Create = 1,
        Create2 = 15,
        CreateContainer = 19,
        CreateTtl = 21,
        Delete = 2,
        SetData = 5,
        Check = 13,
    }
}

multi_ops! {
    /// A read of a [`MultiRead`].
    pub enum MultiReadOp {
        GetData = 4,
        GetChildren = 8,
    }
}

/// The result of one operation.
///
/// It has the form that the server chose, which need not be that of the operation: servers before 3.7.2 and 3.8.2
/// answer [`Create2`] as if it were [`Create`], and all servers answer the other creations as if they were [`Create2`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MultiResult {
    /// The node was created.
    Created(Created),
    /// The node was created, and this is its bookkeeping.
    CreatedNode(CreatedNode),
    /// The node was deleted.
    Deleted,
    /// The data was set, and this is the new bookkeeping.
    Set(Stat),
    /// The node has the version.
    Checked,
    /// The data of a node.
    Data(NodeData),
    /// The names of a node's children.
    Children(Children),
    /// In a failed multi the code of the operation that failed, `None` for those before it, and
    /// [`Code::RuntimeInconsistency`] for those after it. In a [`MultiRead`] why the read was refused.
    Error(Option<Code>),
}

impl Item for MultiResult {
    fn header(&self) -> MultiHeader {
        let opcode = match self {
            Self::Created(_) => 1,
            Self::CreatedNode(_) => 15,
            Self::Deleted => 2,
            Self::Set(_) => 5,
            Self::Checked => 13,
            Self::Data(_) => 4,
            Self::Children(_) => 8,
            Self::Error(code) => {
                return MultiHeader { opcode: -1, done: 0, error: code.map_or(0, Code::raw) };
            }
        };
        MultiHeader { opcode, done: 0, error: 0 }
    }

    fn body_len(&self) -> usize {
        match self {
            Self::Created(created) => created.encoded_len(),
            Self::CreatedNode(created) => created.encoded_len(),
            Self::Deleted | Self::Checked => 0,
            Self::Set(stat) => stat.encoded_len(),
            Self::Data(data) => data.encoded_len(),
            Self::Children(children) => children.encoded_len(),
            Self::Error(code) => code.encoded_len(),
        }
    }

    fn encode_body(&self, out: &mut impl Sink) {
        match self {
            Self::Created(created) => created.encode(out),
            Self::CreatedNode(created) => created.encode(out),
            Self::Deleted | Self::Checked => {}
            Self::Set(stat) => stat.encode(out),
            Self::Data(data) => data.encode(out),
            Self::Children(children) => children.encode(out),
            Self::Error(code) => code.encode(out),
        }
    }

    fn decode_body(opcode: i32, input: &mut Reader<'_>) -> Option<Result<Self, Malformed>> {
        Some(match opcode {
            1 => Wire::decode(input).map(Self::Created),
            15 => Wire::decode(input).map(Self::CreatedNode),
            2 => Ok(Self::Deleted),
            5 => Wire::decode(input).map(Self::Set),
            13 => Ok(Self::Checked),
            4 => Wire::decode(input).map(Self::Data),
            8 => Wire::decode(input).map(Self::Children),
            -1 => Wire::decode(input).map(Self::Error),
            _ => return None,
        })
    }

    fn each_path(&mut self, visit: &mut dyn FnMut(&mut Path)) {
        match self {
            Self::Created(created) => Wire::each_path(created, visit),
            Self::CreatedNode(created) => Wire::each_path(created, visit),
            Self::Deleted
            | Self::Set(_)
            | Self::Checked
            | Self::Data(_)
            | Self::Children(_)
            | Self::Error(_) => {}
        }
    }
}

/// What the header of a request has where that of a result has the error.
const NO_ERROR_YET: i32 = -1;

/// One of many, with a header of its own.
trait Item: Sized {
    fn header(&self) -> MultiHeader;
    fn body_len(&self) -> usize;
    fn encode_body(&self, out: &mut impl Sink);
    /// `None` if the type has no place in the list.
    fn decode_body(opcode: i32, input: &mut Reader<'_>) -> Option<Result<Self, Malformed>>;
    fn each_path(&mut self, visit: &mut dyn FnMut(&mut Path));
}

macro_rules! batches {
    ($($Item:ident as $kind:ident)*) => {$(
        impl Wire for Batch<$Item> {
            const LEN_MIN: usize = MultiHeader::LEN;

            const KIND: Kind = Kind::$kind;

            fn encoded_len(&self) -> usize {
                self.0.iter().map(|item| MultiHeader::LEN + item.body_len()).sum::<usize>() + MultiHeader::LEN
            }

            fn encode(&self, out: &mut impl Sink) {
                for item in &self.0 {
                    item.header().encode(out);
                    item.encode_body(out);
                }
                MultiHeader::TERMINATOR.encode(out);
            }

            fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
                let mut items = Vec::new();
                loop {
                    let at = input.at();
                    let header = MultiHeader::decode(input)?;
                    if header.done != 0 {
                        return Ok(Self(items));
                    }
                    let item = $Item::decode_body(header.opcode, input)
                        .ok_or_else(|| input.malformed(at, What::MultiType(header.opcode)))?;
                    items.push(item?);
                }
            }

            fn each_path(&mut self, visit: &mut dyn FnMut(&mut Path)) {
                for item in &mut self.0 {
                    item.each_path(visit);
                }
            }
        }
    )*};
}

batches! { MultiOp as Requests MultiReadOp as Requests MultiResult as Results }

#[cfg(test)]
mod tests;
