//! Imports inside the crate point one way, as DESIGN.md draws it, and only `tf/` names TensorFlow.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of the crate by DESIGN.md, from the bottom. A room imports from the rows before its own, and from its own row unless that
/// closes a circle.
struct Order(Vec<Vec<String>>);

impl Order {
    /// Reads `` `jvm, capi -> bind -> ... -> error` ``.
    fn read(design: &str) -> Option<Self> {
        let line = design.split('`').find(|text| text.starts_with("jvm,") && text.ends_with("-> error"))?;
        Some(Self(line.rsplit("->").map(|row| row.split(',').map(|room| room.trim().to_owned()).collect()).collect()))
    }

    fn of_this_crate() -> Option<Self> {
        Self::read(&fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("DESIGN.md")).ok()?)
    }

    fn rank(&self, room: &str) -> Option<usize> {
        self.0.iter().position(|row| row.iter().any(|name| name == room))
    }
}

/// What `lib.rs` lends to every room under a short name; anything else is imported from the room that owns it.
const ROOT_ITEMS: &[&str] = &["Error", "ErrorKind", "Result"];

/// The crates that are TensorFlow.
const TENSORFLOW: &[&str] = &["tensorflow_sys_runtime", "tensorflow"];

#[derive(Debug, Clone)]
struct Import {
    from: String,
    to: String,
    place: String,
}

/// The first names of every path in `text` that begins with `prefix`, groups included: `crate::{a::b, c}` gives `a` and `c`.
fn heads<'a>(text: &'a str, prefix: &str) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(prefix) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let start = at + prefix.len();
        let rest = &text[start..];
        if rest.starts_with('{') {
            let (mut depth, mut fresh) = (0, false);
            for (i, c) in rest.char_indices() {
                match c {
                    '{' => (depth, fresh) = (depth + 1, depth == 0),
                    '}' if depth == 1 => break,
                    '}' => depth -= 1,
                    ',' => fresh = depth == 1,
                    c if fresh && (c.is_alphanumeric() || c == '_') => {
                        found.push((start + i, identifier(&rest[i..])));
                        fresh = false;
                    }
                    _ => {}
                }
            }
        } else {
            found.push((start, identifier(rest)));
        }
    }
    found
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// Blanks out `//` comments, so that prose and documentation examples may name what code may not.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn imports_of(order: &Order, path: &str, text: &str) -> Vec<Import> {
    let text = code(text);
    let inside = path.trim_end_matches(".rs");
    let from = inside.split('/').next().unwrap_or_default();
    // `super::` reaches the root of the crate from a room's own file, `super::super::` from one in its folder. In a test module
    // inside the file the same words reach one level less, so only names of rooms count.
    let above = "super::".repeat(inside.trim_end_matches("/mod").split('/').count());
    let relative = heads(&text, &above).into_iter().filter(|(_, to)| order.rank(to).is_some());
    heads(&text, "crate::")
        .into_iter()
        .chain(relative)
        .filter(|(_, to)| *to != from)
        .map(|(at, to)| Import { from: from.into(), to: to.into(), place: format!("src/{path}:{}", text[..at].matches('\n').count() + 1) })
        .collect()
}

/// One line for each import that DESIGN.md does not allow.
fn wrong(order: &Order, imports: &[Import]) -> Vec<String> {
    let sideways: BTreeSet<(&str, &str)> = imports.iter().map(|i| (i.from.as_str(), i.to.as_str())).collect();
    imports
        .iter()
        .filter_map(|Import { from, to, place }| {
            if ROOT_ITEMS.contains(&to.as_str()) {
                return None;
            }
            let reason = match (order.rank(from), order.rank(to)) {
                (None, _) => format!("`{from}` has no place in the order: give it one in DESIGN.md"),
                (_, None) => format!("`crate::{to}` is no room: import it from the room that owns it"),
                (Some(lower), Some(upper)) if lower < upper => format!("`{from}` imports `{to}`, which stands above it"),
                (Some(a), Some(b)) if a == b && sideways.contains(&(to, from)) => format!("`{from}` and `{to}` import each other"),
                _ => return None,
            };
            Some(format!("{place}: {reason}"))
        })
        .collect()
}

/// One line for each mention of TensorFlow's crates outside `tf/`.
fn names_tensorflow(path: &str, text: &str) -> Vec<String> {
    if path.starts_with("tf/") || path == "tf.rs" {
        return Vec::new();
    }
    let text = code(text);
    let mentions = |line: &str, name: &str| {
        line.match_indices(name).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = &line[at + name.len()..];
            !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '"' | '.'))
                && (after.starts_with("::") || after.starts_with(" as "))
        })
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| TENSORFLOW.iter().any(|name| mentions(line, name)))
        .map(|(number, line)| format!("src/{path}:{}: names TensorFlow outside tf/: {}", number + 1, line.trim()))
        .collect()
}

/// Every file of `src`, with its path inside it; `lib.rs` is the crate's table of contents and no room, programs stand above all rooms.
fn sources() -> std::io::Result<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut files) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path: PathBuf = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).map_err(std::io::Error::other)?.to_string_lossy().into_owned();
                if inside != "lib.rs" && !inside.starts_with("bin/") {
                    files.push((inside, fs::read_to_string(&path)?));
                }
            }
        }
    }
    files.sort();
    Ok(files)
}

#[test]
fn imports_point_down() {
    let sources = sources().unwrap();
    let order = Order::of_this_crate().expect("DESIGN.md draws the order of imports");
    let imports: Vec<Import> = sources.iter().flat_map(|(path, text)| imports_of(&order, path, text)).collect();
    assert!(imports.len() >= 2, "no imports found in {} files: the parser is broken", sources.len());
    let wrong = wrong(&order, &imports);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn only_tf_names_tensorflow() {
    let found: Vec<String> = sources().unwrap().iter().flat_map(|(path, text)| names_tensorflow(path, text)).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn an_upward_import_is_caught() {
    let order = Order::read("The order is `jvm, capi -> trainer -> params -> batch -> bundle, tf -> tensor -> error`.").unwrap();
    let upward = |path: &str, text: &str| wrong(&order, &imports_of(&order, path, text));
    assert_eq!(upward("tensor/shape.rs", "use crate::error::{Error, Result};"), Vec::<String>::new());
    assert_eq!(
        upward("tensor/shape.rs", "\nuse crate::trainer::Trainer;"),
        ["src/tensor/shape.rs:2: `tensor` imports `trainer`, which stands above it"]
    );
    assert_eq!(upward("batch/mod.rs", "use crate::{\n    error::{Error, Result},\n    params::Store,\n};").len(), 1);
    assert_eq!(upward("batch/mod.rs", "fn f(x: &crate::params::Store) {}").len(), 1);
    assert_eq!(upward("batch/column.rs", "use super::super::params::Store;").len(), 1);
    assert_eq!(upward("batch/column.rs", "use super::{row::Row, schema};"), Vec::<String>::new());
    assert_eq!(upward("error.rs", "pub(crate) use super::tensor::DType;").len(), 1);
    assert_eq!(
        upward("bundle/mod.rs", "use crate::Trainer;"),
        ["src/bundle/mod.rs:1: `crate::Trainer` is no room: import it from the room that owns it"]
    );
    assert_eq!(upward("attic/mod.rs", "use crate::error::Error;").len(), 1);
    assert_eq!(upward("tensor/mod.rs", "//! See [`crate::trainer`]\n/// use crate::trainer::Trainer;"), Vec::<String>::new());
    let circle =
        [imports_of(&order, "tf/graph.rs", "use crate::bundle::Graph;"), imports_of(&order, "bundle/mod.rs", "use crate::tf::Graph;")]
            .concat();
    assert_eq!(wrong(&order, &circle).len(), 2);
    assert_eq!(wrong(&order, &circle[..1]), Vec::<String>::new());
}

#[test]
fn a_name_of_tensorflow_is_caught() {
    assert_eq!(names_tensorflow("params/memory.rs", "use tensorflow_sys_runtime as sys;").len(), 1);
    assert_eq!(names_tensorflow("params/memory.rs", "let t = tensorflow::Tensor::new();").len(), 1);
    assert_eq!(names_tensorflow("tf/graph.rs", "use tensorflow_sys_runtime as sys;"), Vec::<String>::new());
    assert_eq!(names_tensorflow("error.rs", "// tensorflow::Status\nlet kind = crate::tf::tensorflow::x;"), Vec::<String>::new());
}
