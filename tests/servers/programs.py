"""Programs with the real SDKs against a local model server, as processes of their own."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping

from tests.servers.running import ROOT

START = """
import sys
from openai import OpenAI, APIError
from costspan import Instrumentor, attribution

Instrumentor().instrument()
client = OpenAI(base_url=sys.argv[1], api_key="any", max_retries=0)

def call(orders="tokens=1000/200", model="gpt-4o-mini", agent=None, **more):
    with attribution(agent=agent):
        try:
            answer = client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": "Hello"}],
                extra_headers={"x-costspan-scenario": orders},
                **more,
            )
            list(answer) if more.get("stream") else None
        except APIError:
            pass
"""
"""What they begin with: `call` makes one call whatever becomes of it."""


def started(source: str, url: str, *words: str, **variables: str) -> subprocess.Popen[str]:
    """A program that was started: `START` and then `source`, with the model server at `url`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "COSTSPAN_"))}
    environ: Mapping[str, str] = {**kept, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.Popen(
        [sys.executable, "-c", START + textwrap.dedent(source), url, *words],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(program: subprocess.Popen[str], patience: float = 100) -> tuple[str, str]:
    """What it printed and what it logged, once it has ended well."""
    out, err = program.communicate(timeout=patience)
    assert program.returncode == 0, err
    return out, err
