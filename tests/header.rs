//! `include/streamgrad.h` is what cbindgen makes of the source.

use std::path::Path;

/// Set to write the header instead of comparing it.
const WRITE: &str = "STREAMGRAD_WRITE_HEADER";

#[test]
fn the_committed_header_is_the_generated_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    let mut generated = Vec::new();
    cbindgen::Builder::new().with_crate(root).with_config(config).generate().unwrap().write(&mut generated);

    let path = root.join("include/streamgrad.h");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let generated = String::from_utf8(generated).unwrap();
    let first = committed.lines().zip(generated.lines()).position(|(a, b)| a != b);
    assert!(committed == generated, "run `make header`: include/streamgrad.h is not what the source says, first near line {first:?}");
}
