//! The optimizers against the memory: one step beside a copy of as many bytes as the step must move.
//!
//! "small" are the 1,603 parameters of an MLP 13-32-32-3 in its six tensors; "large" are 21 M parameters in one.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use streamgrad::optimizer::{MAX_SLOTS, Optimizer, Update};

const SMALL: [usize; 6] = [13 * 32, 32, 32 * 32, 32, 32 * 3, 3];
const MIDDLE: [usize; 6] = [784 * 256, 256, 256 * 128, 128, 128 * 10, 10];
const LARGE: [usize; 1] = [21_000_000];

fn rules() -> [(&'static str, Value); 6] {
    let adam =
        |amsgrad: bool| json!({"rule": "adam", "learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": amsgrad});
    let sgd = |momentum: f64| json!({"rule": "sgd", "learning_rate": 1e-3, "momentum": momentum, "nesterov": false});
    let mut clipped = sgd(0.0);
    clipped["global_clipnorm"] = json!(1.0);
    [
        ("sgd", sgd(0.0)),
        ("momentum", sgd(0.9)),
        ("adagrad", json!({"rule": "adagrad", "learning_rate": 1e-3, "initial_accumulator_value": 0.1, "epsilon": 1e-7})),
        ("adam", adam(false)),
        ("amsgrad", adam(true)),
        ("sgd, global norm", clipped),
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

fn steps(criterion: &mut Criterion, name: &str, sizes: &[usize]) {
    let elements: usize = sizes.iter().sum();
    let mut group = criterion.benchmark_group(name);
    if elements > 1_000_000 {
        group.sample_size(10);
    }
    let tensors = |value: f32| sizes.iter().map(|size| Aligned::new(*size, value)).collect::<Vec<_>>();
    let (parameters, gradients) = (tensors(0.5), tensors(0.01));
    let mut new_parameters = tensors(0.0);
    let parameter_list: Vec<_> = sizes.iter().enumerate().map(|(index, size)| (format!("p{index}"), *size)).collect();

    for (rule, config) in rules() {
        let optimizer = Optimizer::from_json(&config, &parameter_list).unwrap();
        let kept = optimizer.slots().len();
        let slots: Vec<_> = (0..kept).map(|_| tensors(0.1)).collect();
        let mut new_slots: Vec<_> = (0..kept).map(|_| tensors(0.0)).collect();
        // Reads values, gradients, slots; writes values, slots: a copy of half of that moves as many bytes.
        group.throughput(Throughput::Bytes((elements * 4 * (3 + 2 * kept)) as u64));
        let mut iterations = 0;
        group.bench_function(BenchmarkId::new(rule, elements), |bencher| {
            bencher.iter(|| {
                let step = optimizer.step(iterations, gradients.iter().zip(sizes).map(|(gradient, size)| gradient.get(*size))).unwrap();
                for (index, size) in sizes.iter().enumerate() {
                    let mut outputs = new_slots.iter_mut();
                    step.update(
                        index,
                        Update {
                            parameter: parameters[index].get(*size),
                            gradient: gradients[index].get(*size),
                            slots: std::array::from_fn(|slot| slots.get(slot).map_or(&[][..], |slot| slot[index].get(*size))),
                            new_parameter: new_parameters[index].get_mut(*size),
                            new_slots: [(); MAX_SLOTS].map(|()| outputs.next().map_or(&mut [][..], |slot| slot[index].get_mut(*size))),
                        },
                    )
                    .unwrap();
                }
                iterations += 1;
            });
        });
    }
    let copied = elements * 3 / 2;
    let from = vec![1.0f32; copied];
    let mut to = vec![0.0f32; copied];
    group.throughput(Throughput::Bytes((copied * 8) as u64));
    group.bench_function(BenchmarkId::new("memcpy as sgd", elements), |bencher| {
        bencher.iter(|| black_box(&mut to).copy_from_slice(black_box(&from)));
    });
    group.finish();
}

fn benches(criterion: &mut Criterion) {
    steps(criterion, "small", &SMALL);
    steps(criterion, "middle", &MIDDLE);
    steps(criterion, "large", &LARGE);
}

criterion_group!(optimizer, benches);
criterion_main!(optimizer);
