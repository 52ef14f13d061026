"""Gemini: how to read what its API answers; its calls are not patched.

Read in google-genai 1.30 to 3.4, whose objects spell the names with underscores, and in the API's
JSON, which spells them in camel case. Thoughts are output that `candidates` leaves out; what a
tool puts into the prompt is input that `prompt` leaves out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costspan.call import Response, Usage
from costspan.providers.operation import Body, count, fields, items, text


def _get(body: Body, name: str) -> Any:
    found = body.get(name)
    if found is None:
        head, *rest = name.split("_")
        found = body.get(head + "".join(word.capitalize() for word in rest))
    return found


def _modality(details: Any, modality: str) -> int | None:
    for entry in items(details):
        kind = entry.get("modality")
        if str(getattr(kind, "value", kind)).upper() == modality:
            return count(_get(entry, "token_count"))
    return None


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
    inside = _get(usage, "prompt_tokens_details")
    cached = _get(usage, "cache_tokens_details")
    return Usage(
        input_tokens=_plus(prompt, count(_get(usage, "tool_use_prompt_token_count"))),
        output_tokens=output,
        cache_read_tokens=count(_get(usage, "cached_content_token_count")),
        reasoning_tokens=thoughts,
        input_audio_tokens=_modality(inside, "AUDIO"),
        input_image_tokens=_modality(inside, "IMAGE"),
        cache_audio_read_tokens=_modality(cached, "AUDIO"),
        output_image_tokens=_modality(_get(usage, "candidates_tokens_details"), "IMAGE"),
        output_audio_tokens=_modality(_get(usage, "candidates_tokens_details"), "AUDIO"),
    )


def read_content(body: Body) -> Response:
    """A `GenerateContentResponse`, or one chunk of a stream of them."""
    usage = _get(body, "usage_metadata")
    reasons = []
    for candidate in items(body.get("candidates")):
        reason = _get(candidate, "finish_reason")
        if reason is not None:
            reasons.append(str(getattr(reason, "value", reason)))
    tier = _get(fields(usage), "service_tier")
    return Response(
        id=text(_get(body, "response_id")),
        model=text(_get(body, "model_version")),
        finish_reasons=tuple(reasons) or None,
        usage=read_usage(usage),
        service_tier=text(getattr(tier, "value", tier)),
    )


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
    return read_content(whole)
