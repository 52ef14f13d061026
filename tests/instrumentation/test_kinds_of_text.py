"""Strings and numbers of other classes than Python's own, such as enums and those of NumPy."""

import enum
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from costspan import CostTracker, attribution, record_call
from tests.instrumentation.rig import (
    ASK,
    answer_chat,
    attributes_of,
    openai_client,
    watched,
)


class Enumerated(str, enum.Enum):  # noqa: UP042 - it formats otherwise than a StrEnum
    MINI = "gpt-4o-mini"


class Kind(str):
    """As a template engine or NumPy has them."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return "odd"

    __str__ = __repr__ = lambda self: "odd"


class Half(float):
    __slots__ = ()


class Whole(int):
    pass


KINDS = [Enumerated.MINI, Kind("gpt-4o-mini")]
"""Both are `"gpt-4o-mini"` to whoever compares them or sends them as JSON."""


def lines_of(folder: Path) -> list[dict[str, Any]]:
    (file,) = folder.iterdir()
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model(kind: Any, tmp_path: Path) -> None:
    """It is told by its value, also where no answer names the model."""
    refuse = openai_client(lambda request: httpx2.Response(500, json={}))
    with watched(local=tmp_path) as spans, refuse as client:
        with pytest.raises(Exception, match="500"):
            client.chat.completions.create(**{**ASK, "model": kind, "stop": [kind]})
        span = spans.one()
    found = attributes_of(span)
    assert span.name == "chat gpt-4o-mini"
    assert type(found["gen_ai.request.model"]) is str
    assert type(found["gen_ai.request.stop_sequences"][0]) is str
    assert lines_of(tmp_path)[0]["model"] == "gpt-4o-mini"


@pytest.mark.parametrize("kind", KINDS)
def test_an_attribution(kind: Any, tmp_path: Path) -> None:
    costs = CostTracker()
    with watched(local=tmp_path, costs=costs) as spans, openai_client(answer_chat) as client:
        with attribution(agent=kind, session=kind, user=kind, endpoint=kind, tags={kind: kind}):
            client.chat.completions.create(**ASK)
        found = attributes_of(spans.one())
    (line,) = lines_of(tmp_path)
    assert line["agent"] == line["session_id"] == line["user_id"] == "gpt-4o-mini"
    assert line["tags"] == {"gpt-4o-mini": "gpt-4o-mini"}
    assert list(costs.summary(by="tag:gpt-4o-mini")) == ["gpt-4o-mini"]
    assert {type(name) for name in found} == {str}
    assert type(found["gen_ai.agent.name"]) is type(found["costspan.tag.gpt-4o-mini"]) is str


@pytest.mark.parametrize(("number", "told"), [(Half(0.5), 0.5), (Whole(3), 3), (True, True)])
def test_a_tag_that_is_a_number(number: Any, told: Any, tmp_path: Path) -> None:
    with watched(local=tmp_path) as spans, openai_client(answer_chat) as client:
        with attribution(tags={"score": number}):
            client.chat.completions.create(**ASK)
        found = attributes_of(spans.one())
    assert lines_of(tmp_path)[0]["tags"] == {"score": told}
    assert type(found["costspan.tag.score"]) is type(told)


@pytest.mark.parametrize("kind", KINDS)
def test_a_recorded_call(kind: Any, tmp_path: Path) -> None:
    with watched(local=tmp_path) as spans:
        with record_call(model=kind, provider=Kind("openai"), operation=Kind("chat")) as call:
            call.set_usage(model=kind, service_tier=kind, input_tokens=1000, output_tokens=200)
        span = spans.one()
    (line,) = lines_of(tmp_path)
    assert span.name == "chat gpt-4o-mini"
    assert (line["model"], line["service_tier"]) == ("gpt-4o-mini", "gpt-4o-mini")


def test_a_recorded_call_of_half_a_character() -> None:
    """A name that no exporter can write would take the spans beside it with it."""
    with watched() as spans:
        with record_call(model="m-\ud83d") as call:
            call.set_usage(input_tokens=1, output_tokens=1)
        (resource,) = encode_spans(spans.all()).resource_spans
    assert resource.scope_spans[0].spans[0].name == "chat m-?"


def test_what_a_provider_says_of_an_error() -> None:
    """Half a character in it, and in a stop sequence, is no text that could be sent."""
    content = rb'{"error": {"code": "half-\ud83d", "message": "no"}}'
    kind = {"content-type": "application/json"}
    refuse = openai_client(lambda request: httpx2.Response(400, content=content, headers=kind))
    with watched() as spans, refuse as client:
        with pytest.raises(Exception, match="no"):
            client.chat.completions.create(**ASK)
        with pytest.raises(UnicodeEncodeError):
            client.chat.completions.create(**ASK, stop=["half-\ud83d"])
        refused, unsent = map(attributes_of, spans.wait(2))
    assert refused["costspan.error.code"] == "half-?"
    assert unsent["gen_ai.request.stop_sequences"] == ("half-?",)
