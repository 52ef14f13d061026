"""Real servers, whose workers are reloaded and terminated: each answered request has its line."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.export.folder import Folder
from tests.third_party.processes import free_port

ROOT = Path(__file__).parents[2]
GUNICORN = ["-m", "gunicorn", "--bind=127.0.0.1:{port}", "--log-level=error"]
UVICORN = ["-m", "uvicorn", "--port={port}", "--log-level=error", "tests.export.served_app:asgi"]


@contextmanager
def serving(command: list[str], **environ: str) -> Iterator[tuple[subprocess.Popen, int]]:
    """A server that answers; it is killed in the end if it has not ended by then."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *(word.format(port=port) for word in command)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", **environ},
    )
    try:
        deadline = time.monotonic() + 60
        while ask(port, "/ready") is None:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)
        yield process, port
    finally:
        process.kill()
        process.wait()


def ask(port: int, path: str) -> str | None:
    """The whole answer; None where there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class Clients:
    """Threads that ask until they are stopped, and note what was answered."""

    def __init__(self, port: int) -> None:
        self.answered: list[str] = []
        self._port = port
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(4)]
        for thread in self._threads:
            thread.start()

    def _ask(self, client: int) -> None:
        number = 0
        while not self._stopped.is_set():
            number += 1
            answer = ask(self._port, f"/{client}/{number}")
            if answer is not None:
                self.answered.append(answer)

    def wait_for(self, count: int) -> None:
        while len(self.answered) < count:
            time.sleep(0.01)

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()


def assert_each_answer_has_a_line(logs: Path, answered: list[str]) -> None:
    found = Folder(logs)
    assert found.torn == []
    agents = [agent for agent in found.agents if agent != "/ready"]
    assert len(set(agents)) == len(agents)
    assert set(answered) - set(agents) == set()
    assert len(answered) >= 150


@pytest.mark.parametrize(
    ("way", "durability"),
    [
        ("forked before", "batch"),
        ("preloaded", "batch"),
        ("preloaded", "call"),
        ("threads", "call"),
    ],
)
def test_gunicorn_reloads_and_ends(logs: Path, durability: str, way: str):
    pytest.importorskip("gunicorn")
    more = {"preloaded": ["--preload"], "threads": ["--threads=4"]}.get(way, [])
    command = [*GUNICORN, "--workers=3", *more, "tests.export.served_app:wsgi"]
    with serving(command, FILES=str(logs), DURABILITY=durability) as (server, port):
        clients = Clients(port)
        clients.wait_for(50)
        server.send_signal(signal.SIGHUP)  # all workers end, and others begin
        clients.wait_for(150)
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        clients.stop()
    assert_each_answer_has_a_line(logs, clients.answered)


@pytest.mark.parametrize("workers", [1, 2])
def test_uvicorn_ends(logs: Path, workers: int):
    command = [*UVICORN, f"--workers={workers}"]
    with serving(command, FILES=str(logs), DURABILITY="call") as (server, port):
        clients = Clients(port)
        clients.wait_for(150)
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        clients.stop()
    assert_each_answer_has_a_line(logs, clients.answered)


def test_uvicorn_with_batches_ends_after_costspan_is_switched_off(logs: Path):
    """It ends itself by the signal it got, so that nothing runs at exit."""
    environ = {"FILES": str(logs), "DURABILITY": "batch", "UNINSTRUMENT": "1"}
    with serving(UVICORN, **environ) as (server, port):
        clients = Clients(port)
        clients.wait_for(150)
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        clients.stop()
    assert server.returncode == -signal.SIGTERM
    assert_each_answer_has_a_line(logs, clients.answered)


@pytest.mark.parametrize(("durability", "tasks_per_child"), [("batch", 1), ("call", 100)])
def test_celery_ends_its_workers(logs: Path, tmp_path: Path, durability: str, tasks_per_child: int):
    pytest.importorskip("celery")
    done, queue = tmp_path / "done", tmp_path / "queue"
    queue.mkdir()
    done.touch()
    environ = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "PYTHONWARNINGS": "ignore",
        "FILES": str(logs),
        "DURABILITY": durability,
        "QUEUE": str(queue),
        "DONE": str(done),
        "TASKS_PER_CHILD": str(tasks_per_child),
    }
    python = [sys.executable, "-m"]
    subprocess.run([*python, "tests.export.celery_app"], check=True, cwd=ROOT, env=environ)
    worker = subprocess.Popen(
        [*python, "celery", "-A", "tests.export.celery_app", "worker", "-c", "3", "-l", "error"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
    )
    try:
        while len(done.read_text().splitlines()) < 12:
            assert worker.poll() is None, "the worker ended"
            time.sleep(0.05)
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
    finally:
        worker.kill()
        worker.wait()
    assert sorted(Folder(logs).agents) == sorted(f"task {number}" for number in range(12))
