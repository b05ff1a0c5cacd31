//! What `make install` puts where: a program finds it through pkg-config, and runs with either library.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use common::{peer, tensorflow};

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; see .ci/machine"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn pkg_config(prefix: &Path, arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(arguments).arg("streamgrad");
    output(&mut command).split_whitespace().map(str::to_owned).collect()
}

/// Compiles the C example with these arguments after its source, and runs it.
fn example(prefix: &Path, libraries: &[impl AsRef<OsStr>]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = prefix.join("flights");
    let mut compile = Command::new(std::env::var_os("CC").unwrap_or("cc".into()));
    compile.arg(root.join("examples/c/flights.c")).arg("-o").arg(&program).args(pkg_config(prefix, &["--cflags"])).args(libraries);
    output(&mut compile);
    let mut run = Command::new(&program);
    run.arg(peer().join("flights.bundle")).env("LD_LIBRARY_PATH", prefix.join("lib"));
    output(run.env("STREAMGRAD_TENSORFLOW", tensorflow()).env("TF_CPP_MIN_LOG_LEVEL", "3"))
}

#[test]
fn a_program_builds_and_runs_against_an_installation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("prefix");
    let built = std::env::current_exe().unwrap();
    let mut install = Command::new("make");
    // The jobs of an outer make are not ours to use.
    install.current_dir(root).env_remove("MAKEFLAGS").env_remove("MAKELEVEL").args(["--no-print-directory", "install-files"]);
    install.arg(format!("PREFIX={}", prefix.display())).arg(format!("LIBRARIES={}", built.parent().unwrap().display()));
    output(&mut install);

    assert_eq!(pkg_config(&prefix, &["--modversion"]), [env!("CARGO_PKG_VERSION")]);
    let expected = fs::read_to_string(root.join("examples/c/flights.expected")).unwrap();
    assert_eq!(example(&prefix, &pkg_config(&prefix, &["--libs"])), expected);

    // The static library needs what the shared one needs; then there is nothing to find at run time but TensorFlow.
    let mut libraries = vec![prefix.join("lib/libstreamgrad.a").into_os_string()];
    let needed = pkg_config(&prefix, &["--static", "--libs-only-l"]);
    libraries.extend(needed.into_iter().filter(|library| library != "-lstreamgrad").map(Into::into));
    fs::remove_file(prefix.join("lib/libstreamgrad.so.1")).unwrap();
    assert_eq!(example(&prefix, &libraries), expected);
}
