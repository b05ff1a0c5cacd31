//! What the tests of optimizers share.

use streamgrad::optimizer::{MAX_SLOTS, Optimizer, Update};

/// One parameter with its slots, each twice: old and new.
pub struct Parameter {
    pub name: String,
    pub values: [Vec<f32>; 2],
    pub slots: Vec<[Vec<f32>; 2]>,
}

impl Parameter {
    pub fn new(name: &str, start: Vec<f32>, optimizer: &Optimizer) -> Self {
        Self::at(name, start, optimizer, 0)
    }

    /// The parameter at `index` of the optimizer's.
    pub fn at(name: &str, start: Vec<f32>, optimizer: &Optimizer, index: usize) -> Self {
        let slots = optimizer.slots(index).iter().map(|slot| [vec![slot.initial; start.len()], vec![f32::NAN; start.len()]]).collect();
        Self { name: name.to_owned(), values: [start.clone(), vec![f32::NAN; start.len()]], slots }
    }

    pub fn update(&mut self, step: &streamgrad::optimizer::Step<'_>, index: usize, gradient: &[f32]) -> streamgrad::Result<()> {
        let [old, new] = &mut self.values;
        let mut slots: [&[f32]; MAX_SLOTS] = Default::default();
        let mut new_slots: [&mut [f32]; MAX_SLOTS] = Default::default();
        for (index, [old, new]) in self.slots.iter_mut().enumerate() {
            (slots[index], new_slots[index]) = (old, new);
        }
        step.update(index, Update { parameter: old, gradient, slots, new_parameter: new, new_slots })?;
        self.values.swap(0, 1);
        self.slots.iter_mut().for_each(|slot| slot.swap(0, 1));
        Ok(())
    }
}

pub fn same_bits(ours: &[f32], theirs: &[f32]) -> bool {
    ours.iter().map(|value| value.to_bits()).eq(theirs.iter().map(|value| value.to_bits()))
}
