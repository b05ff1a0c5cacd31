//! Parameters in the memory of this process.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::layout::Layout;
use super::store::{Observation, Receipt, Store, Update};
use super::version::{Dense, Published, Slots, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::{MetricValues, Metrics};
use crate::optimizer::{self, MAX_SLOTS, Optimizer};
use crate::tf::Tensor;

/// Versions that were replaced and whose memory waits for the next one. A second is there for a reader that holds the first.
const MOST_SPARES: usize = 2;

/// Parameters in memory, gone with the process.
///
/// Readers take the newest version by one pointer and never wait. Writers follow each other: each applies its gradients
/// whole, against the newest version, into a kept buffer that nobody reads, and publishes it when all of it is written and
/// finite. So there are two copies of the parameters and of the slots, and one more for each older version that is held.
#[derive(Debug, Default)]
pub struct MemoryStore {
    learned: OnceLock<Learned>,
}

#[derive(Debug)]
struct Learned {
    optimizer: Optimizer,
    current: ArcSwap<Published>,
    writer: Mutex<Writer>,
}

/// What only a push touches.
#[derive(Debug)]
struct Writer {
    steps: u64,
    slots: Slots,
    spare_slots: Slots,
    spares: Vec<Arc<Published>>,
    metrics: Metrics,
    /// True while slots, metrics and version might not belong together; stays so if a panic ends the push there.
    torn: bool,
}

impl MemoryStore {
    /// An empty store; the first trainer that opens with it fills it.
    pub fn new() -> Self {
        Self::default()
    }

    fn learned(&self) -> Result<&Learned> {
        self.learned.get().ok_or_else(|| Error::input("use store", "no trainer has opened it yet"))
    }
}

impl Store for MemoryStore {
    fn start(&self, layout: Layout) -> Result<()> {
        let identity = layout.identity.clone();
        let learned = match self.learned.get() {
            Some(learned) => learned,
            None => {
                let learned = Learned::new(layout)?;
                self.learned.get_or_init(|| learned)
            }
        };
        match *learned.current.load().bundle == *identity {
            true => Ok(()),
            false => Err(Error::input("open store", "it holds the parameters of another bundle; give each bundle a store of its own")),
        }
    }

    fn pull(&self) -> Result<Version> {
        Ok(Version { published: self.learned()?.current.load_full() })
    }

    fn push(&self, update: Update<'_>) -> Result<Receipt> {
        self.learned()?.push(&update)
    }

    fn metrics(&self) -> Result<MetricValues> {
        Ok(self.learned()?.writer.lock().metrics.read())
    }

    fn learning_rate(&self) -> Result<f32> {
        let learned = self.learned()?;
        let steps = learned.writer.lock().steps;
        Ok(learned.optimizer.learning_rate(steps))
    }

    fn memory(&self) -> usize {
        self.learned.get().map_or(0, |learned| {
            let writer = learned.writer.lock();
            let versions = (1 + writer.spares.len()) * learned.current.load().dense.bytes();
            versions + writer.slots.bytes() + writer.spare_slots.bytes()
        })
    }
}

impl Learned {
    fn new(layout: Layout) -> Result<Self> {
        let (slots, spare_slots) = (layout.slots()?, layout.slots()?);
        let bundle: Arc<str> = layout.identity.into();
        let spare = Arc::new(Published { bundle: bundle.clone(), number: 0, dense: layout.initial.copy()? });
        let writer = Writer { steps: 0, slots, spare_slots, spares: vec![spare], metrics: layout.metrics, torn: false };
        Ok(Self {
            optimizer: layout.optimizer,
            current: ArcSwap::from_pointee(Published { bundle, number: 0, dense: layout.initial }),
            writer: Mutex::new(writer),
        })
    }

    fn push(&self, update: &Update<'_>) -> Result<Receipt> {
        let mut guard = self.writer.lock();
        let writer = &mut *guard;
        if writer.torn {
            let context = "an earlier push ended in a panic midway; open a new trainer";
            return Err(Error::new(ErrorKind::Poisoned, "apply gradients", context));
        }
        let current = self.current.load_full();
        let mut next = writer.spare(&current)?;
        let written = match Arc::get_mut(&mut next) {
            Some(next) => self.write(writer, &current, &mut next.dense, update).map(|()| next.number = current.number + 1),
            None => Err(Error::new(ErrorKind::Internal, "apply gradients", "a kept buffer is in use")),
        };
        if let Err(error) = written {
            writer.spares.push(next);
            return Err(error);
        }
        let version = next.number;
        writer.torn = true;
        if let Some(Observation { loss, rows, outputs }) = update.observation
            && let Err(error) = writer.metrics.update(loss, rows, outputs)
        {
            writer.torn = false;
            writer.spares.push(next);
            return Err(error);
        }
        std::mem::swap(&mut writer.slots, &mut writer.spare_slots);
        writer.steps += 1;
        let metrics = writer.metrics.read();
        drop(current);
        writer.keep(self.current.swap(next));
        writer.torn = false;
        Ok(Receipt { version, metrics })
    }

    /// Writes the step into `next` and the spare slots. Whatever stands there after an error is never read.
    fn write(&self, writer: &mut Writer, current: &Published, next: &mut Dense, update: &Update<'_>) -> Result<()> {
        let gradients = update.gradients.iter().map(|gradient| gradient.as_slice::<f32>()).collect::<Result<Vec<_>>>()?;
        let step = self.optimizer.step(writer.steps, gradients.iter().copied())?;
        let slots = self.optimizer.slots().len();
        for (index, gradient) in gradients.into_iter().enumerate() {
            let mut old_slots: [&[f32]; MAX_SLOTS] = Default::default();
            let mut new_slots: [&mut [f32]; MAX_SLOTS] = Default::default();
            for (slot, tensors) in writer.slots.tensors.iter().enumerate().take(slots) {
                old_slots[slot] = tensors[index].as_slice()?;
            }
            for (slot, tensors) in writer.spare_slots.tensors.iter_mut().enumerate().take(slots) {
                new_slots[slot] = tensors[index].as_mut_slice()?;
            }
            let parameter = current.dense.parameters[index].as_slice()?;
            let new_parameter = next.parameters[index].as_mut_slice()?;
            step.update(index, optimizer::Update { parameter, gradient, slots: old_slots, new_parameter, new_slots })?;
        }
        let state = if update.state.is_empty() { &current.dense.state } else { update.state };
        next.state.iter_mut().zip(state).try_for_each(|(next, state): (&mut Tensor, &Tensor)| next.copy_from(state.as_bytes()))?;
        next.reset_runs();
        Ok(())
    }
}

impl Writer {
    /// A kept buffer that nobody reads, or a new one.
    fn spare(&mut self, current: &Published) -> Result<Arc<Published>> {
        match self.spares.iter_mut().position(|spare| Arc::get_mut(spare).is_some()) {
            Some(index) => Ok(self.spares.swap_remove(index)),
            None => Ok(Arc::new(Published { bundle: current.bundle.clone(), number: 0, dense: current.dense.copy()? })),
        }
    }

    /// Keeps a replaced version's memory for the next step; beyond that it is freed with its last reader.
    fn keep(&mut self, replaced: Arc<Published>) {
        if self.spares.len() >= MOST_SPARES {
            // The oldest is still read by somebody, or it would have been used.
            self.spares.remove(0);
        }
        self.spares.push(replaced);
    }
}
