//! What a store in this process has learned, and the next step of it.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::capture::Captured;
use super::checkpoint::{Checkpoint, Pins};
use super::cuts::Cuts;
use super::layout::Layout;
use super::resume;
use super::store::{Observation, Receipt, Update};
use super::tables::Tables;
use super::version::{Dense, Published, Slots, Values, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::{MetricValues, Metrics};
use crate::optimizer::{self, MAX_SLOTS, Optimizer, Step};
use crate::snapshot::{Lineage, Snapshot, VersionId};
use crate::tf::Tensor;
use crate::transform;

/// Versions that were replaced and whose memory waits for the next one. A second is there for a reader that holds the first.
const MOST_SPARES: usize = 2;

/// Where learning begins, or goes on.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) id: VersionId,
    /// The version that the lineage departed from.
    pub(super) parent: Option<VersionId>,
    pub(super) steps: u64,
    pub(super) dense: Dense,
    pub(super) tables: Tables,
    pub(super) slots: Slots,
    pub(super) metrics: Metrics,
    pub(super) position: Option<Arc<[u8]>>,
}

impl Start {
    /// The bundle's own values.
    pub(super) fn new(layout: &Layout, Values { dense, tables }: Values) -> Result<Self> {
        Ok(Self {
            id: VersionId { lineage: Lineage::random()?, number: 0 },
            parent: None,
            steps: 0,
            dense,
            tables,
            slots: layout.slots()?,
            metrics: layout.metrics.clone(),
            position: None,
        })
    }
}

/// The newest version for its readers, and the rest for who makes the next one.
#[derive(Debug)]
pub(super) struct Learned {
    layout: Arc<Layout>,
    current: ArcSwap<Published>,
    writer: Mutex<Writer>,
    pins: Pins,
}

/// What only a push touches.
#[derive(Debug)]
struct Writer {
    parent: Option<VersionId>,
    steps: u64,
    /// That of the layout, or one with the learning rate that was set.
    optimizer: Arc<Optimizer>,
    slots: Arc<Slots>,
    spare_slots: Vec<Arc<Slots>>,
    spares: Vec<Arc<Published>>,
    metrics: Metrics,
    position: Option<Arc<[u8]>>,
    /// The versions handed out to be saved.
    captures: u64,
    /// True while slots, metrics and version might not belong together; stays so if a panic ends the push there.
    torn: bool,
}

impl Learned {
    /// `spares` buffers are made at once, so that no step has to: one for the next version, one for each version that is
    /// usually held while steps go on.
    pub(super) fn new(layout: Arc<Layout>, start: Start, spares: usize) -> Result<Self> {
        let current = Published { bundle: layout.identity.clone(), id: start.id, dense: start.dense, tables: start.tables };
        let spare = || current.copy().map(Arc::new);
        let writer = Writer {
            parent: start.parent,
            steps: start.steps,
            optimizer: Arc::new(layout.optimizer.clone()),
            slots: Arc::new(start.slots),
            spare_slots: (0..spares).map(|_| Ok(Arc::new(layout.slots()?))).collect::<Result<_>>()?,
            spares: (0..spares).map(|_| spare()).collect::<Result<_>>()?,
            metrics: start.metrics,
            position: start.position,
            captures: 0,
            torn: false,
        };
        Ok(Self { current: ArcSwap::from_pointee(current), writer: Mutex::new(writer), layout, pins: Pins::default() })
    }

    pub(super) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    pub(super) fn pull(&self) -> Version {
        Version { published: self.current.load_full() }
    }

    pub(super) fn metrics(&self) -> MetricValues {
        self.writer.lock().metrics.read()
    }

    pub(super) fn learning_rate(&self) -> f32 {
        let writer = self.writer.lock();
        writer.optimizer.learning_rate(writer.steps)
    }

    /// From the next step on.
    pub(super) fn set_learning_rate(&self, rate: f32) -> Result<()> {
        let mut writer = self.writer.lock();
        writer.optimizer = Arc::new((*writer.optimizer).clone().with_learning_rate(rate)?);
        Ok(())
    }

    pub(super) fn position(&self) -> Option<Arc<[u8]>> {
        self.writer.lock().position.clone()
    }

    pub(super) fn memory(&self) -> usize {
        let writer = self.writer.lock();
        let versions = (1 + writer.spares.len()) * self.current.load().dense.bytes();
        versions + self.current.load().tables.bytes() + (1 + writer.spare_slots.len()) * writer.slots.bytes()
    }

    /// The newest version with all that belongs to it, to be saved: pointers, and a copy of the metrics' sums.
    pub(super) fn capture(&self) -> Result<Captured> {
        let mut writer = self.writer.lock();
        writer.whole("save version")?;
        writer.captures += 1;
        let version = self.pull();
        Ok(Captured {
            layout: self.layout.clone(),
            order: writer.captures,
            // Steps wait for the writer's lock: all tables are cut between the same two of them.
            cuts: Arc::new(Cuts::new(version.tables())),
            runs: version.dense().runs(),
            version,
            parent: writer.parent,
            steps: writer.steps,
            slots: writer.slots.clone(),
            metrics: writer.metrics.clone(),
            position: writer.position.clone(),
            time: SystemTime::now(),
        })
    }

    /// The newest version with all that belongs to it, for the host's own stream.
    pub(super) fn checkpoint(&self) -> Result<Checkpoint> {
        Ok(Checkpoint::new(self.capture()?, &self.pins))
    }

    /// What counts the checkpoints of this store.
    pub(super) fn pins(&self) -> &Pins {
        &self.pins
    }

    /// Goes on from a snapshot, in a lineage of its own; an error changes nothing. Gradients that are on their way are applied
    /// there.
    pub(super) fn depart(&self, snapshot: &Snapshot) -> Result<VersionId> {
        let restore = tracing::debug_span!("restore", from = %snapshot.version(), to = tracing::field::Empty).entered();
        let start = resume::depart(&self.layout, snapshot)?;
        let id = start.id;
        restore.record("to", tracing::field::display(id));
        self.replace(start);
        Ok(id)
    }

    fn replace(&self, start: Start) {
        let mut writer = self.writer.lock();
        writer.torn = true;
        writer.parent = start.parent;
        writer.steps = start.steps;
        let slots = std::mem::replace(&mut writer.slots, Arc::new(start.slots));
        writer.keep_slots(slots);
        writer.metrics = start.metrics;
        writer.position = start.position;
        let next = Published { bundle: self.layout.identity.clone(), id: start.id, dense: start.dense, tables: start.tables };
        // What was replaced goes with its tables.
        writer.spares.clear();
        self.current.store(Arc::new(next));
        writer.torn = false;
    }

    pub(super) fn push(&self, update: Update<'_>) -> Result<Receipt> {
        let Update { gradients, rows, row_gradients, state, observation, position } = update;
        let mut guard = self.writer.lock();
        let writer = &mut *guard;
        writer.whole("apply gradients")?;
        let current = self.current.load_full();
        let all = gradients.iter().chain(row_gradients).map(|gradient| gradient.as_slice::<f32>()).collect::<Result<Vec<_>>>()?;
        let optimizer = writer.optimizer.clone();
        let step = optimizer.step(writer.steps, all.iter().copied())?;
        let (gradients, of_rows) = all.split_at(gradients.len());
        let of_rows = of_rows.iter().enumerate().map(|(table, gradient)| step.rows(gradients.len() + table, gradient));
        let row_steps = of_rows.collect::<Result<Vec<_>>>()?;

        let mut next = writer.spare(&current)?;
        let mut next_slots = writer.spare_slots(&self.layout)?;
        let mut written = match (Arc::get_mut(&mut next), Arc::get_mut(&mut next_slots)) {
            (Some(next), Some(slots)) => {
                next.id = VersionId { number: current.id.number + 1, ..current.id };
                next.tables = current.tables.clone();
                let slots = (&*writer.slots, slots);
                write(&self.layout, &step, (gradients, state), (&current.dense, &mut next.dense), slots)
                    .and_then(|()| rows.prepare(&current.tables, row_gradients, &row_steps))
            }
            _ => Err(Error::new(ErrorKind::Internal, "apply gradients", "a kept buffer is in use")),
        };
        writer.torn = true;
        if written.is_ok()
            && let Some(Observation { loss, rows, outputs }) = observation
        {
            written = writer.metrics.update(loss, rows, outputs);
        }
        if let Err(error) = written {
            writer.torn = false;
            writer.keep(next);
            writer.keep_slots(next_slots);
            return Err(error);
        }
        rows.commit(&current.tables, &row_steps);
        let version = next.id.number;
        let slots = std::mem::replace(&mut writer.slots, next_slots);
        writer.keep_slots(slots);
        writer.steps += 1;
        if let Some(position) = position {
            writer.position = Some(position.into());
        }
        let metrics = writer.metrics.read();
        drop(current);
        writer.keep(self.current.swap(next));
        writer.torn = false;
        Ok(Receipt { version, metrics })
    }
}

/// Writes the step of the dense part into new values and slots. Whatever stands there after an error is never read.
fn write(
    layout: &Layout,
    step: &Step<'_>,
    (gradients, state): (&[&[f32]], &[Tensor]),
    (current, next): (&Dense, &mut Dense),
    (slots, next_slots): (&Slots, &mut Slots),
) -> Result<()> {
    for (index, gradient) in gradients.iter().enumerate() {
        let mut old_slots: [&[f32]; MAX_SLOTS] = Default::default();
        let mut new_slots: [&mut [f32]; MAX_SLOTS] = Default::default();
        for (slot, (old, new)) in slots.tensors[index].iter().zip(&mut next_slots.tensors[index]).enumerate() {
            (old_slots[slot], new_slots[slot]) = (old.as_slice()?, new.as_mut_slice()?);
        }
        let parameter = current.parameters[index].as_slice()?;
        let new_parameter = next.parameters[index].as_mut_slice()?;
        step.update(index, optimizer::Update { parameter, gradient, slots: old_slots, new_parameter, new_slots })?;
    }
    for (index, weight) in layout.state.iter().enumerate() {
        let (known, next) = (&current.state[index], &mut next.state[index]);
        match state.get(index) {
            Some(batch) if weight.moments => {
                if !transform::merge(known.as_slice()?, batch.as_slice()?, next.as_mut_slice()?) {
                    let context = format!("{} would not stay finite; nothing was changed", weight.name);
                    return Err(Error::new(ErrorKind::NonFinite, "apply gradients", context));
                }
            }
            new => next.copy_from(new.unwrap_or(known).as_bytes())?,
        }
    }
    next.set_runs(0);
    Ok(())
}

impl Writer {
    /// Refuses to go on from what a panic left behind.
    fn whole(&self, operation: &'static str) -> Result<()> {
        match self.torn {
            false => Ok(()),
            true => Err(Error::new(ErrorKind::Poisoned, operation, "an earlier push ended in a panic midway; open a new trainer")),
        }
    }

    /// A kept buffer that nobody reads, or a new one.
    fn spare(&mut self, current: &Published) -> Result<Arc<Published>> {
        match self.spares.iter_mut().position(|spare| Arc::get_mut(spare).is_some()) {
            Some(index) => Ok(self.spares.swap_remove(index)),
            None => Ok(Arc::new(current.copy()?)),
        }
    }

    fn spare_slots(&mut self, layout: &Layout) -> Result<Arc<Slots>> {
        match self.spare_slots.iter_mut().position(|spare| Arc::get_mut(spare).is_some()) {
            Some(index) => Ok(self.spare_slots.swap_remove(index)),
            None => Ok(Arc::new(layout.slots()?)),
        }
    }

    /// Keeps a replaced version's memory for the next step; beyond that it is freed with its last reader.
    fn keep(&mut self, replaced: Arc<Published>) {
        keep(&mut self.spares, replaced);
    }

    fn keep_slots(&mut self, replaced: Arc<Slots>) {
        keep(&mut self.spare_slots, replaced);
    }
}

fn keep<T>(spares: &mut Vec<Arc<T>>, replaced: Arc<T>) {
    if spares.len() >= MOST_SPARES {
        // The oldest is still read by somebody, or it would have been used.
        spares.remove(0);
    }
    spares.push(replaced);
}
