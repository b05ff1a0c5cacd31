//! Which part of a record fills which field, the same for every format.

use std::sync::Arc;

use crate::batch::{Schema, Value};
use crate::tensor::Complex64;

/// The fields of a bundle and where a record has them: under their own names unless renamed, and needed unless a default
/// is given, or the bundle's transforms take what is missing. Labels and the weight may be missing in a record; it can then be
/// predicted, not learned.
///
/// What does not fit the schema is an error when the decoder is opened.
#[derive(Clone, Debug)]
pub struct Fields {
    pub(super) schema: Arc<Schema>,
    pub(super) renamed: Vec<(String, String)>,
    pub(super) defaults: Vec<(String, Filler)>,
    pub(super) strict: bool,
    pub(super) labelled: bool,
}

/// An owned [`Value`].
#[derive(Clone, Debug)]
pub(super) enum Filler {
    Float(f64),
    Int(i128),
    Bool(bool),
    Complex(Complex64),
    Bytes(Vec<u8>),
    List(Vec<Self>),
}

impl Filler {
    fn of(value: Value<'_>) -> Self {
        let ints = |values: &mut dyn Iterator<Item = i128>| Self::List(values.map(Self::Int).collect());
        match value {
            Value::Float(value) => Self::Float(value),
            Value::Int(value) => Self::Int(value),
            Value::Bool(value) => Self::Bool(value),
            Value::Complex(value) => Self::Complex(value),
            Value::Bytes(value) => Self::Bytes(value.to_vec()),
            Value::F32s(values) => Self::List(values.iter().map(|&value| Self::Float(value.into())).collect()),
            Value::F64s(values) => Self::List(values.iter().map(|&value| Self::Float(value)).collect()),
            Value::I32s(values) => ints(&mut values.iter().map(|&value| value.into())),
            Value::I64s(values) => ints(&mut values.iter().map(|&value| value.into())),
            Value::U64s(values) => ints(&mut values.iter().map(|&value| value.into())),
            Value::C64s(values) => {
                Self::List(values.iter().map(|value| Self::Complex(Complex64::new(value.re.into(), value.im.into()))).collect())
            }
            Value::C128s(values) => Self::List(values.iter().map(|&value| Self::Complex(value)).collect()),
            Value::Strings(values) => Self::List(values.iter().map(|value| Self::Bytes(value.as_bytes().to_vec())).collect()),
            Value::ByteStrings(values) => Self::List(values.iter().map(|value| Self::Bytes(value.to_vec())).collect()),
        }
    }

    /// Its elements.
    pub(super) fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            one => std::slice::from_ref(one),
        }
    }

    /// One element of it.
    pub(super) fn value(&self) -> Option<Value<'_>> {
        Some(match self {
            Self::Float(value) => Value::Float(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Bool(value) => Value::Bool(*value),
            Self::Complex(value) => Value::Complex(*value),
            Self::Bytes(value) => Value::Bytes(value),
            Self::List(_) => return None,
        })
    }
}

impl Fields {
    /// Every field under its own name.
    pub fn of(schema: &Arc<Schema>) -> Self {
        Self { schema: schema.clone(), renamed: Vec::new(), defaults: Vec::new(), strict: false, labelled: false }
    }

    /// Takes a field from what the record calls `column`.
    #[must_use]
    pub fn rename(mut self, field: &str, column: &str) -> Self {
        self.renamed.retain(|(known, _)| known != field);
        self.renamed.push((field.to_owned(), column.to_owned()));
        self
    }

    /// What a field holds where a record has nothing, or a null: all its values, or one that stands for each of them.
    /// Given to a label or the weight, no record is without it. An empty slice makes an empty row of a ragged feature.
    #[must_use]
    pub fn default<'v>(mut self, field: &str, value: impl Into<Value<'v>>) -> Self {
        self.defaults.retain(|(known, _)| known != field);
        self.defaults.push((field.to_owned(), Filler::of(value.into())));
        self
    }

    /// Refuses records (of CSV, Arrow and Parquet: streams) that hold more than the fields. Without it, that is skipped.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Refuses records without a label or the weight, where no default is given: for who learns. Without it, such a record makes a row that can be
    /// predicted.
    #[must_use]
    pub fn labelled(mut self) -> Self {
        self.labelled = true;
        self
    }
}

impl From<&Arc<Schema>> for Fields {
    fn from(schema: &Arc<Schema>) -> Self {
        Self::of(schema)
    }
}

impl From<&Self> for Fields {
    fn from(fields: &Self) -> Self {
        fields.clone()
    }
}
