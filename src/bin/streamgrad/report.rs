//! `streamgrad report`.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;
use serde_json::json;

use crate::answer::{Answer, Outcome};
use crate::chart::{self, Series, escaped};
use crate::run::{Point, Run, whole};
use crate::text;

/// Writes one HTML file that needs no network: learning curve, metrics, throughput, what was refused or quarantined, versions.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What `streamgrad train --report` wrote
    run: PathBuf,
    /// The HTML file; else the same name with .html
    #[arg(long, value_name = "OUT.html")]
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let run = Run::read(&arguments.run)?;
    let out = arguments.out.clone().unwrap_or_else(|| arguments.run.with_extension("html"));
    whole(&out, &page(&run))?;
    Ok(Answer::new(out.display().to_string(), json!({"report": out, "points": run.points.len(), "events": run.events.len()})))
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2430;--dim:#667085;--line:#e3e6ea;--paper:#fff;--a:#1f6feb;--b:#d1680c;--c:#1a8754;--mark:#c2334d}\
@media(prefers-color-scheme:dark){:root{--ink:#e7eaee;--dim:#98a2b3;--line:#2c333c;--paper:#14181d;--a:#6ea8fe;--b:#f0a04b;--c:#58c48f;--mark:#f0738a}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:900px;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .2rem}.dim,.legend,.tick{color:var(--dim)}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}td,th{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}\
th{font-weight:600;color:var(--dim)}.n{text-align:right}code{font-size:.9em;overflow-wrap:anywhere}.scroll{overflow-x:auto}\
svg{width:100%;height:auto}.tick{font-size:11px;fill:var(--dim)}.grid{stroke:var(--line)}.mark{stroke:var(--mark);stroke-dasharray:2 3}\
.line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}.faint{opacity:.35;stroke-width:1}\
.c0{stroke:var(--a)}.c1{stroke:var(--b)}.c2{stroke:var(--c)}.k0{background:var(--a)}.k1{background:var(--b)}.k2{background:var(--c)}\
.legend span{margin-right:1.2rem}.key{display:inline-block;width:.8rem;height:.2rem;margin-right:.4rem;vertical-align:middle}\
.way{fill:none;stroke:var(--dim)}.dot{fill:var(--a)}";

fn page(run: &Run) -> String {
    let started = SystemTime::UNIX_EPOCH + Duration::from_millis(run.started);
    let title = format!("{}: {} rows", run.bundle, text::count(run.rows));
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title><style>{STYLE}</style><h1>{0}</h1><p class=\"dim\">{1} UTC, {2}, {3}</p>",
        escaped(&title),
        text::moment(started),
        text::duration(Duration::from_secs_f64(run.seconds.max(0.0))),
        escaped(&run.ended)
    );
    html += &facts(run);
    let marks: Vec<(f64, String)> = run
        .events
        .iter()
        .filter(|event| event.kind != "saved")
        .map(|event| (event.rows as f64, format!("{}: {}", event.kind, event.text)))
        .collect();
    let over = |name: &str, faint: bool, value: &dyn Fn(&Point) -> Option<f64>| Series {
        name: name.to_owned(),
        points: run.points.iter().map(|point| (point.rows as f64, value(point))).collect(),
        faint,
    };
    let total = |name: &str| over("all rows", false, &|point| point.metrics.get(name)?.0);
    let window = |name: &str| over("window", false, &|point| point.metrics.get(name)?.1);
    let since = over("since the last point", true, &|point| point.since_last);
    html += &chart::lines("Learning curve: loss before learning", "rows", &[total("loss"), window("loss"), since], &marks);
    for name in run.metrics.keys().filter(|name| *name != "loss") {
        html += &chart::lines(name, "rows", &[total(name), window(name)], &marks);
    }
    html += &chart::lines("Rows per second", "rows", &[smoothed(run)], &marks);
    if run.points.windows(2).any(|pair| pair[0].learning_rate.to_bits() != pair[1].learning_rate.to_bits()) {
        html += &chart::lines("Learning rate", "rows", &[over("learning rate", false, &|point| Some(point.learning_rate.into()))], &marks);
    }
    html += &events(run);
    html += &versions(run);
    html + "</html>\n"
}

/// The rate over a few points at a time: single steps are too short to be timed alone.
fn smoothed(run: &Run) -> Series {
    let width = (run.points.len() / 60).max(1);
    let mut points = Vec::new();
    let mut before = (0, 0.0);
    for piece in run.points.chunks(width) {
        let Some(last) = piece.last() else { continue };
        let rate = (last.rows - before.0) as f64 / (last.seconds - before.1);
        points.push((last.rows as f64, Some(rate).filter(|rate| rate.is_finite())));
        before = (last.rows, last.seconds);
    }
    Series { name: "rows/s".into(), points, faint: false }
}

fn facts(run: &Run) -> String {
    let row = |name: &str, what: String| format!("<tr><th>{name}</th><td>{}</td></tr>", escaped(&what));
    let mut html = "<table>".to_owned();
    html += &row("bundle", format!("{} {}", run.bundle, run.identity));
    html += &row("data", run.data.join(" "));
    html += &row("version", run.version.clone());
    html += &run.store.as_ref().map_or(String::new(), |store| row("store", store.clone()));
    html += &run.tensorboard.as_ref().map_or(String::new(), |folder| row("TensorBoard", folder.clone()));
    html += &row("steps", text::count(run.steps));
    if run.skipped > 0 {
        html += &row("passed over", format!("{} rows learned before", text::count(run.skipped)));
    }
    html += &row("refused", format!("{} records", text::count(run.refused)));
    html += &row("quarantined", format!("{} rows", text::count(run.quarantined)));
    for (name, (total, window)) in &run.metrics {
        let shown = |value: &Option<f64>| text::value(value.unwrap_or(f64::NAN));
        html += &row(name, format!("{} over all rows, {} over the window", shown(total), shown(window)));
    }
    html + "</table>"
}

fn events(run: &Run) -> String {
    let told: Vec<_> = run.events.iter().filter(|event| event.kind != "saved").collect();
    let mut html = "<section><h2>What happened beside learning</h2>".to_owned();
    if told.is_empty() {
        return html + "<p class=\"dim\">nothing</p></section>";
    }
    html += "<div class=\"scroll\"><table><tr><th class=\"n\">rows</th><th class=\"n\">after</th><th>what</th><th>why</th></tr>";
    for event in told {
        let after = text::duration(Duration::from_secs_f64(event.seconds.max(0.0)));
        html += &format!(
            "<tr><td class=\"n\">{}</td><td class=\"n\">{after}</td><td>{}</td><td>{}</td></tr>",
            text::count(event.rows),
            escaped(&event.kind),
            escaped(&event.text)
        );
    }
    html += "</table></div>";
    if run.refused > run.refusals.len() as u64 {
        html += &format!("<p class=\"dim\">the first {} of {} refused records are shown</p>", run.refusals.len(), text::count(run.refused));
    }
    html + "</section>"
}

fn versions(run: &Run) -> String {
    if run.versions.is_empty() {
        return "<section><h2>Versions</h2><p class=\"dim\">none: there was no store</p></section>".into();
    }
    let names: Vec<(String, Option<String>)> = run.versions.iter().map(|saved| (saved.version.clone(), saved.parent.clone())).collect();
    let mut html = format!("<section><h2>Versions</h2><div class=\"scroll\">{}</div><div class=\"scroll\"><table>", chart::lineage(&names));
    html += "<tr><th>version</th><th>taken (UTC)</th><th class=\"n\">size</th><th>from</th></tr>";
    for saved in &run.versions {
        let taken = text::moment(SystemTime::UNIX_EPOCH + Duration::from_millis(saved.time));
        let from = saved.parent.as_ref().or(saved.base.as_ref()).map_or("", String::as_str);
        html += &format!(
            "<tr><td><code>{}</code></td><td>{taken}</td><td class=\"n\">{}</td><td><code>{}</code></td></tr>",
            escaped(&saved.version),
            text::bytes(saved.bytes),
            escaped(from)
        );
    }
    html + "</table></div></section>"
}
