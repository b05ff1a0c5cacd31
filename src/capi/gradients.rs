//! `sg_gradients`: what a batch says about the parameters, in the hands of the host.

use std::ffi::c_char;
use std::sync::Arc;

use super::batch::{BATCHES, sg_batch};
use super::error::{boundary, sg_error};
use super::pointer::{self, Out};
use super::predictions::sg_predictions;
use super::sg_status;
use super::sized::Caller;
use super::trainer::{TRAINERS, sg_trainer};
use crate::batch::Schema;
use crate::bind::{Kind, Table};
use crate::trainer::Gradients;

/// The gradients of one batch, not yet applied. Immutable until `sg_gradients_close`; any number of threads at once.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_gradients {
    /// What the library knows it by; zero is no gradients.
    pub id: u64,
}

struct Held {
    schema: Arc<Schema>,
    gradients: Gradients,
}

static GRADIENTS: Table<Held> = Table::new(Kind::Gradients);

/// Computes the gradients of a batch without learning from it. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_gradients(
    trainer: sg_trainer,
    batch: sg_batch,
    gradients: *mut sg_gradients,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(gradients, "gradients")?;
            let (trainer, batch) = (TRAINERS.get(trainer.id)?, BATCHES.get(batch.id)?);
            let gradients = trainer.gradients(batch.lock().view())?;
            out.write(sg_gradients { id: GRADIENTS.insert(Held { schema: trainer.schema().clone(), gradients })? });
            Ok(())
        })
    }
}

/// Applies gradients that a trainer of the same bundle computed, as one step, to the newest version; writes the number of the
/// version that they made to `version`, which may be null. They stay open. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_apply(
    trainer: sg_trainer,
    gradients: sg_gradients,
    version: *mut u64,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = if version.is_null() { None } else { Some(Out::new(version, "version")?) };
            let made = TRAINERS.get(trainer.id)?.apply(&GRADIENTS.get(gradients.id)?.gradients)?;
            if let Some(out) = out {
                out.write(made);
            }
            Ok(())
        })
    }
}

/// Copies the gradient of one parameter, row-major, and its number of values to `length`.
///
/// With `values` null and `capacity` zero it only writes `length`. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_gradients_read(
    gradients: sg_gradients,
    parameter: *const c_char,
    values: *mut f32,
    capacity: usize,
    length: *mut usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let (parameter, out) = (pointer::text(parameter, "parameter")?, Out::new(length, "length")?);
            let held = GRADIENTS.get(gradients.id)?;
            let gradient = held.gradients.array(parameter)?;
            // Row-major by its construction; an empty slice would be caught by the length.
            let source = gradient.as_slice().unwrap_or_default();
            if let Some(room) = pointer::room(values, capacity, source.len(), "values")? {
                room.fill(source)?;
            }
            out.write(source.len());
            Ok(())
        })
    }
}

/// Writes the loss of the batch. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_gradients_loss(gradients: sg_gradients, loss: *mut f32, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(loss, "loss")?;
            out.write(GRADIENTS.get(gradients.id)?.gradients.loss());
            Ok(())
        })
    }
}

/// Hands out what the model predicted for the batch, and the version that did. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_gradients_predictions(
    gradients: sg_gradients,
    predictions: *mut sg_predictions,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let held = GRADIENTS.get(gradients.id)?;
            let source = held.gradients.predictions();
            let mut caller = Caller::<sg_predictions>::read(predictions, "predictions")?;
            let wanted = caller.value.check(&held.schema, source.rows())?;
            caller.value.fill(wanted, &held.schema, source)?;
            caller.write();
            Ok(())
        })
    }
}

/// Makes the handle void; calls in flight end as they would have. Does nothing if it is void. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn sg_gradients_close(gradients: sg_gradients) -> sg_status {
    // SAFETY: no error is asked for.
    unsafe {
        boundary(std::ptr::null_mut(), || {
            drop(GRADIENTS.remove(gradients.id));
            Ok(())
        })
    }
}
