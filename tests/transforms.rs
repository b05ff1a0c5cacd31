//! Features that transforms make: bit for bit or nearly what TensorFlow and Keras make of the same records; running moments; gaps.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Recording, builder, distance, peer};
use streamgrad::codec::{Csv, Decode, JsonLines};
use streamgrad::{Batch, Bundle, ErrorKind, FolderStore, Schema, Trainer};

/// Fills a batch with the record of a recording, its labels left out.
fn fill(recording: &Recording, batch: &mut Batch, prefix: &str) {
    let schema = batch.schema().clone();
    for spec in schema.features() {
        let name = format!("{prefix}/{}", spec.name);
        let texts = || -> Vec<Vec<u8>> {
            let (bytes, offsets) = (recording.u8s(&format!("{name}/bytes")), recording.i64s(&format!("{name}/offsets")));
            offsets.windows(2).map(|pair| bytes[pair[0] as usize..pair[1] as usize].to_vec()).collect()
        };
        if spec.ragged {
            let lengths: Vec<usize> = recording.i64s(&format!("{name}/lengths")).into_iter().map(|length| length as usize).collect();
            match spec.dtype.name() {
                "string" => batch.set_ragged_strings(&spec.name, &texts(), &lengths),
                _ => batch.set_ragged(&spec.name, &recording.f32s(&name), &lengths),
            }
            .unwrap();
            continue;
        }
        match spec.dtype.name() {
            "string" => batch.set_strings(&spec.name, &texts()),
            "float32" => batch.set(&spec.name, &recording.f32s(&name)),
            "float64" => batch.set(&spec.name, &recording.f64s(&name)),
            "int32" => batch.set(&spec.name, &recording.i32s(&name)),
            _ => batch.set(&spec.name, &recording.i64s(&name)),
        }
        .unwrap();
    }
}

/// Compares what a bundle shows of its features with what was recorded; returns how many there are.
fn compare(name: &str) -> usize {
    let recording = Recording::open("transforms", name);
    let trainer = recording.trainer();
    let mut batch = trainer.schema().batch();
    fill(&recording, &mut batch, "record");
    let predictions = trainer.predict(&batch).unwrap();
    let mut compared = 0;
    for output in trainer.schema().outputs().iter().filter(|output| output.name != "y") {
        let wanted = format!("feature/{}", output.name);
        match output.dtype.name() {
            "int64" => {
                let found = predictions.output::<i64>(&output.name).unwrap();
                assert_eq!(found.as_slice().unwrap(), recording.i64s(&wanted), "{}", output.name);
            }
            "int32" => {
                let found = predictions.output::<i32>(&output.name).unwrap();
                assert_eq!(found.as_slice().unwrap(), recording.i32s(&wanted), "{}", output.name);
            }
            "float32" => {
                let (found, wanted) = (predictions.output::<f32>(&output.name).unwrap(), recording.f32s(&wanted));
                let furthest = distance(found.iter(), &wanted, 1e-6, 1e-6);
                assert!(furthest <= 1.0, "{} is off by {furthest} x 1e-6", output.name);
            }
            other => panic!("{} is {other}", output.name),
        }
        compared += 1;
    }
    compared
}

#[test]
fn every_transform_gives_what_tensorflow_gives() {
    assert_eq!(compare("fields"), 28);
}

#[test]
fn every_layer_gives_what_keras_gives_in_the_graph_or_taken_out() {
    assert_eq!(compare("layers"), 15);
    let bundle = Bundle::open(peer().join("transforms-layers.bundle")).unwrap();
    let made = bundle.manifest().features.iter().filter(|feature| feature.transform.is_some()).count();
    assert_eq!(made, 7, "the lookups, which a graph cannot hold, and the field that was declared");
}

#[test]
fn ragged_rows_are_transformed_value_by_value() {
    assert_eq!(compare("ragged"), 3);
}

#[test]
fn hosts_see_the_record_and_the_graph_sees_the_features() {
    let bundle = Bundle::open(peer().join("transforms-running.bundle")).unwrap();
    let schema = Schema::of(bundle.manifest());
    let columns: Vec<_> = schema.columns().iter().map(|spec| (spec.name.as_str(), spec.optional)).collect();
    let mut names = columns.clone();
    names.sort_unstable();
    assert_eq!(names, [("image", false), ("label", false), ("price", false), ("seats", true), ("speed", false)]);
    assert!(schema.field("numbers").is_err());
}

fn running(recording: &Recording, trainer: &Trainer, step: usize) -> Batch {
    let mut batch = trainer.schema().batch();
    fill(recording, &mut batch, &format!("batch/{step}"));
    batch.set("label", &recording.f32s(&format!("batch/{step}/label"))).unwrap();
    batch
}

/// What the graph sees of a batch.
fn seen(trainer: &Trainer, batch: &Batch) -> Vec<f32> {
    let predictions = trainer.predict(batch).unwrap();
    ["see_numbers", "see_image"]
        .iter()
        .flat_map(|name| predictions.output::<f32>(name).unwrap().iter().copied().collect::<Vec<_>>())
        .collect()
}

#[test]
fn running_moments_are_those_of_all_rows_before() {
    let recording = Recording::open("transforms", "running");
    let trainer = recording.trainer();
    let scaled = |step: usize, name: &str, index: usize, value: f64| {
        let of = |what: &str| recording.f64s(&format!("{what}/{step}/{name}"))[index];
        let deviation = of("variance").sqrt();
        if deviation > 0.0 { ((value - of("mean")) / deviation) as f32 } else { 0.0 }
    };
    for step in 0..20 {
        let batch = running(&recording, &trainer, step);
        let column = |name: &str| recording.f32s(&format!("batch/{step}/{name}"));
        let (seats, price, speed, image) = (column("seats"), column("price"), column("speed"), column("image"));
        let mut wanted = Vec::new();
        for row in 0..seats.len() {
            let seats = if seats[row].is_nan() { 100.0 } else { f64::from(seats[row]) };
            wanted.extend([scaled(step, "seats", 0, seats), scaled(step, "price", 0, f64::from(price[row]).ln()), speed[row]]);
        }
        wanted.extend(image.iter().enumerate().map(|(at, value)| scaled(step, "image", at % 4, f64::from(*value))));
        let furthest = distance(&seen(&trainer, &batch), &wanted, 1e-6, 1e-6);
        assert!(furthest <= 1.0, "step {step}: off by {furthest} x 1e-6");
        // The step sees its rows by the moments before it, too, and takes them in at its end.
        let report = trainer.step(&batch).unwrap();
        let shown = report.predictions().output::<f32>("see_image").unwrap();
        assert_eq!(shown.as_slice().unwrap(), &seen_at(&wanted, image.len())[..], "step {step}");
    }
    let parameters = trainer.parameters().unwrap();
    let moments = parameters.array::<f64>("numbers/seats/moments").unwrap();
    let rows: usize = (0..20).map(|step| recording.f32s(&format!("batch/{step}/seats")).len()).sum();
    assert_eq!((moments.shape(), moments[[0, 0]]), (&[3, 1][..], rows as f64));
}

fn seen_at(wanted: &[f32], count: usize) -> Vec<f32> {
    wanted[wanted.len() - count..].to_vec()
}

#[test]
fn a_run_goes_on_with_the_bits_of_its_moments() {
    let recording = Recording::open("transforms", "running");
    let whole = recording.trainer();
    let folder = tempfile::tempdir().unwrap();
    let resumed = || builder(&recording.bundle).store(FolderStore::open(folder.path()).unwrap()).open().unwrap();
    let mut part = resumed();
    let restored = recording.trainer();
    for step in 0..12 {
        let batch = running(&recording, &whole, step);
        whole.step(&batch).unwrap();
        part.step(&batch).unwrap();
        restored.step(&batch).unwrap();
        if step % 4 == 3 {
            part.save().unwrap();
            drop(part);
            part = resumed();
        }
    }
    let batch = running(&recording, &whole, 12);
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(seen(&whole, &batch)), bits(seen(&part, &batch)));
    let moments = |trainer: &Trainer, name: &str| trainer.parameters().unwrap().bytes(name).unwrap().to_vec();
    for name in ["numbers/seats/moments", "numbers/price/moments", "image/image/moments"] {
        assert_eq!(moments(&whole, name), moments(&part, name), "{name}");
    }
    // What a version has seen stays with it.
    let version = restored.pin().unwrap();
    let before = restored.predict(&batch).unwrap();
    restored.step(&batch).unwrap();
    let pinned = restored.predict_at(&version, &batch).unwrap();
    let image = |predictions: &streamgrad::Predictions| predictions.output::<f32>("see_image").unwrap().to_owned();
    assert_eq!(image(&before), image(&pinned));
    assert_ne!(image(&before), image(&restored.predict(&batch).unwrap()));
}

#[test]
fn a_step_that_fails_leaves_the_moments() {
    let recording = Recording::open("transforms", "running");
    let trainer = recording.trainer();
    trainer.step(&running(&recording, &trainer, 0)).unwrap();
    let moments = |trainer: &Trainer| trainer.parameters().unwrap().bytes("numbers/seats/moments").unwrap().to_vec();
    let before = moments(&trainer);
    let mut batch = running(&recording, &trainer, 1);
    let rows = batch.rows();
    let mut price = vec![1.0_f32; rows];
    price[rows - 1] = 0.0;
    batch.set("price", &price).unwrap();
    let error = trainer.step(&batch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains(&format!("row {}: price is 0, which has no logarithm", rows - 1)), "{error}");
    batch.set("price", &vec![1.0_f32; rows]).unwrap();
    batch.set("label", &vec![f32::MAX; rows]).unwrap();
    assert_eq!(trainer.step(&batch).unwrap_err().kind(), ErrorKind::NonFinite);
    trainer.predict(&batch).unwrap();
    trainer.evaluate([&batch]).unwrap();
    assert_eq!((moments(&trainer), trainer.version().unwrap()), (before, 1));
}

#[test]
fn gradients_carry_their_rows_into_the_moments() {
    let recording = Recording::open("transforms", "running");
    let (stepped, applied) = (recording.trainer(), recording.trainer());
    for step in 0..3 {
        let batch = running(&recording, &stepped, step);
        stepped.step(&batch).unwrap();
        let gradients = applied.gradients(&batch).unwrap();
        drop(batch);
        applied.apply(&gradients).unwrap();
    }
    for name in ["numbers/seats/moments", "image/image/moments"] {
        let bits = |trainer: &Trainer| trainer.parameters().unwrap().bytes(name).unwrap().to_vec();
        assert_eq!(bits(&stepped), bits(&applied), "{name}");
    }
}

#[test]
fn threads_on_one_store_lose_no_rows() {
    let recording = Recording::open("transforms", "running");
    let trainer = recording.trainer();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (recording, trainer) = (&recording, &trainer);
            scope.spawn(move || {
                for step in (thread * 5)..(thread * 5 + 5) {
                    trainer.step(&running(recording, trainer, step)).unwrap();
                }
            });
        }
    });
    let rows: usize = (0..20).map(|step| recording.f32s(&format!("batch/{step}/seats")).len()).sum();
    let parameters = trainer.parameters().unwrap();
    assert_eq!(parameters.array::<f64>("numbers/seats/moments").unwrap()[[0, 0]], rows as f64);
}

#[test]
fn a_table_is_looked_up_by_what_was_made() {
    let trainer = builder(peer().join("transforms_table.bundle")).open().unwrap();
    let mut batch = trainer.schema().batch();
    batch.set_strings("word", &["UA", "AA", "UA"]).unwrap();
    batch.set("label", &[1.0_f32, 2.0, 3.0]).unwrap();
    trainer.step(&batch).unwrap();
    let table = trainer.table("word").unwrap();
    assert_eq!(table.rows(), 2);
    let mut pulled = streamgrad::table::Pulled::default();
    let ids = [b"UA", b"AA"].map(|word| streamgrad::table::fingerprint64(word) % 1000);
    table.read(&ids, &mut pulled).unwrap();
    assert_eq!(pulled.rows().len(), 8);
    assert!(pulled.rows().iter().any(|value| *value != 0.0), "the rows are those of the words' hashes");
}

#[test]
fn a_field_that_may_be_missing_may_be_left_out_of_a_row() {
    let trainer = Recording::open("transforms", "running").trainer();
    let mut batch = trainer.schema().batch();
    let image = [1.0_f32, 2.0, 3.0, 4.0];
    batch
        .row()
        .set("seats", 7.0)
        .unwrap()
        .set("price", 1.0)
        .unwrap()
        .set("speed", 1.0)
        .unwrap()
        .set("image", &image)
        .unwrap()
        .push()
        .unwrap();
    batch.row().set("price", 1.0).unwrap().set("speed", 1.0).unwrap().set("image", &image).unwrap().push().unwrap();
    trainer.predict(&batch).unwrap();
    let error = batch.row().set("seats", 7.0).unwrap().set("speed", 1.0).unwrap().set("image", &image).unwrap().push().unwrap_err();
    assert!(error.to_string().contains("the row lacks price"), "{error}");
    let error = batch.row().set("seats", f64::INFINITY).unwrap().set("price", 1.0).unwrap().set("speed", 1.0).unwrap();
    let error = error.set("image", &image).unwrap().push().unwrap_err();
    assert!(error.to_string().contains("seats is not finite"), "{error}");
    assert_eq!(batch.rows(), 2);
}

#[test]
fn a_gap_is_the_default_however_a_host_says_it() {
    let recording = Recording::open("transforms", "running");
    let trainer = recording.trainer();
    trainer.step(&running(&recording, &trainer, 0)).unwrap();
    let records = |seats: &str| format!("{{{seats}\"price\": 2.5, \"speed\": 1, \"image\": [1, 2, 3, 4]}}\n");
    let text: String = ["\"seats\": 100, ", "\"seats\": null, ", "", "\"seats\": 90, "].into_iter().map(records).collect();
    let mut lines = JsonLines::open(trainer.schema(), text.as_bytes()).unwrap();
    let mut batch = trainer.schema().batch();
    assert_eq!(lines.fill(&mut batch, 9).unwrap(), 4);
    let row = batch.row().set("seats", f32::NAN).unwrap().set("price", 2.5).unwrap().set("speed", 1).unwrap();
    row.set("image", &[1.0_f32, 2.0, 3.0, 4.0]).unwrap().push().unwrap();
    let predictions = trainer.predict(&batch).unwrap();
    let numbers = predictions.output::<f32>("see_numbers").unwrap();
    let rows: Vec<_> = numbers.rows().into_iter().map(|row| row.to_vec()).collect();
    for missing in [1, 2, 4] {
        assert_eq!(rows[missing], rows[0], "row {missing}");
    }
    assert_ne!(rows[3], rows[0]);
}

#[test]
fn an_integer_may_be_missing() {
    let trainer = builder(peer().join("transforms_integers.bundle")).open().unwrap();
    let text = concat!(
        "{\"gate\": 9, \"stops\": 2, \"hour\": 1, \"id\": 3}\n",
        "{\"gate\": null, \"hour\": 1}\n",
        "{\"gate\": -2147483648, \"stops\": -9223372036854775808, \"hour\": 1, \"id\": null}\n",
        "{\"gate\": 5, \"stops\": 0}\n",
    );
    let mut lines = JsonLines::open(trainer.schema(), text.as_bytes()).unwrap();
    let mut batch = trainer.schema().batch();
    assert_eq!(lines.fill(&mut batch, 9).unwrap(), 3);
    assert!(lines.refusals().kept()[0].reason.starts_with("hour is missing"), "{:?}", lines.refusals());
    batch.row().set("hour", 1).unwrap().set("gate", 9).unwrap().set("stops", 2).unwrap().push().unwrap();
    batch.row().set("hour", 1).unwrap().push().unwrap();
    let predictions = trainer.predict(&batch).unwrap();
    let answers: Vec<f32> = predictions.array::<f32>().unwrap().iter().copied().collect();
    let bucket = answers[0] - (3.0 + 200.0 + 1000.0);
    assert!((0.0..10.0).contains(&bucket), "{answers:?}");
    let missing = 2.0 + 10.0 - 100.0 + 1000.0 + bucket;
    for row in [1, 2, 4] {
        assert!((answers[row] - missing).abs() < 1e-3, "row {row} of {answers:?}");
    }
    assert!((answers[3] - answers[0]).abs() < 1e-3, "a missing id is its default: {answers:?}");

    let text = "gate,stops,hour,id\n9,2,1,3\n,,1,\n9,,1,3\n";
    let mut csv = Csv::of(trainer.schema()).open(text.as_bytes()).unwrap();
    batch.clear();
    assert_eq!(csv.fill(&mut batch, 9).unwrap(), 3);
    let predictions = trainer.predict(&batch).unwrap();
    let found: Vec<f32> = predictions.array::<f32>().unwrap().iter().copied().collect();
    assert!((found[0] - answers[0]).abs() < 1e-3 && (found[1] - answers[1]).abs() < 1e-3, "{found:?}");
    assert!((found[2] - (answers[0] - 300.0)).abs() < 1e-3, "{found:?}");
}

#[test]
fn a_value_that_cannot_be_transformed_is_refused_with_row_and_field() {
    let recording = Recording::open("transforms", "fields");
    let trainer = recording.trainer();
    let mut batch = trainer.schema().batch();
    fill(&recording, &mut batch, "record");
    let mut words = vec!["UA"; batch.rows()];
    words[3] = "??";
    batch.set_strings("word", &words).unwrap();
    let error = trainer.predict(&batch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("row 3: word is \"??\", which is not in the vocabulary"), "{error}");
}

#[test]
fn a_predictor_sees_what_the_version_saw() {
    let recording = Recording::open("transforms", "running");
    let folder = tempfile::tempdir().unwrap();
    let trainer = builder(&recording.bundle).store(FolderStore::open(folder.path()).unwrap()).open().unwrap();
    for step in 0..3 {
        trainer.step(&running(&recording, &trainer, step)).unwrap();
    }
    trainer.save().unwrap();
    let predictor = streamgrad::Predictor::builder(&recording.bundle).follow(folder.path());
    let predictor = match std::env::var_os("STREAMGRAD_TENSORFLOW") {
        Some(_) => predictor,
        None => predictor.tensorflow(common::tensorflow()),
    };
    let predictor = predictor.open().unwrap();
    let batch = running(&recording, &trainer, 3);
    let image = |predictions: streamgrad::Predictions| predictions.output::<f32>("see_image").unwrap().to_owned();
    assert_eq!(image(predictor.predict(&batch).unwrap()), image(trainer.predict(&batch).unwrap()));
}
