"""docs/overhead.md: its form, and that the ready-made calls behind it are observed as real ones."""

import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks import page

ROOT = Path(__file__).parents[1]

# In a process of its own: the ready-made answers stay in the SDKs' places.
COMPARED = """
import json, sys
from tests.benchmarks import subjects
subjects.prepare_environment("ours")
from tests.benchmarks import ready, recorded
real = recorded.record()
ready.install()
made = recorded.record()
print(json.dumps([real, made]))
"""


def test_a_ready_made_call_is_observed_as_a_real_one():
    done = subprocess.run(
        [sys.executable, "-c", COMPARED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    real, made = json.loads(done.stdout)

    assert len(real) == 8
    for case, (name, first, rest) in real.items():
        assert made[case][:2] == [name, first]
        assert made[case][2].keys() == rest.keys()
        times = {key for key in rest if "time_to" in key}
        assert {key: made[case][2][key] for key in rest.keys() - times} == {
            key: rest[key] for key in rest.keys() - times
        }


def test_a_section_shows_the_fastest_runs_alone():
    section = (
        "## A call\n\n"
        "| us       |    openai |\n|----------|----------:|\n"
        "| costspan | -4.5 / 5.25 |\n| by hand  |      - |"
    )

    written = page.page([section])

    assert written.endswith(
        "## A call\n\n| us | openai |\n|---|---:|\n| costspan | -4.5 |\n| by hand | - |\n"
    )
    assert "opentelemetry-sdk" in written
