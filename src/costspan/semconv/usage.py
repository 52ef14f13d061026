"""Counts of tokens and of what else is billed, as attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import defstruct, to_builtins
from msgspec.structs import astuple

from costspan.call import Usage

_INPUT = "gen_ai.usage.input_tokens"
_OUTPUT = "gen_ai.usage.output_tokens"
_CACHE_READ = "gen_ai.usage.cache_read.input_tokens"
_CACHE_WRITE = "gen_ai.usage.cache_write.input_tokens"
_REASONING = "gen_ai.usage.reasoning.output_tokens"
_AUDIO_IN = "gen_ai.usage.audio.input_tokens"
_AUDIO_OUT = "gen_ai.usage.audio.output_tokens"

USAGE: Mapping[str, str] = {
    "input_tokens": _INPUT,
    "output_tokens": _OUTPUT,
    "cache_read_tokens": _CACHE_READ,
    "cache_write_tokens": _CACHE_WRITE,
    "reasoning_tokens": _REASONING,
    "input_text_tokens": "gen_ai.usage.text.input_tokens",
    "input_audio_tokens": _AUDIO_IN,
    "input_image_tokens": "gen_ai.usage.image.input_tokens",
    "cache_audio_read_tokens": "gen_ai.usage.audio.cache_read.input_tokens",
    "cache_image_read_tokens": "gen_ai.usage.image.cache_read.input_tokens",
    "output_text_tokens": "gen_ai.usage.text.output_tokens",
    "output_audio_tokens": _AUDIO_OUT,
    "output_image_tokens": "gen_ai.usage.image.output_tokens",
    "cache_write_1h_tokens": "costspan.usage.cache_write_1h.input_tokens",
    "cache_write_30m_tokens": "costspan.usage.cache_write_30m.input_tokens",
    "cache_write_12h_tokens": "costspan.usage.cache_write_12h.input_tokens",
    "web_searches": "costspan.usage.web_searches",
    "storage_searches": "costspan.usage.storage_searches",
    "code_executions": "costspan.usage.code_executions",
    "input_video_tokens": "costspan.usage.video.input_tokens",
    "cache_video_read_tokens": "costspan.usage.video.cache_read.input_tokens",
    "output_video_tokens": "costspan.usage.video.output_tokens",
    "citation_tokens": "costspan.usage.citation.output_tokens",
    "input_characters": "costspan.usage.input_characters",
    "audio_seconds": "costspan.usage.audio_seconds",
    "input_audio_seconds": "costspan.usage.input_audio_seconds",
    "output_audio_seconds": "costspan.usage.output_audio_seconds",
    "input_document_pages": "costspan.usage.input_document_pages",
    "input_annotated_document_pages": "costspan.usage.input_annotated_document_pages",
    "output_images": "costspan.usage.output_images",
    "input_text_messages": "costspan.usage.input_text_messages",
    "social_searches": "costspan.usage.social_searches",
    "rerank_searches": "costspan.usage.rerank_searches",
}
"""The fields of `Usage`, and the attribute that each becomes."""

_FIELDS = Usage.__struct_fields__
_TYPED = [(field, float, None) for field in _FIELDS]
_Counted = defstruct("_Counted", _TYPED, omit_defaults=True, rename={**USAGE}, gc=False)
"""`Usage` under the names of its attributes: so msgspec makes them of it in one step."""


def usage_attributes(usage: Usage) -> dict[str, Any]:
    """The counts that were reported, zeros included."""
    told: dict[str, Any] = {}
    add_counts(told, usage)
    return told


def add_counts(attributes: dict[str, Any], usage: Usage) -> None:
    """Add the counts that were reported.

    Those that nearly all answers have are looked at one by one, in half the time that all fields
    take. The rest is looked through where more was reported than these.
    """
    before = len(attributes)
    if usage.input_tokens is not None:
        attributes[_INPUT] = usage.input_tokens
    if usage.output_tokens is not None:
        attributes[_OUTPUT] = usage.output_tokens
    if usage.cache_read_tokens is not None:
        attributes[_CACHE_READ] = usage.cache_read_tokens
    if usage.cache_write_tokens is not None:
        attributes[_CACHE_WRITE] = usage.cache_write_tokens
    if usage.reasoning_tokens is not None:
        attributes[_REASONING] = usage.reasoning_tokens
    if usage.input_audio_tokens is not None:
        attributes[_AUDIO_IN] = usage.input_audio_tokens
    if usage.output_audio_tokens is not None:
        attributes[_AUDIO_OUT] = usage.output_audio_tokens
    counts = astuple(usage)
    reported = len(_FIELDS) - counts.count(None) - (usage.total_tokens is not None)
    if len(attributes) - before < reported:
        told: dict[str, Any] = to_builtins(_Counted(*counts))
        told.pop("total_tokens", None)
        attributes.update(told)
