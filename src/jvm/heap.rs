//! What the slots of a slab lead to, strings and ragged rows, in one buffer: Java's `Heap`.
//!
//! A slot is a pair of 32-bit numbers. That of a string is its offset and length in bytes; that of a ragged row the offset of its
//! values, one behind the other without padding, and their number, where the values of a row of strings are slots themselves.

use crate::batch::{ColumnData, ColumnSpec, RaggedValues};
use crate::bind::{Failure, Status};
use crate::tensor::{AlignedBuffer, DType};

/// Bytes of a slot.
pub(super) const SLOT: usize = 2 * size_of::<u32>();

/// What a view of a column borrows beside slab and heap.
#[derive(Debug)]
pub(super) enum Followed {
    /// The column has no slots.
    None,
    /// Offset and length of each string.
    Strings(Vec<(u32, u32)>),
    /// The values of all rows, so many bytes, together.
    Ragged { lengths: Vec<i64>, values: AlignedBuffer, bytes: usize },
    /// The same of strings.
    RaggedStrings { lengths: Vec<i64>, places: Vec<(u32, u32)> },
}

impl Followed {
    /// Reads the slots of some rows of a column, and checks whether ragged rows lie within the heap.
    pub(super) fn new(spec: &ColumnSpec, column: &[u8], heap: &[u8]) -> Result<Self, Failure> {
        match (spec.ragged, spec.dtype) {
            (true, _) => Self::ragged(spec, &slots(column), heap),
            (false, DType::String) => Ok(Self::Strings(slots(column))),
            (false, _) => Ok(Self::None),
        }
    }

    fn ragged(spec: &ColumnSpec, rows: &[(u32, u32)], heap: &[u8]) -> Result<Self, Failure> {
        let refuse = |reason| Err(Failure::new(Status::INVALID_INPUT, format!("pass ragged rows that {reason}: {}", spec.name)));
        let size = spec.dtype.size().unwrap_or(SLOT);
        let mut ranges = Vec::with_capacity(rows.len());
        for &(start, count) in rows {
            let start = start as usize;
            match heap.get(start..start + count as usize * size) {
                Some(values) => ranges.push(values),
                None => return refuse("lie within the heap"),
            }
        }
        // Else rows that share their values would take more memory than the caller has.
        let bytes = ranges.iter().map(|values| values.len()).sum();
        if bytes > heap.len() {
            return refuse("do not overlap");
        }
        let lengths = rows.iter().map(|&(_, count)| count.into()).collect();
        if spec.dtype == DType::String {
            return Ok(Self::RaggedStrings { lengths, places: ranges.into_iter().flat_map(slots).collect() });
        }
        let mut values = AlignedBuffer::new(bytes);
        let mut end = 0;
        for row in ranges {
            values.write(end, row);
            end += row.len();
        }
        Ok(Self::Ragged { lengths, values, bytes })
    }

    pub(super) fn view<'v>(&'v self, column: &'v [u8], heap: &'v [u8]) -> ColumnData<'v> {
        match self {
            Self::None => ColumnData::Bytes(column),
            Self::Strings(places) => ColumnData::Strings { bytes: heap, places },
            Self::Ragged { lengths, values, bytes } => {
                ColumnData::Ragged { lengths, values: RaggedValues::Bytes(&values.as_bytes()[..*bytes]) }
            }
            Self::RaggedStrings { lengths, places } => {
                ColumnData::Ragged { lengths, values: RaggedValues::Strings { bytes: heap, places } }
            }
        }
    }
}

fn slots(bytes: &[u8]) -> Vec<(u32, u32)> {
    let (slots, _) = bytes.as_chunks::<SLOT>();
    slots.iter().map(|&[a, b, c, d, e, f, g, h]| (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))).collect()
}
