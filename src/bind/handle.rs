//! Handles: numbers that stand for objects, and are checked each time they come back.
//!
//! A handle is `kind` (7 bits), `index` of a slot (24 bits) and `generation` of that slot (32 bits). Closing a handle
//! raises the generation of its slot, so an old handle never names the slot's next object; a slot whose generations are
//! used up is retired instead of starting again. The top bit is clear: a handle is positive as a Java `long`, and no
//! handle is zero.

use std::sync::Arc;

use parking_lot::RwLock;

use super::status::{Failure, Status};

const INDEX_BITS: u32 = 24;
const MAX_SLOTS: usize = 1 << INDEX_BITS;

/// The type of object that a handle stands for; each table has its own, so that a handle of another type is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Bundle = 1,
    Trainer = 2,
    Batch = 3,
    Gradients = 4,
    Pin = 5,
    /// A trainer that Java opened: a table, and so a kind, of its own.
    JavaTrainer = 6,
    Predictor = 7,
    /// As [`Kind::JavaTrainer`].
    JavaPredictor = 8,
    JavaCheckpoint = 9,
    /// The bytes of a checkpoint on their way back.
    JavaArrival = 10,
    /// A record batch that Java handed over.
    JavaImported = 11,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Trainer | Self::JavaTrainer => "trainer",
            Self::Batch => "batch",
            Self::Gradients => "gradients",
            Self::Pin => "pin",
            Self::Predictor | Self::JavaPredictor => "predictor",
            Self::JavaCheckpoint => "checkpoint",
            Self::JavaArrival => "arrival",
            Self::JavaImported => "record batch",
        }
    }
}

/// The open objects of one type. Thread-safe; meant to be a `static`.
///
/// The lock is held to look up a handle and never while an object is used or dropped.
pub(crate) struct Table<T> {
    kind: Kind,
    slots: RwLock<Slots<T>>,
}

struct Slots<T> {
    all: Vec<Slot<T>>,
    /// Indices of `all` whose slots are empty and not retired.
    free: Vec<u32>,
}

struct Slot<T> {
    /// That of the object, or of the next one; never zero.
    generation: u32,
    object: Option<Arc<T>>,
}

impl<T> Table<T> {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self { kind, slots: RwLock::new(Slots { all: Vec::new(), free: Vec::new() }) }
    }

    /// Takes the object in and returns its handle.
    pub(crate) fn insert(&self, object: T) -> Result<u64, Failure> {
        let object = Arc::new(object);
        let mut slots = self.slots.write();
        let index = match slots.free.pop() {
            Some(index) => index,
            None if slots.all.len() < MAX_SLOTS => {
                slots.all.push(Slot { generation: 1, object: None });
                (slots.all.len() - 1) as u32
            }
            None => {
                drop(slots);
                let message = format!("close some first, {MAX_SLOTS} are open: {}", self.kind.name());
                return Err(Failure::new(Status::INVALID_INPUT, message));
            }
        };
        let slot = &mut slots.all[index as usize];
        slot.object = Some(object);
        Ok(pack(self.kind, index, slot.generation))
    }

    /// The object of this handle, kept alive for as long as the caller holds it, whoever closes the handle meanwhile.
    pub(crate) fn get(&self, handle: u64) -> Result<Arc<T>, Failure> {
        let slots = self.slots.read();
        self.index(handle)
            .and_then(|index| slots.all.get(index))
            .filter(|slot| slot.generation == handle as u32)
            .and_then(|slot| slot.object.clone())
            .ok_or_else(|| self.closed(handle))
    }

    /// Makes the handle void and hands out its object; `None` if it was void already. What frees the object is dropping
    /// the last `Arc` of it: here if no call is in flight, else in the last such call.
    pub(crate) fn remove(&self, handle: u64) -> Option<Arc<T>> {
        let mut slots = self.slots.write();
        let index = self.index(handle)?;
        let slot = slots.all.get_mut(index).filter(|slot| slot.generation == handle as u32)?;
        let object = slot.object.take()?;
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            slots.free.push(index as u32);
        }
        Some(object)
    }

    /// How many handles are open.
    pub(crate) fn len(&self) -> usize {
        self.slots.read().all.iter().filter(|slot| slot.object.is_some()).count()
    }

    /// The index that the handle claims, if it is of this table's kind.
    fn index(&self, handle: u64) -> Option<usize> {
        let (kind, index) = (handle >> (32 + INDEX_BITS), (handle >> 32) as usize & (MAX_SLOTS - 1));
        (kind == self.kind as u64).then_some(index)
    }

    fn closed(&self, handle: u64) -> Failure {
        let name = self.kind.name();
        Failure::new(Status::CLOSED, format!("open it first, this handle is closed or not one of its type: {name} {handle:#x}"))
    }
}

const fn pack(kind: Kind, index: u32, generation: u32) -> u64 {
    (kind as u64) << (32 + INDEX_BITS) | (index as u64) << 32 | generation as u64
}

#[cfg(test)]
mod tests;
