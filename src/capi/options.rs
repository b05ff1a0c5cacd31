//! `sg_trainer_options`: how a trainer is opened.

use std::ffi::c_char;
use std::mem::offset_of;

use super::folder_store::{self, SG_NEVER, sg_folder_store};
use super::guard::{self, sg_guard};
use super::pointer;
use super::sized::{Caller, SizedStruct};
use super::tensorboard::{self, sg_tensorboard};
use crate::bind::{Failure, Status};
use crate::model::Opening;
use crate::trainer::Trainer;

/// As many threads as TensorFlow chooses.
pub const SG_THREADS_AUTO: i32 = -1;

/// How a trainer is opened. Plain data of the caller, to be initialised with `SG_TRAINER_OPTIONS_INIT`; zero is the default.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_trainer_options {
    /// `sizeof(sg_trainer_options)`.
    pub size: usize,
    /// The TensorFlow library or its folder; null: found by the order in README.md.
    pub tensorflow: *const c_char,
    /// Threads inside one op; default one. TensorFlow has one such pool per process, sized by its first session.
    pub intra_op_threads: i32,
    /// Threads that run ops beside each other; default none: every op runs in the calling thread.
    pub inter_op_threads: i32,
    /// A constant learning rate in place of the bundle's own, for all groups of parameters alike.
    pub learning_rate: f64,
    /// The rows of the metrics' sliding window; default 10,000.
    pub metrics_window: u64,
    /// Zero-terminated names of ops that the graph may hold although they reach beyond the process.
    pub allowed_ops: *const *const c_char,
    /// How many names.
    pub allowed_op_count: usize,
    /// Where the parameters live; null: in memory of the trainer's own, which ends with it.
    pub store: *const sg_folder_store,
    /// Where it writes for TensorBoard; null: nowhere.
    pub tensorboard: *const sg_tensorboard,
    /// Which updates are refused beside those that are not finite; null: none.
    pub guard: *const sg_guard,
    /// Whether other processes may command the trainer by a socket in the store's folder: default yes, `SG_NEVER` for no.
    pub control: i64,
}

// SAFETY: `repr(C)`, two of its fields make eight bytes together, the others have eight each; begins with its size, made
// of numbers and pointers.
unsafe impl SizedStruct for sg_trainer_options {
    const MACRO: &'static str = "SG_TRAINER_OPTIONS_INIT";
    const FIRST_SIZE: usize = offset_of!(Self, store);
}

/// Opens a trainer as the options say.
///
/// # Safety
/// The pointers are as `docs/c-abi.md` says; `options` may be null.
pub(super) unsafe fn open(bundle: *const c_char, options: *const sg_trainer_options) -> Result<Trainer, Failure> {
    // SAFETY: the contract of this function.
    let bundle = unsafe { pointer::path(bundle, "bundle")? };
    if options.is_null() {
        return Ok(Trainer::open(bundle)?);
    }
    // SAFETY: the contract of this function.
    let options = unsafe { Caller::read(options, "options")? }.value;
    let mut builder = Trainer::builder(bundle);
    let (threads, ops) = ((options.intra_op_threads, options.inter_op_threads), (options.allowed_ops, options.allowed_op_count));
    // SAFETY: the contract of this function.
    unsafe { common(builder.opening(), options.tensorflow, threads, ops)? };
    if options.learning_rate != 0.0 {
        builder = builder.learning_rate(options.learning_rate as f32);
    }
    if options.metrics_window != 0 {
        builder = builder.metrics_window(options.metrics_window as usize);
    }
    if !options.store.is_null() {
        // SAFETY: the contract of this function.
        builder = builder.store(unsafe { folder_store::open(options.store)? });
    }
    if !options.tensorboard.is_null() {
        // SAFETY: the contract of this function.
        builder = builder.tensorboard(unsafe { tensorboard::read(options.tensorboard)? });
    }
    if !options.guard.is_null() {
        // SAFETY: the contract of this function.
        builder = builder.guard(unsafe { guard::read(options.guard)? });
    }
    builder = match options.control {
        0 => builder,
        wish if wish == i64::from(SG_NEVER) => builder.control(false),
        wish => return Err(Failure::new(Status::INVALID_INPUT, format!("give 0 or SG_NEVER: control {wish}"))),
    };
    Ok(builder.open()?)
}

/// Sets the options that trainers and predictors have in common: TensorFlow's place, threads within and between ops, ops that
/// are allowed. Null and zero leave the default.
///
/// # Safety
/// The pointers are as `docs/c-abi.md` says.
pub(super) unsafe fn common(
    opening: &mut Opening,
    tensorflow: *const c_char,
    (intra_op, inter_op): (i32, i32),
    (ops, op_count): (*const *const c_char, usize),
) -> Result<(), Failure> {
    if !tensorflow.is_null() {
        // SAFETY: the contract of this function.
        opening.tensorflow.named = Some(unsafe { pointer::path(tensorflow, "tensorflow")? }.to_owned());
    }
    if let Some(threads) = threads(intra_op, "intra_op_threads")? {
        opening.session.intra_op_threads = threads.into();
    }
    if let Some(threads) = threads(inter_op, "inter_op_threads")? {
        opening.session.inter_op_threads = threads.into();
    }
    // SAFETY: the contract of this function.
    let ops = unsafe { pointer::texts(ops, op_count, "allowed_ops")? };
    opening.allowed.extend(ops.into_iter().map(str::to_owned));
    Ok(())
}

/// What a session takes: `None` is its default, zero lets TensorFlow choose.
fn threads(wish: i32, option: &str) -> Result<Option<u16>, Failure> {
    match wish {
        0 => Ok(None),
        SG_THREADS_AUTO => Ok(Some(0)),
        _ => u16::try_from(wish)
            .map(Some)
            .map_err(|_| Failure::new(Status::INVALID_INPUT, format!("ask for 1 to 65535 threads or SG_THREADS_AUTO: {option} {wish}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_threads_are_the_default_and_minus_one_is_tensorflow_s_choice() {
        assert_eq!(threads(0, "t"), Ok(None));
        assert_eq!(threads(SG_THREADS_AUTO, "t"), Ok(Some(0)));
        assert_eq!(threads(4, "t"), Ok(Some(4)));
        assert!(threads(-2, "t").is_err() && threads(1 << 16, "t").is_err());
    }
}
