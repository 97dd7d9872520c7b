//! The four ways to create a node.
//!
//! On the wire they differ by a number that must fit the operation: a wrong one makes another kind of node, or makes
//! servers die. Here the number follows from the type.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::acl::Acl;
use crate::error::{Malformed, What};
use crate::mode::{CreateMode, Ttl, TtlMode};
use crate::path::{Path, PathError, PathFault};
use crate::read::Reader;
use crate::record::{Shown, Wire};
use crate::schema::{Field, Kind, Schema};
use crate::text::lossy;
use crate::write::{Sink, put_length};

/// Makes the struct of a creation and all that follows from its fields.
macro_rules! creation {
    ($(#[$meta:meta])* pub struct $Name:ident as $schema:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $Type:ty,)*
    }
    form |$this:ident| $form:expr;
    decode |$input:ident, $node:ident| $($last:ident = $value:expr;)*) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $Name {
            /// The path of the node. For a sequential mode the server appends the counter to it; for a numbered one
            /// this is the path of the parent.
            pub path: Path,
            /// The data; `None` differs from no bytes, and servers keep the difference.
            pub data: Option<Bytes>,
            /// Who may do what with the node; not empty.
            pub acl: Vec<Acl>,
            $($(#[$field_meta])* pub $field: $Type,)*
        }

        impl $Name {
            const fn form(&self) -> Form<'_> {
                let $this = self;
                let (flags, numbered, ttl) = $form;
                Form { path: &self.path, data: &self.data, acl: &self.acl, flags, numbered, ttl }
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.debug_struct(stringify!($Name))
                    .field("path", &self.path)
                    .field("data", &Shown(&self.data))
                    .field("acl", &Shown(&self.acl))
                    $(.field(stringify!($field), &self.$field))*
                    .finish()
            }
        }

        impl Wire for $Name {
            const LEN_MIN: usize = Self::KIND.len_min();

            const KIND: Kind = Kind::Record(&$schema);

            fn encoded_len(&self) -> usize {
                self.form().encoded_len()
            }

            fn encode(&self, out: &mut impl Sink) {
                self.form().encode(out);
            }

            fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
                input.within(stringify!($Name), |$input| {
                    let $node = Node::decode($input)?;
                    $(let $last = $value;)*
                    let Node { path, data, acl, .. } = $node;
                    Ok(Self { path, data, acl, $($field,)* })
                })
            }

            fn each_path(&mut self, visit: &mut dyn FnMut(&mut Path)) {
                visit(&mut self.path);
            }

            fn path(&self) -> Option<&Path> {
                Some(&self.path)
            }
        }
    };
}

creation! {
    /// Creates a node, and answers with its path. Where the server is 3.5 or later, [`Create2`] tells more.
    ///
    /// # Errors
    ///
    /// - [NodeExists](crate::Code::NodeExists): take another name, or use the node that is there.
    /// - [NoNode](crate::Code::NoNode): the parent is missing; create it first.
    /// - [NoChildrenForEphemerals](crate::Code::NoChildrenForEphemerals): the parent is ephemeral; use another.
    /// - [NoAuth](crate::Code::NoAuth): the connection has no `CREATE` permission on the parent.
    /// - [InvalidAcl](crate::Code::InvalidAcl): the list is empty, or an entry is not valid.
    /// - [BadArguments](crate::Code::BadArguments): the server has stricter rules for paths than [`Path`].
    /// - [QuotaExceeded](crate::Code::QuotaExceeded): delete something, or have the quota raised.
    /// - [EphemeralOnLocalSession](crate::Code::EphemeralOnLocalSession): the session must be global.
    pub struct Create as CREATE_REQUEST {
        /// The kind of node.
        pub mode: CreateMode,
    }
    form |this| (this.mode.raw(), this.mode.is_numbered(), None);
    decode |input, node| mode = node.mode(input, CreateMode::new, CreateMode::numbered)?;
}

creation! {
    /// Creates a node, and answers with its path and bookkeeping.
    ///
    /// # Errors
    ///
    /// As [`Create`], and [Unimplemented](crate::Code::Unimplemented) from a server before 3.5: use that one.
    pub struct Create2 as CREATE_REQUEST {
        /// The kind of node.
        pub mode: CreateMode,
    }
    form |this| (this.mode.raw(), this.mode.is_numbered(), None);
    decode |input, node| mode = node.mode(input, CreateMode::new, CreateMode::numbered)?;
}

creation! {
    /// Creates a node that servers delete some time after its last child was deleted. A new one stays until it has had a
    /// child.
    ///
    /// Between the look and the use it may go: when a child cannot be created because of
    /// [NoNode](crate::Code::NoNode), create the container again.
    ///
    /// # Errors
    ///
    /// As [`Create2`], but for what concerns ephemeral nodes.
    pub struct CreateContainer as CREATE_REQUEST {}
    form |_this| (CONTAINER, false, None);
    decode |input, node| _mode = node.mode(input, container, never)?;
}

creation! {
    /// Creates a node that servers delete when it has no children and its data was not set for some time.
    ///
    /// # Errors
    ///
    /// As [`CreateContainer`], and [Unimplemented](crate::Code::Unimplemented) if the servers do not have
    /// `zookeeper.extendedTypesEnabled` set: have it set, or delete the node on your own.
    pub struct CreateTtl as CREATE_TTL_REQUEST {
        /// The kind of node.
        pub mode: TtlMode,
        /// How long the node stays.
        pub ttl: Ttl,
    }
    form |this| (this.mode.raw(), this.mode.is_numbered(), Some(this.ttl));
    decode |input, node| mode = node.mode(input, TtlMode::new, TtlMode::numbered)?; ttl = Ttl::decode(input)?;
}

/// How a creation stands on the wire.
struct Form<'a> {
    path: &'a Path,
    data: &'a Option<Bytes>,
    acl: &'a Vec<Acl>,
    flags: i32,
    /// Whether the path is that of the parent.
    numbered: bool,
    ttl: Option<Ttl>,
}

impl Form<'_> {
    /// What makes the path of a parent that of a nameless child.
    fn slash(&self) -> &'static [u8] {
        if self.numbered && !self.path.is_root() { b"/" } else { b"" }
    }

    fn encoded_len(&self) -> usize {
        let ttl = self.ttl.map_or(0, |ttl| ttl.ms().encoded_len());
        self.path.encoded_len()
            + self.slash().len()
            + self.data.encoded_len()
            + self.acl.encoded_len()
            + self.flags.encoded_len()
            + ttl
    }

    fn encode(&self, out: &mut impl Sink) {
        put_length(out, self.path.as_str().len() + self.slash().len());
        out.put(self.path.as_str().as_bytes());
        out.put(self.slash());
        self.data.encode(out);
        self.acl.encode(out);
        self.flags.encode(out);
        if let Some(ttl) = self.ttl {
            ttl.ms().encode(out);
        }
    }
}

/// What all creations have, as read.
struct Node {
    path: Path,
    data: Option<Bytes>,
    acl: Vec<Acl>,
    flags: i32,
    flags_at: usize,
    /// Where a path began that ended in a slash, and the slash's place in it.
    slash: Option<(usize, usize)>,
}

impl Node {
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let at = input.at();
        let text = lossy(input.string_bytes()?);
        let (parent, slash) = match text.strip_suffix('/') {
            // That is the root, and also the parent of the nameless child of the root.
            None | Some("") => (&*text, None),
            Some("/") => return Err(input.malformed(at, What::Path(EMPTY_COMPONENT))),
            Some(parent) => (parent, Some((at, parent.len()))),
        };
        let path = Path::new(parent).map_err(|error| input.malformed(at, What::Path(error)))?;
        let (data, acl) = (Wire::decode(input)?, Wire::decode(input)?);
        let flags_at = input.at();
        Ok(Self { path, data, acl, flags: input.int()?, flags_at, slash })
    }

    /// The mode, by the number and by whether the path ends in a slash.
    fn mode<Mode>(
        &self,
        input: &Reader<'_>,
        named: impl Fn(i32) -> Option<Mode>,
        numbered: impl Fn(i32) -> Option<Mode>,
    ) -> Result<Mode, Malformed> {
        let Some(named) = named(self.flags) else {
            return Err(input.malformed(self.flags_at, What::Mode(self.flags)));
        };
        match (numbered(self.flags), self.slash) {
            (Some(numbered), Some(_)) => Ok(numbered),
            (Some(numbered), None) if self.path.is_root() => Ok(numbered),
            (_, None) => Ok(named),
            (None, Some((at, slash))) => {
                let error = PathError { at: slash, fault: PathFault::TrailingSlash };
                Err(input.malformed(at, What::Path(error)))
            }
        }
    }
}

const EMPTY_COMPONENT: PathError = PathError { at: 1, fault: PathFault::EmptyComponent };

/// The number of a container, which has an operation of its own and no modes.
const CONTAINER: i32 = 4;

const fn container(raw: i32) -> Option<()> {
    if raw == CONTAINER { Some(()) } else { None }
}

const fn never(_: i32) -> Option<()> {
    None
}

const PATH: Field = Field { name: "path", kind: Kind::Text };
const DATA: Field = Field { name: "data", kind: Kind::Buffer };
const ACL: Field = Field { name: "acl", kind: Kind::Vector(&Acl::KIND) };
const FLAGS: Field = Field { name: "flags", kind: Kind::Int };
const TTL: Field = Field { name: "ttl", kind: Kind::Long };

static CREATE_REQUEST: Schema = Schema { name: "CreateRequest", fields: &[PATH, DATA, ACL, FLAGS] };
static CREATE_TTL_REQUEST: Schema =
    Schema { name: "CreateTTLRequest", fields: &[PATH, DATA, ACL, FLAGS, TTL] };
