"""Traces in Jaeger, found through its query API by what costspan writes on spans."""

import json
import urllib.parse
import urllib.request
from typing import Any

import pytest

from costspan.testing import LLMServer
from tests.servers.programs import ended, started
from tests.servers.running import Server, awaited, needs_jaeger

pytestmark = [*needs_jaeger, pytest.mark.runs("jaeger/jaeger.yaml")]

CALLS = """
call(agent="code_reviewer")
call(model="a-model-of-our-own", agent="writer")
call("status=500", agent="writer")
usage = {"include_usage": True}
call("tokens=1000/200;pause=0.01", agent="writer", stream=True, stream_options=usage)
"""


def asked(jaeger: Server, path: str, **query: str) -> Any:
    """The `data` of an answer of the query API."""
    url = f"http://{jaeger.at['JAEGER_HTTP']}/api/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["data"]


def found(jaeger: Server, service: str, **tags: str) -> list[dict[str, Any]]:
    """The spans of the traces of a service that have a span with these tags."""
    query = {"tags": json.dumps(tags)} if tags else {}
    traces = asked(jaeger, "traces", service=service, limit="100", **query)
    return [span for trace in traces for span in trace["spans"]]


def tags_of(span: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """Jaeger's tags: a type in its words, and a value."""
    return {tag["key"]: (tag["type"], tag["value"]) for tag in span["tags"]}


@pytest.fixture(scope="module", params=["http/protobuf", "grpc"])
def service(
    request: pytest.FixtureRequest, jaeger: Server, server: LLMServer
) -> tuple[Server, str]:
    """Jaeger with the four calls of a service, each a trace of its own, and the service's name."""
    name = f"calls-by-{request.param[:4]}"
    ended(
        started(
            CALLS,
            server.openai_url,
            OTEL_SERVICE_NAME=name,
            OTEL_EXPORTER_OTLP_PROTOCOL=request.param,
            OTEL_EXPORTER_OTLP_ENDPOINT=jaeger.grpc if request.param == "grpc" else jaeger.http,
        )
    )

    def all_four() -> bool:
        return name in asked(jaeger, "services") and len(found(jaeger, name)) == 4

    awaited(all_four, "four traces in Jaeger")
    return jaeger, name


@pytest.mark.parametrize(
    ("tag", "value", "operation"),
    [
        ("costspan.cost.status", "unpriced", "chat a-model-of-our-own"),
        ("gen_ai.agent.name", "code_reviewer", "chat gpt-4o-mini"),
        ("error", "true", "chat gpt-4o-mini"),
        ("gen_ai.request.stream", "true", "chat gpt-4o-mini"),
    ],
)
def test_a_tag_finds_its_trace(
    service: tuple[Server, str], tag: str, value: str, operation: str
) -> None:
    (span,) = found(*service, **{tag: value})

    assert span["operationName"] == operation
    if tag != "error":
        assert str(tags_of(span)[tag][1]).lower() == value


def test_the_cost_is_a_number(service: tuple[Server, str]) -> None:
    """1,000 tokens in and 200 out of gpt-4o-mini, to the last digit."""
    (span,) = found(*service, **{"gen_ai.agent.name": "code_reviewer"})
    tags = tags_of(span)

    assert tags["costspan.cost.total"] == ("float64", 0.00027)
    assert tags["gen_ai.usage.input_tokens"] == ("int64", 1000)
    assert tags["span.kind"] == ("string", "client")
    assert "error" not in tags


def test_a_failed_call_says_what_failed(service: tuple[Server, str]) -> None:
    (span,) = found(*service, error="true")
    tags = tags_of(span)

    assert tags["error"] == ("bool", True)
    assert tags["error.type"] == ("string", "openai.InternalServerError")
    assert tags["http.response.status_code"] == ("int64", 500)


def test_a_stream_has_its_time_to_first_token(service: tuple[Server, str]) -> None:
    (span,) = found(*service, **{"gen_ai.request.stream": "true"})
    kind, seconds = tags_of(span)["costspan.time_to_first_token"]

    assert kind == "float64"
    assert 0 < seconds < span["duration"] / 1e6


def test_a_word_that_no_span_has_finds_nothing(service: tuple[Server, str]) -> None:
    """The filter filters."""
    assert found(*service, **{"costspan.cost.status": "no such status"}) == []
