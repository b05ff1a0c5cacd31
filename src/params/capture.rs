//! A version on its way into a snapshot.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use super::cuts::Cuts;
use super::layout::{Layout, Weight};
use super::version::{Slots, Version};
use crate::metrics::Metrics;
use crate::snapshot::{BundleName, Entry, File, Head, POSITION, VersionId, metrics_entries};
use crate::tensor::DType;
use crate::tf::Tensor;

/// Everything that belongs to one version. It is shared with the store, which writes the following versions into other memory
/// as long as this is held.
#[derive(Clone, Debug)]
pub(super) struct Captured {
    pub(super) layout: Arc<Layout>,
    /// Rises from capture to capture of a store.
    pub(super) order: u64,
    pub(super) version: Version,
    pub(super) parent: Option<VersionId>,
    pub(super) steps: u64,
    /// Training runs that had begun with the version when it was captured.
    pub(super) runs: u64,
    pub(super) slots: Arc<Slots>,
    pub(super) cuts: Arc<Cuts>,
    pub(super) metrics: Metrics,
    pub(super) position: Option<Arc<[u8]>>,
    pub(super) time: SystemTime,
}

impl Captured {
    pub(super) fn head(&self) -> Head {
        let time = self.time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Head {
            version: self.version.id(),
            parent: self.parent,
            steps: self.steps,
            runs: self.runs,
            time: time.as_millis() as u64,
            writer: concat!("streamgrad ", env!("CARGO_PKG_VERSION")).to_owned(),
            bundle: BundleName { name: self.layout.name.clone(), identity: self.layout.identity.to_string() },
            metrics: self.metrics.names().map(str::to_owned).collect(),
        }
    }

    /// All tensors of the version. Of tables only what changed since these cuts, if they are given: those of the snapshot that this one is
    /// to build on. The first call decides.
    pub(super) fn entries(&self, since: Option<&[u32]>) -> Vec<Entry> {
        let Self { layout, version, slots, .. } = self;
        let mut entries = Vec::new();
        for (place, weight) in layout.parameters.iter().enumerate() {
            entries.push(entry(File::Model, weight.name.clone(), weight, Held::Parameter(version.clone(), place)));
        }
        for (place, weight) in layout.state.iter().enumerate() {
            entries.push(entry(File::Model, weight.name.clone(), weight, Held::State(version.clone(), place)));
        }
        for (name, weight, [parameter, slot]) in layout.slot_names() {
            entries.push(entry(File::Training, name, weight, Held::Slot(slots.clone(), parameter, slot)));
        }
        entries.extend_from_slice(self.cuts.entries(layout, since));
        entries.extend(metrics_entries(&self.metrics.state()));
        if let Some(position) = &self.position {
            let data = Bytes::from_owner(position.clone());
            entries.push(Entry {
                file: File::Training,
                name: POSITION.into(),
                dtype: DType::U8,
                shape: vec![position.len()],
                changes: false,
                data,
            });
        }
        entries
    }
}

/// A tensor, and what keeps its memory.
#[derive(Debug)]
enum Held {
    Parameter(Version, usize),
    State(Version, usize),
    /// Of which parameter, and which of its slots.
    Slot(Arc<Slots>, usize, usize),
}

impl Held {
    fn tensor(&self) -> &Tensor {
        match self {
            Self::Parameter(version, place) => &version.dense().parameters[*place],
            Self::State(version, place) => &version.dense().state[*place],
            Self::Slot(slots, parameter, slot) => &slots.tensors[*parameter][*slot],
        }
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.tensor().as_bytes()
    }
}

fn entry(file: File, name: String, weight: &Weight, held: Held) -> Entry {
    Entry { file, name, dtype: held.tensor().dtype(), shape: weight.shape.sizes(), changes: false, data: Bytes::from_owner(held) }
}
