#!/usr/bin/env bash
# What `make package` made, tried as its users would: nothing of this clone is used but examples, and Keras' numbers.
# Needs `make package` and `make peer`; STREAMGRAD_TENSORFLOW, or the wheel in .venv.
set -euo pipefail
cd "$(dirname "$0")/.."

package=$PWD/target/package
peer=$PWD/target/peer
venv=$PWD/.venv
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
STREAMGRAD_TENSORFLOW=${STREAMGRAD_TENSORFLOW:-$(echo "$venv"/lib/python3.*/site-packages/tensorflow/libtensorflow_cc.so.2)}
export STREAMGRAD_TENSORFLOW TF_CPP_MIN_LOG_LEVEL=3
unset PYTHONPATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
say() {
    echo "packages: $*"
    passed=$((passed + 1))
}
fail() {
    echo "packages: $*" >&2
    exit 1
}

# No symbol of a newer glibc.
check_glibc() { # file, whose it is
    newest=$(objdump -T "$1" | grep -oE 'GLIBC_[0-9.]+' | sed 's/GLIBC_//' | sort -uV | tail -n 1)
    [ "$(printf '%s\n2.28\n' "$newest" | sort -V | tail -n 1)" = 2.28 ] || fail "$2: needs glibc $newest"
}

# What the C ABI promises of the library: its name, and that it stays loaded.
check_library() { # file, whose it is
    check_glibc "$1" "$2"
    readelf -d "$1" >"$work/dynamic"
    grep -q 'SONAME.*libstreamgrad\.so\.1\]' "$work/dynamic" || fail "$2: has another soname"
    grep -q 'NODELETE' "$work/dynamic" || fail "$2: can be unloaded"
    say "$2: needs glibc $newest, has its name, stays loaded"
}

tar -C "$work" -xzf "$package/streamgrad-$version-linux-x86_64.tar.gz"
prefix=$work/moved
mv "$work/streamgrad-$version-linux-x86_64" "$prefix"
for file in README.md LICENSE THIRD-PARTY.txt docs/packages.md include/streamgrad.h lib/libstreamgrad.a; do
    [ -s "$prefix/$file" ] || fail "the archive lacks $file"
done
check_library "$prefix/lib/libstreamgrad.so" "the archive's library"
check_glibc "$prefix/bin/streamgrad" "the archive's command"
[ "$("$prefix/bin/streamgrad" --version)" = "streamgrad $version" ] || fail "the command says another version"
say "the archive's command: needs glibc $newest, says its version"
for crate in arrow-ipc parquet clap; do
    grep -q "^$crate " "$prefix/THIRD-PARTY.txt" || fail "the archive lacks the licence of $crate"
done

# A C program by pkg-config, with either library, and by CMake.
runs() { # program, what it was built by
    LD_LIBRARY_PATH=${3-} "$1" "$peer/flights.bundle" >"$work/output" || fail "$2: the program fails"
    diff "$work/output" examples/c/flights.expected || fail "$2: the program prints something else"
    say "$2: a C program builds and learns"
}
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
[ "$(pkg-config --modversion streamgrad)" = "$version" ] || fail "pkg-config says another version"
# shellcheck disable=SC2046
cc examples/c/flights.c -o "$work/shared" $(pkg-config --cflags --libs streamgrad)
runs "$work/shared" pkg-config "$prefix/lib"
# shellcheck disable=SC2046
cc examples/c/flights.c -o "$work/static" $(pkg-config --cflags streamgrad) "$prefix/lib/libstreamgrad.a" \
    $(pkg-config --static --libs-only-l streamgrad | sed 's/-lstreamgrad//')
runs "$work/static" "pkg-config, the static library"

if ! cmake=$(command -v cmake); then
    python3 -m venv "$work/cmake" && "$work/cmake/bin/pip" install --quiet --disable-pip-version-check cmake==4.1.2
    cmake=$work/cmake/bin/cmake
fi
mkdir "$work/project"
cp examples/c/flights.c "$work/project"
cat >"$work/project/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.16)
project(flights C)
find_package(streamgrad $version REQUIRED)
find_package(streamgrad 99 QUIET)
if(streamgrad_FOUND)
  message(FATAL_ERROR "version 99 was found")
endif()
find_package(streamgrad ${version%.*} REQUIRED)
add_executable(shared flights.c)
target_link_libraries(shared PRIVATE streamgrad::streamgrad)
add_executable(static flights.c)
target_link_libraries(static PRIVATE streamgrad::static)
CMAKE
"$cmake" -S "$work/project" -B "$work/project/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 &&
    "$cmake" --build "$work/project/build" >>"$work/log" 2>&1 || { cat "$work/log" && fail "cmake fails"; }
runs "$work/project/build/shared" CMake
runs "$work/project/build/static" "CMake, the static library"

# The wheel, and one made of the source archive, in an environment with what they depend on.
"$venv/bin/python" -m venv "$work/python"
echo "$venv"/lib/python3.*/site-packages >"$(echo "$work"/python/lib/python3.*/site-packages)/dependencies.pth"
try_python() { # file
    "$work/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall "$1"
    (cd "$work" && KERAS_BACKEND=tensorflow "$work/python/bin/python" - "$work/python" "$version" <<'PYTHON'
import sys

import keras
import streamgrad

assert streamgrad.__file__.startswith(sys.argv[1]), streamgrad.__file__
assert streamgrad.__version__ == sys.argv[2], streamgrad.__version__
model = keras.Sequential([keras.Input((2,), name="numbers"), keras.layers.Dense(1, "sigmoid")])
streamgrad.export(model, "tried.bundle", loss="binary_crossentropy", optimizer="sgd", label="y", overwrite=True)
PYTHON
    ) || fail "$1: cannot be used"
    say "$(basename "$1"): is installed, imported, exports a bundle"
}
try_python "$package/python/streamgrad-$version-py3-none-any.whl"
# shellcheck disable=SC2046
"$work/python/bin/python" -m pip install --quiet --disable-pip-version-check $(grep -E '^(setuptools|wheel)==' packages/tools.txt)
try_python "$package/python/streamgrad-$version.tar.gz"

# The jars: with the platform's on the class path it learns, without it the error names what to add.
core=$package/maven/dev/streamgrad/streamgrad/$version/streamgrad-$version
flink=$package/maven/dev/streamgrad/streamgrad-flink/$version/streamgrad-flink-$version
for file in "$core.pom" "$core-sources.jar" "$core-javadoc.jar" "$flink.pom" "$flink.jar" "$flink-sources.jar" "$flink-javadoc.jar"; do
    [ -s "$file" ] || fail "the Maven repository lacks $file"
done
tests=java/streamgrad/src/test/java/dev/streamgrad
javac -d "$work/classes" -cp "$core.jar" $tests/Session.java $tests/Recording.java
learns() { # class path, what the last line begins with
    java -cp "$work/classes:$1" dev.streamgrad.Session "$peer/mlp-sgd" >"$work/output" 2>&1 || true
    case $(tail -n 1 "$work/output") in
    "$2"*) ;;
    *) cat "$work/output" && fail "$1: no '$2'" ;;
    esac
}
learns "$core.jar:$core-linux-x86_64.jar" "learned 10 steps"
say "the jars: learn with the library of the class path"
learns "$core.jar" "StreamgradException 500: load library"
grep -q 'classifier linux-x86_64' "$work/output" || fail "the error does not name the classifier"
say "the jar alone: says what to add"
(cd "$work" && jar xf "$core-linux-x86_64.jar")
check_library "$work/native/linux-x86_64/libstreamgrad.so" "the jar's library"
cmp -s "$work/native/linux-x86_64/libstreamgrad.so" "$prefix/lib/libstreamgrad.so" || fail "jar and archive hold different libraries"
grep -q '^arrow-ipc ' "$work/META-INF/THIRD-PARTY.txt" && [ -s "$work/META-INF/LICENSE" ] || fail "the platform's jar lacks the licences"

# The crate was built by cargo when it was packed.
tar -tzf "$package/streamgrad-$version.crate" "streamgrad-$version/include/streamgrad.h" >/dev/null || fail "the crate lacks the header"
say "the crate: complete"

# docs/packages.md in an empty folder, as its reader types it; what the wheel depends on is .venv's, not fetched again.
mkdir "$work/walk"
ln -s "$package" "$work/walk/packages"
"$venv/bin/python" -m venv "$work/walk/env"
echo "$venv"/lib/python3.*/site-packages >"$(echo "$work"/walk/env/lib/python3.*/site-packages)/dependencies.pth"
tar -C "$work/walk" -xzf "$package/streamgrad-$version.crate"
mkdir "$work/walk/rust" && cp "$work/walk/streamgrad-$version/Cargo.lock" "$work/walk/rust"
python3 tests/walk.py docs/packages.md >"$work/walk.sh"
target=${CARGO_TARGET_DIR:-$PWD/target}
(
    cd "$work/walk"
    unset STREAMGRAD_TENSORFLOW PKG_CONFIG_PATH
    export PATH=$venv/bin:${cmake%/*}:$PATH CARGO_TARGET_DIR=$target KERAS_BACKEND=tensorflow PIP_NO_DEPS=1 PIP_DISABLE_PIP_VERSION_CHECK=1
    export XDG_CACHE_HOME=$work/cache
    bash -euo pipefail "$work/walk.sh"
) >"$work/output" 2>&1 || { cat "$work/output" && fail "docs/packages.md: a line fails"; }
grep -xE 'loss [0-9.]+' "$work/output" >"$work/losses" || true
[ "$(wc -l <"$work/losses")" = 5 ] && [ "$(sort -u "$work/losses" | wc -l)" = 1 ] ||
    { cat "$work/output" && fail "docs/packages.md: the programs disagree"; }
say "docs/packages.md: every line works, and the programs end with the same loss"
echo "packages: $passed passed, 0 failed"
