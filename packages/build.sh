#!/usr/bin/env bash
# What `make package` does: everything that is published goes to target/package, each part made by its own build system from
# a copy, so that nothing in the clone's own build folders changes. Needs what is committed: a package is a commit's.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
glibc=2.28
target=x86_64-unknown-linux-gnu
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
package=$PWD/target/package
tools=$PWD/target/tools
work=$PWD/target/packing
native=$work/native
mkdir -p "$tools" "$work"
rm -rf "$package" "${work:?}"/* && mkdir -p "$package" "$native"
say() { echo "package: $*"; }

if ! cmp -s packages/tools.txt "$tools/tools.txt"; then
    say "fetching zig, a C compiler and linker for older glibc (once)"
    "$(.ci/python)" -m venv --clear "$tools"
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check -r packages/tools.txt
    cp packages/tools.txt "$tools"
fi

say "the crate"
cargo package --quiet --locked
cp "$CARGO_TARGET_DIR/package/streamgrad-$version.crate" "$work"
cargo publish --quiet --locked --dry-run --no-verify

say "the library for glibc $glibc"
PATH=$tools/bin:$PATH cargo zigbuild --quiet --release --locked --lib --features arrow --target "$target.$glibc"
for file in libstreamgrad.so libstreamgrad.a; do
    strip --strip-debug -o "$native/$file" "$CARGO_TARGET_DIR/$target/release/$file"
done
cp LICENSE "$native"
"$tools/bin/python" packages/notices.py arrow >"$native/THIRD-PARTY.txt"

say "the command for glibc $glibc"
PATH=$tools/bin:$PATH cargo zigbuild --quiet --release --locked --bin streamgrad --features cli --target "$target.$glibc"

say "the archive for C and C++, with the command"
name=streamgrad-$version-linux-x86_64
make --no-print-directory install-files DESTDIR="$work/$name" PREFIX= LIBRARIES="$native"
# It may be unpacked anywhere.
sed -e 's|@PREFIX@|${pcfiledir}/../..|' -e 's|@LIBDIR@|${prefix}/lib|' -e 's|@INCLUDEDIR@|${prefix}/include|' -e "s|@VERSION@|$version|" \
    packages/streamgrad.pc.in >"$work/$name/lib/pkgconfig/streamgrad.pc"
install -d "$work/$name/bin"
strip -o "$work/$name/bin/streamgrad" "$CARGO_TARGET_DIR/$target/release/streamgrad"
# The README's links lead to these.
cp -r README.md DESIGN.md CHANGELOG.md LICENSE docs "$work/$name"
"$tools/bin/python" packages/notices.py cli >"$work/$name/THIRD-PARTY.txt"
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -czf "$work/$name.tar.gz" "$name"

say "the wheel and the source archive for Python"
mkdir "$work/python"
cp -r python/pyproject.toml python/README.md python/src LICENSE "$work/python"
find "$work/python" \( -name __pycache__ -o -name '*.egg-info' \) -prune -exec rm -rf {} +
# The tools above are what pyproject.toml asks for, so no other environment is made.
"$tools/bin/python" -m build --no-isolation --outdir "$package/python" "$work/python" >"$work/python.log" 2>&1 || {
    cat "$work/python.log"
    exit 1
}

say "the jars, as a Maven repository"
tar --exclude=target -cf - java | tar -C "$work" -xf -
mvn --quiet --batch-mode -f "$work/java/pom.xml" deploy -Prelease -pl .,streamgrad,streamgrad-flink -Dmaven.test.skip=true \
    -Dmaven.install.skip=true -Dstreamgrad.native="$native" -DaltDeploymentRepository="package::file://$package/maven" 2>&1 | sed --unbuffered 's/\x1b\[0m//g'

mv "$work/streamgrad-$version.crate" "$work/$name.tar.gz" "$package"
# Where cargo's own folder for packages is the same, what it unpacked to try stays out.
find "$package" -mindepth 1 -maxdepth 1 -type d ! -name python ! -name maven -exec rm -rf {} +
rm -rf "$work"
(cd "$package" && find . -type f \( -name '*.jar' -o -name '*.gz' -o -name '*.whl' -o -name '*.crate' \) -printf '%9s  target/package/%P\n' | sort -k 2)
