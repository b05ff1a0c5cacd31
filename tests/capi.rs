//! The C ABI as C and C++ programs see it: compiled as strictly as compilers can, run under AddressSanitizer, compared with
//! the output they should have.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{Recording, distance, peer, tensorflow};
use streamgrad::snapshot::SnapshotFolder;
use tempfile::TempDir;

const STRICT: &[&str] = &["-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-D_POSIX_C_SOURCE=200809L"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The compiler and the standard for this source.
fn compiler(source: &Path) -> Command {
    let cpp = source.extension().is_some_and(|extension| extension == "cc");
    let (variable, default, standard) = if cpp { ("CXX", "c++", "-std=c++17") } else { ("CC", "cc", "-std=c11") };
    let mut command = Command::new(std::env::var_os(variable).unwrap_or(default.into()));
    command.env("LC_ALL", "C").arg(standard).args(STRICT).arg("-I").arg(root().join("include")).arg("-I").arg(root().join("tests/c"));
    command
}

/// The shared library that these tests were built with.
fn library() -> PathBuf {
    let path = std::env::current_exe().unwrap().with_file_name("libstreamgrad.so");
    assert!(path.is_file(), "no {}", path.display());
    path
}

/// A program of `tests/c` or `examples`, compiled and linked in a folder of its own.
struct Program {
    folder: TempDir,
    source: PathBuf,
}

impl Program {
    fn compile(source: &str) -> Self {
        let (source, folder) = (root().join(source), tempfile::tempdir().unwrap());
        for name in ["libstreamgrad.so", "libstreamgrad.so.1"] {
            std::os::unix::fs::symlink(library(), folder.path().join(name)).unwrap();
        }
        let mut command = compiler(&source);
        command.arg("-fsanitize=address").arg(&source).arg("-o").arg(folder.path().join("program"));
        command.arg("-L").arg(folder.path()).args(["-lstreamgrad", "-pthread", "-ldl"]);
        command.arg(format!("-Wl,-rpath,{}", folder.path().display()));
        let output = command.output().expect("no C or C++ compiler; see .ci/machine");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { folder, source }
    }

    fn output(&self, arguments: &[&Path]) -> Output {
        let mut command = Command::new(self.folder.path().join("program"));
        command.args(arguments).env("STREAMGRAD_TENSORFLOW", tensorflow()).env("TF_CPP_MIN_LOG_LEVEL", "3");
        command.env("LD_LIBRARY_PATH", self.folder.path());
        // The leak checker walks the threads' storage while TensorFlow's threads still run, and now and then crashes itself.
        // That is no verdict on the program: it is asked again. A leak or a bad access says something else.
        command.env("ASAN_OPTIONS", "intercept_tls_get_addr=0");
        let crashed = |output: &Output| String::from_utf8_lossy(&output.stderr).contains("LeakSanitizer has encountered a fatal error");
        let mut runs = (0..5).map(|_| command.output().unwrap());
        runs.find(|output| !crashed(output)).expect("the leak checker crashed five times")
    }

    fn run(&self, arguments: &[&Path]) -> String {
        let output = self.output(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{}: {}\n{out}\n{err}", self.source.display(), output.status);
        assert!(!err.contains("Sanitizer"), "{err}");
        out.into_owned()
    }

    /// Runs it and compares what it prints with the file beside its source.
    fn prints_what_it_should(&self, arguments: &[&Path]) {
        let expected = fs::read_to_string(self.source.with_extension("expected")).unwrap();
        assert_eq!(self.run(arguments), expected, "{}", self.source.display());
    }
}

fn bundle(name: &str) -> PathBuf {
    let path = peer().join(format!("{name}.bundle"));
    assert!(path.is_dir(), "no {}; run `make peer`", path.display());
    path
}

#[test]
fn the_c_example_learns() {
    Program::compile("examples/c/flights.c").prints_what_it_should(&[&bundle("flights")]);
}

#[test]
fn the_cpp_example_learns_the_same() {
    Program::compile("examples/cpp/flights.cc").prints_what_it_should(&[&bundle("flights")]);
}

#[test]
fn the_header_is_cpp() {
    Program::compile("tests/c/header.cc").prints_what_it_should(&[]);
}

#[test]
fn every_setter_fills_its_column() {
    bundle("every_dtype");
    Program::compile("tests/c/columns.c").prints_what_it_should(&[&peer()]);
}

#[test]
fn rows_of_any_number_of_values_are_taken() {
    bundle("every_ragged");
    bundle("ids");
    Program::compile("tests/c/ragged.c").prints_what_it_should(&[&peer()]);
}

#[cfg(feature = "arrow")]
#[test]
fn a_record_batch_is_taken_over() {
    bundle("mlp-sgd");
    bundle("flights");
    Program::compile("tests/c/arrow.c").prints_what_it_should(&[&peer()]);
}

#[test]
fn values_may_be_missing() {
    bundle("transforms_gaps");
    Program::compile("tests/c/missing.c").prints_what_it_should(&[&peer()]);
}

#[test]
fn saved_models_and_described_graphs_are_opened() {
    Program::compile("tests/c/saved.c").prints_what_it_should(&[&peer()]);
}

#[test]
fn several_outputs_go_where_they_are_wanted() {
    bundle("two_outputs");
    Program::compile("tests/c/outputs.c").prints_what_it_should(&[&peer()]);
}

#[test]
fn steps_gradients_pins_and_evaluations_agree() {
    bundle("flights");
    Program::compile("tests/c/learning.c").prints_what_it_should(&[&peer()]);
}

#[test]
fn a_folder_keeps_what_was_learned() {
    in_a_folder("tests/c/store.c");
    in_a_folder("tests/c/store_refusals.c");
}

#[test]
fn a_trainer_is_guarded_and_steered() {
    in_a_folder("tests/c/control.c");
}

#[test]
fn a_predictor_follows() {
    in_a_folder("tests/c/predictor.c");
    in_a_folder("tests/c/predictor_refusals.c");
}

#[test]
fn a_trainer_tells_of_itself() {
    in_a_folder("tests/c/observing.c");
}

#[test]
fn cpp_predicts_by_what_was_saved() {
    in_a_folder("tests/c/following.cc");
}

/// Runs a program that works in an empty folder.
fn in_a_folder(source: &str) {
    bundle("flights");
    let folder = tempfile::tempdir().unwrap();
    Program::compile(source).prints_what_it_should(&[&peer(), folder.path()]);
}

#[test]
fn a_signal_saves_what_was_learned() {
    bundle("flights");
    let folder = tempfile::tempdir().unwrap();
    let output = Program::compile("tests/c/signal.c").output(&[&peer(), folder.path()]);
    assert_eq!(output.status.signal(), Some(15), "{output:?}");
    let newest = SnapshotFolder::open(folder.path()).unwrap().newest().unwrap();
    assert_eq!(newest.map(|snapshot| snapshot.version().number), Some(3));
}

#[test]
fn a_trainer_is_closed_under_its_threads() {
    bundle("flights");
    Program::compile("tests/c/threads.c").prints_what_it_should(&[&peer()]);
}

#[test]
fn the_library_stays_loaded() {
    Program::compile("tests/c/reload.c").prints_what_it_should(&[]);
}

#[test]
fn bad_input_is_refused_and_changes_nothing() {
    let broken = tempfile::tempdir().unwrap();
    break_bundles(&bundle("flights"), broken.path());
    Program::compile("tests/c/refusals.c").prints_what_it_should(&[&peer(), broken.path()]);
}

/// Copies of a bundle, each damaged in one way.
fn break_bundles(whole: &Path, folder: &Path) {
    let copy = |name: &str| {
        let target = folder.join(name);
        fs::create_dir(&target).unwrap();
        for file in ["bundle.json", "graph.pb", "initial.safetensors"] {
            fs::copy(whole.join(file), target.join(file)).unwrap();
        }
        target
    };
    let edit = |name: &str, from: &str, to: &str| {
        let path = copy(name).join("bundle.json");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    };
    fs::remove_file(copy("no_manifest").join("bundle.json")).unwrap();
    fs::remove_file(copy("no_graph").join("graph.pb")).unwrap();
    let graph = copy("truncated_graph").join("graph.pb");
    let bytes = fs::read(&graph).unwrap();
    fs::write(graph, &bytes[..bytes.len() / 2]).unwrap();
    let values = copy("altered_values").join("initial.safetensors");
    let mut bytes = fs::read(&values).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(values, bytes).unwrap();
    fs::write(copy("not_json").join("bundle.json"), "{").unwrap();
    edit("newer_format", "\"format\": 1", "\"format\": 2");
    edit("unknown_dtype", "\"float32\"", "\"qint8\"");
    edit("unknown_rule", "\"adagrad\"", "\"rmsprop\"");
    edit("other_dtype", "\"float32\"", "\"float64\"");
    edit("no_such_endpoint", "\"train/loss:0\"", "\"train/nothing:0\"");
}

#[test]
fn one_tensorflow_is_found_or_named_in_the_error() {
    bundle("flights");
    let folder = if tensorflow().is_dir() { tensorflow() } else { tensorflow().parent().unwrap().to_owned() };
    // A library that loads and is not TensorFlow, and one that is another file than the one that was loaded.
    let (no_tensorflow, framework) = (library(), folder.join("libtensorflow_framework.so.2"));
    Program::compile("tests/c/tensorflow.c").prints_what_it_should(&[&peer(), &no_tensorflow, &framework]);
}

#[test]
fn ten_steps_are_those_of_keras() {
    let program = Program::compile("tests/c/parity.c");
    for (model, optimizer) in [("mlp", "adagrad"), ("regularized", "sgd")] {
        let recording = Recording::open(model, optimizer);
        let folder = tempfile::tempdir().unwrap();
        let file = fs::read(peer().join(format!("{model}-{optimizer}.safetensors"))).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
        for (name, tensor) in tensors.tensors() {
            if let Some((step, column)) = name.strip_prefix("batch/").and_then(|name| name.split_once('/')) {
                fs::write(folder.path().join(format!("{step}.{column}")), tensor.data()).unwrap();
            }
        }
        let losses = program.run(&[&recording.bundle, folder.path()]);
        let losses: Vec<f32> = losses.lines().map(|line| line.parse().unwrap()).collect();
        let wanted: Vec<f32> = (0..10).map(|step| recording.loss(step)).collect();
        assert!(distance(&losses, &wanted, 1e-6, 1e-6) <= 1.0, "{model} {optimizer}: {losses:?}, Keras {wanted:?}");
        let bundle = streamgrad::Bundle::open(&recording.bundle).unwrap();
        for (index, parameter) in bundle.manifest().parameters.iter().enumerate() {
            let bytes = fs::read(folder.path().join(index.to_string())).unwrap();
            let found: Vec<f32> = bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
            let wanted = recording.f32s(&format!("parameter/{}", parameter.name));
            assert!(distance(&found, &wanted, 1e-6, 1e-6) <= 1.0, "{model} {optimizer}: {}", parameter.name);
        }
    }
}

#[test]
fn address_sanitizer_is_on() {
    bundle("flights");
    let program = Program::compile("tests/c/sanitized.c");
    let stops = [
        ("program", "heap-buffer-overflow", "main"),
        ("library", "heap-buffer-overflow", "streamgrad::capi"),
        ("leak", "detected memory leaks", "main"),
    ];
    for (what, kind, place) in stops {
        let output = program.output(&[&peer(), Path::new(what)]);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && err.contains(kind) && err.contains(place), "{what}: {err}");
    }
}

#[test]
fn misuse_does_not_compile() {
    let mut tried = 0;
    for file in fs::read_dir(root().join("tests/c/misuse")).unwrap() {
        let source = file.unwrap().path();
        let text = fs::read_to_string(&source).unwrap();
        let line = 1 + text.lines().position(|line| line.contains("must not compile")).unwrap();
        let output = compiler(&source).arg("-fsyntax-only").arg(&source).output().expect("no C or C++ compiler; see .ci/machine");
        let err = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<&str> = err.lines().filter(|line| line.contains(" error: ")).collect();
        let here = format!("{}:{line}:", source.display());
        assert!(!errors.is_empty() && errors.iter().all(|error| error.starts_with(&here)), "{}: {err}", source.display());
        tried += 1;
    }
    assert!(tried >= 9);
}

#[test]
fn the_shared_library_exports_only_what_bindings_call() {
    let output =
        Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library()).output().expect("no nm; install binutils");
    let symbols = String::from_utf8(output.stdout).unwrap();
    let exported: BTreeSet<&str> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    let (for_java, for_c): (BTreeSet<&str>, BTreeSet<&str>) = exported.into_iter().partition(|name| name.starts_with("JNI_On"));
    let header = fs::read_to_string(root().join("include/streamgrad.h")).unwrap();
    let code = header.lines().filter(|line| !line.starts_with([' ', '#', '/', '\t']));
    let declared = code.filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next()).filter(|name| name.starts_with("sg_"));
    assert_eq!(for_c, declared.collect());
    assert!(for_java.iter().all(|name| ["JNI_OnLoad", "JNI_OnUnload"].contains(name)), "{for_java:?}");
}
