//! Makes the types of all operations of one row for each.
//!
//! The rows are in [`ops`](crate::ops). A row is everything that the crate knows about an operation.

/// A row is: what it does, its name and number on the wire, the first release that has it, what repeating it does, its
/// fields, and the record that answers it.
macro_rules! operations {
    ($(
        $(#[$meta:meta])*
        $name:ident $raw:literal since ($major:literal, $minor:literal, $patch:literal) repeat $repeat:ident
        $Name:ident { $($fields:tt)* } => $Reply:ty;
    )*) => {
        $(
            record! { $(#[$meta])* pub struct $Name { $($fields)* } }

            impl Operation for $Name {
                const OPCODE: Opcode = Opcode::$Name;
                const NAME: &'static str = stringify!($name);
                const SINCE: Release = Release::new($major, $minor, $patch);
                const REPEAT: Repeat = Repeat::$repeat;

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
        #[repr(i32)]
        pub enum Opcode {
            $(#[doc = concat!("That of [`", stringify!($Name), "`].")] $Name = $raw,)*
        }

        impl Opcode {
            /// All operations, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$Name),*];

            /// The operation with this number; `None` if this crate does not know it.
            #[must_use]
            pub const fn new(raw: i32) -> Option<Self> {
                match raw {
                    $($raw => Some(Self::$Name),)*
                    _ => None,
                }
            }

            /// The number on the wire.
            #[must_use]
            pub const fn raw(self) -> i32 {
                self as i32
            }

            /// The name of the operation, as ZooKeeper writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$Name => <$Name as Operation>::NAME,)*
                }
            }

            /// The first release whose servers have the operation. Older ones answer
            /// [`Code::Unimplemented`](crate::Code::Unimplemented) and close the connection.
            #[must_use]
            pub const fn since(self) -> Release {
                match self {
                    $(Self::$Name => <$Name as Operation>::SINCE,)*
                }
            }

            /// What sending the operation a second time may do.
            #[must_use]
            pub const fn repeat(self) -> Repeat {
                match self {
                    $(Self::$Name => <$Name as Operation>::REPEAT,)*
                }
            }
        }

        /// What a client asks of a server, one variant for each operation.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Request {
            $(#[doc = concat!("Asks as [`", stringify!($Name), "`] says.")] $Name($Name),)*
        }

        impl Request {
            /// Takes the body of a request that has this number in its header. Bytes after the body are left alone, as
            /// servers do.
            ///
            /// # Errors
            ///
            /// [`What::UnknownOpcode`] if this crate does not know the operation, else the fault of the body.
            pub fn decode(opcode: i32, input: &mut Reader<'_>) -> Result<Self, Malformed> {
                match Opcode::new(opcode) {
                    $(Some(Opcode::$Name) => Wire::decode(input).map(Self::$Name),)*
                    None => Err(input.malformed(input.at(), What::UnknownOpcode(opcode))),
                }
            }

            /// Writes the body of the request.
            pub fn encode(&self, out: &mut impl Sink) {
                match self {
                    $(Self::$Name(operation) => operation.encode(out),)*
                }
            }

            /// How many bytes [`encode`](Request::encode) writes.
            #[must_use]
            pub fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$Name(operation) => operation.encoded_len(),)*
                }
            }

            /// Shows every path in the request to `visit`, so that it can be replaced.
            pub fn each_path(&mut self, visit: &mut dyn FnMut(&mut Path)) {
                match self {
                    $(Self::$Name(operation) => operation.each_path(visit),)*
                }
            }

            /// The path of the one node that the request is about; `None` if it is about none or several.
            #[must_use]
            pub fn path(&self) -> Option<&Path> {
                match self {
                    $(Self::$Name(operation) => operation.path(),)*
                }
            }

            /// The operation.
            #[must_use]
            pub const fn opcode(&self) -> Opcode {
                match self {
                    $(Self::$Name(_) => Opcode::$Name,)*
                }
            }
        }

        /// What a server answers to a request that it did not refuse, one variant for each operation.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Reply {
            $(#[doc = concat!("Answers [`", stringify!($Name), "`].")] $Name($Reply),)*
        }

        impl Reply {
            /// Takes the body of a reply without an error. Bytes after the body are left alone: ZooKeeper adds fields
            /// at the end, as it did in the handshake, and an older client must not fail over them.
            ///
            /// # Errors
            ///
            /// The fault of the body.
            pub fn decode(opcode: Opcode, input: &mut Reader<'_>) -> Result<Self, Malformed> {
                match opcode {
                    $(Opcode::$Name => Ok(Self::$Name(Wire::decode(input)?)),)*
                }
            }

            /// Writes the body of the reply.
            pub fn encode(&self, out: &mut impl Sink) {
                match self {
                    $(Self::$Name(reply) => Wire::encode(reply, out),)*
                }
            }

            /// How many bytes [`encode`](Reply::encode) writes.
            #[must_use]
            pub fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$Name(reply) => Wire::encoded_len(reply),)*
                }
            }

            /// Shows every path in the reply to `visit`, so that it can be replaced. Names of children are no paths.
            pub fn each_path(&mut self, visit: &mut dyn FnMut(&mut Path)) {
                match self {
                    $(Self::$Name(reply) => Wire::each_path(reply, visit),)*
                }
            }

            /// The operation that is answered.
            #[must_use]
            pub const fn opcode(&self) -> Opcode {
                match self {
                    $(Self::$Name(_) => Opcode::$Name,)*
                }
            }
        }
    };
}
