"""Each platform and compatible host, by its own client: who bills, where, and for how much."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import anthropic
import openai
import pytest
from opentelemetry.trace import StatusCode

from costspan import Instrumentor
from tests.instrumentation.answers import throttled
from tests.instrumentation.platforms import ANTHROPIC_PLATFORMS, OPENAI_PLATFORMS, Platform
from tests.instrumentation.rig import Spans, attributes_of
from tests.instrumentation.wire import Wire, read_out

PLATFORMS = {**OPENAI_PLATFORMS, **ANTHROPIC_PLATFORMS}
HI: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture(autouse=True)
def no_cloud_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and regions of this machine must not reach a client."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(name, raising=False)


def client_of(platform: Platform, wire: Wire, *, asynchronous: bool) -> Any:
    """The platform's own client, on an in-memory wire."""
    make = wire.openai if platform.sdk == "openai" else wire.anthropic
    return make(platform.kinds[asynchronous], **platform.options)


def ask(platform: Platform, client: Any, *, beta: bool = False, **more: Any) -> Any:
    """One chat with the platform's model, read to its end."""
    if platform.sdk == "openai":
        create = client.chat.completions.create
    else:
        create = client.beta.messages.create if beta else client.messages.create
        more["max_tokens"] = 50
    return read_out(lambda: create(model=platform.model, messages=HI, **more))


def assert_place(found: dict[str, Any], platform: Platform) -> None:
    """Who bills, where the call went, and what was asked of whom."""
    assert found["gen_ai.provider.name"] == platform.provider
    assert found["server.address"] == platform.address
    assert found.get("server.port") == platform.port
    assert found["gen_ai.request.model"] == platform.model


def assert_priced(found: dict[str, Any], usd: str | None) -> None:
    """The price on the span and in the record, exactly; None for a model that no row has."""
    (record,) = Instrumentor().costs.records
    if usd is None:
        assert found["costspan.cost.status"] == record.status == "unpriced"
        assert found["costspan.cost.missing"] == ("price",)
        assert "costspan.cost.total" not in found
        return
    assert found["costspan.cost.status"] == record.status == "priced"
    assert record.cost_usd == Decimal(usd)
    assert found["costspan.cost.total"] == float(usd)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("name", PLATFORMS)
class TestPlatform:
    """The same three calls at every place."""

    def test_plain(self, name: str, asynchronous: bool, spans: Spans) -> None:
        """An answer is priced at the rates of the platform that bills it."""
        platform = PLATFORMS[name]
        wire = Wire(platform.answer(platform.answered))
        answer = ask(platform, client_of(platform, wire, asynchronous=asynchronous))
        assert answer.model == platform.answered
        found = attributes_of(spans.one())
        assert_place(found, platform)
        assert found["gen_ai.response.model"] == platform.answered
        assert found["gen_ai.usage.input_tokens"] == 1000
        assert found["gen_ai.usage.output_tokens"] == 200
        assert_priced(found, platform.usd)

    def test_streamed(self, name: str, asynchronous: bool, spans: Spans) -> None:
        """A stream is priced where its usage is given, which only known hosts are asked for."""
        platform = PLATFORMS[name]
        wire = Wire(platform.answer(platform.answered))
        ask(platform, client_of(platform, wire, asynchronous=asynchronous), stream=True)
        found = attributes_of(spans.one())
        assert_place(found, platform)
        assert found["gen_ai.request.stream"] is True
        assert found["gen_ai.response.model"] == platform.answered
        assert found["gen_ai.response.time_to_first_chunk"] >= 0
        assert ("stream_options" in wire.bodies[0]) is platform.asks
        if platform.asks or platform.sdk == "anthropic":
            assert found["gen_ai.usage.input_tokens"] == 1000
            assert found["gen_ai.usage.output_tokens"] == 200
            assert_priced(found, platform.usd)
        else:
            assert "gen_ai.usage.input_tokens" not in found
            assert found["costspan.cost.missing"] == ("usage",)

    @pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
    def test_throttled(self, name: str, asynchronous: bool, stream: bool, spans: Spans) -> None:
        """A 429 is an error that costs nothing, by the same names."""
        platform = PLATFORMS[name]
        client = client_of(platform, Wire(throttled), asynchronous=asynchronous)
        sdk: Any = openai if platform.sdk == "openai" else anthropic
        with pytest.raises(sdk.RateLimitError):
            ask(platform, client, stream=stream)
        span = spans.one()
        found = attributes_of(span)
        assert_place(found, platform)
        assert span.status.status_code is StatusCode.ERROR
        assert found["error.type"] == f"{platform.sdk}.RateLimitError"
        assert found["http.response.status_code"] == 429
        assert found["costspan.cost.status"] == "not_billed"
        assert found["costspan.cost.total"] == 0


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("name", ANTHROPIC_PLATFORMS)
def test_beta_messages(name: str, stream: bool, asynchronous: bool, spans: Spans) -> None:
    """Beta messages of Bedrock and Vertex are classes of their own, and are seen all the same."""
    platform = ANTHROPIC_PLATFORMS[name]
    client = client_of(
        platform, Wire(platform.answer(platform.answered)), asynchronous=asynchronous
    )
    ask(platform, client, beta=True, stream=stream)
    found = attributes_of(spans.one())
    assert_place(found, platform)
    assert_priced(found, platform.usd)


def test_base_url_may_change(spans: Spans) -> None:
    """The host is that of the moment of the call, not that of the client's making."""
    platform = OPENAI_PLATFORMS["openai"]
    client = client_of(platform, Wire(platform.answer(platform.answered)), asynchronous=False)
    ask(platform, client)
    client.base_url = "https://api.groq.com/openai/v1"
    ask(platform, client)
    providers = [attributes_of(span)["gen_ai.provider.name"] for span in spans.all()]
    assert providers == ["openai", "groq"]
