//! What a store in a folder keeps, and what comes back of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::store::{changed, content, fresh, learn, quiet, trainer, until, values};
use common::{Recording, builder};
use streamgrad::params::FolderStoreBuilder;
use streamgrad::snapshot::{FileSystem, LockMode, SnapshotFolder, Storage};
use streamgrad::{ErrorKind, FolderStore, Snapshot, Trainer, VersionId};

#[test]
fn learning_goes_on_bit_for_bit() {
    // BatchNorm and dropout, two AUC-like metrics in a window that moves, dropout in attention, plain SGD.
    for (model, optimizer) in [("cnn", "adam"), ("regularized", "adagrad"), ("attention", "adam"), ("mlp", "sgd")] {
        let recording = Recording::open(model, optimizer);
        let (_kept, at_once) = fresh();
        let whole = trainer(&recording, quiet(&at_once));
        learn(&recording, &whole, 50);
        let wanted = content(&at_once, whole.save().unwrap());

        let (_kept, path) = fresh();
        let first = trainer(&recording, quiet(&path).every_steps(20));
        learn(&recording, &first, 20);
        until("step 20 is saved", || first.store_status().saved.is_some());
        learn(&recording, &first, 7); // lost, as by a kill
        drop(first);
        let second = trainer(&recording, quiet(&path));
        assert_eq!((second.version().unwrap(), second.metrics().unwrap().rows()), (20, 320));
        learn(&recording, &second, 30);
        let id = second.save().unwrap();
        assert_eq!(id.number, 50);
        assert!(content(&path, id) == wanted, "{model} {optimizer}");
        assert_eq!(format!("{:?}", second.metrics().unwrap()), format!("{:?}", whole.metrics().unwrap()));
        assert_eq!(values(&second), values(&whole));
    }
}

#[test]
fn a_schedule_goes_on_where_it_was() {
    let recording = Recording::open("mlp", "adam");
    let folder = tempfile::tempdir().unwrap();
    let bundle = changed(&recording, folder.path(), |manifest| {
        manifest["optimizer"]["learning_rate"] = serde_json::json!({
            "schedule": "exponential_decay", "initial_learning_rate": 0.01, "decay_steps": 3.0, "decay_rate": 0.5, "staircase": false
        });
    });
    let open = |path: &Path| builder(&bundle).store(quiet(path).open().unwrap()).open().unwrap();
    let (_kept, at_once) = fresh();
    let whole = open(&at_once);
    learn(&recording, &whole, 12);
    let (_kept, path) = fresh();
    let first = open(&path);
    learn(&recording, &first, 5);
    first.save().unwrap();
    let rate = first.learning_rate().unwrap();
    drop(first);
    let second = open(&path);
    assert!(second.learning_rate().unwrap() == rate && rate < 0.01);
    learn(&recording, &second, 7);
    assert_eq!(values(&second), values(&whole));
}

#[test]
fn runs_that_came_to_nothing_keep_their_seeds() {
    // A training run that is not applied uses up a seed; who resumes must not draw it again.
    let recording = Recording::open("cnn", "sgd");
    let (_kept, path) = fresh();
    let first = trainer(&recording, quiet(&path));
    learn(&recording, &first, 2);
    let batch = recording.batch(&first);
    let drawn = |trainer: &Trainer| trainer.gradients(&batch).unwrap().loss().to_bits();
    let before = [drawn(&first), drawn(&first)];
    first.save().unwrap();
    let next = drawn(&first);
    drop(first);
    let second = trainer(&recording, quiet(&path));
    assert_eq!(drawn(&second), next);
    assert!(!before.contains(&next));
}

#[test]
fn saves_by_steps_by_time_on_close_and_on_demand() {
    let recording = Recording::open("mlp", "sgd");
    let (_kept, path) = fresh();
    let by_time = trainer(&recording, FolderStore::builder(&path).every(Duration::from_millis(30)).on_close(false));
    learn(&recording, &by_time, 3);
    until("the timer has saved", || by_time.store_status().saved.is_some_and(|saved| saved.number == 3));
    let lineage = by_time.pin().unwrap().id().lineage;
    let status = by_time.store_status();
    assert!(status.error.is_none() && status.saved_at.is_some() && status.failures == 0);
    drop(by_time);

    let by_steps = trainer(&recording, quiet(&path).every_steps(2));
    assert_eq!(by_steps.pin().unwrap().id(), VersionId { lineage, number: 3 });
    learn(&recording, &by_steps, 4);
    until("step 6 is saved", || by_steps.store_status().saved.is_some_and(|saved| saved.number == 6));
    learn(&recording, &by_steps, 1);
    assert_eq!(by_steps.save().unwrap().number, 8);
    assert_eq!(by_steps.save().unwrap().number, 8);
    drop(by_steps);

    let on_close = trainer(&recording, quiet(&path).on_close(true));
    learn(&recording, &on_close, 1);
    drop(on_close);
    assert_eq!(SnapshotFolder::open(&path).unwrap().newest_version().unwrap(), Some(VersionId { lineage, number: 9 }));
}

#[test]
fn rolling_back_and_restoring_begin_a_lineage() {
    let recording = Recording::open("cnn", "adam");
    let (_kept, path) = fresh();
    let trainer_of = |store| trainer(&recording, store);
    let trainer = trainer_of(quiet(&path));
    learn(&recording, &trainer, 3);
    let third = trainer.save().unwrap();
    let kept = values(&trainer);
    let metrics = format!("{:?}", trainer.metrics().unwrap());
    learn(&recording, &trainer, 3);
    let sixth = trainer.save().unwrap();
    let batch = recording.batch(&trainer);
    let pinned = trainer.pin().unwrap();
    let predicted = trainer.predict(&batch).unwrap();

    let back = trainer.rollback(third).unwrap();
    assert!(back.lineage != third.lineage && back.number == 3);
    assert_eq!((values(&trainer), format!("{:?}", trainer.metrics().unwrap())), (kept.clone(), metrics));
    assert_eq!(trainer.position().unwrap().unwrap(), 3u64.to_le_bytes());
    assert_eq!(trainer.predict_at(&pinned, &batch).unwrap().array::<f32>().unwrap(), predicted.array::<f32>().unwrap());
    // The same steps again come to the same version by another name.
    learn(&recording, &trainer, 3);
    let again = trainer.save().unwrap();
    assert!(again.lineage == back.lineage && again.number == 6);
    assert!(content(&path, again) == content(&path, sixth));
    let unknown = VersionId { number: 5, ..third };
    let error = trainer.rollback(unknown).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains(&unknown.to_string()) && error.to_string().contains(&sixth.to_string()), "{error}");
    assert_eq!(trainer.pin().unwrap().id(), again);
    drop(trainer);

    let folder = SnapshotFolder::open(&path).unwrap();
    assert_eq!(folder.newest_version().unwrap(), Some(again));
    assert_eq!(folder.read(again).unwrap().parent(), Some(third));
    let restored = trainer_of(quiet(&path).restore(third));
    assert_eq!(values(&restored), kept);
    let id = restored.save().unwrap();
    assert!(id.number == 3 && ![third.lineage, back.lineage].contains(&id.lineage));
    assert_eq!(folder.newest_version().unwrap(), Some(id));
}

#[test]
fn two_writers_exclude_each_other() {
    let (_kept, path) = fresh();
    let first = FolderStore::open(&path).unwrap();
    let error = FolderStore::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    let text = error.to_string();
    assert!(text.contains(&format!("process {}", std::process::id())) && text.contains(" s; "), "{text}");
    let waiting = std::thread::spawn({
        let path = path.clone();
        move || FolderStore::builder(path).wait_for_writer(Duration::from_secs(20)).open().map(drop)
    });
    std::thread::sleep(Duration::from_millis(50));
    assert!(!waiting.is_finished());
    drop(first);
    waiting.join().unwrap().unwrap();
    FolderStore::open(&path).unwrap();
}

#[test]
fn a_folder_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "years of work").unwrap();
    let error = FolderStore::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSnapshot);
    assert!(error.to_string().contains("thesis.tex"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(SnapshotFolder::open(folder.path()).unwrap_err().to_string().contains("store.json"));

    let error = FolderStore::open(folder.path().join("thesis.tex")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    let error = FolderStore::open(folder.path().join("no/such")).unwrap_err();
    assert!(error.to_string().contains("does the folder above it exist"), "{error}");

    let (_kept, path) = fresh();
    drop(FolderStore::open(&path).unwrap());
    fs::write(path.join("store.json"), r#"{"format":2,"kind":"streamgrad store"}"#).unwrap();
    for error in [FolderStore::open(&path).unwrap_err(), SnapshotFolder::open(&path).unwrap_err()] {
        assert!(error.to_string().contains("format 1") && error.to_string().contains("format 2"), "{error}");
    }
}

#[test]
fn half_a_copy_of_a_folder_says_what_is_missing() {
    let recording = Recording::open("mlp", "adagrad");
    let (_kept, path) = fresh();
    let first = trainer(&recording, quiet(&path));
    learn(&recording, &first, 1);
    let old = first.save().unwrap();
    learn(&recording, &first, 1);
    let new = first.save().unwrap();
    drop(first);
    let place = |version: VersionId| path.join("snapshots").join(version.to_string());
    let open = || builder(&recording.bundle).store(quiet(&path).open().unwrap()).open();

    // Without the newest snapshot.
    let aside = path.parent().unwrap().join("aside");
    fs::rename(place(new), &aside).unwrap();
    let text = open().unwrap_err().to_string();
    assert!(text.contains("latest") && text.contains(&new.to_string()) && text.contains(&old.to_string()), "{text}");
    // With a part of it.
    fs::create_dir(place(new)).unwrap();
    fs::copy(aside.join("model.safetensors"), place(new).join("model.safetensors")).unwrap();
    assert!(open().unwrap_err().to_string().contains("snapshot.json"));
    fs::remove_dir_all(place(new)).unwrap();
    fs::rename(&aside, place(new)).unwrap();
    // Without the pointer, and with a damaged one.
    let pointer = fs::read(path.join("latest")).unwrap();
    fs::remove_file(path.join("latest")).unwrap();
    assert_eq!(open().unwrap().pin().unwrap().id(), new);
    for at in 0..pointer.len() {
        let mut damaged = pointer.clone();
        damaged[at] ^= 1;
        fs::write(path.join("latest"), damaged).unwrap();
        let error = SnapshotFolder::open(&path).unwrap().newest().unwrap_err();
        assert!(error.to_string().contains("latest") || error.to_string().contains("snapshot.json"), "{at}: {error}");
    }
    // What was good can be asked for.
    let restored = builder(&recording.bundle).store(quiet(&path).restore(old).open().unwrap()).open().unwrap();
    assert_eq!(restored.version().unwrap(), 1);
}

#[test]
fn another_bundle_is_refused_by_its_differences_or_taken_as_far_as_it_fits() {
    let (mlp, other) = (Recording::open("mlp", "adam"), Recording::open("regularized", "adam"));
    let (_kept, path) = fresh();
    let first = trainer(&mlp, quiet(&path));
    learn(&mlp, &first, 4);
    let saved = first.save().unwrap();
    let learned = values(&first);
    drop(first);

    // Both have a `dense_1/kernel`, of different shapes.
    let open = |bundle: &Path, warm| builder(bundle).store(quiet(&path).warm_start(warm).open().unwrap()).open();
    let error = open(&other.bundle, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let text = error.to_string();
    for part in [
        "dense_1/kernel is float32 [13, 32] in the snapshot, float32 [6, 10] in the bundle",
        "score/kernel is only in the bundle",
        "kind/bias is only in the snapshot",
        "warm start",
        &saved.to_string(),
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    // A refusal leaves the folder as it was.
    assert_eq!(SnapshotFolder::open(&path).unwrap().newest_version().unwrap(), Some(saved));

    // The same weights, exported with another learning rate: everything comes along but the metrics.
    let folder = tempfile::tempdir().unwrap();
    let bundle = changed(&mlp, folder.path(), |manifest| manifest["optimizer"]["learning_rate"] = 0.01.into());
    assert!(open(&bundle, false).unwrap_err().to_string().contains("all tensors agree"));
    let warm = open(&bundle, true).unwrap();
    assert_eq!((values(&warm), warm.version().unwrap(), warm.metrics().unwrap().rows()), (learned.clone(), 4, 0));
    let id = warm.save().unwrap();
    assert_ne!(id.lineage, saved.lineage);
    assert_eq!(SnapshotFolder::open(&path).unwrap().newest().unwrap().unwrap().parent(), Some(saved));
    drop(warm);

    // Another optimizer: parameters come along, its slots and steps begin anew.
    let sgd = Recording::open("mlp", "sgd");
    assert!(open(&sgd.bundle, false).unwrap_err().to_string().contains("other slots"));
    let warm = open(&sgd.bundle, true).unwrap();
    assert_eq!((values(&warm), warm.version().unwrap()), (learned, 0));
    drop(warm);
    // Nothing fits: it begins with the bundle's own values.
    let (warm, cold) = (open(&other.bundle, true).unwrap(), builder(&other.bundle).open().unwrap());
    assert_eq!(values(&warm), values(&cold));
}

#[test]
fn retention_keeps_the_last_and_never_takes_what_is_being_read() {
    let recording = Recording::open("mlp", "sgd");
    let (_kept, path) = fresh();
    let trainer = trainer(&recording, quiet(&path).keep_last(2));
    let save = || {
        learn(&recording, &trainer, 1);
        trainer.save().unwrap()
    };
    let first = save();
    let manifest = path.join("snapshots").join(first.to_string()).join("snapshot.json");
    let reading = FileSystem.lock(&manifest, LockMode::Shared).unwrap().unwrap();
    for _ in 0..3 {
        save();
    }
    let numbers = || trainer.kept_versions().unwrap().iter().map(|kept| kept.version.number).collect::<Vec<_>>();
    assert_eq!(numbers(), [1, 3, 4]);
    drop(reading);
    save();
    assert_eq!(numbers(), [4, 5]);
    assert_eq!(fs::read_dir(path.join("snapshots")).unwrap().count(), 2);
}

#[test]
fn old_versions_are_removed_without_a_model() {
    let recording = Recording::open("mlp", "sgd");
    let (_kept, path) = fresh();
    let learner = trainer(&recording, quiet(&path).keep_last(9));
    let saved: Vec<VersionId> = (0..4)
        .map(|_| {
            learn(&recording, &learner, 1);
            learner.save().unwrap()
        })
        .collect();
    let refused = FolderStore::builder(&path).keep_last(1).prune().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Locked, "a store that is open removes them itself");
    drop(learner);
    assert_eq!(FolderStore::builder(&path).keep_last(0).prune().unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(FolderStore::builder(&path).keep_last(2).prune().unwrap(), saved[..2]);
    assert_eq!(FolderStore::builder(&path).keep_last(2).prune().unwrap(), []);
    let folder = SnapshotFolder::open(&path).unwrap();
    assert_eq!(folder.versions().unwrap().iter().map(|kept| kept.version).collect::<Vec<_>>(), saved[2..]);
    let tensors = folder.newest().unwrap().unwrap();
    for (name, dtype, shape, data) in tensors.values() {
        let found = tensors.tensors().find(|tensor| tensor.name == name).unwrap();
        assert_eq!((found.file, found.dtype, found.shape, found.data), ("model.safetensors", dtype, shape, data));
    }
    assert!(tensors.tensors().any(|tensor| tensor.file == "training.safetensors"));
    let nowhere = FolderStore::builder(path.join("nowhere")).prune().unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::InvalidSnapshot, "no store is made to be pruned");
}

#[test]
fn deltas_hold_what_changed_and_a_broken_chain_is_refused() {
    // A learning rate of zero: only metrics and position change.
    let recording = Recording::open("mlp", "sgd");
    let (_kept, path) = fresh();
    let open = |store: FolderStoreBuilder| builder(&recording.bundle).learning_rate(0.0).store(store.open().unwrap()).open().unwrap();
    let first = open(quiet(&path).deltas(2).keep_last(2));
    let mut ids = Vec::new();
    for _ in 0..6 {
        learn(&recording, &first, 1);
        ids.push(first.save().unwrap());
    }
    let kept = first.kept_versions().unwrap();
    // Chains of two, then a complete one: 1 <- 2 <- 3, 4 <- 5 <- 6; the last two are kept, and what they build on.
    assert_eq!(kept.iter().map(|kept| kept.version.number).collect::<Vec<_>>(), [4, 5, 6]);
    assert_eq!(kept.iter().map(|kept| kept.base.map(|base| base.number)).collect::<Vec<_>>(), [None, Some(4), Some(5)]);
    let all = values(&first);
    let metrics = format!("{:?}", first.metrics().unwrap());
    drop(first);
    let second = open(quiet(&path));
    assert_eq!((values(&second), second.version().unwrap(), format!("{:?}", second.metrics().unwrap())), (all, 6, metrics));
    drop(second);

    let place = |number: usize| path.join("snapshots").join(ids[number - 1].to_string());
    Snapshot::open(place(6)).unwrap();
    // Another snapshot in the place of the base: sound, but not the one that was built on.
    let (base, aside) = (place(5), path.join("aside"));
    fs::rename(&base, &aside).unwrap();
    let text = Snapshot::open(place(6)).unwrap_err().to_string();
    assert!(text.contains(&ids[4].to_string()) && text.contains("delta"), "{text}");
    fs::create_dir(&base).unwrap();
    for file in fs::read_dir(place(4)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), base.join(file.file_name())).unwrap();
    }
    let text = Snapshot::open(place(6)).unwrap_err().to_string();
    assert!(text.contains("snapshot.json") && text.contains("referred"), "{text}");
}

#[test]
fn a_store_in_memory_says_that_it_keeps_nothing() {
    let trainer = Recording::open("mlp", "sgd").trainer();
    let id = trainer.pin().unwrap().id();
    for error in [trainer.save().unwrap_err(), trainer.rollback(id).unwrap_err(), trainer.save_on_signal().unwrap_err()] {
        assert!(error.kind() == ErrorKind::Unsupported && error.to_string().contains("open it with a folder"), "{error}");
    }
    let (_kept, path) = fresh();
    assert_eq!(FolderStore::open(path).unwrap().save().unwrap_err().kind(), ErrorKind::InvalidInput);
}
