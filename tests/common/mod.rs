//! What the integration tests share: the peer's recordings, and the TensorFlow to run them with.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(unreachable_pub, reason = "a module of test programs, which nothing reaches from outside")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

pub mod disk;
pub mod observed;
pub mod optimizing;
pub mod predicting;
pub mod records;
pub mod served;
pub mod store;
pub mod tables;

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use streamgrad::trainer::TrainerBuilder;
use streamgrad::{Batch, Trainer};

/// The optimizers of the recordings.
pub const OPTIMIZERS: [&str; 3] = ["sgd", "adagrad", "adam"];
/// The models of the recordings.
pub const MODELS: [&str; 6] = ["mlp", "cnn", "wide_deep", "attention", "gru", "regularized"];

/// The folder that `make peer` fills.
pub fn peer() -> PathBuf {
    std::env::var_os("STREAMGRAD_PEER").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peer"), PathBuf::from)
}

/// A trainer of a recorded bundle, with the TensorFlow of `.venv` unless the environment names another.
pub fn builder(bundle: impl AsRef<Path>) -> TrainerBuilder {
    let builder = Trainer::builder(bundle);
    match std::env::var_os("STREAMGRAD_TENSORFLOW") {
        Some(_) => builder,
        None => builder.tensorflow(tensorflow()),
    }
}

/// The folder of TensorFlow's library.
pub fn tensorflow() -> PathBuf {
    if let Some(path) = std::env::var_os("STREAMGRAD_TENSORFLOW") {
        return path.into();
    }
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/lib");
    let pythons = fs::read_dir(&lib).expect("no .venv; run `make .venv`");
    pythons.map(|entry| entry.unwrap().path().join("site-packages/tensorflow")).find(|path| path.is_dir()).expect("no TensorFlow in .venv")
}

/// What Keras did with one model and one optimizer: ten batches, and what came of them.
pub struct Recording {
    pub bundle: PathBuf,
    file: Vec<u8>,
    places: HashMap<String, Range<usize>>,
}

impl Recording {
    pub fn open(model: &str, optimizer: &str) -> Self {
        let name = format!("{model}-{optimizer}");
        let path = peer().join(format!("{name}.safetensors"));
        let file = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `make peer`", path.display()));
        let tensors = SafeTensors::deserialize(&file).unwrap();
        let place =
            |data: &[u8]| data.as_ptr() as usize - file.as_ptr() as usize..data.as_ptr() as usize - file.as_ptr() as usize + data.len();
        let places = tensors.iter().map(|(name, tensor)| (name.to_owned(), place(tensor.data()))).collect();
        Self { bundle: peer().join(format!("{name}.bundle")), places, file }
    }

    pub fn trainer(&self) -> Trainer {
        builder(&self.bundle).open().unwrap()
    }

    pub fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    pub fn f32s(&self, name: &str) -> Vec<f32> {
        self.read(name, f32::from_le_bytes)
    }

    pub fn f64s(&self, name: &str) -> Vec<f64> {
        self.read(name, f64::from_le_bytes)
    }

    pub fn u64s(&self, name: &str) -> Vec<u64> {
        self.read(name, u64::from_le_bytes)
    }

    pub fn i64s(&self, name: &str) -> Vec<i64> {
        self.read(name, i64::from_le_bytes)
    }

    pub fn i32s(&self, name: &str) -> Vec<i32> {
        self.read(name, i32::from_le_bytes)
    }

    pub fn u8s(&self, name: &str) -> Vec<u8> {
        self.read(name, u8::from_le_bytes)
    }

    fn read<T, const N: usize>(&self, name: &str, element: fn([u8; N]) -> T) -> Vec<T> {
        let place = self.places.get(name).unwrap_or_else(|| panic!("the recording lacks {name}"));
        self.file[place.clone()].chunks_exact(N).map(|bytes| element(bytes.try_into().unwrap())).collect()
    }

    pub fn loss(&self, step: usize) -> f32 {
        self.f32s(&format!("loss/{step}"))[0]
    }

    /// Fills a batch with the recorded one.
    pub fn fill(&self, batch: &mut Batch, step: usize) {
        batch.clear();
        let schema = batch.schema().clone();
        for column in schema.columns() {
            let name = format!("batch/{step}/{}", column.name);
            if column.ragged {
                let lengths: Vec<_> =
                    self.read(&format!("{name}/lengths"), i64::from_le_bytes).into_iter().map(|length| length as usize).collect();
                batch.set_ragged(&column.name, &self.read(&name, i64::from_le_bytes), &lengths).unwrap();
                continue;
            }
            match column.dtype.name() {
                "float32" => batch.set(&column.name, &self.f32s(&name)),
                "int32" => batch.set(&column.name, &self.read(&name, i32::from_le_bytes)),
                "int64" => batch.set(&column.name, &self.read(&name, i64::from_le_bytes)),
                "string" => {
                    let bytes = self.read(&format!("{name}/bytes"), u8::from_le_bytes);
                    let offsets = self.read(&format!("{name}/offsets"), i64::from_le_bytes);
                    let strings: Vec<_> = offsets.windows(2).map(|pair| &bytes[pair[0] as usize..pair[1] as usize]).collect();
                    batch.set_strings(&column.name, &strings)
                }
                other => panic!("no recording holds {other}"),
            }
            .unwrap();
        }
    }

    /// The first recorded batch.
    pub fn batch(&self, trainer: &Trainer) -> Batch {
        let mut batch = trainer.schema().batch();
        self.fill(&mut batch, 0);
        batch
    }
}

/// The largest difference, in units of `absolute + relative * |wanted|`.
pub fn distance<'a>(found: impl IntoIterator<Item = &'a f32>, wanted: &[f32], relative: f32, absolute: f32) -> f32 {
    let found: Vec<f32> = found.into_iter().copied().collect();
    assert_eq!(found.len(), wanted.len());
    found.iter().zip(wanted).map(|(found, wanted)| (found - wanted).abs() / (absolute + relative * wanted.abs())).fold(0.0, f32::max)
}

/// KiB of this process in memory.
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
