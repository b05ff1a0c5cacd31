//! Count, mean and summed squared deviations, exact however the values come in batches.
//!
//! Merged by the formula of Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979).

/// The moments of the rows of a batch: three rows of `width` numbers, which are the counts, the means and the sums of squared
/// deviations.
pub(super) fn of(values: &[f64], width: usize) -> Vec<f64> {
    let count = (values.len() / width) as f64;
    let mut moments = vec![0.0; 3 * width];
    let (counts, rest) = moments.split_at_mut(width);
    let (means, squares) = rest.split_at_mut(width);
    if count == 0.0 {
        return moments;
    }
    counts.fill(count);
    for row in values.chunks_exact(width) {
        means.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / count);
    }
    for row in values.chunks_exact(width) {
        for ((square, value), mean) in squares.iter_mut().zip(row).zip(&*means) {
            *square += (value - mean) * (value - mean);
        }
    }
    moments
}

/// The moments of two sets of values together. False if they are not finite.
pub(crate) fn merge(first: &[f64], second: &[f64], into: &mut [f64]) -> bool {
    let width = into.len() / 3;
    for index in 0..width {
        let [(count, mean, square), (other_count, other_mean, other_square)] =
            [first, second].map(|moments| (moments[index], moments[width + index], moments[2 * width + index]));
        let all = count + other_count;
        let share = if all == 0.0 { 0.0 } else { other_count / all };
        let distance = other_mean - mean;
        into[index] = all;
        into[width + index] = mean + distance * share;
        into[2 * width + index] = square + other_square + distance * distance * count * share;
    }
    into.iter().all(|value| value.is_finite())
}

/// Mean and standard deviation of each value of a row; the deviation is 0 where nothing varies.
pub(super) fn scale(moments: &[f64]) -> Vec<(f64, f64)> {
    let width = moments.len() / 3;
    let of = |index: usize| {
        let (count, mean, square) = (moments[index], moments[width + index], moments[2 * width + index]);
        (mean, if count > 0.0 { (square / count).sqrt() } else { 0.0 })
    };
    (0..width).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_add_up_to_the_whole() {
        let values: Vec<f64> = (0..200).map(|at| 1e6 + f64::from(at * at % 37) + f64::from(at) / 3.0).collect();
        let whole = of(&values, 2);
        let mut running = vec![0.0; 6];
        for batch in [&values[..2], &values[2..2], &values[2..60], &values[60..]] {
            let mut next = vec![f64::NAN; 6];
            assert!(merge(&running, &of(batch, 2), &mut next));
            running = next;
        }
        for (found, wanted) in running.iter().zip(&whole) {
            assert!((found - wanted).abs() <= 1e-9 * wanted.abs(), "{found} instead of {wanted}");
        }
        assert_eq!(running[..2], [100.0; 2]);
        let second: Vec<f64> = values.iter().skip(1).step_by(2).copied().collect();
        let mean = second.iter().sum::<f64>() / 100.0;
        let variance = second.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 100.0;
        let (found, deviation) = scale(&running)[1];
        assert!((found - mean).abs() < 1e-6 && (deviation - variance.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn what_never_varied_has_no_deviation() {
        assert_eq!(scale(&[0.0; 3]), [(0.0, 0.0)]);
        assert_eq!(scale(&of(&[7.5; 3], 1)), [(7.5, 0.0)]);
        assert!(!merge(&of(&[1e300, -1e300], 1), &[0.0; 3], &mut [0.0; 3]));
    }
}
