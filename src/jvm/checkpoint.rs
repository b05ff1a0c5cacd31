//! The bodies of the native methods for checkpoints: bytes are pulled out and pushed in, a chunk a call.

use std::sync::Arc;

use jni::objects::{JByteArray, JByteBuffer, JClass};
use jni::sys::{jint, jlong};
use jni::{Env, NativeMethod, native_method};
use parking_lot::Mutex;

use super::buffer::Direct;
use super::error::reply;
use super::layout::size;
use super::native::{Return, answer, trainer};
use super::store;
use crate::bind::{Failure, Kind, Status, Table};
use crate::params::Checkpoint;
use crate::snapshot::{Lineage, Snapshot, VersionId};

static CHECKPOINTS: Table<Checkpoint> = Table::new(Kind::JavaCheckpoint);
/// What came of a stream so far; empty again once it was taken.
static ARRIVALS: Table<Mutex<Vec<u8>>> = Table::new(Kind::JavaArrival);

/// What `JNI_OnLoad` registers.
pub(super) const METHODS: &[NativeMethod] = &[
    native_method! { static fn trainer_checkpoint(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_restore(handle: jlong, arrival: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn trainer_save_checkpoint(handle: jlong, checkpoint: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn trainer_hold(handle: jlong, lineage: jlong, number: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn trainer_release(handle: jlong, lineage: jlong, number: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn checkpoint_version(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn checkpoint_read(handle: jlong, offset: jlong, chunk: JByteBuffer, error: JByteBuffer) -> jlong },
    native_method! { static fn checkpoint_close(handle: jlong, error: JByteBuffer) -> jlong },
    native_method! { static fn checkpoints_open() -> jint },
    native_method! { static fn arrival_open(error: JByteBuffer) -> jlong },
    native_method! { static fn arrival_write(handle: jlong, chunk: JByteBuffer, bytes: jint, error: JByteBuffer) -> jlong },
    native_method! { static fn arrival_close(handle: jlong, error: JByteBuffer) -> jlong },
];

fn trainer_checkpoint(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || CHECKPOINTS.insert(trainer(handle)?.checkpoint()?)))
}

fn trainer_restore<'l>(
    env: &mut Env<'l>,
    _class: JClass<'l>,
    handle: jlong,
    arrival: jlong,
    error: JByteBuffer<'l>,
) -> Return<JByteArray<'l>> {
    answer(env, &error, || {
        let trainer = trainer(handle)?;
        let archive = std::mem::take(&mut *ARRIVALS.get(arrival.cast_unsigned())?.lock());
        Ok(store::version(trainer.restore_snapshot(&Snapshot::unpack(archive)?)?))
    })
}

fn trainer_save_checkpoint<'l>(
    env: &mut Env<'l>,
    _class: JClass<'l>,
    handle: jlong,
    checkpoint: jlong,
    error: JByteBuffer<'l>,
) -> Return<JByteArray<'l>> {
    answer(env, &error, || Ok(store::version(trainer(handle)?.save_checkpoint(&*pinned(checkpoint)?)?)))
}

fn trainer_hold(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    lineage: jlong,
    number: jlong,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || Ok(trainer(handle)?.hold(version(lineage, number)).map(|()| 0)?)))
}

fn trainer_release(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    lineage: jlong,
    number: jlong,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || Ok(trainer(handle)?.release(version(lineage, number)).map(|()| 0)?)))
}

fn checkpoint_version<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || Ok(store::version(pinned(handle)?.version())))
}

fn checkpoint_read(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    offset: jlong,
    chunk: JByteBuffer<'_>,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    let env = &*env;
    Ok(reply(env.into(), &error, || {
        let checkpoint = pinned(handle)?;
        let archive = checkpoint.archive()?;
        let chunk = Direct::of(env.into(), &chunk, "chunk")?.at_least(1)?;
        let offset =
            u64::try_from(offset).map_err(|_| Failure::new(Status::INVALID_INPUT, format!("pass a place in the stream, not {offset}")))?;
        let mut copied = 0;
        while copied < chunk.bytes() {
            let rest = archive.at(offset.saturating_add(copied as u64));
            let piece = &rest[..rest.len().min(chunk.bytes() - copied)];
            if piece.is_empty() {
                break;
            }
            chunk.write(copied, piece);
            copied += piece.len();
        }
        Ok(copied as u64)
    }))
}

fn checkpoint_close(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || {
        drop(CHECKPOINTS.remove(handle.cast_unsigned()));
        Ok(0)
    }))
}

fn checkpoints_open(_env: &mut Env<'_>, _class: JClass<'_>) -> Return<jint> {
    Ok(CHECKPOINTS.len() as jint)
}

fn arrival_open(env: &mut Env<'_>, _class: JClass<'_>, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || ARRIVALS.insert(Mutex::default())))
}

fn arrival_write(
    env: &mut Env<'_>,
    _class: JClass<'_>,
    handle: jlong,
    chunk: JByteBuffer<'_>,
    bytes: jint,
    error: JByteBuffer<'_>,
) -> Return<jlong> {
    let env = &*env;
    Ok(reply(env.into(), &error, || {
        let arrival = ARRIVALS.get(handle.cast_unsigned())?;
        let chunk = Direct::of(env.into(), &chunk, "chunk")?;
        arrival.lock().extend_from_slice(chunk.read(size("bytes", bytes)?)?);
        Ok(0)
    }))
}

fn arrival_close(env: &mut Env<'_>, _class: JClass<'_>, handle: jlong, error: JByteBuffer<'_>) -> Return<jlong> {
    Ok(reply((&*env).into(), &error, || {
        drop(ARRIVALS.remove(handle.cast_unsigned()));
        Ok(0)
    }))
}

fn pinned(handle: jlong) -> Result<Arc<Checkpoint>, Failure> {
    CHECKPOINTS.get(handle.cast_unsigned())
}

fn version(lineage: jlong, number: jlong) -> VersionId {
    VersionId { lineage: Lineage::from_number(lineage.cast_unsigned()), number: number.cast_unsigned() }
}
