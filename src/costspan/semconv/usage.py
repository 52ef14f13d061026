"""Counts of tokens and of what else is billed, as attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import defstruct, to_builtins
from msgspec.structs import astuple

from costspan.call import Usage

USAGE: Mapping[str, str] = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_write.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "input_text_tokens": "gen_ai.usage.text.input_tokens",
    "input_audio_tokens": "gen_ai.usage.audio.input_tokens",
    "input_image_tokens": "gen_ai.usage.image.input_tokens",
    "cache_audio_read_tokens": "gen_ai.usage.audio.cache_read.input_tokens",
    "cache_image_read_tokens": "gen_ai.usage.image.cache_read.input_tokens",
    "output_text_tokens": "gen_ai.usage.text.output_tokens",
    "output_audio_tokens": "gen_ai.usage.audio.output_tokens",
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
    told: dict[str, Any] = to_builtins(_Counted(*astuple(usage)))
    told.pop("total_tokens", None)
    return told
