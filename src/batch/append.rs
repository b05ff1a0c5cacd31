//! Many rows at once, after those that are in.

use super::Value;
use super::batch::{Batch, Data, Store};
use super::schema::{Field, Role};
use crate::tensor::{AlignedBuffer, DType};

/// Rows that are being added field by field. Dropped without [`Append::commit`], they leave no trace.
#[derive(Debug)]
pub(crate) struct Append<'a> {
    batch: &'a mut Batch,
    start: usize,
    rows: usize,
    /// The values that each ragged column gets.
    values: Vec<usize>,
}

impl Batch {
    /// Begins to add so many rows; the caller has seen that there is room, and that all columns have as many rows.
    pub(crate) fn append(&mut self, rows: usize) -> Append<'_> {
        let start = self.rows();
        self.set.clear();
        self.set.resize(self.schema.fields(), false);
        self.make_room(start + rows);
        let values = vec![0; self.columns.len()];
        Append { batch: self, start, rows, values }
    }
}

impl Append<'_> {
    /// Sets a field of numbers: the bytes of its elements in all rows. False if they are not as many.
    #[cfg(feature = "arrow")]
    pub(crate) fn bytes(&mut self, field: Field, bytes: &[u8]) -> bool {
        let Batch { schema, columns, set, .. } = &mut *self.batch;
        let (spec, Store { data, lengths, .. }) = (&schema.columns()[field.column], &mut columns[field.column]);
        let (Data::Fixed(buffer), None, Some(size)) = (data, lengths, spec.dtype.size()) else { return false };
        let (piece, row) = (field.elements * size, spec.shape.elements() * size);
        if bytes.len() != self.rows * piece {
            return false;
        }
        let target = &mut buffer.as_bytes_mut()[self.start * row..(self.start + self.rows) * row];
        if piece == row {
            target.copy_from_slice(bytes);
        } else {
            for (target, bytes) in target.chunks_exact_mut(row).zip(bytes.chunks_exact(piece)) {
                target[field.start * size..][..piece].copy_from_slice(bytes);
            }
        }
        set[field.index] = true;
        true
    }

    /// Sets a field of numbers one by one: all of them, or the rows must not be added. `None` if it is none.
    pub(crate) fn numbers(&mut self, field: Field) -> Option<Numbers<'_>> {
        let Batch { schema, columns, set, .. } = &mut *self.batch;
        let (spec, Store { data, lengths, .. }) = (&schema.columns()[field.column], &mut columns[field.column]);
        let (Data::Fixed(buffer), None) = (data, lengths) else { return None };
        set[field.index] = true;
        let stride = spec.shape.elements();
        Some(Numbers { buffer, dtype: spec.dtype, start: self.start * stride + field.start, stride, elements: field.elements })
    }

    /// Sets a field of one string in each row. False if it is none.
    pub(crate) fn strings<'s>(&mut self, field: Field, strings: impl Iterator<Item = &'s [u8]>) -> bool {
        let Batch { schema, columns, set, .. } = &mut *self.batch;
        let (stride, Store { data, lengths, .. }) = (schema.columns()[field.column].shape.elements(), &mut columns[field.column]);
        let (Data::Strings { bytes, places, .. }, None, 1) = (data, lengths, field.elements) else { return false };
        for (string, place) in strings.zip(places[self.start * stride + field.start..].iter_mut().step_by(stride)) {
            let (Ok(start), Ok(length)) = (u32::try_from(bytes.len()), u32::try_from(string.len())) else { return false };
            bytes.extend_from_slice(string);
            *place = (start, length);
        }
        set[field.index] = true;
        true
    }

    /// Sets a ragged field of numbers: the bytes of all values, and how many of them each row has. False if it is none.
    #[cfg(feature = "arrow")]
    pub(crate) fn ragged(&mut self, field: Field, bytes: &[u8], rows: impl Iterator<Item = usize>) -> bool {
        let Batch { schema, columns, set, .. } = &mut *self.batch;
        let Store { data, lengths, .. } = &mut columns[field.column];
        let (Data::Fixed(buffer), Some(lengths), Some(size)) = (data, lengths, schema.columns()[field.column].dtype.size()) else {
            return false;
        };
        let start = lengths.values() * size;
        buffer.reserve(start + bytes.len());
        buffer.as_bytes_mut()[start..start + bytes.len()].copy_from_slice(bytes);
        let mut sum = 0;
        for (row, length) in rows.enumerate() {
            lengths.stage(self.start + row, length);
            sum += length;
        }
        self.values[field.column] = sum;
        set[field.index] = true;
        sum * size == bytes.len()
    }

    /// Adds the rows. False, and nothing is changed, if a feature that must be is not set in whole or a number is not finite.
    pub(crate) fn commit(self) -> bool {
        let Batch { schema, columns, set, .. } = &mut *self.batch;
        for (((store, spec), set), values) in columns.iter_mut().zip(schema.columns()).zip(schema.by_column(set)).zip(&self.values) {
            if spec.optional {
                store.fill_gaps(spec, set, self.start..self.start + self.rows);
            }
            let absent = !spec.optional && set.contains(&false);
            if absent && (spec.role == Role::Feature || set.contains(&true)) {
                return false;
            }
            let (start, elements) = match &store.lengths {
                Some(lengths) => (lengths.values(), *values),
                None => (self.start * spec.shape.elements(), self.rows * spec.shape.elements()),
            };
            if !absent && !store.is_finite(spec, start, elements) {
                return false;
            }
        }
        for (((store, spec), set), values) in columns.iter_mut().zip(schema.columns()).zip(schema.by_column(set)).zip(&self.values) {
            if !spec.optional && set.contains(&false) {
                store.miss(self.rows);
            }
            if let Some(lengths) = &mut store.lengths {
                lengths.commit(*values);
            }
            store.rows += self.rows;
            if let Data::Strings { bytes, pushed, .. } = &mut store.data {
                *pushed = bytes.len();
            }
        }
        true
    }
}

/// A field of numbers in all rows.
#[derive(Debug)]
pub(crate) struct Numbers<'a> {
    buffer: &'a mut AlignedBuffer,
    dtype: DType,
    start: usize,
    stride: usize,
    elements: usize,
}

impl Numbers<'_> {
    /// Sets one element in one row; false if it does not fit.
    #[inline]
    pub(crate) fn put(&mut self, row: usize, at: usize, value: &Value<'_>) -> bool {
        at < self.elements && value.write(self.buffer, self.dtype, self.start + row * self.stride + at).is_ok()
    }
}

impl Drop for Append<'_> {
    fn drop(&mut self) {
        let Batch { schema, columns, .. } = &mut *self.batch;
        columns.iter_mut().zip(schema.columns()).for_each(|(store, spec)| store.rollback(spec));
    }
}
