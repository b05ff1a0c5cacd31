//! What a trainer can be told, and what it answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::ErrorKind;
use crate::guard::{GuardStatus, Mode};
use crate::snapshot::VersionId;

/// What a trainer is to do, and with it all trainers of its store. In JSON `{"command":"pause"}`, with a `value` where there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", content = "value", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Command {
    /// Learns no more until it is resumed, from the end of the steps under way; it predicts, and a step is an error of kind `Paused`.
    Pause,
    /// Learns again.
    Resume,
    /// Learns no more, from the end of the steps under way, and saves what it learned. A step is an error of kind `Stopped`.
    Stop,
    /// Saves the newest version.
    Save,
    /// Says how it is.
    Status,
    /// A constant learning rate from the next step on, for all groups of parameters alike; not saved.
    SetLearningRate(f32),
    /// Goes back to a version that is kept, and saves that as the first version of a new lineage.
    Rollback(VersionId),
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reply {
    /// The version that was saved, or that going back made.
    #[serde(default)]
    pub version: Option<VersionId>,
    /// How the trainer is after it.
    pub status: TrainerStatus,
}

/// How a trainer is. Plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrainerStatus {
    /// The process in which it learns.
    pub process: u32,
    /// Whether it learns.
    pub mode: Mode,
    /// Why it does not.
    #[serde(default)]
    pub reason: Option<String>,
    /// The newest version.
    pub version: VersionId,
    /// The learning rate of the next step.
    pub learning_rate: f32,
    /// The rows that the metrics have seen.
    pub rows: u64,
    /// The mean loss of these rows.
    #[serde(default)]
    pub loss: Option<f64>,
    /// Each metric by name, over all rows and over the window; without those that are not defined yet.
    #[serde(default)]
    pub metrics: BTreeMap<String, [f64; 2]>,
    /// The version saved last.
    #[serde(default)]
    pub saved: Option<VersionId>,
    /// Why the last attempt to save failed, if it did.
    #[serde(default)]
    pub save_error: Option<String>,
    /// What the guard has seen.
    #[serde(default)]
    pub guard: GuardStatus,
}

/// A line of answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Ok(Box<Reply>),
    Error { kind: ErrorKind, message: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_short_lines() {
        let version = "00000000000000ab-120".parse().unwrap();
        let lines = [
            (Command::Pause, r#"{"command":"pause"}"#),
            (Command::SetLearningRate(0.5), r#"{"command":"set-learning-rate","value":0.5}"#),
            (Command::Rollback(version), r#"{"command":"rollback","value":"00000000000000ab-120"}"#),
        ];
        for (command, line) in lines {
            assert_eq!(serde_json::to_string(&command).unwrap(), line);
            assert_eq!(serde_json::from_str::<Command>(line).unwrap(), command);
        }
        let error = serde_json::from_str::<Command>(r#"{"command":"fly"}"#).unwrap_err().to_string();
        assert!(error.contains("`fly`") && error.contains("`pause`"), "{error}");
    }
}
