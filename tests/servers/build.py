"""Builds the servers that the tests run but that no registry has as a program; run by `make parts`.

    python -m tests.servers.build FOLDER otelcol jaeger    leaves FOLDER/otelcol and FOLDER/jaeger

The parts are otelcol, jaeger and influxd. They come from the Go module proxy, at the exact versions
that stand below and in `otelcol/`, by the hashes of go.sum. A program that is there, built of the
same, stays. A part that cannot be had (no Go, a module that the proxy refuses) is named, and the
others go on: the tests that need it skip.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

COLLECTOR = "0.161.0"
JAEGER = "1.76.0"
"""The module's version; the same release is 2.13.0 as a program and as an image."""

INFLUXDB = "2.7.12"

MANIFEST = Path(__file__).with_name("otelcol")
_LENIENT = """#!/bin/sh
case "$*" in *--cap-lints*) exec "$@" ;; esac
exec "$@" --cap-lints warn
"""
_BUILD = ("go", "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-p=2")


def _collector(folder: Path, program: Path) -> None:
    """The builder writes main.go out of the manifest; go.mod and go.sum are the committed ones.

    The builder alone would run `go mod tidy`, which asks for the modules that only the tests of
    its components need.
    """
    _run(
        "go",
        "install",
        f"go.opentelemetry.io/collector/cmd/builder@v{COLLECTOR}",
        cwd=folder,
        GOBIN=str(folder),
    )
    for file in MANIFEST.iterdir():
        shutil.copy(file, folder)
    _run(
        folder / "builder",
        "--config=manifest.yaml",
        "--skip-get-modules",
        "--skip-compilation",
        cwd=folder,
    )
    _run(*_BUILD, "-o", program, ".", cwd=folder)


def _jaeger(folder: Path, program: Path) -> None:
    source = _copied(folder, f"github.com/jaegertracing/jaeger@v{JAEGER}")
    _run(*_BUILD, "-o", program, "./cmd/jaeger", cwd=source)


def _influxd(folder: Path, program: Path) -> None:
    """Its language Flux is a library in Rust, which a pkg-config of its own builds with cargo.

    The library takes warnings for errors, and its release asks for a compiler of 2023: the
    compiler that is there warns of more.
    """
    source = _copied(folder, f"github.com/influxdata/influxdb/v2@v{INFLUXDB}")
    _run("go", "install", "github.com/influxdata/pkg-config", cwd=source, GOBIN=str(folder))
    rustc = folder / "rustc"
    rustc.write_text(_LENIENT)
    rustc.chmod(0o700)
    _run(
        *(*_BUILD, "-tags=sqlite_foreign_keys,sqlite_json", "-o", program, "./cmd/influxd"),
        cwd=source,
        PKG_CONFIG=str(folder / "pkg-config"),
        RUSTC_WRAPPER=str(rustc),
        RUSTUP_TOOLCHAIN="stable",
        CARGO_BUILD_JOBS="2",
    )


def _copied(folder: Path, module: str) -> Path:
    """A copy of a module, where its own go.sum and replace lines hold."""
    (folder / "go.mod").write_text("module parts\n")
    downloaded = json.loads(_run("go", "mod", "download", "-json", module, cwd=folder))
    source = folder / "source"
    shutil.copytree(downloaded["Dir"], source, copy_function=shutil.copyfile)
    return source


def _run(*words: str | Path, cwd: Path, **environ: str) -> str:
    done = subprocess.run(
        ["nice", "-n", "10", *words],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if "downloading" not in line]
        raise RuntimeError("\n".join(said[-5:]) or f"{words[0]} failed")
    return done.stdout


def _collector_key() -> str:
    text = b"".join(file.read_bytes() for file in sorted(MANIFEST.iterdir()))
    return f"{COLLECTOR} {hashlib.sha256(text).hexdigest()}"


PARTS: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    "otelcol": (_collector_key(), _collector),
    "jaeger": (JAEGER, _jaeger),
    "influxd": (INFLUXDB, _influxd),
}


def make(name: str, home: Path) -> str:
    """Have the part in the folder `home`; in words, what was done."""
    key, build = PARTS[name]
    program, stamp = home / name, home / f"{name}.built-of"
    if program.exists() and stamp.exists() and stamp.read_text() == key:
        return f"{name} {key[:7]}: there"
    program.unlink(missing_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"costspan-{name}-") as folder:
        try:
            build(Path(folder), program)
        except (RuntimeError, OSError) as fault:
            return f"skipped: {name} {key[:7]}, as it could not be built: {fault}"
    stamp.write_text(key)
    return f"{name} {key[:7]}: built in {time.monotonic() - started:.0f} s"


def main() -> None:
    home = Path(sys.argv[1]).resolve()
    home.mkdir(parents=True, exist_ok=True)
    if shutil.which("go") is None:
        print(f"skipped: {' and '.join(sys.argv[2:])}, as there is no go")
        return
    for name in sys.argv[2:]:
        print(make(name, home), flush=True)


if __name__ == "__main__":
    main()
