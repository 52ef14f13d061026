"""Gemini: how to read what its API answers; its calls are not patched.

Read in google-genai 1.30 to 3.4, whose objects spell the names with underscores, and in the API's
JSON, which spells them in camel case. Thoughts are output that `candidates` leaves out; what a
tool puts into the prompt is input that `prompt` leaves out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from costspan.call import Response, Usage
from costspan.providers.operation import Body, count, fields, items, strings, text


def _get(body: Body, name: str) -> Any:
    found = body.get(name)
    if found is None:
        head, *rest = name.split("_")
        found = body.get(head + "".join(word.capitalize() for word in rest))
    return found


def _modality(modality: str, *details: Any) -> int | None:
    """The tokens of one modality, of all that the lists tell."""
    found = None
    for entry in (entry for one in details for entry in items(one)):
        kind = entry.get("modality")
        if str(getattr(kind, "value", kind)).upper() == modality:
            found = _plus(found, count(_get(entry, "token_count")))
    return found


def _plus(first: int | None, second: int | None) -> int | None:
    if first is None and second is None:
        return None
    return (first or 0) + (second or 0)


def read_usage(value: Any) -> Usage | None:
    """`UsageMetadata`: cached tokens are inside the prompt's."""
    usage = fields(value)
    prompt = count(_get(usage, "prompt_token_count"))
    thoughts = count(_get(usage, "thoughts_token_count"))
    output = _plus(count(_get(usage, "candidates_token_count")), thoughts)
    if prompt is None and output is None:
        return None
    inside = (_get(usage, "prompt_tokens_details"), _get(usage, "tool_use_prompt_tokens_details"))
    cached = _get(usage, "cache_tokens_details")
    outside = _get(usage, "candidates_tokens_details")
    return Usage(
        input_tokens=_plus(prompt, count(_get(usage, "tool_use_prompt_token_count"))),
        output_tokens=output,
        cache_read_tokens=count(_get(usage, "cached_content_token_count")),
        reasoning_tokens=thoughts,
        input_audio_tokens=_modality("AUDIO", *inside),
        input_image_tokens=_modality("IMAGE", *inside),
        input_video_tokens=_modality("VIDEO", *inside),
        cache_audio_read_tokens=_modality("AUDIO", cached),
        cache_image_read_tokens=_modality("IMAGE", cached),
        cache_video_read_tokens=_modality("VIDEO", cached),
        output_audio_tokens=_modality("AUDIO", outside),
        output_image_tokens=_modality("IMAGE", outside),
        output_video_tokens=_modality("VIDEO", outside),
    )


_BILLS_PROMPTS = ("gemini-1", "gemini-2")


def _searches(model: str | None, answers: Sequence[Body]) -> int | None:
    """Searches that are billed: each query that is not empty; up to Gemini 2.5 once for a prompt.

    Source: https://ai.google.dev/gemini-api/docs/google-search, section "Pricing".
    """
    queries: set[str] = set()
    for candidate in (one for answer in answers for one in items(answer.get("candidates"))):
        grounding = fields(_get(candidate, "grounding_metadata"))
        queries.update(strings(_get(grounding, "web_search_queries")) or ())
    queries.discard("")
    if not queries:
        return None
    return 1 if (model or "").startswith(_BILLS_PROMPTS) else len(queries)


def _tier(usage: Body) -> str | None:
    """`serviceTier` of the Gemini API, else Vertex AI's `trafficType`, such as `ON_DEMAND_FLEX`."""
    told = _get(usage, "service_tier") or _get(usage, "traffic_type")
    tier = text(getattr(told, "value", told))
    return None if tier is None else tier.lower().removeprefix("on_demand_")


def read_content(body: Body) -> Response:
    """A `GenerateContentResponse`, or one chunk of a stream of them."""
    return _read(body, [body])


def chunk_texts(chunk: Body) -> list[str]:
    """The text that a chunk adds to the answer, thoughts included."""
    return [
        said
        for candidate in items(chunk.get("candidates"))
        for part in items(fields(candidate.get("content")).get("parts"))
        if (said := text(part.get("text"))) is not None
    ]


def fold_content(chunks: Sequence[Body]) -> Response:
    """Counts are cumulative and may fall: the last chunk that has any holds."""
    whole: dict[str, Any] = {}
    for chunk in chunks:
        for name in ("response_id", "model_version", "usage_metadata", "candidates"):
            said = _get(chunk, name)
            if said:
                whole[name] = said
    return _read(whole, chunks)


def _read(whole: Body, answers: Sequence[Body]) -> Response:
    usage = _get(whole, "usage_metadata")
    model = text(_get(whole, "model_version"))
    reasons = []
    for candidate in items(whole.get("candidates")):
        reason = _get(candidate, "finish_reason")
        if reason is not None:
            reasons.append(str(getattr(reason, "value", reason)))
    counts, searches = read_usage(usage), _searches(model, answers)
    if counts is not None and searches is not None:
        counts = structs.replace(counts, web_searches=searches)
    return Response(
        id=text(_get(whole, "response_id")),
        model=model,
        finish_reasons=tuple(reasons) or None,
        usage=counts,
        service_tier=_tier(fields(usage)),
    )
