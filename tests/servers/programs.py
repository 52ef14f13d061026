"""Programs with the real SDKs against a local model server, as processes of their own."""

import json
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

IN_STEPS = """
import json

while (word := sys.stdin.readline().strip()):
    for _ in range(int(word)):
        call()
    seen = list(Instrumentor().costs.records)
    print(json.dumps([record.span_id for record in seen]), flush=True)
"""
"""A program that makes as many calls as it is told and says the ids of all spans so far."""


def started(source: str, url: str, *words: str, **variables: str) -> subprocess.Popen[str]:
    """A program that was started: `START` and then `source`, with the model server at `url`."""
    # With these two, requests would not look at the certificate that OTEL_* names.
    others = ("OTEL_", "COSTSPAN_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(others)}
    environ: Mapping[str, str] = {**kept, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.Popen(
        [sys.executable, "-c", START + textwrap.dedent(source), url, *words],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def calls(program: subprocess.Popen[str], count: int) -> set[str]:
    """Have a program of `IN_STEPS` make so many calls; the ids of its spans, once they returned."""
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(f"{count}\n")
    program.stdin.flush()
    return set(json.loads(program.stdout.readline()))


def ended(program: subprocess.Popen[str], patience: float = 100) -> tuple[str, str]:
    """What it printed and what it logged, once it has ended well."""
    out, err = program.communicate(timeout=patience)
    assert program.returncode == 0, err
    return out, err
