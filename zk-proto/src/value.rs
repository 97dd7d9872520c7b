//! Any record as data: decoded by its schema, without any rule but the form of the bytes.
//!
//! What the typed records refuse or even out has a place here: invalid paths, unknown numbers, null where a value is
//! due, texts that are not UTF-8, booleans of other bytes than 0 and 1. Encoding gives back the bytes that were read.
//!
//! `Display` and `Debug` show no secrets: passwords, credentials, tokens and the hashes of digest ids are left out, and
//! of node data there is only the length.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::error::{Malformed, What};
use crate::ops::Opcode;
use crate::read::Reader;
use crate::record::Wire;
use crate::schema::{Field, Kind, Schema};
use crate::text::lossy;
use crate::write::{Sink, put_length};

/// A value of any kind. Texts, buffers and secrets share the memory of the frame they came in.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing stands there: the end of a record that older peers leave out, or a kind without bytes.
    Missing,
    /// A boolean by its byte: any but 0 is true.
    Bool(u8),
    /// An `int`.
    Int(i32),
    /// A `long`.
    Long(i64),
    /// A string by its bytes, which need not be UTF-8; `None` is null.
    Text(Option<Bytes>),
    /// A buffer; `None` is null.
    Buffer(Option<Bytes>),
    /// A buffer that is never shown; `None` is null.
    Secret(Option<Bytes>),
    /// A vector that is not null.
    Vector(Vec<Self>),
    /// A vector without elements whose count is negative: -1 is null, and others are read as empty by ZooKeeper's own
    /// classes.
    NegativeCount(i32),
    /// A record.
    Record(Record),
    /// The operations or results of a multi.
    Batch(RawBatch),
}

/// A record as its schema and a value for each field.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    schema: &'static Schema,
    values: Vec<Value>,
}

/// The operations or the results of a multi, with their headers and the end mark.
#[derive(Clone, PartialEq, Eq)]
pub struct RawBatch {
    /// Each with its header; the record is missing where the type has none.
    pub items: Vec<(MultiHeader, Option<Record>)>,
    /// The header that ends the list.
    pub terminator: MultiHeader,
}

/// Stands before each operation and result of a multi, and at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MultiHeader {
    /// The operation, or -1 for an error and at the end.
    pub opcode: i32,
    /// Whether this is the end, by its byte: any but 0 is true.
    pub done: u8,
    /// The error of a result; -1 in requests and at the end.
    pub error: i32,
}

impl Value {
    /// Takes a value of this kind. Lists grow with what was read, and the depth is that of the schema: no bytes make it
    /// deeper.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the bytes do not have the form of such a value.
    pub fn decode(kind: Kind, input: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match kind {
            Kind::Nothing => Self::Missing,
            Kind::LateBool if input.rest_len() == 0 => Self::Missing,
            Kind::Bool | Kind::LateBool => Self::Bool(input.raw_byte()?),
            Kind::Int => Self::Int(input.int()?),
            Kind::Long => Self::Long(input.long()?),
            Kind::Text => Self::Text(input.buffer()?),
            Kind::Buffer => Self::Buffer(input.buffer()?),
            Kind::Secret => Self::Secret(input.buffer()?),
            Kind::Record(schema) => Self::Record(Record::decode(schema, input)?),
            Kind::Vector(element) => Self::decode_vector(*element, input)?,
            Kind::Requests => Self::Batch(RawBatch::decode(requested, input)?),
            Kind::Results => Self::Batch(RawBatch::decode(answered, input)?),
        })
    }

    fn decode_vector(element: Kind, input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let at = input.at();
        let raw = input.int()?;
        let Ok(count) = usize::try_from(raw) else { return Ok(Self::NegativeCount(raw)) };
        if count > input.rest_len() / element.len_min().max(1) {
            return Err(input.malformed(at, What::Count(raw)));
        }
        (0..count).map(|_| Self::decode(element, input)).collect::<Result<_, _>>().map(Self::Vector)
    }

    /// Writes the value as it was read.
    pub fn encode(&self, out: &mut impl Sink) {
        match self {
            Self::Missing => {}
            Self::Bool(byte) => out.put(&[*byte]),
            Self::Int(number) | Self::NegativeCount(number) => number.encode(out),
            Self::Long(number) => number.encode(out),
            Self::Text(bytes) | Self::Buffer(bytes) | Self::Secret(bytes) => bytes.encode(out),
            Self::Vector(elements) => {
                put_length(out, elements.len());
                elements.iter().for_each(|element| element.encode(out));
            }
            Self::Record(record) => record.encode(out),
            Self::Batch(batch) => batch.encode(out),
        }
    }

    /// The text of a string that is not null, with U+FFFD for what is not UTF-8; `None` for anything else.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        if let Self::Text(Some(bytes)) = self { Some(lossy(bytes)) } else { None }
    }
}

impl Record {
    /// Takes a record of this form.
    ///
    /// # Errors
    ///
    /// As [`Value::decode`].
    pub fn decode(schema: &'static Schema, input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.within(schema.name, |input| {
            let values = schema.fields.iter().map(|field| Value::decode(field.kind, input));
            Ok(Self { schema, values: values.collect::<Result<_, _>>()? })
        })
    }

    /// Writes the record as it was read.
    pub fn encode(&self, out: &mut impl Sink) {
        self.values.iter().for_each(|value| value.encode(out));
    }

    /// The name of the record in ZooKeeper's own description.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.schema.name
    }

    /// The fields and their values, in the order of the wire.
    pub fn fields(&self) -> impl Iterator<Item = (&'static Field, &Value)> {
        self.schema.fields.iter().zip(&self.values)
    }

    /// The fields and their values, to be changed.
    pub fn fields_mut(&mut self) -> impl Iterator<Item = (&'static Field, &mut Value)> {
        self.schema.fields.iter().zip(&mut self.values)
    }

    /// The value of a field by its name; `None` if the record has no such field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields().find(|(field, _)| field.name == name).map(|(_, value)| value)
    }
}

/// What stands after the header of an item of this type: a record or nothing. `None` for a type that no multi has.
type Form = fn(i32) -> Option<Option<&'static Schema>>;

impl RawBatch {
    fn decode(form: Form, input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut items = Vec::new();
        loop {
            let at = input.at();
            let header = MultiHeader::decode(input)?;
            if header.done != 0 {
                return Ok(Self { items, terminator: header });
            }
            let schema =
                form(header.opcode).ok_or_else(|| input.malformed(at, What::MultiType(header.opcode)))?;
            let record = schema.map(|schema| Record::decode(schema, input)).transpose()?;
            items.push((header, record));
        }
    }

    fn encode(&self, out: &mut impl Sink) {
        for (header, record) in &self.items {
            header.encode(out);
            if let Some(record) = record {
                record.encode(out);
            }
        }
        self.terminator.encode(out);
    }
}

impl MultiHeader {
    /// What ends a list.
    pub const TERMINATOR: Self = Self { opcode: -1, done: 1, error: -1 };

    /// The bytes of the header on the wire.
    pub const LEN: usize = 9;

    /// Takes a header.
    ///
    /// # Errors
    ///
    /// [`What::Truncated`] if fewer than nine bytes are left.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.within("MultiHeader", |input| {
            Ok(Self { opcode: input.int()?, done: input.raw_byte()?, error: input.int()? })
        })
    }

    /// Writes the header.
    pub fn encode(self, out: &mut impl Sink) {
        self.opcode.encode(out);
        out.put(&[self.done]);
        self.error.encode(out);
    }
}

/// What a request of this type consists of. Servers refuse most types in a multi, but what was sent is understood; only
/// another multi is not, so that the depth stays that of the schema.
fn requested(raw: i32) -> Option<Option<&'static Schema>> {
    match Opcode::new(raw) {
        Some(Opcode::Multi | Opcode::MultiRead) => None,
        Some(opcode) => Some(opcode.request_schema()),
        None if raw == CHECK => Some(crate::ops::Check::KIND.record()),
        None => None,
    }
}

/// As [`requested`], for a result.
fn answered(raw: i32) -> Option<Option<&'static Schema>> {
    match Opcode::new(raw) {
        Some(Opcode::Multi | Opcode::MultiRead) => None,
        Some(opcode) => Some(opcode.reply_schema()),
        None if raw == CHECK => Some(None),
        None if raw == ERROR => Some(crate::ops::WatchAdded::KIND.record()),
        None => None,
    }
}

/// The type of a check, which is no operation of its own.
const CHECK: i32 = 13;

/// The type of a result that is an error.
const ERROR: i32 = -1;

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => out.write_str("missing"),
            Self::Bool(byte) => write!(out, "{}", *byte != 0),
            Self::Int(number) => write!(out, "{number}"),
            Self::Long(number) => write!(out, "{number}"),
            Self::Text(None) | Self::Buffer(None) | Self::Secret(None) | Self::NegativeCount(_) => {
                out.write_str("null")
            }
            Self::Text(Some(bytes)) => write!(out, "{:?}", lossy(bytes)),
            Self::Buffer(Some(bytes)) => write!(out, "{} bytes", bytes.len()),
            Self::Secret(Some(_)) => out.write_str("…"),
            Self::Vector(elements) => {
                out.write_str("[")?;
                comma_separated(out, elements.iter())?;
                out.write_str("]")
            }
            Self::Record(record) => write!(out, "{{{record}}}"),
            Self::Batch(batch) => {
                out.write_str("[")?;
                comma_separated(out, batch.items.iter().map(Item))?;
                out.write_str("]")
            }
        }
    }
}

/// Shows the fields without braces around them.
impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = self.field("scheme").and_then(Value::text).is_some_and(|scheme| scheme == "digest");
        comma_separated(
            out,
            self.fields().map(|(field, value)| Named(field.name, value, digest && field.name == "id")),
        )
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {{{self}}}", self.name())
    }
}

impl fmt::Debug for RawBatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        comma_separated(out, self.items.iter().map(Item))
    }
}

/// An item of a multi, shown by the name of its type.
struct Item<'a>(&'a (MultiHeader, Option<Record>));

impl fmt::Display for Item<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self((header, record)) = self;
        out.write_str(crate::ops::name(header.opcode).unwrap_or("unknown"))?;
        record.as_ref().map_or(Ok(()), |record| write!(out, " {{{record}}}"))
    }
}

/// A field with its name; of the id of a digest only the user.
struct Named<'a>(&'static str, &'a Value, bool);

impl fmt::Display for Named<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, value, digest) = self;
        match value.text().filter(|_| *digest) {
            None => write!(out, "{name} {value}"),
            Some(id) => match id.split_once(':') {
                Some((user, _)) => write!(out, "{name} \"{}:…\"", user.escape_debug()),
                None => write!(out, "{name} \"…\""),
            },
        }
    }
}

fn comma_separated(
    out: &mut fmt::Formatter<'_>,
    parts: impl Iterator<Item = impl fmt::Display>,
) -> fmt::Result {
    for (index, part) in parts.enumerate() {
        write!(out, "{}{part}", if index == 0 { "" } else { ", " })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
