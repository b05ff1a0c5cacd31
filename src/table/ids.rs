//! Feature ids out of a batch's column.

use super::fingerprint64;
use crate::batch::{ColumnData, RaggedValues};
use crate::error::{Error, Result};
use crate::tensor::{DType, Element, bytes_as};

/// Appends the ids of a column whose elements are of this dtype: integers as 64 bits, a negative one as its two's complement;
/// strings by their [`fingerprint64`].
pub(crate) fn append_ids(name: &str, dtype: DType, data: &ColumnData<'_>, ids: &mut Vec<u64>) -> Result<()> {
    match *data {
        ColumnData::Bytes(bytes) | ColumnData::Ragged { values: RaggedValues::Bytes(bytes), .. } => integers(name, dtype, bytes, ids),
        ColumnData::Strings { bytes, places } | ColumnData::Ragged { values: RaggedValues::Strings { bytes, places }, .. } => {
            ids.extend(places.iter().map(|&(start, length)| fingerprint64(&bytes[start as usize..][..length as usize])));
            Ok(())
        }
        ColumnData::Absent | ColumnData::Missing { .. } => {
            Err(Error::input("look up ids", format!("the column {name} is missing; set it")))
        }
    }
}

fn integers(name: &str, dtype: DType, bytes: &[u8], ids: &mut Vec<u64>) -> Result<()> {
    let misaligned = || Error::input("look up ids", format!("the memory of {name} is not aligned for {dtype}"));
    let add = |done: Option<()>| done.ok_or_else(misaligned);
    match dtype {
        DType::I8 => add(extend::<i8>(bytes, ids, |id| id as u64)),
        DType::I16 => add(extend::<i16>(bytes, ids, |id| id as u64)),
        DType::I32 => add(extend::<i32>(bytes, ids, |id| id as u64)),
        DType::I64 => add(extend::<i64>(bytes, ids, |id| id as u64)),
        DType::U8 => add(extend::<u8>(bytes, ids, u64::from)),
        DType::U16 => add(extend::<u16>(bytes, ids, u64::from)),
        DType::U32 => add(extend::<u32>(bytes, ids, u64::from)),
        DType::U64 => add(extend::<u64>(bytes, ids, |id| id)),
        _ => Err(Error::input("look up ids", format!("{name} is {dtype}; ids are integers or strings"))),
    }
}

fn extend<T: Element>(bytes: &[u8], ids: &mut Vec<u64>, id: impl Fn(T) -> u64) -> Option<()> {
    ids.extend(bytes_as::<T>(bytes)?.iter().map(|value| id(*value)));
    Some(())
}
