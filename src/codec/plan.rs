//! Fields that were checked against the schema, and how a value gets from a record into its row.

use std::collections::HashMap;
use std::sync::Arc;

use super::fields::{Fields, Filler};
use crate::batch::{Batch, Field, Role, RowBuilder, Schema, Value, out_of_range};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::DType;

const OPEN: &str = "open records";

/// Where one field comes from and goes to.
#[derive(Debug)]
pub(super) struct Target {
    /// What the record calls it.
    pub(super) column: String,
    pub(super) dtype: DType,
    pub(super) ragged: bool,
    /// How many values it takes.
    pub(super) elements: usize,
    field: Field,
    name: String,
    /// Whether a record without it is refused, unless there is a default.
    required: bool,
    role: Role,
    optional: bool,
    range: Option<(f64, f64)>,
    default: Option<Filler>,
}

/// All fields, in the order of the schema.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) targets: Vec<Target>,
    pub(super) strict: bool,
    schema: Arc<Schema>,
    by_column: HashMap<String, usize>,
}

impl Plan {
    pub(super) fn new(fields: Fields) -> Result<Self> {
        let Fields { schema, renamed, mut defaults, strict, labelled } = fields;
        let mut targets = Vec::new();
        for spec in schema.columns() {
            if spec.dtype.is_complex() {
                let context = format!("{} is {}, which no record has; set the column as a whole, or a row of it", spec.name, spec.dtype);
                return Err(Error::new(ErrorKind::Unsupported, OPEN, context));
            }
            for name in &spec.fields {
                let field = schema.field(name)?;
                let column = renamed.iter().find(|(known, _)| known == name).map_or(name, |(_, column)| column).clone();
                let default = defaults.iter().position(|(known, _)| known == name).map(|at| defaults.swap_remove(at).1);
                let (dtype, ragged, elements, range) = (spec.dtype, spec.ragged, field.elements(), spec.bounds());
                let (name, optional, required) = (name.clone(), spec.optional, labelled || spec.role == Role::Feature);
                let role = spec.role;
                targets.push(Target { column, dtype, ragged, elements, field, name, required, role, optional, range, default });
            }
        }
        if let Some((unknown, _)) = defaults.first() {
            schema.field(unknown)?;
        }
        renamed.iter().try_for_each(|(name, _)| schema.field(name).map(|_| ()))?;
        let mut by_column = HashMap::new();
        for (at, target) in targets.iter().enumerate() {
            if let Some(other) = by_column.insert(target.column.clone(), at) {
                let context = format!("{} and {} are both taken from {}", targets[other].name, target.name, target.column);
                return Err(Error::input(OPEN, context));
            }
        }
        let plan = Self { targets, strict, schema, by_column };
        let mut batch = plan.schema.batch_with_capacity(1);
        for target in &plan.targets {
            target.fill(&mut batch.row()).map_err(|reason| Error::input(OPEN, format!("the default of {reason}")))?;
        }
        Ok(plan)
    }

    #[cfg(feature = "arrow")]
    pub(super) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The target of what the record calls so.
    pub(super) fn find(&self, column: &str) -> Option<usize> {
        self.by_column.get(column).copied()
    }

    /// How many rows to read, of as many as are wanted.
    pub(super) fn room(&self, batch: &Batch, rows: usize) -> Result<usize> {
        let error = |context: String| Error::input("fill batch", context);
        if !Arc::ptr_eq(batch.schema(), &self.schema) && batch.schema().columns() != self.schema.columns() {
            return Err(error("the batch is one of another bundle".into()));
        }
        if !batch.is_even() {
            return Err(error("its columns have different numbers of rows; clear the batch before filling it".into()));
        }
        let room = batch.capacity().saturating_sub(batch.rows());
        if room == 0 && rows > 0 {
            return Err(error(format!("the batch is full with {} rows; step it and clear it", batch.rows())));
        }
        Ok(rows.min(room))
    }

    /// Fills in what the record lacked, and pushes the row. `seen` has what it did not lack.
    pub(super) fn push(&self, mut row: RowBuilder<'_>, seen: &[bool]) -> Result<(), String> {
        for (target, _) in self.targets.iter().zip(seen).filter(|(_, seen)| !**seen) {
            target.fill(&mut row)?;
            if target.is_needed() && !target.optional {
                return Err(match target.role {
                    Role::Feature => format!("{} is missing; give it a default, or leave the record out", target.name),
                    Role::Label | Role::Weight => format!("{} is missing; a record without it can be predicted, not learned", target.name),
                });
            }
        }
        row.push().map_err(reason)
    }
}

impl Target {
    /// Whether a stream without it makes no row. One that may be missing in a record must be known to the stream: a name that is
    /// not the field's would go unnoticed.
    pub(super) fn is_needed(&self) -> bool {
        self.required && self.default.is_none()
    }

    pub(super) fn field(&self) -> Field {
        self.field
    }

    /// Whether a record without it makes a row.
    #[cfg(feature = "arrow")]
    pub(super) fn may_be_null(&self) -> bool {
        self.optional || !self.is_needed()
    }

    pub(super) fn has_default(&self) -> bool {
        self.default.is_some()
    }

    /// Whether a value of it that is missing is told by what stands in its place.
    pub(super) fn may_be_gap(&self) -> bool {
        self.optional && self.default.is_none()
    }

    /// Whether these values may be in the field; `None` if they must be looked at one by one.
    pub(super) fn allows(&self, value: Option<&Value<'_>>) -> bool {
        match (self.range, value) {
            (None, _) => true,
            (Some(range), Some(value)) => self.check(value, range).is_ok(),
            (Some(_), None) => false,
        }
    }

    /// A reason that names the field; those of the row do already.
    pub(super) fn named(&self, reason: String) -> String {
        if reason.starts_with(&self.name) { reason } else { format!("{}: {reason}", self.name) }
    }

    /// Sets the field.
    #[inline]
    pub(super) fn put(&self, row: &mut RowBuilder<'_>, value: &Value<'_>) -> Result<(), String> {
        if let Some(range) = self.range {
            self.check(value, range)?;
        }
        row.put(self.field, value).map_err(reason)
    }

    /// Sets one element of the field; it is set by [`Target::close`].
    pub(super) fn write(&self, row: &mut RowBuilder<'_>, at: usize, value: &Value<'_>) -> Result<(), String> {
        if let Some(range) = self.range {
            self.check(value, range)?;
        }
        row.write(self.field, at, value).map_err(reason)
    }

    /// Sets one element to what says that it is missing; false if it must not be.
    pub(super) fn miss(&self, row: &mut RowBuilder<'_>, at: usize) -> Result<bool, String> {
        if !self.optional {
            return Ok(false);
        }
        self.write(row, at, &self.gap()).map(|()| true)
    }

    /// What says that an element is missing.
    pub(super) fn gap(&self) -> Value<'static> {
        match self.dtype {
            DType::String => Value::Bytes(b""),
            DType::I32 => Value::Int(i32::MIN.into()),
            DType::I64 => Value::Int(i64::MIN.into()),
            _ => Value::Float(f64::NAN),
        }
    }

    /// The field has got so many elements.
    pub(super) fn close(&self, row: &mut RowBuilder<'_>, elements: usize) -> Result<(), String> {
        row.close(self.field, elements).map_err(reason)
    }

    /// Sets the field to its default, if it has one.
    fn fill(&self, row: &mut RowBuilder<'_>) -> Result<(), String> {
        let Some(default) = &self.default else { return Ok(()) };
        let elements = default.elements();
        let repeated = if elements.len() == 1 && !self.ragged { self.elements } else { elements.len() };
        for (at, value) in elements.iter().cycle().take(repeated).filter_map(Filler::value).enumerate() {
            self.write(row, at, &value)?;
        }
        self.close(row, repeated)
    }

    fn check(&self, value: &Value<'_>, range: (f64, f64)) -> Result<(), String> {
        let outside = |&value: &f64| !(range.0..=range.1).contains(&value);
        let found = match *value {
            Value::Float(value) => Some(value).filter(outside),
            Value::Int(value) => Some(value as f64).filter(outside),
            Value::Bool(value) => Some(f64::from(u8::from(value))).filter(outside),
            Value::F32s(values) => values.iter().map(|&value| value.into()).find(outside),
            Value::F64s(values) => values.iter().copied().find(outside),
            Value::I32s(values) => values.iter().map(|&value| value.into()).find(outside),
            Value::I64s(values) => values.iter().map(|&value| value as f64).find(outside),
            Value::U64s(values) => values.iter().map(|&value| value as f64).find(outside),
            Value::Complex(_) | Value::C64s(_) | Value::C128s(_) | Value::Bytes(_) | Value::Strings(_) | Value::ByteStrings(_) => None,
        };
        found.map_or(Ok(()), |value| Err(out_of_range(&self.name, range, value)))
    }
}

/// An error of the row as the reason to refuse its record.
fn reason(error: Error) -> String {
    error.context().to_owned()
}
