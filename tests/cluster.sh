#!/usr/bin/env bash
# A real standalone Flink cluster on loopback runs the same jar twice: JobManager and TaskManager are JVMs of their own,
# the job comes by `flink run`, and the second deployment gets a new class loader in the TaskManager that ran the first.
# Then the flights of the demo, undisturbed and with the TaskManager killed by SIGKILL on the way: equal bits.
#
#     tests/cluster.sh [ROWS]
#
# Needs the jars (make java), what `make demo` prepares, and .venv. Flink comes from PyPI (330 MB, once): its wheels hold the whole distribution.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
rows=${1:-200000}
version=2.3.0
work=$root/target/cluster
python=$root/.venv/bin/python
rest=http://127.0.0.1:18081

if [ ! -x "$work/pyflink/bin/flink" ]; then
    echo "cluster: fetching Flink $version from PyPI (330 MB, once)"
    mkdir -p "$work/wheels"
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
        --platform manylinux2014_x86_64 -d "$work/wheels" "apache-flink==$version" "apache-flink-libraries==$version"
    for wheel in "$work"/wheels/*.whl; do
        "$python" -m zipfile -e "$wheel" "$work"
    done
    chmod +x "$work"/pyflink/bin/*
    rm -r "$work/wheels"
fi

echo "cluster: the job's jar, with a bundle inside"
PYTHONPATH=$root/python/src "$python" "$root/java/streamgrad-flink/src/test/python/bundles.py" "$work/bundles" >"$work/export.log" 2>&1 ||
    { cat "$work/export.log" >&2; exit 1; }
"$python" - "$root/java" "$work" <<'PYTHON'
import sys
import zipfile
from pathlib import Path

java, work = map(Path, sys.argv[1:])
with zipfile.ZipFile(work / "job.jar", "w") as jar:
    for name in ("streamgrad", "streamgrad-flink"):
        with zipfile.ZipFile(java / name / "target" / f"{name}-0.1.0.jar") as part:
            for entry in part.namelist():
                if not entry.endswith("/") and not entry.startswith("META-INF"):
                    jar.writestr(entry, part.read(entry))
    classes = java / "streamgrad-flink/target/test-classes"
    job = [file for stem in ("ClusterJob", "Flight") for file in classes.glob(f"dev/streamgrad/flink/{stem}*.class")]
    assert len(job) > 1, f"the job is not compiled, run make java: {classes}"
    for file in job:
        jar.write(file, file.relative_to(classes))
    for file in (work / "bundles/flights.bundle").iterdir():
        jar.write(file, f"flights.bundle/{file.name}")
    examples = java / "examples/target"
    for classes in (examples / "classes", examples / "test-classes"):
        for file in classes.glob("dev/streamgrad/examples/flights/*.class"):
            jar.write(file, file.relative_to(classes))
    for library in (examples / "lib").glob("jackson-*.jar"):
        with zipfile.ZipFile(library) as part:
            for entry in part.namelist():
                if entry.startswith("com/") and not entry.endswith("/"):
                    jar.writestr(entry, part.read(entry))
PYTHON

export FLINK_HOME=$work/pyflink FLINK_CONF_DIR=$work/conf FLINK_LOG_DIR=$work/log FLINK_PID_DIR=$work/pid
export STREAMGRAD_TENSORFLOW=${STREAMGRAD_TENSORFLOW:-$(echo "$root"/.venv/lib/python3.*/site-packages/tensorflow/libtensorflow_cc.so.2)}
rm -rf "$FLINK_CONF_DIR" "$FLINK_LOG_DIR"
mkdir -p "$FLINK_LOG_DIR" "$FLINK_PID_DIR"
cp -r "$FLINK_HOME/conf" "$FLINK_CONF_DIR"
echo localhost >"$FLINK_CONF_DIR/workers"
echo localhost:18081 >"$FLINK_CONF_DIR/masters"
# The memory is the README's recipe for a learner.
cat >"$FLINK_CONF_DIR/config.yaml" <<YAML
env.java.opts.all: --add-exports=java.base/sun.net.util=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.net=ALL-UNNAMED --add-opens=java.base/java.io=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.util.concurrent=ALL-UNNAMED --add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED
jobmanager.rpc.address: localhost
jobmanager.rpc.port: 16123
jobmanager.bind-host: localhost
jobmanager.memory.process.size: 1g
taskmanager.host: localhost
taskmanager.bind-host: localhost
taskmanager.numberOfTaskSlots: 1
taskmanager.memory.process.size: 2752m
taskmanager.memory.task.off-heap.size: 1g
taskmanager.memory.managed.size: 0
rest.address: localhost
rest.bind-address: localhost
rest.port: 18081
pipeline.object-reuse: true
execution.checkpointing.interval: 500ms
execution.checkpointing.dir: file://$work/checkpoints
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 20
restart-strategy.fixed-delay.delay: 1s
heartbeat.interval: 1s
heartbeat.timeout: 8s
YAML

trap '"$FLINK_HOME/bin/stop-cluster.sh" >/dev/null' EXIT
"$FLINK_HOME/bin/start-cluster.sh" >"$work/start.log"
for _ in $(seq 120); do
    if curl -fs "$rest/overview" 2>/dev/null | grep -q '"slots-available":1'; then
        ready=1
        break
    fi
    sleep 0.5
done
[ -n "${ready:-}" ] || { echo "cluster: it did not start within a minute, see $FLINK_LOG_DIR" >&2; exit 1; }

taskmanager=$(cat "$FLINK_PID_DIR"/flink-*-taskexecutor.pid)
for run in 1 2; do
    "$FLINK_HOME/bin/flink" run --class dev.streamgrad.flink.ClusterJob "$work/job.jar" "$rows" >"$work/run-$run.log" 2>&1 ||
        { cat "$work/run-$run.log" >&2; exit 1; }
    for counted in scored learned; do
        grep -q "^- $counted .*: $rows\$" "$work/run-$run.log" ||
            { echo "cluster: run $run did not count $rows rows $counted:" >&2; cat "$work/run-$run.log" >&2; exit 1; }
    done
    kill -0 "$taskmanager" || { echo "cluster: the TaskManager died after run $run, see $FLINK_LOG_DIR" >&2; exit 1; }
    echo "cluster: deployment $run scored and learned $rows rows"
done
if grep -l "WARN.*task.off-heap" "$FLINK_LOG_DIR"/*.log; then
    echo "cluster: the README's memory recipe is not enough for this model" >&2
    exit 1
fi

# What the flights' job left in a folder, comparable: the committed lines in order, the parameters, the counters.
left() {
    find "$1/scored" -type f ! -name '.*' -exec cat {} + | sort
    cat "$1"/*.safetensors "$1"/*.counters
}
flights() {
    rm -rf "$work/flights-$1"
    "$FLINK_HOME/bin/flink" run --detached --class dev.streamgrad.examples.flights.FailoverJob "$work/job.jar" \
        "$root/target/demo/events.csv" "$work/flights-$1" "$root"/target/demo/{numbers,tables,days}.bundle >"$work/flights-$1.log" 2>&1 ||
        { cat "$work/flights-$1.log" >&2; exit 1; }
    job=$(sed -n 's/.*JobID \([0-9a-f]*\).*/\1/p' "$work/flights-$1.log")
}
answer() { curl -fs "$rest/jobs/$job$1" | "$python" -c "import json, sys; print(json.load(sys.stdin)$2)"; }
state() { answer "" '["state"]'; }
finish() {
    for _ in $(seq 600); do
        case $(state) in
            FINISHED) return ;;
            FAILED | CANCELED) break ;;
        esac
        sleep 0.5
    done
    echo "cluster: the flights' job did not finish, see $FLINK_LOG_DIR" >&2
    exit 1
}
flights calm
finish
flights killed
for _ in $(seq 600); do
    # Some checkpoints have completed: their lines are committed.
    [ "$(find "$work/flights-killed/scored" -type f ! -name '.*' 2>/dev/null | wc -l)" -ge 3 ] && break
    sleep 0.1
done
[ "$(state)" = RUNNING ] || { echo "cluster: the flights' job was over before its TaskManager could be killed" >&2; exit 1; }
kill -9 "$taskmanager"
"$FLINK_HOME/bin/taskmanager.sh" start >>"$work/start.log"
finish
restored=$(answer /checkpoints '["counts"]["restored"]')
[ "${restored:-0}" -ge 1 ] || { echo "cluster: nothing was restored from a checkpoint" >&2; exit 1; }
cmp <(left "$work/flights-calm") <(left "$work/flights-killed") ||
    { echo "cluster: a TaskManager killed on the way changed the outcome, see $work/flights-*" >&2; exit 1; }
echo "cluster: the flights' job restored $restored times after kill -9 of its TaskManager, with equal bits"
