//! Snapshots as anybody can read them, and what a reader refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::{Recording, builder};
use safetensors::SafeTensors;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use streamgrad::params::FolderStoreBuilder;
use streamgrad::snapshot::SnapshotFolder;
use streamgrad::tensor::DType;
use streamgrad::trainer::TrainerBuilder;
use streamgrad::{ErrorKind, FolderStore, Snapshot};
use tempfile::TempDir;

const FILES: [&str; 4] = ["model.safetensors", "training.safetensors", "snapshot.json", "snapshot.json.sha256"];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.as_ref().unwrap().path(), to.join(entry.as_ref().unwrap().file_name()));
        if entry.is_dir() { copy(&entry, &to) } else { fs::copy(&entry, &to).map(drop).unwrap() }
    }
}

/// A copy of the newest golden snapshot, to be damaged.
fn sample() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    copy(&newest(&golden("format-1")), &folder.path().join("snapshot"));
    let path = folder.path().join("snapshot");
    (folder, path)
}

fn newest(store: &Path) -> PathBuf {
    let version = SnapshotFolder::open(store).unwrap().newest_version().unwrap().unwrap();
    store.join("snapshots").join(version.to_string())
}

/// The folder of a store that a trainer wrote.
fn written(model: &str, optimizer: &str) -> (TempDir, PathBuf) {
    written_with(model, optimizer, |store| store, |trainer| trainer)
}

fn written_with(
    model: &str,
    optimizer: &str,
    store: impl Fn(FolderStoreBuilder) -> FolderStoreBuilder,
    trainer: impl Fn(TrainerBuilder) -> TrainerBuilder,
) -> (TempDir, PathBuf) {
    let recording = Recording::open(model, optimizer);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let store = store(FolderStore::builder(&path).every(Duration::ZERO).on_close(false)).open().unwrap();
    let trainer = trainer(builder(&recording.bundle).metrics_window(40).store(store)).open().unwrap();
    let mut batch = trainer.schema().batch();
    for step in 0..4 {
        recording.fill(&mut batch, step);
        trainer.step_to(&batch, format!("offset {step}").as_bytes()).unwrap();
        if step == 1 {
            trainer.save().unwrap();
        }
    }
    trainer.save().unwrap();
    (folder, path)
}

/// Set to write what the golden tests open, once for each format version, into folders that are not there yet.
const WRITE: &str = "STREAMGRAD_WRITE_GOLDEN";

#[test]
fn write_the_golden_store() {
    if std::env::var_os(WRITE).is_none() {
        return;
    }
    let (_kept, path) = written("regularized", "adagrad");
    fs::remove_file(path.join("lock")).unwrap();
    copy(&path, &golden("format-1"));
    copy(&Recording::open("regularized", "adagrad").bundle, &golden("format-1.bundle"));
    // Without a learning rate nothing but metrics and position changes: a delta.
    let (_kept, path) = written_with("mlp", "sgd", |store| store.deltas(1), |trainer| trainer.learning_rate(0.0));
    fs::remove_file(path.join("lock")).unwrap();
    copy(&path, &golden("format-1-delta"));
}

#[test]
fn format_1_opens_for_ever() {
    let folder = SnapshotFolder::open(golden("format-1")).unwrap();
    let kept = folder.versions().unwrap();
    assert_eq!(kept.iter().map(|kept| kept.version.number).collect::<Vec<_>>(), [2, 4]);
    let snapshot = folder.newest().unwrap().unwrap();
    assert_eq!(snapshot.version(), "fa90d0de52c86543-4".parse().unwrap());
    assert_eq!((snapshot.steps(), snapshot.bundle_name(), snapshot.parent(), snapshot.base()), (4, "regularized", None, None));
    assert_eq!(snapshot.position(), Some(&b"offset 3"[..]));
    let names: Vec<_> = snapshot.values().map(|(name, dtype, shape, _)| (name, dtype, shape)).collect();
    assert_eq!(names.len(), 6);
    assert_eq!(names[0], ("dense_1/kernel", DType::F32, &[6, 10][..]));
    let (.., bytes) = snapshot.values().find(|(name, ..)| *name == "score/bias").unwrap();
    assert_eq!(f32::from_le_bytes(bytes.try_into().unwrap()).to_bits(), 0xbd6722c5);
}

#[test]
fn a_delta_of_format_1_opens_for_ever() {
    let folder = SnapshotFolder::open(golden("format-1-delta")).unwrap();
    let snapshot = folder.newest().unwrap().unwrap();
    assert_eq!((snapshot.version().number, snapshot.base().unwrap().number), (4, 2));
    let (whole, base) = (newest(&golden("format-1-delta")), folder.read(snapshot.base().unwrap()).unwrap());
    assert!(!whole.join("model.safetensors").exists());
    assert!(snapshot.values().eq(base.values()));
    assert_eq!((snapshot.position(), base.position()), (Some(&b"offset 3"[..]), Some(&b"offset 1"[..])));
}

#[test]
fn a_trainer_goes_on_from_format_1() {
    let folder = tempfile::tempdir().unwrap();
    copy(&golden("format-1"), &folder.path().join("model"));
    let store = FolderStore::open(folder.path().join("model")).unwrap();
    let trainer = builder(golden("format-1.bundle")).metrics_window(40).store(store).open().unwrap();
    assert_eq!(trainer.version().unwrap(), 4);
    assert_eq!(trainer.position().unwrap().unwrap(), b"offset 3");
    let metrics = trainer.metrics().unwrap();
    assert_eq!((metrics.rows(), metrics.window_rows()), (64, 32));
    assert_eq!(format!("{:.6} {:.6}", metrics.auc(), metrics.window("auc").unwrap()), "0.719823 0.753036");
    trainer.step(&Recording::open("regularized", "adagrad").batch(&trainer)).unwrap();
    assert_eq!(trainer.save().unwrap().number, 5);
}

#[test]
fn python_reads_it_with_safetensors_alone() {
    let (_kept, path) = written("cnn", "adam");
    let program = r#"
import hashlib, json, pathlib, sys
from safetensors.numpy import load_file
folder = pathlib.Path(sys.argv[1])
stated, name = (folder / "snapshot.json.sha256").read_text().split()
text = (folder / name).read_bytes()
assert hashlib.sha256(text).hexdigest() == stated
manifest = json.loads(text)
assert manifest["format"] == 1 and manifest["version"] == folder.name and manifest["steps"] == 4
found = {}
for file, entry in manifest["files"].items():
    content = (folder / file).read_bytes()
    assert len(content) == entry["bytes"] and hashlib.sha256(content).hexdigest() == entry["sha256"]
    found[file] = load_file(folder / file)
for tensor in manifest["tensors"]:
    array = found[tensor["file"]].pop(tensor["name"])
    assert (str(array.dtype), list(array.shape)) == (tensor["dtype"], tensor["shape"]), tensor
    if tensor["name"] == "position":
        assert array.tobytes() == b"offset 3"
    if tensor["name"] == "metrics/rows":
        assert array.tolist() == [64]
    if tensor["name"] == "conv_1/kernel":
        print(hashlib.sha256(array.tobytes()).hexdigest())
assert not any(found.values())
"#;
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    let output = Command::new(python).args(["-c", program]).arg(newest(&path)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let snapshot = Snapshot::open(newest(&path)).unwrap();
    let (.., bytes) = snapshot.values().find(|(name, ..)| *name == "conv_1/kernel").unwrap();
    let sum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), sum);
}

#[test]
fn a_large_file_is_hashed_beside_writing() {
    let recording = Recording::open("mlp", "sgd");
    let folder = tempfile::tempdir().unwrap();
    let trainer = builder(&recording.bundle).store(FolderStore::open(folder.path().join("model")).unwrap()).open().unwrap();
    let position: Vec<u8> = (0..5u32 << 20).map(|at| (at ^ at >> 8) as u8).collect();
    trainer.step_to(&recording.batch(&trainer), &position).unwrap();
    trainer.save().unwrap();
    let snapshot = Snapshot::open(newest(&folder.path().join("model"))).unwrap();
    assert!(snapshot.position() == Some(&*position));
}

#[test]
fn every_flipped_byte_is_found() {
    damage(|content| {
        (0..content.len())
            .map(|at| {
                let mut content = content.to_vec();
                content[at] ^= 1 << (at % 8);
                content
            })
            .collect()
    });
}

#[test]
fn every_cut_is_found() {
    damage(|content| (0..content.len()).map(|length| content[..length].to_vec()).collect());
    damage(|content| vec![[content, b"\0"].concat(), [content, content].concat()]);
}

/// Each damage to each file must be an error that names the file.
fn damage(ways: impl Fn(&[u8]) -> Vec<Vec<u8>>) {
    let (_kept, path) = sample();
    Snapshot::open(&path).unwrap();
    let mut opened = 0;
    for name in FILES {
        let file = path.join(name);
        let content = fs::read(&file).unwrap();
        for damaged in ways(&content) {
            fs::write(&file, &damaged).unwrap();
            let error = Snapshot::open(&path).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidSnapshot);
            assert!(error.to_string().contains(&file.display().to_string()), "{name}: {error}");
            opened += 1;
        }
        fs::write(&file, content).unwrap();
    }
    Snapshot::open(&path).unwrap();
    println!("{opened} damaged snapshots were refused");
}

#[test]
fn a_missing_file_is_named() {
    let (_kept, path) = sample();
    for name in FILES {
        let content = fs::read(path.join(name)).unwrap();
        fs::remove_file(path.join(name)).unwrap();
        let error = Snapshot::open(&path).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("No such file"), "{error}");
        fs::write(path.join(name), content).unwrap();
    }
    assert!(Snapshot::open(path.join("nowhere")).unwrap_err().to_string().contains("nowhere"));
}

/// Refuses a manifest that is sound by its checksum, but says this; gives back what the error says.
fn refused(change: impl Fn(&mut Value)) -> String {
    let (_kept, path) = sample();
    let mut manifest = serde_json::from_slice(&fs::read(path.join("snapshot.json")).unwrap()).unwrap();
    change(&mut manifest);
    sealed(&path, &serde_json::to_vec(&manifest).unwrap());
    let error = Snapshot::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSnapshot);
    error.to_string()
}

fn hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a manifest with a checksum that fits.
fn sealed(path: &Path, json: &[u8]) {
    fs::write(path.join("snapshot.json"), json).unwrap();
    fs::write(path.join("snapshot.json.sha256"), format!("{}  snapshot.json\n", hash(json))).unwrap();
}

#[test]
fn what_a_manifest_may_not_say() {
    let says = |change: &dyn Fn(&mut Value), part: &str| {
        let text = refused(change);
        assert!(text.contains(part), "{part:?} is not in: {text}");
    };
    says(&|manifest| manifest["format"] = json!(2), "this library reads format 1, the snapshot has format 2");
    says(&|manifest| manifest["format"] = json!("1"), "no format number");
    says(&|manifest| *manifest = json!([1]), "no format number");
    for name in ["../model.safetensors", "/etc/passwd", "sub/model.safetensors", "..", "other.safetensors"] {
        says(&|manifest| manifest["files"][name] = json!({"bytes": 1, "sha256": "00"}), "unknown variant");
        says(&|manifest| manifest["tensors"][0]["file"] = json!(name), "unknown variant");
    }
    says(&|manifest| manifest["files"]["model.safetensors"]["bytes"] = json!(u64::MAX), "it was altered or cut");
    says(&|manifest| manifest["files"]["model.safetensors"]["bytes"] = json!(-1), "does not describe");
    says(&|manifest| manifest["files"] = json!({}), "a file that is not listed");
    says(&|manifest| manifest["tensors"] = json!([]), "the manifest lists 0");
    says(&|manifest| manifest["tensors"][0]["name"] = json!("ghost"), "lacks ghost");
    says(&|manifest| manifest["tensors"][0]["dtype"] = json!("int32"), "the manifest says int32");
    says(&|manifest| manifest["tensors"][0]["dtype"] = json!("string"), "the manifest says string");
    says(&|manifest| manifest["tensors"][0]["shape"] = json!([60]), "the manifest says float32 [60]");
    says(&|manifest| manifest["tensors"][1] = manifest["tensors"][0].clone(), "there twice");
    says(&|manifest| manifest["tensors"][0]["unchanged"] = json!(true), "but there is none");
    says(&|manifest| manifest["version"] = json!("../../x-1"), "does not describe");
    says(&|manifest| manifest["version"] = json!("0000000000000001-18446744073709551615"), "so many steps");
    says(&|manifest| manifest["steps"] = json!(u64::MAX), "so many steps");
    let base = |deltas: u64| json!({"version": "0000000000000001-1", "sha256": hash(b""), "deltas": deltas});
    says(&|manifest| manifest["base"] = base(1), "0000000000000001-1");
    says(&|manifest| manifest["base"] = base(0), "longer than it says");
    says(&|manifest| manifest["base"] = base(65), "longer than it says");
    says(&|manifest| manifest["base"] = base(1 << 40), "does not describe");
}

#[test]
fn a_delta_of_itself_ends() {
    let (_kept, path) = sample();
    let mut manifest: Value = serde_json::from_slice(&fs::read(path.join("snapshot.json")).unwrap()).unwrap();
    let version = manifest["version"].as_str().unwrap().to_owned();
    let place = path.with_file_name(&version);
    fs::rename(&path, &place).unwrap();
    manifest["base"] = json!({"version": version, "sha256": hash(b"none"), "deltas": 64});
    sealed(&place, &serde_json::to_vec(&manifest).unwrap());
    assert!(Snapshot::open(&place).unwrap_err().to_string().contains("not the one by which it is referred to"));
}

#[test]
fn links_and_pipes_are_not_followed() {
    for name in FILES {
        let (_kept, path) = sample();
        let aside = path.with_file_name("aside");
        fs::rename(path.join(name), &aside).unwrap();
        std::os::unix::fs::symlink(&aside, path.join(name)).unwrap();
        assert!(Snapshot::open(&path).unwrap_err().to_string().contains(name));
        fs::remove_file(path.join(name)).unwrap();
        assert!(Command::new("mkfifo").arg(path.join(name)).status().unwrap().success());
        assert!(Snapshot::open(&path).unwrap_err().to_string().contains(name));
        fs::remove_file(path.join(name)).unwrap();
        fs::create_dir(path.join(name)).unwrap();
        assert!(Snapshot::open(&path).unwrap_err().to_string().contains(name));
    }
}

#[test]
fn a_header_that_promises_more_than_there_is_is_refused() {
    for length in [u64::MAX, 1 << 40, 99_000_000, 7] {
        let (_kept, path) = sample();
        let mut content = fs::read(path.join("model.safetensors")).unwrap();
        content[..8].copy_from_slice(&length.to_le_bytes());
        fs::write(path.join("model.safetensors"), &content).unwrap();
        let mut manifest: Value = serde_json::from_slice(&fs::read(path.join("snapshot.json")).unwrap()).unwrap();
        manifest["files"]["model.safetensors"]["sha256"] = json!(hash(&content));
        sealed(&path, &serde_json::to_vec(&manifest).unwrap());
        let text = Snapshot::open(&path).unwrap_err().to_string();
        assert!(text.contains("model.safetensors: ") && text.contains("no safetensors file"), "{text}");
    }
}

#[test]
fn tensors_that_contradict_the_model_are_refused() {
    // Sound files, whose metrics do not add up, or that lack a slot: nothing of it panics, nothing is taken over.
    let (_kept, path) = written("regularized", "adagrad");
    let snapshot = newest(&path);
    let (file, manifest) = (snapshot.join("training.safetensors"), snapshot.join("snapshot.json"));
    let (content, json) = (fs::read(&file).unwrap(), fs::read(&manifest).unwrap());
    let recording = Recording::open("regularized", "adagrad");
    let pointer = path.join("latest");
    let open = || builder(&recording.bundle).store(FolderStore::builder(&path).on_close(false).open().unwrap()).open();
    let tensors = SafeTensors::deserialize(&content).unwrap();
    for name in ["metrics/rows", "metrics/window/left", "metrics/auc/0", "metrics/window/steps", "metrics/window/auc/0"] {
        let data = tensors.tensor(name).unwrap().data();
        let start = data.as_ptr() as usize - content.as_ptr() as usize;
        let mut damaged = content.clone();
        damaged[start..start + data.len()].fill(0xff);
        fs::write(&file, &damaged).unwrap();
        let mut changed: Value = serde_json::from_slice(&json).unwrap();
        changed["files"]["training.safetensors"]["sha256"] = json!(hash(&damaged));
        sealed(&snapshot, &serde_json::to_vec(&changed).unwrap());
        let sum = hash(&fs::read(&manifest).unwrap());
        fs::write(&pointer, format!("{} {sum}\n", changed["version"].as_str().unwrap())).unwrap();
        let error = open().unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidSnapshot && error.to_string().contains("metrics"), "{name}: {error}");
    }
    fs::write(&file, &content).unwrap();
    sealed(&snapshot, &json);
    let version = snapshot.file_name().unwrap().to_str().unwrap();
    fs::write(&pointer, format!("{version} {}\n", hash(&json))).unwrap();
    assert_eq!(open().unwrap().version().unwrap(), 4);
}
