//! How a predictor is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Predictor;
use super::alone::Alone;
use super::bundles::Bundles;
use super::follower::Follower;
use super::snapshots::Snapshots;
use super::source::Source;
use crate::bundle::{is_saved_model, predicts_only};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Opening;
use crate::snapshot::{FileSystem, SnapshotFolder, Storage};

/// Options of a [`Predictor`]; made by [`Predictor::builder`] and [`Predictor::numbered`].
#[derive(Clone, Debug)]
pub struct PredictorBuilder {
    from: From,
    follow: Option<PathBuf>,
    storage: Arc<dyn Storage>,
    every: Duration,
    opening: Opening,
}

#[derive(Clone, Debug)]
enum From {
    Bundle(PathBuf),
    Numbered(PathBuf),
}

impl PredictorBuilder {
    pub(super) fn bundle(path: &Path) -> Self {
        Self::new(From::Bundle(path.to_owned()))
    }

    pub(super) fn numbered(path: &Path) -> Self {
        Self::new(From::Numbered(path.to_owned()))
    }

    fn new(from: From) -> Self {
        Self { from, follow: None, storage: Arc::new(FileSystem), every: Duration::from_secs(1), opening: Opening::default() }
    }

    /// Follows the snapshots in the folder of a [`FolderStore`](crate::FolderStore), in this or any other process. As long as
    /// nothing was saved there, the bundle's own values predict.
    #[must_use]
    pub fn follow(mut self, folder: impl Into<PathBuf>) -> Self {
        self.follow = Some(folder.into());
        self
    }

    /// Where the store keeps its files, if not in this machine's file system.
    #[must_use]
    pub fn storage(self, storage: Arc<dyn Storage>) -> Self {
        Self { storage, ..self }
    }

    /// How often to look for a newer version; zero for never: then the host calls [`Predictor::look`], or names the versions.
    /// Default one second. A look reads a list and a small file.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval;
        self
    }

    /// The TensorFlow library or its folder. Default: see [`crate::tf::load`].
    #[must_use]
    pub fn tensorflow(mut self, path: impl Into<PathBuf>) -> Self {
        self.opening.tensorflow.named = Some(path.into());
        self
    }

    /// Threads inside one op; 0 lets TensorFlow choose. Default 1: one core for each thread that predicts. TensorFlow has one
    /// such pool per process, sized by its first session: a later, different wish is logged and has no effect.
    #[must_use]
    pub fn intra_op_threads(mut self, threads: u16) -> Self {
        self.opening.session.intra_op_threads = threads.into();
        self
    }

    /// Threads that run ops beside each other; 0 lets TensorFlow choose. Default: none, every op runs in the caller's thread.
    #[must_use]
    pub fn inter_op_threads(mut self, threads: u16) -> Self {
        self.opening.session.inter_op_threads = threads.into();
        self
    }

    /// Allows an op, such as `ReadFile`, that reaches files, the network, Python or other libraries.
    #[must_use]
    pub fn allow_op(mut self, op: impl Into<String>) -> Self {
        self.opening.allowed.push(op.into());
        self
    }

    /// The signature of a SavedModel to predict by. Default `serving_default`, or the only one that it has.
    #[must_use]
    pub fn signature(mut self, name: impl Into<String>) -> Self {
        self.opening.signature = Some(name.into());
        self
    }

    /// What a binding sets without asking for what the bundle is opened.
    pub(crate) fn opening(&mut self) -> &mut Opening {
        &mut self.opening
    }

    /// Opens the newest version that can be read, warms it, and begins to follow.
    ///
    /// # Errors
    /// `InvalidSnapshot` if the folder is not one of a store, is of a newer format, or no snapshot in it can be read;
    /// `InvalidInput` if they are of another bundle; `InvalidBundle` if the bundle, or each of the numbered ones, cannot be
    /// opened, or if there is none.
    pub fn open(self) -> Result<Predictor> {
        let Self { from, follow, storage, every, opening } = self;
        let still = matches!((&from, &follow), (From::Bundle(_), None));
        let source: Box<dyn Source> = match (from, follow) {
            (From::Bundle(path), folder) if is_saved_model(&path) => match folder {
                None => Box::new(Alone::open(&opening, &path)?),
                Some(_) => return Err(predicts_only("follow", &path)),
            },
            (From::Bundle(bundle), folder) => {
                let folder = folder.map(|folder| SnapshotFolder::open_in(storage, folder)).transpose()?;
                Box::new(Snapshots::open(&opening, &bundle, folder)?)
            }
            (From::Numbered(root), None) => Box::new(Bundles::open(opening, &root)),
            (From::Numbered(_), Some(_)) => {
                return Err(Error::input("open predictor", "follow numbered bundles or a store's folder, not both"));
            }
        };
        let follower = Arc::new(Follower::open(source, every)?);
        let thread = match still || every.is_zero() {
            true => None,
            false => {
                let follower = follower.clone();
                let spawned = thread::Builder::new().name("streamgrad-follow".into()).spawn(move || follower.run(every));
                Some(spawned.map_err(|error| Error::new(ErrorKind::Io, "open predictor", "no thread can be started").with_source(error))?)
            }
        };
        Ok(Predictor::following(follower, thread))
    }
}
