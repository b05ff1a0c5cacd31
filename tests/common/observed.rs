//! What TensorBoard and Prometheus themselves read of what a trainer wrote.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Debug, Deserialize)]
pub struct Events {
    pub scalars: BTreeMap<String, Vec<(u64, f64)>>,
    pub histograms: BTreeMap<String, Vec<(u64, Histogram)>>,
    pub nodes: Vec<String>,
    /// The first and the last of all events, in seconds since 1970.
    pub times: (f64, f64),
}

#[derive(Debug, Deserialize)]
pub struct Histogram {
    pub min: f64,
    pub max: f64,
    pub num: f64,
    pub sum: f64,
    pub sum_squares: f64,
    pub bucket_limit: Vec<f64>,
    pub bucket: Vec<f64>,
}

/// A sample as Prometheus' parser reads it: family, type, help, series, labels, value.
pub type Sample = (String, String, String, String, BTreeMap<String, String>, String);

impl Events {
    pub fn read(folder: &Path) -> Self {
        ask(&["events", folder.to_str().unwrap()], "")
    }

    pub fn steps(&self, tag: &str) -> Vec<u64> {
        self.scalars.get(tag).unwrap_or_else(|| panic!("no {tag}: {:?}", self.scalars.keys())).iter().map(|point| point.0).collect()
    }

    pub fn at(&self, tag: &str, step: u64) -> f64 {
        let points = self.scalars.get(tag).unwrap_or_else(|| panic!("no {tag}: {:?}", self.scalars.keys()));
        points.iter().find(|point| point.0 == step).unwrap_or_else(|| panic!("no {tag} at {step}")).1
    }
}

/// The buckets of TensorBoard's own summary: left end, right end, count.
pub fn buckets(values: &[f32]) -> Vec<[f64; 3]> {
    ask(&["histogram"], &serde_json::to_string(values).unwrap())
}

pub fn samples(text: &str) -> Vec<Sample> {
    ask(&["prometheus"], text)
}

/// What the peer says.
fn ask<T: DeserializeOwned>(arguments: &[&str], input: &str) -> T {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new(root.join(".venv/bin/python"));
    python.arg(root.join("tests/peer/observed.py")).args(arguments);
    let mut python = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}
