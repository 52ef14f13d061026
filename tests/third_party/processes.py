"""Servers of other projects, run as processes on a free port of this machine."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 30.0


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    program: Sequence[str],
    port: int,
    log: Path,
    environ: Mapping[str, str] | None = None,
    patience: float = PATIENCE,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; the block starts when it listens on `port`.

    Args:
        patience: seconds that it may take to listen, and to end.
    """
    with log.open("wb") as out:
        server = subprocess.Popen(
            program, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **(environ or {})}
        )
    try:
        _wait_for(server, port, log, patience)
        yield server
    finally:
        server.terminate()
        server.wait(patience)


def _wait_for(server: subprocess.Popen[bytes], port: int, log: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)  # another process says in no other way that it listens
    raise RuntimeError(f"the server does not listen: {log.read_text()}")
