//! The power is cut at every call that a store makes: what was reported as saved is there afterwards, or something newer.
//!
//! A run is recorded once, on a disk in memory that knows what was synced. Then each beginning of the recording is played
//! again, the power fails, and of what was not synced some, all or nothing is there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use common::disk::{Content, Cut, Disk, Event, Machine};
use common::{Recording, builder};
use streamgrad::params::FolderStoreBuilder;
use streamgrad::{FolderStore, Snapshot, Trainer, VersionId};

/// What a snapshot holds of parameters, and the host's position.
type Held = (Vec<Vec<u8>>, Option<Vec<u8>>);

fn content(snapshot: &Snapshot) -> Held {
    (snapshot.values().map(|(.., bytes)| bytes.to_vec()).collect(), snapshot.position().map(<[u8]>::to_vec))
}

fn quiet(machine: &Machine) -> FolderStoreBuilder {
    FolderStore::builder("model").every(Duration::ZERO).on_close(false).keep_last(2).storage(Arc::new(machine.clone()))
}

/// A long run with every kind of event in it: saving, pruning, rolling back, closing, opening again.
fn run(recording: &Recording, learning_rate: f32, deltas: u32) -> (Vec<Event>, HashMap<VersionId, Held>) {
    let machine = Machine::new(Disk::new());
    let open = || {
        let store = quiet(&machine).deltas(deltas).open().unwrap();
        (store.clone(), builder(&recording.bundle).learning_rate(learning_rate).store(store).open().unwrap())
    };
    let mut contents = HashMap::new();
    let mut save = |store: &FolderStore, trainer: &Trainer| {
        let version = trainer.save().unwrap();
        machine.apply(Event::Saved(version)).unwrap();
        contents.insert(version, content(&store.folder().read(version).unwrap()));
        version
    };
    let learn = |trainer: &Trainer, step: usize| {
        let mut batch = trainer.schema().batch();
        recording.fill(&mut batch, step % 10);
        trainer.step_to(&batch, step.to_string().as_bytes()).unwrap();
    };
    let (store, trainer) = open();
    let mut last = None;
    for step in 0..6 {
        learn(&trainer, step);
        last = Some(save(&store, &trainer));
    }
    learn(&trainer, 6);
    let earlier = store.kept_versions().unwrap()[0].version;
    trainer.rollback(earlier).unwrap();
    assert_ne!(Some(save(&store, &trainer)), last);
    learn(&trainer, 7);
    save(&store, &trainer);
    drop((store, trainer));
    let (store, trainer) = open();
    for step in 8..11 {
        learn(&trainer, step);
        save(&store, &trainer);
    }
    (machine.events(), contents)
}

fn cuts() -> impl Iterator<Item = Cut> {
    let names = [(None, false), (Some(0), false), (Some(1), false), (Some(2), false), (Some(3), false), (None, true)];
    names.into_iter().flat_map(|(names_lost_at, any_names_lost)| {
        [Content::Lost, Content::Torn, Content::Kept].map(|content| Cut { names_lost_at, any_names_lost, content })
    })
}

/// The versions in the order in which they were saved.
fn order(events: &[Event]) -> Vec<VersionId> {
    events.iter().filter_map(|event| if let Event::Saved(version) = event { Some(*version) } else { None }).collect()
}

/// The version that is there after a power cut, if it is whole and not older than the one that was reported as saved.
fn check(
    machine: &Machine,
    contents: &HashMap<VersionId, Held>,
    order: &[VersionId],
    saved: Option<VersionId>,
) -> Result<Option<VersionId>, String> {
    let newest = quiet(machine).open().and_then(|store| store.folder().newest()).map_err(|error| error.to_string())?;
    let found = newest.as_ref().map(Snapshot::version);
    let place = |version| order.iter().position(|known| *known == version);
    if found.and_then(place) < saved.and_then(place) {
        return Err(format!("{found:?} is there, but {saved:?} was saved"));
    }
    match newest {
        Some(snapshot) if contents.get(&snapshot.version()) != Some(&content(&snapshot)) => Err(format!("{found:?} is not what was saved")),
        _ => Ok(found),
    }
}

/// Cuts the power before each event, in every way that leaves another disk; gives back how often.
fn cut_everywhere(recording: &Recording, learning_rate: f32, deltas: u32) -> usize {
    let (events, contents) = run(recording, learning_rate, deltas);
    let order = order(&events);
    let (mut disk, mut saved, mut count) = (Disk::new(), None, 0usize);
    for (at, event) in events.iter().enumerate() {
        let mut seen = Vec::new();
        for cut in cuts() {
            let left = disk.clone().after(cut);
            if seen.contains(&left) {
                continue;
            }
            seen.push(left.clone());
            let machine = Machine::new(left);
            let found = check(&machine, &contents, &order, saved).unwrap_or_else(|text| panic!("event {at} {event:?} {cut:?}: {text}"));
            count += 1;
            // And learning goes on from there, on the disk as it is.
            if count.is_multiple_of(97) {
                let store = quiet(&machine).deltas(deltas).open().unwrap();
                let trainer = builder(&recording.bundle).learning_rate(learning_rate).store(store).open().unwrap();
                let before = trainer.version().unwrap();
                assert_eq!(before, found.map_or(0, |found| found.number));
                trainer.step(&recording.batch(&trainer)).unwrap();
                assert_eq!(trainer.save().unwrap().number, before + 1, "event {at} {event:?} {cut:?}");
            }
        }
        if let Event::Saved(version) = event {
            saved = Some(*version);
        }
        disk.apply(event).unwrap();
    }
    assert!(order.len() >= 10 && events.len() > 200, "{} events", events.len());
    count
}

#[test]
fn complete_snapshots_survive_every_power_cut() {
    let count = cut_everywhere(&Recording::open("regularized", "adagrad"), 0.05, 0);
    println!("the power was cut {count} times");
}

#[test]
fn deltas_survive_every_power_cut() {
    let count = cut_everywhere(&Recording::open("mlp", "sgd"), 0.0, 2);
    println!("the power was cut {count} times");
}

#[test]
fn a_store_that_did_not_sync_would_be_caught() {
    let (events, contents) = run(&Recording::open("mlp", "sgd"), 0.05, 0);
    let order = order(&events);
    let lossy = |event: &Event| !matches!(event, Event::Sync(_));
    let hasty = |event: &Event| !matches!(event, Event::SyncDir(path) if path.ends_with("snapshots"));
    for keeps in [&lossy as &dyn Fn(&Event) -> bool, &hasty] {
        let (mut disk, mut saved, mut caught) = (Disk::new(), None, 0);
        for event in events.iter().filter(|event| keeps(event)) {
            disk.apply(event).unwrap();
            if let Event::Saved(version) = event {
                saved = Some(*version);
            }
            caught += cuts().filter(|cut| check(&Machine::new(disk.clone().after(*cut)), &contents, &order, saved).is_err()).count();
        }
        assert!(caught > 0);
    }
}
