//! Rows of any number of values.

use super::batch::{Batch, Data};
use super::schema::ColumnSpec;
use crate::error::{Error, Result};
use crate::tensor::{AlignedBuffer, Element, bytes_as};

const SET: &str = "set column";

/// How many values each row of a column has.
#[derive(Debug)]
pub(super) struct Lengths {
    buffer: AlignedBuffer,
    /// Of all rows that are in.
    values: usize,
    /// Of the row that is being built.
    pending: usize,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { buffer: AlignedBuffer::new(0), values: 0, pending: 0 }
    }
}

impl Lengths {
    pub(super) fn clear(&mut self) {
        (self.values, self.pending) = (0, 0);
    }

    /// The values of the rows that are in: where those of the next row begin.
    pub(super) fn values(&self) -> usize {
        self.values
    }

    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// The row that is being built has so many values.
    pub(super) fn set_pending(&mut self, values: usize) {
        self.pending = values;
    }

    /// Takes in the row that was built.
    pub(super) fn push(&mut self, row: usize) {
        self.write(row, self.pending);
        self.pending = 0;
    }

    fn write(&mut self, row: usize, length: usize) {
        self.stage(row, length);
        self.commit(length);
    }

    /// Notes the length of a row whose values are not in yet.
    pub(super) fn stage(&mut self, row: usize, length: usize) {
        self.buffer.reserve((row + 1) * size_of::<i64>());
        self.buffer.write(row, &[length as i64]);
    }

    /// So many values came in.
    pub(super) fn commit(&mut self, values: usize) {
        self.values += values;
    }

    /// Those of the first rows.
    pub(super) fn of(&self, rows: usize) -> &[i64] {
        bytes_as(&self.buffer.as_bytes()[..rows * size_of::<i64>()]).unwrap_or_default()
    }
}

impl Batch {
    /// Sets a whole ragged column: the values of all rows, one after the other, and how many of them each row has.
    ///
    /// # Errors
    /// `InvalidInput` if the column is not ragged or of another dtype, or the lengths do not add up to the values.
    pub fn set_ragged<T: Element>(&mut self, column: &str, values: &[T], lengths: &[usize]) -> Result<()> {
        let index = self.ragged(column, values.len(), lengths)?;
        let spec = &self.schema.columns()[index];
        let store = &mut self.columns[index];
        match &mut store.data {
            Data::Fixed(buffer) if spec.dtype == T::DTYPE => {
                buffer.reserve(size_of_val(values));
                buffer.write(0, values);
            }
            _ => return Err(Error::input(SET, format!("{column} takes {}, not {}", spec.dtype, T::DTYPE))),
        }
        store.clear();
        store.set_lengths(lengths);
        Ok(())
    }

    /// As [`Batch::set_ragged`], of strings.
    ///
    /// # Errors
    /// As there.
    pub fn set_ragged_strings<S: AsRef<[u8]>>(&mut self, column: &str, values: &[S], lengths: &[usize]) -> Result<()> {
        let index = self.ragged(column, values.len(), lengths)?;
        let spec = &self.schema.columns()[index];
        let store = &mut self.columns[index];
        if let Data::Fixed(_) = store.data {
            return Err(Error::input(SET, format!("{column} takes {}, not strings", spec.dtype)));
        }
        store.set_strings(spec, values)?;
        store.set_lengths(lengths);
        Ok(())
    }

    /// The index of a ragged column, if so many values make these rows.
    fn ragged(&self, column: &str, values: usize, lengths: &[usize]) -> Result<usize> {
        let index = self.schema.column(column)?;
        let ColumnSpec { ragged, shape, .. } = &self.schema.columns()[index];
        if !ragged {
            return Err(Error::input(SET, format!("{column} takes {} values in every row; set it without lengths", shape.elements())));
        }
        if lengths.len() > self.capacity() {
            let context = format!("the batch has room for {} rows; {column} got {}", self.capacity(), lengths.len());
            return Err(Error::input(SET, context));
        }
        let sum = lengths.iter().try_fold(0_usize, |sum, length| sum.checked_add(*length));
        if sum != Some(values) {
            let sum = sum.map_or_else(|| "more than there is memory for".to_owned(), |sum| sum.to_string());
            return Err(Error::input(SET, format!("the row lengths of {column} add up to {sum}, but it got {values} values")));
        }
        Ok(index)
    }
}

impl super::batch::Store {
    fn set_lengths(&mut self, rows: &[usize]) {
        if let Some(lengths) = &mut self.lengths {
            rows.iter().enumerate().for_each(|(row, length)| lengths.write(row, *length));
        }
        self.rows = rows.len();
    }
}
