//! Ragged columns of an `sg_batch`: any number of values in a row.

use std::ffi::{c_char, c_void};

use super::batch::{BATCHES, sg_batch};
use super::dtype::{from_c, sg_dtype};
use super::error::{boundary, sg_error};
use super::field::{bools, sg_bytes, strings};
use super::pointer;
use super::sg_status;
use crate::bind::Failure;
use crate::tensor::{Complex32, Complex64, DType, Element, bf16, f16};

/// Sets a whole ragged column from `length` values, those of all `rows` rows one after the other, of which the row `i` has
/// `row_lengths[i]`, none included; replaces what was in it.
///
/// `dtype` is what `values` leads to and must be the column's; nothing is converted. The row lengths must add up to `length`.
/// `sg_tensor.ragged` says which columns are ragged. Takes turns with other calls on the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_ragged(
    batch: sg_batch,
    column: *const c_char,
    dtype: sg_dtype,
    values: *const c_void,
    length: usize,
    row_lengths: *const usize,
    rows: usize,
    error: *mut sg_error,
) -> sg_status {
    let ragged = Ragged { batch, column, length, row_lengths, rows };
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || match from_c(dtype)? {
            DType::F32 => ragged.set::<f32>(values.cast()),
            DType::F64 => ragged.set::<f64>(values.cast()),
            DType::F16 => ragged.set::<f16>(values.cast()),
            DType::BF16 => ragged.set::<bf16>(values.cast()),
            DType::C64 => ragged.set::<Complex32>(values.cast()),
            DType::C128 => ragged.set::<Complex64>(values.cast()),
            DType::I8 => ragged.set::<i8>(values.cast()),
            DType::I16 => ragged.set::<i16>(values.cast()),
            DType::I32 => ragged.set::<i32>(values.cast()),
            DType::I64 => ragged.set::<i64>(values.cast()),
            DType::U8 => ragged.set::<u8>(values.cast()),
            DType::U16 => ragged.set::<u16>(values.cast()),
            DType::U32 => ragged.set::<u32>(values.cast()),
            DType::U64 => ragged.set::<u64>(values.cast()),
            DType::Bool => ragged.set_bool(values.cast()),
            DType::String => ragged.set_strings(values.cast()),
        })
    }
}

/// `sg_batch_set_ragged` with `SG_FLOAT32`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_ragged_f32(
    batch: sg_batch,
    column: *const c_char,
    values: *const f32,
    length: usize,
    row_lengths: *const usize,
    rows: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || Ragged { batch, column, length, row_lengths, rows }.set(values)) }
}

/// `sg_batch_set_ragged` with `SG_FLOAT64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_ragged_f64(
    batch: sg_batch,
    column: *const c_char,
    values: *const f64,
    length: usize,
    row_lengths: *const usize,
    rows: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || Ragged { batch, column, length, row_lengths, rows }.set(values)) }
}

/// `sg_batch_set_ragged` with `SG_INT32`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_ragged_i32(
    batch: sg_batch,
    column: *const c_char,
    values: *const i32,
    length: usize,
    row_lengths: *const usize,
    rows: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || Ragged { batch, column, length, row_lengths, rows }.set(values)) }
}

/// `sg_batch_set_ragged` with `SG_INT64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_ragged_i64(
    batch: sg_batch,
    column: *const c_char,
    values: *const i64,
    length: usize,
    row_lengths: *const usize,
    rows: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || Ragged { batch, column, length, row_lengths, rows }.set(values)) }
}

/// `sg_batch_set_ragged` with `SG_UINT8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_ragged_u8(
    batch: sg_batch,
    column: *const c_char,
    values: *const u8,
    length: usize,
    row_lengths: *const usize,
    rows: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || Ragged { batch, column, length, row_lengths, rows }.set(values)) }
}

/// `sg_batch_set_ragged` with `SG_BOOL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_ragged_bool(
    batch: sg_batch,
    column: *const c_char,
    values: *const bool,
    length: usize,
    row_lengths: *const usize,
    rows: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || Ragged { batch, column, length, row_lengths, rows }.set_bool(values.cast())) }
}

/// `sg_batch_set_ragged` with `SG_STRING`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_ragged_strings(
    batch: sg_batch,
    column: *const c_char,
    values: *const sg_bytes,
    length: usize,
    row_lengths: *const usize,
    rows: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || Ragged { batch, column, length, row_lengths, rows }.set_strings(values)) }
}

/// What all these functions are told beside the values.
#[derive(Clone, Copy)]
struct Ragged {
    batch: sg_batch,
    column: *const c_char,
    length: usize,
    row_lengths: *const usize,
    rows: usize,
}

impl Ragged {
    /// # Safety
    /// As for [`pointer::text`] and [`pointer::array`].
    unsafe fn set<T: Element>(self, values: *const T) -> Result<(), Failure> {
        // SAFETY: the contract of this function.
        let (column, row_lengths) = unsafe { self.rows() }?;
        // SAFETY: as before.
        let values = unsafe { pointer::array(values, self.length, "values")? };
        Ok(BATCHES.get(self.batch.id)?.lock().own()?.set_ragged(column, values, row_lengths)?)
    }

    /// # Safety
    /// As for [`Ragged::set`].
    unsafe fn set_bool(self, values: *const u8) -> Result<(), Failure> {
        // SAFETY: the contract of this function.
        let (column, row_lengths) = unsafe { self.rows() }?;
        // SAFETY: as before.
        let values = unsafe { bools(values, self.length, "values")? };
        Ok(BATCHES.get(self.batch.id)?.lock().own()?.set_ragged(column, values, row_lengths)?)
    }

    /// # Safety
    /// As for [`Ragged::set`] and [`strings`].
    unsafe fn set_strings(self, values: *const sg_bytes) -> Result<(), Failure> {
        // SAFETY: the contract of this function.
        let (column, row_lengths) = unsafe { self.rows() }?;
        // SAFETY: as before.
        let values = unsafe { strings(values, self.length, "values")? };
        Ok(BATCHES.get(self.batch.id)?.lock().own()?.set_ragged_strings(column, &values, row_lengths)?)
    }

    /// The column's name and the rows' lengths.
    ///
    /// # Safety
    /// As for [`Ragged::set`].
    unsafe fn rows<'a>(self) -> Result<(&'a str, &'a [usize]), Failure> {
        // SAFETY: the contract of this function.
        unsafe { Ok((pointer::text(self.column, "column")?, pointer::array(self.row_lengths, self.rows, "row_lengths")?)) }
    }
}
