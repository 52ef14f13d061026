"""Estimates of what a stream did not report: its tokens, counted from text, and their price.

Tokens are counted by tiktoken where it is installed, knows the model and has that model's
vocabulary on this machine, else by characters. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from costspan.call import Call, Cost, Response, Usage
from costspan.guard import quietly

CHARACTERS_PER_TOKEN = 4
"""Of English text; other languages and code have fewer.

Source: OpenAI Help Center, "What are tokens and how to count them?" (read 2026-11).
"""

SAMPLE_CHARACTERS = 16_384
"""So much of a long text is encoded, the rest is taken to be alike: no event loop waits for it."""

_SOURCE = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
_VOCABULARIES = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
"""The vocabularies of OpenAI's chat models, with the SHA-256 that tiktoken 0.14 wants of each."""

_NO_USAGE = Usage()
Count = Callable[[Sequence[str]], float]


class TokenCounter:
    """Counts tokens of text. Vocabularies that tiktoken has kept here are read when it is made."""

    def __init__(self) -> None:
        if importlib.util.find_spec("tiktoken") is not None:
            with quietly("reading tiktoken's vocabularies"):
                _read_kept_vocabularies()

    def of(self, model: str | None) -> Count:
        """How to count the tokens of one model: pieces of text in, tokens or fractions out."""
        with quietly("looking for a model's vocabulary"):
            encoding = _encoding(model)
            if encoding is not None:
                return _by_encoding(encoding)
        return _by_characters


def _by_characters(texts: Sequence[str]) -> float:
    return sum(map(len, texts)) / CHARACTERS_PER_TOKEN


def _by_encoding(encoding: Any) -> Count:
    def count(texts: Sequence[str]) -> float:
        whole = texts[0] if len(texts) == 1 else "\n".join(texts)
        sample = whole[:SAMPLE_CHARACTERS]
        if not sample:
            return 0.0
        tokens: int = len(encoding.encode_ordinary(sample))
        return tokens * len(whole) / len(sample)

    return count


def _encoding(model: str | None) -> Any:
    """A model's encoding if it is in memory already: asked for one, tiktoken may download it."""
    tiktoken = sys.modules.get("tiktoken")
    if model is None or tiktoken is None:
        return None
    try:
        name = tiktoken.model.encoding_name_for_model(model)
    except KeyError:
        return None
    return tiktoken.registry.ENCODINGS.get(name)


def _read_kept_vocabularies() -> None:
    """Have tiktoken read what it once downloaded; a file that it would fetch anew is left alone."""
    folder = _kept_in()
    if folder is None:
        return
    for name, digest in _VOCABULARIES.items():
        kept = folder / hashlib.sha1(_SOURCE.format(name).encode()).hexdigest()
        if kept.is_file() and hashlib.sha256(kept.read_bytes()).hexdigest() == digest:
            importlib.import_module("tiktoken").get_encoding(name)


def _kept_in() -> Path | None:
    """The folder where tiktoken 0.14 keeps vocabularies; None where it is told to keep none."""
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        folder = os.environ.get(variable)
        if folder is not None:
            return Path(folder) if folder else None
    return Path(tempfile.gettempdir(), "data-gym-cache")


def with_estimate(call: Call, told: Cost, price: Callable[[Call], Cost]) -> Cost:
    """The cost of a call whose counts are reported in part, with the rest at its estimate.

    Args:
        call: its `estimated` holds the counts that were not reported.
        told: what it costs by what was reported.
        price: gives the cost of a call.

    Returns:
        A cost with the status `estimated`, whose `missing` names what was not reported; `told`
        where the estimate adds nothing to it.
    """
    if call.estimated is None or told.status not in ("partial", "unpriced"):
        return told
    response = structs.replace(call.response or Response(), usage=_filled(call))
    guess = price(structs.replace(call, response=response))
    if not guess.total:
        return told
    missing = tuple(dict.fromkeys((*told.missing, *guess.missing)))
    return structs.replace(guess, status="estimated", missing=missing)


def _filled(call: Call) -> Usage:
    estimated = call.estimated or _NO_USAGE
    guesses = {
        name: value
        for name in estimated.__struct_fields__
        if (value := getattr(estimated, name)) is not None
    }
    return structs.replace(call.usage or _NO_USAGE, **guesses)
