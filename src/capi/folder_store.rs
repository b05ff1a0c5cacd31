//! `sg_folder_store`: the folder in which a trainer keeps what it learns.

use std::ffi::c_char;
use std::time::Duration;

use super::pointer;
use super::sized::{Caller, SizedStruct};
use super::store::sg_version_id;
use crate::bind::{Failure, Status};
use crate::params::FolderStore;

/// Not at all, where an option's zero means its default.
pub const SG_NEVER: i32 = -1;

/// A folder in which a trainer keeps what it learns, and how. Plain data of the caller, to be initialised with `SG_FOLDER_STORE`;
/// zero is the default.
///
/// It is read while the trainer is opened; the trainer holds the folder, which has one writer, until it is closed.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_folder_store {
    /// `sizeof(sg_folder_store)`.
    pub size: usize,
    /// The folder. It is made if there is none, in a folder that exists.
    pub folder: *const c_char,
    /// Saves each version whose number is a multiple of this; default none.
    pub every_steps: u64,
    /// Saves the newest version this long after the last attempt, if there is a new one; default 60, `SG_NEVER` for never.
    pub every_seconds: f64,
    /// Whether closing the trainer saves the newest version: default yes, `SG_NEVER` for no.
    pub on_close: i32,
    /// 1 takes over what fits of the newest version if that is of another bundle: parameters and state of the same name, dtype and
    /// shape; the optimizer's slots and its count of steps if they all fit. Metrics begin anew. Default: such a folder is refused.
    pub warm_start: i32,
    /// How long to wait for another writer to let go of the folder; default not at all.
    pub wait_seconds: f64,
    /// Keeps the last so many versions; default 5. The next two keep more than these.
    pub keep_last: usize,
    /// Keeps the last version of each hour (UTC), for the last so many hours that have one; default 0.
    pub keep_hourly: usize,
    /// Keeps the last version of each day (UTC), for the last so many days that have one; default 0.
    pub keep_daily: usize,
    /// Writes only the tensors that changed, where that saves half of the bytes, in chains of at most so many (up to 64) between
    /// complete snapshots; default 0: all are complete.
    pub deltas: usize,
    /// A kept version to begin from instead of the newest, in a new lineage, which the folder names with the next snapshot; null: the
    /// newest.
    pub restore: *const sg_version_id,
}

// SAFETY: `repr(C)`, two of its fields make eight bytes together, the others have eight each; begins with its size, made
// of numbers and pointers.
unsafe impl SizedStruct for sg_folder_store {
    const MACRO: &'static str = "SG_FOLDER_STORE";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Opens the folder as the options say.
///
/// # Safety
/// The pointers are as `docs/c-abi.md` says.
pub(super) unsafe fn open(store: *const sg_folder_store) -> Result<FolderStore, Failure> {
    // SAFETY: the contract of this function.
    let (store, folder) = unsafe {
        let store = Caller::read(store, "store")?.value;
        (store, pointer::path(store.folder, "folder")?)
    };
    let mut builder = FolderStore::builder(folder)
        .every_steps(store.every_steps)
        .on_close(!flag(store.on_close, SG_NEVER, "0 or SG_NEVER", "on_close")?)
        .warm_start(flag(store.warm_start, 1, "0 or 1", "warm_start")?)
        .wait_for_writer(seconds(store.wait_seconds, "wait_seconds")?)
        .keep_hourly(store.keep_hourly)
        .keep_daily(store.keep_daily)
        .deltas(u32::try_from(store.deltas).unwrap_or(u32::MAX));
    if store.every_seconds == f64::from(SG_NEVER) {
        builder = builder.every(Duration::ZERO);
    } else if store.every_seconds != 0.0 {
        builder = builder.every(seconds(store.every_seconds, "every_seconds")?);
    }
    if store.keep_last != 0 {
        builder = builder.keep_last(store.keep_last);
    }
    if !store.restore.is_null() {
        // SAFETY: the contract of this function; checked for alignment.
        let version = unsafe { pointer::checked(store.restore, "restore")?.read() };
        builder = builder.restore(version.into());
    }
    Ok(builder.open()?)
}

/// Whether an option is set, which has one value beside its default.
fn flag(value: i32, set: i32, values: &str, option: &str) -> Result<bool, Failure> {
    match value == set {
        set if set || value == 0 => Ok(set),
        _ => Err(Failure::new(Status::INVALID_INPUT, format!("set {values}, not {value}: {option}"))),
    }
}

pub(super) fn seconds(value: f64, option: &str) -> Result<Duration, Failure> {
    let message = |_| Failure::new(Status::INVALID_INPUT, format!("give a number of seconds that is not negative, not {value}: {option}"));
    Duration::try_from_secs_f64(value).map_err(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_set_by_one_value_only() {
        assert_eq!(flag(0, SG_NEVER, "0 or SG_NEVER", "on_close"), Ok(false));
        assert_eq!(flag(SG_NEVER, SG_NEVER, "0 or SG_NEVER", "on_close"), Ok(true));
        assert_eq!(flag(2, 1, "0 or 1", "warm_start").unwrap_err().message, "set 0 or 1, not 2: warm_start");
    }

    #[test]
    fn seconds_are_finite_and_not_negative() {
        assert_eq!(seconds(1.5, "s"), Ok(Duration::from_millis(1500)));
        for wrong in [-0.5, f64::NAN, f64::INFINITY, 1e300] {
            let failure = seconds(wrong, "every_seconds").unwrap_err();
            assert_eq!(failure.status, Status::INVALID_INPUT);
            assert!(failure.message.ends_with("every_seconds"), "{}", failure.message);
        }
    }
}
