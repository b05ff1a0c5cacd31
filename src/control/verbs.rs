//! What the commands do.

use crate::control::command::{Command, Reply, TrainerStatus};
use crate::error::{ErrorKind, Result};
use crate::params::Store;
use crate::snapshot::VersionId;

pub(super) fn carry_out(store: &dyn Store, command: &Command) -> Result<Reply> {
    let gate = &store.steering().gate;
    let version = match command {
        Command::Pause => gate.pause("a command said so").map(|()| None)?,
        Command::Resume => gate.resume().map(|()| None)?,
        Command::Stop => stop(store)?,
        Command::Save => Some(store.save()?),
        Command::Status => None,
        Command::SetLearningRate(rate) => store.set_learning_rate(*rate).map(|()| None)?,
        Command::Rollback(version) => Some(store.rollback(*version)?),
    };
    Ok(Reply { version, status: status(store)? })
}

/// Lets the steps under way end and no other begin, then saves; returns the version that is saved, if the store keeps any.
pub(crate) fn stop(store: &dyn Store) -> Result<Option<VersionId>> {
    store.steering().gate.stop();
    match store.save() {
        Ok(version) => Ok(Some(version)),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn status(store: &dyn Store) -> Result<TrainerStatus> {
    let steering = store.steering();
    let (mode, reason) = steering.gate.mode();
    let (metrics, saved) = (store.metrics()?, store.status());
    // JSON has no word for what is not defined.
    let defined = metrics.iter().filter(|(_, total, window)| total.is_finite() && window.is_finite());
    Ok(TrainerStatus {
        process: std::process::id(),
        mode,
        reason,
        version: store.pull()?.id(),
        learning_rate: store.learning_rate()?,
        rows: metrics.rows(),
        loss: Some(metrics.loss()).filter(|loss| loss.is_finite()),
        metrics: defined.map(|(name, total, window)| (name.to_owned(), [total, window])).collect(),
        saved: saved.saved,
        save_error: saved.error,
        guard: steering.watch.status(),
    })
}
