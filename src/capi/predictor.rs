//! `sg_predictor`: a model that predicts by versions that come and go.

use std::ffi::c_char;

use super::batch::{make, sg_batch};
use super::error::{boundary, sg_error};
use super::pointer::{self, Out};
use super::predictions::{predict, sg_predictions};
use super::predictor_options::{open, sg_predictor_options};
use super::serving_status::sg_serving_status;
use super::sg_status;
use super::sized::Caller;
use super::store::sg_version_id;
use super::trainer::{TRAINERS, sg_trainer};
use crate::bind::{Failure, Kind, Table};
use crate::error::Result;
use crate::predictor::{Predictor, VersionName};
use crate::snapshot::VersionId;

/// A model that predicts by the newest version there is, wherever it comes from. Open until `sg_predictor_close`; any number of
/// threads at once, none of which waits for a version or fails for one.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_predictor {
    /// What the library knows it by; zero is no predictor.
    pub id: u64,
}

/// In place of a lineage: the version is named by its number alone, as that of a numbered bundle, or within the lineage that is
/// the newest.
pub const SG_ANY_LINEAGE: u64 = 0;

pub(super) static PREDICTORS: Table<Predictor> = Table::new(Kind::Predictor);

/// Predicts by what this trainer, and all others on its store, learn: by the newest version at each call.
///
/// It shares the trainer's graph, and outlives the trainer; the store stays open as long. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_of(trainer: sg_trainer, predictor: *mut sg_predictor, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || insert(predictor, || Ok(Predictor::of(&*TRAINERS.get(trainer.id)?)))) }
}

/// Predicts by the snapshots in `folder`, which a trainer of this bundle saves there in this or any other process, and follows them.
///
/// As long as there is none, the bundle's own values predict; with `folder` null, always: then `bundle` may be a SavedModel, too, or a
/// JSON that describes a graph. `options` may be null for the defaults.
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_follow(
    bundle: *const c_char,
    folder: *const c_char,
    options: *const sg_predictor_options,
    predictor: *mut sg_predictor,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            insert(predictor, || {
                let builder = Predictor::builder(pointer::path(bundle, "bundle")?);
                match folder.is_null() {
                    true => open(builder, options),
                    false => open(builder.follow(pointer::path(folder, "folder")?), options),
                }
            })
        })
    }
}

/// Predicts by the bundles or SavedModels in the subfolders `1`, `2`, ... of `folder`, which take and give the same columns: by the one with the
/// highest number that opens.
///
/// `options` may be null for the defaults. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_numbered(
    folder: *const c_char,
    options: *const sg_predictor_options,
    predictor: *mut sg_predictor,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || insert(predictor, || open(Predictor::numbered(pointer::path(folder, "folder")?), options))) }
}

/// Makes an empty batch for this model with room for `capacity` rows, as `sg_batch_new` does. It fits every version. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_batch(
    predictor: sg_predictor,
    capacity: usize,
    batch: *mut sg_batch,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(batch, "batch")?;
            out.write(make(PREDICTORS.get(predictor.id)?.schema(), capacity)?);
            Ok(())
        })
    }
}

/// Predicts the rows of a batch by one version, which the predictions name; labels and weights are not looked at. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_predict(
    predictor: sg_predictor,
    batch: sg_batch,
    predictions: *mut sg_predictions,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let predictor = PREDICTORS.get(predictor.id)?;
            predict(predictor.schema(), batch, predictions, |batch| Ok(predictor.predict(batch)?))
        })
    }
}

/// Writes the version that predicts. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_version(predictor: sg_predictor, version: *mut sg_version_id, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(version, "version")?;
            out.write(PREDICTORS.get(predictor.id)?.version()?.into());
            Ok(())
        })
    }
}

/// Writes what predicts, since when, and what could not take its place. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_status(predictor: sg_predictor, status: *mut sg_serving_status, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let mut caller = Caller::<sg_serving_status>::read(status, "status")?;
            caller.value.fill(&PREDICTORS.get(predictor.id)?.status()?);
            caller.write();
            Ok(())
        })
    }
}

/// Writes the bytes of native memory that the version which predicts takes; TensorFlow's own comes on top.
///
/// While the next version is loaded there are two. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_memory(predictor: sg_predictor, bytes: *mut usize, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(bytes, "bytes")?;
            out.write(PREDICTORS.get(predictor.id)?.memory()?);
            Ok(())
        })
    }
}

/// Looks for a newer version now and in this thread, and writes the one that predicts then to `version`, which may be null.
///
/// An error says why the newest version was refused, or that the folder cannot be read; the version before goes on predicting.
/// While one is pinned, it stays. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_look(predictor: sg_predictor, version: *mut sg_version_id, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || change(predictor, version, "version", Predictor::look)) }
}

/// Loads this version in this thread, and predicts by it from then on; following goes on with the next version that appears.
///
/// A lineage of `SG_ANY_LINEAGE` names it by its number. Writes its full name to `taken`, which may be null. If there is no such
/// version (`SG_INVALID_INPUT`, naming those that there are) or it is damaged, the version before goes on predicting. A trainer in
/// this process has one version to predict by; any other is `SG_UNSUPPORTED`. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_switch_to(
    predictor: sg_predictor,
    version: sg_version_id,
    taken: *mut sg_version_id,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || change(predictor, taken, "taken", |predictor| predictor.switch_to(name(version)))) }
}

/// As `sg_predictor_switch_to`, and stays there until `sg_predictor_unpin`, or until the host names another. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_pin(
    predictor: sg_predictor,
    version: sg_version_id,
    taken: *mut sg_version_id,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || change(predictor, taken, "taken", |predictor| predictor.pin(name(version)))) }
}

/// Stays at the version that predicts now until `sg_predictor_unpin`, and writes it to `version`, which may be null. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_pin_current(predictor: sg_predictor, version: *mut sg_version_id, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || change(predictor, version, "version", Predictor::pin_current)) }
}

/// Follows again, and at once. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_unpin(predictor: sg_predictor, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            PREDICTORS.get(predictor.id)?.unpin();
            Ok(())
        })
    }
}

/// Goes back to the version that predicted before this one and pins it, and writes it to `version`, which may be null; again, to the
/// one before that.
///
/// If there was none, or it is not kept any more (`SG_INVALID_INPUT`), this one goes on predicting. With a trainer in this process it is
/// `SG_UNSUPPORTED`: `sg_trainer_rollback` is what goes back there. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_predictor_rollback(predictor: sg_predictor, version: *mut sg_version_id, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || change(predictor, version, "version", Predictor::rollback)) }
}

/// Makes the handle void: no call takes it any more, those in flight end as they would have; the last of them frees the model.
///
/// Does nothing if it is void. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn sg_predictor_close(predictor: sg_predictor) -> sg_status {
    // SAFETY: no error is asked for.
    unsafe {
        boundary(std::ptr::null_mut(), || {
            drop(PREDICTORS.remove(predictor.id));
            Ok(())
        })
    }
}

/// # Safety
/// `place` is as `docs/c-abi.md` says.
unsafe fn insert(place: *mut sg_predictor, open: impl FnOnce() -> Result<Predictor, Failure>) -> Result<(), Failure> {
    // SAFETY: the contract of this function.
    let out = unsafe { Out::new(place, "predictor")? };
    out.write(sg_predictor { id: PREDICTORS.insert(open()?)? });
    Ok(())
}

/// What all have in common that may change the version, and say which one it is then.
///
/// # Safety
/// `version` is null or as `docs/c-abi.md` says.
unsafe fn change(
    predictor: sg_predictor,
    version: *mut sg_version_id,
    argument: &str,
    change: impl FnOnce(&Predictor) -> Result<VersionId>,
) -> Result<(), Failure> {
    // SAFETY: the contract of this function.
    let out = unsafe { Out::optional(version, argument)? };
    let version = change(&*PREDICTORS.get(predictor.id)?)?;
    out.into_iter().for_each(|out| out.write(version.into()));
    Ok(())
}

fn name(version: sg_version_id) -> VersionName {
    match version.lineage {
        SG_ANY_LINEAGE => VersionName::Number(version.number),
        _ => VersionName::Id(version.into()),
    }
}
