//! `sg_trainer`: a model that learns and predicts.

use std::ffi::{c_char, c_void};

use super::batch::{BATCHES, sg_batch};
use super::dtype::{from_c, sg_dtype};
use super::error::{boundary, sg_error};
use super::evaluation::sg_evaluation;
use super::metrics::{Named, sg_metric};
use super::options::{open, sg_trainer_options};
use super::pointer::{self, Out};
use super::predictions::{predict, sg_predictions};
use super::report::sg_report;
use super::sg_status;
use super::sized::Caller;
use crate::batch::BatchView;
use crate::bind::{Failure, Kind, Status, Table};
use crate::trainer::{Report, Trainer};

/// A model that learns, with its parameters. Open until `sg_trainer_close`; any number of threads at once.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_trainer {
    /// What the library knows it by; zero is no trainer.
    pub id: u64,
}

pub(super) static TRAINERS: Table<Trainer> = Table::new(Kind::Trainer);

/// Verifies the bundle in the folder `bundle`, loads TensorFlow unless it is loaded, and opens a session.
///
/// `options` may be null for the defaults. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_open(
    bundle: *const c_char,
    options: *const sg_trainer_options,
    trainer: *mut sg_trainer,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(trainer, "trainer")?;
            out.write(sg_trainer { id: TRAINERS.insert(open(bundle, options)?)? });
            Ok(())
        })
    }
}

/// Learns from a batch: one forward pass, one backward pass, one update. `report` may be null.
///
/// The report's predictions are those of the parameters before the update. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_step(trainer: sg_trainer, batch: sg_batch, report: *mut sg_report, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || learn(trainer, batch, report, |trainer, batch| Ok(trainer.step(batch)?))) }
}

/// As `sg_trainer_step`, and notes with it where the host is in its stream after this batch: some bytes of its own.
///
/// The version that the step makes holds them, and so does all that is saved of it. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_step_to(
    trainer: sg_trainer,
    batch: sg_batch,
    position: *const c_void,
    position_bytes: usize,
    report: *mut sg_report,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let position = pointer::array::<u8>(position.cast(), position_bytes, "position")?;
            learn(trainer, batch, report, |trainer, batch| Ok(trainer.step_to(batch, position)?))
        })
    }
}

/// Copies what the host said last with `sg_trainer_step_to`, in this process or before the store was opened again, and how many
/// bytes that is: none if it never said anything.
///
/// With `position` null and `capacity_bytes` zero it only writes `length_bytes`. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_position(
    trainer: sg_trainer,
    position: *mut c_void,
    capacity_bytes: usize,
    length_bytes: *mut usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let bytes = TRAINERS.get(trainer.id)?.position()?.unwrap_or_default();
            pointer::copy(&bytes, position.cast::<u8>(), capacity_bytes, length_bytes, "position", "length_bytes")
        })
    }
}

/// Predicts the rows of a batch with the newest version; labels and weights are not looked at. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_predict(
    trainer: sg_trainer,
    batch: sg_batch,
    predictions: *mut sg_predictions,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let trainer = TRAINERS.get(trainer.id)?;
            predict(trainer.schema(), batch, predictions, |batch| Ok(trainer.predict(batch)?))
        })
    }
}

/// The loss and the metrics of some batches, by one version, in inference; nothing is learned. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_evaluate(
    trainer: sg_trainer,
    batches: *const sg_batch,
    batch_count: usize,
    evaluation: *mut sg_evaluation,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let trainer = TRAINERS.get(trainer.id)?;
            let mut caller = Caller::<sg_evaluation>::read(evaluation, "evaluation")?;
            let checked = caller.value.check(&trainer)?;
            let handles: Vec<u64> = pointer::array(batches, batch_count, "batches")?.iter().map(|batch| batch.id).collect();
            // Each once, in one order for all threads: two evaluations of the same batches never wait for each other.
            let mut order = handles.clone();
            order.sort_unstable();
            order.dedup();
            let open = order.iter().map(|&handle| BATCHES.get(handle)).collect::<Result<Vec<_>, _>>()?;
            let locked: Vec<_> = open.iter().map(|batch| batch.lock()).collect();
            let batches = handles.iter().filter_map(|handle| locked.get(order.binary_search(handle).ok()?)).map(|batch| batch.view());
            caller.value.fill(checked, &trainer.evaluate(batches)?);
            caller.write();
            Ok(())
        })
    }
}

/// Reads progressive metrics by name, since start and over the window, as a report of the last step would have them.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_metrics(
    trainer: sg_trainer,
    metrics: *mut sg_metric,
    metric_count: usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let trainer = TRAINERS.get(trainer.id)?;
            Named::check(trainer.bundle().manifest(), metrics, metric_count)?.fill(&trainer.metrics()?);
            Ok(())
        })
    }
}

/// Writes the number of the newest version: the steps since the bundle's own values. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_version(trainer: sg_trainer, version: *mut u64, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(version, "version")?;
            out.write(TRAINERS.get(trainer.id)?.version()?);
            Ok(())
        })
    }
}

/// Writes the learning rate of the next step: the default optimizer's, if groups of parameters have their own. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_learning_rate(trainer: sg_trainer, rate: *mut f32, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(rate, "rate")?;
            out.write(TRAINERS.get(trainer.id)?.learning_rate()?);
            Ok(())
        })
    }
}

/// Writes the bytes of native memory that parameters, state, slots and frozen weights take; TensorFlow's own comes on top.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_memory(trainer: sg_trainer, bytes: *mut usize, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let out = Out::new(bytes, "bytes")?;
            out.write(TRAINERS.get(trainer.id)?.memory());
            Ok(())
        })
    }
}

/// Copies the trainer as it is now in Prometheus' text format (0.0.4), ended by a zero, and its bytes without the zero to `length`.
///
/// With `text` null and `capacity` zero it only writes `length`; the text may be some bytes longer at the next call. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_prometheus(
    trainer: sg_trainer,
    text: *mut c_char,
    capacity: usize,
    length: *mut usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe { boundary(error, || pointer::copy_text(&TRAINERS.get(trainer.id)?.prometheus(), text, capacity, length, "text")) }
}

/// Copies a parameter or a piece of state of the newest version, row-major, and its number of values to `length`.
///
/// `dtype` must be its own. With `values` null and `capacity` zero it only writes `length`. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_parameter(
    trainer: sg_trainer,
    name: *const c_char,
    dtype: sg_dtype,
    values: *mut c_void,
    capacity: usize,
    length: *mut usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let name = pointer::text(name, "name")?;
            let trainer = TRAINERS.get(trainer.id)?;
            let parameters = trainer.parameters()?;
            let bytes = parameters.bytes(name)?;
            let manifest = trainer.bundle().manifest();
            let weights = manifest.parameters.iter().map(|entry| (&entry.name, entry.dtype));
            let own = weights.chain(manifest.state.iter().map(|entry| (&entry.name, entry.dtype))).find(|(known, _)| *known == name);
            let dtype = from_c(dtype)?;
            if let Some((_, own)) = own
                && own != dtype
            {
                let message = format!("it holds {own}, give memory of that type and not of {dtype}: {name}");
                return Err(Failure::new(Status::INVALID_INPUT, message));
            }
            let (count, out) = (bytes.len() / dtype.size().unwrap_or(1), Out::new(length, "length")?);
            if let Some(room) = pointer::typed_room(values, dtype, capacity, count, "values")? {
                room.fill(bytes)?;
            }
            out.write(count);
            Ok(())
        })
    }
}

/// Makes the handle void: no call takes it any more, those in flight end as they would have, the last of them frees the model
/// and saves, if there is a store, as its options say.
///
/// Does nothing if it is void. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn sg_trainer_close(trainer: sg_trainer) -> sg_status {
    // SAFETY: no error is asked for.
    unsafe {
        boundary(std::ptr::null_mut(), || {
            drop(TRAINERS.remove(trainer.id));
            Ok(())
        })
    }
}

/// What `sg_trainer_step` and `sg_trainer_step_to` have in common.
///
/// # Safety
/// `report` is as `docs/c-abi.md` says.
unsafe fn learn(
    trainer: sg_trainer,
    batch: sg_batch,
    report: *mut sg_report,
    step: impl FnOnce(&Trainer, BatchView<'_>) -> Result<Report, Failure>,
) -> Result<(), Failure> {
    let (trainer, batch) = (TRAINERS.get(trainer.id)?, BATCHES.get(batch.id)?);
    let batch = batch.lock();
    if report.is_null() {
        return step(&trainer, batch.view()).map(drop);
    }
    // SAFETY: the contract of this function.
    unsafe {
        let mut caller = Caller::<sg_report>::read(report, "report")?;
        let checked = caller.value.check(&trainer, batch.rows())?;
        caller.value.fill(checked, trainer.schema(), &step(&trainer, batch.view())?)?;
        caller.write();
    }
    Ok(())
}
