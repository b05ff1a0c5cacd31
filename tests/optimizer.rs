//! What an optimizer does, refuses and leaves in a snapshot; `optimizer_peer.rs` compares it with Keras.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use common::optimizing::{Parameter, same_bits};
use common::store::{changed, content, fresh, learn, quiet};
use common::{Recording, builder};
use serde_json::{Value, json};
use streamgrad::ErrorKind;
use streamgrad::optimizer::Optimizer;

fn sgd() -> Value {
    json!({"rule": "sgd", "learning_rate": 0.5, "momentum": 0.0, "nesterov": false})
}

fn adam() -> Value {
    json!({"rule": "adam", "learning_rate": 0.5, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": false})
}

fn ftrl() -> Value {
    json!({
        "rule": "ftrl", "learning_rate": 0.5, "learning_rate_power": -0.5, "initial_accumulator_value": 0.1, "beta": 0.0,
        "l1_regularization_strength": 0.0, "l2_regularization_strength": 0.0, "l2_shrinkage_regularization_strength": 0.0
    })
}

/// Descent, and this for a group of these parameters.
fn group(config: Value, parameters: &[&str]) -> Value {
    with(sgd(), "groups", json!([with(config, "parameters", json!(parameters))]))
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
fn a_constant_rate_is_that_of_every_group() {
    let list = ["a", "b"].map(|name| (name.to_owned(), 1));
    let optimizer = Optimizer::from_json(&group(with(sgd(), "learning_rate", json!(2.0)), &["b"]), &list).unwrap();
    let moved = |optimizer: &Optimizer| {
        let step = optimizer.step(0, []).unwrap();
        [0, 1].map(|index| {
            let mut parameter = Parameter::at("", vec![0.0], optimizer, index);
            parameter.update(&step, index, &[1.0]).unwrap();
            parameter.values[0][0]
        })
    };
    assert_eq!((moved(&optimizer), optimizer.learning_rate(0)), ([-0.5, -2.0], 0.5));
    let optimizer = optimizer.with_learning_rate(0.25).unwrap();
    assert_eq!((moved(&optimizer), optimizer.learning_rate(0)), ([-0.25, -0.25], 0.25));
    assert_eq!(moved(&optimizer.with_learning_rate(0.0).unwrap()), [0.0, 0.0]);
    let divides = Optimizer::from_json(&group(ftrl(), &["b"]), &list).unwrap();
    assert!(divides.with_learning_rate(0.0).unwrap_err().to_string().contains("ftrl"));
}

#[test]
fn the_global_norm_of_a_group_leaves_out_the_others() {
    let list = ["a", "b", "c"].map(|name| (name.to_owned(), 1));
    let clipped = group(with(with(sgd(), "global_clipnorm", json!(1.0)), "learning_rate", json!(1.0)), &["a", "c"]);
    let optimizer = Optimizer::from_json(&clipped, &list).unwrap();
    // 3 and 4 have the norm 5; what the others have, finite or not, is not looked at.
    let gradients = [[3.0], [f32::NAN], [4.0]];
    let step = optimizer.step(0, gradients.iter().map(|gradient| &gradient[..])).unwrap();
    for (index, moved) in [(0, -0.6), (2, -0.8)] {
        let mut parameter = Parameter::at("", vec![0.0], &optimizer, index);
        parameter.update(&step, index, &gradients[index]).unwrap();
        assert!((parameter.values[0][0] - moved).abs() < 1e-6);
    }
    let mut other = Parameter::at("b", vec![0.0], &optimizer, 1);
    assert_eq!(other.update(&step, 1, &gradients[1]).unwrap_err().kind(), ErrorKind::NonFinite);
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
        (with(sgd(), "rule", json!("adafactor")), "adafactor"),
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
        (with(sgd(), "ema_momentum", json!(1.5)), "ema_momentum"),
        (with(sgd(), "ema_overwrite_frequency", json!(3)), "needs an ema_momentum"),
        (with(with(sgd(), "ema_momentum", json!(0.9)), "ema_overwrite_frequency", json!(0)), "at least 1"),
        (with(ftrl(), "learning_rate_power", json!(0.5)), "learning_rate_power"),
        (with(ftrl(), "learning_rate", json!(0)), "ftrl"),
        (with(sgd(), "groups", json!({})), "groups must be a list"),
        (with(sgd(), "groups", json!([sgd()])), "groups[0]: parameters"),
        (group(sgd(), &[]), "groups[0]: parameters"),
        (group(sgd(), &["bias"]), "groups[0] names a parameter that the bundle does not have: bias"),
        (group(sgd(), &["kernel", "kernel"]), "one group: kernel"),
        (group(with(sgd(), "momentum", json!(2)), &["kernel"]), "groups[0]: momentum"),
        (with(group(sgd(), &["kernel"]), "weight_decay_excluded", json!(["kernel"])), "not there to decay: kernel"),
        (group(group(sgd(), &["kernel"]), &["kernel"]), "groups"),
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

#[test]
fn every_rule_goes_on_bit_for_bit() {
    let rule = |rule: &str, own: Value| {
        let mut config = json!({"rule": rule, "learning_rate": 0.01});
        config.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        config
    };
    let betas = json!({"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-7});
    let adam = json!({"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-7, "amsgrad": true, "ema_momentum": 0.9});
    let mut grouped = rule("lion", json!({"beta_1": 0.9, "beta_2": 0.99}));
    let averaged = json!({
        "rho": 0.9, "epsilon": 1e-7, "momentum": 0.5, "centered": true, "ema_momentum": 0.9, "ema_overwrite_frequency": 4,
        "parameters": ["dense_1/bias", "kind/kernel"]
    });
    grouped["groups"] = json!([rule("rmsprop", averaged)]);
    let power = json!({
        "learning_rate_power": -0.5, "initial_accumulator_value": 0.1, "beta": 0.1, "l1_regularization_strength": 0.001,
        "l2_regularization_strength": 0.001, "l2_shrinkage_regularization_strength": 0.001
    });
    // With the number of slots that the six parameters have in all.
    let optimizers = [
        (rule("sgd", json!({"momentum": 0.9, "nesterov": true})), 6),
        (rule("adagrad", json!({"initial_accumulator_value": 0.1, "epsilon": 1e-7})), 6),
        (rule("rmsprop", json!({"rho": 0.9, "epsilon": 1e-7, "momentum": 0.5, "centered": false})), 12),
        (rule("adam", adam), 24),
        (rule("ftrl", power), 12),
        (rule("adadelta", json!({"rho": 0.9, "epsilon": 1e-7})), 12),
        (rule("nadam", betas.clone()), 12),
        (rule("adamax", betas), 12),
        (grouped, 4 + 2 * 4),
    ];
    let recording = Recording::open("mlp", "sgd");
    for (optimizer, slots) in optimizers {
        let folder = tempfile::tempdir().unwrap();
        let bundle = changed(&recording, folder.path(), |manifest| manifest["optimizer"] = optimizer.clone());
        let open = |path: &Path| builder(&bundle).store(quiet(path).open().unwrap()).open().unwrap();
        let (_kept, at_once) = fresh();
        let whole = open(&at_once);
        learn(&recording, &whole, 6);
        let wanted = content(&at_once, whole.save().unwrap());
        let (_kept, path) = fresh();
        let first = open(&path);
        learn(&recording, &first, 3);
        first.save().unwrap();
        drop(first);
        let second = open(&path);
        learn(&recording, &second, 3);
        let found = content(&path, second.save().unwrap());
        assert!(found == wanted, "{optimizer}");
        let training = safetensors::SafeTensors::deserialize(&found[1]).unwrap();
        assert_eq!(training.names().into_iter().filter(|name| name.starts_with("slot/")).count(), slots, "{optimizer}");
    }
}
