//! Which updates are refused, and what comes of it.

use crate::error::{Error, Result};

/// The scale that makes the median absolute deviation estimate a normal distribution's standard deviation.
const MAD_TO_DEVIATION: f64 = 1.4826;

/// Which updates a trainer refuses, and what it does when they do not end; set by
/// [`TrainerBuilder::guard`](crate::trainer::TrainerBuilder::guard).
///
/// An update that is not finite is always refused. A guard also refuses a batch whose gradient, all of it together and before any
/// clipping, has a norm far beyond those of the last batches that were learned: its logarithm above
/// `median + max(deviations * 1.4826 * MAD, ln(factor))`, where `MAD` is the median absolute deviation. Median and MAD
/// stay as they are until half of the window is spoiled, which mean and standard deviation do not; the rule is that of Hampel ("The
/// Influence Curve and its Role in Robust Estimation", 1974), made one-sided. Logarithms, because norms spread over
/// factors; the least factor, because a window in which nothing happens has no spread. Batches that are refused do not enter the window.
///
/// A norm as far below the median is refused as well, for a gradient of (nearly) zero is what values far too large leave of a saturated
/// model, unless such norms are usual: more than one in 32 batches of a window. So a model that has learned all there is goes on. And
/// a norm is refused that is as far above the median *for its loss*, if that is positive: both are small where a model is right, but
/// values far too large make a gradient of usual length out of hardly any loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// Without it only what is not finite is refused.
    pub(super) bound: Option<Bound>,
    pub(super) after: u64,
    pub(super) response: Option<Response>,
    pub(super) quarantine: usize,
}

/// What is a norm like those before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bound {
    pub(super) window: usize,
    pub(super) warm_up: usize,
    pub(super) deviations: f64,
    pub(super) factor: f64,
}

/// What a trainer does after so many refused updates in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// It pauses: it predicts, and learns again when it is told to.
    Pause,
    /// It goes back to the version saved last, in a lineage of its own. It pauses if there is none, or if nothing was learned since: then
    /// going back would change nothing.
    RollBack,
}

impl Default for Guard {
    /// A window of 256 batches, no bound on norms before 64 of them; 5 deviations and at least a factor of 30 from the median; a pause
    /// after 10 refused updates in a row; the last 16 refused batches kept.
    fn default() -> Self {
        let bound = Bound { window: 256, warm_up: 64, deviations: 5.0, factor: 30.0 };
        Self { bound: Some(bound), after: 10, response: Some(Response::Pause), ..Self::finite() }
    }
}

impl Guard {
    /// What a trainer has that was given no guard: updates that are not finite are refused, the last 16 such batches kept, and nothing else
    /// comes of it.
    pub fn finite() -> Self {
        Self { bound: None, after: 0, response: None, quarantine: 16 }
    }

    /// The norms that are remembered: of the last so many batches that were learned. At least 8.
    #[must_use]
    pub fn window(self, batches: usize) -> Self {
        self.bounded(|bound| bound.window = batches)
    }

    /// So many batches are learned, whatever their norm, before there is a bound; from 2 to the window.
    #[must_use]
    pub fn warm_up(self, batches: usize) -> Self {
        self.bounded(|bound| bound.warm_up = batches)
    }

    /// How many robust standard deviations above the median a logarithm may be.
    #[must_use]
    pub fn deviations(self, deviations: f64) -> Self {
        self.bounded(|bound| bound.deviations = deviations)
    }

    /// A norm up to so many times the median is never refused. Above 1.
    #[must_use]
    pub fn factor(self, factor: f64) -> Self {
        self.bounded(|bound| bound.factor = factor)
    }

    /// Sets no bound on norms.
    #[must_use]
    pub fn any_norm(self) -> Self {
        Self { bound: None, ..self }
    }

    fn bounded(mut self, set: impl FnOnce(&mut Bound)) -> Self {
        if let Some(bound) = &mut self.bound {
            set(bound);
        }
        self
    }

    /// What the trainer does after so many refused updates in a row.
    #[must_use]
    pub fn after(self, refused: u64, response: Response) -> Self {
        Self { after: refused, response: Some(response), ..self }
    }

    /// Goes on refusing, however many there are.
    #[must_use]
    pub fn without_response(self) -> Self {
        Self { response: None, ..self }
    }

    /// The refused batches that are kept until the host drains them, copies of their rows; of more the oldest are dropped, and counted.
    #[must_use]
    pub fn quarantine(self, batches: usize) -> Self {
        Self { quarantine: batches, ..self }
    }

    /// Whether the store must keep versions.
    pub(crate) fn rolls_back(&self) -> bool {
        self.response == Some(Response::RollBack)
    }

    /// Refuses what cannot be meant.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = match self.bound {
            Some(bound) if bound.window < 8 => Some(format!("a guard's window of at least 8 batches, not {}", bound.window)),
            Some(bound) if !(2..=bound.window).contains(&bound.warm_up) => {
                Some(format!("a guard's warm-up of 2 to {} batches, not {}", bound.window, bound.warm_up))
            }
            Some(bound) if !(bound.deviations.is_finite() && bound.deviations >= 0.0) => {
                Some(format!("a guard's deviations that are finite and not negative, not {}", bound.deviations))
            }
            Some(bound) if !(bound.factor.is_finite() && bound.factor > 1.0) => {
                Some(format!("a guard's factor above 1, not {}", bound.factor))
            }
            _ if self.response.is_some() && self.after == 0 => Some("at least one refused update to respond to".to_owned()),
            _ => None,
        };
        wrong.map_or(Ok(()), |wrong| Err(Error::input("open trainer", format!("give {wrong}"))))
    }
}

impl Bound {
    /// How far above the median a logarithm may be.
    pub(super) fn room(&self, mad: f64) -> f64 {
        (self.deviations * MAD_TO_DEVIATION * mad).max(self.factor.ln())
    }
}
