"""The audit chain through rotation, compression and processes that are killed."""

import mmap
import signal
import subprocess
import sys
from pathlib import Path

from costspan.export.auditing.findings import Finding
from costspan.export.reader import Problem, Reading
from tests.export.auditing.audited import verified
from tests.export.folder import text_of

WRITERS, ROUNDS = 4, 2
WORKER = """
import sys
from tests.export.auditing.audited import *
file = write(Path(sys.argv[1]), [], close=False, rotate="16 KB", compress="gzip",
             checkpoints=Path(sys.argv[2]))
for number in range(100_000):
    file(call(number), Cost(status="priced", total=number))
    print(number, flush=True)
"""


def killed_after(lines: int, folder: Path, checkpoints: Path) -> list[subprocess.Popen]:
    """Writers side by side, each killed once it has written some lines; none is waited for."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder), str(checkpoints)], stdout=subprocess.PIPE
        )
        for _ in range(WRITERS)
    ]
    for number, process in enumerate(running):
        for _ in range(lines + number * 7):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    return running


def is_cut_short(one: Finding | Problem) -> bool:
    """Whether it is the last line of a file, which a kill ended between two pages of its write."""
    if one.what != "torn":
        return False
    text = text_of(one.path)
    is_last = one.line == text.count(b"\n") + 1
    return is_last and len(text) % mmap.PAGESIZE == 0


def test_killed_writers_leave_sound_chains(tmp_path: Path):
    """Only their ends are open; checkpoints hold, and every call that was told of is there."""
    folder, checkpoints = tmp_path / "logs", tmp_path / "checkpoints"
    told = 0
    for _ in range(ROUNDS):
        for process in killed_after(60, folder, checkpoints):
            with process:
                process.stdout.read()
            assert process.returncode == -signal.SIGKILL
        told += sum(60 + number * 7 for number in range(WRITERS))
    found = verified(folder, allow_open=True, checkpoints=[checkpoints])
    assert [one for one in found.findings if not is_cut_short(one)] == []
    assert found.counts["writers"] == WRITERS * ROUNDS
    assert found.counts["files"] > 10
    reading = Reading(folder)
    assert sum(1 for _ in reading) >= told
    odd = [one for one in reading.problems if one.what != "empty"]
    assert [one for one in odd if not is_cut_short(one)] == []
    ends = verified(folder, checkpoints=[checkpoints])
    kinds = {one.what for one in ends.findings if not is_cut_short(one)}
    assert kinds <= {"open"}  # or killed while turning to a new file
