"""Calls to model servers that this project did not write: one valid span each, their own numbers.

`llmock` comes from PyPI with the other test requirements. `aimock` is an npm package: it runs
where COSTSPAN_AIMOCK names the folder that it was installed in.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import openai
import pytest

from tests.instrumentation.rig import attributes_of, watched
from tests.third_party.processes import free_port, serving

pytestmark = pytest.mark.servers
HELLO: Any = [{"role": "user", "content": "Say hello to all"}]
CLI = "node_modules/.bin/llmock"
NO_AIMOCK = (
    "aimock is not there: npm install --prefix FOLDER @copilotkit/aimock@1.43, "
    "then set COSTSPAN_AIMOCK=FOLDER (and have node on the PATH)"
)


class Served(NamedTuple):
    """Where a server answers the two SDKs."""

    openai: str
    anthropic: str


@pytest.fixture(scope="module")
def llmock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    port = free_port()
    program = [str(Path(sys.executable).with_name("llmock")), "serve", "-h", "127.0.0.1"]
    log = tmp_path_factory.mktemp("llmock") / "log"
    with serving([*program, "-p", str(port), "--log-level", "warning"], port, log):
        root = f"http://127.0.0.1:{port}"
        yield Served(f"{root}/v1", f"{root}/anthropic")


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    installed, node = os.environ.get("COSTSPAN_AIMOCK"), shutil.which("node")
    if not installed or not node or not Path(installed, CLI).exists():
        pytest.skip(NO_AIMOCK)
    folder, port = tmp_path_factory.mktemp("aimock"), free_port()
    # Without a usage of its own a fixture answers Responses and messages with 0/0.
    usage = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
    usage |= {"input_tokens": 1000, "output_tokens": 200}
    said = {"content": "Hello to all of you", "usage": usage}
    fixtures = folder / "fixtures"
    fixtures.mkdir()
    matching = {"match": {"userMessage": HELLO[0]["content"]}, "response": said}
    (fixtures / "hello.json").write_text(json.dumps({"fixtures": [matching]}))
    program = [node, str(Path(installed, CLI)), "-p", str(port), "-h", "127.0.0.1"]
    with serving([*program, "-f", str(fixtures)], port, folder / "log"):
        root = f"http://127.0.0.1:{port}"
        yield Served(f"{root}/v1", root)


Usage = tuple[int, int | None]


def chat_usage(answers: list[Any]) -> Usage:
    usage = answers[-1].usage
    return usage.prompt_tokens, usage.completion_tokens


def response_usage(answers: list[Any]) -> Usage:
    usage = getattr(answers[-1], "response", answers[-1]).usage
    return usage.input_tokens, usage.output_tokens


def message_usage(answers: list[Any]) -> Usage:
    if len(answers) == 1:
        return answers[0].usage.input_tokens, answers[0].usage.output_tokens
    (ended,) = [one for one in answers if one.type == "message_delta"]
    return answers[0].message.usage.input_tokens, ended.usage.output_tokens


def embedding_usage(answers: list[Any]) -> Usage:
    return answers[-1].usage.prompt_tokens, getattr(answers[-1].usage, "completion_tokens", None)


class Surface(NamedTuple):
    """A method, its arguments, how a caller reads its usage, and USD a million in and out."""

    sdk: str
    method: str
    arguments: dict[str, Any]
    usage: Callable[[list[Any]], Usage]
    rates: tuple[float, float]
    operation: str = "chat"


SURFACES = {
    "chat": Surface(
        "openai",
        "chat.completions.create",
        {"model": "gpt-4o-mini", "messages": HELLO},
        chat_usage,
        (0.15, 0.60),
    ),
    "responses": Surface(
        "openai",
        "responses.create",
        {"model": "gpt-4o-mini", "input": "Say hello to all"},
        response_usage,
        (0.15, 0.60),
    ),
    "embeddings": Surface(
        "openai",
        "embeddings.create",
        {"model": "text-embedding-3-small", "input": "Say hello to all"},
        embedding_usage,
        (0.02, 0.0),
        "embeddings",
    ),
    "messages": Surface(
        "anthropic",
        "messages.create",
        {"model": "claude-opus-4-5", "max_tokens": 50, "messages": HELLO},
        message_usage,
        (5.0, 25.0),
    ),
}
CASES = [
    (surface, streamed)
    for surface in SURFACES
    for streamed in (False, True)
    if not (streamed and surface == "embeddings")
]


def arguments_of(surface: str, streamed: bool) -> dict[str, Any]:
    asked = dict(SURFACES[surface].arguments)
    if streamed:
        asked["stream"] = True
    if streamed and surface == "chat":
        asked["stream_options"] = {"include_usage": True}
    return asked


def method_of(client: Any, surface: str) -> Any:
    found = client
    for name in SURFACES[surface].method.split("."):
        found = getattr(found, name)
    return found


def expect(span: Any, surface: str, streamed: bool, answers: list[Any]) -> None:
    """The span says what the caller read, and its price by the rates above."""
    found = attributes_of(span)
    tokens_in, tokens_out = SURFACES[surface].usage(answers)
    rate_in, rate_out = SURFACES[surface].rates
    assert span.name == f"{SURFACES[surface].operation} {SURFACES[surface].arguments['model']}"
    assert found["gen_ai.usage.input_tokens"] == tokens_in
    assert found.get("gen_ai.usage.output_tokens") == tokens_out
    assert found["costspan.cost.status"] == "priced"
    dollars = (tokens_in * rate_in + (tokens_out or 0) * rate_out) / 1e6
    assert found["costspan.cost.total"] == pytest.approx(dollars, abs=1e-12)
    assert ("gen_ai.response.time_to_first_chunk" in found) == streamed
    assert found["http.response.status_code"] == 200
    assert "error.type" not in found


def ask(server: Served, surface: str, streamed: bool) -> None:
    """One call of the sync client."""
    make: Any = openai.OpenAI if SURFACES[surface].sdk == "openai" else anthropic.Anthropic
    url = getattr(server, SURFACES[surface].sdk)
    with make(base_url=url, api_key="x", max_retries=0) as client, watched() as spans:
        got = method_of(client, surface)(**arguments_of(surface, streamed))
        answers = list(got) if streamed else [got]
        expect(spans.one(), surface, streamed, answers)


async def ask_async(server: Served, surface: str, streamed: bool) -> None:
    """One call of the async client."""
    sdk = SURFACES[surface].sdk
    make: Any = openai.AsyncOpenAI if sdk == "openai" else anthropic.AsyncAnthropic
    async with make(base_url=getattr(server, sdk), api_key="x", max_retries=0) as client:
        with watched() as spans:
            got = await method_of(client, surface)(**arguments_of(surface, streamed))
            answers = [one async for one in got] if streamed else [got]
            expect(spans.one(), surface, streamed, answers)


@pytest.mark.parametrize(("surface", "streamed"), CASES)
class TestLlmock:
    def test_sync(self, llmock: Served, surface: str, streamed: bool) -> None:
        """One span with llmock's numbers."""
        ask(llmock, surface, streamed)

    async def test_async(self, llmock: Served, surface: str, streamed: bool) -> None:
        """The same from an async client."""
        await ask_async(llmock, surface, streamed)


@pytest.mark.system
@pytest.mark.aimock
@pytest.mark.parametrize(("surface", "streamed"), CASES)
class TestAimock:
    def test_sync(self, aimock: Served, surface: str, streamed: bool) -> None:
        """One span with aimock's numbers."""
        ask(aimock, surface, streamed)

    async def test_async(self, aimock: Served, surface: str, streamed: bool) -> None:
        """The same from an async client."""
        await ask_async(aimock, surface, streamed)
