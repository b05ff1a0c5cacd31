//! `sg_saved_model`: a version that was saved, for TensorFlow Serving, without a trainer.

use std::ffi::c_char;

use super::error::{boundary, sg_error};
use super::options::common;
use super::pointer::{self, Out};
use super::sg_status;
use super::sized::{Caller, SizedStruct};
use super::store::sg_version_id;
use crate::export;
use crate::model::Opening;

/// What `sg_saved_model_write` writes. Plain data of the caller, to be initialised with `SG_SAVED_MODEL`; zero is the default.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_saved_model {
    /// `sizeof(sg_saved_model)`.
    pub size: usize,
    /// The folder of the bundle.
    pub bundle: *const c_char,
    /// The folder of a store, whose writer goes on meanwhile, in this or any other process; null: the bundle's own values, as number 0.
    pub store: *const c_char,
    /// The version, which the store keeps; null: what was saved there last.
    pub version: *const sg_version_id,
    /// The TensorFlow library or its folder; null: found by the order in README.md.
    pub tensorflow: *const c_char,
    /// Zero-terminated names of ops that the graph may hold although they reach beyond the process.
    pub allowed_ops: *const *const c_char,
    /// How many names.
    pub allowed_op_count: usize,
}

// SAFETY: `repr(C)`, its fields have eight bytes each; begins with its size, made of numbers and pointers.
unsafe impl SizedStruct for sg_saved_model {
    const MACRO: &'static str = "SG_SAVED_MODEL";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Writes a version as a SavedModel into the folder `folder/<number>`, as TensorFlow Serving wants it: complete or not at all.
///
/// Writes which version that is to `written`, which may be null. Refused with `SG_INVALID_INPUT` if `folder/<number>` exists, or if the store
/// keeps no such version or none at all, with `SG_INVALID_SNAPSHOT` if it is damaged. Of a trainer's newest version it is
/// `sg_trainer_to_saved_model`. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_saved_model_write(
    model: *const sg_saved_model,
    folder: *const c_char,
    written: *mut sg_version_id,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let model = Caller::read(model, "model")?.value;
            let bundle = pointer::path(model.bundle, "bundle")?;
            let store = if model.store.is_null() { None } else { Some(pointer::path(model.store, "store")?) };
            let version = match model.version.is_null() {
                true => None,
                false => Some(pointer::checked(model.version, "version")?.read().into()),
            };
            let mut opening = Opening::default();
            common(&mut opening, model.tensorflow, (0, 0), (model.allowed_ops, model.allowed_op_count))?;
            let folder = pointer::path(folder, "folder")?;
            let out = Out::optional(written, "written")?;
            let version = export::kept(&opening, bundle, store, version, folder)?;
            out.into_iter().for_each(|out| out.write(version.into()));
            Ok(())
        })
    }
}
