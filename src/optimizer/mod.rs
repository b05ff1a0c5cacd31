//! Turns gradients into new parameters, with the bits that Keras would have made.
//!
//! An [`Optimizer`] is what a bundle says about learning: a rule, a learning rate or its schedule, weight decay,
//! clipping and averaging, or several of these, each for a group of parameters. It holds no parameters and never changes.
//! One step is:
//!
//! 1. [`Optimizer::step`] fixes what all parameters of a group share: the learning rate at this iteration, the rule's
//!    bias corrections, and the global norm if gradients are clipped by it.
//! 2. [`Step::update`], once per parameter, reads the old values and the gradient and writes the new values into
//!    other memory: clip, then decay, then the rule, then the moving average, as Keras orders them. The same pass over
//!    the memory tests that gradients, new values and new slots are finite.
//!
//! The caller publishes the new values only if every update succeeded, so an error changes nothing.
//!
//! The rules are those of Keras' `SGD`, `Adagrad`, `RMSprop`, `Adam`, `AdamW` (Adam with decay), `Ftrl`, `Adadelta`, `Nadam`,
//! `Adamax` and `Lion`; each has a file of its own, with its source.
//!
//! # Equal bits
//!
//! All arithmetic is `f32` in the order of operations of Keras 3 on TensorFlow; square roots and divisions are IEEE,
//! and multiplication and addition are never contracted, so the width of the vector unit changes no bit. Given the
//! same gradients, every rule but Ftrl in all its variants, every schedule, weight decay, `clipvalue`, the average of
//! weights and groups give exactly Keras' bits. These do not:
//!
//! - Ftrl raises to a power in every element, by a root or the C library where Keras has TensorFlow's own `pow`: 1e-6
//!   relative in a step, 5e-6 over hundreds.
//! - `clipnorm` and `global_clipnorm` do so while the bound is not reached, and agree to 1e-6 relative beyond: Keras sums
//!   the squares in `f32` in an order that depends on TensorFlow's thread pool, here they are summed in `f64` in a fixed order.
//!
//! The gradient of a table is dense here, summed over the ids that a batch repeats. Keras hands a rule one slice per
//! repeated id, so its own training of such a table differs where a rule is not linear in the gradient (the sum of squares
//! in place of the square of the sum); it agrees once it is fed the dense gradient.
//!
//! # Groups
//!
//! A group is to its parameters what an optimizer of Keras is that was given just these: `global_clipnorm` is over its own
//! gradients, `iterations` are the steps of all. A slot is known by its name and its parameter's, whatever group that is in.
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

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod average;
mod clip;
mod config;
mod ftrl;
mod group;
mod kernel;
mod lanes;
mod lion;
mod nadam;
mod rmsprop;
mod rule;
mod schedule;
mod sgd;

use serde_json::Value;
use smallvec::{SmallVec, smallvec};

use crate::error::{Error, ErrorKind, Result};

use config::Config;
use group::{Group, GroupStep};
use kernel::{Fault, Pass};
use schedule::LearningRate;

pub(crate) use clip::sum_of_squares;
pub use rule::Slot;

/// The most slots beside a parameter: three of a rule, and the average.
pub const MAX_SLOTS: usize = 4;

const OPERATION: &str = "apply gradients";

/// How each parameter learns; immutable, free to share between threads.
#[derive(Clone, Debug)]
pub struct Optimizer {
    /// The first is the default.
    groups: Vec<Group>,
    parameters: Vec<Parameter>,
    stream: bool,
}

/// What the optimizer knows of one parameter.
#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    elements: usize,
    group: usize,
    decays: bool,
    slots: Vec<Slot>,
}

impl Optimizer {
    /// Reads the object `optimizer` of a bundle's manifest (`docs/bundle-format.md`) for parameters of these names and
    /// numbers of elements, in the order in which [`Step::update`] will be called with them.
    ///
    /// # Errors
    /// `InvalidBundle` if a field is missing, unknown, or out of its range, if more than one way of clipping is given,
    /// if a group names a parameter that does not exist or is in another group, or if `weight_decay_excluded` names one
    /// that is not in the group.
    pub fn from_json(value: &Value, parameters: &[(String, usize)]) -> Result<Self> {
        let invalid = |context: String| Error::new(ErrorKind::InvalidBundle, "read optimizer", context);
        let configs = Config::parse(value).map_err(invalid)?;
        let mut all: Vec<_> = parameters
            .iter()
            .map(|(name, elements)| Parameter { name: name.clone(), elements: *elements, group: 0, decays: true, slots: Vec::new() })
            .collect();
        for (group, config) in configs.iter().enumerate() {
            for name in &config.parameters {
                match all.iter_mut().find(|parameter| parameter.name == *name) {
                    None => return Err(invalid(format!("groups[{}] names a parameter that the bundle does not have: {name}", group - 1))),
                    Some(parameter) if parameter.group != 0 => return Err(invalid(format!("a parameter can be in one group: {name}"))),
                    Some(parameter) => parameter.group = group,
                }
            }
        }
        for (group, config) in configs.iter().enumerate() {
            for name in &config.excluded {
                match all.iter_mut().find(|parameter| parameter.name == *name && parameter.group == group) {
                    None => return Err(invalid(format!("weight_decay_excluded names a parameter that is not there to decay: {name}"))),
                    Some(parameter) => parameter.decays = false,
                }
            }
        }
        let groups: Vec<_> = configs.into_iter().map(|config| config.group).collect();
        let mut numbers = 0usize;
        for parameter in &mut all {
            parameter.slots = groups[parameter.group].slots();
            // Old and new values and slots, and the gradient.
            numbers = numbers.saturating_add(parameter.elements.saturating_mul(3 + 2 * parameter.slots.len()));
        }
        Ok(Self { groups, parameters: all, stream: kernel::worth_streaming(numbers) })
    }

    /// The tensors, each of the parameter's shape, that are kept beside the parameter at `index`: at most [`MAX_SLOTS`],
    /// and none if there is no such parameter.
    pub fn slots(&self, index: usize) -> &[Slot] {
        self.parameters.get(index).map_or(&[], |parameter| &parameter.slots)
    }

    /// The learning rate of the step after `iterations` steps: the default's, if there are groups.
    pub fn learning_rate(&self, iterations: u64) -> f32 {
        self.groups[0].learning_rate.at(iterations)
    }

    /// The same optimizer with this constant learning rate in place of its own or its schedule, in every group: whoever
    /// wants groups to differ says so in the bundle, and a rate of zero stops all learning.
    ///
    /// # Errors
    /// `InvalidInput` if the rate is negative or not finite, or if it is zero and a rule divides by it (Ftrl).
    pub fn with_learning_rate(mut self, learning_rate: f32) -> Result<Self> {
        const OPERATION: &str = "set learning rate";
        if !learning_rate.is_finite() || learning_rate < 0.0 {
            let context = format!("give a learning rate that is finite and not negative, not {learning_rate}");
            return Err(Error::input(OPERATION, context));
        }
        for group in &mut self.groups {
            config::usable(&*group.rule, learning_rate).map_err(|context| Error::input(OPERATION, context))?;
            group.learning_rate = LearningRate::Constant(learning_rate);
        }
        Ok(self)
    }

    /// Prepares the step that follows `iterations` applied steps.
    ///
    /// `gradients` are those of all parameters in order; they are read only if a group clips by its global norm.
    ///
    /// # Errors
    /// `NonFinite` if a global norm is needed and a gradient is not finite.
    pub fn step<'g>(&self, iterations: u64, gradients: impl IntoIterator<Item = &'g [f32]>) -> Result<Step<'_>> {
        let mut squares: SmallVec<[f64; 1]> = smallvec![0.0; self.groups.len()];
        if self.groups.iter().any(Group::clips_globally) {
            for (index, (parameter, gradient)) in self.parameters.iter().zip(gradients).enumerate() {
                if self.groups[parameter.group].clips_globally() {
                    let sum = clip::sum_of_squares(gradient);
                    if !sum.is_finite() {
                        return Err(self.fault(index, Fault::Gradient));
                    }
                    squares[parameter.group] += sum;
                }
            }
        }
        let groups = self.groups.iter().zip(squares).map(|(group, squares)| group.step(iterations, squares)).collect();
        Ok(Step { optimizer: self, groups })
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
/// slots beyond those of the parameter are empty; any alignment works, 64 bytes is fastest.
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
    groups: SmallVec<[GroupStep; 1]>,
}

impl Step<'_> {
    /// Writes the new values and slots of the parameter at `index`.
    ///
    /// # Errors
    /// `NonFinite`, naming the parameter, if its gradient, a new value or a new slot is not finite; `InvalidInput` if
    /// there is no parameter at `index` or a slice has not its length.
    pub fn update(&self, index: usize, update: Update<'_>) -> Result<()> {
        let parameter = self.parameter(index, 1, &update)?;
        let group = &self.groups[parameter.group];
        let pass = Pass {
            clip: group.clip.of(update.gradient),
            decay: group.decay.filter(|_| parameter.decays),
            average: group.average,
            stream: self.optimizer.stream,
        };
        group.formula.run(&pass, update).map_err(|fault| self.optimizer.fault(index, fault))
    }

    /// The same for rows of a table: the parameter at `index`, made with the number of elements of one row, stands for any number of
    /// rows, one after the other. `gradient` is that of all rows of this step, whose norm is bounded if the optimizer clips by it.
    ///
    /// # Errors
    /// `InvalidInput` if there is no parameter at `index`.
    pub fn rows(&self, index: usize, gradient: &[f32]) -> Result<RowsStep<'_>> {
        let parameter = self.at(index)?;
        let group = &self.groups[parameter.group];
        // What is handed over are copies of rows, which are soon read again.
        let pass =
            Pass { clip: group.clip.of(gradient), decay: group.decay.filter(|_| parameter.decays), average: group.average, stream: false };
        Ok(RowsStep { step: self, index, pass })
    }

    fn at(&self, index: usize) -> Result<&Parameter> {
        let parameters = &self.optimizer.parameters;
        parameters.get(index).ok_or_else(|| Error::input(OPERATION, format!("there is no parameter with this index: {index}")))
    }

    fn parameter(&self, index: usize, rows: usize, update: &Update<'_>) -> Result<&Parameter> {
        let parameter = self.at(index)?;
        let slots = parameter.slots.len();
        let elements = rows.saturating_mul(parameter.elements);
        let fits = |length: usize| length == elements;
        let complete = fits(update.parameter.len())
            && fits(update.gradient.len())
            && fits(update.new_parameter.len())
            && update.slots[..slots].iter().all(|slot| fits(slot.len()))
            && update.new_slots[..slots].iter().all(|slot| fits(slot.len()));
        if !complete {
            let context = format!("give values, gradient and {slots} slots of {elements} elements each: parameter {}", parameter.name);
            return Err(Error::input(OPERATION, context));
        }
        Ok(parameter)
    }
}

/// One step of some rows of a table, which share it.
#[derive(Debug)]
pub struct RowsStep<'s> {
    step: &'s Step<'s>,
    index: usize,
    pass: Pass,
}

impl RowsStep<'_> {
    /// What the optimizer keeps beside these rows.
    pub fn slots(&self) -> &[Slot] {
        self.step.optimizer.slots(self.index)
    }

    /// Writes the new values and slots of this many rows.
    ///
    /// # Errors
    /// As of [`Step::update`].
    pub fn update(&self, rows: usize, update: Update<'_>) -> Result<()> {
        let parameter = self.step.parameter(self.index, rows, &update)?;
        let formula = self.step.groups[parameter.group].formula;
        formula.run(&self.pass, update).map_err(|fault| self.step.optimizer.fault(self.index, fault))
    }
}
