//! A batch in memory of its own.

use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use ndarray::{ArrayView, Dimension};

use super::check::finite;
use super::ragged::Lengths;
use super::row::RowBuilder;
use super::schema::{ColumnSpec, Schema};
use super::view::{BatchView, ColumnData, RaggedValues};
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
    /// The rows for which every column of a fixed size has memory.
    room: usize,
    event_time: Option<SystemTime>,
    /// Which fields the row that is being built has set.
    pub(super) set: Vec<bool>,
}

/// The memory of one column.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) data: Data,
    /// Rows that are in it.
    pub(super) rows: usize,
    /// The rows that were pushed without it, in order: labels and weights may be left out.
    pub(super) missing: Vec<usize>,
    /// Of a ragged column.
    pub(super) lengths: Option<Lengths>,
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

    pub(super) fn clear(&mut self) {
        self.rows = 0;
        self.missing.clear();
        if let Some(lengths) = &mut self.lengths {
            lengths.clear();
        }
        if let Data::Strings { bytes, places, pushed } = &mut self.data {
            bytes.clear();
            places.clear();
            *pushed = 0;
        }
    }

    /// Takes in these strings instead of all that it has.
    pub(super) fn set_strings<S: AsRef<[u8]>>(&mut self, spec: &ColumnSpec, values: &[S]) -> Result<()> {
        if values.iter().map(|value| value.as_ref().len()).sum::<usize>() > u32::MAX as usize {
            return Err(Error::input("set column", format!("the strings of {} are longer than 4 GiB", spec.name)));
        }
        self.clear();
        if let Data::Strings { bytes, places, pushed } = &mut self.data {
            for value in values {
                let value = value.as_ref();
                places.push((bytes.len() as u32, value.len() as u32));
                bytes.extend_from_slice(value);
            }
            *pushed = bytes.len();
        }
        Ok(())
    }

    /// So many rows come in without it.
    pub(super) fn miss(&mut self, rows: usize) {
        self.missing.extend(self.rows..self.rows + rows);
    }

    /// Whether these elements are, if they are floats; or missing, where they may be.
    pub(super) fn is_finite(&self, spec: &ColumnSpec, start: usize, elements: usize) -> bool {
        self.numbers(spec, start, elements).is_none_or(|bytes| finite(spec, bytes))
    }

    /// The memory of these elements; `None` of strings.
    pub(super) fn numbers(&self, spec: &ColumnSpec, start: usize, elements: usize) -> Option<&[u8]> {
        match (&self.data, spec.dtype.size()) {
            (Data::Fixed(buffer), Some(size)) => Some(&buffer.as_bytes()[start * size..(start + elements) * size]),
            _ => None,
        }
    }

    /// Writes what says that it is missing into the places of the fields that were not set, in these rows.
    pub(super) fn fill_gaps(&mut self, spec: &ColumnSpec, set: &[bool], rows: Range<usize>) {
        if !set.contains(&false) {
            return;
        }
        if let Some(lengths) = &mut self.lengths {
            lengths.set_pending(0);
            rows.for_each(|row| lengths.stage(row, 0));
            return;
        }
        let (width, elements) = (spec.shape.elements(), spec.shape.elements() / spec.fields.len());
        for row in rows {
            for (field, _) in set.iter().enumerate().filter(|(_, set)| !**set) {
                for at in row * width + field * elements..row * width + (field + 1) * elements {
                    match (&mut self.data, spec.dtype) {
                        (Data::Strings { places, .. }, _) => places[at] = (0, 0),
                        (Data::Fixed(buffer), DType::F32) => buffer.write(at, &[f32::NAN]),
                        (Data::Fixed(buffer), DType::I32) => buffer.write(at, &[i32::MIN]),
                        (Data::Fixed(buffer), DType::I64) => buffer.write(at, &[i64::MIN]),
                        (Data::Fixed(buffer), _) => buffer.write(at, &[f64::NAN]),
                    }
                }
            }
        }
    }

    /// Forgets the strings of a row that was not pushed.
    pub(super) fn rollback(&mut self, spec: &ColumnSpec) {
        if let Data::Strings { bytes, places, pushed } = &mut self.data {
            bytes.truncate(*pushed);
            places.truncate(match &self.lengths {
                Some(lengths) => lengths.values(),
                None => self.rows * spec.shape.elements(),
            });
        }
    }

    /// Takes in the row that was built.
    pub(super) fn push(&mut self, absent: bool) {
        if absent {
            self.miss(1);
        }
        if let Some(lengths) = &mut self.lengths {
            lengths.push(self.rows);
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
        let store =
            |spec: &ColumnSpec| Store { data: data(spec), rows: 0, missing: Vec::new(), lengths: spec.ragged.then(Lengths::default) };
        let columns = schema.columns().iter().map(store).collect();
        Self { schema, columns, capacity, room: 0, event_time: None, set: Vec::new() }
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

    /// Whether all columns have the same number of rows, so that another row can follow.
    pub(crate) fn is_even(&self) -> bool {
        self.columns.iter().all(|column| column.rows == self.rows())
    }

    /// Removes all rows and the event time; the memory stays.
    pub fn clear(&mut self) {
        self.columns.iter_mut().for_each(Store::clear);
        self.event_time = None;
    }

    /// When the latest of these rows happened. Needed to learn where the rows of an embedding table expire by event time.
    pub fn set_event_time(&mut self, time: SystemTime) {
        self.event_time = Some(time);
    }

    /// Memory for so many rows.
    pub(super) fn make_room(&mut self, rows: usize) {
        let Self { schema, columns, room, .. } = self;
        let grows = *room < rows;
        for (store, spec) in columns.iter_mut().zip(schema.columns()) {
            if grows {
                store.reserve(spec, rows);
            }
            if let (Data::Strings { places, .. }, None) = (&mut store.data, &store.lengths) {
                places.resize(rows * spec.shape.elements(), (0, 0));
            }
        }
        *room = rows.max(*room);
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
        let store = &mut self.columns[index];
        store.set_strings(spec, values)?;
        store.rows = rows;
        Ok(())
    }
}

/// The rows that so many elements make.
fn rows_of(spec: &ColumnSpec, elements: usize, capacity: usize) -> Result<usize> {
    if spec.ragged {
        return Err(Error::input("set column", format!("{} is ragged; set it with the number of values of each row", spec.name)));
    }
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
        let columns = batch.columns.iter().zip(batch.schema.columns()).map(|(store, spec)| match (&store.data, &store.missing[..]) {
            _ if store.rows == 0 => ColumnData::Absent,
            (Data::Fixed(buffer), rows @ [_, ..]) if store.lengths.is_none() => {
                ColumnData::Missing { rows, bytes: &buffer.as_bytes()[..store.rows * spec.row_bytes().unwrap_or(0)] }
            }
            (_, rows @ [_, ..]) => ColumnData::Missing { rows, bytes: &[] },
            (data, []) if let Some(lengths) = &store.lengths => {
                let values = match data {
                    Data::Fixed(buffer) => RaggedValues::Bytes(&buffer.as_bytes()[..lengths.values() * spec.dtype.size().unwrap_or(0)]),
                    Data::Strings { bytes, places, .. } => RaggedValues::Strings { bytes, places },
                };
                ColumnData::Ragged { lengths: lengths.of(store.rows), values }
            }
            (Data::Fixed(buffer), []) => ColumnData::Bytes(&buffer.as_bytes()[..store.rows * spec.row_bytes().unwrap_or(0)]),
            (Data::Strings { bytes, places, .. }, []) => ColumnData::Strings { bytes, places },
        });
        Self::new(rows, columns.collect()).at(batch.event_time)
    }
}
