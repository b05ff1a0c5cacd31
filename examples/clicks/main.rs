//! Learns ten million clicks as they come, whose users, items and sessions nobody listed beforehand: `make clicks`.
//!
//! Each batch is predicted first and learned afterwards. Rows are made for ids that come back and given up for those that do not, so
//! that the tables stop growing while new ids keep coming.
//!
//!     cargo run --release --example clicks -- target/clicks.bundle [CLICKS]

mod stream;

use std::error::Error;
use std::time::Instant;

use stream::Clicks;
use streamgrad::Trainer;

const BATCH: usize = 512;
/// Clicks between two lines, and in the metrics' window.
const WINDOW: usize = 500_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let bundle = arguments.next().ok_or("usage: clicks BUNDLE [CLICKS]; make clicks prepares the bundle")?;
    let total = arguments.next().map_or(Ok(10_000_000), |clicks| clicks.parse())?;

    let trainer = Trainer::builder(bundle).metrics_window(WINDOW).open()?;
    let tables = [trainer.table("rows")?, trainer.table("weights")?];
    let (mut clicks, mut batch) = (Clicks::new(2026), trainer.schema().batch_with_capacity(BATCH));
    let (mut ids, mut labels) = (Vec::new(), Vec::new());
    let (mut learned, mut said, mut since, mut best) = (0, 0, Instant::now(), 0.0);

    println!("    clicks     clicks/s    AUC   logloss   best possible      rows   bytes a row and weight        MB");
    while learned < total {
        ids.clear();
        labels.clear();
        for click in clicks.by_ref().take(BATCH.min(total - learned)) {
            ids.extend(click.ids);
            labels.push(f32::from(u8::from(click.clicked)));
            best -= click.probability * click.probability.ln() + (1.0 - click.probability) * (-click.probability).ln_1p();
        }
        batch.clear();
        batch.set("ids", &ids)?;
        batch.set("clicked", &labels)?;
        let report = trainer.step(&batch)?;
        learned += report.rows();

        if learned - said >= WINDOW || learned == total {
            let of_window = |name| report.metrics().window(name).unwrap_or(f64::NAN);
            let (rows, bytes) = (tables[0].rows(), tables.iter().map(|table| table.bytes()).sum::<usize>());
            let clicks = (learned - said) as f64;
            println!(
                "{learned:>10} {:>12.0}  {:.4}    {:.4}          {:.4} {rows:>9} {:>24.0} {:>9.1}",
                clicks / since.elapsed().as_secs_f64(),
                of_window("auc"),
                of_window("loss"),
                best / clicks,
                bytes as f64 / rows as f64,
                bytes as f64 / 1e6,
            );
            (said, since, best) = (learned, Instant::now(), 0.0);
        }
    }
    Ok(())
}
