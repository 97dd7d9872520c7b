//! The macros that make records of lists of fields, and types of numbers.
//!
//! What the types mean is said where they are made.

/// Makes a plain record: the struct, its `Wire` in field order, and a `Debug` that hides node data.
///
/// `as` gives a record or a field the name that it has in ZooKeeper's own description, if that is another.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $Name:ident $(as $Jute:ident)? {
        $($(#[$field_meta:meta])* pub $field:ident $(as $jute:ident)?: $Type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $Name {
            $($(#[$field_meta])* pub $field: $Type,)*
        }

        impl core::fmt::Debug for $Name {
            fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                out.debug_struct(stringify!($Name))
                    $(.field(stringify!($field), &$crate::record::Shown(&self.$field)))*
                    .finish()
            }
        }

        wire_fields! { $Name $(as $Jute)? { $($field $(as $jute)?: $Type,)* } }
    };
}

/// Implements `Wire` for a struct whose fields stand on the wire in this order.
macro_rules! wire_fields {
    ($Name:ident $(as $Jute:ident)? { $($field:ident $(as $jute:ident)?: $Type:ty,)* }) => {
        #[allow(unused_variables, reason = "a record may have no fields")]
        impl $crate::record::Wire for $Name {
            const LEN_MIN: usize = 0 $(+ <$Type as $crate::record::Wire>::LEN_MIN)*;

            const KIND: $crate::schema::Kind = $crate::schema::Kind::Record(&$crate::schema::Schema {
                name: jute_name!($Name $($Jute)?),
                fields: &[$($crate::schema::Field {
                    name: jute_name!($field $($jute)?),
                    kind: <$Type as $crate::record::Wire>::KIND,
                },)*],
            });

            #[inline]
            fn encoded_len(&self) -> usize {
                0 $(+ $crate::record::Wire::encoded_len(&self.$field))*
            }

            #[inline]
            fn encode(&self, out: &mut impl $crate::write::Sink) {
                $($crate::record::Wire::encode(&self.$field, out);)*
            }

            // Inlined for sure: else the record is built in one place and moved to another, which takes as long again.
            #[inline(always)]
            fn decode(input: &mut $crate::read::Reader<'_>) -> Result<Self, $crate::error::Malformed> {
                let outer = input.enter(stringify!($Name));
                let value = Self { $($field: $crate::record::Wire::decode(input)?,)* };
                input.leave(outer);
                Ok(value)
            }

            fn each_path(&mut self, visit: &mut dyn FnMut(&mut $crate::path::Path)) {
                $($crate::record::Wire::each_path(&mut self.$field, visit);)*
            }

            fn path(&self) -> Option<&$crate::path::Path> {
                None$(.or_else(|| $crate::record::Wire::path(&self.$field)))*
            }
        }
    };
}

/// The name that ZooKeeper's own description has for something.
macro_rules! jute_name {
    ($own:ident) => {
        stringify!($own)
    };
    ($own:ident $jute:ident) => {
        stringify!($jute)
    };
}

/// Makes a type of an `int` that has names for some numbers and keeps the others.
macro_rules! wire_enum {
    ($(#[$meta:meta])* pub enum $Name:ident { $($(#[$variant_meta:meta])* $Variant:ident = $raw:literal,)* }) => {
        $(#[$meta])*
        ///
        /// Made by its `new`, so that a number with a name is never `Unknown`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Name {
            $($(#[$variant_meta])* $Variant,)*
            /// A number that this crate has no name for.
            Unknown(i32),
        }

        impl $Name {
            /// The value with this number.
            #[must_use]
            pub const fn new(raw: i32) -> Self {
                match raw {
                    $($raw => Self::$Variant,)*
                    unknown => Self::Unknown(unknown),
                }
            }

            /// The number on the wire.
            #[must_use]
            pub const fn raw(self) -> i32 {
                match self {
                    $(Self::$Variant => $raw,)*
                    Self::Unknown(raw) => raw,
                }
            }
        }

        wire_as! { $Name as i32: |value| value.raw(), Self::new }
    };
}

/// Implements `Wire` for a type that stands on the wire as another.
macro_rules! wire_as {
    ($Name:ty as $Raw:ty: |$value:ident| $raw:expr, $new:expr) => {
        impl $crate::record::Wire for $Name {
            const LEN_MIN: usize = <$Raw as $crate::record::Wire>::LEN_MIN;

            const KIND: $crate::schema::Kind = <$Raw as $crate::record::Wire>::KIND;

            #[inline]
            fn encoded_len(&self) -> usize {
                Self::LEN_MIN
            }

            #[inline]
            fn encode(&self, out: &mut impl $crate::write::Sink) {
                let $value = self;
                <$Raw as $crate::record::Wire>::encode(&$raw, out);
            }

            #[inline]
            fn decode(input: &mut $crate::read::Reader<'_>) -> Result<Self, $crate::error::Malformed> {
                <$Raw as $crate::record::Wire>::decode(input).map($new)
            }
        }
    };
}
