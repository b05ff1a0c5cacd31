//! Where columns lie in one block of memory: each begins at a multiple of 64 bytes, for a fixed number of rows.
//!
//! Java's `Layout` computes the same from the same schema. An element of a string column is a pair of 32-bit numbers, offset and
//! length in the buffer of all strings.

use super::buffer::{ALIGNMENT, Direct};
use crate::batch::{BatchView, ColumnData, ColumnSpec, Purpose, Role, Schema};
use crate::bind::{Failure, Status};
use crate::tensor::{DType, Shape};

const STRING_SLOT: usize = 2 * size_of::<u32>();

/// A batch as Java passes it.
#[derive(Debug)]
pub(super) struct Slab<'a> {
    pub(super) columns: &'a Direct,
    /// Rows that the slab is laid out for.
    pub(super) capacity: usize,
    pub(super) strings: &'a Direct,
    /// Bytes of `strings` that are in use.
    pub(super) string_bytes: usize,
}

/// The string elements of each column, apart from the view that borrows them; empty for other columns.
pub(super) type Places = Vec<Vec<(u32, u32)>>;

impl Slab<'_> {
    /// Offset and length of every string in the rows `first..first + rows`.
    pub(super) fn places(&self, schema: &Schema, first: usize, rows: usize) -> Result<Places, Failure> {
        let columns = self.columns(schema, first, rows)?;
        Ok(columns.map(|(spec, bytes)| if spec.dtype == DType::String { slots(bytes) } else { Vec::new() }).collect())
    }

    /// The same rows, in place.
    pub(super) fn view<'v>(
        &'v self,
        schema: &'v Schema,
        first: usize,
        rows: usize,
        purpose: Purpose,
        places: &'v Places,
    ) -> Result<BatchView<'v>, Failure> {
        let strings = self.strings.read(self.string_bytes)?;
        let columns = self.columns(schema, first, rows)?.zip(places);
        let columns = columns.map(|((spec, bytes), places)| match (purpose, spec.role, spec.dtype) {
            (Purpose::Predict, Role::Label | Role::Weight, _) => ColumnData::Absent,
            (_, _, DType::String) => ColumnData::Strings { bytes: strings, places },
            _ => ColumnData::Bytes(bytes),
        });
        Ok(BatchView::new(rows, columns.collect()))
    }

    /// Each column with the bytes of these rows.
    fn columns<'v>(
        &'v self,
        schema: &'v Schema,
        first: usize,
        rows: usize,
    ) -> Result<impl Iterator<Item = (&'v ColumnSpec, &'v [u8])>, Failure> {
        if first.checked_add(rows).is_none_or(|end| end > self.capacity) {
            let context = format!("pass rows within the capacity of {}, not {rows} from row {first}", self.capacity);
            return Err(Failure::new(Status::INVALID_INPUT, context));
        }
        let offsets = offsets(schema.columns().iter().map(|spec| (spec.dtype, &spec.shape)), self.capacity)?;
        let all = self.columns.read(offsets[schema.columns().len()])?;
        Ok(schema.columns().iter().zip(offsets).map(move |(spec, start)| {
            let bytes = row_bytes(spec.dtype, &spec.shape);
            (spec, &all[start + first * bytes..][..rows * bytes])
        }))
    }
}

/// Bytes of one row of a column with this dtype and shape.
fn row_bytes(dtype: DType, shape: &Shape) -> usize {
    dtype.size().unwrap_or(STRING_SLOT) * shape.elements()
}

/// Where each of these columns begins, and last where the block ends.
pub(super) fn offsets<'a>(columns: impl Iterator<Item = (DType, &'a Shape)>, rows: usize) -> Result<Vec<usize>, Failure> {
    let mut offsets = vec![0];
    let mut next = 0_usize;
    for (dtype, shape) in columns {
        next = row_bytes(dtype, shape)
            .checked_mul(rows)
            .and_then(|bytes| bytes.checked_add(next))
            .and_then(|end| end.checked_next_multiple_of(ALIGNMENT))
            .ok_or_else(|| Failure::new(Status::INVALID_INPUT, format!("pass fewer rows, so many have no address: {rows}")))?;
        offsets.push(next);
    }
    Ok(offsets)
}

fn slots(bytes: &[u8]) -> Vec<(u32, u32)> {
    let (slots, _) = bytes.as_chunks::<STRING_SLOT>();
    slots.iter().map(|&[a, b, c, d, e, f, g, h]| (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))).collect()
}
