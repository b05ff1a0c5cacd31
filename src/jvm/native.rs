//! The bodies of the native methods, in the order of Java's `Native`.

use jni::objects::{JByteArray, JByteBuffer, JClass};
use jni::sys::{jint, jlong};
use jni::{Env, NativeMethod, native_method};

use super::buffer::{self, Direct};
use super::error::{reply, tell};
use super::layout::Slab;
use super::report::{PredictionsRoom, ReportRoom};
use super::{options, schema};
use crate::batch::Purpose;
use crate::bind::{Failure, Kind, Status, Table, guard};
use crate::trainer::Trainer;

static TRAINERS: Table<Trainer> = Table::new(Kind::JavaTrainer);

/// What `JNI_OnLoad` registers.
pub(super) const METHODS: &[NativeMethod] = &[
    native_method! { static fn abi() -> jint },
    native_method! { static fn trainer_open(path: jbyte[], options: jbyte[], error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_close(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_schema(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! {
        static fn trainer_step(
            handle: jlong, slab: JByteBuffer, capacity: jint, rows: jint, strings: JByteBuffer, string_bytes: jint,
            report: JByteBuffer, predictions: JByteBuffer, error: JByteBuffer,
        ) -> jlong
    },
    native_method! {
        static fn trainer_predict(
            handle: jlong, slab: JByteBuffer, capacity: jint, first: jint, rows: jint, strings: JByteBuffer, string_bytes: jint,
            predictions: JByteBuffer, error: JByteBuffer,
        ) -> jlong
    },
    native_method! { static fn trainer_version(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_memory(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_metrics(handle: jlong, report: JByteBuffer, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_parameter(handle: jlong, name: jbyte[], values: JByteBuffer, error: JByteBuffer) -> jlong },
];

type Return<T> = jni::errors::Result<T>;

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
    Ok(reply(env, &error, || {
        let builder = Trainer::builder(buffer::text(env, &path, "path")?);
        let builder = options::apply(builder, &buffer::text(env, &options, "options")?)?;
        TRAINERS.insert(builder.open()?)
    }))
}

fn trainer_close(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply(env, &error, || {
        drop(TRAINERS.remove(handle.cast_unsigned()));
        Ok(0)
    }))
}

fn trainer_schema<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    match guard(|| Ok(schema::encode(&*trainer(handle)?))) {
        Ok(bytes) => env.byte_array_from_slice(&bytes),
        Err(failure) => {
            tell(env, &error, &failure);
            Ok(JByteArray::null())
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "they are those of the Java declaration")]
fn trainer_step(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    slab: JByteBuffer<'_>,
    capacity: jint,
    rows: jint,
    strings: JByteBuffer<'_>,
    string_bytes: jint,
    report: JByteBuffer<'_>,
    predictions: JByteBuffer<'_>,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    let env = &*env;
    Ok(reply(env, &error, || {
        let trainer = trainer(handle)?;
        let rows = size("rows", rows)?;
        let columns = Direct::of(env, &slab, "slab")?.aligned()?;
        let strings = Direct::of(env, &strings, "strings")?;
        // Room for the results comes first: a step whose report has no place must not learn.
        let report = ReportRoom::new(Direct::of(env, &report, "report")?, &trainer)?;
        let predictions = PredictionsRoom::new(Direct::of(env, &predictions, "predictions")?, trainer.schema(), rows)?;
        let slab = Slab {
            columns: &columns,
            capacity: size("capacity", capacity)?,
            strings: &strings,
            string_bytes: size("string bytes", string_bytes)?,
        };
        let places = slab.places(trainer.schema(), 0, rows)?;
        let made = trainer.step(slab.view(trainer.schema(), 0, rows, Purpose::Learn, &places)?)?;
        report.write(&made);
        predictions.write(made.predictions());
        Ok(made.version())
    }))
}

#[expect(clippy::too_many_arguments, reason = "they are those of the Java declaration")]
fn trainer_predict(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    slab: JByteBuffer<'_>,
    capacity: jint,
    first: jint,
    rows: jint,
    strings: JByteBuffer<'_>,
    string_bytes: jint,
    predictions: JByteBuffer<'_>,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    let env = &*env;
    Ok(reply(env, &error, || {
        let trainer = trainer(handle)?;
        let (first, rows) = (size("first row", first)?, size("rows", rows)?);
        let columns = Direct::of(env, &slab, "slab")?.aligned()?;
        let strings = Direct::of(env, &strings, "strings")?;
        let predictions = PredictionsRoom::new(Direct::of(env, &predictions, "predictions")?, trainer.schema(), rows)?;
        let slab = Slab {
            columns: &columns,
            capacity: size("capacity", capacity)?,
            strings: &strings,
            string_bytes: size("string bytes", string_bytes)?,
        };
        let places = slab.places(trainer.schema(), first, rows)?;
        let made = trainer.predict(slab.view(trainer.schema(), first, rows, Purpose::Predict, &places)?)?;
        predictions.write(&made);
        Ok(made.version())
    }))
}

fn trainer_version(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply(env, &error, || Ok(trainer(handle)?.version()?)))
}

fn trainer_memory(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply(env, &error, || Ok(trainer(handle)?.memory() as u64)))
}

fn trainer_metrics(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, report: JByteBuffer<'_>, error: JByteBuffer<'_>) -> Return<jlong> {
    let env = &*env;
    Ok(reply(env, &error, || {
        let trainer = trainer(handle)?;
        let room = ReportRoom::new(Direct::of(env, &report, "report")?, &trainer)?;
        room.write_metrics(&trainer.metrics()?);
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
    Ok(reply(env, &error, || {
        let parameters = trainer(handle)?.parameters()?;
        let bytes = parameters.bytes(&buffer::text(env, &name, "name")?)?;
        Direct::of(env, &values, "values")?.at_least(bytes.len())?.write(0, bytes);
        Ok(parameters.version().number())
    }))
}

fn trainer(handle: jlong) -> Result<std::sync::Arc<Trainer>, Failure> {
    TRAINERS.get(handle.cast_unsigned())
}

fn size(name: &str, number: jint) -> Result<usize, Failure> {
    usize::try_from(number)
        .map_err(|_| Failure::new(Status::INVALID_INPUT, format!("pass a number that is not negative: {name} is {number}")))
}
