//! `sg_version_id`, `sg_kept_version`, `sg_store_status`: what a trainer's store keeps, and what became of its snapshots.

use std::ffi::c_char;
use std::time::SystemTime;

use super::error::{SG_MESSAGE_BYTES, boundary, message, sg_error};
use super::pointer::{self, Out};
use super::sg_status;
use super::sized::{Caller, SizedStruct};
use super::trainer::{TRAINERS, sg_trainer};
use crate::params::StoreStatus;
use crate::snapshot::{KeptVersion, Lineage, VersionId};

/// The name of a version. Of those that were saved no other has it. Plain data.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct sg_version_id {
    /// An unbroken line of versions, each made from the one before it: a random number. Going back begins a new one.
    pub lineage: u64,
    /// The steps since the bundle's own values.
    pub number: u64,
}

/// A version that a store keeps. Plain data of the caller.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct sg_kept_version {
    /// The version.
    pub version: sg_version_id,
    /// What it builds on, if only its changes were written; else itself.
    pub base: sg_version_id,
    /// When it was taken, in milliseconds since 1970.
    pub time_milliseconds: u64,
    /// The bytes of its tensors' files, without those of what it builds on.
    pub bytes: u64,
}

/// What became of a store's snapshots so far. Plain data of the caller, to be initialised with `SG_STORE_STATUS_INIT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_store_status {
    /// `sizeof(sg_store_status)`.
    pub size: usize,
    /// Written: 1 if there is a saved version, else 0.
    pub has_saved: i32,
    /// Written: 1 if a version waits for its turn or is being written, else 0.
    pub waiting: i32,
    /// Written: the version saved last.
    pub saved: sg_version_id,
    /// Written: when that was taken, in milliseconds since 1970.
    pub saved_milliseconds: u64,
    /// Written: the attempts that failed since one did not.
    pub failures: u64,
    /// Written: why the last attempt failed, one line as in `sg_error`; empty if it did not.
    pub message: [c_char; SG_MESSAGE_BYTES],
}

// SAFETY: `repr(C)`, two of its fields make eight bytes together, the text is a multiple of eight, the others are made of fields
// of eight; begins with its size, made of numbers.
unsafe impl SizedStruct for sg_store_status {
    const MACRO: &'static str = "SG_STORE_STATUS_INIT";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Saves the newest version, and returns when it, or a newer one, will outlast the process and the machine's power.
///
/// Writes which one that is to `version`, which may be null. An error says why it failed; learning goes on. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_save(trainer: sg_trainer, version: *mut sg_version_id, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::optional(version, "version")?;
            let saved = TRAINERS.get(trainer.id)?.save()?;
            out.into_iter().for_each(|out| out.write(saved.into()));
            Ok(())
        })
    }
}

/// Writes the newest version as a SavedModel into the folder `folder/<number>`, as TensorFlow Serving wants it: complete or not at all.
///
/// Writes which version that is to `version`, which may be null. Refused with `SG_INVALID_INPUT` if `folder/<number>` exists. Training goes
/// on meanwhile. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_to_saved_model(
    trainer: sg_trainer,
    folder: *const c_char,
    version: *mut sg_version_id,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let folder = pointer::path(folder, "folder")?;
            let out = Out::optional(version, "version")?;
            let written = TRAINERS.get(trainer.id)?.to_saved_model(folder)?;
            out.into_iter().for_each(|out| out.write(written.into()));
            Ok(())
        })
    }
}

/// Goes back to a version that is kept, with everything that belongs to it, and saves that as the first version of a new lineage.
///
/// Writes its name to `made`, which may be null. If the version is not kept (`SG_INVALID_INPUT`) or damaged (`SG_INVALID_SNAPSHOT`),
/// nothing has changed. If it cannot be saved (`SG_IO`), the trainer has gone back, and the folder has not. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_rollback(
    trainer: sg_trainer,
    version: sg_version_id,
    made: *mut sg_version_id,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::optional(made, "made")?;
            let made = TRAINERS.get(trainer.id)?.rollback(version.into())?;
            out.into_iter().for_each(|out| out.write(made.into()));
            Ok(())
        })
    }
}

/// Copies what the store keeps, the oldest first, and how many versions that is. A damaged one is left out.
///
/// With `versions` null and `capacity` zero it only writes `count`; another version may be saved before the next call. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_kept_versions(
    trainer: sg_trainer,
    versions: *mut sg_kept_version,
    capacity: usize,
    count: *mut usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let kept: Vec<_> = TRAINERS.get(trainer.id)?.kept_versions()?.iter().map(sg_kept_version::from).collect();
            pointer::copy(&kept, versions, capacity, count, "versions", "count")
        })
    }
}

/// Writes what became of the snapshots so far; without a store, nothing did. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_store_status(trainer: sg_trainer, status: *mut sg_store_status, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let mut caller = Caller::<sg_store_status>::read(status, "status")?;
            caller.value.fill(&TRAINERS.get(trainer.id)?.store_status());
            caller.write();
            Ok(())
        })
    }
}

/// Saves the newest version when the process gets SIGTERM or SIGINT, in a thread of the library's own and not in the signal's
/// handler; then lets the signal end the process. A second signal ends it at once.
///
/// To be called once in a process, by a host that leaves these signals to it; never inside a JVM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_save_on_signal(trainer: sg_trainer, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || Ok(TRAINERS.get(trainer.id)?.save_on_signal()?)) }
}

impl From<VersionId> for sg_version_id {
    fn from(id: VersionId) -> Self {
        Self { lineage: id.lineage.number(), number: id.number }
    }
}

impl From<sg_version_id> for VersionId {
    fn from(id: sg_version_id) -> Self {
        Self { lineage: Lineage::from_number(id.lineage), number: id.number }
    }
}

impl From<&KeptVersion> for sg_kept_version {
    fn from(kept: &KeptVersion) -> Self {
        Self {
            version: kept.version.into(),
            base: kept.base.unwrap_or(kept.version).into(),
            time_milliseconds: milliseconds(kept.time),
            bytes: kept.bytes,
        }
    }
}

impl sg_store_status {
    fn fill(&mut self, status: &StoreStatus) {
        (self.has_saved, self.waiting) = (status.saved.is_some().into(), status.waiting.into());
        self.saved = status.saved.map(Into::into).unwrap_or_default();
        self.saved_milliseconds = status.saved_at.map(milliseconds).unwrap_or_default();
        self.failures = status.failures;
        self.message = message(status.error.as_deref().unwrap_or_default());
    }
}

pub(super) fn milliseconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
