//! Control of a trainer by its host, and from another process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command as Program, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::store::{fresh, quiet, values};
use common::{Recording, builder};
use streamgrad::control::{Command, send};
use streamgrad::guard::Mode;
use streamgrad::snapshot::SnapshotFolder;
use streamgrad::{ErrorKind, FolderStore, Trainer, VersionId};

/// Set in the process that is to learn in this folder until it is stopped.
const FOLDER: &str = "STREAMGRAD_TEST_FOLDER";

fn recording() -> Recording {
    Recording::open("mlp", "sgd")
}

fn open(path: &Path) -> Trainer {
    builder(&recording().bundle).store(quiet(path).open().unwrap()).open().unwrap()
}

fn learn(trainer: &Trainer, steps: u64) {
    let recording = recording();
    let mut batch = trainer.schema().batch();
    for _ in 0..steps {
        recording.fill(&mut batch, (trainer.version().unwrap() % 10) as usize);
        trainer.step(&batch).unwrap();
    }
}

/// The body of the other process; a test like any other, so that one program is enough.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let (recording, trainer) = (recording(), open(folder.as_ref()));
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{line}").and_then(|()| out.flush()).unwrap();
    };
    say("opened".into());
    let mut batch = trainer.schema().batch();
    recording.fill(&mut batch, 0);
    let mut paused = false;
    loop {
        match trainer.step(&batch) {
            Ok(_) => paused = false,
            Err(error) if error.kind() == ErrorKind::Paused => {
                let predictions = trainer.predict(&batch).unwrap();
                if !paused {
                    say(format!("paused {}", predictions.version()));
                }
                paused = true;
                thread::yield_now();
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
                return say("stopped".into());
            }
        }
    }
}

struct Other {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Other {
    fn start(folder: &Path) -> Self {
        let mut program = Program::new(std::env::current_exe().unwrap());
        program.args(["--exact", "child", "--nocapture"]).env(FOLDER, folder).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = program.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        let mut other = Self { process, lines };
        other.says("opened");
        other
    }

    /// The rest of the next line that begins so.
    fn says(&mut self, what: &str) -> String {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            if let Some(rest) = line.strip_prefix(what) {
                return rest.trim().to_owned();
            }
            line.clear();
        }
        panic!("the process ended without saying {what}");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_stream_in_another_process_is_paused_saved_rolled_back_and_stopped() {
    let (_folder, path) = fresh();
    let mut other = Other::start(&path);
    let tell = |command: Command| send(&path, &command).unwrap();

    let saved = tell(Command::Save).version.unwrap();
    let reply = tell(Command::Pause);
    assert_eq!((reply.status.mode, reply.status.process), (Mode::Paused, other.process.id()));
    assert_eq!(other.says("paused"), reply.status.version.number.to_string());
    let status = tell(Command::Status).status;
    assert_eq!(status.version, reply.status.version);
    assert_eq!(status.saved, Some(saved));
    assert!(status.loss.unwrap() > 0.0 && status.reason.is_some());

    assert_eq!(tell(Command::SetLearningRate(0.25)).status.learning_rate, 0.25);
    let error = send(&path, &Command::SetLearningRate(-1.0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");

    let reply = tell(Command::Rollback(saved));
    assert_eq!(reply.version, Some(reply.status.version));
    assert_eq!((reply.status.version.number, reply.status.mode, reply.status.learning_rate), (saved.number, Mode::Paused, 0.25));
    let gone: VersionId = "0000000000000001-1".parse().unwrap();
    assert_eq!(send(&path, &Command::Rollback(gone)).unwrap_err().kind(), ErrorKind::InvalidInput);

    assert_eq!(tell(Command::Resume).status.mode, Mode::Running);
    while tell(Command::Status).status.version.number < saved.number + 3 {}
    let reply = tell(Command::Stop);
    assert_eq!(reply.status.mode, Mode::Stopped);
    assert_eq!(reply.version, Some(reply.status.version));
    other.says("stopped");
    assert!(other.process.wait().unwrap().success());
    let snapshot = SnapshotFolder::open(&path).unwrap().newest().unwrap().unwrap();
    assert_eq!(Some(snapshot.version()), reply.version);
}

#[test]
fn the_socket_of_a_dead_process_says_so_and_is_replaced() {
    let (_folder, path) = fresh();
    let mut other = Other::start(&path);
    send(&path, &Command::Status).unwrap();
    other.process.kill().unwrap();
    other.process.wait().unwrap();
    assert!(path.join("control.sock").exists());
    let error = send(&path, &Command::Status).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(error.to_string().contains(&format!("process {}, which opened it last, has ended", other.process.id())), "{error}");

    let trainer = open(&path);
    assert_eq!(send(&path, &Command::Status).unwrap().status.process, std::process::id());
    drop(trainer);
    let error = send(&path, &Command::Status).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn the_socket_is_the_user_s_own_and_goes_with_the_last_trainer() {
    let (_folder, path) = fresh();
    let store = quiet(&path).open().unwrap();
    let bundle = recording().bundle;
    let one = builder(&bundle).store(store.clone()).open().unwrap();
    let two = builder(&bundle).store(store.clone()).open().unwrap();
    let socket = path.join("control.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    drop(one);
    learn(&two, 2);
    assert_eq!(send(&path, &Command::Status).unwrap().status.version.number, 2);
    drop(two);
    assert!(!socket.exists() && !path.join(".control").exists());
    // The store is open yet, and can be used again.
    let three = builder(&bundle).store(store).open().unwrap();
    send(&path, &Command::Status).unwrap();
    drop(three);
    let silent = builder(&bundle).store(quiet(&path).open().unwrap()).control(false).open().unwrap();
    assert!(!socket.exists());
    let error = send(&path, &Command::Status).unwrap_err();
    assert!(error.kind() == ErrorKind::Closed && error.to_string().contains("still runs"), "{error}");
    drop(silent);
    assert_eq!(send(path.join("snapshots"), &Command::Status).unwrap_err().kind(), ErrorKind::InvalidSnapshot);
}

/// A folder whose path is longer than a socket's may be.
fn deep(folder: &Path) -> PathBuf {
    let deep = folder.join("long".repeat(20)).join("longer".repeat(20));
    fs::create_dir_all(&deep).unwrap();
    deep.join("model")
}

#[test]
fn where_the_path_is_too_long_a_note_leads_to_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = deep(folder.path());
    let trainer = open(&path);
    assert!(!path.join("control.sock").exists());
    let note: serde_json::Value = serde_json::from_slice(&fs::read(path.join("control.path")).unwrap()).unwrap();
    let socket = PathBuf::from(note["socket"].as_str().unwrap());
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(socket.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(send(&path, &Command::Pause).unwrap().status.mode, Mode::Paused);
    assert_eq!(trainer.status().unwrap().mode, Mode::Paused);

    // A copy of the folder is not the folder.
    trainer.save().unwrap();
    let copy = folder.path().join("copy");
    assert!(Program::new("cp").arg("-r").args([&path, &copy]).status().unwrap().success());
    assert_eq!(send(&copy, &Command::Resume).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(trainer.status().unwrap().mode, Mode::Paused);
    drop(trainer);
    assert!(!path.join("control.path").exists() && !socket.exists() && !socket.parent().unwrap().exists());

    // What a dead process leaves is removed.
    let mut other = Other::start(&path);
    let note: serde_json::Value = serde_json::from_slice(&fs::read(path.join("control.path")).unwrap()).unwrap();
    let left = PathBuf::from(note["socket"].as_str().unwrap());
    other.process.kill().unwrap();
    other.process.wait().unwrap();
    assert!(left.exists());
    assert_eq!(send(&path, &Command::Status).unwrap_err().kind(), ErrorKind::Closed);
    let trainer = open(&path);
    assert!(!left.parent().unwrap().exists());
    send(&path, &Command::Status).unwrap();
    drop(trainer);
}

#[test]
fn nonsense_on_the_socket_is_answered_and_harms_nothing() {
    let (_folder, path) = fresh();
    let trainer = open(&path);
    let ask = |request: &[u8]| {
        let mut stream = UnixStream::connect(path.join("control.sock")).unwrap();
        // Whoever was refused midway does not read the rest.
        let _ = stream.write_all(request);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    let silent = UnixStream::connect(path.join("control.sock")).unwrap();
    for request in [&b"{\"command\":\"fly\"}\n"[..], b"\n", b"{\"command\":\"rollback\",\"value\":7}\n", b"\xff\xfe\n"] {
        let answer = ask(request).unwrap();
        assert!(answer.starts_with("{\"error\":{\"kind\":\"invalid-input\""), "{answer}");
    }
    drop(silent);
    let _ = ask(&vec![b' '; 1 << 20]);
    let answer = ask(b"{\"command\":\"status\"}\n").unwrap();
    assert!(answer.starts_with("{\"ok\":{\"version\":null,\"status\":{\"process\":") && answer.ends_with("}\n"), "{answer}");
    assert_eq!(trainer.status().unwrap().mode, Mode::Running);
}

#[test]
fn a_paused_trainer_predicts_and_a_stopped_one_saved_and_never_learns_again() {
    let (_folder, path) = fresh();
    let trainer = open(&path);
    learn(&trainer, 3);
    let (recording, before) = (recording(), values(&trainer));
    let batch = recording.batch(&trainer);
    let gradients = trainer.gradients(&batch).unwrap();
    trainer.pause().unwrap();
    trainer.pause().unwrap();
    assert_eq!(trainer.step(&batch).unwrap_err().kind(), ErrorKind::Paused);
    assert_eq!(trainer.apply(&gradients).unwrap_err().kind(), ErrorKind::Paused);
    assert_eq!(trainer.predict(&batch).unwrap().version(), 3);
    trainer.evaluate([&batch]).unwrap();
    assert_eq!(values(&trainer), before);
    trainer.resume().unwrap();
    trainer.apply(&gradients).unwrap();
    trainer.set_learning_rate(0.0).unwrap();
    let before = values(&trainer);
    trainer.step(&batch).unwrap();
    assert_eq!(values(&trainer), before);

    let saved = trainer.stop().unwrap().unwrap();
    assert_eq!(saved.number, 5);
    assert_eq!(trainer.step(&batch).unwrap_err().kind(), ErrorKind::Stopped);
    assert_eq!(trainer.resume().unwrap_err().kind(), ErrorKind::Stopped);
    assert_eq!(trainer.pause().unwrap_err().kind(), ErrorKind::Stopped);
    assert_eq!(trainer.predict(&batch).unwrap().version(), 5);
    assert_eq!(trainer.stop().unwrap(), Some(saved));
    drop(trainer);
    let again = builder(&recording.bundle).store(FolderStore::open(&path).unwrap()).open().unwrap();
    assert_eq!(again.pin().unwrap().id(), saved);
    again.step(&batch).unwrap();

    let memory = builder(&recording.bundle).open().unwrap();
    assert_eq!(memory.stop().unwrap(), None);
}

#[test]
fn a_pause_waits_for_the_steps_under_way() {
    let trainer = builder(&recording().bundle).open().unwrap();
    let (recording, end) = (recording(), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let batch = recording.batch(&trainer);
                while !end.load(Ordering::Relaxed) {
                    if let Err(error) = trainer.step(&batch) {
                        assert_eq!(error.kind(), ErrorKind::Paused);
                        thread::yield_now();
                    }
                }
            });
        }
        for _ in 0..50 {
            trainer.pause().unwrap();
            let version = trainer.version().unwrap();
            thread::yield_now();
            assert_eq!(trainer.version().unwrap(), version);
            trainer.resume().unwrap();
            while trainer.version().unwrap() == version {
                thread::yield_now();
            }
        }
        end.store(true, Ordering::Relaxed);
    });
}
