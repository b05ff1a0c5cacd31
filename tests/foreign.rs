//! Graphs that no exporter of ours wrote learn as TensorFlow runs them in Python (`tests/peer/ancestor.py`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{builder, peer, tensorflow};
use safetensors::SafeTensors;
use streamgrad::bundle::{ForeignGraph, read_keyed, read_named};
use streamgrad::{Batch, Bundle, ErrorKind, Predictor, Trainer};

const MODELS: &[&str] = &["lr", "fm", "ffm", "afm", "nfm", "wide_deep", "mlp", "lenet", "vgg"];

fn file(name: &str) -> PathBuf {
    peer().join("ancestor").join(name)
}

fn json(name: &str) -> PathBuf {
    file(&format!("{name}.json"))
}

/// What Python recorded, by name, each with its first dimension.
struct Recorded(Vec<u8>);

impl Recorded {
    fn of(name: &str) -> Self {
        Self(fs::read(file(&format!("{name}.safetensors"))).unwrap())
    }

    fn values(&self, name: &str) -> Vec<f32> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        tensors.tensor(name).unwrap().data().as_chunks().0.iter().copied().map(f32::from_le_bytes).collect()
    }

    fn steps(&self) -> usize {
        self.values("loss").len()
    }

    fn fill(&self, batch: &mut Batch, step: usize, [x, y]: [&str; 2]) {
        for (column, recorded) in [(x, "x"), (y, "y")] {
            let all = self.values(recorded);
            let size = all.len() / self.steps();
            batch.set(column, &all[step * size..(step + 1) * size]).unwrap();
        }
    }
}

fn close(found: f32, wanted: f32) -> bool {
    (found - wanted).abs() <= 1e-5 * wanted.abs().max(1.0)
}

/// Fifty steps, each with the loss that Python saw.
fn learns(trainer: &Trainer, recorded: &Recorded, columns: [&str; 2]) {
    let mut batch = trainer.schema().batch();
    for (step, wanted) in recorded.values("loss").into_iter().enumerate() {
        recorded.fill(&mut batch, step, columns);
        let report = trainer.step(&batch).unwrap();
        assert!(close(report.loss(), wanted), "step {step}: {} {wanted}", report.loss());
    }
}

#[test]
fn the_nine_models_learn_as_tensorflow_does_on_the_same_graph() {
    for name in MODELS {
        let (recorded, trainer) = (Recorded::of(name), builder(json(name)).open().unwrap());
        let start = trainer.parameters().unwrap();
        for parameter in start.names() {
            // The graph's own initializer, with its seeds.
            let found: Vec<f32> = start.array::<f32>(parameter).unwrap().iter().copied().collect();
            assert_eq!(found, recorded.values(&format!("before/{parameter}")), "{name}: {parameter}");
        }
        learns(&trainer, &recorded, ["input_x", "input_y"]);
        let end = trainer.parameters().unwrap();
        for parameter in end.names() {
            let wanted = recorded.values(&format!("after/{parameter}"));
            let found = end.array::<f32>(parameter).unwrap();
            assert!(found.iter().zip(&wanted).all(|(&found, &wanted)| close(found, wanted)), "{name}: {parameter}");
        }
        let mut batch = trainer.schema().batch();
        recorded.fill(&mut batch, recorded.steps() - 1, ["input_x", "input_y"]);
        let predictions = trainer.predict(&batch).unwrap();
        let found = predictions.array::<f32>().unwrap();
        assert!(found.iter().zip(recorded.values("logits")).all(|(&found, wanted)| (found - wanted).abs() < 1e-4), "{name}");
        let accuracy = trainer.evaluate([&batch]).unwrap();
        assert!((accuracy.metrics().accuracy() - f64::from(recorded.values("accuracy")[0])).abs() < 1e-6, "{name}");
        assert_eq!(Bundle::open(json(name)).unwrap().identity(), Bundle::open(json(name)).unwrap().identity());
    }
}

#[test]
fn any_number_of_rows_unless_the_graph_holds_one() {
    let trainer = builder(json("mlp")).learning_rate(0.01).open().unwrap();
    let mut batch = trainer.schema().batch();
    for rows in [1, 7] {
        batch.set("input_x", &vec![0.5f32; 13 * rows]).unwrap();
        batch.set("input_y", &[1.0f32, 0.0, 0.0].repeat(rows)).unwrap();
        assert_eq!(trainer.step(&batch).unwrap().rows(), rows);
    }
    let fixed = builder(json("fixed")).open().unwrap();
    assert_eq!(fixed.schema().rows(), Some(32));
    let mut small = fixed.schema().batch();
    small.set("input_x", &vec![0.5f32; 13 * 7]).unwrap();
    let error = fixed.predict(&small).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("the model's graph holds a batch of 32 rows, this one has 7"), "{error}");
    learns(&fixed, &Recorded::of("mlp"), ["input_x", "input_y"]);
}

fn predicts_as_trained(predictor: &Predictor) {
    let recorded = Recorded::of("mlp");
    let mut batch = predictor.schema().batch();
    recorded.fill(&mut batch, recorded.steps() - 1, ["input_x", "input_y"]);
    let predictions = predictor.predict(&batch).unwrap();
    let found = predictions.array::<f32>().unwrap();
    assert!(found.iter().zip(recorded.values("logits")).all(|(&found, wanted)| (found - wanted).abs() < 1e-5));
}

#[test]
fn what_the_ancestor_saved_becomes_a_bundle() {
    streamgrad::tf::load(Some(&tensorflow())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = read_named(file("records.bin")).unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(read_keyed(file("server.bin")).unwrap().len(), names.len());
    let backwards: Vec<(u64, &str)> = names.iter().enumerate().map(|(key, name)| (key as u64, name.as_str())).rev().collect();
    let graph = || ForeignGraph::open(json("mlp")).unwrap();
    for (bundle, graph) in [
        ("records", graph().values(file("records.bin")).unwrap()),
        ("server", graph().server_values(file("server.bin"), &[]).unwrap()),
        ("named", graph().server_values(file("server.bin"), &backwards).unwrap()),
    ] {
        let path = folder.path().join(bundle);
        graph.write(&path).unwrap();
        predicts_as_trained(&Predictor::builder(&path).tensorflow(tensorflow()).open().unwrap());
        assert!(graph.write(&path).unwrap_err().to_string().contains("exists; give another path"));
    }
    // As any bundle, it goes on learning.
    let trainer = builder(folder.path().join("records")).open().unwrap();
    let recorded = Recorded::of("mlp");
    let mut batch = trainer.schema().batch();
    recorded.fill(&mut batch, 0, ["input_x", "input_y"]);
    assert!(trainer.step(&batch).unwrap().loss() < recorded.values("loss")[0]);
    let error = graph().values(file("records.bin")).unwrap().values(file("records.bin")).unwrap_err();
    assert!(error.to_string().contains("holds values that are known already"), "{error}");
    let error = ForeignGraph::open(json("lr")).unwrap().values(file("records.bin")).unwrap_err();
    assert!(error.to_string().contains("what is no parameter of the model"), "{error}");
}

#[test]
fn a_bare_graph_gets_its_gradients_from_tensorflow() {
    let trainer = builder(json("bare")).open().unwrap();
    assert_eq!(trainer.schema().features()[0].fields.len(), 13);
    learns(&trainer, &Recorded::of("bare"), ["numbers", "kind"]);
    let error = builder(json("sparse")).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    assert!(text.contains("SparseSoftmaxCrossEntropyWithLogits") && text.contains("export them from Python"), "{text}");
}

/// The ancestor's `mlp` with a JSON that was changed.
fn refused(folder: &Path, change: impl Fn(&mut serde_json::Value)) -> String {
    let mut said: serde_json::Value = serde_json::from_slice(&fs::read(json("mlp")).unwrap()).unwrap();
    change(&mut said);
    fs::copy(file("mlp.pb"), folder.join("mlp.pb")).unwrap();
    fs::write(folder.join("m.json"), said.to_string()).unwrap();
    builder(folder.join("m.json")).open().unwrap_err().to_string()
}

#[test]
fn what_does_not_fit_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |change: &dyn Fn(&mut serde_json::Value)| refused(folder.path(), change);
    for (change, says) in [
        ((|said| said["other"]["dense"][0] = "nothing".into()) as fn(&mut serde_json::Value), "the graph has no variable nothing"),
        (|said| said["other"]["dense"][0] = "logits".into(), "logits is a Identity; what is fed is a Placeholder or a variable"),
        (|said| said["other"]["gradient"] = serde_json::json!(["d-out/w"]), "gradient 1 of theirs"),
        (
            |said| drop([("dense", 0), ("gradient", 0)].map(|(list, at)| said["other"][list].as_array_mut().unwrap().remove(at))),
            "which is not among the parameters; name it there",
        ),
        (|said| said["other"]["gradient"][0] = "d-nothing".into(), "the graph has no node d-nothing"),
        (|said| said["other"]["input_size"] = serde_json::json!([32, 12]), "a row of input_x has shape [12]"),
        (|said| said["dense_shape"]["out/w"] = serde_json::json!([1]), "the JSON says that out/w has shape [1]"),
        (|said| said["other"]["pb_path"] = "none.pb".into(), "none.pb cannot be read"),
        (|said| said["other"]["learning_rate"] = (-1).into(), "learning_rate"),
        (|said| *said = serde_json::json!([]), "the JSON names no graph"),
        (
            |said| (said["other"]["dense"], said["other"]["gradient"]) = (serde_json::json!([]), serde_json::json!([])),
            "names no parameters",
        ),
    ] {
        assert!(refused(&change).contains(says), "{says}: {}", refused(&change));
    }
    // Where the writer kept the graph does not matter.
    fs::write(folder.path().join("m.json"), fs::read_to_string(json("mlp")).unwrap().replace("mlp.pb", "/elsewhere/mlp.pb")).unwrap();
    builder(folder.path().join("m.json")).open().unwrap();
    fs::write(folder.path().join("mlp.pb"), b"\xff\xff").unwrap();
    let error = builder(folder.path().join("m.json")).open().unwrap_err();
    assert!(error.to_string().contains("no binary GraphDef"), "{error}");
}
