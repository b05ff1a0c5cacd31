//! `streamgrad pause`, `resume`, `stop`, `save`, `status`, `set` and `rollback`: what a trainer in another process is told.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use streamgrad::ErrorKind;
use streamgrad::control::{Command, Reply, send};
use streamgrad::snapshot::SnapshotFolder;

use crate::answer::{Answer, Failure, Outcome};
use crate::open::named;
use crate::text;

#[derive(Debug, Args)]
pub(crate) struct Store {
    /// The folder of the store that the trainer learns into
    store: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(subcommand)]
    what: Setting,
}

#[derive(Debug, Subcommand)]
enum Setting {
    /// A constant learning rate from the next step on
    LearningRate {
        /// The folder of the store that the trainer learns into
        store: PathBuf,
        /// The rate
        rate: f32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The folder of the store that the trainer learns into
    store: PathBuf,
    /// The version: its full name, its number, or the first digits of its name
    version: String,
}

/// Tells a trainer, and shows how it is afterwards.
pub(crate) fn tell(Store { store }: &Store, command: &Command) -> Outcome {
    let reply = send(store, command).map_err(|error| match (error.kind(), command) {
        (ErrorKind::Closed, Command::Status) => {
            Failure::from(error).but(format!("streamgrad inspect {} shows what is saved", store.display()))
        }
        _ => error.into(),
    });
    Ok(shown(&reply?, store))
}

pub(crate) fn set(arguments: &Set) -> Outcome {
    let Setting::LearningRate { store, rate } = &arguments.what;
    Ok(shown(&send(store, &Command::SetLearningRate(*rate))?, store))
}

pub(crate) fn rollback(Rollback { store, version }: &Rollback) -> Outcome {
    let version = named(&SnapshotFolder::open(store)?, version)?;
    Ok(shown(&send(store, &Command::Rollback(version))?, store))
}

fn shown(reply: &Reply, store: &Path) -> Answer {
    let status = &reply.status;
    let mut facts = vec![("trainer", format!("{} in process {}, {}", status.mode, status.process, store.display()))];
    facts.extend(status.reason.iter().map(|reason| ("because", reason.clone())));
    facts.extend([
        ("version", status.version.to_string()),
        ("learning rate", status.learning_rate.to_string()),
        ("rows", text::count(status.rows)),
    ]);
    let shown = |[total, window]: &[f64; 2]| format!("{}, over the window {}", text::value(*total), text::value(*window));
    facts.extend(status.metrics.iter().map(|(name, values)| (name.as_str(), shown(values))));
    facts.extend(status.saved.map(|saved| ("saved last", saved.to_string())));
    facts.extend(status.save_error.iter().map(|error| ("not saved", error.clone())));
    let refused = status.guard.not_finite + status.guard.outliers;
    if refused > 0 {
        facts.push(("refused", format!("{} updates not finite, {} outliers", status.guard.not_finite, status.guard.outliers)));
    }
    Answer::new(text::facts(&facts), json!(reply))
}
