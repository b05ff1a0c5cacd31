//! One row on its way into a batch.

use super::Value;
use super::batch::{Batch, Data, Store};
use super::schema::{ColumnSpec, Field, Role};
use crate::error::{Error, Result};
use crate::tensor::{DType, bytes_as};

const SET: &str = "set field";
const PUSH: &str = "push row";

/// A row that is being built. Dropped without [`RowBuilder::push`], it leaves no trace.
#[derive(Debug)]
pub struct RowBuilder<'a> {
    batch: &'a mut Batch,
    row: usize,
}

impl<'a> RowBuilder<'a> {
    pub(super) fn new(batch: &'a mut Batch) -> Self {
        let row = batch.rows();
        batch.set.clear();
        batch.set.resize(batch.schema.fields(), false);
        if row < batch.capacity() {
            let Batch { schema, columns, .. } = batch;
            for (store, spec) in columns.iter_mut().zip(schema.columns()) {
                store.reserve(spec, row + 1);
                if let Data::Strings { places, .. } = &mut store.data
                    && !spec.ragged
                {
                    places.resize((row + 1) * spec.shape.elements(), (0, 0));
                }
            }
        }
        Self { batch, row }
    }

    /// Sets a field of the record by name.
    pub fn set<'v>(self, field: &str, value: impl Into<Value<'v>>) -> Result<Self> {
        let field = self.batch.schema.field(field)?;
        self.set_at(field, value)
    }

    /// Sets a field of the record by its place, looked up once with [`Schema::field`](super::Schema::field).
    pub fn set_at<'v>(self, field: Field, value: impl Into<Value<'v>>) -> Result<Self> {
        let value = value.into();
        if self.row >= self.batch.capacity() {
            return Err(self.full());
        }
        let Batch { schema, columns, set, .. } = &mut *self.batch;
        let Some(spec) = schema.columns().get(field.column).filter(|_| field.index < set.len()) else {
            return Err(Error::input(SET, "the field is one of another bundle"));
        };
        let name = || spec.fields.get(field.start / field.elements).map_or(spec.name.as_str(), String::as_str);
        if value.elements() != field.elements && !spec.ragged {
            let context = format!("{} takes {} values, not {}", name(), field.elements, value.elements());
            return Err(Error::input(SET, context));
        }
        let Store { data, lengths, .. } = &mut columns[field.column];
        let index = match lengths {
            Some(lengths) => {
                lengths.set_pending(value.elements());
                lengths.values()
            }
            None => self.row * spec.shape.elements() + field.start,
        };
        match data {
            Data::Fixed(buffer) => {
                if let (true, Some(size)) = (spec.ragged, spec.dtype.size()) {
                    buffer.reserve((index + value.elements()) * size);
                }
                value.write(buffer, spec.dtype, index).map_err(|reason| Error::input(SET, format!("{}: {reason}", name())))?;
            }
            Data::Strings { bytes, places, .. } => {
                if spec.ragged {
                    places.resize(index + value.elements(), (0, 0));
                }
                for (at, string) in value.strings().ok_or_else(|| Error::input(SET, format!("{} takes strings", name())))?.enumerate() {
                    let (Ok(start), Ok(length)) = (u32::try_from(bytes.len()), u32::try_from(string.len())) else {
                        return Err(Error::input(SET, format!("the strings of {} are longer than 4 GiB", spec.name)));
                    };
                    bytes.extend_from_slice(string);
                    places[index + at] = (start, length);
                }
            }
        }
        set[field.index] = true;
        Ok(self)
    }

    /// Adds the row to the batch. Every field of a feature must be set; those of labels and of the weight all or none.
    pub fn push(self) -> Result<()> {
        if self.row >= self.batch.capacity() {
            return Err(self.full());
        }
        let Batch { schema, columns, set, .. } = &mut *self.batch;
        for ((store, spec), set) in columns.iter().zip(schema.columns()).zip(schema.by_column(set)) {
            let absent = set.iter().any(|set| !set);
            if absent && (spec.role == Role::Feature || set.contains(&true)) {
                let missing: Vec<&str> = spec.fields.iter().zip(set).filter(|(_, set)| !**set).map(|(name, _)| name.as_str()).collect();
                return Err(Error::input(PUSH, format!("the row lacks {}", missing.join(", "))));
            }
            if store.rows != self.row {
                let context = format!(
                    "{} has {} rows, other columns {}; clear the batch before filling it row by row",
                    spec.name, store.rows, self.row
                );
                return Err(Error::input(PUSH, context));
            }
            if !absent && !is_finite(store, spec, self.row) {
                return Err(Error::input(PUSH, format!("{} is not finite; leave the record out, or fill the gap before", spec.name)));
            }
        }
        for (store, set) in columns.iter_mut().zip(schema.by_column(set)) {
            store.push(set.contains(&false));
        }
        Ok(())
    }

    fn full(&self) -> Error {
        let context =
            format!("the batch is full with {} rows; step it and clear it, or make one with more capacity", self.batch.capacity());
        Error::input(PUSH, context)
    }
}

fn is_finite(store: &Store, spec: &ColumnSpec, row: usize) -> bool {
    let (Data::Fixed(buffer), Some(size)) = (&store.data, spec.dtype.size()) else { return true };
    let (start, elements) = match &store.lengths {
        Some(lengths) => (lengths.values(), lengths.pending()),
        None => (row * spec.shape.elements(), spec.shape.elements()),
    };
    let row = &buffer.as_bytes()[start * size..(start + elements) * size];
    match spec.dtype {
        DType::F32 => bytes_as::<f32>(row).is_some_and(|values| values.iter().all(|value| value.is_finite())),
        DType::F64 => bytes_as::<f64>(row).is_some_and(|values| values.iter().all(|value| value.is_finite())),
        _ => true,
    }
}

impl Drop for RowBuilder<'_> {
    fn drop(&mut self) {
        let Batch { schema, columns, .. } = &mut *self.batch;
        for (store, spec) in columns.iter_mut().zip(schema.columns()) {
            store.rollback(spec);
        }
    }
}
