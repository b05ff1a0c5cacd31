//! Parameters that learn alike: a rule with its learning rate, decay, clipping and averaging.

use std::sync::Arc;

use super::average::{Average, Averaging};
use super::clip::{Clip, StepClip};
use super::kernel::Decay;
use super::rule::{Formula, Rule, Slot};
use super::schedule::LearningRate;

/// What is the same for all parameters of a group; immutable.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) rule: Arc<dyn Rule>,
    pub(super) learning_rate: LearningRate,
    pub(super) clip: Option<Clip>,
    pub(super) weight_decay: Option<f32>,
    pub(super) average: Option<Averaging>,
}

impl Group {
    /// The rule's slots, then that of the average.
    pub(super) fn slots(&self) -> Vec<Slot> {
        self.rule.slots().into_iter().chain(self.average.map(|_| Slot::zero(Averaging::SLOT))).collect()
    }

    /// Whether it clips by the norm over all its gradients.
    pub(super) fn clips_globally(&self) -> bool {
        self.clip.as_ref().is_some_and(Clip::is_global)
    }

    /// The step after `iterations` steps; `squares` is the sum of the gradients' squares if it [clips
    /// globally](Self::clips_globally).
    pub(super) fn step(&self, iterations: u64, squares: f64) -> GroupStep {
        let learning_rate = self.learning_rate.at(iterations);
        GroupStep {
            formula: self.rule.step(iterations, learning_rate),
            clip: self.clip.as_ref().map_or(StepClip::None, |clip| clip.step(squares)),
            decay: self.weight_decay.map(|rate| Decay { rate, learning_rate }),
            average: self.average.map(|average| average.step(iterations)),
        }
    }
}

/// One step of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupStep {
    pub(super) formula: Formula,
    pub(super) clip: StepClip,
    pub(super) decay: Option<Decay>,
    pub(super) average: Option<Average>,
}
