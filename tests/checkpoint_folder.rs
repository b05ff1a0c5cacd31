//! Checkpoints of a host beside a folder of the library's own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;

use common::store::{bytes, fresh, learn, memory, quiet, trainer, values};
use common::{Recording, predicting};
use streamgrad::snapshot::SnapshotFolder;
use streamgrad::{ErrorKind, Predictor};

#[test]
fn a_checkpoint_wins_over_the_folder_and_followers_go_along() {
    let recording = Recording::open("cnn", "adam");
    let (_kept, path) = fresh();
    let first = trainer(&recording, quiet(&path));
    learn(&recording, &first, 3);
    let checkpoint = first.checkpoint().unwrap();
    let (third, kept) = (checkpoint.version(), values(&first));
    learn(&recording, &first, 4);
    let seventh = first.save().unwrap();
    drop(first);

    let folder = SnapshotFolder::open(&path).unwrap();
    let follower = Predictor::builder(&recording.bundle).follow(&path).tensorflow(common::tensorflow()).open().unwrap();
    follower.look().unwrap();
    let batch = predicting::batch(&recording, &follower);
    let of_seventh = predicting::values(&follower.predict(&batch).unwrap());

    let second = trainer(&recording, quiet(&path));
    assert_eq!(second.pin().unwrap().id(), seventh);
    let restored = second.restore(&*bytes(&checkpoint)).unwrap();
    assert!(restored.number == 3 && ![third.lineage].contains(&restored.lineage));
    assert_eq!((values(&second), second.store_status().saved), (kept, Some(restored)));
    assert_eq!(folder.newest_version().unwrap(), Some(restored));
    assert_eq!(folder.read(restored).unwrap().parent(), Some(third));
    follower.look().unwrap();
    assert_eq!(follower.status().unwrap().version, restored);
    assert_ne!(predicting::values(&follower.predict(&batch).unwrap()), of_seventh);
    // The same steps again come to the same values by another name.
    learn(&recording, &second, 4);
    let again = second.save().unwrap();
    assert!(again.lineage == restored.lineage && again.number == 7);
    assert!(common::store::content(&path, again) == common::store::content(&path, seventh));
    follower.look().unwrap();
    assert_eq!(predicting::values(&follower.predict(&batch).unwrap()), of_seventh);
}

#[test]
fn a_folder_that_cannot_be_written_does_not_stop_a_restore() {
    let recording = Recording::open("mlp", "sgd");
    let (_kept, path) = fresh();
    let trainer = trainer(&recording, quiet(&path));
    learn(&recording, &trainer, 2);
    let checkpoint = bytes(&trainer.checkpoint().unwrap());
    learn(&recording, &trainer, 2);
    fs::rename(&path, path.with_extension("away")).unwrap();
    assert_eq!(trainer.restore(&*checkpoint).unwrap().number, 2);
    assert!(trainer.store_status().error.is_some());
    fs::rename(path.with_extension("away"), &path).unwrap();
    assert_eq!(trainer.save().unwrap(), trainer.pin().unwrap().id());
}

#[test]
fn exactly_the_version_of_a_checkpoint_is_saved_and_held() {
    let recording = Recording::open("cnn", "adam");
    let (_kept, path) = fresh();
    let trainer = trainer(&recording, quiet(&path).keep_last(1));
    let folder = SnapshotFolder::open(&path).unwrap();
    learn(&recording, &trainer, 3);
    let checkpoint = trainer.checkpoint().unwrap();
    let (third, kept) = (checkpoint.version(), values(&trainer));
    trainer.hold(third).unwrap();
    learn(&recording, &trainer, 3);
    let sixth = trainer.save().unwrap();
    // It comes late: the newest stays the newest, and no rule removes what is held.
    assert_eq!(trainer.save_checkpoint(&checkpoint).unwrap(), third);
    assert_eq!(trainer.save_checkpoint(&checkpoint).unwrap(), third);
    assert_eq!((folder.newest_version().unwrap(), trainer.store_status().saved), (Some(sixth), Some(sixth)));
    for _ in 0..3 {
        learn(&recording, &trainer, 1);
        trainer.save().unwrap();
    }
    assert_eq!(folder.versions().unwrap().iter().map(|kept| kept.version.number).collect::<Vec<_>>(), [3, 9]);
    assert_eq!(trainer.rollback(third).unwrap().number, 3);
    assert_eq!(values(&trainer), kept);
    trainer.release(third).unwrap();
    learn(&recording, &trainer, 1);
    trainer.save().unwrap();
    assert_eq!(folder.versions().unwrap().iter().map(|kept| kept.version.number).collect::<Vec<_>>(), [4]);

    // A version of before the store went back does not become the newest again.
    let newest = folder.newest_version().unwrap();
    trainer.save_checkpoint(&checkpoint).unwrap();
    assert_eq!(folder.newest_version().unwrap(), newest);

    let elsewhere = memory(&recording);
    let error = trainer.save_checkpoint(&elsewhere.checkpoint().unwrap()).unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains("another store"), "{error}");
    for error in
        [elsewhere.save_checkpoint(&checkpoint).unwrap_err(), elsewhere.hold(third).unwrap_err(), elsewhere.release(third).unwrap_err()]
    {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
