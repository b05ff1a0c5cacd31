//! What a clone brings: no path of somebody's machine, no artifact, nothing large, no package source set by address, a licence.

use std::path::Path;
use std::process::Command;

const LARGEST: usize = 1 << 20;

/// What is built or fetched, never committed.
const ARTIFACTS: &[&str] = &[".jar", ".war", ".whl", ".class", ".pyc", ".so", ".a", ".o", ".rlib", ".h5", ".keras"];

/// Clients find their packages by their own settings; an address in the repository would bind every user to it.
const ADDRESSES: &[&str] =
    &["--index-url", "--extra-index-url", "--find-links", "<repository>", "<repositories>", "<mirror>", "replace-with ="];

/// Text that people edit: lines end clean, so that a change shows only what changed.
const TEXT: &[&str] =
    &[".rs", ".java", ".py", ".c", ".cc", ".h", ".md", ".toml", ".xml", ".lock", "Makefile", ".ci/run", ".ci/machine", ".ci/python"];

/// Homes of users, then the folder of this very clone and the home of who runs the test.
fn machine_paths() -> Vec<String> {
    let mut paths: Vec<String> = ["home", "Users", "root"].iter().map(|folder| format!("/{folder}/")).collect();
    paths.push(format!("{}/", env!("CARGO_MANIFEST_DIR")));
    paths.extend(std::env::var("HOME").ok().filter(|home| home.len() > 1).map(|home| format!("{home}/")));
    paths
}

/// One line for each thing wrong with a file.
fn problems(path: &str, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    if ARTIFACTS.iter().any(|ending| path.ends_with(ending)) {
        found.push(format!("{path}: is built or fetched, not committed"));
    }
    if bytes.len() > LARGEST {
        found.push(format!("{path}: {} bytes; no file is larger than {LARGEST}", bytes.len()));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return found;
    };
    // This file must name what it looks for.
    if path != "tests/repository.rs" {
        let (machines, addresses) = (machine_paths(), ADDRESSES);
        for (number, line) in text.lines().enumerate() {
            if machines.iter().any(|machine| line.contains(machine.as_str())) {
                found.push(format!("{path}:{}: names a path of a machine: {}", number + 1, line.trim()));
            }
            if addresses.iter().any(|address| line.contains(address)) {
                found.push(format!("{path}:{}: sets a package source by address: {}", number + 1, line.trim()));
            }
        }
    }
    if TEXT.iter().any(|ending| path.ends_with(ending)) {
        for (number, line) in text.lines().enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                found.push(format!("{path}:{}: blank at the end of the line", number + 1));
            }
            if line.trim_start_matches(' ').starts_with('\t') && path != "Makefile" {
                found.push(format!("{path}:{}: indented with a tab", number + 1));
            }
        }
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            found.push(format!("{path}: no newline at the end"));
        }
    }
    found
}

/// One line for each relative link of a page that leads nowhere.
fn dead_links(page: &str, text: &str, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next());
    targets
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .filter(|target| !exists(&folder.join(target)))
        .map(|target| format!("{page}: links to {target}, which is not there"))
        .collect()
}

fn tracked() -> std::io::Result<Vec<String>> {
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("git").args(["ls-files", "-z", "--cached"]).current_dir(root).output()?;
    if !output.status.success() {
        return Err(std::io::Error::other(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr))));
    }
    let names = String::from_utf8(output.stdout).map_err(std::io::Error::other)?;
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

#[test]
fn nothing_is_committed_that_does_not_belong() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.join(".git").exists() {
        println!("no git clone: nothing is committed here");
        return;
    }
    let tracked = tracked().unwrap();
    assert!(tracked.iter().any(|name| name == "Cargo.toml"), "git names {} files, not Cargo.toml among them", tracked.len());
    let found: Vec<String> =
        tracked.iter().filter_map(|name| std::fs::read(root.join(name)).ok().map(|bytes| problems(name, &bytes))).flatten().collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn links_between_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec!["README.md".to_owned(), "DESIGN.md".to_owned(), "CHANGELOG.md".to_owned()];
    pages.extend(
        std::fs::read_dir(root.join("docs")).unwrap().map(|entry| format!("docs/{}", entry.unwrap().file_name().to_string_lossy())),
    );
    let found: Vec<String> = pages
        .iter()
        .filter(|page| page.ends_with(".md"))
        .flat_map(|page| dead_links(page, &std::fs::read_to_string(root.join(page)).unwrap(), |path| root.join(path).exists()))
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    assert_eq!(dead_links("docs/a.md", "[b](b.md) [c](../c.md#part) [d](https://d)", |path| path == Path::new("docs/b.md")).len(), 1);
}

#[test]
fn the_manifests_agree_on_licence_and_version() {
    let read = |name: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let licence = read("LICENSE");
    assert!(
        licence.contains("Apache License")
            && licence.contains("Version 2.0, January 2004")
            && licence.contains("END OF TERMS AND CONDITIONS")
    );
    assert_eq!(env!("CARGO_PKG_LICENSE"), "Apache-2.0");
    let version = env!("CARGO_PKG_VERSION");
    for (manifest, line) in [
        ("python/pyproject.toml", format!("version = \"{version}\"")),
        ("java/pom.xml", format!("<version>{version}</version>")),
        ("CHANGELOG.md", format!("## {version}")),
    ] {
        assert!(read(manifest).contains(&line), "{manifest} does not say {line}");
    }
    for manifest in ["python/pyproject.toml", "java/pom.xml"] {
        assert!(read(manifest).contains("Apache-2.0"), "{manifest} does not name Apache-2.0");
    }
}

#[test]
fn what_does_not_belong_is_caught() {
    assert_eq!(problems("src/lib.rs", b"fn main() {}\n"), Vec::<String>::new());
    assert_eq!(problems("lib/a.jar", b"PK\x03\x04").len(), 1);
    assert_eq!(problems("docs/big.bin", &vec![0xff; LARGEST + 1]).len(), 1);
    assert_eq!(problems("docs/a.md", b"see /home/someone/streamgrad\n").len(), 1);
    assert_eq!(problems("docs/a.md", format!("see {}/target\n", env!("CARGO_MANIFEST_DIR")).as_bytes()).len(), 1);
    assert_eq!(problems("java/pom.xml", b"<repository>\n").len(), 1);
    assert_eq!(problems("src/a.rs", b"fn a() {} \n").len(), 1);
    assert_eq!(problems("src/a.rs", b"\tfn a() {}\n").len(), 1);
    assert_eq!(problems("src/a.rs", b"fn a() {}").len(), 1);
}
