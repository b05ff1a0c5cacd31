//! What a bundle may not be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;

use common::peer;
use serde_json::{Value, json};
use streamgrad::{Bundle, ErrorKind};
use tempfile::TempDir;

/// A copy of a recorded bundle that a test may spoil.
fn copy(name: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let from = peer().join(name);
    for file in ["bundle.json", "graph.pb", "initial.safetensors"] {
        fs::copy(from.join(file), folder.path().join(file)).unwrap_or_else(|error| panic!("{}: {error}; run `make peer`", from.display()));
    }
    folder
}

/// Opens a bundle whose manifest was changed.
fn with_manifest(change: impl FnOnce(&mut Value)) -> streamgrad::Result<Bundle> {
    let folder = copy("mlp-sgd.bundle");
    let path = folder.path().join("bundle.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(&path, serde_json::to_vec(&manifest).unwrap()).unwrap();
    Bundle::open(folder.path())
}

#[track_caller]
fn refused(bundle: streamgrad::Result<Bundle>, kind: ErrorKind, says: &str) {
    let error = bundle.expect_err("the bundle was taken");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(says), "{error:?} does not say {says:?}");
}

#[track_caller]
fn refused_manifest(says: &str, change: impl FnOnce(&mut Value)) {
    refused(with_manifest(change), ErrorKind::InvalidBundle, says);
}

#[test]
fn an_untouched_copy_opens() {
    with_manifest(|_| {}).unwrap();
}

#[test]
fn missing_files() {
    refused(Bundle::open("/nowhere"), ErrorKind::InvalidBundle, "/nowhere/bundle.json");
    for file in ["graph.pb", "initial.safetensors"] {
        let folder = copy("mlp-sgd.bundle");
        fs::remove_file(folder.path().join(file)).unwrap();
        refused(Bundle::open(folder.path()), ErrorKind::InvalidBundle, file);
    }
}

#[test]
fn truncated_and_altered_files() {
    for file in ["graph.pb", "initial.safetensors"] {
        for spoil in [|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2), |bytes: &mut Vec<u8>| bytes[100] ^= 1] {
            let folder = copy("mlp-sgd.bundle");
            let path = folder.path().join(file);
            let mut bytes = fs::read(&path).unwrap();
            spoil(&mut bytes);
            fs::write(&path, bytes).unwrap();
            let says = format!("{}: {file} was altered or truncated", folder.path().display());
            refused(Bundle::open(folder.path()), ErrorKind::InvalidBundle, &says);
        }
    }
    let folder = copy("mlp-sgd.bundle");
    let path = folder.path().join("bundle.json");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    refused(Bundle::open(folder.path()), ErrorKind::InvalidBundle, "not JSON");
}

#[test]
fn another_format() {
    refused_manifest("the bundle has format 2", |manifest| manifest["format"] = json!(2));
    refused_manifest("no format number", |manifest| drop(manifest.as_object_mut().unwrap().remove("format")));
}

#[test]
fn what_the_manifest_may_not_say() {
    refused_manifest("float33", |manifest| manifest["features"][0]["dtype"] = json!("float33"));
    refused_manifest("positive", |manifest| manifest["features"][0]["shape"] = json!([0]));
    refused_manifest("2^40", |manifest| manifest["features"][0]["shape"] = json!([1i64 << 40, 1i64 << 40]));
    refused_manifest("2 fields", |manifest| manifest["features"][0]["fields"] = json!(["a", "b"]));
    refused_manifest("the field label is there twice", |manifest| manifest["features"][0]["fields"] = json!(["label"]));
    refused_manifest("is there twice", |manifest| manifest["parameters"][1]["name"] = manifest["parameters"][0]["name"].clone());
    refused_manifest("which is no output", |manifest| manifest["labels"][0]["output"] = json!("nothing"));
    refused_manifest("only float32 is learned", |manifest| manifest["parameters"][0]["dtype"] = json!("int32"));
    refused_manifest("no hash of graph.pb", |manifest| manifest["files"] = json!({}));
}

#[test]
fn a_graph_that_does_not_fit_its_manifest() {
    refused_manifest("no node train/nothing", |manifest| manifest["loss"]["train"] = json!("train/nothing:0"));
    refused_manifest("float32 in the graph, but int64", |manifest| manifest["features"][0]["dtype"] = json!("int64"));
    refused_manifest("shape [-1, 13] in the graph", |manifest| manifest["features"][0]["shape"] = json!([14]));
    refused_manifest("not a Placeholder", |manifest| manifest["features"][0]["tensor"] = manifest["loss"]["train"].clone());
    refused_manifest("which no entry of the manifest feeds", |manifest| drop(manifest["parameters"].as_array_mut().unwrap().pop()));
}

#[test]
fn values_that_do_not_fit_the_manifest() {
    refused_manifest("initial.safetensors lacks", |manifest| manifest["parameters"][0]["name"] = json!("other"));
}

#[test]
fn ops_that_reach_beyond_the_process() {
    for name in ["reads_file.bundle", "reads_file_in_function.bundle"] {
        refused(Bundle::open(peer().join(name)), ErrorKind::RefusedGraph, "op ReadFile");
        Bundle::open_allowing(peer().join(name), &["ReadFile"]).unwrap();
    }
    refused(Bundle::open(peer().join("variable.bundle")), ErrorKind::RefusedGraph, "variable");
    Bundle::open(Path::new(&peer()).join("alias.bundle")).unwrap();
}
