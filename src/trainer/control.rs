//! A trainer told by its host what a [`Command`](crate::control::Command) tells it from elsewhere.

use super::Trainer;
use crate::control::{self, TrainerStatus};
use crate::error::Result;
use crate::snapshot::VersionId;

impl Trainer {
    /// Learns no more until it is resumed: when this returns, the steps under way have ended, and each further [`Trainer::step`] or
    /// [`Trainer::apply`] is an error of kind `Paused`. It predicts. This holds for all trainers of its store.
    ///
    /// # Errors
    /// `Stopped` if it was stopped.
    pub fn pause(&self) -> Result<()> {
        self.store.steering().gate.pause("its host said so")
    }

    /// Learns again, if it was paused.
    ///
    /// # Errors
    /// `Stopped` if it was stopped.
    pub fn resume(&self) -> Result<()> {
        self.store.steering().gate.resume()
    }

    /// Lets the steps under way end, saves the newest version, and learns no more: each further step is an error of kind `Stopped`. It
    /// predicts. Returns the version that is saved, none if the parameters live in memory only. This holds for all trainers of its store.
    ///
    /// # Errors
    /// As of [`Trainer::save`]; it is stopped all the same, and another call tries again.
    pub fn stop(&self) -> Result<Option<VersionId>> {
        control::stop(&*self.store)
    }

    /// How it is: whether it learns, version, learning rate, metrics, what is saved, what was refused.
    pub fn status(&self) -> Result<TrainerStatus> {
        control::status(&*self.store)
    }

    /// A constant learning rate from the next step on, for all groups of parameters and all trainers of its store alike. It is not saved, and
    /// stays when the trainer goes back to an older version.
    ///
    /// # Errors
    /// `InvalidInput` if the rate is negative or not finite, or if it is zero and a rule divides by it.
    pub fn set_learning_rate(&self, rate: f32) -> Result<()> {
        self.store.set_learning_rate(rate)
    }
}
