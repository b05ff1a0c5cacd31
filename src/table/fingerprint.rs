//! `Fingerprint64`, the hash that makes a feature id of a string: TensorFlow's `tf.fingerprint`, `tf.strings.to_hash_bucket_fast`.
//!
//! It is the `farmhashna::Hash64` of Google's FarmHash (Pike and Alakuijala, 2014, <https://github.com/google/farmhash>, `farmhash.cc`), which promises the same
//! value for all time. Written here because the crate `farmhash` (1.1.5) takes one block too many of a string of 128, 192, ... bytes, and has not
//! been mended for years; the test beside TensorFlow covers these lengths.

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;

/// The feature id of a string: its FarmHash `Fingerprint64`, as `tf.fingerprint` computes it. Bytes of any kind, no encoding implied.
///
/// ```
/// assert_eq!(streamgrad::table::fingerprint64(b""), 0x9ae16a3b2f90404f);
/// ```
pub fn fingerprint64(bytes: &[u8]) -> u64 {
    match bytes.len() {
        0..=16 => up_to_16(bytes),
        17..=32 => up_to_32(bytes),
        33..=64 => up_to_64(bytes),
        _ => longer(bytes),
    }
}

/// Eight bytes from `at`, which the caller knows to be there.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// Eight bytes that begin `back` bytes before the end.
#[inline(always)]
fn word_back(bytes: &[u8], back: usize) -> u64 {
    word(bytes, bytes.len() - back)
}

#[inline(always)]
fn half(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |half| u64::from(u32::from_le_bytes(*half)))
}

#[inline(always)]
fn fold(value: u64) -> u64 {
    value ^ (value >> 47)
}

/// Two words into one, by a multiplier.
#[inline(always)]
fn join(u: u64, v: u64, multiplier: u64) -> u64 {
    let a = fold((u ^ v).wrapping_mul(multiplier));
    fold((v ^ a).wrapping_mul(multiplier)).wrapping_mul(multiplier)
}

fn multiplier(length: usize) -> u64 {
    K2.wrapping_add(2 * length as u64)
}

fn up_to_16(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    let multiplier = multiplier(length);
    match length {
        8.. => {
            let a = word(bytes, 0).wrapping_add(K2);
            let b = word_back(bytes, 8);
            let c = b.rotate_right(37).wrapping_mul(multiplier).wrapping_add(a);
            let d = a.rotate_right(25).wrapping_add(b).wrapping_mul(multiplier);
            join(c, d, multiplier)
        }
        4.. => join((length as u64).wrapping_add(half(bytes, 0) << 3), half(bytes, length - 4), multiplier),
        1.. => {
            let [first, middle, last] = [bytes[0], bytes[length >> 1], bytes[length - 1]].map(u64::from);
            let y = first + (middle << 8);
            let z = length as u64 + (last << 2);
            fold(y.wrapping_mul(K2) ^ z.wrapping_mul(K0)).wrapping_mul(K2)
        }
        0 => K2,
    }
}

fn up_to_32(bytes: &[u8]) -> u64 {
    let multiplier = multiplier(bytes.len());
    let a = word(bytes, 0).wrapping_mul(K1);
    let b = word(bytes, 8);
    let c = word_back(bytes, 8).wrapping_mul(multiplier);
    let d = word_back(bytes, 16).wrapping_mul(K2);
    let u = a.wrapping_add(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d);
    let v = a.wrapping_add(b.wrapping_add(K2).rotate_right(18)).wrapping_add(c);
    join(u, v, multiplier)
}

fn up_to_64(bytes: &[u8]) -> u64 {
    let multiplier = multiplier(bytes.len());
    let a = word(bytes, 0).wrapping_mul(K2);
    let b = word(bytes, 8);
    let c = word_back(bytes, 8).wrapping_mul(multiplier);
    let d = word_back(bytes, 16).wrapping_mul(K2);
    let y = a.wrapping_add(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d);
    let z = join(y, a.wrapping_add(b.wrapping_add(K2).rotate_right(18)).wrapping_add(c), multiplier);
    let e = word(bytes, 16).wrapping_mul(multiplier);
    let f = word(bytes, 24);
    let g = y.wrapping_add(word_back(bytes, 32)).wrapping_mul(multiplier);
    let h = z.wrapping_add(word_back(bytes, 24)).wrapping_mul(multiplier);
    let u = e.wrapping_add(f).rotate_right(43).wrapping_add(g.rotate_right(30)).wrapping_add(h);
    let v = e.wrapping_add(f.wrapping_add(a).rotate_right(18)).wrapping_add(g);
    join(u, v, multiplier)
}

/// 32 bytes from `at` and two seeds into two words.
#[inline(always)]
fn weak(bytes: &[u8], at: usize, a: u64, b: u64) -> (u64, u64) {
    let [w, x, y, z] = [0, 8, 16, 24].map(|offset| word(bytes, at + offset));
    let a = a.wrapping_add(w);
    let b = b.wrapping_add(a).wrapping_add(z).rotate_right(21);
    let c = a;
    let a = a.wrapping_add(x).wrapping_add(y);
    (a.wrapping_add(z), b.wrapping_add(a.rotate_right(44)).wrapping_add(c))
}

fn longer(bytes: &[u8]) -> u64 {
    const SEED: u64 = 81;
    let mut x = SEED;
    let mut y = SEED.wrapping_mul(K1).wrapping_add(113);
    let mut z = fold(y.wrapping_mul(K2).wrapping_add(113)).wrapping_mul(K2);
    let (mut v, mut w) = ((0u64, 0u64), (0u64, 0u64));
    x = x.wrapping_mul(K2).wrapping_add(word(bytes, 0));

    // All whole blocks but the last bytes, of which there is at least one.
    let end = (bytes.len() - 1) / 64 * 64;
    for at in (0..end).step_by(64) {
        x = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(word(bytes, at + 8)).rotate_right(37).wrapping_mul(K1);
        y = y.wrapping_add(v.1).wrapping_add(word(bytes, at + 48)).rotate_right(42).wrapping_mul(K1);
        x ^= w.1;
        y = y.wrapping_add(v.0).wrapping_add(word(bytes, at + 40));
        z = z.wrapping_add(w.0).rotate_right(33).wrapping_mul(K1);
        v = weak(bytes, at, v.1.wrapping_mul(K1), x.wrapping_add(w.0));
        w = weak(bytes, at + 32, z.wrapping_add(w.1), y.wrapping_add(word(bytes, at + 16)));
        std::mem::swap(&mut z, &mut x);
    }

    // The last 64 bytes, which may overlap the block before.
    let multiplier = K1.wrapping_add((z & 0xff) << 1);
    let at = bytes.len() - 64;
    w.0 = w.0.wrapping_add((bytes.len() as u64 - 1) & 63);
    v.0 = v.0.wrapping_add(w.0);
    w.0 = w.0.wrapping_add(v.0);
    x = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(word(bytes, at + 8)).rotate_right(37).wrapping_mul(multiplier);
    y = y.wrapping_add(v.1).wrapping_add(word(bytes, at + 48)).rotate_right(42).wrapping_mul(multiplier);
    x ^= w.1.wrapping_mul(9);
    y = y.wrapping_add(v.0.wrapping_mul(9)).wrapping_add(word(bytes, at + 40));
    z = z.wrapping_add(w.0).rotate_right(33).wrapping_mul(multiplier);
    v = weak(bytes, at, v.1.wrapping_mul(multiplier), x.wrapping_add(w.0));
    w = weak(bytes, at + 32, z.wrapping_add(w.1), y.wrapping_add(word(bytes, at + 16)));
    std::mem::swap(&mut z, &mut x);
    let u = join(v.0, w.0, multiplier).wrapping_add(fold(y).wrapping_mul(K0)).wrapping_add(z);
    join(u, join(v.1, w.1, multiplier).wrapping_add(x), multiplier)
}
