"""Each table of what is done again and again: measured, and put into words."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.benchmarks.targets import Figure, table
from tests.benchmarks.turns import (
    Rounds,
    Unmeasured,
    above,
    measured,
    output_of,
    spent,
)

NAMES = ("openai", "openai async", "anthropic", "anthropic async")
CHUNKS = tuple(f"{name} chunk" for name in NAMES)
CASES = (*NAMES, *CHUNKS)
_HEADS = ("us", *NAMES, *CHUNKS)

SUBJECTS = {
    "bare": "bare SDK, in all",
    "span": "a span made by hand, the same attributes",
    "span+metrics": "the same, and two histograms by hand: time and tokens",
    "ours": "costspan",
    "ours+file": "costspan, calls file",
    "ours+line": "costspan, a line of few fields written by hand",
    "ours+metrics": "costspan, metrics that a reader collects",
    "ours+unread": "costspan, metrics that none collects",
    "ours+content": "costspan, content on",
    "native": "the Anthropic SDK's own span",
}
PEERS = {
    "official": "OpenTelemetry's own",
    "openllmetry": "OpenLLMetry",
    "openinference": "OpenInference",
}


def calls(rounds: int) -> tuple[str, list[Figure]]:
    """A call and a chunk, with what costspan can do for them."""
    return _calls(rounds, "A call and a chunk, above the bare SDK")


def warm(rounds: int) -> tuple[str, list[Figure]]:
    """The same with the SDK's own work left out, so that the processor's caches hold the rest."""
    text, figures = _calls(
        rounds, "A call and a chunk, the SDK's own work left out: what the steps take", "ready"
    )
    return text, _warm(figures)


def _calls(rounds: int, title: str, *how: str) -> tuple[str, list[Figure]]:
    recorded = output_of(sys.executable, "recorded")
    # The SDK's own span is a part of its work.
    names = [name for name in SUBJECTS if name != "native" or not how]
    taken = measured(sys.executable, names, CASES, rounds, recorded, *how)
    rows = [
        [SUBJECTS["bare"], *(spent(taken, "bare", case) for case in CASES)],
        *(_row(SUBJECTS[one], taken, one, "bare") for one in names if one != "bare"),
        _row("costspan above the span made by hand", taken, "ours", "span"),
        _row("the line by hand, more", taken, "ours+line", "ours"),
        _row("costspan's calls file, more", taken, "ours+file", "ours"),
        _row("the two histograms by hand, more", taken, "span+metrics", "span"),
        _row("costspan's metrics, more", taken, "ours+metrics", "ours"),
        _row("costspan's metrics that none collects, more", taken, "ours+unread", "ours"),
    ]
    return f"## {title}\n\n{table(_HEADS, rows)}", _figures(taken)


def _row(title: str, taken: Rounds, subject: str, base: str) -> list[Any]:
    return [title, *(above(taken, subject, base, case) for case in CASES)]


def _figures(taken: Rounds) -> list[Figure]:
    return [
        *_each("above a span made by hand", taken, "ours", "span", NAMES, 25),
        *_each("calls file on, more", taken, "ours+file", "ours", NAMES, 25),
        *_each("metrics on, more", taken, "ours+metrics", "ours", NAMES, 35),
        *_each("metrics on that none collects, more", taken, "ours+unread", "ours", NAMES, 35),
        *_each("above the bare SDK", taken, "ours", "bare", CHUNKS, 0.7),
    ]


def _each(
    what: str, taken: Rounds, subject: str, base: str, cases: tuple[str, ...], target: float
) -> list[Figure]:
    found = []
    for case in cases:
        more = above(taken, subject, base, case)
        if more is not None:
            found.append(Figure(f"{case}: {what}", more.least, target, "us"))
    return found


def peers(rounds: int, interpreters: str) -> tuple[str, list[Figure]]:
    """The peers, each in an environment of its own with the bare SDK; costspan beside one."""
    return _peers(rounds, interpreters, "The peers, above the bare SDK")


def warm_peers(rounds: int, interpreters: str) -> tuple[str, list[Figure]]:
    """The same with the SDK's own work left out."""
    text, figures = _peers(rounds, interpreters, "The peers, the SDK's own work left out", "ready")
    return text, _warm(figures)


def _warm(figures: list[Figure]) -> list[Figure]:
    return [one._replace(what=f"warm, {one.what}") for one in figures]


def _peers(rounds: int, interpreters: str, title: str, *how: str) -> tuple[str, list[Figure]]:
    rows: list[list[Any]] = []
    figures: list[Figure] = []
    for pair in interpreters.split():
        peer, _, python = pair.partition("=")
        if peer not in PEERS:
            raise Unmeasured(f"{peer} is unknown: {', '.join(PEERS)} are known")
        beside = ("ours",) if peer == "official" else ()
        taken = measured(python, ("bare", peer, *beside), CASES, rounds, "{}", *how)
        rows.append(_row(PEERS[peer], taken, peer, "bare"))
        if beside:
            rows.append(_row("costspan beside it", taken, "ours", "bare"))
            figures = _shares(taken, peer)
    if not rows:
        return f"## {title}\n\nLeft out: COSTSPAN_BENCH_PEERS names none.", figures
    return f"## {title}\n\n{table(_HEADS, rows)}", figures


def _shares(taken: Rounds, peer: str) -> list[Figure]:
    found = []
    for case in NAMES:
        ours, theirs = above(taken, "ours", "bare", case), above(taken, peer, "bare", case)
        assert ours is not None
        assert theirs is not None
        share = ours.least / theirs.least
        found.append(Figure(f"{case}: share of {PEERS[peer]}", share, 0.5, ""))
    return found


def parts() -> tuple[str, list[Figure]]:
    """Pricing, settling and writing, by themselves."""
    took = json.loads(output_of(sys.executable, "parts"))
    names = {
        "price openai": "pricing one call, openai",
        "genai-prices openai": "the same by genai-prices, openai",
        "price anthropic": "pricing one call, anthropic",
        "genai-prices anthropic": "the same by genai-prices, anthropic",
        "foreign span": "a span of another instrumentation, priced by the processor",
        "price unknown": "pricing one call of an unknown model",
        "metrics of a call": "metrics of one call, recorded in the thread of who collects",
        "metrics of a chunk": "the time of one chunk, recorded there",
        "line": "one line of the calls file, encoded and written",
        "settle": "settle() in all, without a file",
        "line call": "a line by durability: call",
        "line batch": "a line by durability: batch",
        "line fsync": "a line by durability: fsync (its wait for the disk apart)",
        "export": "file export in batches, encoded and written, one call",
    }
    rows = [[names[key], f"{took[key][0]:.2f} / {took[key][1]:.2f}"] for key in names]
    targets = {
        "price openai": 2,
        "price anthropic": 2,
        "price unknown": 2,
        "foreign span": 15,
        "metrics of a call": 35,
        "line": 25,
        "export": 1e6 / 120_000,
    }
    figures = [Figure(names[key], took[key][0], goal, "us") for key, goal in targets.items()]
    return f"## Parts of a call, by themselves\n\n{table(('part', 'us'), rows)}", figures


def stores() -> tuple[str, list[Figure]]:
    """What one budget adds to a call, by store."""
    took = json.loads(output_of(sys.executable, "stores"))
    names = {
        "memory: settle": "a call settled without a budget, memory",
        "memory: budget": "one budget more: reserve, and its share of settle, memory",
        "sqlite: settle": "a call settled without a budget, SQLite",
        "sqlite: budget": "one budget more: reserve, and its share of settle, SQLite",
        "redis: ping": "a ping of Redis, on the wall",
        "redis: settle": "a call settled without a budget, Redis, on the wall",
        "redis: budget": "one budget more: reserve, and its share of settle, Redis, on the wall",
    }
    known = {key: name for key, name in names.items() if key in took}
    rows = [[name, f"{took[key][0]:.2f} / {took[key][1]:.2f}"] for key, name in known.items()]
    figures = [
        Figure(names["memory: budget"], took["memory: budget"][0], 5, "us"),
        Figure(names["sqlite: budget"], took["sqlite: budget"][0], 60, "us"),
    ]
    if "redis: commands of a call" in took:
        commands = took["redis: commands of a call"][0]
        figures.append(
            Figure("reserve and settle, commands to Redis that a call waits for", commands, 2, "")
        )
    return f"## A budget, by store\n\n{table(('part', 'us'), rows)}", figures


def spans(interpreters: str) -> tuple[str, list[Figure]]:
    """Spans as lines of OTLP JSON, beside OpenTelemetry's exporter where a peer's place has it."""
    places = dict(pair.split("=", 1) for pair in interpreters.split())
    took = json.loads(output_of(places.get("official", sys.executable), "span_lines"))
    names = {
        "ours": "costspan",
        "official": "OpenTelemetry's JSON file exporter",
        "protobuf, encoded only": "OpenTelemetry's protobuf encoder, nothing written",
    }
    rows = [
        [name, f"{took[key][0]:.1f} / {took[key][1]:.1f}", f"{1e6 / took[key][0]:,.0f}"]
        for key, name in names.items()
        if key in took
    ]
    figures = [Figure("one span as OTLP JSON, encoded and written", took["ours"][0], 12.5, "us")]
    if "official" in took:
        share = took["ours"][0] / took["official"][0]
        figures.append(Figure("the same: share of OpenTelemetry's exporter", share, 0.21, ""))
    text = table(("a span in a file", "us", "per second"), rows)
    return f"## Spans in files\n\n{text}", figures


def reports() -> tuple[str, list[Figure]]:
    """A report over a million calls, each time a whole process."""
    took = json.loads(output_of(sys.executable, "reported"))
    names = {
        "lean": "costspan report --by agent, lean lines",
        "lean gzip": "the same, files compressed",
        "lean jq": "jq, dollars by agent alone, lean lines",
        "full": "costspan report --by agent, lines of costspan's own",
        "full gzip": "the same, files compressed",
        "full jq": "jq, dollars by agent alone, lines of costspan's own",
        "as if": "costspan report --as-if gpt-5-mini --by agent",
        "waste": "costspan waste --by agent",
    }
    best = {
        key: [min(run[n] for run in took[key]) for n in range(3)] for key in names if key in took
    }
    rows = [
        [names[key], *(f"{n:.2f}" for n in best[key][:2]), f"{best[key][2]:.0f}"] for key in best
    ]
    sizes = ", ".join(f"{size / 1e6:,.0f} MB {kind}" for kind, size in took["bytes"].items())
    figures = [
        Figure("report over a million lean calls", best["lean"][0], 1.0, "s"),
        Figure("report over a million lean calls, compressed", best["lean gzip"][0], 1.5, "s"),
        Figure("report over a million lean calls, memory", best["lean"][2], 300, "MiB"),
        Figure(
            "report over a million calls of costspan's own, memory", best["full"][2], 300, "MiB"
        ),
    ]
    for kind in ("lean", "full"):
        if f"{kind} jq" in best:
            share = best[kind][0] / best[f"{kind} jq"][0]
            figures.append(Figure(f"the same, {kind} lines: share of jq's time", share, 0.125, ""))
    text = table(("a whole process", "s", "CPU s", "MiB at most"), rows)
    return f"## Reports: {took['calls']:,} calls, {sizes}\n\n{text}", figures
