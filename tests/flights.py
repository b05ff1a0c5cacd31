"""The demo of examples/flights: the order of its stream, that nothing leaks, and that the Flink job does what Keras does."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
FLIGHTS = ROOT / "examples" / "flights"
JAR = ROOT / "java" / "examples" / "target" / "streamgrad-examples.jar"
EVENTS = 20_000  # of the stream, about eleven days, for the job and its peer
MODELS = ("numbers", "tables", "days")  # the last is the demo's own
sys.path.insert(0, str(FLIGHTS))

import plot  # noqa: E402
import prepare  # noqa: E402

import model as definition  # noqa: E402


@pytest.fixture(scope="module")
def tables():
    """The tables as the package has them."""
    return prepare.load()


@pytest.fixture(scope="module")
def stream(tables):
    """The whole year."""
    return prepare.events(tables)


def test_each_flight_departs_once_and_lands_at_most_once(stream):
    departures, landings = stream[stream["late"].isna()], stream[stream["late"].notna()]
    assert len(departures) == 336_776
    assert len(landings) == 327_346
    assert departures["row"].tolist() == list(range(336_776))
    assert landings["row"].is_unique
    assert landings["late"].mean() == pytest.approx(0.2447, abs=5e-5)
    known = [*prepare.FEATURES, *prepare.IDS]
    assert departures[known].notna().all(axis=None)
    assert landings[known].isna().all(axis=None)


def test_ids_are_as_many_as_there_are_names(stream):
    departures = stream[stream["late"].isna()]
    counts = departures[list(prepare.IDS)].nunique()
    assert counts[["carrier", "origin", "dest", "route", "number", "originhour", "weekday"]].tolist() == [
        16, 3, 105, 224, 5725, 57, 7,
    ]  # fmt: skip
    assert counts["tailnum"] == 4043 + 1  # "none"
    assert counts[["originday", "carrierday", "destday"]].sum() == pytest.approx(37_000, rel=0.05)
    flight = departures.iloc[0]
    assert flight[list(prepare.IDS)].tolist() == [
        "UA", "EWR", "IAH", "N14228", "EWR-IAH", "UA1545", "EWR 05h", "Tue", "EWR 01-01", "UA 01-01", "IAH 01-01",
    ]  # fmt: skip


def test_events_are_in_order_and_departures_see_earlier_minutes_only(stream):
    landed = stream["late"].notna()
    order = pd.DataFrame({"minute": stream["minute"], "landed": landed, "row": stream["row"]})
    assert order.equals(order.sort_values(["minute", "landed", "row"], kind="stable"))
    departure = stream.loc[~landed].set_index("row")["minute"]
    assert (stream.loc[landed, "minute"].to_numpy() > departure[stream.loc[landed, "row"]].to_numpy()).all()


def test_a_departure_knows_nothing_of_what_comes_after_it(tables):
    known = features(prepare.departures(tables))
    hours = prepare.minutes(prepare.departures(tables)["time_hour"])
    outcomes = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]
    for cut in ("2013-01-31T23:00:00Z", "2013-06-14T15:00:00Z", "2013-11-03T11:00:00Z"):
        # What is left: the timetable up to this hour, no outcome at all, and the weather before this hour.
        past = dict(tables)
        past["flights"] = tables["flights"][tables["flights"]["time_hour"] <= cut].assign(
            **dict.fromkeys(outcomes, np.nan)
        )
        past["weather"] = tables["weather"][tables["weather"]["time_hour"] < cut]
        before = features(prepare.departures(past))
        assert len(before) == (hours <= prepare.minutes(pd.Series([cut]))[0]).sum()
        pd.testing.assert_frame_equal(before, known[: len(before)])


def features(flights):
    """All that the models see of them."""
    return pd.concat([prepare.scaled(flights), prepare.ids(flights)], axis=1)


def test_landings_are_where_the_clocks_say(tables):
    flights = prepare.departures(tables)
    zones = tables["airports"].set_index("faa")["tzone"].to_dict() | prepare.MISSING_ZONES
    landings = prepare.landings(flights).set_index("row")["landing"]
    # Some of all, and all of the two nights in which clocks change.
    nights = flights["time_hour"].str.match("2013-(03-10|11-03)T0") & flights.index.isin(landings.index)
    for row in [*landings.sample(500, random_state=1).index, *flights.index[nights]]:
        flight = flights.loc[row]
        left = datetime.fromtimestamp(int(flight["departure"]) * 60, UTC)
        zone = ZoneInfo(zones[flight["dest"]])
        clock = timedelta(
            hours=int(flight["sched_arr_time"]) // 100, minutes=int(flight["sched_arr_time"]) % 100
        )
        midnight = datetime(left.year, left.month, left.day)
        arrivals = [(midnight + timedelta(days=day) + clock).replace(tzinfo=zone) for day in (-1, 0, 1, 2)]
        arrival = next(one.astimezone(UTC) for one in arrivals if one.astimezone(UTC) >= left)
        expected = arrival + timedelta(minutes=int(flight["arr_delay"]))
        if expected < left:
            expected = left + timedelta(hours=1)
        assert int(landings[row]) * 60 == expected.timestamp(), flight


@pytest.fixture(scope="module")
def results(stream, tmp_path_factory):
    """The folder of the job's results on the first days of the year, and what it said."""
    folder = tmp_path_factory.mktemp("flights")
    stream[:EVENTS].to_csv(folder / "events.csv", index=False)
    run(sys.executable, FLIGHTS / "model.py", folder)
    bundles = [folder / f"{name}.bundle" for name in MODELS]
    said = run("java", "-jar", JAR, folder / "events.csv", folder, *bundles)
    run(sys.executable, FLIGHTS / "plot.py", folder)
    return folder, said


def run(*command):
    """What a command says; an error if it fails."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "python" / "src"))
    done = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_failures_change_no_bit_and_score_no_flight_twice(results, tmp_path):
    folder, _ = results
    target = JAR.parent
    said = run(
        "java",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
        "-cp",
        f"{target / 'test-classes'}:{JAR}:{target / 'lib'}/*",
        "dev.streamgrad.examples.flights.Failover",
        folder / "events.csv",
        tmp_path,
        6,
        2,
        *(folder / f"{name}.bundle" for name in MODELS),
    )
    assert "equal bits" in said


def read(folder):
    """The columns of predictions.csv: rows, what each model predicted, labels."""
    columns = np.genfromtxt(folder / "predictions.csv", delimiter=",", names=True)
    assert columns.dtype.names == ("row", "prediction", "label", *MODELS[:-1])
    predictions, label = plot.read(folder)
    return (
        columns["row"],
        {name: one.astype(np.float32).astype(float) for name, one in predictions.items()},
        label,
    )


def test_the_job_predicts_and_learns_as_keras_does(stream, results):
    folder, _ = results
    row, predictions, label = read(folder)
    head = stream[:EVENTS]
    landings = head[head["late"].notna()]
    assert row.tolist() == landings["row"].tolist()
    assert label.tolist() == landings["late"].tolist()
    for model in definition.models():
        expected = keras_predictions(model, head)
        difference = np.abs(predictions[model.name] - [expected[one] for one in row])
        # The last bits of a step differ, and a year of steps makes more of it, as it does between Keras and Keras.
        assert difference[:5000].max() <= 1e-5, model.name
        assert difference.max() <= 0.01, model.name


def with_dense_gradients(optimizer):
    """Keras squares what a repeated id gets one by one unless its gradient is summed before; a trainer sums."""
    import tensorflow as tf

    apply = optimizer.apply
    optimizer.apply = lambda gradients, variables=None: apply(
        [tf.convert_to_tensor(one) for one in gradients], variables
    )
    return optimizer


def keras_predictions(model, events):
    """By row, what Keras predicts at departure when it learns each 32 landings as one batch."""
    import tensorflow as tf

    model.compile(with_dense_gradients(definition.optimizer()), "binary_crossentropy", jit_compile=False)
    departures = events[events["late"].isna()].set_index("row")
    features = {"numbers": departures[list(prepare.FEATURES)].to_numpy(np.float32)}
    features |= {name: departures[name].to_numpy(str) for name in prepare.IDS}
    predictions, waiting, batch, late = {}, [], [], {}

    def inputs(rows):
        return [tf.constant(features[one.name][rows]) for one in model.inputs]

    def predict():
        if waiting:
            predictions.update(zip(waiting, model.predict_on_batch(inputs(waiting))[:, 0], strict=True))
            waiting.clear()

    for row, label in zip(events["row"], events["late"], strict=True):
        if pd.isna(label):
            waiting.append(row)
        else:
            batch.append(row)
            late[row] = label
        if len(batch) == 32:
            predict()
            model.train_on_batch(inputs(batch), np.array([[late[one]] for one in batch], np.float32))
            batch.clear()
    predict()
    return predictions


def test_the_summary_is_that_of_the_predictions(results, stream):
    folder, said = results
    row, predictions, label = read(folder)
    prediction = predictions[MODELS[-1]]
    summary = json.loads((folder / "summary.json").read_text())
    assert list(summary) == [
        "flights",
        "scored",
        "auc",
        "logloss",
        "base_rate_logloss",
        "auc_at_landing",
        "models",
        "months",
        "flights_per_second",
        "seconds",
        "versions",
    ]
    assert summary["flights"] == stream[:EVENTS]["late"].isna().sum()
    assert summary["scored"] == len(row) == sum(month["scored"] for month in summary["months"])
    assert summary["auc"] == pytest.approx(plot.auc(prediction, label), rel=1e-12)
    assert summary["logloss"] == pytest.approx(plot.logloss(prediction, label).mean(), rel=1e-12)
    assert list(summary["models"]) == list(MODELS)
    for name, one in summary["models"].items():
        assert one["auc"] == pytest.approx(plot.auc(predictions[name], label), rel=1e-12)
        assert one["logloss"] == pytest.approx(plot.logloss(predictions[name], label).mean(), rel=1e-12)
        assert one["base_rate_logloss"] == summary["base_rate_logloss"]
    assert summary["months"][0]["auc"] == pytest.approx(summary["auc"], rel=1e-12)
    assert summary["months"][11]["auc"] is None
    assert summary["base_rate_logloss"] == pytest.approx(base_rate_logloss(stream[:EVENTS]), rel=1e-12)
    assert set(summary["versions"]) == {"streamgrad", "tensorflow", "keras", "flink", "java"}
    assert f"AUC {summary['auc']:.4f}, logloss {summary['logloss']:.4f}" in said
    assert "January" in said


def base_rate_logloss(events):
    """Of a forecast that knows the landings before the flight's departure and nothing else."""
    rate, landed, late, loss = {}, 0, 0, []
    for row, label in zip(events["row"], events["late"], strict=True):
        if pd.isna(label):
            rate[row] = (late + 1) / (landed + 2)
        else:
            landed, late = landed + 1, late + int(label)
            loss.append(-np.log(rate[row] if label else 1 - rate[row]))
    return np.mean(loss)


def test_predictions_are_the_shortest_text_of_their_floats(results):
    folder, _ = results
    for line in (folder / "predictions.csv").read_text().splitlines()[1:]:
        _, prediction, _, *others = line.split(",")
        for text in (prediction, *others):
            shortest = np.format_float_scientific(np.float32(text), unique=True, trim="-")
            assert digits(text) == digits(shortest), text


def digits(number):
    """The significant digits of a number's text."""
    return number.lower().split("e")[0].replace(".", "").strip("0")


def test_parameters_and_picture_are_there(results):
    from safetensors.numpy import load_file

    folder, _ = results
    parameters = load_file(folder / "parameters.safetensors")
    initial = load_file(folder / "days.bundle" / "initial.safetensors")
    assert sorted(one.shape for one in parameters.values()) == sorted(
        [(72, 32), (32,), (32, 32), (32,), (32, 1), (1,), (20, 1), (1,)]
    )
    assert all(not np.array_equal(value, initial[name]) for name, value in parameters.items())
    assert (folder / "learning-curve.png").read_bytes().startswith(b"\x89PNG")


def test_auc_counts_a_tie_as_half():
    generator = np.random.default_rng(7)
    prediction, label = generator.integers(0, 6, 80) / 6, generator.integers(0, 2, 80).astype(float)
    difference = prediction[label == 1][:, None] - prediction[label == 0][None, :]
    assert plot.auc(prediction, label) == pytest.approx(
        ((difference > 0) + 0.5 * (difference == 0)).mean(), rel=1e-12
    )
