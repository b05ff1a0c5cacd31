//! A batch in memory of its own.

use std::sync::Arc;

use ndarray::{ArrayView, Dimension};

use super::row::RowBuilder;
use super::schema::{ColumnSpec, Schema};
use super::view::{BatchView, ColumnData};
use crate::error::{Error, Result};
use crate::tensor::{AlignedBuffer, DType, Element};

/// Rows as columns, in memory that TensorFlow reads in place. Fill it, use it, [`Batch::clear`] it, fill it again.
///
/// `Send`, not shared: one thread fills it. A batch of one trainer fits every trainer of the same bundle.
#[derive(Debug)]
pub struct Batch {
    pub(super) schema: Arc<Schema>,
    pub(super) columns: Vec<Store>,
    capacity: usize,
    /// Which fields the row that is being built has set.
    pub(super) set: Vec<bool>,
}

/// The memory of one column.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) data: Data,
    /// Rows that are in it.
    pub(super) rows: usize,
    /// The first row that was pushed without it (labels and weights may be left out).
    pub(super) missing: Option<usize>,
}

#[derive(Debug)]
pub(super) enum Data {
    Fixed(AlignedBuffer),
    /// `pushed` bytes belong to rows that are in; what follows belongs to the row that is being built.
    Strings {
        bytes: Vec<u8>,
        places: Vec<(u32, u32)>,
        pushed: usize,
    },
}

impl Store {
    pub(super) fn reserve(&mut self, spec: &ColumnSpec, rows: usize) {
        if let (Data::Fixed(buffer), Some(bytes)) = (&mut self.data, spec.row_bytes()) {
            buffer.reserve(rows * bytes);
        }
    }

    fn clear(&mut self) {
        (self.rows, self.missing) = (0, None);
        if let Data::Strings { bytes, places, pushed } = &mut self.data {
            bytes.clear();
            places.clear();
            *pushed = 0;
        }
    }

    /// Forgets the strings of a row that was not pushed.
    pub(super) fn rollback(&mut self, spec: &ColumnSpec) {
        if let Data::Strings { bytes, places, pushed } = &mut self.data {
            bytes.truncate(*pushed);
            places.truncate(self.rows * spec.shape.elements());
        }
    }

    /// Takes in the row that was built.
    pub(super) fn push(&mut self, absent: bool) {
        if absent {
            self.missing.get_or_insert(self.rows);
        }
        self.rows += 1;
        if let Data::Strings { bytes, pushed, .. } = &mut self.data {
            *pushed = bytes.len();
        }
    }
}

impl Batch {
    pub(super) fn new(schema: Arc<Schema>, capacity: usize) -> Self {
        let data = |spec: &ColumnSpec| match spec.dtype {
            DType::String => Data::Strings { bytes: Vec::new(), places: Vec::new(), pushed: 0 },
            _ => Data::Fixed(AlignedBuffer::new(0)),
        };
        let columns = schema.columns().iter().map(|spec| Store { data: data(spec), rows: 0, missing: None }).collect();
        Self { schema, columns, capacity, set: Vec::new() }
    }

    /// The columns that it has.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The rows in it: those of its fullest column.
    pub fn rows(&self) -> usize {
        self.columns.iter().map(|column| column.rows).max().unwrap_or(0)
    }

    /// The rows it has room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Removes all rows; the memory stays.
    pub fn clear(&mut self) {
        self.columns.iter_mut().for_each(Store::clear);
    }

    /// Begins a row. Nothing is in the batch before [`RowBuilder::push`].
    pub fn row(&mut self) -> RowBuilder<'_> {
        RowBuilder::new(self)
    }

    /// Sets a whole column from a slice of its rows, one after the other.
    pub fn set<T: Element>(&mut self, column: &str, values: &[T]) -> Result<()> {
        let index = self.schema.column(column)?;
        let spec = &self.schema.columns()[index];
        if spec.dtype != T::DTYPE {
            return Err(Error::input("set column", format!("{column} takes {}, not {}", spec.dtype, T::DTYPE)));
        }
        let rows = rows_of(spec, values.len(), self.capacity)?;
        let store = &mut self.columns[index];
        store.clear();
        store.reserve(spec, rows);
        if let Data::Fixed(buffer) = &mut store.data {
            buffer.write(0, values);
        }
        store.rows = rows;
        Ok(())
    }

    /// Sets a whole column from an array whose first axis is the rows and whose other axes are the column's shape.
    pub fn set_array<T: Element, D: Dimension>(&mut self, column: &str, values: ArrayView<'_, T, D>) -> Result<()> {
        let spec = &self.schema.columns()[self.schema.column(column)?];
        let shape = spec.shape.sizes();
        let fits = values.shape().split_first().is_some_and(|(_, row)| row == shape || (shape == [1] && row.is_empty()));
        if !fits {
            let context = format!("{column} takes an array of shape [rows, {}], not {:?}", join(&shape), values.shape());
            return Err(Error::input("set column", context));
        }
        match values.to_slice() {
            Some(values) => self.set(column, values),
            None => self.set(column, &values.iter().copied().collect::<Vec<_>>()),
        }
    }

    /// Sets a whole column of strings.
    pub fn set_strings<S: AsRef<[u8]>>(&mut self, column: &str, values: &[S]) -> Result<()> {
        let index = self.schema.column(column)?;
        let spec = &self.schema.columns()[index];
        if spec.dtype != DType::String {
            return Err(Error::input("set column", format!("{column} takes {}, not strings", spec.dtype)));
        }
        let rows = rows_of(spec, values.len(), self.capacity)?;
        if values.iter().map(|value| value.as_ref().len()).sum::<usize>() > u32::MAX as usize {
            return Err(Error::input("set column", format!("the strings of {column} are longer than 4 GiB")));
        }
        let store = &mut self.columns[index];
        store.clear();
        if let Data::Strings { bytes, places, pushed } = &mut store.data {
            for value in values {
                let value = value.as_ref();
                places.push((bytes.len() as u32, value.len() as u32));
                bytes.extend_from_slice(value);
            }
            *pushed = bytes.len();
        }
        store.rows = rows;
        Ok(())
    }
}

/// The rows that so many elements make.
fn rows_of(spec: &ColumnSpec, elements: usize, capacity: usize) -> Result<usize> {
    let row = spec.shape.elements();
    let (rows, rest) = (elements / row, elements % row);
    if rest != 0 {
        return Err(Error::input("set column", format!("{} takes {row} values a row, so {elements} values are no whole rows", spec.name)));
    }
    if rows > capacity {
        return Err(Error::input("set column", format!("the batch has room for {capacity} rows; {} got {rows}", spec.name)));
    }
    Ok(rows)
}

fn join(sizes: &[usize]) -> String {
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

impl<'a> From<&'a Batch> for BatchView<'a> {
    fn from(batch: &'a Batch) -> Self {
        let rows = batch.rows();
        let columns = batch.columns.iter().zip(batch.schema.columns()).map(|(store, spec)| match (&store.data, store.missing) {
            _ if store.rows == 0 => ColumnData::Absent,
            (_, Some(row)) => ColumnData::Missing { row },
            (Data::Fixed(buffer), None) => ColumnData::Bytes(&buffer.as_bytes()[..store.rows * spec.row_bytes().unwrap_or(0)]),
            (Data::Strings { bytes, places, .. }, None) => ColumnData::Strings { bytes, places },
        });
        Self::new(rows, columns.collect())
    }
}
