//! Rows of one batch into another.

use super::batch::{Batch, Data, Store};
use super::schema::ColumnSpec;
use crate::error::{Error, Result};

const APPEND: &str = "append rows";

impl Batch {
    /// Appends these rows of another batch of the same bundle, in this order; a row may come more than once.
    ///
    /// # Errors
    /// `InvalidInput`, and nothing is changed, if there is no room, if a row is not there, if one of the batches has columns of different
    /// numbers of rows, or if the other is one of another bundle.
    pub fn append_rows(&mut self, from: &Self, rows: &[usize]) -> Result<()> {
        let refuse = |context: String| Err(Error::input(APPEND, context));
        if self.schema().columns() != from.schema().columns() {
            return refuse("the batch is one of another bundle".into());
        }
        if !self.is_even() || !from.is_even() {
            return refuse("a batch has columns with different numbers of rows; clear it first".into());
        }
        if self.rows() + rows.len() > self.capacity() {
            return refuse(format!("the batch has room for {} rows, not for {} more", self.capacity() - self.rows(), rows.len()));
        }
        if let Some(row) = rows.iter().find(|row| **row >= from.rows()) {
            return refuse(format!("there is no row {row}; the other batch has {}", from.rows()));
        }
        let schema = self.schema().clone();
        let starts: Vec<Option<Vec<usize>>> = from.columns.iter().map(Store::starts).collect();
        for ((spec, to), (other, starts)) in schema.columns().iter().zip(&self.columns).zip(from.columns.iter().zip(&starts)) {
            if to.text() + rows.iter().map(|row| other.row_text(spec, starts.as_deref(), *row)).sum::<usize>() > u32::MAX as usize {
                return refuse(format!("the strings of {} are longer than 4 GiB", spec.name));
            }
        }
        for ((spec, to), (other, starts)) in schema.columns().iter().zip(&mut self.columns).zip(from.columns.iter().zip(&starts)) {
            rows.iter().for_each(|row| to.append(spec, other, starts.as_deref(), *row));
        }
        Ok(())
    }
}

impl Store {
    /// Of a ragged column, where the values of each row begin, and where the last ones end.
    fn starts(&self) -> Option<Vec<usize>> {
        let ends = self.lengths.as_ref()?.of(self.rows).iter().scan(0, |end, length| {
            *end += *length as usize;
            Some(*end)
        });
        Some(std::iter::once(0).chain(ends).collect())
    }

    fn elements(spec: &ColumnSpec, starts: Option<&[usize]>, row: usize) -> std::ops::Range<usize> {
        let elements = spec.shape.elements();
        starts.map_or(row * elements..(row + 1) * elements, |starts| starts[row]..starts[row + 1])
    }

    /// Bytes of all its strings.
    fn text(&self) -> usize {
        match &self.data {
            Data::Strings { bytes, .. } => bytes.len(),
            Data::Fixed(_) => 0,
        }
    }

    fn row_text(&self, spec: &ColumnSpec, starts: Option<&[usize]>, row: usize) -> usize {
        match &self.data {
            Data::Strings { places, .. } => places[Self::elements(spec, starts, row)].iter().map(|(_, length)| *length as usize).sum(),
            Data::Fixed(_) => 0,
        }
    }

    fn append(&mut self, spec: &ColumnSpec, from: &Self, starts: Option<&[usize]>, row: usize) {
        // In order, since rows come in one after the other.
        let absent = from.missing.binary_search(&row).is_ok();
        let elements = Self::elements(spec, starts, row);
        let (at, count) = (self.lengths.as_ref().map_or(self.rows * elements.len(), |lengths| lengths.values()), elements.len());
        match (&mut self.data, &from.data, spec.dtype.size()) {
            (Data::Fixed(to), Data::Fixed(values), Some(size)) => {
                to.reserve((at + count) * size);
                if !absent {
                    let values = &values.as_bytes()[elements.start * size..elements.end * size];
                    to.as_bytes_mut()[at * size..(at + count) * size].copy_from_slice(values);
                }
            }
            (Data::Strings { bytes, places, .. }, Data::Strings { bytes: text, places: all, .. }, _) => {
                for (start, length) in &all[elements] {
                    places.push((bytes.len() as u32, *length));
                    bytes.extend_from_slice(&text[*start as usize..*start as usize + *length as usize]);
                }
            }
            _ => {}
        }
        if let Some(lengths) = &mut self.lengths {
            lengths.set_pending(count);
        }
        self.push(absent);
    }
}
