"""Servers of other projects, run as processes on a free port of this machine."""

import errno
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

PATIENCE = 30.0


_A_WORKERS = 1_500
"""Ports of one process that runs tests; eight of them are side by side below 32,768."""


def _ports() -> Iterator[int]:
    """One after the other, for ever; begun anew it begins elsewhere."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw7").removeprefix("gw")) % 8
    for number in count(os.getpid()):
        yield 20_000 + worker * _A_WORKERS + number % _A_WORKERS


_in_turn = _ports()


def free_port() -> int:
    """A port that nobody listens on, until whoever it is for does.

    None that the system picks by itself: a connection of somebody else could have it by then.
    """
    for port in islice(_in_turn, _A_WORKERS):
        with socket.socket() as probe:
            if not _is_taken(probe, port):
                return port
    raise OSError(errno.EADDRINUSE, "no port is free")


def _is_taken(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return True
    return False


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
