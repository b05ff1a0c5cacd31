//! Charts as SVG, drawn here: a page with them needs no network.

use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 260.0;
/// Room for the numbers beside the lines.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 36.0;

/// One line of a chart.
pub(crate) struct Series {
    pub(crate) name: String,
    /// x and y; where y is not defined the line is interrupted.
    pub(crate) points: Vec<(f64, Option<f64>)>,
    /// Whether it stays in the background.
    pub(crate) faint: bool,
}

/// Lines over one axis, with marks where something happened.
pub(crate) fn lines(title: &str, axis: &str, series: &[Series], marks: &[(f64, String)]) -> String {
    let defined = || series.iter().flat_map(|series| &series.points).filter_map(|(x, y)| Some((*x, (*y)?)));
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)))
    };
    let (first, last) = range(&mut defined().map(|(x, _)| x));
    // A background that leaps must not flatten what is looked at.
    let shown = series.iter().filter(|series| !series.faint || series.points.len() < 3).flat_map(|series| &series.points);
    let (mut least, mut most) = range(&mut shown.filter_map(|(_, y)| *y));
    if !least.is_finite() || !first.is_finite() {
        return format!("<section><h2>{}</h2><p>nothing to draw</p></section>", escaped(title));
    }
    if most - least < 1e-9 * most.abs().max(1e-9) {
        (least, most) = (least - 0.5 * least.abs().max(1e-3), most + 0.5 * most.abs().max(1e-3));
    }
    let step = tick((most - least) / 5.0);
    (least, most) = ((least / step).floor() * step, (most / step).ceil() * step);
    let x = |value: f64| LEFT + (value - first) / (last - first).max(f64::MIN_POSITIVE) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - (value.clamp(least, most) - least) / (most - least) * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!("<section><h2>{}</h2>{}<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">", escaped(title), legend(series));
    let ticks = ((most - least) / step).round() as usize;
    for number in 0..=ticks {
        let value = least + number as f64 * step;
        let at = y(value);
        let _ = write!(svg, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>", WIDTH - RIGHT);
        let _ = write!(
            svg,
            "<text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            at + 4.0,
            label(value, step)
        );
    }
    let across = tick((last - first).max(f64::MIN_POSITIVE) / 6.0);
    let mut value = (first / across).ceil() * across;
    while value <= last {
        let _ = write!(
            svg,
            "<text class=\"tick\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x(value),
            HEIGHT - BOTTOM + 18.0,
            label(value, across)
        );
        value += across;
    }
    let _ = write!(
        svg,
        "<text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        WIDTH - RIGHT,
        HEIGHT - 4.0,
        escaped(axis)
    );
    for (at, what) in marks.iter().filter(|(at, _)| (first..=last).contains(at)) {
        let _ = write!(
            svg,
            "<line class=\"mark\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{TOP}\" y2=\"{1:.1}\"><title>{2}</title></line>",
            x(*at),
            HEIGHT - BOTTOM,
            escaped(what)
        );
    }
    for (number, series) in series.iter().enumerate() {
        for piece in series.points.split(|(_, y)| y.is_none()).filter(|piece| !piece.is_empty()) {
            let path: Vec<String> = piece.iter().filter_map(|(px, py)| Some(format!("{:.1},{:.1}", x(*px), y((*py)?)))).collect();
            // A point alone is a line of no length with round ends.
            let path = if path.len() == 1 { format!("{0} {0}", path[0]) } else { path.join(" ") };
            let _ = write!(svg, "<polyline class=\"line c{number}{}\" points=\"{path}\"/>", if series.faint { " faint" } else { "" });
        }
    }
    svg + "</svg></section>"
}

fn legend(series: &[Series]) -> String {
    let entry = |(number, series): (usize, &Series)| {
        let last = series.points.iter().rev().find_map(|(_, y)| *y).map_or(String::new(), |value| format!(" <b>{}</b>", short(value)));
        let faint = if series.faint { " faint" } else { "" };
        format!("<span><i class=\"key k{number}{faint}\"></i>{}{last}</span>", escaped(&series.name))
    };
    format!("<p class=\"legend\">{}</p>", series.iter().enumerate().map(entry).collect::<String>())
}

/// Versions in the order of their time, each lineage on a line of its own, with the way from one to the next.
pub(crate) fn lineage(versions: &[(String, Option<String>)]) -> String {
    let line_of = |version: &str| version.split('-').next().unwrap_or_default().to_owned();
    let mut lines: Vec<String> = Vec::new();
    for (version, _) in versions {
        if !lines.contains(&line_of(version)) {
            lines.push(line_of(version));
        }
    }
    let (row, column) = (44.0, 108.0);
    let (width, height) = (versions.len().max(1) as f64 * column + 40.0, lines.len() as f64 * row + 24.0);
    let place = |number: usize, version: &str| {
        let lane = lines.iter().position(|line| *line == line_of(version)).unwrap_or(0);
        (60.0 + number as f64 * column, 24.0 + lane as f64 * row)
    };
    let mut svg = format!("<svg class=\"lineage\" style=\"min-width:{width:.0}px\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">");
    for (number, (version, parent)) in versions.iter().enumerate() {
        let before = versions[..number].iter().rposition(|(other, _)| line_of(other) == line_of(version));
        let from = before.or_else(|| versions[..number].iter().position(|(other, _)| Some(other) == parent.as_ref()));
        let (x, y) = place(number, version);
        if let Some(from) = from {
            let (px, py) = place(from, &versions[from].0);
            let _ = write!(svg, "<path class=\"way\" d=\"M{px:.0},{py:.0} C{0:.0},{py:.0} {0:.0},{y:.0} {x:.0},{y:.0}\"/>", (px + x) / 2.0);
        }
    }
    for (number, (version, _)) in versions.iter().enumerate() {
        let (x, y) = place(number, version);
        let name = version.rsplit('-').next().unwrap_or_default();
        let _ = write!(
            svg,
            "<circle class=\"dot\" cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"5\"><title>{0}</title></circle><text class=\"tick\" text-anchor=\"middle\" x=\"{x:.0}\" y=\"{1:.0}\">{2}</text>",
            escaped(version),
            y + 19.0,
            escaped(name)
        );
    }
    svg + "</svg>"
}

/// The next of 1, 2, 5, 10, ... that is as large.
fn tick(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let part = rough / power;
    power
        * if part <= 1.0 {
            1.0
        } else if part <= 2.0 {
            2.0
        } else if part <= 5.0 {
            5.0
        } else {
            10.0
        }
}

/// A number on an axis whose numbers are this far apart.
fn label(value: f64, step: f64) -> String {
    match value.abs() {
        large if large >= 1e6 => format!("{} M", trimmed(value / 1e6, step / 1e6)),
        large if large >= 1e4 => format!("{} k", trimmed(value / 1e3, step / 1e3)),
        _ => trimmed(value, step),
    }
}

fn trimmed(value: f64, step: f64) -> String {
    let digits = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.digits$}")
}

fn short(value: f64) -> String {
    if value.abs() >= 1000.0 { crate::text::count(value.abs() as u64) } else { format!("{value:.4}") }
}

/// Text that may stand in HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!((tick(0.03), tick(0.0051), tick(7.0), tick(1.0)), (0.05, 0.01, 10.0, 1.0));
        assert_eq!((label(0.45, 0.05), label(25_000.0, 5000.0), label(2e6, 1e6)), ("0.45".into(), "25 k".into(), "2 M".into()));
    }

    #[test]
    fn what_cannot_be_drawn_is_no_error() {
        let series = |points| [Series { name: "loss <".into(), points, faint: false }];
        assert!(lines("t", "rows", &series(vec![]), &[]).contains("nothing to draw"));
        assert!(lines("t", "rows", &series(vec![(1.0, None)]), &[]).contains("nothing to draw"));
        let one = lines("t", "rows", &series(vec![(1.0, Some(0.5))]), &[(1.0, "a & b".into())]);
        assert!(one.contains("loss &lt;") && one.contains("a &amp; b") && !one.contains("NaN") && !one.contains("inf"), "{one}");
    }
}
