"""The program of these tests as a process that does what it is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from costspan.testing import LLMServer
from tests.dashboards.api import PATIENCE
from tests.dashboards.servers import ROOT


class Program:
    """`tests.dashboards.program`, told what to do."""

    def __init__(self, arguments: list[str], server: LLMServer) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.dashboards.program", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={
                **os.environ,
                "OPENAI_BASE_URL": server.openai_url,
                "ANTHROPIC_BASE_URL": server.anthropic_url,
                "OPENAI_API_KEY": "any",
                "ANTHROPIC_API_KEY": "any",
                "OTEL_SERVICE_NAME": "shop",
                "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            },
        )

    def round(self) -> dict[str, Any]:
        """Have it make a call of every kind; gives the calls and dollars so far."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("round\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *raised: object) -> None:
        """Have it end."""
        self._process.communicate("end\n", PATIENCE)
