"""How tokens are guessed from text, and how the guess is priced apart from what was told."""

from __future__ import annotations

import hashlib
import socket
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from costspan import CostTracker, Prices, Rate
from costspan.call import Usage
from costspan.cost import estimate
from costspan.cost.estimate import TokenCounter
from tests.cost.calls import finished


def guessed(**counts: int) -> Usage:
    return Usage(**counts)


class TestPrice:
    """gpt-4o-mini: 0.15 and 0.60 USD for a million tokens (openai.com/api/pricing, 2026-11)."""

    def test_all_of_it_is_a_guess(self):
        """100 x 0.15 + 10 x 0.60 millionths."""
        estimated = guessed(input_tokens=100, output_tokens=10)
        cost = CostTracker(estimate=True).settle(finished(estimated=estimated))
        assert (cost.status, cost.missing) == ("estimated", ("usage",))
        assert cost.total_usd == Decimal("0.000021")
        assert (cost.input_usd, cost.output_usd) == (Decimal("0.000015"), Decimal("0.000006"))
        assert cost.match is not None

    def test_what_was_told_is_billed_as_told(self):
        """600 fresh x 0.15 + 400 cached x 0.075 + 10 guessed x 0.60 millionths."""
        call = finished(
            input_tokens=1000, cache_read_tokens=400, estimated=guessed(output_tokens=10)
        )
        cost = CostTracker(estimate=True).settle(call)
        assert (cost.status, cost.missing) == ("estimated", ("output_tokens",))
        assert cost.total_usd == Decimal("0.000126")

    def test_what_is_missing_for_another_reason_stays_missing(self):
        """A tier without rates; the guess of 10 tokens is billed at the plain ones."""
        call = finished(
            service_tier="scale", input_tokens=1000, estimated=guessed(output_tokens=10)
        )
        cost = CostTracker(estimate=True).settle(call)
        assert cost.status == "estimated"
        assert set(cost.missing) == {"service_tier", "output_tokens"}

    @pytest.mark.parametrize(
        ("facts", "status"),
        [
            ({"billed": False}, "not_billed"),
            ({"billable": False, "operation": "moderation"}, "not_billed"),
            ({"reported_cost_usd": Decimal("0.5")}, "priced"),
        ],
    )
    def test_a_price_that_is_known_is_no_estimate(self, facts: dict, status: str):
        call = finished(**facts, estimated=guessed(output_tokens=10))
        assert CostTracker(estimate=True).settle(call).status == status

    def test_nor_is_the_price_of_a_gpu(self):
        prices = Prices(overrides={"mine": Rate(gpu_usd_per_hour=3.6)})
        call = finished("mine", estimated=guessed(output_tokens=10))
        cost = CostTracker(prices=prices, estimate=True).settle(call)
        assert (cost.status, cost.total_usd) == ("priced", Decimal("0.001"))

    def test_an_unknown_model_stays_unpriced(self):
        call = finished("nobody-knows", estimated=guessed(output_tokens=10))
        cost = CostTracker(estimate=True).settle(call)
        assert (cost.status, cost.total_usd) == ("unpriced", None)


def test_without_tiktoken_characters_are_counted(monkeypatch: pytest.MonkeyPatch):
    """4 to a token; a German sentence counts as English would."""
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    count = TokenCounter().of("gpt-4o")
    assert count(["Hello"]) == 1.25
    assert count(["Guten ", "Morgen"]) == 3.0
    assert count([]) == 0


# --- tiktoken, played by a module with its names (0.14)


class Letters:
    """An encoding of one token a letter; it remembers how much it was given."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def encode_ordinary(self, text: str) -> list[int]:
        self.read.append(len(text))
        return [ord(letter) for letter in text]


@pytest.fixture
def tiktoken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """An installed tiktoken that knows gpt-4o, and would tell of a download by failing."""
    loaded: dict[str, Any] = {}

    def encoding_name_for_model(model: str) -> str:
        return {"gpt-4o": "o200k_base", "gpt-4": "cl100k_base"}[model]

    def get_encoding(name: str) -> Any:
        return loaded.setdefault(name, Letters())

    module: Any = ModuleType("tiktoken")
    module.__spec__ = SimpleNamespace()
    module.model = SimpleNamespace(encoding_name_for_model=encoding_name_for_model)
    module.registry = SimpleNamespace(ENCODINGS=loaded)
    module.get_encoding = get_encoding
    monkeypatch.setitem(sys.modules, "tiktoken", module)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    return module


def keep_vocabulary(folder: Path, name: str, content: bytes) -> None:
    """Put a file where tiktoken keeps a vocabulary."""
    url = f"https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
    (folder / hashlib.sha1(url.encode()).hexdigest()).write_bytes(content)


def test_a_vocabulary_in_memory_counts(tiktoken: Any):
    tiktoken.registry.ENCODINGS["o200k_base"] = Letters()
    counter = TokenCounter()
    assert counter.of("gpt-4o")(["Hello"]) == 5
    assert counter.of("gpt-4")(["Hello"]) == 1.25  # its vocabulary is not here
    assert counter.of("claude-opus-4-5")(["Hello"]) == 1.25
    assert counter.of(None)(["Hello"]) == 1.25


def test_a_vocabulary_on_disk_is_read_when_the_tracker_is_made(
    tiktoken: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    digest = hashlib.sha256(b"the real one").hexdigest()
    monkeypatch.setitem(estimate._VOCABULARIES, "o200k_base", digest)
    keep_vocabulary(tmp_path, "o200k_base", b"the real one")
    CostTracker()
    assert tiktoken.registry.ENCODINGS == {}
    counter = CostTracker(estimate=True).token_counter
    assert set(tiktoken.registry.ENCODINGS) == {"o200k_base"}
    assert counter is not None
    assert counter.of("gpt-4o")(["Hello"]) == 5


def test_one_that_tiktoken_would_download_anew_is_left_alone(tiktoken: Any, tmp_path: Path):
    keep_vocabulary(tmp_path, "o200k_base", b"half of it")
    assert TokenCounter().of("gpt-4o")(["Hello"]) == 1.25
    assert tiktoken.registry.ENCODINGS == {}


@pytest.mark.parametrize("folder", ["", "/nowhere/at/all"])
def test_no_folder_no_vocabulary(tiktoken: Any, monkeypatch: pytest.MonkeyPatch, folder: str):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", folder)
    assert TokenCounter().of("gpt-4o")(["Hello"]) == 1.25


def test_of_a_long_text_a_sample_is_encoded(tiktoken: Any):
    """A million letters would hold up an event loop."""
    encoding = tiktoken.registry.ENCODINGS["o200k_base"] = Letters()
    assert TokenCounter().of("gpt-4o")(["x" * 999_999, "y"]) == 1_000_001  # and the break between
    assert encoding.read == [16_384]


@pytest.mark.faults
def test_a_tiktoken_that_is_no_longer_as_it_was(tiktoken: Any, caplog: pytest.LogCaptureFixture):
    del tiktoken.registry, tiktoken.model
    assert TokenCounter().of("gpt-4o")(["Hello"]) == 1.25
    assert "looking for a model's vocabulary (AttributeError)" in caplog.text


def test_the_real_tiktoken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Its names are these, and an encoding of its own, of single bytes, counts; nothing is sent."""
    real = pytest.importorskip("tiktoken")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(socket, "socket", None)
    byte_for_byte = real.Encoding(
        name="bytes",
        pat_str=r"\w+|\W+",
        mergeable_ranks={bytes([byte]): byte for byte in range(256)},
        special_tokens={},
    )
    monkeypatch.setitem(real.registry.ENCODINGS, "o200k_base", byte_for_byte)
    count = TokenCounter().of("gpt-5.2")
    assert count(["Grüße"]) == 7
    assert count(["<|endoftext|>"]) == 13
