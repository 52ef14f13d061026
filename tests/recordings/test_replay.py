"""Every recorded OpenAI and Anthropic response, replayed through the real SDK to its span."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit
from zlib import crc32

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from costspan import Instrumentor
from tests.conventions.checker import check
from tests.instrumentation.rig import Spans
from tests.instrumentation.wire import Wire
from tests.recordings.expected import EXPECTED, Expected
from tests.recordings.replay import Recording, bound, client_for

pytestmark = pytest.mark.recordings

TOKENS = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_write.input_tokens",
    "cache_write_1h_tokens": "costspan.usage.cache_write_1h.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "input_audio_tokens": "gen_ai.usage.audio.input_tokens",
    "output_audio_tokens": "gen_ai.usage.audio.output_tokens",
    "web_searches": "costspan.usage.web_searches",
}
FREE_OF_USAGE = ("fetch_response", "count_tokens")
ASYNC = [name for name in EXPECTED if crc32(name.encode()) % 3 == 0]


@contextmanager
def _raises(error: str | None, raised: list[BaseException]) -> Iterator[None]:
    """Lets through, and keeps, the one exception that the recording leads to."""
    try:
        yield
    except Exception as exc:
        if error is None:
            raise
        raised.append(exc)


def _replay(file: Path, want: Expected, raised: list[BaseException]) -> Wire:
    recording = Recording.read(file)
    wire = Wire(recording.answer)
    with client_for(wire, recording, str(want.base_url), asynchronous=False) as client:
        call = bound(client, recording)
        with warnings.catch_warnings(), _raises(want.error, raised):
            warnings.simplefilter("ignore", DeprecationWarning)  # models of their time
            result = call()
            if want.stream:
                list(result)
    return wire


async def _replay_async(file: Path, want: Expected, raised: list[BaseException]) -> Wire:
    recording = Recording.read(file)
    wire = Wire(recording.answer)
    async with client_for(wire, recording, str(want.base_url), asynchronous=True) as client:
        call = bound(client, recording)
        with warnings.catch_warnings(), _raises(want.error, raised):
            warnings.simplefilter("ignore", DeprecationWarning)
            result = await call()
            if want.stream:
                [chunk async for chunk in result]
    return wire


def test_every_recording_has_its_expectation(recordings: Path) -> None:
    """A recording without an expected span, or the other way round, is a gap."""
    files = {
        f"{folder}/{file.name}"
        for folder in ("openai", "anthropic")
        for file in (recordings / folder).glob("*.json")
    }
    assert files == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED, ids=EXPECTED)
def test_recording(name: str, recordings: Path, spans: Spans) -> None:
    """The sync SDK's replay makes exactly the expected span and price."""
    raised: list[BaseException] = []
    wire = _replay(recordings / name, EXPECTED[name], raised)
    _judge(recordings / name, EXPECTED[name], wire, raised, spans.all())


@pytest.mark.parametrize("name", ASYNC, ids=ASYNC)
async def test_recording_async(name: str, recordings: Path, spans: Spans) -> None:
    """The async SDK's replay makes exactly the expected span and price."""
    raised: list[BaseException] = []
    wire = await _replay_async(recordings / name, EXPECTED[name], raised)
    _judge(recordings / name, EXPECTED[name], wire, raised, spans.all())


def _judge(
    file: Path,
    want: Expected,
    wire: Wire,
    raised: list[BaseException],
    spans: list[ReadableSpan],
) -> None:
    recording = Recording.read(file)
    assert [request.url.path for request in wire.requests] == [recording.path]
    assert [_name(exc) for exc in raised] == ([] if want.error is None else [want.error])
    if not want.span:
        assert spans == []
        assert Instrumentor().costs.records == []
        return
    (span,) = spans
    assert check(span) == []
    _judge_request(span, want)
    _judge_answer(span, want, recording)
    _judge_cost(span, want)


def _name(exc: BaseException) -> str:
    return f"{type(exc).__module__}.{type(exc).__qualname__}"


def _judge_request(span: ReadableSpan, want: Expected) -> None:
    found = span.attributes
    assert found.get("gen_ai.operation.name") == want.operation
    assert found.get("gen_ai.provider.name") == want.provider
    assert found.get("gen_ai.request.model") == want.request_model
    assert found.get("gen_ai.request.stream", False) is want.stream
    assert found.get("server.address") == urlsplit(want.base_url).hostname
    assert "server.port" not in found


def _judge_answer(span: ReadableSpan, want: Expected, recording: Recording) -> None:
    found = span.attributes
    said_id = want.response_id
    if want.operation == "fetch_response":
        said_id = recording.path.rpartition("/")[2]
        assert said_id == want.response_id
    assert found.get("gen_ai.response.id") == said_id
    assert found.get("gen_ai.response.model") == want.response_model
    assert found.get("gen_ai.response.finish_reasons") == want.finish_reasons
    assert found.get("http.response.status_code") == want.status
    header = "request-id" if want.provider == "anthropic" else "x-request-id"
    # Where the recording blanked the id there is none.
    assert found.get("costspan.request.id") == (recording.answer.headers.get(header) or None)
    assert found.get("error.type") == want.error
    wanted = StatusCode.UNSET if want.error is None else StatusCode.ERROR
    assert span.status.status_code is wanted
    tier = "costspan.service_tier" if want.provider == "anthropic" else _OPENAI_TIER
    assert found.get(tier) == want.service_tier
    _judge_usage(span, want)


_OPENAI_TIER = "openai.response.service_tier"


def _judge_usage(span: ReadableSpan, want: Expected) -> None:
    found = span.attributes
    if want.operation in FREE_OF_USAGE:
        assert [name for name in found if name.startswith("gen_ai.usage.")] == []
        return
    counts = {field: found.get(attribute) for field, attribute in TOKENS.items()}
    assert counts == {field: getattr(want, field) for field in TOKENS}


def _judge_cost(span: ReadableSpan, want: Expected) -> None:
    found = span.attributes
    (record,) = Instrumentor().costs.records
    assert (record.status, record.missing) == (want.cost_status, want.missing)
    assert found.get("costspan.cost.status") == want.cost_status
    assert found.get("costspan.settles_response", False) is want.settles
    if want.settles or want.operation not in FREE_OF_USAGE:
        counted = (record.input_tokens, record.output_tokens)
        assert counted == (want.input_tokens, want.output_tokens)
    assert found.get("costspan.cost.missing", ()) == want.missing
    if want.usd is None:
        assert record.cost_usd is None
        assert [name for name in found if name.startswith("gen_ai.usage.cost")] == []
        assert "costspan.cost.total" not in found
        return
    assert record.cost_usd == Decimal(want.usd)
    assert found["costspan.cost.total"] == float(want.usd)
    assert found["costspan.cost.currency"] == "USD"
