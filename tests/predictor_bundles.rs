//! Predictors that follow numbered bundles: each is a model of its own, and may be half copied.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;

use common::Recording;
use common::predicting::{batch, copy, quiet, values};
use sha2::{Digest, Sha256};
use streamgrad::{Bundle, ErrorKind, Predictor, VersionId};

#[test]
fn numbered_bundles_are_followed_when_they_are_complete() {
    let bundles = ["sgd", "adagrad", "adam"].map(|optimizer| Recording::open("mlp", optimizer));
    let root = tempfile::tempdir().unwrap();
    let place = |number: u64| root.path().join(number.to_string());
    copy(&bundles[0].bundle, &place(1));
    for other in ["latest", "007", "-1", "2.tmp"] {
        copy(&bundles[1].bundle, &root.path().join(other));
    }
    let predictor = quiet(Predictor::numbered(root.path())).open().unwrap();
    let batch = batch(&bundles[0], &predictor);
    let first = predictor.version().unwrap();
    let identity = |bundle: &Path| Bundle::open(bundle).unwrap().identity()[..16].to_owned();
    assert_eq!(first.to_string(), format!("{}-1", identity(&bundles[0].bundle)));

    // Half copied: without its manifest it is not there, with it but not whole it is refused, whole it is taken.
    fs::create_dir(place(2)).unwrap();
    fs::copy(bundles[1].bundle.join("graph.pb"), place(2).join("graph.pb")).unwrap();
    assert_eq!(predictor.look().unwrap(), first);
    fs::copy(bundles[1].bundle.join("bundle.json"), place(2).join("bundle.json")).unwrap();
    assert_eq!(predictor.look().unwrap_err().kind(), ErrorKind::InvalidBundle);
    assert_eq!(predictor.status().unwrap().problem.unwrap().version.unwrap().number, 2);
    assert_eq!(predictor.look().unwrap(), first, "nothing changed, so it is not tried again");
    fs::copy(bundles[1].bundle.join("initial.safetensors"), place(2).join("initial.safetensors")).unwrap();
    let second = predictor.look().unwrap();
    assert_eq!(second.to_string(), format!("{}-2", identity(&bundles[1].bundle)));
    let predictions = predictor.predict(&batch).unwrap();
    assert_eq!((predictions.version_id(), predictor.status().unwrap().problem.is_none()), (second, true));
    assert_eq!(values(&predictions), values(&bundles[1].trainer().predict(&batch).unwrap()));

    // One whose model takes other columns, and one that is not finite: the best below them is 2.
    copy(&Recording::open("cnn", "sgd").bundle, &place(9));
    let error = predictor.look().unwrap_err();
    assert!(error.to_string().contains("takes other columns"), "{error}");
    copy(&bundles[2].bundle, &place(10));
    let mut values = fs::read(place(10).join("initial.safetensors")).unwrap();
    let header = 8 + u64::from_le_bytes(values[..8].try_into().unwrap()) as usize;
    values[header..].fill(0xff);
    fs::write(place(10).join("initial.safetensors"), &values).unwrap();
    let manifest = fs::read_to_string(place(10).join("bundle.json")).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let sum: String = Sha256::digest(&values).iter().map(|byte| format!("{byte:02x}")).collect();
    json["files"]["initial.safetensors"] = sum.into();
    fs::write(place(10).join("bundle.json"), json.to_string()).unwrap();
    assert_eq!(predictor.look().unwrap_err().kind(), ErrorKind::NonFinite);
    assert_eq!(predictor.version().unwrap(), second);
    // 3 comes while the two above it are broken.
    copy(&bundles[2].bundle, &place(3));
    assert_eq!(predictor.look().unwrap().number, 3);
    assert_eq!(predictor.status().unwrap().problem.unwrap().version.unwrap().number, 10);

    assert_eq!(predictor.rollback().unwrap(), second);
    assert_eq!(predictor.switch_to(1).unwrap(), first);
    assert_eq!(predictor.predict(&batch).unwrap().version_id(), first);
    let error = predictor.switch_to(4).unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains("it has 10, 9, 3, 2, 1"), "{error}");
    let replaced = VersionId { number: 2, ..first };
    assert_eq!(predictor.switch_to(replaced).unwrap_err().kind(), ErrorKind::InvalidInput);
    // Another bundle under the same number is another version.
    for broken in [9, 10] {
        fs::remove_dir_all(place(broken)).unwrap();
    }
    fs::remove_dir_all(place(3)).unwrap();
    copy(&bundles[0].bundle, &place(3));
    let again = predictor.look().unwrap();
    assert_eq!((again.number, again.lineage), (3, first.lineage));
}
