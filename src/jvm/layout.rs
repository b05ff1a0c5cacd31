//! Where columns lie in one block of memory: each begins at a multiple of 64 bytes, for a fixed number of rows.
//!
//! Java's `Layout` computes the same from the same schema. An element of a string column is a pair of 32-bit numbers, offset and
//! length in the buffer of all strings.

use jni::objects::JByteBuffer;
use jni::sys::jint;

use super::buffer::{ALIGNMENT, Caller, Direct};
use crate::batch::{BatchView, ColumnData, ColumnSpec, Purpose, Role, Schema};
use crate::bind::{Failure, Status};
use crate::tensor::{DType, Shape};

const STRING_SLOT: usize = 2 * size_of::<u32>();

/// A batch as Java passes it.
#[derive(Debug)]
pub(super) struct Slab {
    columns: Direct,
    /// Rows that the columns are laid out for.
    capacity: usize,
    /// `None` if no string is in the batch.
    strings: Option<Direct>,
    /// Bytes of `strings` that are in use.
    string_bytes: usize,
}

impl Slab {
    pub(super) fn new(
        caller: Caller<'_>,
        columns: &JByteBuffer<'_>,
        capacity: jint,
        strings: &JByteBuffer<'_>,
        string_bytes: jint,
    ) -> Result<Self, Failure> {
        let string_bytes = size("string bytes", string_bytes)?;
        let strings = match string_bytes {
            0 => None,
            needed => Some(Direct::of(caller, strings, "strings")?.at_least(needed)?),
        };
        let columns = Direct::of(caller, columns, "slab")?.aligned()?;
        Ok(Self { columns, capacity: size("capacity", capacity)?, strings, string_bytes })
    }

    /// The rows `first..first + rows`, in place.
    pub(super) fn rows<'s>(&'s self, schema: &'s Schema, first: usize, rows: usize) -> Result<Rows<'s>, Failure> {
        if first.checked_add(rows).is_none_or(|end| end > self.capacity) {
            let context = format!("pass rows within the capacity of {}, not {rows} from row {first}", self.capacity);
            return Err(Failure::new(Status::INVALID_INPUT, context));
        }
        let offsets = offsets(0, schema.columns().iter().map(|spec| (spec.dtype, &spec.shape)), self.capacity)?;
        let all = self.columns.read(offsets[schema.columns().len()])?;
        let strings = match &self.strings {
            Some(strings) => strings.read(self.string_bytes)?,
            None => &[],
        };
        let columns = schema.columns().iter().zip(offsets).map(|(spec, start)| {
            let bytes = row_bytes(spec.dtype, &spec.shape);
            (spec, &all[start + first * bytes..][..rows * bytes])
        });
        Ok(Rows { rows, columns: columns.collect(), strings })
    }
}

/// Some rows of a slab.
#[derive(Debug)]
pub(super) struct Rows<'s> {
    rows: usize,
    columns: Vec<(&'s ColumnSpec, &'s [u8])>,
    strings: &'s [u8],
}

/// Offset and length of every string of each string column, apart from the view that borrows them.
pub(super) type Places = Vec<Vec<(u32, u32)>>;

impl Rows<'_> {
    pub(super) fn places(&self) -> Places {
        self.columns.iter().filter(|(spec, _)| spec.dtype == DType::String).map(|(_, bytes)| slots(bytes)).collect()
    }

    pub(super) fn view<'v>(&'v self, purpose: Purpose, places: &'v Places) -> BatchView<'v> {
        let mut places = places.iter();
        let columns = self.columns.iter().map(|&(spec, bytes)| match (purpose, spec.role, spec.dtype) {
            (Purpose::Predict, Role::Label | Role::Weight, _) => ColumnData::Absent,
            (_, _, DType::String) => {
                ColumnData::Strings { bytes: self.strings, places: places.next().map(Vec::as_slice).unwrap_or_default() }
            }
            _ => ColumnData::Bytes(bytes),
        });
        BatchView::new(self.rows, columns.collect())
    }
}

fn slots(bytes: &[u8]) -> Vec<(u32, u32)> {
    let (slots, _) = bytes.as_chunks::<STRING_SLOT>();
    slots.iter().map(|&[a, b, c, d, e, f, g, h]| (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))).collect()
}

/// Where each of these columns begins, the first one at `start`, and last where the block ends.
pub(super) fn offsets<'a>(start: usize, columns: impl Iterator<Item = (DType, &'a Shape)>, rows: usize) -> Result<Vec<usize>, Failure> {
    let mut offsets = vec![start];
    let mut next = start;
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

/// Bytes of one row of a column with this dtype and shape.
fn row_bytes(dtype: DType, shape: &Shape) -> usize {
    dtype.size().unwrap_or(STRING_SLOT) * shape.elements()
}

/// A number of Java's that counts something.
pub(super) fn size(name: &str, number: jint) -> Result<usize, Failure> {
    usize::try_from(number)
        .map_err(|_| Failure::new(Status::INVALID_INPUT, format!("pass a number that is not negative: {name} is {number}")))
}
