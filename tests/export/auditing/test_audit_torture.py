"""The audit chain through rotation, compression and processes that are killed."""

import signal
import subprocess
import sys
from pathlib import Path

from costspan.export.reader import Reading
from tests.export.auditing.audited import verified

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
    assert found.findings == []
    assert found.counts["writers"] == WRITERS * ROUNDS
    assert found.counts["files"] > 10
    reading = Reading(folder)
    assert sum(1 for _ in reading) >= told
    assert [one.what for one in reading.problems if one.what != "empty"] == []
    ends = verified(folder, checkpoints=[checkpoints])
    assert {one.what for one in ends.findings} <= {"open"}  # or killed while turning to a new file
