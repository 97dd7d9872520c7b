//! Makes the types of all operations of one row for each.
//!
//! The rows are in [`ops`](crate::ops). A row is everything that the crate knows about an operation but its fields,
//! which stand with the meaning of the record.

/// A row is: the name and number on the wire, the first release that has it, what repeating it does, whether a read-only
/// server takes it, the number of its header, the record that asks and the one that answers. A type that is not a record
/// of its own in ZooKeeper's description is given with the name of the record and its only field.
macro_rules! operations {
    ($(
        $name:ident $raw:literal ($major:literal, $minor:literal, $patch:literal) $repeat:ident
        $read_only:literal $xid:expr, $Name:ident => $Reply:ty $(as $Response:ident($field:ident))?;
    )*) => {
        $(
            impl Operation for $Name {
                const OPCODE: Opcode = Opcode::$Name;
                const NAME: &'static str = stringify!($name);
                const SINCE: Release = Release::new($major, $minor, $patch);
                const REPEAT: Repeat = Repeat::$repeat;
                const READ_ONLY: bool = $read_only;
                const XID: Option<Xid> = $xid;

                type Reply = $Reply;

                fn reply(reply: Reply) -> Option<$Reply> {
                    if let Reply::$Name(reply) = reply { Some(reply) } else { None }
                }
            }

            impl From<$Name> for Request {
                fn from(operation: $Name) -> Self {
                    Self::$Name(operation)
                }
            }
        )*

        /// Names an operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Opcode {
            $(#[doc = concat!("That of [`", stringify!($Name), "`].")] $Name,)*
            /// One that this crate has no row for.
            Raw(RawOpcode),
        }

        impl Opcode {
            /// All operations that have a row, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$Name),*];

            /// The operation with this number; `None` if it has no row.
            #[must_use]
            #[inline]
            pub const fn new(raw: i32) -> Option<Self> {
                match raw {
                    $($raw => Some(Self::$Name),)*
                    _ => None,
                }
            }

            /// The number on the wire.
            #[must_use]
            pub const fn raw(self) -> i32 {
                match self {
                    $(Self::$Name => $raw,)*
                    Self::Raw(opcode) => opcode.raw(),
                }
            }

            /// The name of the operation, as ZooKeeper writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$Name => <$Name as Operation>::NAME,)*
                    Self::Raw(_) => "raw",
                }
            }

            /// The first release whose servers have the operation. Older ones answer
            /// [`Code::Unimplemented`](crate::Code::Unimplemented) and close the connection. Nothing is known of a raw
            /// one, so it is taken to have been there always.
            #[must_use]
            pub const fn since(self) -> Release {
                match self {
                    $(Self::$Name => <$Name as Operation>::SINCE,)*
                    Self::Raw(_) => Release::new(3, 0, 0),
                }
            }

            /// What sending the operation a second time may do.
            #[must_use]
            pub const fn repeat(self) -> Repeat {
                match self {
                    $(Self::$Name => <$Name as Operation>::REPEAT,)*
                    Self::Raw(_) => Repeat::Never,
                }
            }

            /// Whether a server takes it that serves reads only.
            #[must_use]
            pub const fn read_only(self) -> bool {
                match self {
                    $(Self::$Name => <$Name as Operation>::READ_ONLY,)*
                    Self::Raw(_) => false,
                }
            }

            /// The number that the header of the request must have; `None` for the next ordinary one.
            #[must_use]
            pub const fn xid(self) -> Option<Xid> {
                match self {
                    $(Self::$Name => <$Name as Operation>::XID,)*
                    Self::Raw(_) => None,
                }
            }

            /// The form of the request's body; `None` if it has none.
            #[must_use]
            pub const fn request_schema(self) -> Option<&'static Schema> {
                match self {
                    $(Self::$Name => <$Name as Wire>::KIND.record(),)*
                    Self::Raw(_) => None,
                }
            }

            /// The form of the reply's body; `None` if it has none.
            #[must_use]
            pub const fn reply_schema(self) -> Option<&'static Schema> {
                match self {
                    $(Self::$Name => const { reply_kind!($Reply $(as $Response($field))?) }.record(),)*
                    Self::Raw(_) => None,
                }
            }
        }

        /// What a client asks of a server, one variant for each operation.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Request {
            $(#[doc = concat!("Asks as [`", stringify!($Name), "`] says.")] $Name($Name),)*
            /// Asks for an operation that has no row.
            Raw(Raw),
        }

        impl Request {
            /// Takes the body of a request that has this number in its header. Bytes after the body are left alone, as
            /// servers do.
            ///
            /// # Errors
            ///
            /// [`What::Unsendable`] if no client may send the operation, else the fault of the body. An operation
            /// without a row takes all bytes that are left.
            pub fn decode(opcode: i32, input: &mut Reader<'_>) -> Result<Self, Malformed> {
                match Opcode::new(opcode) {
                    $(Some(Opcode::$Name) => Wire::decode(input).map(Self::$Name),)*
                    None | Some(Opcode::Raw(_)) => match RawOpcode::new(opcode) {
                        Ok(opcode) => Ok(Self::Raw(Raw { opcode, body: input.rest() })),
                        Err(_) => Err(input.malformed(input.at(), What::Unsendable(opcode))),
                    },
                }
            }

            /// Writes the body of the request.
            pub fn encode(&self, out: &mut impl Sink) {
                match self {
                    $(Self::$Name(operation) => operation.encode(out),)*
                    Self::Raw(raw) => out.put_payload(&raw.body),
                }
            }

            /// How many bytes [`encode`](Request::encode) writes.
            #[must_use]
            pub fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$Name(operation) => operation.encoded_len(),)*
                    Self::Raw(raw) => raw.body.len(),
                }
            }

            /// Shows every path in the request to `visit`, so that it can be replaced.
            pub fn each_path(&mut self, visit: &mut dyn FnMut(&mut Path)) {
                match self {
                    $(Self::$Name(operation) => operation.each_path(visit),)*
                    Self::Raw(_) => {}
                }
            }

            /// The path of the one node that the request is about; `None` if it is about none or several.
            #[must_use]
            pub fn path(&self) -> Option<&Path> {
                match self {
                    $(Self::$Name(operation) => operation.path(),)*
                    Self::Raw(_) => None,
                }
            }

            /// The operation.
            #[must_use]
            pub const fn opcode(&self) -> Opcode {
                match self {
                    $(Self::$Name(_) => Opcode::$Name,)*
                    Self::Raw(raw) => Opcode::Raw(raw.opcode),
                }
            }
        }

        /// What a server answers to a request that it did not refuse, one variant for each operation.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Reply {
            $(#[doc = concat!("Answers [`", stringify!($Name), "`].")] $Name($Reply),)*
            /// Answers an operation that has no row.
            Raw(Raw),
        }

        impl Reply {
            /// Takes the body of a reply without an error. Bytes after the body are left alone: ZooKeeper adds fields
            /// at the end, as it did in the handshake, and an older client must not fail over them.
            ///
            /// # Errors
            ///
            /// The fault of the body.
            #[inline]
            pub fn decode(opcode: Opcode, input: &mut Reader<'_>) -> Result<Self, Malformed> {
                match opcode {
                    $(Opcode::$Name => Ok(Self::$Name(Wire::decode(input)?)),)*
                    Opcode::Raw(opcode) => Ok(Self::Raw(Raw { opcode, body: input.rest() })),
                }
            }

            /// Writes the body of the reply.
            pub fn encode(&self, out: &mut impl Sink) {
                match self {
                    $(Self::$Name(reply) => Wire::encode(reply, out),)*
                    Self::Raw(raw) => out.put_payload(&raw.body),
                }
            }

            /// How many bytes [`encode`](Reply::encode) writes.
            #[must_use]
            pub fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$Name(reply) => Wire::encoded_len(reply),)*
                    Self::Raw(raw) => raw.body.len(),
                }
            }

            /// Shows every path in the reply to `visit`, so that it can be replaced. Names of children are no paths.
            pub fn each_path(&mut self, visit: &mut dyn FnMut(&mut Path)) {
                match self {
                    $(Self::$Name(reply) => Wire::each_path(reply, visit),)*
                    Self::Raw(_) => {}
                }
            }

            /// The operation that is answered.
            #[must_use]
            pub const fn opcode(&self) -> Opcode {
                match self {
                    $(Self::$Name(_) => Opcode::$Name,)*
                    Self::Raw(raw) => Opcode::Raw(raw.opcode),
                }
            }
        }
    };
}

/// The kind of the record that answers.
macro_rules! reply_kind {
    ($Reply:ty) => {
        <$Reply as Wire>::KIND
    };
    ($Reply:ty as $Response:ident($field:ident)) => {
        Kind::Record(&Schema {
            name: stringify!($Response),
            fields: &[Field { name: stringify!($field), kind: <$Reply as Wire>::KIND }],
        })
    };
}
