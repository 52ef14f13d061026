"""A process that ends while its store is down: it tries once more, and says what is lost."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from costspan.cost.stores.contract import Standing
from costspan.cost.stores.opening import open_store
from tests.cost.stores.servers import PATIENCE
from tests.cost.stores.settled import CALL, MONTH, NOW, cost

ROOT = Path(__file__).parents[3]

PROGRAM = """
import sys
from costspan.cost.stores.contract import StoreDown
from costspan.cost.stores.opening import open_store
from tests.cost.stores.settled import CALL, charge, cost

store = open_store(sys.argv[1])
try:
    store.settle(CALL, cost(1), (), [charge(1)])
except StoreDown:
    print("kept", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store that was used before."""
    made = f"sqlite:///{tmp_path}/costs.db"
    store = open_store(made, PATIENCE)
    store.settle(CALL, cost(1))
    store.close()
    return made


@pytest.fixture
def other(url: str) -> Iterator[sqlite3.Connection]:
    """Somebody who holds the file."""
    made = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    made.execute("BEGIN IMMEDIATE")
    yield made
    made.close()


@pytest.fixture
def process(url: str, other: sqlite3.Connection) -> Iterator[subprocess.Popen[str]]:
    """A program that settled a call and could not write it."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as made:
        assert made.stdout is not None
        assert made.stdout.readline() == "kept\n"
        yield made


def test_what_waits_is_written_at_the_end(
    url: str, other: sqlite3.Connection, process: subprocess.Popen[str]
):
    other.execute("ROLLBACK")
    process.communicate("", timeout=PATIENCE)
    store = open_store(url, PATIENCE)
    assert store.standings([MONTH], NOW) == [Standing(1)]
    assert store.summary().calls == 2
    store.close()


def test_what_could_not_be_written_is_said(process: subprocess.Popen[str]):
    _, said = process.communicate("", timeout=PATIENCE)
    assert "still down as the process ends; 1 calls are not counted" in said
    assert process.returncode == 0


CHILD = """
import multiprocessing, sqlite3, sys
from costspan.cost.stores import outage
from costspan.cost.stores.contract import StoreDown
from costspan.cost.stores.opening import open_store
from tests.cost.stores.settled import CALL, charge, cost

outage.FIRST_PAUSE_SECONDS = 0.5  # longer than the child lives on

def settle():
    other = sqlite3.connect(sys.argv[1].removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        store.settle(CALL, cost(1), (), [charge(1)])
    except StoreDown:
        other.execute("ROLLBACK")

store = open_store(sys.argv[1])
child = multiprocessing.get_context("fork").Process(target=settle)
child.start()
child.join()
sys.exit(child.exitcode)
"""


def test_a_child_of_multiprocessing_writes_what_waits(url: str):
    """No `atexit` runs there."""
    subprocess.run([sys.executable, "-c", CHILD, url], check=True, cwd=ROOT, timeout=PATIENCE)
    store = open_store(url, PATIENCE)
    assert store.standings([MONTH], NOW) == [Standing(1)]
    store.close()
