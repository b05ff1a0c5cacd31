//! `include/streamgrad.h` is what cbindgen makes of the source.

use std::collections::BTreeSet;
use std::path::Path;

/// Set to write the header instead of comparing it.
const WRITE: &str = "STREAMGRAD_WRITE_HEADER";

/// Where the header comes from, in its order.
const SOURCES: &[&str] = &[
    "capi/version.rs",
    "bind/status.rs",
    "capi/error.rs",
    "capi/dtype.rs",
    "capi/tensor.rs",
    "capi/guard.rs",
    "capi/options.rs",
    "capi/folder_store.rs",
    "capi/tensorboard.rs",
    "capi/trainer.rs",
    "capi/store.rs",
    "capi/saved_model.rs",
    "capi/bundle.rs",
    "capi/field.rs",
    "capi/batch.rs",
    "capi/control.rs",
    "capi/quarantine.rs",
    "capi/ragged.rs",
    "capi/arrow.rs",
    "capi/predictions.rs",
    "capi/metrics.rs",
    "capi/report.rs",
    "capi/evaluation.rs",
    "capi/pin.rs",
    "capi/gradients.rs",
    "capi/predictor_options.rs",
    "capi/serving_status.rs",
    "capi/predictor.rs",
    "capi/log.rs",
];

/// What of `src/capi` declares nothing.
const PLUMBING: &[&str] = &["capi/mod.rs", "capi/pointer.rs", "capi/rows.rs", "capi/sized.rs"];

#[test]
fn the_committed_header_is_the_generated_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    let builder = SOURCES.iter().fold(cbindgen::Builder::new(), |builder, source| builder.with_src(root.join("src").join(source)));
    let mut generated = Vec::new();
    builder.with_config(config).generate().unwrap().write(&mut generated);

    let path = root.join("include/streamgrad.h");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let generated = String::from_utf8(generated).unwrap();
    let first = committed.lines().zip(generated.lines()).position(|(a, b)| a != b).map(|line| line + 1);
    assert!(committed == generated, "run `make header`: include/streamgrad.h is not what the source says, from line {first:?}");
}

#[test]
fn every_file_of_the_c_abi_is_in_the_header() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/capi");
    let files = std::fs::read_dir(folder).unwrap().map(|file| format!("capi/{}", file.unwrap().file_name().display()));
    let known = SOURCES.iter().chain(PLUMBING).filter(|source| source.starts_with("capi/"));
    assert_eq!(files.collect::<BTreeSet<_>>(), known.map(|&source| source.to_owned()).collect::<BTreeSet<_>>());
}
