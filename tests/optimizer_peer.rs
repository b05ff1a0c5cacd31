//! Optimizers against Keras' own, fed the same gradients: `make peer` records what those do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::fs;

use common::optimizing::{Parameter, same_bits};
use safetensors::SafeTensors;
use serde_json::Value;
use streamgrad::optimizer::Optimizer;

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

/// The largest difference of two tensors, relative to the largest number of the second.
fn difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(0.0, |a: f32, b| a.max(b.abs()));
    ours.iter().zip(theirs).fold(0.0, |a: f32, (b, c)| a.max((b - c).abs())) / largest.max(f32::MIN_POSITIVE)
}

/// A case of the peer, ready to be replayed: parameters in the order of the optimizer's.
struct Case<'p> {
    peer: &'p Peer,
    name: &'p str,
    optimizer: Optimizer,
    steps: usize,
    parameters: Vec<Parameter>,
    gradients: Vec<Vec<f32>>,
}

impl<'p> Case<'p> {
    /// None if the peer has no trajectory of it.
    fn open(peer: &'p Peer, name: &'p str, config: &Value) -> Option<Self> {
        let names = peer.names();
        let first = peer.find(&format!("{name}/parameter/{}", names[0]))?;
        let starts: Vec<_> = names.iter().map(|name| peer.f32s(&format!("start/{name}"))).collect();
        let list: Vec<_> = names.iter().zip(&starts).map(|(name, start)| (name.clone(), start.len())).collect();
        let optimizer = Optimizer::from_json(config, &list).unwrap();
        let steps = first.len() / starts[0].len();
        let new = |(index, (name, start)): (usize, (&String, Vec<f32>))| Parameter::at(name, start, &optimizer, index);
        let parameters = names.iter().zip(starts).enumerate().map(new).collect();
        let gradients = names.iter().map(|name| peer.f32s(&format!("gradient/{name}"))).collect();
        Some(Self { peer, name, optimizer, steps, parameters, gradients })
    }

    fn step(&mut self, iteration: usize) {
        let gradients: Vec<_> =
            self.gradients.iter().zip(&self.parameters).map(|(all, parameter)| part(all, parameter.values[0].len(), iteration)).collect();
        let step = self.optimizer.step(iteration as u64, gradients.iter().copied()).unwrap();
        for (index, (parameter, gradient)) in self.parameters.iter_mut().zip(gradients).enumerate() {
            parameter.update(&step, index, gradient).unwrap();
        }
    }

    /// What Keras has of every parameter and slot after every step, in the order of [`Self::ours`].
    fn theirs(&self) -> Vec<Vec<f32>> {
        let of = |(index, parameter): (usize, &Parameter)| {
            let slots = self.optimizer.slots(index).iter().map(|slot| format!("slot/{}", slot.name));
            let kinds = std::iter::once("parameter".to_owned()).chain(slots);
            kinds.map(|kind| self.peer.f32s(&format!("{}/{kind}/{}", self.name, parameter.name))).collect::<Vec<_>>()
        };
        self.parameters.iter().enumerate().flat_map(of).collect()
    }

    fn ours(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        self.parameters.iter_mut().flat_map(|parameter| {
            let slots = parameter.slots.iter_mut().map(|[old, _]| old);
            std::iter::once(&mut parameter.values[0]).chain(slots)
        })
    }
}

/// What a recording of all steps has of one.
fn part(all: &[f32], elements: usize, step: usize) -> &[f32] {
    &all[step * elements..][..elements]
}

#[test]
fn trajectories_are_those_of_keras() {
    let peer = Peer::open();
    let (mut compared, mut failures) = (0, Vec::new());
    for (name, config) in &peer.configs {
        let Some(mut case) = Case::open(&peer, name, config) else { continue };
        // Keras raises to a power by a formula of its own, and adds up the squares of a norm in f32, where here it is f64.
        let ftrl = name.starts_with("ftrl");
        let norms = name.contains("clipnorm") && !name.contains("never_reached");
        let tolerance = if ftrl { 5e-6 } else { 1e-6 };
        let theirs = case.theirs();
        let (mut worst, mut unequal) = (0f32, None);
        for iteration in 0..case.steps {
            case.step(iteration);
            for (ours, theirs) in case.ours().zip(&theirs) {
                let theirs = part(theirs, ours.len(), iteration);
                worst = worst.max(difference(ours, theirs));
                if !same_bits(ours, theirs) {
                    unequal.get_or_insert(iteration);
                }
            }
        }
        compared += 1;
        if worst.is_nan() || worst > tolerance || unequal.is_some() && !norms && !ftrl {
            failures.push((name, worst, unequal));
        }
    }
    assert_eq!(compared, 63);
    assert!(failures.is_empty(), "case, largest relative difference, first step whose bits differ: {failures:#?}");
}

#[test]
fn a_step_of_ftrl_from_the_state_of_keras_is_as_near() {
    let peer = Peer::open();
    let (mut compared, mut failures) = (0, Vec::new());
    for (name, config) in peer.configs.iter().filter(|(name, _)| name.starts_with("ftrl")) {
        let mut case = Case::open(&peer, name, config).unwrap();
        let theirs = case.theirs();
        let mut worst = 0f32;
        for iteration in 0..case.steps {
            case.step(iteration);
            for (ours, theirs) in case.ours().zip(&theirs) {
                let theirs = part(theirs, ours.len(), iteration);
                worst = worst.max(difference(ours, theirs));
                ours.copy_from_slice(theirs);
            }
        }
        compared += 1;
        if worst.is_nan() || worst > 1e-6 {
            failures.push((name, worst));
        }
    }
    assert_eq!(compared, 7);
    assert!(failures.is_empty(), "case, largest relative difference in a step: {failures:#?}");
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
