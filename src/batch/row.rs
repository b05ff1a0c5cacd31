//! One row on its way into a batch.

use super::Value;
use super::batch::{Batch, Data, Store};
use super::check::{out_of_range, outside};
use super::schema::{ColumnSpec, Field, Role};
use crate::error::{Error, Result};

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
            batch.make_room(row + 1);
        }
        Self { batch, row }
    }

    /// Sets a field of the record by name. A field set twice keeps the later value.
    pub fn set<'v>(self, field: &str, value: impl Into<Value<'v>>) -> Result<Self> {
        let field = self.batch.schema.field(field)?;
        self.set_at(field, value)
    }

    /// Sets a field of the record by its place, looked up once with [`Schema::field`](super::Schema::field).
    pub fn set_at<'v>(mut self, field: Field, value: impl Into<Value<'v>>) -> Result<Self> {
        self.put(field, &value.into())?;
        Ok(self)
    }

    /// As [`RowBuilder::set_at`]; an error leaves the field unset.
    #[inline]
    pub(crate) fn put(&mut self, field: Field, value: &Value<'_>) -> Result<()> {
        if self.put_number(field, value) {
            return Ok(());
        }
        self.put_any(field, value)
    }

    fn put_any(&mut self, field: Field, value: &Value<'_>) -> Result<()> {
        let elements = value.elements();
        if elements <= field.elements || self.batch.schema.columns().get(field.column).is_some_and(|spec| spec.ragged) {
            self.write(field, 0, value)?;
        }
        self.close(field, elements)
    }

    /// Sets a field of one number, as most are; false leaves it to [`RowBuilder::write`].
    #[inline]
    fn put_number(&mut self, field: Field, value: &Value<'_>) -> bool {
        let full = self.row >= self.batch.capacity();
        let Batch { schema, columns, set, .. } = &mut *self.batch;
        let (Some(spec), Some(set)) = (schema.columns().get(field.column), set.get_mut(field.index)) else { return false };
        let Store { data: Data::Fixed(buffer), lengths: None, .. } = &mut columns[field.column] else { return false };
        if full || field.elements != 1 {
            return false;
        }
        let at = self.row * spec.shape.elements() + field.start;
        if value.elements() != 1 || value.write(buffer, spec.dtype, at).is_err() {
            return false;
        }
        *set = true;
        true
    }

    /// Writes these elements of a field from element `at` on; the field is set by [`RowBuilder::close`].
    pub(crate) fn write(&mut self, field: Field, at: usize, value: &Value<'_>) -> Result<()> {
        if self.row >= self.batch.capacity() {
            return Err(self.full());
        }
        let Batch { schema, columns, set, .. } = &mut *self.batch;
        let Some(spec) = schema.columns().get(field.column).filter(|_| field.index < set.len()) else {
            return Err(foreign());
        };
        let end = at + value.elements();
        if end > field.elements && !spec.ragged {
            return Err(Error::input(SET, format!("{} takes {}, not {end} or more", field.name(spec), counted(field.elements))));
        }
        let Store { data, lengths, .. } = &mut columns[field.column];
        let start = match lengths {
            Some(lengths) => lengths.values(),
            None => self.row * spec.shape.elements() + field.start,
        };
        match data {
            Data::Fixed(buffer) => {
                if let (true, Some(size)) = (spec.ragged, spec.dtype.size()) {
                    buffer.reserve((start + end) * size);
                }
                let refused = |reason| Error::input(SET, format!("{}: {reason}", field.name(spec)));
                value.write(buffer, spec.dtype, start + at).map_err(refused)
            }
            Data::Strings { bytes, places, .. } => {
                if spec.ragged {
                    places.resize(start + end, (0, 0));
                }
                let strings = value.strings().ok_or_else(|| Error::input(SET, format!("{} takes strings", field.name(spec))))?;
                for (place, string) in places[start + at..].iter_mut().zip(strings) {
                    let (Ok(start), Ok(length)) = (u32::try_from(bytes.len()), u32::try_from(string.len())) else {
                        return Err(Error::input(SET, format!("the strings of {} are longer than 4 GiB", spec.name)));
                    };
                    bytes.extend_from_slice(string);
                    *place = (start, length);
                }
                Ok(())
            }
        }
    }

    /// The field has got this many elements: it is set, if they are as many as it takes.
    pub(crate) fn close(&mut self, field: Field, elements: usize) -> Result<()> {
        let Batch { schema, columns, set, .. } = &mut *self.batch;
        let (Some(spec), Some(set)) = (schema.columns().get(field.column), set.get_mut(field.index)) else {
            return Err(foreign());
        };
        match &mut columns[field.column] {
            Store { lengths: Some(lengths), data, .. } => {
                lengths.set_pending(elements);
                if let Data::Strings { places, .. } = data {
                    places.truncate(lengths.values() + elements);
                }
            }
            _ if elements != field.elements => {
                return Err(Error::input(SET, format!("{} takes {}, not {elements}", field.name(spec), counted(field.elements))));
            }
            _ => {}
        }
        *set = true;
        Ok(())
    }

    /// Adds the row to the batch. Every field of a feature must be set, unless it may be missing; those of labels and of the weight
    /// all or none.
    ///
    /// # Errors
    /// `InvalidInput`, and the batch is as it was, if the row is not complete, if the batch is full, or if the row holds a number that is
    /// not finite, a label out of its [range](ColumnSpec::range) or a negative weight.
    pub fn push(self) -> Result<()> {
        if self.row >= self.batch.capacity() {
            return Err(self.full());
        }
        let Batch { schema, columns, set, .. } = &mut *self.batch;
        if !set.contains(&false) {
            for (store, spec) in columns.iter().zip(schema.columns()) {
                check(store, spec, self.row)?;
            }
            columns.iter_mut().for_each(|store| store.push(false));
            return Ok(());
        }
        for ((store, spec), set) in columns.iter_mut().zip(schema.columns()).zip(schema.by_column(set)) {
            if spec.optional {
                store.fill_gaps(spec, set, self.row..self.row + 1);
            } else if set.contains(&false) && (spec.role == Role::Feature || set.contains(&true)) {
                let missing: Vec<&str> = spec.fields.iter().zip(set).filter(|(_, set)| !**set).map(|(name, _)| name.as_str()).collect();
                return Err(Error::input(PUSH, format!("the row lacks {}", missing.join(", "))));
            }
            if spec.optional || !set.contains(&false) {
                check(store, spec, self.row)?;
            } else {
                even(store, spec, self.row)?;
            }
        }
        for ((store, spec), set) in columns.iter_mut().zip(schema.columns()).zip(schema.by_column(set)) {
            store.push(!spec.optional && set.contains(&false));
        }
        Ok(())
    }

    fn full(&self) -> Error {
        let context =
            format!("the batch is full with {} rows; step it and clear it, or make one with more capacity", self.batch.capacity());
        Error::input(PUSH, context)
    }
}

fn counted(values: usize) -> String {
    if values == 1 { "one value".into() } else { format!("{values} values") }
}

fn foreign() -> Error {
    Error::input(SET, "the field is one of another bundle")
}

/// Refuses a row beyond the column's next one.
fn even(store: &Store, spec: &ColumnSpec, row: usize) -> Result<()> {
    if store.rows == row {
        return Ok(());
    }
    let context = format!("{} has {} rows, other columns {row}; clear the batch before filling it row by row", spec.name, store.rows);
    Err(Error::input(PUSH, context))
}

/// Refuses a row with values that the column must not hold.
fn check(store: &Store, spec: &ColumnSpec, row: usize) -> Result<()> {
    even(store, spec, row)?;
    let (start, elements) = match &store.lengths {
        Some(lengths) => (lengths.values(), lengths.pending()),
        None => (row * spec.shape.elements(), spec.shape.elements()),
    };
    if !store.is_finite(spec, start, elements) {
        return Err(Error::input(PUSH, format!("{} is not finite; leave the record out, or fill the gap before", spec.name)));
    }
    match store.numbers(spec, start, elements).and_then(|bytes| outside(spec, bytes)) {
        Some((at, value, range)) => Err(Error::input(PUSH, out_of_range(spec.field_of(at), range, value))),
        None => Ok(()),
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
