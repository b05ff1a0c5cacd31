//! A disk in memory that knows what was synced, and can lose the rest.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use streamgrad::VersionId;
use streamgrad::snapshot::{Lock, LockMode, Storage, WriteFile};

/// One call that changes something, or the moment at which a version was reported as saved.
#[derive(Clone, Debug)]
pub enum Event {
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
#[derive(Clone, Debug, PartialEq)]
enum Node {
    File { content: Vec<u8>, synced: Vec<u8> },
    Folder { names: BTreeMap<String, usize>, synced: BTreeMap<String, usize> },
}

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Names in folders at this depth, or in any: are as they were when the folder was synced.
    pub names_lost_at: Option<usize>,
    pub any_names_lost: bool,
    pub content: Content,
}

#[derive(Clone, Copy, Debug)]
pub enum Content {
    Lost,
    Torn,
    Kept,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Disk {
    nodes: Vec<Node>,
}

fn error(kind: io::ErrorKind) -> io::Error {
    kind.into()
}

impl Disk {
    pub fn new() -> Self {
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

    /// Does one call; what it gives back is the file or folder.
    pub fn apply(&mut self, event: &Event) -> io::Result<usize> {
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
    pub fn after(mut self, cut: Cut) -> Self {
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
pub struct Machine {
    state: Arc<Mutex<(Disk, Vec<Event>)>>,
}

impl Machine {
    /// All that was done so far.
    pub fn events(&self) -> Vec<Event> {
        self.state.lock().1.clone()
    }

    pub fn new(disk: Disk) -> Self {
        Self { state: Arc::new(Mutex::new((disk, Vec::new()))) }
    }

    pub fn apply(&self, event: Event) -> io::Result<usize> {
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
