"""What a played call shows: whether its price is the one that was to be paid, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.peers.play import COUNTS
from tests.peers.surfaces import ASYNC, SURFACES

EXACT, PARTIAL, WRONG_USAGE, NO_SPAN = "exact", "partial", "wrong usage", "no span"
OURS = "our fault"
"""The verdict on everything that is no peer's doing: it fails the run."""

COST_TOTAL = "costspan.cost.total"

_SURFACES = {surface.name: surface for surface in SURFACES}
_ASYNC = f", {ASYNC}"
_WORDS = {
    "input_tokens": "input",
    "cached_tokens": "cache read",
    "cache_write_tokens": "cache write",
    "output_tokens": "output",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """On one call; `why` is empty where there is nothing to say."""

    word: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.word}: {self.why}" if self.why else self.word


def verdicts_on(calls: Sequence[Mapping[str, Any]]) -> dict[str, Verdict]:
    """The verdicts by surface; an async call has one of its own where it differs from the sync."""
    found = {call["surface"]: judged(call) for call in calls}
    return {
        name: verdict
        for name, verdict in found.items()
        if not name.endswith(_ASYNC) or found.get(name.removesuffix(_ASYNC)) != verdict
    }


def judged(call: Mapping[str, Any]) -> Verdict:
    """The verdict on one call, as `play.py` gives it."""
    if call["fault"]:
        return Verdict(NO_SPAN, f"the call fails, {call['fault'].splitlines()[0]}")
    if len(call["served"]) != 1:
        return Verdict(OURS, f"{len(call['served'])} requests were served")
    lines = call["ledger"]
    if not lines:
        return _unseen(call["spans"])
    if len(lines) > 1:
        return Verdict(OURS, f"counted {len(lines)} times")
    verdict = _of_line(lines[0], call["served"][0], _SURFACES[call["surface"]].usd)
    return _on_span(verdict, call["spans"], lines[0])


def _unseen(spans: Sequence[Mapping[str, Any]]) -> Verdict:
    """No call was read of the spans: there may be none, or they say nothing of a call."""
    if any(_tells_a_call(span["attributes"]) for span in spans):
        return Verdict(OURS, "its span was not read")
    return Verdict(NO_SPAN)


def _tells_a_call(attributes: Mapping[str, Any]) -> bool:
    operation = attributes.get("gen_ai.operation.name", attributes.get("openinference.span.kind"))
    return operation in ("chat", "embeddings", "LLM", "EMBEDDING")


def _of_line(line: Mapping[str, Any], served: Mapping[str, int], usd: Decimal) -> Verdict:
    """A line of the ledger, held to what was served and what that costs."""
    told = None if line["usd"] is None else Decimal(line["usd"])
    wrong = wrong_counts(line, served)
    if wrong:
        return Verdict(WRONG_USAGE, f"{', '.join(wrong)}: {_off(told, usd)}")
    if line["status"] in ("partial", "unpriced"):
        return Verdict(PARTIAL, ", ".join(f"`{name}`" for name in line["missing"]))
    if told != usd:
        return Verdict(OURS, f"{told} USD for {usd}")
    return Verdict(EXACT)


def wrong_counts(line: Mapping[str, Any], served: Mapping[str, int]) -> list[str]:
    """In words, which counts are not those that were served, but for those that miss by name."""
    return [
        f"{_WORDS[name]} {'absent' if line[name] is None else line[name]} for {served[name]}"
        for name in COUNTS
        if (line[name] or 0) != served[name] and not _is_named(name, line["missing"])
    ]


def _is_named(count: str, missing: Sequence[str]) -> bool:
    return "usage" in missing or count.replace("cached_", "cache_read_") in missing


def _off(told: Decimal | None, usd: Decimal) -> str:
    if told is None:
        return "no price"
    return f"{(told - usd) / usd:+.1%} of the price"


def _on_span(verdict: Verdict, spans: Sequence[Mapping[str, Any]], line: Any) -> Verdict:
    """The dollars of the ledger stand on exactly one span."""
    found = [s["attributes"][COST_TOTAL] for s in spans if COST_TOTAL in s["attributes"]]
    wanted = [] if line["usd"] is None else [float(line["usd"])]
    if found != wanted:
        return Verdict(OURS, f"the spans say {found}, the ledger {wanted}")
    return verdict
