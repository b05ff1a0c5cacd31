//! `sg_training_status`: whether a trainer learns, and what makes it do so or not.

use std::ffi::c_char;

use super::error::{SG_MESSAGE_BYTES, boundary, message, sg_error};
use super::pointer::Out;
use super::sg_status;
use super::sized::{Caller, SizedStruct};
use super::store::sg_version_id;
use super::trainer::{TRAINERS, sg_trainer};
use crate::bind::Status;
use crate::control::TrainerStatus;
use crate::guard::Mode;

/// Whether a trainer learns, and what its guard has seen. Plain data of the caller, to be initialised with `SG_TRAINING_STATUS_INIT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_training_status {
    /// `sizeof(sg_training_status)`.
    pub size: usize,
    /// Written: what keeps it from learning: `SG_OK` for nothing, `SG_PAUSED` or `SG_STOPPED`.
    pub learning: i32,
    /// Written: 1 if there is a saved version, else 0.
    pub has_saved: i32,
    /// Written: the newest version.
    pub version: sg_version_id,
    /// Written: the version saved last.
    pub saved: sg_version_id,
    /// Written: the learning rate of the next step.
    pub learning_rate: f64,
    /// Written: the rows that the metrics have seen.
    pub rows: u64,
    /// Written: the mean loss of these rows; NaN if there are none.
    pub loss: f64,
    /// Written: updates refused because something was not finite.
    pub not_finite: u64,
    /// Written: updates refused because the norm of the gradient was far beyond those before.
    pub outliers: u64,
    /// Written: of those the ones in a row, up to now.
    pub in_row: u64,
    /// Written: how often there were so many in a row that the trainer paused or went back.
    pub responses: u64,
    /// Written: refused batches that wait to be drained.
    pub quarantined: u64,
    /// Written: refused batches that were dropped for newer ones.
    pub dropped: u64,
    /// Written: the norm of the last gradient; NaN if norms are not bounded.
    pub norm: f64,
    /// Written: the largest norm that is not refused; NaN if there is no bound, or not yet.
    pub limit: f64,
    /// Written: why it is paused, one line; empty if it is not.
    pub message: [c_char; SG_MESSAGE_BYTES],
}

// SAFETY: `repr(C)`, two of its fields make eight bytes together, the text is a multiple of eight, the others are made of fields
// of eight; begins with its size, made of numbers.
unsafe impl SizedStruct for sg_training_status {
    const MACRO: &'static str = "SG_TRAINING_STATUS_INIT";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Learns no more until `sg_trainer_resume`: when this returns, the steps under way have ended, and further ones are `SG_PAUSED`.
///
/// It predicts. Holds for all trainers of its store. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_pause(trainer: sg_trainer, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || Ok(TRAINERS.get(trainer.id)?.pause()?)) }
}

/// Learns again, if it was paused. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_resume(trainer: sg_trainer, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || Ok(TRAINERS.get(trainer.id)?.resume()?)) }
}

/// Lets the steps under way end, saves the newest version, and learns no more: further steps are `SG_STOPPED`. It predicts.
///
/// Writes which version is saved to `version`, which may be null; zeros if the parameters live in memory only. If it cannot be saved, the
/// trainer is stopped all the same, and another call tries again. Holds for all trainers of its store. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_stop(trainer: sg_trainer, version: *mut sg_version_id, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::optional(version, "version")?;
            let saved = TRAINERS.get(trainer.id)?.stop()?;
            out.into_iter().for_each(|out| out.write(saved.map(Into::into).unwrap_or_default()));
            Ok(())
        })
    }
}

/// A constant learning rate from the next step on, for all groups of parameters and all trainers of its store alike; it is not saved.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_set_learning_rate(trainer: sg_trainer, rate: f64, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || Ok(TRAINERS.get(trainer.id)?.set_learning_rate(rate as f32)?)) }
}

/// Writes whether the trainer learns, and what its guard has seen. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_status(trainer: sg_trainer, status: *mut sg_training_status, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let mut caller = Caller::<sg_training_status>::read(status, "status")?;
            caller.value.fill(&TRAINERS.get(trainer.id)?.status()?);
            caller.write();
            Ok(())
        })
    }
}

impl sg_training_status {
    fn fill(&mut self, status: &TrainerStatus) {
        let guard = &status.guard;
        *self = Self {
            size: self.size,
            learning: match status.mode {
                Mode::Running => Status::OK,
                Mode::Paused => Status::PAUSED,
                Mode::Stopped => Status::STOPPED,
            }
            .code(),
            has_saved: status.saved.is_some().into(),
            version: status.version.into(),
            saved: status.saved.map(Into::into).unwrap_or_default(),
            learning_rate: status.learning_rate.into(),
            rows: status.rows,
            loss: status.loss.unwrap_or(f64::NAN),
            not_finite: guard.not_finite,
            outliers: guard.outliers,
            in_row: guard.in_row,
            responses: guard.responses,
            quarantined: guard.quarantined,
            dropped: guard.dropped,
            norm: guard.norm.unwrap_or(f64::NAN),
            limit: guard.limit.unwrap_or(f64::NAN),
            message: message(status.reason.as_deref().unwrap_or_default()),
        };
    }
}
