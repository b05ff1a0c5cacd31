//! The bodies of the native methods of predictors, in the order of Java's `Native`.

use std::sync::Arc;

use jni::objects::{JByteArray, JByteBuffer, JClass};
use jni::sys::{jint, jlong};
use jni::{Env, EnvUnowned, NativeMethod, native_method};

use super::buffer::{self, Caller};
use super::error::reply;
use super::layout::Slab;
use super::native::{Return, answer, trainer};
use super::predict::predict;
use super::store::{milliseconds, optional, text, version};
use super::{options, schema};
use crate::bind::{Failure, Kind, Status, Table};
use crate::error::Result;
use crate::predictor::{Predictor, PredictorBuilder, PredictorStatus, Problem, VersionName};
use crate::snapshot::VersionId;

static PREDICTORS: Table<Predictor> = Table::new(Kind::JavaPredictor);

/// What `JNI_OnLoad` registers.
pub(super) const METHODS: &[NativeMethod] = &[
    native_method! { static fn bundle_schema(bundle: jbyte[], options: jbyte[], error: JByteBuffer) -> jbyte[] },
    native_method! { static fn predictor_of(trainer: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn predictor_open(bundle: jbyte[], options: jbyte[], error: JByteBuffer) -> jlong },
    native_method! { static fn predictor_numbered(folder: jbyte[], options: jbyte[], error: JByteBuffer) -> jlong },
    native_method! { static fn predictor_close(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn predictor_schema(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! {
        static raw fn predictor_predict(
            handle: jlong, slab: JByteBuffer, capacity: jint, first: jint, rows: jint, heap: JByteBuffer, heap_bytes: jint,
            results: JByteBuffer, error: JByteBuffer,
        ) -> jlong,
        abi_check = UnsafeNever,
    },
    native_method! { static fn predictor_memory(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn predictor_version(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn predictor_status(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn predictor_look(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn predictor_switch(handle: jlong, name: jbyte[], pin: jint, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn predictor_pin_current(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn predictor_unpin(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn predictor_rollback(handle: jlong, error: JByteBuffer) -> jbyte[] },
];

fn bundle_schema<'l>(
    env: &mut Env<'l>,
    _class: JClass<'l>,
    bundle: JByteArray<'l>,
    options: JByteArray<'l>,
    error: JByteBuffer<'l>,
) -> Return<JByteArray<'l>> {
    let texts = [(&bundle, "path"), (&options, "options")].map(|(bytes, name)| buffer::text(env, bytes, name));
    answer(env, &error, || {
        let [path, options] = texts;
        let opening = options::opening(&options?)?;
        Ok(schema::of_bundle(&*opening.schema(path?.as_ref())?))
    })
}

fn predictor_of(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || PREDICTORS.insert(Predictor::of(&*trainer(handle)?))))
}

fn predictor_open(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    bundle: JByteArray<'_>,
    options: JByteArray<'_>,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    open(env, &bundle, &options, &error, Predictor::builder)
}

fn predictor_numbered(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    folder: JByteArray<'_>,
    options: JByteArray<'_>,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    open(env, &folder, &options, &error, Predictor::numbered)
}

fn open(
    env: &Env<'_>,
    path: &JByteArray<'_>,
    options: &JByteArray<'_>,
    error: &JByteBuffer<'_>,
    builder: impl FnOnce(String) -> PredictorBuilder,
) -> Return<jlong> {
    Ok(reply(env.into(), error, || {
        let builder = builder(buffer::text(env, path, "path")?);
        PREDICTORS.insert(options::predictor(builder, &buffer::text(env, options, "options")?)?.open()?)
    }))
}

fn predictor_close(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || {
        drop(PREDICTORS.remove(handle.cast_unsigned()));
        Ok(0)
    }))
}

fn predictor_schema<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || Ok(schema::of_predictor(&*predictor(handle)?)))
}

#[expect(clippy::too_many_arguments, reason = "they are those of the Java declaration")]
fn predictor_predict<'l>(
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
        let predictor = predictor(handle)?;
        let slab = Slab::new(caller, &slab, capacity, &heap, heap_bytes)?;
        predict(caller, predictor.schema(), &slab, (first, rows), &results, |batch| predictor.predict(batch))
    })
}

fn predictor_memory(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || Ok(predictor(handle)?.memory()? as u64)))
}

fn predictor_version<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    named(env, handle, &error, Predictor::version)
}

fn predictor_status<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || Ok(status(&predictor(handle)?.status()?)))
}

fn predictor_look<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    named(env, handle, &error, Predictor::look)
}

fn predictor_switch<'l>(
    env: &mut Env<'l>,
    _class: JClass<'l>,
    handle: jlong,
    name: JByteArray<'l>,
    pin: jint,
    error: JByteBuffer<'l>,
) -> Return<JByteArray<'l>> {
    let name = buffer::text(env, &name, "name");
    answer(env, &error, || {
        let (predictor, name) = (predictor(handle)?, name?.parse::<VersionName>()?);
        Ok(version(if pin == 0 { predictor.switch_to(name)? } else { predictor.pin(name)? }))
    })
}

fn predictor_pin_current<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    named(env, handle, &error, Predictor::pin_current)
}

fn predictor_unpin(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || {
        predictor(handle)?.unpin();
        Ok(0)
    }))
}

fn predictor_rollback<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    named(env, handle, &error, Predictor::rollback)
}

/// The version that a method of a predictor names.
fn named<'l>(
    env: &mut Env<'l>,
    handle: jlong,
    error: &JByteBuffer<'_>,
    method: impl FnOnce(&Predictor) -> Result<VersionId>,
) -> Return<JByteArray<'l>> {
    answer(env, error, || Ok(version(method(&*predictor(handle)?)?)))
}

pub(super) fn predictor(handle: jlong) -> Result<Arc<Predictor>, Failure> {
    PREDICTORS.get(handle.cast_unsigned())
}

/// The version, when it was made, since when it predicts, whether it is pinned, swaps, failures, the problem: its version, its status
/// code (32 bits), its time and its text.
fn status(status: &PredictorStatus) -> Vec<u8> {
    let problem = |problem: &Problem| {
        let code = Status::from(problem.kind).code().to_be_bytes();
        [&*optional(problem.version.map(version)), &code, &milliseconds(problem.time), &*text(&problem.error)].concat()
    };
    let mut out = version(status.version);
    out.extend(optional(status.made.map(|time| milliseconds(time).to_vec())));
    out.extend(optional(status.since.map(|time| milliseconds(time).to_vec())));
    out.push(status.pinned.into());
    out.extend(status.swaps.to_be_bytes());
    out.extend(status.failures.to_be_bytes());
    out.extend(optional(status.problem.as_ref().map(problem)));
    out
}
