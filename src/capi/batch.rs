//! `sg_batch`: rows as columns, filled by column or row by row, used again and again.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use parking_lot::Mutex;

use super::dtype::{from_c, sg_dtype};
use super::error::{boundary, sg_error};
use super::field::{bools, sg_bytes, sg_field, strings, value};
use super::pointer::{self, Out};
use super::rows::Rows;
use super::sg_status;
use super::trainer::{TRAINERS, sg_trainer};
use crate::batch::Schema;
use crate::bind::{Failure, Kind, Status, Table, event_time};
use crate::tensor::{Complex32, Complex64, DType, Element, bf16, f16};

/// Rows on their way into a model. Open until `sg_batch_close`; calls on one batch take turns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_batch {
    /// What the library knows it by; zero is no batch.
    pub id: u64,
}

pub(super) static BATCHES: Table<Mutex<Rows>> = Table::new(Kind::Batch);

/// Makes an empty batch for this trainer's model with room for `capacity` rows; memory is taken as it fills.
///
/// It fits every trainer and every predictor of the same bundle, and outlives this one. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_new(trainer: sg_trainer, capacity: usize, batch: *mut sg_batch, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(batch, "batch")?;
            out.write(make(TRAINERS.get(trainer.id)?.schema(), capacity)?);
            Ok(())
        })
    }
}

/// Sets a whole column from `length` values, row after row, each row in row-major order; replaces what was in it.
///
/// `dtype` is what `values` leads to and must be the column's; nothing is converted. The rows are `length` divided by the
/// elements of a row; when the batch is used, all columns must have as many. A ragged column takes `sg_batch_set_ragged`. Takes turns
/// with other calls on the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set(
    batch: sg_batch,
    column: *const c_char,
    dtype: sg_dtype,
    values: *const c_void,
    length: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || match from_c(dtype)? {
            DType::F32 => set::<f32>(batch, column, values.cast(), length),
            DType::F64 => set::<f64>(batch, column, values.cast(), length),
            DType::F16 => set::<f16>(batch, column, values.cast(), length),
            DType::BF16 => set::<bf16>(batch, column, values.cast(), length),
            DType::C64 => set::<Complex32>(batch, column, values.cast(), length),
            DType::C128 => set::<Complex64>(batch, column, values.cast(), length),
            DType::I8 => set::<i8>(batch, column, values.cast(), length),
            DType::I16 => set::<i16>(batch, column, values.cast(), length),
            DType::I32 => set::<i32>(batch, column, values.cast(), length),
            DType::I64 => set::<i64>(batch, column, values.cast(), length),
            DType::U8 => set::<u8>(batch, column, values.cast(), length),
            DType::U16 => set::<u16>(batch, column, values.cast(), length),
            DType::U32 => set::<u32>(batch, column, values.cast(), length),
            DType::U64 => set::<u64>(batch, column, values.cast(), length),
            DType::Bool => set_bool(batch, column, values.cast(), length),
            DType::String => set_strings(batch, column, values.cast(), length),
        })
    }
}

/// `sg_batch_set` with `SG_FLOAT32`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_f32(
    batch: sg_batch,
    column: *const c_char,
    values: *const f32,
    length: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || set(batch, column, values, length)) }
}

/// `sg_batch_set` with `SG_FLOAT64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_f64(
    batch: sg_batch,
    column: *const c_char,
    values: *const f64,
    length: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || set(batch, column, values, length)) }
}

/// `sg_batch_set` with `SG_INT32`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_i32(
    batch: sg_batch,
    column: *const c_char,
    values: *const i32,
    length: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || set(batch, column, values, length)) }
}

/// `sg_batch_set` with `SG_INT64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_i64(
    batch: sg_batch,
    column: *const c_char,
    values: *const i64,
    length: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || set(batch, column, values, length)) }
}

/// `sg_batch_set` with `SG_UINT8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_u8(
    batch: sg_batch,
    column: *const c_char,
    values: *const u8,
    length: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || set(batch, column, values, length)) }
}

/// `sg_batch_set` with `SG_BOOL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_bool(
    batch: sg_batch,
    column: *const c_char,
    values: *const bool,
    length: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || set_bool(batch, column, values.cast(), length)) }
}

/// `sg_batch_set` with `SG_STRING`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_strings(
    batch: sg_batch,
    column: *const c_char,
    values: *const sg_bytes,
    length: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || set_strings(batch, column, values, length)) }
}

/// Adds one row from a record's fields, in any order: all those of the features but what may be missing (`sg_tensor.optional`), where
/// NaN, the lowest integer and the empty string say so as well; those of a label or the weight all or none. A field set twice keeps the
/// later value. A label out of its range or a negative weight is refused, and the batch is as it was.
///
/// Numbers are converted to the column's dtype where nothing but the precision of a float is lost. The field of a ragged column takes
/// any number of values, none included. The array can be made once, leading to a struct that holds one record after the other. Takes
/// turns with other calls on the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_add(batch: sg_batch, fields: *const sg_field, field_count: usize, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let fields = pointer::array(fields, field_count, "fields")?;
            let batch = BATCHES.get(batch.id)?;
            let mut batch = batch.lock();
            let mut row = batch.own()?.row();
            for field in fields {
                let name = pointer::text(field.name, "name of a field")?;
                row = row.set(name, value(field, name)?.value())?;
            }
            Ok(row.push()?)
        })
    }
}

/// Says when the latest of these rows happened: milliseconds since 1970 began in UTC, not negative; cleared with the batch.
///
/// Learning needs it where the rows of an embedding table expire by event time. Takes turns with other calls on the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_set_event_time(batch: sg_batch, milliseconds: i64, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let time = event_time(milliseconds)?;
            BATCHES.get(batch.id)?.lock().any().set_event_time(time);
            Ok(())
        })
    }
}

/// Removes all rows and the event time; the memory stays, for the next ones. Takes turns with other calls on the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_clear(batch: sg_batch, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            BATCHES.get(batch.id)?.lock().clear();
            Ok(())
        })
    }
}

/// Writes how many rows are in the batch: those of its fullest column. Takes turns with other calls on the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_rows(batch: sg_batch, rows: *mut usize, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(rows, "rows")?;
            out.write(BATCHES.get(batch.id)?.lock().rows());
            Ok(())
        })
    }
}

/// Writes how many rows the batch has room for. Takes turns with other calls on the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_capacity(batch: sg_batch, capacity: *mut usize, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(capacity, "capacity")?;
            out.write(BATCHES.get(batch.id)?.lock().any().capacity());
            Ok(())
        })
    }
}

/// Makes the handle void; calls in flight end as they would have. Does nothing if it is void. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn sg_batch_close(batch: sg_batch) -> sg_status {
    // SAFETY: no error is asked for.
    unsafe {
        boundary(std::ptr::null_mut(), || {
            drop(BATCHES.remove(batch.id));
            Ok(())
        })
    }
}

/// What `sg_batch_new` and `sg_predictor_batch` have in common.
pub(super) fn make(schema: &Arc<Schema>, capacity: usize) -> Result<sg_batch, Failure> {
    match capacity {
        0 => Err(Failure::new(Status::INVALID_INPUT, "make room for at least one row: capacity")),
        _ => Ok(sg_batch { id: BATCHES.insert(Mutex::new(Rows::new(schema.batch_with_capacity(capacity))))? }),
    }
}

/// # Safety
/// As for [`pointer::text`] and [`pointer::array`].
unsafe fn set<T: Element>(batch: sg_batch, column: *const c_char, values: *const T, length: usize) -> Result<(), Failure> {
    // SAFETY: the contract of this function.
    let (column, values) = unsafe { (pointer::text(column, "column")?, pointer::array(values, length, "values")?) };
    Ok(BATCHES.get(batch.id)?.lock().own()?.set(column, values)?)
}

/// # Safety
/// As for [`set`].
unsafe fn set_bool(batch: sg_batch, column: *const c_char, values: *const u8, length: usize) -> Result<(), Failure> {
    // SAFETY: the contract of this function.
    let (column, values) = unsafe { (pointer::text(column, "column")?, bools(values, length, "values")?) };
    Ok(BATCHES.get(batch.id)?.lock().own()?.set(column, values)?)
}

/// # Safety
/// As for [`set`] and [`strings`].
unsafe fn set_strings(batch: sg_batch, column: *const c_char, values: *const sg_bytes, length: usize) -> Result<(), Failure> {
    // SAFETY: the contract of this function.
    let (column, values) = unsafe { (pointer::text(column, "column")?, strings(values, length, "values")?) };
    Ok(BATCHES.get(batch.id)?.lock().own()?.set_strings(column, &values)?)
}
