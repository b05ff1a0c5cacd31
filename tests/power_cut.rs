//! The power is cut at every call that a store makes: what was reported as saved is there afterwards, or something newer.
//!
//! A run is recorded once, on a disk in memory that knows what was synced. Then each beginning of the recording is played
//! again, the power fails, and of what was not synced some, all or nothing is there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::{Recording, builder};
use parking_lot::Mutex;
use streamgrad::params::FolderStoreBuilder;
use streamgrad::snapshot::{Lock, LockMode, Storage, WriteFile};
use streamgrad::{FolderStore, Snapshot, Trainer, VersionId};

/// One call that changes something, or the moment at which a version was reported as saved.
#[derive(Clone, Debug)]
enum Event {
    Create(PathBuf),
    Write(usize, Vec<u8>),
    Sync(usize),
    CreateDir(PathBuf),
    Rename(PathBuf, PathBuf),
    RemoveFile(PathBuf),
    RemoveDir(PathBuf),
    SyncDir(PathBuf),
    Saved(VersionId),
}

/// A file or a folder, as programs see it and as the platters have it.
#[derive(Clone, Debug)]
enum Node {
    File { content: Vec<u8>, synced: Vec<u8> },
    Folder { names: BTreeMap<String, usize>, synced: BTreeMap<String, usize> },
}

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// Names in folders at this depth, or in any: are as they were when the folder was synced.
    names_lost_at: Option<usize>,
    any_names_lost: bool,
    content: Content,
}

#[derive(Clone, Copy, Debug)]
enum Content {
    Lost,
    Torn,
    Kept,
}

#[derive(Clone, Debug)]
struct Disk {
    nodes: Vec<Node>,
}

fn error(kind: io::ErrorKind) -> io::Error {
    kind.into()
}

impl Disk {
    fn new() -> Self {
        Self { nodes: vec![Node::Folder { names: BTreeMap::new(), synced: BTreeMap::new() }] }
    }

    fn names(&mut self, folder: usize) -> io::Result<&mut BTreeMap<String, usize>> {
        match &mut self.nodes[folder] {
            Node::Folder { names, .. } => Ok(names),
            Node::File { .. } => Err(error(io::ErrorKind::NotADirectory)),
        }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        path.components().filter(|part| *part != Component::CurDir).try_fold(0, |node, part| match &self.nodes[node] {
            Node::Folder { names, .. } => {
                names.get(part.as_os_str().to_str().unwrap()).copied().ok_or_else(|| error(io::ErrorKind::NotFound))
            }
            Node::File { .. } => Err(error(io::ErrorKind::NotADirectory)),
        })
    }

    fn parent(&self, path: &Path) -> io::Result<(usize, String)> {
        Ok((self.find(path.parent().unwrap())?, path.file_name().unwrap().to_str().unwrap().to_owned()))
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        let (folder, name) = self.parent(path)?;
        self.nodes.push(node);
        let new = self.nodes.len() - 1;
        self.names(folder)?.insert(name, new);
        Ok(new)
    }

    fn apply(&mut self, event: &Event) -> io::Result<usize> {
        match event {
            Event::Create(path) => match self.find(path) {
                Ok(node) => match &mut self.nodes[node] {
                    Node::File { content, .. } => {
                        content.clear();
                        Ok(node)
                    }
                    Node::Folder { .. } => Err(error(io::ErrorKind::IsADirectory)),
                },
                Err(_) => self.add(path, Node::File { content: Vec::new(), synced: Vec::new() }),
            },
            Event::CreateDir(path) => match self.find(path) {
                Ok(_) => Err(error(io::ErrorKind::AlreadyExists)),
                Err(_) => self.add(path, Node::Folder { names: BTreeMap::new(), synced: BTreeMap::new() }),
            },
            Event::Write(node, bytes) => {
                if let Node::File { content, .. } = &mut self.nodes[*node] {
                    content.extend(bytes);
                }
                Ok(*node)
            }
            Event::Sync(node) => {
                if let Node::File { content, synced } = &mut self.nodes[*node] {
                    synced.clone_from(content);
                }
                Ok(*node)
            }
            Event::SyncDir(path) => {
                let node = self.find(path)?;
                if let Node::Folder { names, synced } = &mut self.nodes[node] {
                    synced.clone_from(names);
                }
                Ok(node)
            }
            Event::Rename(from, to) => {
                let (node, (folder, name)) = (self.find(from)?, self.parent(from)?);
                if let Ok(there) = self.find(to)
                    && matches!(&self.nodes[there], Node::Folder { names, .. } if !names.is_empty())
                {
                    return Err(error(io::ErrorKind::DirectoryNotEmpty));
                }
                self.names(folder)?.remove(&name);
                let (folder, name) = self.parent(to)?;
                self.names(folder)?.insert(name, node);
                Ok(node)
            }
            Event::RemoveFile(path) => {
                let (node, (folder, name)) = (self.find(path)?, self.parent(path)?);
                self.names(folder)?.remove(&name);
                Ok(node)
            }
            Event::RemoveDir(path) => {
                let (node, (folder, name)) = (self.find(path)?, self.parent(path)?);
                match self.names(node)?.is_empty() {
                    true => self.names(folder)?.remove(&name).ok_or_else(|| error(io::ErrorKind::NotFound)),
                    false => Err(error(io::ErrorKind::DirectoryNotEmpty)),
                }
            }
            Event::Saved(_) => Ok(0),
        }
    }

    /// The disk after the power came back.
    fn after(mut self, cut: Cut) -> Self {
        let mut depths = vec![(0, 0)];
        while let Some((node, depth)) = depths.pop() {
            let lost = cut.any_names_lost || cut.names_lost_at == Some(depth);
            if let Node::Folder { names, synced } = &mut self.nodes[node] {
                if lost {
                    names.clone_from(synced);
                }
                depths.extend(names.values().map(|child| (*child, depth + 1)));
            }
        }
        for node in &mut self.nodes {
            match node {
                Node::File { content, synced } => {
                    *content = match cut.content {
                        Content::Lost => synced.clone(),
                        Content::Torn if content.starts_with(synced) => content[..synced.len().midpoint(content.len())].to_vec(),
                        Content::Torn => content[..content.len() / 2].to_vec(),
                        Content::Kept => continue,
                    }
                }
                Node::Folder { .. } => {}
            }
        }
        self
    }
}

/// The disk in use, and what was done to it.
#[derive(Clone, Debug)]
struct Machine {
    state: Arc<Mutex<(Disk, Vec<Event>)>>,
}

impl Machine {
    fn new(disk: Disk) -> Self {
        Self { state: Arc::new(Mutex::new((disk, Vec::new()))) }
    }

    fn apply(&self, event: Event) -> io::Result<usize> {
        let (disk, events) = &mut *self.state.lock();
        let done = disk.apply(&event);
        if done.is_ok() {
            events.push(event);
        }
        done
    }
}

impl Storage for Machine {
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(OpenFile { node: self.apply(Event::Create(path.into()))?, machine: self.clone() }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.apply(Event::CreateDir(path.into())).map(drop)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.apply(Event::Rename(from.into(), to.into())).map(drop)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.apply(Event::RemoveFile(path.into())).map(drop)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.apply(Event::RemoveDir(path.into())).map(drop)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let (disk, _) = &mut *self.state.lock();
        let node = disk.find(path)?;
        Ok(disk.names(node)?.keys().cloned().collect())
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let (disk, _) = &mut *self.state.lock();
        match &disk.nodes[disk.find(path)?] {
            Node::File { content, .. } if content.len() as u64 <= most => Ok(content.clone()),
            Node::File { .. } => Err(error(io::ErrorKind::FileTooLarge)),
            Node::Folder { .. } => Err(error(io::ErrorKind::IsADirectory)),
        }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.apply(Event::SyncDir(path.into())).map(drop)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Option<Box<dyn Lock>>> {
        let there = self.state.lock().0.find(path);
        match (there, mode) {
            (Err(_), LockMode::Owner) => self.create(path).map(drop)?,
            (there, _) => there.map(drop)?,
        }
        Ok(Some(Box::new(Alone)))
    }
}

/// There is one process on this machine.
#[derive(Debug)]
struct Alone;

impl Lock for Alone {
    fn is_in_place(&self) -> bool {
        true
    }
}

struct OpenFile {
    node: usize,
    machine: Machine,
}

impl Write for OpenFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.machine.apply(Event::Write(self.node, bytes.to_vec())).map(|_| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for OpenFile {
    fn sync(&mut self) -> io::Result<()> {
        self.machine.apply(Event::Sync(self.node)).map(drop)
    }
}

/// What a snapshot holds of parameters, and the host's position.
type Held = (Vec<Vec<u8>>, Option<Vec<u8>>);

fn content(snapshot: &Snapshot) -> Held {
    (snapshot.values().map(|(.., bytes)| bytes.to_vec()).collect(), snapshot.position().map(<[u8]>::to_vec))
}

fn quiet(machine: &Machine) -> FolderStoreBuilder {
    FolderStore::builder("model").every(Duration::ZERO).on_close(false).keep_last(2).storage(Arc::new(machine.clone()))
}

/// A long run with every kind of event in it: saving, pruning, rolling back, closing, opening again.
fn run(recording: &Recording, learning_rate: f32, deltas: u32) -> (Vec<Event>, HashMap<VersionId, Held>) {
    let machine = Machine::new(Disk::new());
    let open = || {
        let store = quiet(&machine).deltas(deltas).open().unwrap();
        (store.clone(), builder(&recording.bundle).learning_rate(learning_rate).store(store).open().unwrap())
    };
    let mut contents = HashMap::new();
    let mut save = |store: &FolderStore, trainer: &Trainer| {
        let version = trainer.save().unwrap();
        machine.apply(Event::Saved(version)).unwrap();
        contents.insert(version, content(&store.folder().read(version).unwrap()));
        version
    };
    let learn = |trainer: &Trainer, step: usize| {
        let mut batch = trainer.schema().batch();
        recording.fill(&mut batch, step % 10);
        trainer.step_to(&batch, step.to_string().as_bytes()).unwrap();
    };
    let (store, trainer) = open();
    let mut last = None;
    for step in 0..6 {
        learn(&trainer, step);
        last = Some(save(&store, &trainer));
    }
    learn(&trainer, 6);
    let earlier = store.kept_versions().unwrap()[0].version;
    trainer.rollback(earlier).unwrap();
    assert_ne!(Some(save(&store, &trainer)), last);
    learn(&trainer, 7);
    save(&store, &trainer);
    drop((store, trainer));
    let (store, trainer) = open();
    for step in 8..11 {
        learn(&trainer, step);
        save(&store, &trainer);
    }
    let events = machine.state.lock().1.clone();
    (events, contents)
}

fn cuts() -> impl Iterator<Item = Cut> {
    let names = [(None, false), (Some(0), false), (Some(1), false), (Some(2), false), (Some(3), false), (None, true)];
    names.into_iter().flat_map(|(names_lost_at, any_names_lost)| {
        [Content::Lost, Content::Torn, Content::Kept].map(|content| Cut { names_lost_at, any_names_lost, content })
    })
}

/// The versions in the order in which they were saved.
fn order(events: &[Event]) -> Vec<VersionId> {
    events.iter().filter_map(|event| if let Event::Saved(version) = event { Some(*version) } else { None }).collect()
}

/// The version that is there after a power cut, if it is whole and not older than the one that was reported as saved.
fn check(
    machine: &Machine,
    contents: &HashMap<VersionId, Held>,
    order: &[VersionId],
    saved: Option<VersionId>,
) -> Result<Option<VersionId>, String> {
    let newest = quiet(machine).open().and_then(|store| store.folder().newest()).map_err(|error| error.to_string())?;
    let found = newest.as_ref().map(Snapshot::version);
    let place = |version| order.iter().position(|known| *known == version);
    if found.and_then(place) < saved.and_then(place) {
        return Err(format!("{found:?} is there, but {saved:?} was saved"));
    }
    match newest {
        Some(snapshot) if contents.get(&snapshot.version()) != Some(&content(&snapshot)) => Err(format!("{found:?} is not what was saved")),
        _ => Ok(found),
    }
}

/// Cuts the power before each event; gives back how often.
fn cut_everywhere(recording: &Recording, learning_rate: f32, deltas: u32) -> usize {
    let (events, contents) = run(recording, learning_rate, deltas);
    let order = order(&events);
    let (mut disk, mut saved, mut count) = (Disk::new(), None, 0usize);
    for (at, event) in events.iter().enumerate() {
        for cut in cuts() {
            let machine = Machine::new(disk.clone().after(cut));
            let found = check(&machine, &contents, &order, saved).unwrap_or_else(|text| panic!("event {at} {event:?} {cut:?}: {text}"));
            count += 1;
            // And learning goes on from there, on the disk as it is.
            if count.is_multiple_of(211) {
                let store = quiet(&machine).deltas(deltas).open().unwrap();
                let trainer = builder(&recording.bundle).learning_rate(learning_rate).store(store).open().unwrap();
                let before = trainer.version().unwrap();
                assert_eq!(before, found.map_or(0, |found| found.number));
                trainer.step(&recording.batch(&trainer)).unwrap();
                assert_eq!(trainer.save().unwrap().number, before + 1, "event {at} {event:?} {cut:?}");
            }
        }
        if let Event::Saved(version) = event {
            saved = Some(*version);
        }
        disk.apply(event).unwrap();
    }
    assert!(order.len() >= 10 && events.len() > 200, "{} events", events.len());
    count
}

#[test]
fn complete_snapshots_survive_every_power_cut() {
    let count = cut_everywhere(&Recording::open("regularized", "adagrad"), 0.05, 0);
    println!("the power was cut {count} times");
}

#[test]
fn deltas_survive_every_power_cut() {
    let count = cut_everywhere(&Recording::open("mlp", "sgd"), 0.0, 2);
    println!("the power was cut {count} times");
}

#[test]
fn a_store_that_did_not_sync_would_be_caught() {
    let (events, contents) = run(&Recording::open("mlp", "sgd"), 0.05, 0);
    let order = order(&events);
    let lossy = |event: &Event| !matches!(event, Event::Sync(_));
    let hasty = |event: &Event| !matches!(event, Event::SyncDir(path) if path.ends_with("snapshots"));
    for keeps in [&lossy as &dyn Fn(&Event) -> bool, &hasty] {
        let (mut disk, mut saved, mut caught) = (Disk::new(), None, 0);
        for event in events.iter().filter(|event| keeps(event)) {
            disk.apply(event).unwrap();
            if let Event::Saved(version) = event {
                saved = Some(*version);
            }
            caught += cuts().filter(|cut| check(&Machine::new(disk.clone().after(*cut)), &contents, &order, saved).is_err()).count();
        }
        assert!(caught > 0);
    }
}
