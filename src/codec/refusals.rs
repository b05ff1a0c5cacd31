//! Records that were refused: counted, told, the first of them kept.

use std::fmt;

/// Where a record was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The line on which it begins; the first is 1.
    Line(u64),
    /// The byte at which it begins, after decompression; the first is 0.
    Offset(u64),
    /// The row of the stream or file; the first is 0.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Offset(offset) => write!(f, "offset {offset}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// A record that was refused. It prints as `line 17: wind: "a lot" is not a float32`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Where it was.
    pub place: Place,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

type Tell = Box<dyn FnMut(&Refusal) + Send>;

/// The refused records of one decoder: all are counted and told, the first hundred kept.
#[derive(Default)]
pub struct Refusals {
    count: u64,
    kept: Vec<Refusal>,
    tell: Option<Tell>,
}

const KEPT: usize = 100;

impl Refusals {
    /// How many records were refused.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The first hundred since the last [`Refusals::take`].
    pub fn kept(&self) -> &[Refusal] {
        &self.kept
    }

    /// Gives up what was kept, so that there is room for more; the count stays.
    pub fn take(&mut self) -> Vec<Refusal> {
        std::mem::take(&mut self.kept)
    }

    /// Calls this for every record that is refused from now on, within [`Decode::fill`](super::Decode::fill).
    pub fn tell(&mut self, tell: impl FnMut(&Refusal) + Send + 'static) {
        self.tell = Some(Box::new(tell));
    }

    pub(super) fn add(&mut self, place: Place, reason: impl Into<String>) {
        let refusal = Refusal { place, reason: reason.into() };
        self.count += 1;
        if let Some(tell) = &mut self.tell {
            tell(&refusal);
        }
        if self.kept.len() < KEPT {
            self.kept.push(refusal);
        }
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals").field("count", &self.count).field("kept", &self.kept).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_first_and_tells_all() {
        let (sender, told) = std::sync::mpsc::channel();
        let mut refusals = Refusals::default();
        refusals.tell(move |refusal| sender.send(refusal.to_string()).unwrap());
        (0..300).for_each(|line| refusals.add(Place::Line(line), "no"));
        assert_eq!((refusals.count(), refusals.take().len(), refusals.kept().len()), (300, KEPT, 0));
        assert_eq!(told.iter().take(300).last().unwrap(), "line 299: no");
    }
}
