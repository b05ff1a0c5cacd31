//! A JVM inside this process: Java learns what Rust learns, bit for bit, and JNI finds nothing to complain of.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Recording, peer};
use jni::objects::{JIntArray, JString, JValue};
use jni::{Env, InitArgsBuilder, JNIVersion, JavaVM, jni_sig, jni_str};

/// One test, since a process can have one JVM.
#[test]
fn java_learns_what_rust_learns() {
    let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("jvm.log");
    let vm = start(&compile(), &log);
    for name in ["mlp-adam", "wide_deep-adagrad", "gru-sgd"] {
        let (model, optimizer) = name.split_once('-').unwrap();
        let wanted = rust(&Recording::open(model, optimizer));
        let found = vm.attach_current_thread(|env| java(env, name)).unwrap();
        assert_eq!(found.len(), wanted.len(), "{name}");
        let differs = found.iter().zip(&wanted).position(|(found, wanted)| found != wanted);
        assert_eq!(differs, None, "{name}: the first number that differs");
    }
    let found = complaints(&log);
    assert!(found.is_empty(), "{found:?}");

    // The watch itself: a call that JNI forbids, after an exception that nobody looked at, is noticed.
    vm.attach_current_thread(misuse).unwrap();
    assert!(!complaints(&log).is_empty(), "-Xcheck:jni is off");
}

/// The classes of the library and of its tests' `Session`, compiled here so that Maven need not have run.
fn compile() -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("java/streamgrad/src");
    let classes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("jvm-classes");
    let mut javac = Command::new("javac");
    javac.arg("--release").arg("11").arg("-d").arg(&classes);
    for entry in fs::read_dir(sources.join("main/java/dev/streamgrad")).unwrap() {
        javac.arg(entry.unwrap().path());
    }
    for class in ["Recording", "Session"] {
        javac.arg(sources.join(format!("test/java/dev/streamgrad/{class}.java")));
    }
    let output = javac.output().expect("no javac; install a JDK 17");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    classes
}

fn start(classes: &Path, log: &Path) -> JavaVM {
    let library = std::env::current_exe().unwrap().with_file_name("libstreamgrad.so");
    let arguments = InitArgsBuilder::new()
        .version(JNIVersion::V1_8)
        .option(format!("-Djava.class.path={}", classes.display()))
        .option(format!("-Dstreamgrad.library={}", library.display()))
        .option("-Xcheck:jni")
        // What it has to say goes to a file: libtest does not catch what a JVM prints.
        .option("-XX:+UnlockDiagnosticVMOptions")
        .option("-XX:-DisplayVMOutput")
        .option("-XX:+LogVMOutput")
        .option(format!("-XX:LogFile={}", log.display()))
        .build()
        .unwrap();
    JavaVM::new(arguments).unwrap()
}

/// What `Session.bits` collects.
fn java(env: &mut Env<'_>, name: &str) -> jni::errors::Result<Vec<i32>> {
    let path = JString::from_str(env, peer().join(name).to_str().unwrap())?;
    let session = env.load_class(jni_str!("dev.streamgrad.Session"))?;
    let bits = env.call_static_method(session, jni_str!("bits"), jni_sig!((JString) -> jint[]), &[JValue::Object(&path)]);
    let Ok(bits) = bits else {
        env.exception_describe();
        panic!("{name}: Java threw");
    };
    let bits = env.cast_local::<JIntArray>(bits.l()?)?;
    let mut values = vec![0; bits.len(env)?];
    bits.get_region(env, 0, &mut values)?;
    Ok(values)
}

/// The same from Rust.
fn rust(recording: &Recording) -> Vec<i32> {
    let trainer = recording.trainer();
    let mut batch = trainer.schema().batch();
    let mut bits = Vec::new();
    for step in 0..10 {
        recording.fill(&mut batch, step);
        let report = trainer.step(&batch).unwrap();
        bits.push(report.loss());
        bits.extend(report.predictions().array::<f32>().unwrap());
    }
    let parameters = trainer.parameters().unwrap();
    for parameter in &trainer.bundle().manifest().parameters {
        bits.extend(parameters.array::<f32>(&parameter.name).unwrap());
    }
    bits.into_iter().map(|value| value.to_bits().cast_signed()).collect()
}

/// The lines in which the JVM complains of a native method.
fn complaints(log: &Path) -> Vec<String> {
    let log = fs::read_to_string(log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    log.lines().filter(|line| line.contains("WARNING") || line.contains("FATAL ERROR")).map(str::to_owned).collect()
}

fn misuse(env: &mut Env<'_>) -> jni::errors::Result<()> {
    let raw = env.get_raw();
    // SAFETY: the environment is that of this thread, the names are C strings, and the exception is cleared in the end.
    unsafe {
        ((**raw).v1_1.FindClass)(raw, c"no/such/Class".as_ptr());
        ((**raw).v1_1.FindClass)(raw, c"no/such/Class".as_ptr());
        ((**raw).v1_1.ExceptionClear)(raw);
    }
    Ok(())
}
