//! A version on its way into a snapshot.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use super::layout::{Layout, Weight};
use super::version::{Slots, Version};
use crate::metrics::Metrics;
use crate::snapshot::{BundleName, Entry, File, Head, POSITION, VersionId, metrics_entries};
use crate::tensor::DType;
use crate::tf::Tensor;

/// Everything that belongs to one version. It is shared with the store, which writes the following versions into other memory
/// as long as this is held.
#[derive(Debug)]
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

    pub(super) fn entries(&self) -> Vec<Entry<'_>> {
        let Self { layout, .. } = self;
        let dense = self.version.dense();
        let mut entries = Vec::new();
        for (weights, tensors) in [(&layout.parameters, &dense.parameters), (&layout.state, &dense.state)] {
            entries.extend(weights.iter().zip(tensors).map(|(weight, tensor)| entry(File::Model, (&*weight.name).into(), weight, tensor)));
        }
        for (name, weight, [parameter, slot]) in layout.slot_names() {
            entries.push(entry(File::Training, name.into(), weight, &self.slots.tensors[parameter][slot]));
        }
        entries.extend(metrics_entries(&self.metrics.state()));
        if let Some(position) = &self.position {
            let (name, data) = (POSITION.into(), Cow::Borrowed(&**position));
            entries.push(Entry { file: File::Training, name, dtype: DType::U8, shape: vec![position.len()], data });
        }
        entries
    }
}

fn entry<'a>(file: File, name: Cow<'a, str>, weight: &Weight, tensor: &'a Tensor) -> Entry<'a> {
    Entry { file, name, dtype: tensor.dtype(), shape: weight.shape.sizes(), data: Cow::Borrowed(tensor.as_bytes()) }
}
