//! The bodies of the native methods that steer a trainer and empty its quarantine, and its guard's options. What is told is written
//! as `store` says.

use jni::objects::{JByteArray, JByteBuffer, JClass};
use jni::sys::{jint, jlong};
use jni::{Env, NativeMethod, native_method};

use super::error::reply;
use super::layout::size;
use super::native::{Return, answer, trainer};
use super::options::number;
use super::store;
use crate::batch::{Batch, BatchView, ColumnData, RaggedValues};
use crate::bind::{Failure, Status};
use crate::control::TrainerStatus;
use crate::guard::{Guard, Mode, Quarantined, Response};

/// What `JNI_OnLoad` registers.
pub(super) const METHODS: &[NativeMethod] = &[
    native_method! { static fn trainer_pause(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_resume(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_stop(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn trainer_set_learning_rate(handle: jlong, bits: jint, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_status(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn trainer_drain(handle: jlong, error: JByteBuffer) -> jbyte[] },
];

fn trainer_pause(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || {
        trainer(handle)?.pause()?;
        Ok(0)
    }))
}

fn trainer_resume(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || {
        trainer(handle)?.resume()?;
        Ok(0)
    }))
}

fn trainer_stop<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || Ok(store::optional(trainer(handle)?.stop()?.map(store::version))))
}

fn trainer_set_learning_rate(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, bits: jint, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || {
        trainer(handle)?.set_learning_rate(f32::from_bits(bits.cast_unsigned()))?;
        Ok(0)
    }))
}

fn trainer_status<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || Ok(status(&trainer(handle)?.status()?)))
}

fn trainer_drain<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || match trainer(handle)?.drain_one(quarantined)? {
        None => Ok(vec![0]),
        Some((_, bytes)) => Ok([vec![1], bytes].concat()),
    })
}

/// Status code of what keeps it from learning and why, version, saved, learning rate, rows, loss, then the guard's numbers.
fn status(status: &TrainerStatus) -> Vec<u8> {
    let learning = match status.mode {
        Mode::Running => Status::OK,
        Mode::Paused => Status::PAUSED,
        Mode::Stopped => Status::STOPPED,
    };
    let guard = &status.guard;
    let mut out = learning.code().to_be_bytes().to_vec();
    out.extend(store::optional(status.reason.as_deref().map(store::text)));
    out.extend(store::version(status.version));
    out.extend(store::optional(status.saved.map(store::version)));
    out.extend(status.learning_rate.to_be_bytes());
    out.extend(status.rows.to_be_bytes());
    out.extend(status.loss.unwrap_or(f64::NAN).to_be_bytes());
    for count in [guard.not_finite, guard.outliers, guard.in_row, guard.responses, guard.quarantined, guard.dropped] {
        out.extend(count.to_be_bytes());
    }
    for norm in [guard.norm, guard.limit] {
        out.extend(norm.unwrap_or(f64::NAN).to_be_bytes());
    }
    out
}

/// Status code, reason, version, position, time, then the rows.
fn quarantined(entry: &Quarantined) -> Result<Vec<u8>, Failure> {
    let mut out = Status::from(entry.kind).code().to_be_bytes().to_vec();
    out.extend(store::text(&entry.reason));
    out.extend(store::version(entry.version));
    out.extend(store::optional(entry.position.as_ref().map(|bytes| [&(bytes.len() as u32).to_be_bytes(), bytes.as_slice()].concat())));
    out.extend(store::milliseconds(entry.time));
    rows(&entry.batch, &mut out)?;
    Ok(out)
}

/// Rows and event time, then the columns as Java's `SavedRows` reads them.
fn rows(batch: &Batch, out: &mut Vec<u8>) -> Result<(), Failure> {
    let view = BatchView::from(batch);
    out.extend((view.rows() as u32).to_be_bytes());
    out.extend(store::optional(view.event_time().map(|time| store::milliseconds(time).to_vec())));
    for (column, spec) in view.columns().iter().zip(batch.schema().columns()) {
        match *column {
            ColumnData::Bytes(bytes) => out.extend(bytes),
            ColumnData::Strings { bytes, places } => strings(bytes, places, out),
            ColumnData::Ragged { lengths, values } => {
                let mut start = 0;
                for &length in lengths {
                    let end = start + length as usize;
                    out.extend((length as u32).to_be_bytes());
                    match values {
                        RaggedValues::Bytes(bytes) => {
                            let size = spec.dtype.size().unwrap_or_default();
                            out.extend(&bytes[start * size..end * size]);
                        }
                        RaggedValues::Strings { bytes, places } => strings(bytes, &places[start..end], out),
                    }
                    start = end;
                }
            }
            // A batch that was to be learned has all columns.
            ColumnData::Absent | ColumnData::Missing { .. } => {
                return Err(Failure::new(Status::INTERNAL, format!("a refused batch lacks a column: {}", spec.name)));
            }
        }
    }
    match i32::try_from(out.len()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::new(Status::UNSUPPORTED, "a refused batch has more than the 2 GiB that Java takes")),
    }
}

fn strings(bytes: &[u8], places: &[(u32, u32)], out: &mut Vec<u8>) {
    for &(start, length) in places {
        out.extend(length.to_be_bytes());
        out.extend(&bytes[start as usize..][..length as usize]);
    }
}

/// Sets one option of a guard.
pub(super) fn set(guard: Guard, key: &str, value: &str) -> Result<Guard, Failure> {
    Ok(match key {
        "bound" => guard.any_norm(),
        "window" => guard.window(number(key, value)?),
        "warm_up" => guard.warm_up(number(key, value)?),
        "deviations" => guard.deviations(number(key, value)?),
        "factor" => guard.factor(number(key, value)?),
        "pause_after" => guard.after(number(key, value)?, Response::Pause),
        "roll_back_after" => guard.after(number(key, value)?, Response::RollBack),
        "response" => guard.without_response(),
        "quarantine" => guard.quarantine(size(key, number(key, value)?)?),
        _ => {
            let context = format!("use jar and library of one build, this option of a guard is unknown: {key}");
            return Err(Failure::new(Status::INVALID_INPUT, context));
        }
    })
}
