//! Versions that a host writes into a stream of its own, and goes on from.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::thread;

use common::store::{bytes, changed, learn, memory, values};
use common::{Recording, builder};
use serde_json::json;
use sha2::{Digest, Sha256};
use streamgrad::snapshot::SnapshotFolder;
use streamgrad::{ErrorKind, Snapshot, Trainer, VersionId};

/// The files of a stream, by any reader of tar.
fn files(stream: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(stream);
    let read = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), content)
    };
    archive.entries().unwrap().map(read).collect()
}

/// Everything that belongs to a version but its name: every tensor, and what the manifest counts.
fn everything(trainer: &Trainer) -> (Vec<u8>, Vec<u8>, serde_json::Value) {
    let mut files = files(&bytes(&trainer.checkpoint().unwrap()));
    let manifest: serde_json::Value = serde_json::from_slice(&files["snapshot.json"]).unwrap();
    let mut take = |name: &str| files.remove(name).unwrap();
    (take("model.safetensors"), take("training.safetensors"), json!([manifest["steps"], manifest["runs"], manifest["metrics"]]))
}

#[test]
fn learning_goes_on_bit_for_bit() {
    // BatchNorm and dropout, two AUC-like metrics in a window that moves, dropout in attention, plain SGD.
    for (model, optimizer) in [("cnn", "adam"), ("regularized", "adagrad"), ("attention", "adam"), ("mlp", "sgd")] {
        let recording = Recording::open(model, optimizer);
        let whole = memory(&recording);
        learn(&recording, &whole, 50);

        let first = memory(&recording);
        learn(&recording, &first, 20);
        let checkpoint = first.checkpoint().unwrap();
        learn(&recording, &first, 7); // lost, as by a kill
        drop(first);
        let second = memory(&recording);
        let id = second.restore(&*bytes(&checkpoint)).unwrap();
        assert_eq!((id, id.number), (second.pin().unwrap().id(), 20));
        assert_ne!(id.lineage, checkpoint.version().lineage);
        assert_eq!(second.metrics().unwrap().rows(), 320);
        learn(&recording, &second, 30);
        assert!(everything(&second) == everything(&whole), "{model} {optimizer}");
        assert_eq!(format!("{:?}", second.metrics().unwrap()), format!("{:?}", whole.metrics().unwrap()));
        assert_eq!(values(&second), values(&whole));
    }
}

#[test]
fn schedule_and_seeds_go_on_where_they_were() {
    let recording = Recording::open("cnn", "adam");
    let folder = tempfile::tempdir().unwrap();
    let bundle = changed(&recording, folder.path(), |manifest| {
        manifest["optimizer"]["learning_rate"] = json!({
            "schedule": "exponential_decay", "initial_learning_rate": 0.01, "decay_steps": 3.0, "decay_rate": 0.5, "staircase": false
        });
    });
    let open = || builder(&bundle).open().unwrap();
    let drawn = |trainer: &Trainer| trainer.gradients(&recording.batch(trainer)).unwrap().loss().to_bits();
    let first = open();
    learn(&recording, &first, 5);
    // Training runs that are not applied use up seeds; who goes on must not draw them again.
    let before = [drawn(&first), drawn(&first)];
    let checkpoint = bytes(&first.checkpoint().unwrap());
    let (next, rate) = (drawn(&first), first.learning_rate().unwrap());
    let second = open();
    second.restore(&*checkpoint).unwrap();
    assert_eq!((drawn(&second), second.learning_rate().unwrap()), (next, rate));
    assert!(!before.contains(&next) && rate < 0.01);
}

#[test]
fn a_pinned_version_stays_while_training_goes_on_and_ends() {
    let recording = Recording::open("mlp", "adam");
    let trainer = memory(&recording);
    learn(&recording, &trainer, 3);
    assert_eq!(trainer.checkpoints(), 0);
    let (third, again) = (trainer.checkpoint().unwrap(), trainer.checkpoint().unwrap());
    assert_eq!((trainer.checkpoints(), third.version()), (2, trainer.pin().unwrap().id()));
    let at_once = bytes(&third);
    learn(&recording, &trainer, 5);
    let eighth = trainer.checkpoint().unwrap();
    assert_eq!(trainer.checkpoints(), 3);
    // Hashed only now, in several threads, while steps go on.
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(files(&bytes(&again))["training.safetensors"], files(&at_once)["training.safetensors"]));
        }
        learn(&recording, &trainer, 50);
    });
    drop(third);
    assert_eq!(trainer.checkpoints(), 2);
    drop(again);
    assert_eq!(trainer.checkpoints(), 1);
    drop(trainer);
    assert_eq!(Snapshot::read(&*bytes(&eighth)).unwrap().version().number, 8);
}

#[test]
fn buffers_are_used_again_after_a_checkpoint() {
    let recording = Recording::open("mlp", "adam");
    let trainer = memory(&recording);
    learn(&recording, &trainer, 1);
    let checkpoint = |trainer: &Trainer| {
        let pinned = trainer.checkpoint().unwrap();
        learn(&recording, trainer, 3);
        pinned.write_to(io::sink()).unwrap();
    };
    checkpoint(&trainer);
    learn(&recording, &trainer, 3);
    let bytes = trainer.memory();
    for _ in 0..20 {
        checkpoint(&trainer);
        learn(&recording, &trainer, 3);
    }
    assert_eq!(trainer.memory(), bytes);
}

#[test]
fn python_unpacks_it_into_a_snapshot() {
    let recording = Recording::open("mlp", "adam");
    let trainer = memory(&recording);
    learn(&recording, &trainer, 4);
    let checkpoint = trainer.checkpoint().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = r#"
import hashlib, io, json, sys, tarfile
from safetensors.numpy import load
files = {}
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
    for member in archive:
        assert member.isreg()
        files[member.name] = archive.extractfile(member).read()
manifest = json.loads(files["snapshot.json"])
for name, entry in manifest["files"].items():
    assert len(files[name]) == entry["bytes"] and hashlib.sha256(files[name]).hexdigest() == entry["sha256"]
assert load(files["training.safetensors"])["position"].tobytes() == (4).to_bytes(8, "little")
for name, content in files.items():
    with open(f"{sys.argv[1]}/{name}", "wb") as file:
        file.write(content)
"#;
    let python = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    let mut python = Command::new(python).args(["-c", program]).arg(folder.path()).stdin(Stdio::piped()).spawn().unwrap();
    checkpoint.write_to(python.stdin.take().unwrap()).unwrap();
    assert!(python.wait().unwrap().success());
    assert_eq!(Snapshot::open(folder.path()).unwrap().version(), checkpoint.version());
}

/// A trainer that must refuse these bytes and be as it was.
struct Refusing {
    trainer: Trainer,
    kept: Vec<u8>,
    id: VersionId,
}

impl Refusing {
    fn new(recording: &Recording) -> Self {
        let trainer = memory(recording);
        learn(recording, &trainer, 2);
        Self { kept: values(&trainer), id: trainer.pin().unwrap().id(), trainer }
    }

    fn refuses(&self, stream: &[u8]) -> streamgrad::Error {
        let error = self.trainer.restore(stream).unwrap_err();
        assert_eq!(self.trainer.pin().unwrap().id(), self.id);
        error
    }

    fn is_as_it_was(&self) {
        assert_eq!(values(&self.trainer), self.kept);
    }
}

#[test]
fn every_flipped_byte_and_every_cut_is_found() {
    let recording = Recording::open("mlp", "sgd");
    let small = memory(&recording);
    learn(&recording, &small, 1);
    let whole = bytes(&small.checkpoint().unwrap());
    let refusing = Refusing::new(&recording);
    let mut damaged = whole.clone();
    for at in 0..whole.len() {
        damaged[at] ^= 1 << (at % 8);
        let error = refusing.refuses(&damaged);
        damaged[at] = whole[at];
        assert_eq!(error.kind(), ErrorKind::InvalidSnapshot, "byte {at}: {error}");
        assert!(error.to_string().contains("checkpoint: "), "{error}");
        let error = refusing.refuses(&whole[..at]);
        assert_eq!(error.kind(), ErrorKind::InvalidSnapshot, "cut at {at}: {error}");
    }
    for more in [&[0][..], &whole] {
        assert_eq!(refusing.refuses(&[&whole, more].concat()).kind(), ErrorKind::InvalidSnapshot);
    }
    refusing.is_as_it_was();
    refusing.trainer.restore(&*whole).unwrap();
    assert_eq!(values(&refusing.trainer), values(&small));
}

/// The stream of these files: sound by all its sums, whatever they say.
fn packed(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for name in ["snapshot.json", "snapshot.json.sha256", "model.safetensors", "training.safetensors"] {
        let Some(content) = files.get(name) else { continue };
        archive.append(&header(name, content.len() as u64), &content[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

fn header(name: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    header
}

#[test]
fn what_is_sound_but_does_not_belong_is_refused() {
    let recording = Recording::open("mlp", "sgd");
    let small = memory(&recording);
    let stream = bytes(&small.checkpoint().unwrap());
    let whole = files(&stream);
    assert_eq!(packed(&whole), stream, "the test packs as the library does");
    let refusing = Refusing::new(&recording);
    let says = |change: &dyn Fn(&mut serde_json::Value), part: &str| {
        let mut files = whole.clone();
        let mut manifest = serde_json::from_slice(&files["snapshot.json"]).unwrap();
        change(&mut manifest);
        let json = serde_json::to_vec(&manifest).unwrap();
        let sum: String = Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect();
        files.insert("snapshot.json.sha256".into(), format!("{sum}  snapshot.json\n").into());
        files.insert("snapshot.json".into(), json);
        let error = refusing.refuses(&packed(&files)).to_string();
        assert!(error.contains(part), "{part:?} is not in: {error}");
    };
    says(&|manifest| manifest["format"] = json!(2), "this library reads format 1, the snapshot has format 2");
    says(&|manifest| manifest["files"]["model.safetensors"]["bytes"] = json!(u64::MAX), "altered or cut");
    says(&|manifest| manifest["bundle"]["identity"] = json!("00"), "of another bundle");
    says(
        &|manifest| manifest["base"] = json!({"version": "0000000000000001-1", "sha256": "00", "deltas": 1}),
        "it is a delta, and a checkpoint holds nothing",
    );
    for missing in ["snapshot.json", "snapshot.json.sha256", "model.safetensors", "training.safetensors"] {
        let mut files = whole.clone();
        files.remove(missing);
        let error = refusing.refuses(&packed(&files)).to_string();
        assert!(error.contains(missing), "{error}");
    }
    let other = memory(&Recording::open("cnn", "adam"));
    let error = refusing.refuses(&bytes(&other.checkpoint().unwrap()));
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("of another bundle") && error.to_string().contains("only in the snapshot"), "{error}");
    refusing.is_as_it_was();
}

#[test]
fn a_length_that_no_stream_has_allocates_nothing() {
    let recording = Recording::open("mlp", "sgd");
    let refusing = Refusing::new(&recording);
    for size in [u64::MAX, 1 << 40, 8 << 30] {
        let error = refusing.refuses(header("snapshot.json", size).as_bytes());
        assert!(error.kind() == ErrorKind::InvalidSnapshot && error.to_string().contains("ends before it"), "{error}");
    }
}

#[test]
fn a_stream_that_fails_changes_nothing() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::ConnectionReset, "the wire is cut"))
        }
    }
    let refusing = Refusing::new(&Recording::open("mlp", "sgd"));
    let error = refusing.trainer.restore(Broken).unwrap_err();
    assert!(error.kind() == ErrorKind::Io && error.to_string().contains("the wire is cut"), "{error}");
    refusing.is_as_it_was();
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::StorageFull, "no room"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = refusing.trainer.checkpoint().unwrap().write_to(Full).unwrap_err();
    assert!(error.kind() == ErrorKind::Io && error.to_string().contains("no room"), "{error}");
}

#[test]
fn a_stream_of_format_1_is_read_for_ever() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let store = SnapshotFolder::open(golden.join("format-1")).unwrap();
    let path = golden.join("format-1.tar");
    if std::env::var_os("STREAMGRAD_WRITE_GOLDEN").is_some() {
        let newest = store.path().join("snapshots").join(store.newest_version().unwrap().unwrap().to_string());
        let content = fs::read_dir(newest).unwrap().map(|file| file.unwrap());
        let files = content.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect();
        fs::write(&path, packed(&files)).unwrap();
    }
    let stream = fs::read(path).unwrap();
    let snapshot = Snapshot::read(&*stream).unwrap();
    assert_eq!(snapshot.version(), "fa90d0de52c86543-4".parse().unwrap());
    assert!(snapshot.values().eq(store.newest().unwrap().unwrap().values()));
    let trainer = builder(golden.join("format-1.bundle")).metrics_window(40).open().unwrap();
    assert_eq!(trainer.restore(&*stream).unwrap().number, 4);
    assert_eq!(trainer.position().unwrap().unwrap(), b"offset 3");
}
