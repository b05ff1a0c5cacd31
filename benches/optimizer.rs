//! The optimizers against the memory: a step of every rule beside a copy of as many bytes: `make bench`.
//!
//! Prints one line of JSON for each figure, as `benches/run.py` collects them. Small are the 1,603 parameters of an MLP
//! 13-32-32-3 in its six tensors, middle the 235 k of 784-256-128-10, large 21 M in one tensor. The two take turns.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

mod given;

use std::hint::black_box;
use std::time::Duration;

use serde_json::{Value, json};
use streamgrad::optimizer::{MAX_SLOTS, Optimizer, Update};

const SIZES: [(&str, &[usize], Option<&str>); 3] = [
    ("1.6 k parameters", &[13 * 32, 32, 32 * 32, 32, 32 * 3, 3], None),
    ("235 k parameters", &[784 * 256, 256, 256 * 128, 128, 128 * 10, 10], None),
    // Nothing is left in a cache from the step before: here a rule is to keep up with the memory. Smaller tensors live in
    // a cache, and what binds is the pace of division and root.
    ("21 M parameters", &[21_000_000], Some("<= 1.5")),
];

/// Short, so that all of a round is of the same seconds.
const TURN: Duration = Duration::from_millis(10);
const ROUNDS: usize = 31;

fn rules() -> Vec<(&'static str, Value)> {
    let rule = |rule: &str, own: Value| {
        let mut config = json!({"rule": rule, "learning_rate": 1e-3});
        config.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        config
    };
    let sgd = |momentum: f64, nesterov: bool| rule("sgd", json!({"momentum": momentum, "nesterov": nesterov}));
    let rmsprop =
        |momentum: f64, centered: bool| rule("rmsprop", json!({"rho": 0.9, "momentum": momentum, "epsilon": 1e-7, "centered": centered}));
    let adam = |amsgrad: bool| rule("adam", json!({"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": amsgrad}));
    let ftrl = |power: f64| {
        rule(
            "ftrl",
            json!({
                "learning_rate_power": power, "initial_accumulator_value": 0.1, "beta": 0.0, "l1_regularization_strength": 0.001,
                "l2_regularization_strength": 0.001, "l2_shrinkage_regularization_strength": 0.0
            }),
        )
    };
    let with = |mut config: Value, field: &str, value: Value| {
        config[field] = value;
        config
    };
    vec![
        ("sgd", sgd(0.0, false)),
        ("sgd with momentum", sgd(0.9, false)),
        ("sgd with nesterov", sgd(0.9, true)),
        ("adagrad", rule("adagrad", json!({"initial_accumulator_value": 0.1, "epsilon": 1e-7}))),
        ("rmsprop", rmsprop(0.0, false)),
        ("rmsprop, centered, with momentum", rmsprop(0.9, true)),
        ("adam", adam(false)),
        ("adam with amsgrad", adam(true)),
        ("adamw", with(adam(false), "weight_decay", json!(0.004))),
        ("ftrl", ftrl(-0.5)),
        ("ftrl, power -0.7", ftrl(-0.7)),
        ("adadelta", rule("adadelta", json!({"rho": 0.95, "epsilon": 1e-7}))),
        ("nadam", rule("nadam", json!({"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}))),
        ("adamax", rule("adamax", json!({"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}))),
        ("lion", rule("lion", json!({"beta_1": 0.9, "beta_2": 0.99}))),
        ("adam with an average of weights", with(adam(false), "ema_momentum", json!(0.99))),
        ("adam with clipvalue", with(adam(false), "clipvalue", json!(1.0))),
        ("adam with global_clipnorm", with(adam(false), "global_clipnorm", json!(1.0))),
    ]
}

/// Memory aligned as a tensor's is.
struct Aligned(Vec<[f32; 16]>, usize);

impl Aligned {
    fn new(elements: usize, value: f32) -> Self {
        let mut memory = Vec::<[f32; 16]>::with_capacity(elements.div_ceil(16) + 4);
        // Start at a multiple of 64 bytes.
        let skip = memory.as_ptr().align_offset(64) / 64;
        memory.resize(elements.div_ceil(16) + 4, [value; 16]);
        Self(memory, skip.min(4))
    }

    fn get(&self, elements: usize) -> &[f32] {
        &self.0.as_flattened()[16 * self.1..][..elements]
    }

    fn get_mut(&mut self, elements: usize) -> &mut [f32] {
        &mut self.0.as_flattened_mut()[16 * self.1..][..elements]
    }
}

/// Parameters, gradients and slots; old and new change places with every step, as in a store.
struct Memory<'s> {
    sizes: &'s [usize],
    gradients: Vec<Aligned>,
    parameters: [Vec<Aligned>; 2],
    slots: [Vec<Vec<Aligned>>; 2],
    steps: u64,
}

impl<'s> Memory<'s> {
    fn new(sizes: &'s [usize], slots: usize) -> Self {
        let tensors = |value: f32| sizes.iter().map(|size| Aligned::new(*size, value)).collect::<Vec<_>>();
        let kept = || (0..slots).map(|_| tensors(0.1)).collect::<Vec<_>>();
        Self { sizes, gradients: tensors(0.01), parameters: [tensors(0.5), tensors(0.5)], slots: [kept(), kept()], steps: 0 }
    }

    fn step(&mut self, optimizer: &Optimizer) {
        let Self { sizes, gradients, parameters: [parameters, new_parameters], slots: [slots, new_slots], steps } = self;
        let step = optimizer.step(*steps, gradients.iter().zip(*sizes).map(|(gradient, size)| gradient.get(*size))).unwrap();
        for (index, size) in sizes.iter().enumerate() {
            let mut outputs = new_slots.iter_mut();
            let update = Update {
                parameter: parameters[index].get(*size),
                gradient: gradients[index].get(*size),
                slots: std::array::from_fn(|slot| slots.get(slot).map_or(&[][..], |slot| slot[index].get(*size))),
                new_parameter: new_parameters[index].get_mut(*size),
                new_slots: [(); MAX_SLOTS].map(|()| outputs.next().map_or(&mut [][..], |slot| slot[index].get_mut(*size))),
            };
            step.update(index, update).unwrap();
        }
        self.parameters.swap(0, 1);
        self.slots.swap(0, 1);
        self.steps += 1;
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    // Under `cargo test` it only has to run.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { ROUNDS } else { 1 };
    let report = |name: String, value: f64, unit: &str, goal: Option<&str>| {
        println!("{}", json!({"name": name, "value": value, "unit": unit, "goal": goal}));
    };
    for (what, sizes, goal) in SIZES {
        let parameters: Vec<_> = sizes.iter().enumerate().map(|(index, size)| (format!("p{index}"), *size)).collect();
        let elements: usize = sizes.iter().sum();
        for (rule, config) in rules() {
            let optimizer = Optimizer::from_json(&config, &parameters).unwrap();
            let slots = optimizer.slots(0).len();
            let mut memory = Memory::new(sizes, slots);
            // Reads values, gradients, slots; writes values, slots: a copy of half of that moves as many bytes.
            let moved = elements * (3 + 2 * slots);
            let (from, mut to) = (Aligned::new(moved / 2, 1.0), Aligned::new(moved / 2, 0.0));
            // So many at a time that the clock costs nothing.
            let calls = (200_000 / elements).max(1);
            let turn = |call: &mut dyn FnMut()| given::turn(TURN, || (0..calls).for_each(|_| call())) / calls as f64;
            let mut turns: Vec<[f64; 2]> = Vec::new();
            for _ in 0..=rounds {
                let step = turn(&mut || memory.step(&optimizer));
                let copy = turn(&mut || black_box(to.get_mut(moved / 2)).copy_from_slice(black_box(from.get(moved / 2))));
                turns.push([step, copy]);
            }
            // The first turn touches the memory for the first time.
            let of = |value: fn(&[f64; 2]) -> f64| median(turns[1..].iter().map(value).collect());
            let (step, ratio) = (of(|[step, _]| *step), of(|[step, copy]| step / copy));
            report(format!("optimizer: {rule}, {what}"), step, "us", None);
            // A power has no instruction of its own, and a global norm reads the gradients once more.
            let goal = goal.filter(|_| !rule.contains("power") && !rule.contains("global"));
            report(format!("optimizer / copy of as many bytes: {rule}, {what}"), ratio, "x", goal);
        }
    }
}
