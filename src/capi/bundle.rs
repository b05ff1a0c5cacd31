//! `sg_bundle`: what a model takes and gives, read without TensorFlow.

use std::ffi::c_char;

use super::error::{boundary, sg_error};
use super::pointer::{self, Out};
use super::predictor::{PREDICTORS, sg_predictor};
use super::sg_status;
use super::sized::Caller;
use super::tensor::{Described, describe, sg_role, sg_tensor};
use super::trainer::{TRAINERS, sg_trainer};
use crate::bind::{Failure, Kind, Status, Table};
use crate::bundle::{Bundle, Manifest};

/// An opened, verified bundle. Open until `sg_bundle_close`; any number of threads at once.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_bundle {
    /// What the library knows it by; zero is no bundle.
    pub id: u64,
}

/// The manifests; graph and weights are not kept.
static BUNDLES: Table<Manifest> = Table::new(Kind::Bundle);

/// Opens and verifies the bundle in the folder `path`, as a trainer would, without TensorFlow.
///
/// `allowed_ops` are zero-terminated names of ops that the graph may hold although they reach beyond the process.
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_bundle_open(
    path: *const c_char,
    allowed_ops: *const *const c_char,
    allowed_op_count: usize,
    bundle: *mut sg_bundle,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let path = pointer::path(path, "path")?;
            let ops = pointer::texts(allowed_ops, allowed_op_count, "allowed_ops")?;
            let out = Out::new(bundle, "bundle")?;
            out.write(sg_bundle { id: BUNDLES.insert(Bundle::open_allowing(path, &ops)?.manifest().clone())? });
            Ok(())
        })
    }
}

/// The bundle that a trainer was opened from. It outlives the trainer. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_bundle(trainer: sg_trainer, bundle: *mut sg_bundle, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(bundle, "bundle")?;
            out.write(sg_bundle { id: BUNDLES.insert(TRAINERS.get(trainer.id)?.bundle().manifest().clone())? });
            Ok(())
        })
    }
}

/// What the model of a predictor takes and gives: that of its bundle, or of the signature of its SavedModel. It outlives the predictor.
///
/// Of numbered bundles it is the one that predicts now; all have the same columns. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_bundle(predictor: sg_predictor, bundle: *mut sg_bundle, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(bundle, "bundle")?;
            out.write(sg_bundle { id: BUNDLES.insert(PREDICTORS.get(predictor.id)?.manifest())? });
            Ok(())
        })
    }
}

/// Copies the model's name and its zero to `name`; `length` is that of the name without its zero.
///
/// With `name` null and `capacity` zero it only writes `length`. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_bundle_name(
    bundle: sg_bundle,
    name: *mut c_char,
    capacity: usize,
    length: *mut usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || pointer::copy_text(&BUNDLES.get(bundle.id)?.name, name, capacity, length, "name")) }
}

/// Writes how many tensors have this role (`SG_FEATURE` and so on). Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_bundle_tensor_count(bundle: sg_bundle, role: sg_role, count: *mut usize, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let (out, manifest) = (Out::new(count, "count")?, BUNDLES.get(bundle.id)?);
            out.write(describe(&manifest, role)?.len());
            Ok(())
        })
    }
}

/// Describes one tensor: the `index`th, from zero, of this role. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_bundle_tensor(
    bundle: sg_bundle,
    role: sg_role,
    index: usize,
    tensor: *mut sg_tensor,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let mut caller = Caller::read(tensor, "tensor")?;
            let manifest = BUNDLES.get(bundle.id)?;
            caller.value = at(&describe(&manifest, role)?, index, "tensors")?.to_c(caller.value.size, role)?;
            caller.write();
            Ok(())
        })
    }
}

/// Copies the name of one of the record's fields that fill a feature, label or weight, and its zero, to `name`; as
/// `sg_bundle_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_bundle_field(
    bundle: sg_bundle,
    role: sg_role,
    tensor: usize,
    index: usize,
    name: *mut c_char,
    capacity: usize,
    length: *mut usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let manifest = BUNDLES.get(bundle.id)?;
            let tensors = describe(&manifest, role)?;
            let Described { fields, .. } = at(&tensors, tensor, "tensors")?;
            pointer::copy_text(at(fields, index, "fields")?, name, capacity, length, "name")
        })
    }
}

/// Makes the handle void; calls in flight end as they would have. Does nothing if it is void. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn sg_bundle_close(bundle: sg_bundle) -> sg_status {
    // SAFETY: no error is asked for.
    unsafe {
        boundary(std::ptr::null_mut(), || {
            drop(BUNDLES.remove(bundle.id));
            Ok(())
        })
    }
}

fn at<'a, T>(values: &'a [T], index: usize, what: &str) -> Result<&'a T, Failure> {
    let message = || format!("ask for one of the {} {what}, counted from 0, there is no: {index}", values.len());
    values.get(index).ok_or_else(|| Failure::new(Status::INVALID_INPUT, message()))
}
