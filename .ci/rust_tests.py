"""Builds and runs the tests of Rust as `cargo test` does, with its options, but two programs at a time.

A program that waits for a disk, a child or its last test leaves a core idle, and there are sixty of them. What one says
comes when it has ended, in one piece; the first that fails ends all.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CARGO = [os.environ.get("CARGO", "cargo"), "test", "--quiet", "--locked", *sys.argv[1:]]


def programs() -> dict[str, str]:
    """The path of each test program by the option of cargo that selects it; those of the library and the command first."""
    command = [*CARGO, "--no-run", "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode != 0:
        sys.exit(built.returncode)
    found = {}
    for message in map(json.loads, built.stdout.splitlines()):
        if message.get("executable") and message["profile"]["test"]:
            kind, name = message["target"]["kind"][0], message["target"]["name"]
            option = f"--{kind} {name}" if kind in ("bin", "test", "example", "bench") else "--lib"
            found[option] = message["executable"]
    return dict(sorted(found.items(), key=lambda one: (one[0].startswith("--test"), one[0])))


def run(program: str) -> subprocess.CompletedProcess:
    """Where cargo runs it, and with what it says in one piece."""
    command = [program, "--quiet"]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def main() -> None:
    """The programs, then the examples of the documentation, which cargo itself runs."""
    with ThreadPoolExecutor(2) as pool:
        running = {pool.submit(run, program): option for option, program in programs().items()}
        for one in as_completed(running):
            done = one.result()
            sys.stdout.buffer.write(done.stdout)
            sys.stdout.flush()
            if done.returncode != 0:
                pool.shutdown(cancel_futures=True)
                sys.exit(
                    f"test failed ({done.returncode}), to run it again: {' '.join(CARGO)} {running[one]}"
                )
    if not running:
        sys.exit("cargo names no test program")
    sys.exit(subprocess.run([*CARGO, "--doc"], cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
