"""Runs every benchmark and writes `benches/results.json` and `benches/RESULTS.md`: `make bench`.

Each result is a name, a value with its unit, the goal if there is one, the versions, the date and the command that measured it.
Where a goal is missed, RESULTS.md says so; the notes below the table are kept from `benches/NOTES.md`.
"""

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "target" / "bench"
Result = dict[str, Any]


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Runs a command, shows what it is, returns what it printed."""
    print("+", *command, flush=True)
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=os.environ | (env or {}),
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout


def median(group: str, function: str, rows: int, turns: str = "turns") -> float:
    """The median over the turns of one contender, in microseconds; of the same seconds for all of a group."""
    return json.loads((BENCH / turns / f"{group}-{rows}.json").read_text())[function]


def core() -> Iterator[Result]:
    """The trainer beside the bare loop, Python beside the trainer."""
    run("cargo", "bench", "--quiet", "--bench", "step", "--", "--quiet")
    run(sys.executable, "benches/rivals.py", executable("turns"), BENCH / "rivals.json")
    rivals = json.loads((BENCH / "rivals.json").read_text())
    command = "cargo bench --bench step"
    for what in ("step", "predict"):
        for model in ("small", "middle", "large"):
            for rows in (1, 32, 256):
                ours, bare = (median(f"{what}_{model}", function, rows) for function in ("trainer", "bare"))
                case = f"{what}, {model}, batch {rows}, one thread"
                goal = "<= 1.15" if model == "large" else "<= 1.10"
                yield result(f"trainer: {case}", ours, "us", None, command)
                yield result(f"bare loop, same settings: {case}", bare, "us", None, command)
                yield result(f"trainer / bare loop, same settings: {case}", ours / bare, "x", goal, command)
    yield from default_sessions("turns", "oneDNN as TensorFlow decides on this CPU", command)
    # TensorFlow turns oneDNN on by itself where the CPU has AVX-512; its fused ops are what the trainer's settings avoid.
    switched_on = {"TF_ENABLE_ONEDNN_OPTS": "1", "TURNS": "turns-onednn"}
    cases = "^(callers-thread|defaults)/small/.*/32$"
    run("cargo", "bench", "--quiet", "--bench", "step", "--", "--quiet", cases, env=switched_on)
    yield from default_sessions(
        "turns-onednn", "oneDNN on", f"TF_ENABLE_ONEDNN_OPTS=1 {command} -- '{cases}'"
    )
    for model in ("small", "middle", "large"):
        for rival, goals in {"tf.function": (">= 12", ">= 2"), "train_on_batch": (">= 22", ">= 3")}.items():
            goal = dict(zip(("small", "middle"), goals, strict=True)).get(model)
            name = f"Python's {rival} / trainer: step, {model}, batch 32, one thread"
            yield result(name, rivals[model][rival], "x", goal, "python benches/rivals.py")


def default_sessions(turns: str, one_dnn: str, command: str) -> Iterator[Result]:
    """The trainer beside bare loops with TensorFlow's default graph options."""
    sessions = {
        "callers-thread": "ops in the caller's thread",
        "defaults": "ops in TensorFlow's own pool",
    }
    for group, session in sessions.items():
        ours, bare = (median(f"{group}_small", who, 32, turns) for who in ("trainer", f"bare-{group}"))
        name = f"trainer / bare loop, default graph options, {session}, {one_dnn}: step, small, batch 32"
        yield result(name, ours / bare, "x", "<= 0.75", command)


def printed(bench: str, env: dict[str, str] | None = None, features: str = "") -> Iterator[Result]:
    """What a benchmark of the crate prints by itself."""
    chosen = ["--features", features] if features else []
    variables = (f"{name}={value}" for name, value in (env or {}).items())
    command = " ".join([*variables, f"cargo bench --bench {bench}", *chosen])
    for line in run("cargo", "bench", "--quiet", "--bench", bench, *chosen, env=env).splitlines():
        if line.startswith("{"):
            yield result(**json.loads(line), command=command)


def codecs(features: str = "parquet") -> Iterator[Result]:
    """Decoders beside the bare walk of the same bytes, and beside Python's readers of the same files."""
    yield from printed("codec", features=features)
    run(sys.executable, "benches/codec_rivals.py", executable("codec", features), BENCH / "codecs.json")
    for rival, ratio in json.loads((BENCH / "codecs.json").read_text()).items():
        goal = ">= 1" if "parse_example" in rival else ">= 0.7"
        name = f"Python's {rival} / a decoder into a batch: a file of 20,000 records of 12 fields, one thread"
        yield result(name, ratio, "x", goal, "python benches/codec_rivals.py")


def codecs_alone() -> Iterator[Result]:
    """Those that need neither Arrow nor Parquet, which are most of a build."""
    yield from codecs("")


def threads() -> Iterator[Result]:
    """Two threads, two processes."""
    yield from printed("threads")


def optimizer() -> Iterator[Result]:
    """A step of every rule beside a copy of as many bytes."""
    yield from printed("optimizer")


def guard() -> Iterator[Result]:
    """A step that a guard watches beside one that none does."""
    yield from printed("guard")


def tables() -> Iterator[Result]:
    """Embedding tables beside a bare walk over a map of the same rows."""
    for rows in (1_000_000, 20_000_000):
        yield from printed("table", {"TABLE_ROWS": str(rows)})
    yield from printed("table_snapshot")


def clicks() -> Iterator[Result]:
    """A whole step of a wide and deep on ids beside Python with dense embeddings."""
    run(sys.executable, "benches/click_rivals.py", executable("turns"), BENCH / "clicks.json")
    for law, rivals in json.loads((BENCH / "clicks.json").read_text()).items():
        for rival, ratio in rivals.items():
            name = (
                f"Python's {rival} / trainer: step, wide and deep on 26 ids, 1 M rows in the tables, batch 512, "
                f"{'a power law of ids' if law == 'power' else 'ids drawn evenly'}, one thread"
            )
            goal = None if "by hand" in rival else ">= 5"
            yield result(name, ratio, "x", goal, "python benches/click_rivals.py")


def snapshots() -> Iterator[Result]:
    """Writing a snapshot, steps meanwhile, opening one."""
    yield from printed("snapshot")


def swap() -> Iterator[Result]:
    """Predictions while versions are swapped."""
    yield from printed("swap")


def observe() -> Iterator[Result]:
    """Steps of a trainer that is watched beside one that is not."""
    yield from printed("observe")


def java() -> Iterator[Result]:
    """JMH, whose iterations take turns with Rust's."""
    jar = ROOT / "java" / "benchmarks" / "target" / "benchmarks.jar"
    bundles = [BENCH / f"{model}.bundle" for model in ("small", "middle", "large")]
    out = BENCH / "jmh.json"
    run("java", "-jar", jar, out, executable("turns"), *bundles)
    command = "java -jar benchmarks.jar"
    for entry in json.loads(out.read_text()):
        what, rows = entry["benchmark"].rsplit(".", 1)[1], int(entry["params"]["rows"])
        model = Path(entry["params"]["bundle"]).stem
        ours, rust = (
            statistics.median(metric["rawData"][0])
            for metric in (entry["primaryMetric"], entry["secondaryMetrics"]["rustMicros"])
        )
        case = f"{what}, {model}, batch {rows}, one thread"
        yield result(f"Java trainer: {case}", ours, "us", None, command)
        yield result(f"Rust trainer, in turns with Java: {case}", rust, "us", None, command)
        yield result(f"Java trainer - 1.05 x Rust trainer: {case}", ours - 1.05 * rust, "us", "<= 1", command)


def executable(bench: str, features: str = "") -> str:
    """Builds a benchmark of the crate; returns its program."""
    chosen = ["--features", features] if features else []
    told = run("cargo", "bench", "--quiet", "--no-run", "--bench", bench, *chosen, "--message-format", "json")
    artifacts = [json.loads(line) for line in told.splitlines()]
    return next(entry["executable"] for entry in artifacts if entry.get("target", {}).get("name") == bench)


def flink() -> Iterator[Result]:
    """A job that learns beside one that does not; how long a record waits; how long a checkpoint holds the stream up."""
    module = ROOT / "java" / "streamgrad-flink" / "target"
    class_path = f"{module}/test-classes:{module}/classes:{(module / 'classpath').read_text()}"
    mains = {
        "bench.JobThroughput": [BENCH / "small.bundle"],
        "bench.EmissionLatency": [BENCH / "small.bundle"],
        "CheckpointHold": [BENCH / "hundred.bundle", BENCH],
    }
    for main, arguments in mains.items():
        name = f"dev.streamgrad.flink.{main}"
        printed = run("java", name, *arguments, env={"CLASSPATH": class_path})
        for line in printed.splitlines():
            if line.startswith("{"):
                yield result(**json.loads(line), command=name)


def result(name: str, value: float, unit: str, goal: str | None, command: str) -> Result:
    """One line of results.json."""
    return {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "goal": goal,
        "versions": VERSIONS,
        "date": datetime.date.today().isoformat(),
        "command": command,
    }


def versions() -> dict[str, str]:
    """What the figures were measured with."""
    ask = "import tensorflow as t, keras as k; print(t.__version__, k.__version__)"
    tensorflow, keras = run(sys.executable, "-c", ask).split()
    rust = run("rustc", "--version").split()[1]
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "",
    )
    commit = run("git", "rev-parse", "--short", "HEAD").strip()
    return {
        "streamgrad": commit, "tensorflow": tensorflow, "keras": keras, "rust": rust,
        "python": platform.python_version(), "cpu": f"{cpu}, {os.cpu_count()} cores",
    }  # fmt: skip


def met(entry: Result) -> str:
    """Whether the goal is reached."""
    if entry["goal"] is None:
        return ""
    sign, bound = entry["goal"].split()
    reached = entry["value"] <= float(bound) if sign == "<=" else entry["value"] >= float(bound)
    return "yes" if reached else "**no**"


def table(results: list[Result]) -> str:
    """RESULTS.md."""
    lines = [
        f"| {r['name']} | {r['value']:.4g} {r['unit']} | {r['goal'] or ''} | {met(r)} |" for r in results
    ]
    about = ", ".join(f"{name} {version}" for name, version in VERSIONS.items())
    notes = ROOT / "benches" / "NOTES.md"
    return "\n".join([
        "# What was measured", "",
        f"{results[0]['date']}, {about}. Made by `make bench`; the same figures with their commands are in `results.json`.",
        "Ratios are of medians from one run; small, middle, large are MLPs 13-32-32-3, 784-256-128-10, 1024-4096-4096-10, 100 MB is 1024-4096-5120-10.", "",
        "| | measured | goal | reached |", "|---|---|---|---|", *lines, "",
        notes.read_text() if notes.exists() else "",
    ])  # fmt: skip


def main() -> None:
    """All of it, or the parts that are named."""
    parts = {
        "core": core,
        "codec": codecs,
        "codec-alone": codecs_alone,
        "threads": threads,
        "optimizer": optimizer,
        "guard": guard,
        "table": tables,
        "clicks": clicks,
        "snapshots": snapshots,
        "swap": swap,
        "observe": observe,
        "java": java,
        "flink": flink,
    }
    wanted = sys.argv[1:] or [part for part in parts if part != "codec-alone"]
    run(sys.executable, "benches/bundles.py", BENCH)
    path = ROOT / "benches" / "results.json"
    known = (
        {entry["name"]: entry for entry in json.loads(path.read_text())}
        if path.exists() and sys.argv[1:]
        else {}
    )
    for part in wanted:
        known.update({entry["name"]: entry for entry in parts[part]()})
    results = list(known.values())
    path.write_text(json.dumps(results, indent=1) + "\n")
    (ROOT / "benches" / "RESULTS.md").write_text(table(results))
    missed = [entry["name"] for entry in results if met(entry) == "**no**"]
    print(f"{len(results)} figures in benches/RESULTS.md, {len(missed)} goals missed", *missed, sep="\n  ")


VERSIONS = versions()

if __name__ == "__main__":
    main()
