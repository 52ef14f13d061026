"""Processes that share a folder: forked, spawned, of multiprocessing and of a pool."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.export.folder import Folder, files_in

ROOT = Path(__file__).parents[2]

COMMON = """
import multiprocessing, os, signal, sys, threading, time
from costspan import CostTracker, LocalFiles
from costspan.export.calls import CallsFile
from tests.cost.calls import finished

costs = CostTracker()
file = CallsFile(LocalFiles(sys.argv[1], durability=sys.argv[2]))
costs.writers = (file,)

def settle(process, thread, count=100):
    for number in range(count):
        facts = {"agent": f"{process}/{thread}/{number}", "tags": {"long": "x" * 37 * thread}}
        costs.settle(finished(input_tokens=1000, output_tokens=200, **facts))
"""

FORKING = """
settle("parent", 0)
children = []
for process in range(4):
    child = os.fork()
    if child == 0:
        break
    children.append(child)
else:
    process = "parent"
threads = [threading.Thread(target=settle, args=(process, n)) for n in range(1, 9)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
file.flush()
if not children or process != "parent":
    os._exit(0)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""

FORKING_IN_THE_MIDDLE = """
# Other threads are writing whenever a child begins: it must find no lock held, no line half done.
costs.prices.load()  # as instrument() does: a fork in the middle of an import may hang anybody
stop = threading.Event()

def busily(thread):
    while not stop.is_set():
        settle("parent", thread, 1)

threads = [threading.Thread(target=busily, args=(n,)) for n in range(4)]
for thread in threads:
    thread.start()
children = []
for process in range(12):
    child = os.fork()
    if child == 0:
        settle(process, 0, 5)
        file.flush()
        os._exit(0)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
stop.set()
for thread in threads:
    thread.join()
sys.exit(max(codes))
"""

DAEMON = """
# A program that goes into the background: the first process forks and ends without ado.
settle("before", 0, 5)
if os.fork():
    os._exit(0)
os.setsid()
settle("after", 0, 5)
print("done", flush=True)
"""


def run(script: str, logs: Path, durability: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", COMMON + script, logs, durability],
        check=True,
        cwd=ROOT,
        timeout=100,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def assert_each_once(logs: Path, count: int) -> None:
    found = Folder(logs)
    assert len(found.agents) == count
    assert len(set(found.agents)) == count
    assert (found.torn, found.records) == ([], [])


@pytest.mark.parametrize("durability", ["call", "batch"])
class TestFork:
    def test_threads_of_forked_processes_share_a_file(self, logs: Path, durability: str):
        run(FORKING, logs, durability)
        assert_each_once(logs, 100 + 5 * 8 * 100)
        assert len(files_in(logs)) == 1

    def test_a_fork_while_other_threads_write(self, logs: Path, durability: str):
        run(FORKING_IN_THE_MIDDLE, logs, durability)
        found = Folder(logs)
        children = [agent for agent in found.agents if not agent.startswith("parent")]
        assert sorted(children) == sorted(f"{p}/0/{n}" for p in range(12) for n in range(5))
        assert found.torn == []

    def test_a_program_that_goes_into_the_background(self, logs: Path, durability: str):
        assert run(DAEMON, logs, durability) == "done\n"
        assert_each_once(logs, 10)


MULTIPROCESSING = """
def work(process):
    settle(process, 1, 50)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[3])
    settle("parent", 0, 5)
    if sys.argv[4] == "pool":
        with context.Pool(4) as pool:
            pool.map(work, range(8), chunksize=1)
            pool.close()
            pool.join()
    else:
        workers = [context.Process(target=work, args=(n,)) for n in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0] * 8
"""


@pytest.mark.parametrize(
    ("way", "method", "durability"),
    [
        ("process", "fork", "call"),
        ("process", "fork", "batch"),
        ("process", "spawn", "batch"),
        ("process", "forkserver", "batch"),
        ("pool", "fork", "batch"),
        ("pool", "spawn", "batch"),
    ],
)
def test_workers_of_multiprocessing(
    logs: Path, tmp_path: Path, durability: str, method: str, way: str
):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {method} here")
    script = tmp_path / "workers.py"
    script.write_text(COMMON + MULTIPROCESSING)
    subprocess.run(
        [sys.executable, script, logs, durability, method, way],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        timeout=100,
    )
    assert_each_once(logs, 5 + 8 * 50)


TERMINATED = """
def work(process, ready):
    settle(process, 1, 50)
    ready.set()
    time.sleep(100)

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    events = [context.Event() for _ in range(4)]
    workers = [context.Process(target=work, args=(n, events[n])) for n in range(4)]
    for worker in workers:
        worker.start()
    for event, worker in zip(events, workers):
        event.wait()
        worker.terminate() if worker is not workers[0] else worker.kill()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [-9, -15, -15, -15]
"""


@pytest.mark.parametrize("durability", ["call", "fsync"])
def test_workers_that_are_terminated_have_written_what_returned(
    logs: Path, tmp_path: Path, durability: str
):
    run(TERMINATED, logs, durability)
    assert_each_once(logs, 4 * 50)


SIXTEEN_FILES = """
def work(process):
    settle(process, 1, 25)

if __name__ == "__main__":
    import costspan.export.writer as writer
    writer.is_shared_over_network = lambda folder: True
    settle("parent", 0, 1)
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=work, args=(n,)) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
"""


def test_on_a_network_file_system_each_forked_process_has_its_own_file(logs: Path):
    run(SIXTEEN_FILES, logs, "call")
    assert len(files_in(logs)) == 9
    assert_each_once(logs, 1 + 8 * 25)
