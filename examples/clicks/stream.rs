//! Made-up clicks, the same in each run: ids of a power law that are born and die, and a taste that drifts.
//!
//! Nothing is kept but the time and a generator: a feature has so many slots, of which one is drawn by a power law, and in each slot one
//! id lives after the other. What an id is worth follows from a hash of it and from the time.

use std::f64::consts::TAU;

/// A feature of a click.
struct Feature {
    /// The ids that are alive at a time.
    alive: u64,
    /// The clicks during which an id lives; none dies if it is zero.
    lifetime: u64,
    /// The place of the feature that decides it, as an item does its brand; drawn anew for each click if there is none.
    of: Option<usize>,
    /// How much it counts.
    strength: f64,
}

const fn drawn(alive: u64, lifetime: u64, strength: f64) -> Feature {
    Feature { alive, lifetime, of: None, strength }
}

const fn follows(of: usize, alive: u64, strength: f64) -> Feature {
    Feature { alive, lifetime: 0, of: Some(of), strength }
}

const USER: usize = 0;
const ITEM: usize = 1;
const SEGMENT: usize = 2;
const CATEGORY: usize = 3;

const FEATURES: [Feature; 26] = [
    drawn(300_000, 3_000_000, 0.5), // user
    drawn(100_000, 1_000_000, 0.8), // item
    follows(USER, 20, 0.2),         // segment
    follows(ITEM, 40, 0.4),         // category
    follows(USER, 60, 0.3),         // country
    follows(USER, 5_000, 0.2),      // city
    follows(USER, 10, 0.2),         // age
    follows(USER, 3, 0.1),          // gender
    follows(USER, 30, 0.1),         // language
    follows(USER, 500, 0.1),        // device
    follows(USER, 40, 0.1),         // browser
    follows(ITEM, 3_000, 0.3),      // brand
    follows(ITEM, 5_000, 0.2),      // seller
    follows(ITEM, 50, 0.2),         // price
    follows(ITEM, 200, 0.2),        // topic
    follows(ITEM, 25, 0.1),         // shipping
    drawn(100_000, 500_000, 0.3),   // query
    drawn(2_000, 400_000, 0.3),     // campaign
    drawn(5_000, 200_000, 0.4),     // creative
    drawn(200_000, 50_000, 0.1),    // session
    drawn(10_000, 2_000_000, 0.2),  // page
    drawn(20_000, 1_000_000, 0.1),  // referrer
    drawn(12, 0, 0.6),              // position
    drawn(24, 0, 0.2),              // hour
    drawn(7, 0, 0.1),               // weekday
    drawn(20, 1_500_000, 0.1),      // version of the app
];
/// Of a click that nothing speaks for or against, as a logit.
const BASE: f64 = -2.0;
/// How much it counts whether a segment likes a category.
const TASTE: f64 = 1.0;
/// The clicks in which what is liked has turned into its opposite and back.
const YEAR: f64 = 8e6;

/// One that was shown something.
#[derive(Debug)]
pub(crate) struct Click {
    /// Of each feature; no two features share one.
    pub(crate) ids: [i64; FEATURES.len()],
    /// How likely a click was: what the best of all models would say.
    pub(crate) probability: f64,
    pub(crate) clicked: bool,
}

/// All clicks, one after the other, without an end.
#[derive(Debug)]
pub(crate) struct Clicks {
    seed: u64,
    time: u64,
    drawn: u64,
}

impl Clicks {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, time: 0, drawn: 0 }
    }

    /// From 0 to 1.
    fn draw(&mut self) -> f64 {
        self.drawn += 1;
        unit(hash(self.seed, self.drawn))
    }

    fn id(&mut self, at: usize, ids: &[i64]) -> u64 {
        let Feature { alive, lifetime, of, .. } = FEATURES[at];
        let chance = of.map_or_else(|| self.draw(), |of| unit(hash(ids[of] as u64, at as u64)));
        // Of a power law of exponent 1: the logarithm of the rank is spread evenly.
        let slot = hash(at as u64, (alive as f64).powf(chance) as u64);
        match lifetime {
            0 => slot,
            // Slots do not change hands at the same time.
            _ => hash(slot, (self.time + slot % lifetime) / lifetime),
        }
    }
}

impl Iterator for Clicks {
    type Item = Click;

    fn next(&mut self) -> Option<Click> {
        let mut ids = [0; FEATURES.len()];
        for at in 0..ids.len() {
            ids[at] = self.id(at, &ids) as i64;
        }
        let now = TAU * self.time as f64 / YEAR;
        let angle = |at: usize| TAU * unit(hash(ids[at] as u64, 0));
        let appeal: f64 = FEATURES.iter().enumerate().map(|(at, feature)| feature.strength * (angle(at) + now).cos()).sum();
        let taste = TASTE * (angle(SEGMENT) - angle(CATEGORY) + 2.0 * now).cos();
        let probability = 1.0 / (1.0 + (-BASE - appeal - taste).exp());
        self.time += 1;
        Some(Click { ids, probability, clicked: self.draw() < probability })
    }
}

/// The finalizer of splitmix64, over two numbers.
fn hash(one: u64, other: u64) -> u64 {
    let mut mixed = one ^ other.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}
