//! The bodies of the native methods of trainers, in the order of Java's `Native`.
//!
//! Step and predict are `raw`: they go without what the `jni` crate puts around a body, having the guard themselves. The class that
//! a check of theirs would look at is not used.

use std::sync::Arc;

use jni::objects::{JByteArray, JByteBuffer, JClass};
use jni::sys::{jint, jlong};
use jni::{Env, EnvUnowned, NativeMethod, native_method};

use super::buffer::{self, Caller, Direct};
use super::error::{reply, tell};
use super::layout::{Slab, size};
use super::predict::predict;
use super::results::Results;
use super::{options, schema, store};
use crate::batch::{BatchView, Purpose};
use crate::bind::{self, Failure, Kind, Table, guard};
use crate::snapshot::{Lineage, VersionId};
use crate::trainer::Trainer;

static TRAINERS: Table<Trainer> = Table::new(Kind::JavaTrainer);

/// Java's `Batch.NO_EVENT_TIME`.
const NO_EVENT_TIME: jlong = jlong::MIN;

/// What `JNI_OnLoad` registers.
pub(super) const METHODS: &[NativeMethod] = &[
    native_method! { static fn abi() -> jint },
    native_method! { static fn trainer_open(path: jbyte[], options: jbyte[], error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_close(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_schema(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! {
        static raw fn trainer_step(
            handle: jlong, slab: JByteBuffer, capacity: jint, rows: jint, heap: JByteBuffer, heap_bytes: jint, event_time: jlong,
            position: JByteBuffer, position_bytes: jint, results: JByteBuffer, error: JByteBuffer,
        ) -> jlong,
        abi_check = UnsafeNever,
    },
    native_method! {
        static raw fn trainer_predict(
            handle: jlong, slab: JByteBuffer, capacity: jint, first: jint, rows: jint, heap: JByteBuffer, heap_bytes: jint,
            results: JByteBuffer, error: JByteBuffer,
        ) -> jlong,
        abi_check = UnsafeNever,
    },
    native_method! { static fn trainer_version(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_memory(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_metrics(handle: jlong, results: JByteBuffer, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_parameter(handle: jlong, name: jbyte[], values: JByteBuffer, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_position(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn trainer_save(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn trainer_to_saved_model(handle: jlong, folder: jbyte[], error: JByteBuffer) -> jbyte[] },
    native_method! { static fn trainer_rollback(handle: jlong, lineage: jlong, number: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn trainer_kept_versions(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn trainer_store_status(handle: jlong, error: JByteBuffer) -> jbyte[] },
];

pub(super) type Return<T> = jni::errors::Result<T>;

fn abi(_env: &mut Env<'_>, _class: JClass<'_>) -> Return<jint> {
    Ok(super::ABI)
}

fn trainer_open(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    path: JByteArray<'_>,
    options: JByteArray<'_>,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    let env = &*env;
    Ok(reply(env.into(), &error, || {
        let builder = Trainer::builder(buffer::text(env, &path, "path")?);
        let builder = options::trainer(builder, &buffer::text(env, &options, "options")?)?;
        TRAINERS.insert(builder.open()?)
    }))
}

fn trainer_close(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || {
        drop(TRAINERS.remove(handle.cast_unsigned()));
        Ok(0)
    }))
}

fn trainer_schema<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || Ok(schema::of_trainer(&*trainer(handle)?)))
}

#[expect(clippy::too_many_arguments, reason = "they are those of the Java declaration")]
fn trainer_step<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
    slab: JByteBuffer<'l>,
    capacity: jint,
    rows: jint,
    heap: JByteBuffer<'l>,
    heap_bytes: jint,
    event_time: jlong,
    position: JByteBuffer<'l>,
    position_bytes: jint,
    results: JByteBuffer<'l>,
    error: JByteBuffer<'l>,
) -> jlong {
    let caller = Caller::from(&env);
    reply(caller, &error, || {
        let trainer = trainer(handle)?;
        let count = size("rows", rows)?;
        let slab = Slab::new(caller, &slab, capacity, &heap, heap_bytes)?;
        let rows = slab.rows(trainer.schema(), 0, count)?;
        let results = Results::of_step(Direct::of(caller, &results, "results")?, &trainer, count)?;
        let followed = rows.follow()?;
        learn(caller, &trainer, rows.view(Purpose::Learn, &followed), event_time, (&position, position_bytes), &results)
    })
}

/// Learns the rows of a view and writes the report; returns the version made.
pub(super) fn learn(
    caller: Caller<'_>,
    trainer: &Trainer,
    batch: BatchView<'_>,
    event_time: jlong,
    (position, position_bytes): (&JByteBuffer<'_>, jint),
    results: &Results,
) -> Result<u64, Failure> {
    let event_time = (event_time != NO_EVENT_TIME).then(|| bind::event_time(event_time)).transpose()?;
    let batch = batch.at(event_time);
    let report = match position.is_null() {
        true => trainer.step(batch)?,
        false => {
            let position = Direct::of(caller, position, "position")?;
            trainer.step_to(batch, position.read(size("position bytes", position_bytes)?)?)?
        }
    };
    results.write_report(&report);
    Ok(report.version())
}

#[expect(clippy::too_many_arguments, reason = "they are those of the Java declaration")]
fn trainer_predict<'l>(
    env: EnvUnowned<'l>,
    _class: JClass<'l>,
    handle: jlong,
    slab: JByteBuffer<'l>,
    capacity: jint,
    first: jint,
    rows: jint,
    heap: JByteBuffer<'l>,
    heap_bytes: jint,
    results: JByteBuffer<'l>,
    error: JByteBuffer<'l>,
) -> jlong {
    let caller = Caller::from(&env);
    reply(caller, &error, || {
        let trainer = trainer(handle)?;
        let slab = Slab::new(caller, &slab, capacity, &heap, heap_bytes)?;
        predict(caller, trainer.schema(), &slab, (first, rows), &results, |batch| trainer.predict(batch))
    })
}

fn trainer_version(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || Ok(trainer(handle)?.version()?)))
}

fn trainer_memory(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || Ok(trainer(handle)?.memory() as u64)))
}

fn trainer_metrics(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    results: JByteBuffer<'_>,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    let caller = Caller::from(&*env);
    Ok(reply(caller, &error, || {
        let trainer = trainer(handle)?;
        let results = Results::of_metrics(Direct::of(caller, &results, "results")?, &trainer)?;
        results.write_metrics(&trainer.metrics()?);
        Ok(0)
    }))
}

fn trainer_parameter(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    name: JByteArray<'_>,
    values: JByteBuffer<'_>,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    let env = &*env;
    Ok(reply(env.into(), &error, || {
        let parameters = trainer(handle)?.parameters()?;
        let bytes = parameters.bytes(&buffer::text(env, &name, "name")?)?;
        Direct::of(env.into(), &values, "values")?.at_least(bytes.len())?.write(0, bytes);
        Ok(parameters.version().number())
    }))
}

fn trainer_position<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || Ok(store::optional(trainer(handle)?.position()?)))
}

fn trainer_save<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || Ok(store::version(trainer(handle)?.save()?)))
}

fn trainer_to_saved_model<'l>(
    env: &mut Env<'l>,
    _class: JClass<'l>,
    handle: jlong,
    folder: JByteArray<'l>,
    error: JByteBuffer<'l>,
) -> Return<JByteArray<'l>> {
    let folder = buffer::text(&*env, &folder, "folder");
    answer(env, &error, || Ok(store::version(trainer(handle)?.to_saved_model(folder?)?)))
}

fn trainer_rollback<'l>(
    env: &mut Env<'l>,
    _class: JClass<'l>,
    handle: jlong,
    lineage: jlong,
    number: jlong,
    error: JByteBuffer<'l>,
) -> Return<JByteArray<'l>> {
    let version = VersionId { lineage: Lineage::from_number(lineage.cast_unsigned()), number: number.cast_unsigned() };
    answer(env, &error, || Ok(store::version(trainer(handle)?.rollback(version)?)))
}

fn trainer_kept_versions<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || Ok(store::kept_versions(&trainer(handle)?.kept_versions()?)))
}

fn trainer_store_status<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || Ok(store::status(&trainer(handle)?.store_status())))
}

/// Runs the body inside the guard; a failure becomes null, its text in `error`.
pub(super) fn answer<'l>(
    env: &mut Env<'l>,
    error: &JByteBuffer<'_>,
    body: impl FnOnce() -> Result<Vec<u8>, Failure>,
) -> Return<JByteArray<'l>> {
    match guard(body) {
        Ok(bytes) => env.byte_array_from_slice(&bytes),
        Err(failure) => {
            tell((&*env).into(), error, &failure);
            Ok(JByteArray::null())
        }
    }
}

pub(super) fn trainer(handle: jlong) -> Result<Arc<Trainer>, Failure> {
    TRAINERS.get(handle.cast_unsigned())
}
