//! Parameters in memory whose versions go to a folder, and come back from it.

mod builder;
mod holder;
mod retention;
mod saver;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

pub use builder::FolderStoreBuilder;
use builder::Options;
pub(crate) use holder::last_writer;
use retention::Held;
use saver::Saver;
use writer::Writer;

use super::checkpoint::Checkpoint;
use super::layout::Layout;
use super::learned::{Learned, Start};
use super::memory::{joinable, unopened};
use super::resume;
use super::store::{Receipt, Store, StoreStatus, Update};
use super::version::{Values, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::guard::Steering;
use crate::metrics::MetricValues;
use crate::snapshot::{KeptVersion, Snapshot, SnapshotFolder, VersionId};

/// Buffers beside the newest version: one for the next step, one in place of the version that is being written.
const SPARES: usize = 2;

/// Parameters in memory that outlive the process: their versions are saved in a folder, and a store that opens the folder
/// goes on with the same bits.
///
/// A thread of the store's own writes while training goes on; it holds the version that it writes, by a pointer. So there are
/// three copies of the parameters and of the slots. Of versions that wait to be written only the newest is kept. A step
/// that comes while yet older versions are held (by two slow snapshots, by readers) makes a new buffer first.
///
/// A failure to save (a full disk, a folder that is gone) does not stop learning: [`FolderStore::status`] and the log
/// tell it, and the next snapshot is tried again. Cheap to clone, free to share between threads; when the last clone and the
/// last trainer with it are dropped, the newest version is saved once more. Call [`FolderStore::save`] before, to see an error.
///
/// ```no_run
/// # fn main() -> streamgrad::Result<()> {
/// use streamgrad::{FolderStore, Trainer};
///
/// let trainer = Trainer::builder("flights.bundle").store(FolderStore::open("model")?).open()?;
/// println!("{} steps so far", trainer.version()?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FolderStore {
    handle: Arc<Handle>,
}

/// What lives as long as somebody can learn.
struct Handle {
    shared: Arc<Shared>,
    options: Options,
    /// Until the first trainer opens the store.
    writer: Mutex<Option<Writer>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread needs, too.
struct Shared {
    folder: SnapshotFolder,
    learned: OnceLock<Learned>,
    saver: Saver,
    held: Held,
    steering: Steering,
}

impl FolderStore {
    /// Opens the folder, which is made if there is none, to save once a minute and on close, and to keep the last five versions.
    ///
    /// # Errors
    /// `Locked`, naming the holder, if another store has the folder open for writing; `InvalidSnapshot` if it is the folder
    /// of something else, or of a newer format.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).open()
    }

    /// Opens the folder with options.
    pub fn builder(path: impl AsRef<Path>) -> FolderStoreBuilder {
        FolderStoreBuilder::new(path.as_ref())
    }

    fn new(folder: SnapshotFolder, writer: Writer, held: Held, options: Options) -> Self {
        let shared = Shared { folder, learned: OnceLock::new(), saver: Saver::new(), held, steering: Steering::default() };
        let handle = Handle { shared: Arc::new(shared), options, writer: Mutex::new(Some(writer)), thread: Mutex::new(None) };
        Self { handle: Arc::new(handle) }
    }

    /// Saves the newest version, and returns when it, or a newer one, will outlast the process and the machine's power.
    ///
    /// # Errors
    /// Why that failed; learning goes on.
    pub fn save(&self) -> Result<VersionId> {
        let captured = self.learned()?.capture()?;
        self.handle.shared.saver.save(captured)
    }

    /// Goes back to a version that is kept, with everything that belongs to it, and saves that as the first version of a new
    /// lineage, whose name it returns. Gradients that are being computed meanwhile are applied to it.
    ///
    /// # Errors
    /// `InvalidInput` if the version is not kept, `InvalidSnapshot` if it is damaged: nothing is changed then. `Io` if the
    /// store went back in memory, but the folder could not be written: a process that opens it now goes on from before.
    pub fn rollback(&self, version: VersionId) -> Result<VersionId> {
        let id = self.depart(&self.handle.shared.folder.read(version)?)?;
        self.save().map(|_| id)
    }

    fn depart(&self, snapshot: &Snapshot) -> Result<VersionId> {
        let learned = self.learned()?;
        let id = learned.depart(snapshot)?;
        learned.pull().tables().track_removed(self.handle.options.deltas > 0);
        Ok(id)
    }

    /// Goes on from a snapshot of wherever it was read, and saves that as the first version of a new lineage, whose name it
    /// returns. What the folder holds counts no more, however new it is; the rules say how long it is kept.
    ///
    /// # Errors
    /// `InvalidInput` if it is of another bundle, `InvalidSnapshot` if it contradicts itself: nothing is changed then. That it
    /// cannot be saved is no error: [`FolderStore::status`] tells it.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<VersionId> {
        let id = self.depart(snapshot)?;
        // The status and the log have it.
        let _ = self.save();
        Ok(id)
    }

    /// Saves exactly the version of a checkpoint that this store made, and returns when it will outlast the process and the
    /// machine's power. [`FolderStore::hold`] it before, so that it stays.
    ///
    /// # Errors
    /// Why that failed; learning goes on.
    pub fn save_checkpoint(&self, checkpoint: &Checkpoint) -> Result<VersionId> {
        match checkpoint.is_of(self.learned()?.pins()) {
            true => self.handle.shared.saver.save_exactly(checkpoint.captured().clone()),
            false => Err(Error::input("save checkpoint", "it was made by another store")),
        }
    }

    /// Keeps a version's snapshot, whatever the rules of the folder say, until it is released or the store is dropped; also one
    /// that is not saved yet.
    pub fn hold(&self, version: VersionId) {
        self.handle.shared.held.insert(version);
    }

    /// Leaves a version's snapshot to the rules again.
    pub fn release(&self, version: VersionId) {
        self.handle.shared.held.remove(version);
    }

    /// The versions that are kept, the oldest first.
    pub fn kept_versions(&self) -> Result<Vec<KeptVersion>> {
        self.handle.shared.folder.versions()
    }

    /// What became of the snapshots so far.
    pub fn status(&self) -> StoreStatus {
        self.handle.shared.saver.status()
    }

    /// The folder, to be read.
    pub fn folder(&self) -> &SnapshotFolder {
        &self.handle.shared.folder
    }

    fn learned(&self) -> Result<&Learned> {
        self.handle.shared.learned.get().ok_or_else(unopened)
    }
}

impl Handle {
    /// What the folder and the options say to begin with.
    fn begin(&self, layout: &Layout, initial: Values) -> Result<Start> {
        let folder = &self.shared.folder;
        if let Some(version) = self.options.restore {
            return resume::depart(layout, &folder.read(version)?);
        }
        match folder.newest()? {
            None => Start::new(layout, initial),
            Some(snapshot) if self.options.warm_start => resume::warm_start(layout, initial, &snapshot),
            Some(snapshot) => {
                self.shared.saver.resumed(&snapshot);
                resume::resume(layout, &snapshot)
            }
        }
    }

    /// Starts the thread that writes.
    fn run(&self, writer: Writer) -> Result<JoinHandle<()>> {
        let (shared, every) = (self.shared.clone(), self.options.every);
        let body = move || shared.saver.run(writer, every, || shared.learned.get().map(Learned::capture));
        let spawned = thread::Builder::new().name("streamgrad-save".into()).spawn(body);
        spawned.map_err(|error| Error::new(ErrorKind::Io, "open store", "no thread can be started").with_source(error))
    }
}

impl Store for FolderStore {
    fn start(&self, layout: Arc<Layout>, initial: Values) -> Result<()> {
        let Handle { shared, writer, thread, .. } = &*self.handle;
        let mut writer = writer.lock();
        if let Some(learned) = shared.learned.get() {
            return joinable(learned.layout(), &layout);
        }
        let start = self.handle.begin(&layout, initial)?;
        start.tables.track_removed(self.handle.options.deltas > 0);
        let learned = Learned::new(layout, start, SPARES)?;
        let writer = writer.take().ok_or_else(|| Error::new(ErrorKind::Closed, "open store", "open the folder anew"))?;
        *thread.lock() = Some(self.handle.run(writer)?);
        shared.learned.get_or_init(|| learned);
        Ok(())
    }

    fn pull(&self) -> Result<Version> {
        Ok(self.learned()?.pull())
    }

    fn push(&self, update: Update<'_>) -> Result<Receipt> {
        let learned = self.learned()?;
        let receipt = learned.push(update)?;
        let due = self.handle.options.every_steps.is_some_and(|steps| receipt.version.is_multiple_of(steps.get()));
        // Where this fails, another thread's push has ended in a panic; this one succeeded.
        if let Some(Ok(captured)) = due.then(|| learned.capture()) {
            self.handle.shared.saver.offer(captured);
        }
        Ok(receipt)
    }

    fn metrics(&self) -> Result<MetricValues> {
        Ok(self.learned()?.metrics())
    }

    fn learning_rate(&self) -> Result<f32> {
        Ok(self.learned()?.learning_rate())
    }

    fn set_learning_rate(&self, rate: f32) -> Result<()> {
        self.learned()?.set_learning_rate(rate)
    }

    fn steering(&self) -> &Steering {
        &self.handle.shared.steering
    }

    fn local_folder(&self) -> Option<&Path> {
        self.handle.options.local.then(|| self.folder().path())
    }

    fn memory(&self) -> usize {
        self.handle.shared.learned.get().map_or(0, Learned::memory)
    }

    fn position(&self) -> Result<Option<Vec<u8>>> {
        Ok(self.learned()?.position().map(|position| position.to_vec()))
    }

    fn save(&self) -> Result<VersionId> {
        Self::save(self)
    }

    fn rollback(&self, version: VersionId) -> Result<VersionId> {
        Self::rollback(self, version)
    }

    fn kept_versions(&self) -> Result<Vec<KeptVersion>> {
        Self::kept_versions(self)
    }

    fn checkpoint(&self) -> Result<Checkpoint> {
        self.learned()?.checkpoint()
    }

    fn checkpoints(&self) -> usize {
        self.handle.shared.learned.get().map_or(0, |learned| learned.pins().held())
    }

    fn restore(&self, snapshot: &Snapshot) -> Result<VersionId> {
        Self::restore(self, snapshot)
    }

    fn save_checkpoint(&self, checkpoint: &Checkpoint) -> Result<VersionId> {
        Self::save_checkpoint(self, checkpoint)
    }

    fn hold(&self, version: VersionId) -> Result<()> {
        Self::hold(self, version);
        Ok(())
    }

    fn release(&self, version: VersionId) -> Result<()> {
        Self::release(self, version);
        Ok(())
    }

    fn status(&self) -> StoreStatus {
        Self::status(self)
    }
}

impl From<FolderStore> for Arc<dyn Store> {
    fn from(store: FolderStore) -> Self {
        Arc::new(store)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let Some(thread) = self.thread.get_mut().take() else { return };
        let newest = self.shared.learned.get().filter(|_| self.options.on_close).map(Learned::capture);
        self.shared.saver.close(newest.and_then(Result::ok));
        // It catches its panics; an error is in the log.
        let _ = thread.join();
    }
}

impl fmt::Debug for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderStore").field("folder", self.folder()).field("status", &self.status()).finish_non_exhaustive()
    }
}
