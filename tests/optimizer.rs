//! Optimizers against Keras' own, fed the same gradients: `make peer` records what those do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::fs;

use safetensors::SafeTensors;
use serde_json::{Value, json};
use streamgrad::ErrorKind;
use streamgrad::optimizer::{MAX_SLOTS, Optimizer, Update};

/// What Keras did, by the names that `tests/peer/optimizers.py` explains.
struct Peer {
    configs: BTreeMap<String, Value>,
    file: Vec<u8>,
}

impl Peer {
    fn open() -> Self {
        let read = |name: &str| {
            let path = common::peer().join(name);
            fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `make peer`", path.display()))
        };
        Self { configs: serde_json::from_slice(&read("optimizers.json")).unwrap(), file: read("optimizers.safetensors") }
    }

    fn names(&self) -> Vec<String> {
        let tensors = SafeTensors::deserialize(&self.file).unwrap();
        tensors.names().into_iter().filter_map(|name| name.strip_prefix("start/")).map(str::to_owned).collect()
    }

    fn find(&self, name: &str) -> Option<Vec<f32>> {
        let tensors = SafeTensors::deserialize(&self.file).unwrap();
        let tensor = tensors.tensor(name).ok()?;
        Some(tensor.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn f32s(&self, name: &str) -> Vec<f32> {
        self.find(name).unwrap_or_else(|| panic!("{name} is missing; run `make peer`"))
    }

    fn iterations(&self) -> Vec<u64> {
        let tensors = SafeTensors::deserialize(&self.file).unwrap();
        tensors.tensor("iterations").unwrap().data().as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect()
    }
}

/// One parameter with its slots, each twice: old and new.
struct Parameter {
    name: String,
    values: [Vec<f32>; 2],
    slots: Vec<[Vec<f32>; 2]>,
}

impl Parameter {
    fn new(name: &str, start: Vec<f32>, optimizer: &Optimizer) -> Self {
        let slots = optimizer.slots().iter().map(|slot| [vec![slot.initial; start.len()], vec![f32::NAN; start.len()]]).collect();
        Self { name: name.to_owned(), values: [start.clone(), vec![f32::NAN; start.len()]], slots }
    }

    fn update(&mut self, step: &streamgrad::optimizer::Step<'_>, index: usize, gradient: &[f32]) -> streamgrad::Result<()> {
        let [old, new] = &mut self.values;
        let mut slots: [&[f32]; MAX_SLOTS] = Default::default();
        let mut new_slots: [&mut [f32]; MAX_SLOTS] = Default::default();
        for (index, [old, new]) in self.slots.iter_mut().enumerate() {
            (slots[index], new_slots[index]) = (old, new);
        }
        step.update(index, Update { parameter: old, gradient, slots, new_parameter: new, new_slots })?;
        self.values.swap(0, 1);
        self.slots.iter_mut().for_each(|slot| slot.swap(0, 1));
        Ok(())
    }
}

/// The largest difference of two tensors, relative to the largest number of the second.
fn difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(0.0, |a: f32, b| a.max(b.abs()));
    ours.iter().zip(theirs).fold(0.0, |a: f32, (b, c)| a.max((b - c).abs())) / largest.max(f32::MIN_POSITIVE)
}

fn same_bits(ours: &[f32], theirs: &[f32]) -> bool {
    ours.iter().map(|value| value.to_bits()).eq(theirs.iter().map(|value| value.to_bits()))
}

#[test]
fn trajectories_are_those_of_keras() {
    let peer = Peer::open();
    let names = peer.names();
    let starts: Vec<_> = names.iter().map(|name| peer.f32s(&format!("start/{name}"))).collect();
    let gradients: Vec<_> = names.iter().map(|name| peer.f32s(&format!("gradient/{name}"))).collect();
    let list: Vec<_> = names.iter().zip(&starts).map(|(name, start)| (name.clone(), start.len())).collect();
    let (mut compared, mut failures) = (0, Vec::new());
    for (case, config) in &peer.configs {
        let Some(first) = peer.find(&format!("{case}/parameter/{}", names[0])) else { continue };
        // Keras adds up the squares of a norm in f32, here it is f64; all else has equal bits.
        let norms = case.contains("clipnorm") && !case.contains("never_reached");
        let optimizer = Optimizer::from_json(config, &list).unwrap();
        let steps = first.len() / starts[0].len();
        let mut parameters: Vec<_> =
            names.iter().zip(&starts).map(|(name, start)| Parameter::new(name, start.clone(), &optimizer)).collect();
        let theirs: Vec<_> = names.iter().map(|name| peer.f32s(&format!("{case}/parameter/{name}"))).collect();
        let mut worst: f32 = 0.0;
        let mut unequal = None;
        for iteration in 0..steps {
            let gradient = |index: usize| &gradients[index][iteration * starts[index].len()..][..starts[index].len()];
            let step = optimizer.step(iteration as u64, (0..names.len()).map(gradient)).unwrap();
            for (index, parameter) in parameters.iter_mut().enumerate() {
                parameter.update(&step, index, gradient(index)).unwrap();
                let theirs = &theirs[index][iteration * starts[index].len()..][..starts[index].len()];
                worst = worst.max(difference(&parameter.values[0], theirs));
                if !same_bits(&parameter.values[0], theirs) {
                    unequal.get_or_insert(iteration);
                }
            }
        }
        for parameter in &parameters {
            for (slot, [values, _]) in optimizer.slots().iter().zip(&parameter.slots) {
                let theirs = peer.f32s(&format!("{case}/slot/{}/{}", slot.name, parameter.name));
                worst = worst.max(difference(values, &theirs));
                if !same_bits(values, &theirs) {
                    unequal.get_or_insert(steps);
                }
            }
        }
        compared += 1;
        if worst > 1e-6 || unequal.is_some() && !norms {
            failures.push((case, worst, unequal));
        }
    }
    assert_eq!(compared, 28);
    assert!(failures.is_empty(), "case, largest relative difference, first step whose bits differ: {failures:#?}");
}

#[test]
fn schedules_are_those_of_keras() {
    let peer = Peer::open();
    let (mut schedules, mut failures) = (0, Vec::new());
    for (case, config) in peer.configs.iter().filter(|(_, config)| config["learning_rate"].is_object()) {
        schedules += 1;
        let optimizer = Optimizer::from_json(config, &[]).unwrap();
        let theirs = peer.f32s(&format!("{case}/learning_rate"));
        assert_eq!(theirs.len(), peer.iterations().len());
        for (iterations, theirs) in peer.iterations().into_iter().zip(theirs) {
            let ours = optimizer.learning_rate(iterations);
            if ours.to_bits() != theirs.to_bits() {
                failures.push((case, iterations, ours, theirs, (ours - theirs) / theirs));
            }
        }
    }
    assert_eq!(schedules, 11);
    assert!(failures.is_empty(), "case, iterations, ours, Keras', relative difference: {failures:#?}");
}

fn sgd() -> Value {
    json!({"rule": "sgd", "learning_rate": 0.5, "momentum": 0.0, "nesterov": false})
}

fn adam() -> Value {
    json!({"rule": "adam", "learning_rate": 0.5, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": false})
}

fn with(mut config: Value, field: &str, value: Value) -> Value {
    config[field] = value;
    config
}

fn optimizer(config: &Value, elements: usize) -> Optimizer {
    Optimizer::from_json(config, &[("kernel".to_owned(), elements)]).unwrap()
}

#[test]
fn gradients_and_values_that_are_not_finite_are_refused_by_name() {
    let configs = [
        sgd(),
        with(sgd(), "clipvalue", json!(1.0)),
        with(sgd(), "clipnorm", json!(1.0)),
        with(sgd(), "global_clipnorm", json!(1.0)),
        adam(),
    ];
    for config in configs {
        let optimizer = optimizer(&config, 40);
        for at in [0, 17, 39] {
            let mut gradient = vec![0.1; 40];
            gradient[at] = f32::NAN;
            let mut parameter = Parameter::new("kernel", vec![1.0; 40], &optimizer);
            let result = optimizer.step(0, [&gradient[..]]).and_then(|step| parameter.update(&step, 0, &gradient));
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NonFinite);
            assert!(error.to_string().contains("gradient") && error.to_string().ends_with("kernel"), "{error}");
        }
    }
    // Finite, but too large a step; or a second moment that overflows while the parameter does not.
    for (config, gradient) in [(with(sgd(), "learning_rate", json!(1e30)), 1e30), (adam(), 1e30)] {
        let optimizer = optimizer(&config, 40);
        let gradient = vec![gradient; 40];
        let step = optimizer.step(0, [&gradient[..]]).unwrap();
        let error = Parameter::new("kernel", vec![1.0; 40], &optimizer).update(&step, 0, &gradient).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NonFinite);
        assert!(error.to_string().contains("new value"), "{error}");
    }
}

#[test]
fn the_global_norm_names_the_gradient_that_is_not_finite() {
    let list = ["a", "b", "c"].map(|name| (name.to_owned(), 2));
    let optimizer = Optimizer::from_json(&with(sgd(), "global_clipnorm", json!(1.0)), &list).unwrap();
    let error = optimizer.step(0, [&[1.0, 1.0][..], &[1.0, f32::INFINITY], &[0.0, 0.0]]).unwrap_err();
    assert!(error.to_string().ends_with("parameter b"), "{error}");
}

#[test]
fn large_tensors_written_around_the_cache_have_the_same_bits() {
    // More than 32 MiB in all; the small ones are not.
    let elements = 2_500_003;
    let large = optimizer(&adam(), elements);
    let small = optimizer(&adam(), 1000);
    let value = |index: usize| ((index * 7919) % 1013) as f32 / 1013.0 - 0.5;
    let start: Vec<f32> = (0..elements).map(value).collect();
    let gradient: Vec<f32> = (0..elements).map(|index| value(index + 31)).collect();
    let mut parameter = Parameter::new("kernel", start.clone(), &large);
    parameter.update(&large.step(0, []).unwrap(), 0, &gradient).unwrap();
    for at in [0, 1, 999_983, elements - 1000] {
        let mut part = Parameter::new("kernel", start[at..at + 1000].to_vec(), &small);
        part.update(&small.step(0, []).unwrap(), 0, &gradient[at..at + 1000]).unwrap();
        assert!(same_bits(&part.values[0], &parameter.values[0][at..at + 1000]));
        assert!(same_bits(&part.slots[1][0], &parameter.slots[1][0][at..at + 1000]));
    }
}

#[test]
fn memory_of_the_wrong_size_is_refused() {
    let optimizer = optimizer(&adam(), 3);
    let step = optimizer.step(0, []).unwrap();
    let mut parameter = Parameter::new("kernel", vec![1.0; 3], &optimizer);
    assert_eq!(parameter.update(&step, 1, &[0.0; 3]).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(parameter.update(&step, 0, &[0.0; 2]).unwrap_err().kind(), ErrorKind::InvalidInput);
    parameter.slots.pop();
    let error = parameter.update(&step, 0, &[0.0; 3]).unwrap_err();
    assert!(error.to_string().contains("2 slots of 3 elements"), "{error}");
}

#[test]
fn a_constant_rate_replaces_a_schedule() {
    let schedule =
        json!({"schedule": "exponential_decay", "initial_learning_rate": 1.0, "decay_steps": 1, "decay_rate": 0.5, "staircase": false});
    let optimizer = optimizer(&with(sgd(), "learning_rate", schedule), 1);
    assert_eq!((optimizer.learning_rate(0), optimizer.learning_rate(2)), (1.0, 0.25));
    let optimizer = optimizer.with_learning_rate(0.125).unwrap();
    assert_eq!((optimizer.learning_rate(0), optimizer.learning_rate(2)), (0.125, 0.125));
    for rate in [-1.0, f32::NAN, f32::INFINITY] {
        assert_eq!(optimizer.clone().with_learning_rate(rate).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn descriptions_that_are_wrong_are_refused_and_say_where() {
    let schedule = |name: &str, fields: Value| {
        let mut schedule = fields;
        schedule["schedule"] = json!(name);
        with(sgd(), "learning_rate", schedule)
    };
    let decay = json!({"initial_learning_rate": 1.0, "decay_steps": 10, "decay_rate": 0.5, "staircase": false});
    let mut lacking = adam();
    lacking.as_object_mut().unwrap().remove("beta_1");
    let refused = [
        (json!(3), "object"),
        (json!({}), "rule"),
        (with(sgd(), "rule", json!("rmsprop")), "rmsprop"),
        (with(sgd(), "beta_1", json!(0.9)), "beta_1"),
        (lacking, "beta_1"),
        (with(sgd(), "momentum", json!(1.5)), "momentum"),
        (with(sgd(), "momentum", json!(null)), "sgd"),
        (with(sgd(), "learning_rate", json!(-0.1)), "learning_rate"),
        (with(sgd(), "learning_rate", json!(1e39)), "learning_rate"),
        (with(sgd(), "learning_rate", json!("fast")), "learning_rate"),
        (with(sgd(), "weight_decay", json!(-1)), "weight_decay"),
        (with(sgd(), "weight_decay_excluded", json!(["bias"])), "bias"),
        (with(sgd(), "clipnorm", json!(0)), "clipnorm"),
        (with(sgd(), "clipvalue", json!(1e-60)), "clipvalue"),
        (with(with(sgd(), "clipnorm", json!(1)), "clipvalue", json!(1)), "at most one"),
        (with(adam(), "beta_2", json!(1)), "beta_2"),
        (with(adam(), "epsilon", json!(-1)), "epsilon"),
        (schedule("linear", decay.clone()), "linear"),
        (schedule("exponential_decay", with(decay.clone(), "power", json!(2))), "power"),
        (schedule("exponential_decay", with(decay.clone(), "decay_steps", json!(0))), "decay_steps"),
        (schedule("inverse_time_decay", with(decay, "staircase", json!(1))), "bool"),
        (schedule("piecewise_constant_decay", json!({"boundaries": [1], "values": [1.0]})), "values"),
        (schedule("piecewise_constant_decay", json!({"boundaries": [], "values": [1.0]})), "boundaries"),
        (schedule("piecewise_constant_decay", json!({"boundaries": [5, 5], "values": [1, 2, 3]})), "increase"),
        (
            schedule(
                "cosine_decay_restarts",
                json!({"initial_learning_rate": 1, "first_decay_steps": 5, "t_mul": 0.5, "m_mul": 1, "alpha": 0}),
            ),
            "t_mul",
        ),
    ];
    for (config, part) in refused {
        let error = Optimizer::from_json(&config, &[("kernel".to_owned(), 1)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidBundle);
        assert!(error.to_string().contains(part), "{error} should say {part}");
    }
}
