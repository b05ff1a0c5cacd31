//! Where columns lie in one block of memory: each begins at a multiple of 64 bytes, for a fixed number of rows.
//!
//! Java's `Layout` computes the same from the same schema. A string, and a row of a ragged column, has a slot here that leads into
//! the heap.

use jni::objects::JByteBuffer;
use jni::sys::jint;
use smallvec::SmallVec;

use super::buffer::{ALIGNMENT, Caller, Direct};
use super::heap::{Followed, SLOT};
use crate::batch::{BatchView, ColumnData, ColumnSpec, Purpose, Role, Schema};
use crate::bind::{Failure, Status};
use crate::tensor::{DType, Shape};

/// A batch as Java passes it.
#[derive(Debug)]
pub(super) struct Slab {
    columns: Direct,
    /// Rows that the columns are laid out for.
    capacity: usize,
    /// `None` if no slot of the batch leads anywhere.
    heap: Option<Direct>,
    /// Bytes of `heap` that are in use.
    heap_bytes: usize,
}

impl Slab {
    pub(super) fn new(
        caller: Caller<'_>,
        columns: &JByteBuffer<'_>,
        capacity: jint,
        heap: &JByteBuffer<'_>,
        heap_bytes: jint,
    ) -> Result<Self, Failure> {
        let heap_bytes = size("heap bytes", heap_bytes)?;
        let heap = match heap_bytes {
            0 => None,
            needed => Some(Direct::of(caller, heap, "heap")?.at_least(needed)?),
        };
        let columns = Direct::of(caller, columns, "slab")?.aligned()?;
        Ok(Self { columns, capacity: size("capacity", capacity)?, heap, heap_bytes })
    }

    /// The rows `first..first + rows`, in place.
    pub(super) fn rows<'s>(&'s self, schema: &'s Schema, first: usize, rows: usize) -> Result<Rows<'s>, Failure> {
        if first.checked_add(rows).is_none_or(|end| end > self.capacity) {
            let context = format!("pass rows within the capacity of {}, not {rows} from row {first}", self.capacity);
            return Err(Failure::new(Status::INVALID_INPUT, context));
        }
        let offsets = offsets(0, schema.columns().iter().map(slab_bytes), self.capacity)?;
        let all = self.columns.read(offsets[schema.columns().len()])?;
        let heap = match &self.heap {
            Some(heap) => heap.read(self.heap_bytes)?,
            None => &[],
        };
        let columns = schema.columns().iter().zip(offsets).map(|(spec, start)| {
            let bytes = slab_bytes(spec);
            (spec, &all[start + first * bytes..][..rows * bytes])
        });
        Ok(Rows { rows, columns: columns.collect(), heap })
    }
}

/// Some rows of a slab.
#[derive(Debug)]
pub(super) struct Rows<'s> {
    rows: usize,
    columns: Vec<(&'s ColumnSpec, &'s [u8])>,
    heap: &'s [u8],
}

impl Rows<'_> {
    /// What each column has in the heap, apart from the view that borrows it.
    pub(super) fn follow(&self) -> Result<SmallVec<[Followed; 4]>, Failure> {
        self.columns.iter().map(|(spec, column)| Followed::new(spec, column, self.heap)).collect()
    }

    pub(super) fn view<'v>(&'v self, purpose: Purpose, followed: &'v [Followed]) -> BatchView<'v> {
        let columns = self.columns.iter().zip(followed).map(|(&(spec, column), followed)| match (purpose, spec.role) {
            (Purpose::Predict, Role::Label | Role::Weight) => ColumnData::Absent,
            _ => followed.view(column, self.heap),
        });
        BatchView::new(self.rows, columns.collect())
    }
}

/// Where each column with these bytes a row begins, the first one at `start`, and last where the block ends.
pub(super) fn offsets(start: usize, columns: impl Iterator<Item = usize>, rows: usize) -> Result<Vec<usize>, Failure> {
    let mut offsets = vec![start];
    let mut next = start;
    for row_bytes in columns {
        next = row_bytes
            .checked_mul(rows)
            .and_then(|bytes| bytes.checked_add(next))
            .and_then(|end| end.checked_next_multiple_of(ALIGNMENT))
            .ok_or_else(|| Failure::new(Status::INVALID_INPUT, format!("pass fewer rows, so many have no address: {rows}")))?;
        offsets.push(next);
    }
    Ok(offsets)
}

/// Bytes of one row of an output with this dtype and shape.
pub(super) fn row_bytes(dtype: DType, shape: &Shape) -> usize {
    dtype.size().unwrap_or(SLOT) * shape.elements()
}

/// The same of a column.
fn slab_bytes(spec: &ColumnSpec) -> usize {
    if spec.ragged { SLOT } else { row_bytes(spec.dtype, &spec.shape) }
}

/// A number of Java's that counts something.
pub(super) fn size(name: &str, number: jint) -> Result<usize, Failure> {
    usize::try_from(number)
        .map_err(|_| Failure::new(Status::INVALID_INPUT, format!("pass a number that is not negative: {name} is {number}")))
}
