//! Embedding tables: rows for feature ids that nobody listed beforehand, found without collisions, learned where they lie.
//!
//! A [`Table`] goes from a 64-bit feature id (of a string: [`fingerprint64`]) to a row of `dim` numbers and the row's optimizer
//! slots beside it. It is outside the graph. A step
//!
//! 1. [pulls](Table::pull) the rows of a batch's distinct ids, `[unique, dim]`, and for each id of the batch its position among them; a
//!    new id has its first values if [`Admission`] says so;
//! 2. runs the graph, which gathers by these positions, so that the gradient of a repeated id comes back summed;
//! 3. [prepares](Table::prepare) the update by the optimizer's formula, rows and slots, which may fail;
//! 4. [commits](Table::commit) it, which does not: ids are seen, new ones get their rows, all become what was computed.
//!
//! Until the last nothing has changed, so a step that fails leaves no trace, and a snapshot holds steps whole.
//!
//! Only rows of the batch move (*lazy rows*): where Keras' dense embedding moves every row in every step, by momentum,
//! decay or the averages of Adam, a row here stands still until its id comes again. With SGD and Adagrad, without momentum and decay, there is no difference.
//!
//! A predictor [reads](Table::read): an id without a row gets the default row, and nothing is made.
//!
//! # What decides
//!
//! First values are a function of (seed, id, column) ([`Initializer`]), admission by chance of (seed, id, step); so nothing hangs
//! on the order of arrival or on threads. With one thread that learns, a run repeats bit for bit. Expiry is exact for whoever looks: an id that comes after its time is a new one. The memory of those that do
//! not come again is taken back by the commits, which look at twice as many records as they have ids.
//!
//! # Threads
//!
//! A table is `Send + Sync` and in 256 parts, each with its lock, held for the ids of one batch in one part. Pulls and updates of several threads
//! go on side by side; two that update one row do so one after the other. A part grows by itself, and slab by slab, so that no
//! growth is a pause.
//!
//! # Snapshots
//!
//! A [`Cut`] is the table as of one moment, read as [`Columns`] while learning goes on; [`Table::load`] takes them back. A table that is loaded goes on with the
//! bits of the one that was cut.
//!
//! # Memory
//!
//! A row takes `4 * dim * (1 + slots)` bytes and at most 32 more: 20 of bookkeeping (id, last seen, count, cut), 5 to 10 of the index,
//! growth included, and on average half a slab of 32 rows in each part. `tests/table.rs` measures it.
//!
//! ```
//! use streamgrad::optimizer::Optimizer;
//! use streamgrad::table::{Initializer, Moment, Pulled, Table, TableSpec};
//!
//! let config = serde_json::json!({"rule": "sgd", "learning_rate": 0.5, "momentum": 0.0, "nesterov": false});
//! let optimizer = Optimizer::from_json(&config, &[("aircraft".to_string(), 2)])?; // the elements of a row
//! let spec = TableSpec::new("aircraft", 2, 42, Initializer::Constant { value: 1.0 });
//! let table = Table::new(spec, optimizer.slots(0))?;
//!
//! let mut pulled = Pulled::default();
//! table.pull(&[7, 9, 7], Moment { step: 0, seconds: 0 }, &mut pulled)?;
//! assert_eq!(pulled.ids().len(), 2);
//! assert_eq!(pulled.local().iter().map(|position| pulled.ids()[*position as usize]).collect::<Vec<_>>(), [7, 9, 7]);
//!
//! let gradient: Vec<f32> = pulled.ids().iter().flat_map(|id| if *id == 7 { [1.0, 2.0] } else { [0.0, -1.0] }).collect();
//! let step = optimizer.step(0, [])?;
//! table.apply(&mut pulled, &gradient, &step.rows(0, &gradient)?)?;
//! for (id, row) in [(7, [0.5, 0.0]), (9, [1.0, 1.5]), (8, [0.0, 0.0])] {
//!     table.read(&[id], &mut pulled)?;
//!     assert_eq!(pulled.rows(), row);
//! }
//! # Ok::<(), streamgrad::Error>(())
//! ```

mod apply;
mod columns;
mod cut;
mod file;
mod fingerprint;
mod ids;
mod index;
mod initializer;
mod load;
mod philox;
mod plan;
mod prefetch;
mod pull;
mod records;
mod removed;
mod shard;
mod sketch;
mod spec;
mod unique;

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::error::{Error, Result};
use crate::optimizer::{MAX_SLOTS, Slot};

use cut::Era;
use plan::Plan;
use shard::Shard;

pub use apply::Applied;
pub use columns::{Columns, ColumnsView};
pub use cut::{Cut, Row};
pub use fingerprint::fingerprint64;
pub(crate) use ids::append_ids;
pub use initializer::Initializer;
pub use pull::Pulled;
pub use spec::{Admission, Budget, Evict, Expiry, Moment, TableSpec};

const SHARD_BITS: u32 = 8;
const SHARDS: usize = 1 << SHARD_BITS;

/// A shard on cache lines of its own, so that the locks of two do not share one.
#[derive(Debug)]
#[repr(align(128))]
struct Locked(RwLock<Shard>);

impl std::ops::Deref for Locked {
    type Target = RwLock<Shard>;

    fn deref(&self) -> &RwLock<Shard> {
        &self.0
    }
}

/// Rows by feature id, with their optimizer slots. `Send + Sync`; all methods may be called by several threads at once.
#[derive(Debug)]
pub struct Table {
    plan: Plan,
    /// No other table of the process has it: a batch that was pulled from one is of no use to another.
    number: u64,
    shards: Box<[Locked]>,
    /// Held shared by whoever changes rows, from end to end; by a cut alone, for an instant.
    gate: RwLock<Era>,
}

impl Table {
    /// An empty table. `slots` are what the optimizer keeps beside a row ([`Optimizer::slots`](crate::optimizer::Optimizer::slots)).
    ///
    /// # Errors
    /// `InvalidInput` if a setting is out of its range, or the budget too small for one row in each of the table's parts.
    pub fn new(spec: TableSpec, slots: &[Slot]) -> Result<Self> {
        static TABLES: AtomicU64 = AtomicU64::new(0);
        let (plan, number) = (Plan::new(spec, slots)?, TABLES.fetch_add(1, Ordering::Relaxed));
        let shards = (0..SHARDS).map(|shard| Locked(RwLock::new(Shard::new(&plan, shard)))).collect();
        Ok(Self { plan, number, shards, gate: RwLock::new(Era::default()) })
    }

    /// What it was made with.
    pub fn spec(&self) -> &TableSpec {
        &self.plan.spec
    }

    /// The optimizer slots beside each row.
    pub fn slots(&self) -> &[Slot] {
        &self.plan.slots
    }

    /// The rows that it has now; those that have expired count until their memory is taken back.
    pub fn rows(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().rows()).sum()
    }

    /// The bytes that it has allocated: rows, slots, all bookkeeping, and what a cut has saved.
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().bytes()).sum::<usize>() + size_of_val(&*self.shards)
    }

    /// Sets the row of an id, made if it has none, whatever admission says: pre-trained vectors, or a snapshot's rows. Its slots begin
    /// anew unless they are given, one after the other.
    ///
    /// # Errors
    /// `InvalidInput` if a length is wrong or a number not finite.
    pub fn insert(&self, id: u64, values: &[f32], slots: Option<&[f32]>, moment: Moment) -> Result<()> {
        let plan = &self.plan;
        let given = slots.map_or(plan.slots.len() * plan.dim(), <[f32]>::len);
        if values.len() != plan.dim() || given != plan.slots.len() * plan.dim() {
            let context = format!(
                "give a row {} numbers and {} slots as many each, not {} and {given}: table {}",
                plan.dim(),
                plan.slots.len(),
                values.len(),
                plan.spec.name
            );
            return Err(Error::input("insert row", context));
        }
        if values.iter().chain(slots.unwrap_or_default()).any(|value| !value.is_finite()) {
            return Err(Error::input("insert row", format!("give rows of finite numbers: id {id}, table {}", plan.spec.name)));
        }
        let (hash, now) = (plan.hash(id), plan.now(moment));
        let era = self.gate.read();
        let mut shard = self.enter(&era, Plan::shard_of(hash));
        let found = shard.find(hash, id);
        let place = match found.and_then(|place| shard.see(plan, &era, place, now, 1)) {
            Some(place) => place,
            None => shard.add(plan, &era, &[], hash, id, now, None),
        };
        let mut record = shard.records.get_mut(place);
        let (row, kept) = record.values_mut().split_at_mut(plan.dim());
        row.copy_from_slice(values);
        match slots {
            Some(slots) => kept.copy_from_slice(slots),
            None => plan.begin_slots(kept),
        }
        Ok(())
    }
}
