//! A subscriber of `tracing` that the host wrote sees what the library is at.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::sync::Mutex;
use std::time::Duration;

use common::predicting::quiet;
use common::{builder, peer};
use streamgrad::{Batch, FolderStore, Predictor};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static SPANS: Mutex<Vec<Span>> = Mutex::new(Vec::new());

thread_local! {
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

struct Span {
    name: &'static str,
    parent: Option<u64>,
    fields: String,
    closed: bool,
}

struct Host;

impl Subscriber for Host {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("streamgrad::")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        span.record(&mut fields);
        let parent = ENTERED.with_borrow(|entered| entered.last().copied());
        let mut spans = SPANS.lock().unwrap();
        spans.push(Span { name: span.metadata().name(), parent, fields: fields.0, closed: false });
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        SPANS.lock().unwrap()[id.into_u64() as usize - 1].fields += &fields.0;
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, id: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(id.into_u64()));
    }

    fn exit(&self, id: &Id) {
        assert_eq!(ENTERED.with_borrow_mut(Vec::pop), Some(id.into_u64()));
    }

    fn try_close(&self, id: Id) -> bool {
        SPANS.lock().unwrap()[id.into_u64() as usize - 1].closed = true;
        true
    }
}

#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

/// The spans since the last call, each below those that it is in: `outer/inner field=value`.
fn seen() -> Vec<String> {
    let spans = std::mem::take(&mut *SPANS.lock().unwrap());
    let path = |mut at: usize| {
        let mut path = spans[at].name.to_owned();
        while let Some(parent) = spans[at].parent {
            at = parent as usize - 1;
            path = format!("{}/{path}", spans[at].name);
        }
        path
    };
    assert!(spans.iter().all(|span| span.closed));
    (0..spans.len()).map(|at| path(at) + &spans[at].fields).collect()
}

fn fill(batch: &mut Batch, value: f32) {
    batch.set("numbers", &[value; 8]).unwrap();
    batch.set("late", &[1.0_f32, 0.0]).unwrap();
}

#[test]
fn what_takes_time_is_a_span() {
    tracing::subscriber::set_global_default(Host).unwrap();
    let (folder, bundle) = (tempfile::tempdir().unwrap(), peer().join("flights.bundle"));
    let (model, served) = (folder.path().join("model"), folder.path().join("served"));
    let store = FolderStore::builder(&model).every(Duration::ZERO).on_close(false).open().unwrap();
    let trainer = builder(&bundle).store(store).open().unwrap();
    let predictor = quiet(Predictor::builder(&bundle).follow(&model)).open().unwrap();
    let mut batch = trainer.schema().batch();
    seen();

    fill(&mut batch, 0.5);
    trainer.step(&batch).unwrap();
    assert_eq!(seen(), ["step rows=2 version=1", "step/pull", "step/run", "step/push"]);
    fill(&mut batch, 3e38);
    trainer.step(&batch).unwrap_err();
    assert_eq!(seen(), ["step rows=2", "step/pull", "step/run", "step/push"]);
    fill(&mut batch, 0.5);
    trainer.predict(&batch).unwrap();
    assert_eq!(seen(), ["predict rows=2 version=1", "predict/run"]);

    let one = trainer.save().unwrap();
    assert_eq!(seen(), [format!("save version={one}")]);
    let own = predictor.version().unwrap();
    assert_eq!(predictor.look().unwrap(), one);
    let found = seen();
    assert_eq!(found[0], format!("swap from={own} to={one}"));
    assert!(found[1..].contains(&"swap/predict/run".to_owned()), "{found:?}");

    trainer.to_saved_model(&served).unwrap();
    let found = seen();
    assert_eq!(found[0], format!("export version={one} folder={}", served.join("1").display()));
    trainer.step(&batch).unwrap();
    seen();
    let made = trainer.rollback(one).unwrap();
    assert_eq!(seen(), [format!("restore from={one} to={made}"), format!("save version={made}")]);
}
