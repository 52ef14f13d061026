"""Attributes of a call: the names we write, in literals; what is not known is absent."""

from decimal import Decimal

import pytest

from costspan import semconv
from costspan.attributed import NOBODY, Attribution
from costspan.call import NOT_BILLED, Call, Cost, Request, Response, Usage

REQUEST = Request(
    operation="chat",
    provider="openai",
    api="openai",
    model="gpt-4o-mini",
    server_address="api.openai.com",
    server_port=443,
)


def call(**facts) -> Call:
    return Call(
        **{"request": REQUEST, "started_at": 0, "ended_at": 10**9, "runtime_seconds": 1.0, **facts}
    )


class TestSpanName:
    @pytest.mark.parametrize(
        ("request_", "name"),
        [
            (REQUEST, "chat gpt-4o-mini"),
            (Request(operation="embeddings", provider="openai", model="m"), "embeddings m"),
            (Request(operation="moderation", provider="openai"), "moderation"),
            (Request(operation="fetch_response", provider="openai", model="m"), "fetch_response"),
        ],
    )
    def test_it_is_the_operation_and_its_model(self, request_: Request, name: str):
        assert semconv.span_name(request_) == name


class TestRequest:
    def test_a_plain_one(self):
        assert semconv.opening_attributes(REQUEST, NOBODY) == {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "server.address": "api.openai.com",
        }

    def test_the_least_there_can_be(self):
        bare = Request(operation="chat", provider="mine")
        assert semconv.opening_attributes(bare, NOBODY) == {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "mine",
        }

    def test_a_port_that_is_not_the_usual_one(self):
        local = Request(operation="chat", provider="vllm", server_address="box", server_port=8000)
        found = semconv.opening_attributes(local, NOBODY)
        assert (found["server.address"], found["server.port"]) == ("box", 8000)

    def test_a_stream_says_so_and_a_plain_call_does_not(self):
        stream = Request(operation="chat", provider="openai", stream=True)
        assert semconv.parameter_attributes(stream) == {"gen_ai.request.stream": True}
        assert semconv.parameter_attributes(REQUEST) == {}

    @pytest.mark.parametrize(
        ("key", "value", "name"),
        [
            ("temperature", 0.0, "gen_ai.request.temperature"),
            ("top_p", 0.5, "gen_ai.request.top_p"),
            ("top_k", 40, "gen_ai.request.top_k"),
            ("max_tokens", 0, "gen_ai.request.max_tokens"),
            ("frequency_penalty", 0.0, "gen_ai.request.frequency_penalty"),
            ("presence_penalty", -1.0, "gen_ai.request.presence_penalty"),
            ("stop_sequences", ("a", "b"), "gen_ai.request.stop_sequences"),
            ("seed", 0, "gen_ai.request.seed"),
            ("choice_count", 3, "gen_ai.request.choice.count"),
            ("encoding_formats", ("base64",), "gen_ai.request.encoding_formats"),
            ("reasoning_level", "high", "gen_ai.request.reasoning.level"),
            ("previous_response_id", "resp_1", "gen_ai.request.previous_response.id"),
            ("output_type", "json", "gen_ai.output.type"),
            ("dimensions", 256, "gen_ai.embeddings.dimension.count"),
            ("conversation_id", "conv_1", "gen_ai.conversation.id"),
            ("service_tier", "flex", "openai.request.service_tier"),
            ("api_type", "responses", "openai.api.type"),
        ],
    )
    def test_each_parameter(self, key: str, value: object, name: str):
        asked = Request(operation="chat", provider="openai", parameters={key: value})
        assert semconv.parameter_attributes(asked) == {name: value}


def test_attribution():
    who = Attribution(
        agent="ann",
        session="s1",
        user="u1",
        endpoint="/ask",
        tags={"team": "search", "night": False, "size": 0, "share": 0.5},
    )
    assert semconv.attribution_attributes(who) == {
        "gen_ai.agent.name": "ann",
        "session.id": "s1",
        "user.id": "u1",
        "costspan.endpoint": "/ask",
        "costspan.tag.team": "search",
        "costspan.tag.night": False,
        "costspan.tag.size": 0,
        "costspan.tag.share": 0.5,
    }
    assert semconv.attribution_attributes(NOBODY) == {}


class TestUsage:
    def test_nothing_reported_is_nothing_written(self):
        assert semconv.usage_attributes(Usage()) == {}

    def test_a_reported_nothing_is_written(self):
        assert semconv.usage_attributes(Usage(input_tokens=0, cache_read_tokens=0)) == {
            "gen_ai.usage.input_tokens": 0,
            "gen_ai.usage.cache_read.input_tokens": 0,
        }

    def test_every_count_but_the_total(self):
        names = [name for name in Usage.__struct_fields__ if name != "total_tokens"]
        usage = Usage(total_tokens=99, **{name: place for place, name in enumerate(names)})
        assert semconv.usage_attributes(usage) == {
            "gen_ai.usage.input_tokens": 0,
            "gen_ai.usage.output_tokens": 1,
            "gen_ai.usage.cache_read.input_tokens": 2,
            "gen_ai.usage.cache_write.input_tokens": 3,
            "costspan.usage.cache_write_1h.input_tokens": 4,
            "costspan.usage.cache_write_30m.input_tokens": 5,
            "costspan.usage.cache_write_12h.input_tokens": 6,
            "gen_ai.usage.reasoning.output_tokens": 7,
            "gen_ai.usage.text.input_tokens": 8,
            "gen_ai.usage.audio.input_tokens": 9,
            "gen_ai.usage.image.input_tokens": 10,
            "gen_ai.usage.audio.cache_read.input_tokens": 11,
            "gen_ai.usage.image.cache_read.input_tokens": 12,
            "gen_ai.usage.text.output_tokens": 13,
            "gen_ai.usage.audio.output_tokens": 14,
            "gen_ai.usage.image.output_tokens": 15,
            "costspan.usage.web_searches": 16,
            "costspan.usage.storage_searches": 17,
            "costspan.usage.code_executions": 18,
            "costspan.usage.video.input_tokens": 19,
            "costspan.usage.video.cache_read.input_tokens": 20,
            "costspan.usage.video.output_tokens": 21,
            "costspan.usage.citation.output_tokens": 22,
            "costspan.usage.input_characters": 23,
            "costspan.usage.audio_seconds": 24,
            "costspan.usage.input_audio_seconds": 25,
            "costspan.usage.output_audio_seconds": 26,
            "costspan.usage.input_document_pages": 27,
            "costspan.usage.input_annotated_document_pages": 28,
            "costspan.usage.output_images": 29,
            "costspan.usage.input_text_messages": 30,
            "costspan.usage.social_searches": 31,
            "costspan.usage.rerank_searches": 32,
        }


class TestResponse:
    def test_all_that_an_answer_says(self):
        answer = Response(
            id="chatcmpl-1",
            model="gpt-4o-mini-2024-07-18",
            finish_reasons=("stop", "length"),
            usage=Usage(input_tokens=1, output_tokens=0),
            service_tier="default",
            system_fingerprint="fp_1",
            status="completed",
        )
        assert semconv.call_attributes(call(response=answer), None) == {
            "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
            "gen_ai.response.finish_reasons": ("stop", "length"),
            "gen_ai.usage.input_tokens": 1,
            "gen_ai.usage.output_tokens": 0,
            "openai.response.service_tier": "default",
            "openai.response.system_fingerprint": "fp_1",
        }

    def test_an_answer_that_says_nothing(self):
        assert semconv.call_attributes(call(response=Response()), None) == {}
        assert semconv.call_attributes(call(), None) == {}

    def test_the_tier_of_another_provider_has_our_name(self):
        other = Request(operation="chat", provider="anthropic", api="anthropic")
        found = semconv.call_attributes(
            call(request=other, response=Response(service_tier="batch")), None
        )
        assert found == {"costspan.service_tier": "batch"}

    def test_a_fetched_answer_has_its_state_and_no_usage(self):
        fetch = Request(operation="fetch_response", provider="openai", api="openai")
        answer = Response(id="resp_1", status="completed", usage=Usage(input_tokens=1))
        found = semconv.call_attributes(
            call(request=fetch, response=answer, settles_response=True),
            Cost(status="priced", total=10**6, input=10**6, output=0),
        )
        assert found == {
            "gen_ai.response.id": "resp_1",
            "gen_ai.response.status": "completed",
            "costspan.settles_response": True,
            "costspan.cost.status": "priced",
            "costspan.cost.total": 1e-6,
            "costspan.cost.currency": "USD",
            "costspan.cost.input": 1e-6,
            "costspan.cost.output": 0.0,
        }

    def test_a_correction_names_the_span_that_it_corrects(self):
        fetch = Request(operation="fetch_response", provider="openai", api="openai")
        answer = Response(status="completed", usage=Usage(input_tokens=-5))
        found = semconv.call_attributes(
            call(request=fetch, response=answer, settles_response=True, corrects=0xABC),
            Cost(status="priced", total=-(10**6), input=-(10**6), output=0),
        )
        assert found["costspan.corrects"] == "0000000000000abc"
        assert found["costspan.cost.total"] == found["costspan.cost.input"] == -1e-6
        assert not [name for name in found if name.startswith("gen_ai.usage")]

    def test_a_guess_is_never_under_the_name_of_a_fact(self):
        told = Response(usage=Usage(input_tokens=10))
        found = semconv.call_attributes(
            call(response=told, estimated=Usage(output_tokens=3)),
            Cost(status="estimated", total=10**6, missing=("output_tokens",)),
        )
        assert found["gen_ai.usage.input_tokens"] == 10
        assert "gen_ai.usage.output_tokens" not in found
        assert found["costspan.usage.estimated.output_tokens"] == 3
        assert "costspan.usage.estimated.input_tokens" not in found
        assert found["costspan.cost.status"] == "estimated"


def test_what_happened_on_the_way():
    found = semconv.call_attributes(
        call(
            time_to_first_chunk=0.0,
            time_to_first_token=0.25,
            http_status=200,
            retries=2,
            request_id="req_1",
            outcome="failed",
            error="openai.APIError",
            error_code="server_error",
        ),
        None,
    )
    assert found == {
        "gen_ai.response.time_to_first_chunk": 0.0,
        "costspan.time_to_first_token": 0.25,
        "http.response.status_code": 200,
        "http.request.resend_count": 2,
        "costspan.request.id": "req_1",
        "error.type": "openai.APIError",
        "costspan.error.code": "server_error",
    }


def test_no_retry_is_no_count():
    assert semconv.call_attributes(call(retries=0), None) == {}


def test_a_stream_that_was_left():
    found = semconv.call_attributes(call(outcome="abandoned"), None)
    assert found == {"costspan.stream.outcome": "abandoned"}


class TestCost:
    def test_a_price_with_its_parts_and_where_it_comes_from(self):
        cost = Cost(
            status="priced",
            total=270_000_000,
            input=150_000_000,
            cache_read=0,
            cache_write=0,
            output=120_000_000,
            tools=0,
            model="gpt-4o-mini",
            match="exact",
            prices_as_of="genai-prices 0.2.3",
        )
        assert semconv.call_attributes(call(), cost) == {
            "costspan.cost.status": "priced",
            "costspan.cost.total": 0.00027,
            "costspan.cost.currency": "USD",
            "costspan.cost.input": 0.00015,
            "costspan.cost.output": 0.00012,
            "costspan.cost.model": "gpt-4o-mini",
            "costspan.cost.match": "exact",
            "costspan.cost.prices_as_of": "genai-prices 0.2.3",
            "gen_ai.usage.cost.amount": 0.00027,
            "gen_ai.usage.cost.currency": "USD",
            "gen_ai.usage.cost.source": "local",
        }

    def test_parts_that_are_something_are_written(self):
        cost = Cost(status="priced", total=6, input=0, cache_read=1, cache_write=2, tools=3)
        found = semconv.call_attributes(call(), cost)
        assert found["costspan.cost.input"] == 0.0
        assert found["costspan.cost.cache_read"] == 1e-12
        assert found["costspan.cost.cache_write"] == 2e-12
        assert found["costspan.cost.tools"] == 3e-12
        assert "costspan.cost.output" not in found

    def test_the_providers_own_figure(self):
        cost = Cost(status="priced", total=10**12, match="provider")
        found = semconv.call_attributes(call(), cost)
        assert found["gen_ai.usage.cost.source"] == "provider"
        assert found["costspan.cost.total"] == 1.0
        assert "costspan.cost.input" not in found

    def test_no_price_is_no_figure(self):
        found = semconv.call_attributes(call(), Cost(status="unpriced", missing=("price",)))
        assert found == {"costspan.cost.status": "unpriced", "costspan.cost.missing": ("price",)}

    def test_what_is_free_is_a_known_nothing(self):
        assert semconv.call_attributes(call(), NOT_BILLED) == {
            "costspan.cost.status": "not_billed",
            "costspan.cost.total": 0.0,
            "costspan.cost.currency": "USD",
        }

    def test_what_is_lacking_is_named(self):
        cost = Cost(status="partial", total=1, missing=("output_tokens",))
        found = semconv.call_attributes(call(), cost)
        assert found["costspan.cost.status"] == "partial"
        assert found["costspan.cost.missing"] == ("output_tokens",)

    @pytest.mark.parametrize("picos", [1, 270_000_000, 123_456_789_012_345_678])
    def test_a_figure_is_the_nearest_double(self, picos: int):
        found = semconv.call_attributes(call(), Cost(status="priced", total=picos))
        assert found["costspan.cost.total"] == float(Decimal(picos).scaleb(-12))
