//! Hashes as TensorFlow has them.

use super::values::Values;
use crate::bundle::Token;
use crate::table::fingerprint64;

/// Where a cross begins: the default key of `tf.sparse.cross_hashed`.
const KEY: u64 = 0x00de_cafc_affe;

/// The bucket of a string, as `tf.strings.to_hash_bucket_fast` finds it.
pub(super) fn of_string(string: &[u8], buckets: i64) -> i64 {
    (fingerprint64(string) % buckets as u64) as i64
}

/// The bucket of an integer: that of its decimal digits (`tf.as_string`).
pub(super) fn of_int(value: i64, buckets: i64) -> i64 {
    of_string(value.to_string().as_bytes(), buckets)
}

/// The buckets of values, of which one may have the first alone.
pub(super) fn of_values(values: Values<'_>, buckets: i64, mask: Option<&Token>) -> Vec<i64> {
    // As in Keras, one bucket alone is not given up for the mask.
    let mask = mask.filter(|_| buckets > 1);
    let (others, shift) = if mask.is_some() { (buckets - 1, 1) } else { (buckets, 0) };
    let place = |masked: bool, bucket: i64| if masked { 0 } else { bucket + shift };
    match values {
        Values::Strings(texts) => {
            let masked = |text: &[u8]| matches!(mask, Some(Token::Text(mask)) if mask.as_bytes() == text);
            texts.into_iter().map(|text| place(masked(text), of_string(text, others))).collect()
        }
        values => {
            let masked = |value: i64| matches!(mask, Some(Token::Int(mask)) if *mask == value);
            values.into_ints().into_iter().map(|value| place(masked(value), of_int(value, others))).collect()
        }
    }
}

/// The bucket of several ids together, as `tf.sparse.cross_hashed` finds it.
pub(super) fn cross(ids: impl Iterator<Item = u64>, buckets: i64) -> i64 {
    (ids.fold(KEY, concatenate) % buckets as u64) as i64
}

/// Two fingerprints as one: `FingerprintCat64` of TensorFlow's `tsl/platform/fingerprint.h`.
fn concatenate(first: u64, second: u64) -> u64 {
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    let mix = |value: u64| value ^ (value >> 47);
    let second = mix(second.wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    let both = ((first ^ MULTIPLIER) ^ second).wrapping_mul(MULTIPLIER);
    mix(mix(both).wrapping_mul(MULTIPLIER))
}
