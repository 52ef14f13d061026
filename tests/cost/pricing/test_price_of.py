"""price_of: any answer of a known shape, as the SDK's object or as a dict, without instrument()."""

from decimal import Decimal
from typing import Any

import anthropic.types
import openai.types
import openai.types.chat
import openai.types.responses
import pytest
from google.genai import types as gemini_types

from costspan import ConfigurationError, price_of
from costspan.call import Usage

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "gpt-4o-2024-08-06",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}
    ],
    "usage": {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "total_tokens": 1100,
        "prompt_tokens_details": {"cached_tokens": 600},
    },
}
"""400 x 2.50 + 600 x 1.25 + 100 x 10"""

RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "model": "gpt-5-2025-08-07",
    "service_tier": "flex",
    "output": [
        {
            "type": "web_search_call",
            "id": "ws_1",
            "status": "completed",
            "action": {"type": "search", "query": "weather"},
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 1000,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 500,
        "output_tokens_details": {"reasoning_tokens": 448},
        "total_tokens": 1500,
    },
}
"""1000 x 0.625 + 500 x 5, and one search at 10 USD a thousand"""

EMBEDDINGS = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
    "usage": {"prompt_tokens": 1000, "total_tokens": 1000},
}
"""1000 x 0.02"""

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-5-20251101",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 1000,
        "cache_read_input_tokens": 3000,
        "cache_creation_input_tokens": 2000,
        "cache_creation": {"ephemeral_5m_input_tokens": 1500, "ephemeral_1h_input_tokens": 500},
        "output_tokens": 100,
    },
}
"""1000 x 5 + 3000 x 0.50 + 1500 x 6.25 + 500 x 10 + 100 x 25"""

CONTENT = {
    "responseId": "r1",
    "modelVersion": "gemini-2.5-flash",
    "candidates": [
        {"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP"}
    ],
    "usageMetadata": {
        "promptTokenCount": 1000,
        "cachedContentTokenCount": 400,
        "toolUsePromptTokenCount": 20,
        "candidatesTokenCount": 50,
        "thoughtsTokenCount": 30,
        "totalTokenCount": 1100,
    },
}
"""620 x 0.30 + 400 x 0.03 + 80 x 2.50"""

CASES: dict[str, tuple[dict[str, Any], Any, str]] = {
    "chat": (CHAT, openai.types.chat.ChatCompletion, "0.00275"),
    "response": (RESPONSE, openai.types.responses.Response, "0.013125"),
    "embeddings": (EMBEDDINGS, openai.types.CreateEmbeddingResponse, "0.00002"),
    "message": (MESSAGE, anthropic.types.Message, "0.023375"),
    "content": (CONTENT, gemini_types.GenerateContentResponse, "0.000398"),
}


@pytest.mark.parametrize(("body", "kind", "usd"), CASES.values(), ids=CASES)
def test_a_dict_and_the_sdks_object_cost_the_same(body: dict, kind: Any, usd: str):
    for answer in (body, kind.model_validate(body)):
        cost = price_of(answer)
        assert (cost.status, cost.missing, cost.total_usd) == ("priced", (), Decimal(usd))


def test_geminis_names_may_have_underscores():
    body = gemini_types.GenerateContentResponse.model_validate(CONTENT)
    assert price_of(body.model_dump()).total_usd == Decimal("0.000398")
    assert price_of(body.model_dump(mode="json", by_alias=True)).total_usd == Decimal("0.000398")


def test_the_provider_decides_whose_prices_hold():
    """Groq bills this model at 0.59 and 0.79; OpenAI has none of this name."""
    body = {**CHAT, "usage": {"prompt_tokens": 1000, "completion_tokens": 1000}}
    groq = price_of({**body, "model": "llama-3.3-70b-versatile"}, provider="groq")
    assert groq.total_usd == Decimal("0.00138")
    assert price_of({**body, "model": "llama-3.3-70b-versatile"}).total_usd is None


def test_the_model_stands_in_where_the_answer_names_none():
    body = {key: value for key, value in CHAT.items() if key != "model"}
    assert price_of(body).total_usd is None
    assert price_of(body, model="gpt-4o").total_usd == Decimal("0.00275")
    assert price_of(CHAT, model="gpt-4o-mini").total_usd == Decimal("0.00275")


def test_the_figure_that_the_provider_reports_wins():
    body = {**CHAT, "usage": {**CHAT["usage"], "cost": 0.0123}}
    cost = price_of(body, provider="openrouter")
    assert (cost.total_usd, cost.match) == (Decimal("0.0123"), "provider")


def test_iterations_that_the_top_level_leaves_out_are_added():
    """A compaction: 200 x 5 + 20 x 25 beside 1000 x 5 + 100 x 25; the message itself not twice."""
    usage = {
        "input_tokens": 1000,
        "output_tokens": 100,
        "iterations": [
            {"type": "compaction", "input_tokens": 200, "output_tokens": 20},
            {"type": "message", "input_tokens": 1000, "output_tokens": 100},
        ],
    }
    assert price_of({**MESSAGE, "usage": usage}).total_usd == Decimal("0.009")


def test_counts_that_you_have():
    """Speech: 4,000 characters at 15 USD a million; a batch: half of 1000 x 2.50 + 100 x 10."""
    speech = price_of(Usage(input_characters=4000), "openai", "tts-1")
    assert (speech.status, speech.total_usd) == ("priced", Decimal("0.06"))
    usage = Usage(input_tokens=1000, output_tokens=100)
    batch = price_of(usage, provider="openai", model="gpt-4o", service_tier="batch")
    assert (batch.status, batch.total_usd) == ("priced", Decimal("0.00175"))


def test_counts_alone_do_not_say_who_bills_them():
    with pytest.raises(ConfigurationError, match=r'price_of\(usage, "openai"'):
        price_of(Usage(input_tokens=1))


def test_a_tier_that_the_answer_does_not_tell():
    """A line of a batch says "default", or nothing: half of 1000 x 2.50 + 100 x 10."""
    body = {**CHAT, "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}
    assert price_of(body, service_tier="batch").total_usd == Decimal("0.00175")
    told = {**body, "service_tier": "default"}
    assert price_of(told, service_tier="batch").total_usd == Decimal("0.00175")


def test_a_transcription():
    """40 x 2.50 + 960 x 6 + 200 x 10; 90 seconds at 0.36 USD an hour."""
    tokens = {
        "type": "tokens",
        "input_tokens": 1000,
        "input_token_details": {"text_tokens": 40, "audio_tokens": 960},
        "output_tokens": 200,
        "total_tokens": 1200,
    }
    told = price_of({"text": "Hi", "usage": tokens}, model="gpt-4o-transcribe")
    assert (told.status, told.total_usd) == ("priced", Decimal("0.00786"))
    timed = {"text": "Hi", "usage": {"type": "duration", "seconds": 90}}
    assert price_of(timed, model="whisper-1").total_usd == Decimal("0.009")


def test_the_image_tool_is_billed_at_its_own_model():
    """The answer of `RESPONSE`, and 50 x 5 + 300 x 8 + 1000 x 32 + 10 x 10 for the drawing."""
    used = {
        "input_tokens": 350,
        "input_tokens_details": {"image_tokens": 300, "text_tokens": 50},
        "output_tokens": 1010,
        "output_tokens_details": {"image_tokens": 1000, "text_tokens": 10},
        "total_tokens": 1360,
    }
    tool = {"type": "image_generation", "model": "gpt-image-1.5"}
    body = {
        **RESPONSE,
        "service_tier": "default",
        "output": [],
        "tools": [tool],
        "tool_usage": {"image_gen": used, "web_search": {"num_requests": 0}},
    }
    cost = price_of(body)
    # 1000 x 1.25 + 500 x 10
    assert (cost.status, cost.total_usd) == ("priced", Decimal("0.00625") + Decimal("0.03475"))
    unnamed = price_of({**body, "tools": [{"type": "image_generation"}]})
    assert (unnamed.status, unnamed.missing) == ("partial", ("iterations",))
    assert unnamed.total_usd == Decimal("0.00625")


def test_xai_tells_what_it_took():
    """37,756,000 ticks of 10^-10 USD; https://docs.x.ai/developers/cost-tracking."""
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "cost_in_usd_ticks": 37_756_000}
    cost = price_of({**CHAT, "model": "grok-4.3", "usage": usage}, provider="x_ai")
    assert (cost.total_usd, cost.match) == (Decimal("0.0037756"), "provider")


@pytest.mark.parametrize("body", [CHAT, RESPONSE, MESSAGE, CONTENT], ids=lambda b: next(iter(b)))
def test_an_answer_without_usage_is_unpriced(body: dict):
    bare = {k: v for k, v in body.items() if k not in ("usage", "usageMetadata")}
    cost = price_of(bare)
    assert (cost.status, cost.missing, cost.total_usd) == ("unpriced", ("usage",), None)


def kind_of(answer: Any) -> str:
    return type(answer).__name__


@pytest.mark.parametrize(
    "answer", [{}, {"text": "Hi"}, "Hi", 7, None, [CHAT], object()], ids=kind_of
)
def test_another_shape_is_refused(answer: Any):
    with pytest.raises(ConfigurationError, match="no OpenAI-, Anthropic- or Gemini-shaped answer"):
        price_of(answer)
