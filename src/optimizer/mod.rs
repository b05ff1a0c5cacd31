//! Turns gradients into new parameters, with the bits that Keras would have made.
//!
//! An [`Optimizer`] is what a bundle says about learning: a rule, a learning rate or its schedule, weight decay and
//! clipping. It holds no parameters and never changes. One step is:
//!
//! 1. [`Optimizer::step`] fixes what all parameters share: the learning rate at this iteration, the rule's
//!    bias corrections, and the global norm if gradients are clipped by it.
//! 2. [`Step::update`], once per parameter, reads the old values and the gradient and writes the new values into
//!    other memory: clip, then decay, then the rule, as Keras orders them. The same pass over the memory tests that
//!    gradients, new values and new slots are finite.
//!
//! The caller publishes the new values only if every update succeeded, so an error changes nothing.
//!
//! # Equal bits
//!
//! All arithmetic is `f32` in the order of operations of Keras 3 on TensorFlow; square roots and divisions are IEEE,
//! and multiplication and addition are never contracted, so the width of the vector unit changes no bit. Given the
//! same gradients, SGD, Adagrad and Adam in all their variants, weight decay and `clipvalue` give exactly Keras' bits.
//! `clipnorm` and `global_clipnorm` do so while the bound is not reached, and agree to 1e-6 relative beyond: Keras sums the
//! squares in `f32` in an order that depends on TensorFlow's thread pool, here they are summed in `f64` in a fixed order.
//!
//! ```
//! use streamgrad::optimizer::{Optimizer, Update};
//!
//! let config = serde_json::json!({"rule": "sgd", "learning_rate": 0.5, "momentum": 0.0, "nesterov": false});
//! let optimizer = Optimizer::from_json(&config, &[("kernel".to_string(), 2)])?;
//! let mut new = [0.0; 2];
//! let gradient = [1.0, -2.0];
//! let step = optimizer.step(0, [&gradient[..]])?;
//! step.update(0, Update {
//!     parameter: &[10.0, 20.0],
//!     gradient: &gradient,
//!     slots: Default::default(),
//!     new_parameter: &mut new,
//!     new_slots: Default::default(),
//! })?;
//! assert_eq!(new, [9.5, 21.0]);
//! # Ok::<(), streamgrad::Error>(())
//! ```

mod adagrad;
mod adam;
mod clip;
mod config;
mod kernel;
mod lanes;
mod rule;
mod schedule;
mod sgd;

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

use clip::{Clip, StepClip};
use config::Config;
use kernel::{Fault, Pass};
use rule::{Formula, Rule};
use schedule::LearningRate;

pub use rule::Slot;

/// The most slots that any rule keeps beside a parameter.
pub const MAX_SLOTS: usize = 3;

const OPERATION: &str = "apply gradients";

/// A rule with its learning rate, weight decay and clipping; immutable, free to share between threads.
#[derive(Clone, Debug)]
pub struct Optimizer {
    rule: Rule,
    learning_rate: LearningRate,
    clip: Option<Clip>,
    weight_decay: Option<f32>,
    parameters: Vec<Parameter>,
    slots: Vec<Slot>,
    stream: bool,
}

/// What the optimizer knows of one parameter.
#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    elements: usize,
    decays: bool,
}

impl Optimizer {
    /// Reads the object `optimizer` of a bundle's manifest (`docs/bundle-format.md`) for parameters of these names and
    /// numbers of elements, in the order in which [`Step::update`] will be called with them.
    ///
    /// # Errors
    /// `InvalidBundle` if a field is missing, unknown, or out of its range, if more than one way of clipping is given,
    /// or if `weight_decay_excluded` names a parameter that does not exist.
    pub fn from_json(value: &Value, parameters: &[(String, usize)]) -> Result<Self> {
        let invalid = |context: String| Error::new(ErrorKind::InvalidBundle, "read optimizer", context);
        let config = Config::parse(value).map_err(invalid)?;
        if let Some(name) = config.excluded.iter().find(|name| parameters.iter().all(|(known, _)| known != *name)) {
            return Err(invalid(format!("weight_decay_excluded names a parameter that the bundle does not have: {name}")));
        }
        let slots = config.rule.slots();
        let elements = parameters.iter().fold(0, |sum: usize, (_, elements)| sum.saturating_add(*elements));
        Ok(Self {
            stream: kernel::worth_streaming(elements, slots.len()),
            rule: config.rule,
            learning_rate: config.learning_rate,
            clip: config.clip,
            weight_decay: config.weight_decay,
            parameters: parameters
                .iter()
                .map(|(name, elements)| Parameter { name: name.clone(), elements: *elements, decays: !config.excluded.contains(name) })
                .collect(),
            slots,
        })
    }

    /// The tensors, each of a parameter's shape, that the rule keeps beside every parameter: at most [`MAX_SLOTS`].
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The learning rate of the step after `iterations` steps.
    pub fn learning_rate(&self, iterations: u64) -> f32 {
        self.learning_rate.at(iterations)
    }

    /// The same optimizer with this constant learning rate in place of its own or its schedule.
    ///
    /// # Errors
    /// `InvalidInput` if the rate is negative or not finite.
    pub fn with_learning_rate(self, learning_rate: f32) -> Result<Self> {
        if !learning_rate.is_finite() || learning_rate < 0.0 {
            let context = format!("give a learning rate that is finite and not negative, not {learning_rate}");
            return Err(Error::input("set learning rate", context));
        }
        Ok(Self { learning_rate: LearningRate::Constant(learning_rate), ..self })
    }

    /// Prepares the step that follows `iterations` applied steps.
    ///
    /// `gradients` are those of all parameters in order; they are read only if the optimizer clips by the global norm.
    ///
    /// # Errors
    /// `NonFinite` if the global norm is needed and a gradient is not finite.
    pub fn step<'g>(&self, iterations: u64, gradients: impl IntoIterator<Item = &'g [f32]>) -> Result<Step<'_>> {
        let learning_rate = self.learning_rate(iterations);
        let clip = match &self.clip {
            Some(clip) => clip.step(gradients).map_err(|index| self.fault(index, Fault::Gradient))?,
            None => StepClip::None,
        };
        Ok(Step {
            optimizer: self,
            formula: self.rule.step(iterations, learning_rate),
            clip,
            decay: self.weight_decay.map(|rate| kernel::Decay { rate, learning_rate }),
        })
    }

    #[cold]
    fn fault(&self, index: usize, fault: Fault) -> Error {
        let name = self.parameters.get(index).map_or("?", |parameter| parameter.name.as_str());
        let context = match fault {
            Fault::Gradient => format!("a gradient is not finite, check the batch and the loss: parameter {name}"),
            Fault::Value => {
                format!("a new value or slot is not finite, lower the learning rate or clip gradients: parameter {name}")
            }
        };
        Error::new(ErrorKind::NonFinite, OPERATION, context)
    }
}

/// One parameter's memory in one step: what is read, and what is written. All slices have the parameter's length,
/// slots beyond those of the rule are empty; any alignment works, 64 bytes is fastest.
#[derive(Debug)]
pub struct Update<'a> {
    /// The old values.
    pub parameter: &'a [f32],
    /// The gradient of the loss; only read.
    pub gradient: &'a [f32],
    /// The old slots, in the order of [`Optimizer::slots`].
    pub slots: [&'a [f32]; MAX_SLOTS],
    /// Where the new values go; unspecified after an error.
    pub new_parameter: &'a mut [f32],
    /// Where the new slots go; unspecified after an error.
    pub new_slots: [&'a mut [f32]; MAX_SLOTS],
}

/// One step of an [`Optimizer`], ready to be applied to each parameter, on any thread.
#[derive(Debug)]
pub struct Step<'o> {
    optimizer: &'o Optimizer,
    formula: Formula,
    clip: StepClip,
    decay: Option<kernel::Decay>,
}

impl Step<'_> {
    /// Writes the new values and slots of the parameter at `index`.
    ///
    /// # Errors
    /// `NonFinite`, naming the parameter, if its gradient, a new value or a new slot is not finite; `InvalidInput` if
    /// there is no parameter at `index` or a slice has not its length.
    pub fn update(&self, index: usize, update: Update<'_>) -> Result<()> {
        let parameter = self.parameter(index, &update)?;
        let pass =
            Pass { clip: self.clip.of(update.gradient), decay: self.decay.filter(|_| parameter.decays), stream: self.optimizer.stream };
        let result = match self.formula {
            Formula::Descent(formula) => kernel::run(formula, &pass, update),
            Formula::Momentum(formula) => kernel::run(formula, &pass, update),
            Formula::Nesterov(formula) => kernel::run(formula, &pass, update),
            Formula::Adagrad(formula) => kernel::run(formula, &pass, update),
            Formula::Adam(formula) => kernel::run(formula, &pass, update),
            Formula::AmsGrad(formula) => kernel::run(formula, &pass, update),
        };
        result.map_err(|fault| self.optimizer.fault(index, fault))
    }

    fn parameter(&self, index: usize, update: &Update<'_>) -> Result<&Parameter> {
        let Some(parameter) = self.optimizer.parameters.get(index) else {
            return Err(Error::input(OPERATION, format!("there is no parameter with this index: {index}")));
        };
        let slots = self.optimizer.slots.len();
        let fits = |length: usize| length == parameter.elements;
        let complete = fits(update.parameter.len())
            && fits(update.gradient.len())
            && fits(update.new_parameter.len())
            && update.slots[..slots].iter().all(|slot| fits(slot.len()))
            && update.new_slots[..slots].iter().all(|slot| fits(slot.len()));
        if !complete {
            let context =
                format!("give values, gradient and {slots} slots of {} elements each: parameter {}", parameter.elements, parameter.name);
            return Err(Error::input(OPERATION, context));
        }
        Ok(parameter)
    }
}
