"""The Slack example runs as it stands: a local model server, and a stand-in for Slack."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from costspan.testing import LLMServer
from tests.alerts.standin import StandIn

EXAMPLE = Path(__file__).parents[2] / "examples" / "slack_alert.py"


@pytest.mark.parametrize(("output", "told"), [(1600, 1), (100, 0)])
def test_slack_is_told_of_the_dear_call(
    tmp_path: Path, server: LLMServer, output: int, told: int
) -> None:
    with StandIn() as slack:
        done = subprocess.run(
            [sys.executable, str(EXAMPLE)],
            cwd=tmp_path,
            env={
                **os.environ,
                "OPENAI_BASE_URL": server.openai_url,
                "OPENAI_API_KEY": "key",
                "OPENAI_CUSTOM_HEADERS": f"x-costspan-scenario: tokens=1000/{output}",
                "SLACK_WEBHOOK_URL": slack.slack_url,
                "NO_PROXY": "*",
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert [got.faults for got in slack.got] == [[]] * told
    # gpt-5.2: 1,000 x 1.75 + 1,600 x 14 = 24,150 millionths of a dollar
    cost = {1600: "0.024150", 100: "0.003150"}[output]
    assert done.stdout == f"1 call, ${cost}; SlackAlerts({slack.address}) told: True\n"
    lines = done.stderr.splitlines()
    assert len(lines) == told
    if told:
        assert lines[0].startswith(
            'BUDGET ALERT | budget="single call" endpoint=/ode model=gpt-5.2'
        )
        fields = {field["text"] for field in slack.got[0].json["blocks"][2]["fields"]}
        assert {
            "Used: 0.02415 USD of 0.02 USD (121%)",
            "Agent: poet",
            "Session: evening",
            "Tokens of the call: 1,000 in, 1,600 out",
        } <= fields
        assert (
            "https://jaeger.example.com/trace/" in slack.got[0].json["blocks"][-1]["text"]["text"]
        )
