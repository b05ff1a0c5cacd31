//! Transforms that a manifest says and nobody can do: the bundle is refused with the reason.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;

use common::{builder, peer};
use serde_json::{Value, json};
use streamgrad::ErrorKind;

/// A copy of a bundle whose manifest is changed, and what opening it says.
fn refusal(change: impl FnOnce(&mut Value)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let from = peer().join("transforms-running.bundle");
    for file in ["graph.pb", "initial.safetensors"] {
        fs::copy(from.join(file), folder.path().join(file)).unwrap();
    }
    let mut manifest: Value = serde_json::from_slice(&fs::read(from.join("bundle.json")).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(folder.path().join("bundle.json"), manifest.to_string()).unwrap();
    let error = builder(Path::new(folder.path())).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidBundle, "{error}");
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    format!("{error} {source}")
}

/// Replaces the transform of the image.
fn with_steps(steps: Value) -> String {
    refusal(|manifest| image(manifest)["transform"]["steps"] = steps)
}

fn image(manifest: &mut Value) -> &mut Value {
    manifest["features"].as_array_mut().unwrap().iter_mut().find(|feature| feature["name"] == "image").unwrap()
}

#[test]
fn what_a_reader_does_not_know_or_cannot_do_is_refused() {
    let refused = |found: String, wanted: &str| assert!(found.contains(wanted), "{found}\ninstead of\n{wanted}");
    refused(with_steps(json!([{"kind": "sharpen"}])), "unknown variant `sharpen`");
    refused(with_steps(json!([{"kind": "log", "base": 2}])), "unknown field `base`");
    refused(with_steps(json!([])), "no transform reads the moments image/image/moments");
    let running = || json!({"kind": "running_standardize", "state": "image/image/moments"});
    refused(with_steps(json!([running(), running()])), "there are no moments image/image/moments of 4 values for it alone");
    refused(with_steps(json!([running(), {"kind": "cyclic", "period": 3}])), "makes 8 numbers a row, the feature has 4 of float32");
    refused(with_steps(json!([running(), {"kind": "cyclic", "period": 0}])), "the period of cyclic is 0");
    refused(with_steps(json!([{"kind": "hash", "buckets": 3}, running()])), "hash takes integers or strings, not numbers");
    refused(with_steps(json!([running(), {"kind": "bucketize", "boundaries": [2, 1]}])), "do not ascend");
    refused(with_steps(json!([running(), {"kind": "min_max", "min": [1], "max": [1]}])), "min_max has the numbers 1 and 1");
    refused(with_steps(json!([running(), {"kind": "min_max", "min": [1, 1], "max": [2, 2]}])), "for rows of 4 values");
    refused(with_steps(json!([running(), {"kind": "default", "value": "x"}])), "a text for what is missing takes strings, not numbers");
    let sixteen = json!([running(), {"kind": "bucketize", "boundaries": [1]}, {"kind": "one_hot", "depth": 4}]);
    refused(with_steps(sixteen), "makes 16 integers a row");
    let twice = json!([{"kind": "vocabulary", "tokens": [1, 1], "oov": 1}]);
    refused(with_steps(twice), "vocabulary takes integers or strings, not numbers");
    refused(
        refusal(|manifest| image(manifest)["transform"]["of"] = json!(["sky"])),
        "image is made of sky, which is no column of the record",
    );
    let integers = refusal(|manifest| {
        let seats = manifest["record"].as_array_mut().unwrap().iter_mut().find(|column| column["name"] == "seats").unwrap();
        seats["dtype"] = json!("int16");
    });
    refused(integers, "seats is int16, which has no value that says that it is missing");
    refused(refusal(|manifest| image(manifest)["fields"] = json!(["image"])), "so it has no fields");
    refused(refusal(|manifest| image(manifest)["transform"]["cross"] = json!(7)), "a cross takes two or more single integers or strings");
    refused(refusal(|manifest| manifest["state"][0]["tensor"] = json!("x:0")), "moments are float64 without tensors");
    let fewer = refusal(|manifest| manifest["state"][0]["shape"] = json!([3, 9]));
    assert!(fewer.contains("initial.safetensors"), "{fewer}");
}
