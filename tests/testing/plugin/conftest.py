"""Runs of pytest in a process of their own, with the plugin, against the local model server."""

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from costspan.testing import LLMServer

PLUGIN = "costspan.testing.pytest_plugin"
INI = """
[pytest]
addopts = --strict-markers -p no:randomly -p no:cacheprovider
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""

APP = '''
"""The code under test: it asks OpenAI and Anthropic."""

from anthropic import Anthropic
from openai import AsyncOpenAI, OpenAI

ASKED = {
    "model": "gpt-5.2",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hi"}],
    "extra_headers": {"x-costspan-scenario": "tokens=1000/100"},
}
"""1,000 x 1.75 + 100 x 14 = 3,150 millionths of a dollar."""


def ask(**more):
    with OpenAI() as client:
        return client.chat.completions.create(**ASKED, **more)


async def ask_async():
    async with AsyncOpenAI() as client:
        return await client.chat.completions.create(**ASKED)


def ask_claude():
    """30 x 5 + 100 x 25 = 2,650 millionths of a dollar."""
    with Anthropic() as client:
        return client.messages.create(
            model="claude-opus-4-5",
            max_tokens=100,
            messages=[{"role": "user", "content": "hi"}],
            extra_headers={"x-costspan-scenario": "tokens=30/100"},
        )


def ask_quietly():
    """As code does that catches everything."""
    try:
        ask()
    except Exception:
        return None
'''

Run = Callable[..., pytest.RunResult]


def loads_by_itself() -> bool:
    """Whether the installed costspan has the entry point, as it has once it is installed anew."""
    return bool(entry_points(group="pytest11", name="costspan"))


@pytest.fixture
def run(pytester: pytest.Pytester, server: LLMServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest on `code`, with more arguments."""
    for name, value in {
        "OPENAI_BASE_URL": server.openai_url,
        "ANTHROPIC_BASE_URL": server.anthropic_url,
        "OPENAI_API_KEY": "key",
        "ANTHROPIC_API_KEY": "key",
        "PYTHONPATH": str(Path(__file__).parents[3] / "src"),
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeini(INI)
    pytester.makepyfile(app=APP)

    def started(code: str, *args: str, **files: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=code, **files)
        plugin = () if loads_by_itself() else ("-p", PLUGIN)
        return pytester.runpytest_subprocess(*plugin, *args, timeout=100)

    return started
