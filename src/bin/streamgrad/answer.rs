//! What a verb comes back with.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};
use streamgrad::Error;

/// Something failed.
pub(crate) const FAILED: u8 = 1;
/// The verb was called wrongly.
pub(crate) const USAGE: u8 = 2;
/// More records were refused than was allowed.
pub(crate) const REFUSED: u8 = 3;

/// The result of every verb.
pub(crate) type Outcome<T = Answer> = Result<T, Failure>;

/// What was found or done, for people and for programs.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
    json: Value,
    exit: u8,
    /// Whether standard output is for something else.
    silent: bool,
}

impl Answer {
    pub(crate) fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, exit: 0, silent: false }
    }

    /// Of a verb whose result went to standard output already: with `--json`, the document goes to standard error.
    pub(crate) fn silent(json: Value) -> Self {
        Self { text: String::new(), json, exit: 0, silent: true }
    }

    /// The same, with an exit code that is not 0.
    pub(crate) fn exit(self, exit: u8) -> Self {
        Self { exit, ..self }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn json(&self) -> &Value {
        &self.json
    }

    pub(crate) fn print(&self, json: bool) -> ExitCode {
        if self.silent {
            if json {
                let _ = writeln!(std::io::stderr(), "{:#}", self.json);
            }
            return ExitCode::from(self.exit);
        }
        let text = if json { format!("{:#}", self.json) } else { self.text.trim_end().to_owned() };
        if text.is_empty() {
            return ExitCode::from(self.exit);
        }
        match writeln!(std::io::stdout(), "{text}") {
            // A reader that has seen enough is no failure.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::from(FAILED),
            _ => ExitCode::from(self.exit),
        }
    }
}

/// Why a verb failed.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    kind: String,
    message: String,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { exit: FAILED, kind: "Failed".into(), message: message.into() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: USAGE, kind: "Usage".into(), message: message.into() }
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { exit: REFUSED, kind: "Refused".into(), message: message.into() }
    }

    /// A file that could not be read or written.
    pub(crate) fn io(what: impl std::fmt::Display, error: &std::io::Error) -> Self {
        Self { exit: FAILED, kind: "Io".into(), message: format!("{what}: {error}") }
    }

    /// The same, after the name of what it is about.
    pub(crate) fn about(self, name: impl std::fmt::Display) -> Self {
        Self { message: format!("{name}: {}", self.message), ..self }
    }

    /// The same, and what to do instead.
    pub(crate) fn but(self, advice: impl std::fmt::Display) -> Self {
        Self { message: format!("{}; {advice}", self.message), ..self }
    }

    pub(crate) fn print(&self, json: bool) -> ExitCode {
        let Self { exit, kind, message } = self;
        let text = match json {
            true => json!({"error": {"kind": kind, "message": message, "exit": exit}}).to_string(),
            false => format!("error: {message}"),
        };
        let _ = writeln!(std::io::stderr(), "{text}");
        ExitCode::from(*exit)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { exit: FAILED, kind: format!("{:?}", error.kind()), message: error.to_string() }
    }
}
