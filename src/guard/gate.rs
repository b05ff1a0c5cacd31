//! Whether learning goes on.

use std::fmt;

use parking_lot::{RwLock, RwLockReadGuard};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Whether the trainers of a store learn. They predict in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mode {
    /// They do.
    #[default]
    Running,
    /// They do not, until somebody says so.
    Paused,
    /// They never will again.
    Stopped,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        })
    }
}

/// A gate that every step goes through and stays in until its end, so that whoever closes it waits for the steps under way.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    mode: Mode,
    reason: Option<String>,
}

/// A step is under way as long as it lives.
#[derive(Debug)]
pub(crate) struct Entered<'g>(#[expect(dead_code, reason = "held, not read")] RwLockReadGuard<'g, State>);

impl Gate {
    /// Begins a step.
    ///
    /// # Errors
    /// `Paused` or `Stopped`.
    pub(crate) fn enter(&self, operation: &'static str) -> Result<Entered<'_>> {
        let state = self.state.read();
        let why = state.reason.as_deref().unwrap_or_default();
        match state.mode {
            Mode::Running => Ok(Entered(state)),
            Mode::Paused => Err(Error::new(ErrorKind::Paused, operation, format!("resume the trainer first, it is paused: {why}"))),
            Mode::Stopped => Err(stopped(operation)),
        }
    }

    /// Keeps further steps out, when those under way have ended. The first reason stays.
    pub(crate) fn pause(&self, reason: &str) -> Result<()> {
        let mut state = self.state.write();
        match state.mode {
            Mode::Running => *state = State { mode: Mode::Paused, reason: Some(reason.to_owned()) },
            Mode::Paused => {}
            Mode::Stopped => return Err(stopped("pause")),
        }
        Ok(())
    }

    pub(crate) fn resume(&self) -> Result<()> {
        let mut state = self.state.write();
        match state.mode {
            Mode::Stopped => Err(stopped("resume")),
            _ => {
                *state = State::default();
                Ok(())
            }
        }
    }

    /// Keeps further steps out for good, when those under way have ended.
    pub(crate) fn stop(&self) {
        *self.state.write() = State { mode: Mode::Stopped, reason: None };
    }

    /// The mode, and why it is paused.
    pub(crate) fn mode(&self) -> (Mode, Option<String>) {
        let state = self.state.read();
        (state.mode, state.reason.clone())
    }
}

fn stopped(operation: &'static str) -> Error {
    Error::new(ErrorKind::Stopped, operation, "the trainer was stopped; close it, and open its store again to learn on")
}
