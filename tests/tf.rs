//! Finding TensorFlow: each case in a process of its own, for a process can hold one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use streamgrad::tf;
use tempfile::TempDir;

const CASE: &str = "STREAMGRAD_TEST_CASE";

/// Runs this test program once more, for one case and with this environment alone.
fn child(case: &str, environment: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "case", "--nocapture"]).env_remove("STREAMGRAD_TENSORFLOW").env_remove("VIRTUAL_ENV").env(CASE, case);
    command.envs(environment.iter().copied()).output().unwrap()
}

#[track_caller]
fn says(output: &Output, text: &str) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(text), "{said} does not say {text:?}");
}

/// Not a test of its own: what the children run.
#[test]
fn case() {
    let Ok(case) = std::env::var(CASE) else { return };
    let library = common::tensorflow;
    let copy = || Path::new(&std::env::var("COPY").unwrap()).to_owned();
    let show = |result: streamgrad::Result<tf::TensorFlow>| match result {
        Ok(found) => println!("found {} at {}", found.version(), found.path().display()),
        Err(error) => println!("{:?} {error}", error.kind()),
    };
    match case.as_str() {
        "search" => show(tf::load(None)),
        "named" => show(tf::load(Some(&copy()))),
        "other" => {
            show(tf::load(Some(&library())));
            show(tf::load(None));
            show(tf::load(Some(&copy())));
        }
        "joined" => {
            // SAFETY: TensorFlow may be loaded.
            let host = unsafe { libloading::Library::new(library().join("libtensorflow_cc.so.2")) }.unwrap();
            std::mem::forget(host);
            show(tf::load(Some(&copy())));
            show(tf::load(None));
        }
        other => panic!("no case {other}"),
    }
}

/// A file of the right name that is no TensorFlow: the C library's math.
fn impostor() -> TempDir {
    let folder = TempDir::new().unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let libc = maps.lines().find_map(|line| line.find('/').map(|at| &line[at..]).filter(|path| path.contains("libc.so"))).unwrap();
    fs::copy(libc, folder.path().join("libtensorflow_cc.so.2")).unwrap();
    folder
}

#[test]
fn nothing_anywhere_lists_every_place() {
    let empty = TempDir::new().unwrap();
    let output = child("search", &[("PATH", empty.path())]);
    for place in
        ["TensorFlowNotFound", "STREAMGRAD_TENSORFLOW (not set)", "next to streamgrad", "tensorflow package of python3", "pip install"]
    {
        says(&output, place);
    }
}

#[test]
fn what_is_named_is_never_replaced() {
    let empty = TempDir::new().unwrap();
    says(&child("named", &[("COPY", empty.path())]), "no TensorFlow library at");
    says(&child("search", &[("STREAMGRAD_TENSORFLOW", empty.path())]), "no TensorFlow library at");
}

#[test]
fn a_library_that_is_none_lacks_functions() {
    says(&child("named", &[("COPY", impostor().path())]), "too old or no TensorFlow: it lacks TF_Version");
}

#[test]
fn the_variable_and_the_python_on_the_path_lead_to_it() {
    let found = common::tensorflow();
    says(&child("search", &[("STREAMGRAD_TENSORFLOW", &found)]), "found 2.");
    let folder = if found.is_file() { found.parent().unwrap().to_owned() } else { found };
    if let Some(venv) = folder.ancestors().nth(4).filter(|venv| venv.join("bin/python3").exists()) {
        says(&child("search", &[("VIRTUAL_ENV", venv)]), "found 2.");
    }
}

#[test]
fn a_process_holds_one() {
    let impostor = impostor();
    let output = child("other", &[("COPY", impostor.path())]);
    says(&output, "found 2.");
    says(&output, "TensorFlowConflict");
    says(&output, "one process can hold one TensorFlow");
}

#[test]
fn one_that_the_host_loaded_is_joined_or_is_a_conflict() {
    let impostor = impostor();
    let output = child("joined", &[("COPY", impostor.path())]);
    says(&output, "TensorFlowConflict");
    says(&output, "found 2.");
}

#[test]
fn a_link_to_the_loaded_library_is_that_library() {
    let folder = TempDir::new().unwrap();
    let library = common::tensorflow();
    let library = if library.is_dir() { library.join("libtensorflow_cc.so.2") } else { library };
    symlink(&library, folder.path().join("libtensorflow_cc.so.2")).unwrap();
    let output = child("other", &[("COPY", folder.path())]);
    says(&output, "found 2.");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("Conflict"));
}
