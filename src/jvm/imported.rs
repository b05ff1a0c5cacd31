//! Record batches that Java hands over by Arrow's C data interface, in the order of Java's `Native`.
//!
//! What an import tells is big-endian: its handle (64 bits), its rows, those without a label or weight (32 bits each), how many were refused
//! (64 bits), and a list of the first ones, each its row (64 bits) and the reason, where a list is its length (32 bits) and entries, and a
//! text its length and UTF-8.

use std::ffi::c_void;
use std::sync::Arc;

use jni::objects::{JByteArray, JByteBuffer, JClass};
use jni::sys::{jint, jlong};
use jni::{Env, NativeMethod, native_method};
use parking_lot::Mutex;

use super::buffer::{Caller, Direct};
use super::error::reply;
use super::layout::size;
use super::native::{Return, answer, learn, trainer};
use super::predict::predict_view;
use super::predictor::predictor;
use super::results::Results;
use super::schema;
use crate::batch::{BatchView, ColumnData, Role, Schema};
use crate::bind::{Failure, Imported, Kind, Status, Table};
use crate::codec::{Place, Refusal};

/// Java lends a batch to one call at a time, so nobody waits.
static IMPORTED: Table<Mutex<Imported>> = Table::new(Kind::JavaImported);

/// What both structures of the interface are aligned to.
const ALIGNMENT: usize = align_of::<u64>();

/// What `JNI_OnLoad` registers.
pub(super) const METHODS: &[NativeMethod] = &[
    native_method! {
        static fn imported_open(schema: jbyte[], array: jlong, arrow_schema: jlong, strict: jint, error: JByteBuffer) -> jbyte[]
    },
    native_method! { static fn imported_close(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! {
        static fn trainer_step_imported(
            handle: jlong, imported: jlong, event_time: jlong, position: JByteBuffer, position_bytes: jint, results: JByteBuffer,
            error: JByteBuffer,
        ) -> jlong
    },
    native_method! {
        static fn trainer_predict_imported(
            handle: jlong, imported: jlong, first: jint, rows: jint, results: JByteBuffer, error: JByteBuffer,
        ) -> jlong
    },
    native_method! {
        static fn predictor_predict_imported(
            handle: jlong, imported: jlong, first: jint, rows: jint, results: JByteBuffer, error: JByteBuffer,
        ) -> jlong
    },
];

fn imported_open<'l>(
    env: &mut Env<'l>,
    _class: JClass<'l>,
    encoded: JByteArray<'l>,
    array: jlong,
    arrow_schema: jlong,
    strict: jint,
    error: JByteBuffer<'l>,
) -> Return<JByteArray<'l>> {
    let encoded = (!encoded.is_null()).then(|| env.convert_byte_array(&encoded)).transpose()?;
    answer(env, &error, || {
        let schema = schema::columns(&encoded.ok_or_else(|| Failure::null("columns"))?)?;
        let (array, arrow_schema) = (structure(array, "array")?, structure(arrow_schema, "schema")?);
        // SAFETY: not null and aligned; that both lead to structures of the interface is the word of Java's caller.
        let imported = unsafe { Imported::take(&schema, array, arrow_schema, strict != 0) }?;
        tell(&schema, imported)
    })
}

/// The address of a structure.
fn structure(address: jlong, name: &str) -> Result<*mut c_void, Failure> {
    let pointer = std::ptr::with_exposed_provenance_mut::<c_void>(address as usize);
    match pointer.addr() {
        0 => Err(Failure::null(name)),
        place if place % ALIGNMENT != 0 => Err(Failure::misaligned(name, ALIGNMENT)),
        _ => Ok(pointer),
    }
}

/// Keeps it, and says what it is.
fn tell(schema: &Schema, imported: Imported) -> Result<Vec<u8>, Failure> {
    let view = imported.view();
    let rows = i32::try_from(view.rows())
        .map_err(|_| Failure::new(Status::INVALID_INPUT, format!("pass fewer rows, Java cannot count these: {}", view.rows())))?;
    let unlabelled = unlabelled(schema, &view) as u32;
    let (count, kept) = imported.refused();
    let mut told = Vec::new();
    told.extend(rows.to_be_bytes());
    told.extend(unlabelled.to_be_bytes());
    told.extend(count.to_be_bytes());
    told.extend((kept.len() as u32).to_be_bytes());
    for Refusal { place: Place::Row(row) | Place::Line(row) | Place::Offset(row), reason, .. } in kept {
        told.extend(row.to_be_bytes());
        told.extend((reason.len() as u32).to_be_bytes());
        told.extend(reason.as_bytes());
    }
    let handle = IMPORTED.insert(Mutex::new(imported))?;
    Ok([&handle.to_be_bytes(), &told[..]].concat())
}

/// How many rows lack a label or the weight.
fn unlabelled(schema: &Schema, view: &BatchView<'_>) -> usize {
    let lacking = schema.columns().iter().zip(view.columns()).filter(|(spec, _)| spec.role != Role::Feature).map(|(_, data)| match data {
        ColumnData::Absent => view.rows(),
        ColumnData::Missing { rows, .. } => rows.len(),
        _ => 0,
    });
    lacking.max().unwrap_or(0)
}

fn imported_close(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || {
        drop(IMPORTED.remove(handle.cast_unsigned()));
        Ok(0)
    }))
}

#[expect(clippy::too_many_arguments, reason = "they are those of the Java declaration")]
fn trainer_step_imported(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    imported: jlong,
    event_time: jlong,
    position: JByteBuffer<'_>,
    position_bytes: jint,
    results: JByteBuffer<'_>,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    let caller = Caller::from(&*env);
    Ok(reply(caller, &error, || {
        let (trainer, imported) = (trainer(handle)?, open(imported)?);
        let imported = imported.lock();
        let batch = imported.view();
        let results = Results::of_step(Direct::of(caller, &results, "results")?, &trainer, batch.rows())?;
        learn(caller, &trainer, batch, event_time, (&position, position_bytes), &results)
    }))
}

#[expect(clippy::too_many_arguments, reason = "they are those of the Java declaration")]
fn trainer_predict_imported(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    imported: jlong,
    first: jint,
    rows: jint,
    results: JByteBuffer<'_>,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    let caller = Caller::from(&*env);
    Ok(reply(caller, &error, || {
        let (trainer, imported) = (trainer(handle)?, open(imported)?);
        let imported = imported.lock();
        let batch = part(trainer.schema(), &imported, first, rows)?;
        predict_view(caller, trainer.schema(), batch, &results, |batch| trainer.predict(batch))
    }))
}

#[expect(clippy::too_many_arguments, reason = "they are those of the Java declaration")]
fn predictor_predict_imported(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    imported: jlong,
    first: jint,
    rows: jint,
    results: JByteBuffer<'_>,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    let caller = Caller::from(&*env);
    Ok(reply(caller, &error, || {
        let (predictor, imported) = (predictor(handle)?, open(imported)?);
        let imported = imported.lock();
        let batch = part(predictor.schema(), &imported, first, rows)?;
        predict_view(caller, predictor.schema(), batch, &results, |batch| predictor.predict(batch))
    }))
}

fn open(handle: jlong) -> Result<Arc<Mutex<Imported>>, Failure> {
    IMPORTED.get(handle.cast_unsigned())
}

/// These rows, to be predicted.
fn part<'i>(schema: &Schema, imported: &'i Imported, first: jint, rows: jint) -> Result<BatchView<'i>, Failure> {
    let (first, count) = (size("first row", first)?, size("rows", rows)?);
    let view = imported.view();
    match first.checked_add(count).and_then(|end| view.part(schema, first..end)) {
        Some(part) if view.columns().len() == schema.columns().len() => Ok(part),
        _ => {
            let context = format!("pass rows of the record batch, which has {}, not {count} from row {first}", view.rows());
            Err(Failure::new(Status::INVALID_INPUT, context))
        }
    }
}
