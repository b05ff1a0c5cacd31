//! The distribution of a tensor's values.

use super::event::Histogram;
use crate::optimizer::sum_of_squares;

/// As many as `tf.summary.histogram` makes.
const BUCKETS: usize = 30;

impl Histogram {
    /// Buckets of equal width from the least value to the greatest, as `tf.summary.histogram` makes them. `None` of values of
    /// which one is not finite, or of none.
    pub(super) fn of(values: &[f32]) -> Option<Self> {
        let (mut min, mut max, mut sum) = (f32::INFINITY, f32::NEG_INFINITY, 0.0);
        for &value in values {
            (min, max, sum) = (min.min(value), max.max(value), sum + f64::from(value));
        }
        if values.is_empty() || !sum.is_finite() {
            return None;
        }
        let (min, max) = (f64::from(min), f64::from(max));
        let width = (max - min) / BUCKETS as f64;
        let mut counts = vec![0.0; BUCKETS];
        for &value in values {
            let place = if width > 0.0 { ((f64::from(value) - min) / width) as usize } else { BUCKETS };
            counts[place.min(BUCKETS - 1)] += 1.0;
        }
        let limits = (1..=BUCKETS).map(|bucket| if bucket == BUCKETS { max } else { min + width * bucket as f64 }).collect();
        Some(Self { min, max, count: values.len() as f64, sum, sum_of_squares: sum_of_squares(values), limits, counts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_in_buckets_of_equal_width() {
        let values: Vec<f32> = (0..=60).map(|value| value as f32).collect();
        let histogram = Histogram::of(&values).unwrap();
        assert_eq!((histogram.min, histogram.max, histogram.count), (0.0, 60.0, 61.0));
        assert_eq!(histogram.counts[..29], [2.0; 29]);
        assert_eq!(histogram.counts[29], 3.0);
        assert_eq!((histogram.limits[0], histogram.limits[29]), (2.0, 60.0));
        assert_eq!(histogram.sum, 1830.0);
        assert_eq!(histogram.sum_of_squares, 73810.0);
    }

    #[test]
    fn equal_values_are_in_one_bucket_and_no_values_are_no_histogram() {
        let histogram = Histogram::of(&[3.0; 9]).unwrap();
        assert_eq!((histogram.counts[29], histogram.counts.iter().sum::<f64>()), (9.0, 9.0));
        assert_eq!(Histogram::of(&[]), None);
        assert_eq!(Histogram::of(&[1.0, f32::NAN]), None);
        assert_eq!(Histogram::of(&[1.0, f32::INFINITY]), None);
    }
}
