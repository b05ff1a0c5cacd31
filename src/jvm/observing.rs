//! What a trainer tells of itself, and the library's log, as bytes that Java reads; `store` says how.

use jni::objects::{JByteArray, JByteBuffer, JClass};
use jni::sys::jlong;
use jni::{Env, NativeMethod, native_method};
use tracing::Level;

use super::native::{Return, answer, trainer};
use super::options::number;
use super::store::{milliseconds, text};
use crate::bind::{Failure, Status};
use crate::observe::{LogRing, TensorBoard};

/// What `JNI_OnLoad` registers.
pub(super) const METHODS: &[NativeMethod] = &[
    native_method! { static fn trainer_prometheus(handle: jlong, error: JByteBuffer) -> jbyte[] },
    native_method! { static fn log_drain(error: JByteBuffer) -> jbyte[] },
];

/// Sets one option.
pub(super) fn set(board: TensorBoard, key: &str, value: &str) -> Result<TensorBoard, Failure> {
    Ok(match key {
        "every" => board.every(number(key, value)?),
        "histograms_every" => board.histograms_every(number(key, value)?),
        "flush_nanos" => board.flush_every(std::time::Duration::from_nanos(number(key, value)?)),
        "file_bytes" => board.file_bytes(number(key, value)?),
        "files" => board.files(number(key, value)?),
        _ => {
            let context = format!("use jar and library of one build, this option of TensorBoard is unknown: {key}");
            return Err(Failure::new(Status::INVALID_INPUT, context));
        }
    })
}

/// UTF-8.
fn trainer_prometheus<'l>(env: &mut Env<'l>, _class: JClass<'l>, handle: jlong, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || Ok(trainer(handle)?.prometheus().into_bytes()))
}

/// How many gave way, and a list of time, level (1 to 3), target and text.
fn log_drain<'l>(env: &mut Env<'l>, _class: JClass<'l>, error: JByteBuffer<'l>) -> Return<JByteArray<'l>> {
    answer(env, &error, || {
        let (events, lost) = LogRing::of_process().drain(usize::MAX);
        let mut out = [&lost.to_be_bytes()[..], &(events.len() as u32).to_be_bytes()].concat();
        for event in events {
            let level: u8 = match event.level {
                Level::ERROR => 1,
                Level::WARN => 2,
                _ => 3,
            };
            out.extend(milliseconds(event.time));
            out.push(level);
            out.extend(text(event.target));
            out.extend(text(&event.text));
        }
        Ok(out)
    })
}
