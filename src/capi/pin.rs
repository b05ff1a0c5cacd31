//! `sg_pin`: a version that stays as it is while training goes on.

use super::batch::sg_batch;
use super::error::{boundary, sg_error};
use super::pointer::Out;
use super::predictions::{predict, sg_predictions};
use super::sg_status;
use super::trainer::{TRAINERS, sg_trainer};
use crate::bind::{Failure, Kind, Status, Table};
use crate::params::Version;

/// A pinned version. Its memory is held until `sg_pin_close`; any number of threads at once.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_pin {
    /// What the library knows it by; zero is no pin.
    pub id: u64,
}

struct Pinned {
    version: Version,
    /// That of the bundle it is a version of.
    identity: String,
}

static PINS: Table<Pinned> = Table::new(Kind::Pin);

/// Pins the newest version. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_pin(trainer: sg_trainer, pin: *mut sg_pin, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(pin, "pin")?;
            let trainer = TRAINERS.get(trainer.id)?;
            let pinned = Pinned { version: trainer.pin()?, identity: trainer.bundle().identity().to_owned() };
            out.write(sg_pin { id: PINS.insert(pinned)? });
            Ok(())
        })
    }
}

/// Predicts the rows of a batch with a pinned version of this trainer, or of another of the same bundle. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_predict_at(
    trainer: sg_trainer,
    pin: sg_pin,
    batch: sg_batch,
    predictions: *mut sg_predictions,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let (pinned, trainer) = (PINS.get(pin.id)?, TRAINERS.get(trainer.id)?);
            predict(trainer.schema(), batch, predictions, |batch| match trainer.bundle().identity() == pinned.identity {
                true => Ok(trainer.predict_at(&pinned.version, batch)?),
                false => Err(Failure::new(Status::INVALID_INPUT, "pass a version of the same bundle, this is one of another: pin")),
            })
        })
    }
}

/// Writes the number of a pinned version. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_pin_version(pin: sg_pin, version: *mut u64, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(version, "version")?;
            out.write(PINS.get(pin.id)?.version.number());
            Ok(())
        })
    }
}

/// Makes the handle void; calls in flight end as they would have. Does nothing if it is void. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn sg_pin_close(pin: sg_pin) -> sg_status {
    // SAFETY: no error is asked for.
    unsafe {
        boundary(std::ptr::null_mut(), || {
            drop(PINS.remove(pin.id));
            Ok(())
        })
    }
}
