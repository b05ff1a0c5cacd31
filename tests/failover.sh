#!/usr/bin/env bash
# The demo's job on the whole year with an exactly-once sink: undisturbed, and twice with 20 failures and 4 TaskManagers
# terminated, with aligned and with unaligned checkpoints. Parameters, counters, metrics and committed predictions are equal bit for bit.
#
#     tests/failover.sh [FAILURES] [KILLS]
#
# Needs what `make demo` prepares.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
java=java/examples/target
java -Dorg.slf4j.simpleLogger.defaultLogLevel=off -cp "$java/test-classes:$java/streamgrad-examples.jar:$java/lib/*" \
    dev.streamgrad.examples.flights.Failover target/demo/events.csv "$work" "${1:-20}" "${2:-4}" target/demo/{numbers,tables,days}.bundle
