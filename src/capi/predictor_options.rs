//! `sg_predictor_options`: how a predictor is opened.

use std::ffi::c_char;
use std::mem::offset_of;
use std::time::Duration;

use super::folder_store::{SG_NEVER, seconds};
use super::options::common;
use super::pointer;
use super::sized::{Caller, SizedStruct};
use crate::bind::Failure;
use crate::predictor::{Predictor, PredictorBuilder};

/// How a predictor is opened. Plain data of the caller, to be initialised with `SG_PREDICTOR_OPTIONS_INIT`; zero is the default.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_predictor_options {
    /// `sizeof(sg_predictor_options)`.
    pub size: usize,
    /// The TensorFlow library or its folder; null: found by the order in README.md.
    pub tensorflow: *const c_char,
    /// Threads inside one op; default one. TensorFlow has one such pool per process, sized by its first session.
    pub intra_op_threads: i32,
    /// Threads that run ops beside each other; default none: every op runs in the calling thread.
    pub inter_op_threads: i32,
    /// How often to look for a newer version; default 1, `SG_NEVER` for never: then the host calls `sg_predictor_look`, or names the
    /// versions.
    pub every_seconds: f64,
    /// Zero-terminated names of ops that the graph may hold although they reach beyond the process.
    pub allowed_ops: *const *const c_char,
    /// How many names.
    pub allowed_op_count: usize,
    /// The signature of a SavedModel to predict by; null: `serving_default`, or the only one that it has.
    pub signature: *const c_char,
}

// SAFETY: `repr(C)`, two of its fields make eight bytes together, the others have eight each; begins with its size, made
// of numbers and pointers.
unsafe impl SizedStruct for sg_predictor_options {
    const MACRO: &'static str = "SG_PREDICTOR_OPTIONS_INIT";
    const FIRST_SIZE: usize = offset_of!(Self, signature);
}

/// Opens a predictor as the options say.
///
/// # Safety
/// The pointers are as `docs/c-abi.md` says; `options` may be null.
pub(super) unsafe fn open(mut builder: PredictorBuilder, options: *const sg_predictor_options) -> Result<Predictor, Failure> {
    if options.is_null() {
        return Ok(builder.open()?);
    }
    // SAFETY: the contract of this function.
    let options = unsafe { Caller::read(options, "options")? }.value;
    let (threads, ops) = ((options.intra_op_threads, options.inter_op_threads), (options.allowed_ops, options.allowed_op_count));
    // SAFETY: the contract of this function.
    unsafe { common(builder.opening(), options.tensorflow, threads, ops)? };
    if options.every_seconds == f64::from(SG_NEVER) {
        builder = builder.every(Duration::ZERO);
    } else if options.every_seconds != 0.0 {
        builder = builder.every(seconds(options.every_seconds, "every_seconds")?);
    }
    if !options.signature.is_null() {
        // SAFETY: the contract of this function.
        builder = builder.signature(unsafe { pointer::text(options.signature, "signature")? });
    }
    Ok(builder.open()?)
}
