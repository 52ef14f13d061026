"""What is read of Gemini's answers: hand-made bodies, their counts in literals."""

from typing import Any

import pytest
from google.genai import types

from costspan.call import Response, Usage
from costspan.providers import gemini
from costspan.providers.operation import fields

TEXT: Any = {
    "responseId": "r1",
    "modelVersion": "gemini-2.5-flash",
    "candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
    "usageMetadata": {
        "promptTokenCount": 12,
        "candidatesTokenCount": 7,
        "totalTokenCount": 19,
    },
}
MANY: Any = {
    "promptTokenCount": 1000,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 700},
        {"modality": "AUDIO", "tokenCount": 200},
        {"modality": "IMAGE", "tokenCount": 100},
    ],
    "cachedContentTokenCount": 300,
    "cacheTokensDetails": [
        {"modality": "TEXT", "tokenCount": 250},
        {"modality": "AUDIO", "tokenCount": 50},
    ],
    "toolUsePromptTokenCount": 40,
    "candidatesTokenCount": 60,
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 25}],
    "thoughtsTokenCount": 90,
    "totalTokenCount": 1190,
}
READ = {
    "input_tokens": 1040,
    "output_tokens": 150,
    "cache_read_tokens": 300,
    "reasoning_tokens": 90,
    "input_audio_tokens": 200,
    "input_image_tokens": 100,
    "cache_audio_read_tokens": 50,
    "output_image_tokens": 25,
}


def grounded(model: str, *queries: str) -> dict[str, Any]:
    """An answer that Google Search helped with."""
    candidate = {**TEXT["candidates"][0], "groundingMetadata": {"webSearchQueries": list(queries)}}
    return {**TEXT, "modelVersion": model, "candidates": [candidate]}


@pytest.mark.parametrize(
    ("model", "queries", "searches"),
    [
        ("gemini-3.5-flash", ("weather", "news"), 2),
        ("gemini-3.5-flash", ("weather", "", "weather"), 1),
        ("gemini-3.5-flash", ("",), None),
        ("gemini-3.5-flash", (), None),
        ("gemini-2.5-pro", ("weather", "news"), 1),
        ("gemini-2.0-flash", ("weather",), 1),
    ],
)
def test_searches_are_counted_as_they_are_billed(
    model: str, queries: tuple[str, ...], searches: int | None
):
    """By the query from Gemini 3 on, by the prompt before (ai.google.dev, "Google Search")."""
    for body in (
        grounded(model, *queries),
        types.GenerateContentResponse(**grounded(model, *queries)),
    ):
        usage = gemini.read_content(fields(body)).usage
        assert usage is not None
        assert usage.web_searches == searches


def test_searches_of_a_stream_are_those_of_all_its_chunks():
    last = {**TEXT, "modelVersion": "gemini-3.5-flash"}
    usage = gemini.fold_content([grounded("gemini-3.5-flash", "weather"), last]).usage
    assert usage is not None
    assert usage.web_searches == 1


@pytest.mark.parametrize(
    ("said", "tier"),
    [
        ({"serviceTier": "flex"}, "flex"),
        ({"serviceTier": "PRIORITY"}, "priority"),
        ({"trafficType": "ON_DEMAND"}, "on_demand"),
        ({"trafficType": "ON_DEMAND_FLEX"}, "flex"),
        ({"trafficType": "ON_DEMAND_PRIORITY"}, "priority"),
        ({"trafficType": "PROVISIONED_THROUGHPUT"}, "provisioned_throughput"),
        ({}, None),
    ],
)
def test_how_it_was_served(said: dict, tier: str | None):
    body = {**TEXT, "usageMetadata": {**TEXT["usageMetadata"], **said}}
    assert gemini.read_content(body).service_tier == tier
    if "trafficType" in said:
        answer = types.GenerateContentResponse(**body)
        assert gemini.read_content(fields(answer)).service_tier == tier


def test_video_and_what_tools_bring_in_are_counted_too():
    usage = gemini.read_usage(
        {
            "promptTokenCount": 900,
            "promptTokensDetails": [
                {"modality": "VIDEO", "tokenCount": 800},
                {"modality": "AUDIO", "tokenCount": 60},
            ],
            "cachedContentTokenCount": 500,
            "cacheTokensDetails": [
                {"modality": "VIDEO", "tokenCount": 400},
                {"modality": "IMAGE", "tokenCount": 30},
            ],
            "toolUsePromptTokenCount": 40,
            "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 40}],
            "candidatesTokenCount": 70,
            "candidatesTokensDetails": [{"modality": "VIDEO", "tokenCount": 70}],
        }
    )
    assert known(usage) == {
        "input_tokens": 940,
        "input_audio_tokens": 100,
        "input_video_tokens": 800,
        "cache_read_tokens": 500,
        "cache_image_read_tokens": 30,
        "cache_video_read_tokens": 400,
        "output_tokens": 70,
        "output_video_tokens": 70,
    }


def known(usage: Usage | None) -> dict[str, int]:
    """The counts that were reported, but for the provider's own total."""
    assert usage is not None
    counts = {name: getattr(usage, name) for name in usage.__struct_fields__}
    counts.pop("total_tokens")
    return {name: count for name, count in counts.items() if count is not None}


@pytest.mark.parametrize("as_object", [False, True])
def test_a_plain_answer(as_object: bool):
    body = vars(types.GenerateContentResponse.model_validate(TEXT)) if as_object else TEXT
    read = gemini.read_content(body)
    assert (read.id, read.model, read.finish_reasons) == ("r1", "gemini-2.5-flash", ("STOP",))
    assert known(read.usage) == {"input_tokens": 12, "output_tokens": 7}


def test_thoughts_are_output_and_what_tools_put_in_is_input():
    assert known(gemini.read_usage(MANY)) == READ


def test_the_sdks_object_is_read_like_its_json():
    usage = types.GenerateContentResponseUsageMetadata.model_validate(MANY)
    assert known(gemini.read_usage(usage)) == READ


def test_what_is_not_reported_is_not_nothing():
    usage = gemini.read_usage({"promptTokenCount": 5})
    assert known(usage) == {"input_tokens": 5}
    assert usage.output_tokens is None
    assert gemini.read_usage({}) is None
    assert gemini.read_usage(None) is None


def test_a_reported_nothing_is_nothing():
    usage = {"promptTokenCount": 0, "candidatesTokenCount": 0, "cachedContentTokenCount": 0}
    assert known(gemini.read_usage(usage)) == {
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_read_tokens": 0,
    }


@pytest.mark.parametrize("odd", [-1, "12", 1.5, True, 2**63, [], {}])
def test_a_count_that_is_none_is_not_reported(odd: Any):
    usage = gemini.read_usage({"promptTokenCount": odd, "candidatesTokenCount": 7})
    assert known(usage) == {"output_tokens": 7}


def test_a_stream_ends_with_its_last_usage():
    """Each chunk's counts are cumulative, and may fall when a candidate is taken back."""
    chunks = [
        {"responseId": "r1", "modelVersion": "gemini-2.5-flash", "candidates": [{}]},
        {"usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 9}},
        {
            "candidates": [{"finishReason": "MAX_TOKENS"}],
            "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 4},
        },
        {"candidates": []},
    ]
    read = gemini.fold_content(chunks)
    assert (read.id, read.model, read.finish_reasons) == (
        "r1",
        "gemini-2.5-flash",
        ("MAX_TOKENS",),
    )
    assert known(read.usage) == {"input_tokens": 12, "output_tokens": 4}


def test_a_stream_of_nothing():
    assert gemini.fold_content([]) == Response()
