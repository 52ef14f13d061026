"""What providers bill: the counts of a usage, and how they hang together."""

from __future__ import annotations

from collections.abc import Mapping

from costspan.call import Usage

KEYS: Mapping[str, str] = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "reasoning_tokens": "output_reasoning_tokens",
    "citation_tokens": "output_citation_tokens",
    "input_text_tokens": "input_text_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "input_image_tokens": "input_image_tokens",
    "input_video_tokens": "input_video_tokens",
    "cache_audio_read_tokens": "cache_audio_read_tokens",
    "cache_image_read_tokens": "cache_image_read_tokens",
    "cache_video_read_tokens": "cache_video_read_tokens",
    "output_text_tokens": "output_text_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "output_image_tokens": "output_image_tokens",
    "output_video_tokens": "output_video_tokens",
    "input_characters": "input_characters",
    "audio_seconds": "audio_seconds",
    "input_audio_seconds": "input_audio_seconds",
    "output_audio_seconds": "output_audio_seconds",
    "input_document_pages": "input_document_pages",
    "input_annotated_document_pages": "input_annotated_document_pages",
    "input_text_messages": "input_text_messages",
    "web_searches": "web_searches",
    "storage_searches": "storage_searches",
    "social_searches": "social_searches",
    "rerank_searches": "rerank_searches",
    "code_executions": "code_executions",
}
"""The fields of `Usage` that a table can price, and the table's word for each."""

NEEDS_OWN_RATE = (
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "cache_write_12h_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "output_video_tokens",
    "web_searches",
    "storage_searches",
    "social_searches",
    "rerank_searches",
    "code_executions",
)
"""Counts that are never billed at the plain rate: without their own the cost is partial."""

MEASURES = (
    ("audio_seconds", "input_audio_seconds", "output_audio_seconds"),
    ("input_characters",),
    ("input_document_pages", "input_annotated_document_pages"),
)
"""What some rows bill in place of tokens, or beside them: the first is the whole of the others,
and may be left out where they are told. A row without a rate for them bills its tokens alone."""

SPECIAL = (
    "cache_write_12h_tokens",
    "input_audio_tokens",
    "cache_audio_read_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "output_video_tokens",
    "web_searches",
    "storage_searches",
    "social_searches",
    "rerank_searches",
    "code_executions",
)
"""Counts that a common row may have rates for, and a common call does not have."""


def is_special(usage: Usage) -> bool:
    """Whether one of `SPECIAL` is counted; spelled out, as each price asks."""
    return bool(
        usage.cache_write_12h_tokens
        or usage.input_audio_tokens
        or usage.cache_audio_read_tokens
        or usage.output_audio_tokens
        or usage.output_image_tokens
        or usage.output_video_tokens
        or usage.web_searches
        or usage.storage_searches
        or usage.social_searches
        or usage.rerank_searches
        or usage.code_executions
    )


CACHE = frozenset({"cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens"})
"""The counts of a cache, which nearly every row has rates for."""

WHOLES: Mapping[str, str] = {
    "cache_read_tokens": "input_tokens",
    "cache_write_tokens": "input_tokens",
    "cache_write_1h_tokens": "cache_write_tokens",
    "cache_write_12h_tokens": "cache_write_tokens",
    "input_audio_tokens": "input_tokens",
    "output_audio_tokens": "output_tokens",
    "output_image_tokens": "output_tokens",
    "output_video_tokens": "output_tokens",
}
"""Of which count each of those is a part."""
