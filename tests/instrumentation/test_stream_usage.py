"""Usage of OpenAI chat streams: whom it is asked of, and when."""

from __future__ import annotations

import copy
from typing import Any

import openai
import pytest

from tests.instrumentation.answers import chat, sse
from tests.instrumentation.rig import Spans, attributes_of, watched
from tests.instrumentation.streamed import (
    ABSENT,
    ASK,
    COMPLETE,
    MINI,
    YES,
    asked,
    chats,
    sync_and_async,
)
from tests.instrumentation.wire import Wire, read_out

RAW = "X-Stainless-Raw-Response"

SENT: dict[str, tuple[dict[str, Any], Any]] = {
    "nothing said": ({}, YES),
    "no key": (
        {"stream_options": {"include_obfuscation": False}},
        {"include_obfuscation": False, "include_usage": True},
    ),
    "empty": ({"stream_options": {}}, YES),
    "no key in extra_body": (
        {"extra_body": {"stream_options": {"include_obfuscation": False}}},
        {"include_obfuscation": False, "include_usage": True},
    ),
    "extra_body about something else": ({"extra_body": {"top_k": 3}}, YES),
    "explicit yes": ({"stream_options": YES}, YES),
    "explicit no": ({"stream_options": {"include_usage": False}}, {"include_usage": False}),
    "explicit null": ({"stream_options": None}, None),
    "explicit null of the key": (
        {"stream_options": {"include_usage": None}},
        {"include_usage": None},
    ),
    "explicit no in extra_body": (
        {"extra_body": {"stream_options": {"include_usage": False}}},
        {"include_usage": False},
    ),
    "extra_body wins over the argument": (
        {"stream_options": {}, "extra_body": {"stream_options": {"include_usage": False}}},
        {"include_usage": False},
    ),
    "not streamed": ({"stream": False}, ABSENT),
    "raw response header": ({"extra_headers": {RAW: "true"}}, ABSENT),
    "raw response header, lower case": ({"extra_headers": {RAW.lower(): "stream"}}, ABSENT),
    "data sources": ({"extra_body": {"data_sources": [{"type": "azure_search"}]}}, ABSENT),
}


@pytest.mark.parametrize("case", SENT)
@sync_and_async
class TestAsking:
    """What is sent for what the caller said."""

    def test_chat(self, case: str, kind: Any, spans: Spans) -> None:
        """The key is added where the caller left it open; what was said explicitly stays."""
        said, sent = SENT[case]
        wire = Wire(chat(MINI))
        client = wire.openai(kind, api_key="k")
        if "raw" in case:
            # The header makes the SDK return a raw response, which is not looked into here.
            read_out(lambda: client.chat.completions.create(**ASK, **said))
        else:
            chats(client, **said)
        assert asked(wire) == sent
        assert len(wire.requests) == 1

    def test_callers_objects(self, case: str, kind: Any, spans: Spans) -> None:
        """The dicts that the caller handed over are afterwards what they were."""
        said, _ = SENT[case]
        before = copy.deepcopy(said)
        client = Wire(chat(MINI)).openai(kind, api_key="k")
        read_out(lambda: client.chat.completions.create(**{**ASK, **said}))
        assert said == before


@sync_and_async
def test_legacy_completions(kind: Any, spans: Spans) -> None:
    """The legacy completions are asked like the chats."""
    wire = Wire(chat("gpt-3.5-turbo-instruct"))
    client = wire.openai(kind, api_key="k")
    read_out(lambda: client.completions.create(**COMPLETE))
    assert asked(wire) == YES
    assert attributes_of(spans.one())["gen_ai.usage.input_tokens"] == 1000


@sync_and_async
def test_responses(kind: Any, spans: Spans) -> None:
    """Streams of the Responses API say their usage unasked."""
    wire = Wire(sse([]))
    client = wire.openai(kind, api_key="k")
    read_out(lambda: client.responses.create(model="gpt-4o-mini", input="Hello", stream=True))
    assert asked(wire) is ABSENT


def test_raw_wrappers(spans: Spans) -> None:
    """Who reads the response himself gets the one that he asked for."""
    wire = Wire(chat(MINI))
    completions = wire.openai(api_key="k").chat.completions
    list(completions.with_raw_response.create(**ASK).parse())
    with completions.with_streaming_response.create(**ASK) as response:
        lines = [line for line in response.iter_lines() if line]
    assert [asked(wire), asked(wire, 1)] == [ABSENT, ABSENT]
    assert len(lines) == 4  # three chunks and the end mark


def test_never() -> None:
    """With stream_usage="never" no host is asked, and the usage is not known."""
    wire = Wire(chat(MINI))
    with watched(stream_usage="never") as spans:
        chunks = chats(wire.openai(api_key="k"))
        found = attributes_of(spans.one())
    assert asked(wire) is ABSENT
    assert len(chunks) == 3
    assert found["costspan.cost.status"] == "unpriced"
    assert found["costspan.cost.missing"] == ("usage",)


HOSTS = {
    "https://api.openai.com/v1": True,
    "https://eu.api.openai.com/v1": True,
    "https://openrouter.ai/api/v1": True,
    "http://localhost:11434/v1": True,
    "https://llm.example.com/v1": False,
    "https://notapi.openai.com.example.com/v1": False,
    "https://fakeapi.openai.com/v1": False,
    "http://localhost:9999/v1": False,
}


@pytest.mark.parametrize("base_url", HOSTS)
def test_known_hosts(base_url: str, spans: Spans) -> None:
    """Only hosts that are known to understand the question are asked."""
    wire = Wire(chat(MINI))
    chats(wire.openai(api_key="k", base_url=base_url))
    assert (asked(wire) == YES) is HOSTS[base_url]


VERSIONS = {
    "2023-07-01-preview": False,
    "2024-06-01": False,
    "2024-08-01-preview": False,
    "2024-09-01-preview": True,
    "2024-10-21": True,
    "2025-04-01-preview": True,
}


class TestAzure:
    """Azure refuses what it does not know, so its version is looked at."""

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("kind", [openai.AzureOpenAI, openai.AsyncAzureOpenAI])
    def test_api_version(self, version: str, kind: Any, spans: Spans) -> None:
        """Asked from api-version 2024-09-01-preview on."""
        wire = Wire(chat(MINI))
        endpoint = "https://example.openai.azure.com"
        chats(wire.openai(kind, api_key="k", azure_endpoint=endpoint, api_version=version))
        assert (asked(wire) == YES) is VERSIONS[version]

    @pytest.mark.parametrize(
        ("path", "asks"), [("/openai/v1", True), ("/openai/deployments/d", False)]
    )
    def test_path(self, path: str, asks: bool, spans: Spans) -> None:
        """Without an api-version only the v1 path is asked."""
        wire = Wire(chat(MINI))
        url = f"https://example.openai.azure.com{path}"
        chats(wire.openai(api_key="k", base_url=url))
        assert (asked(wire) == YES) is asks

    def test_data_sources(self, spans: Spans) -> None:
        """Chats "on your data" are not asked, whatever the version."""
        wire = Wire(chat(MINI))
        url = "https://example.openai.azure.com/openai/v1"
        chats(wire.openai(api_key="k", base_url=url), extra_body={"data_sources": []})
        assert asked(wire) is ABSENT
