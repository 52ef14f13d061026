"""The cross-check of the demo: every place that tells of the calls must tell the same.

A book is what one place says: sums by agent, and for "all" of them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from demo_bill import AGENT_HEADER, Answer
from demo_receiver import Span

ALL, NOBODY = "all", "(none)"


class Sums(NamedTuple):
    """Sums over some calls; None where a place says nothing of it.

    `first_token_ms` is the mean time to the first token of the streamed calls.
    """

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None = None
    first_token_ms: float | None = None


Book = Mapping[str, Any]


class Entry(NamedTuple):
    """One call, as one place tells of it."""

    agent: str
    input_tokens: int
    output_tokens: int
    usd: Decimal | None
    first_token_ms: float | None = None


def summed(entries: Sequence[Entry]) -> Sums:
    """The sums of some calls."""
    dollars = [entry.usd for entry in entries]
    streamed = [e.first_token_ms for e in entries if e.first_token_ms is not None]
    return Sums(
        len(entries),
        sum(entry.input_tokens for entry in entries),
        sum(entry.output_tokens for entry in entries),
        None if None in dollars else sum(dollars, Decimal(0)),
        fmean(streamed) if streamed else None,
    )


def book_of(entries: Iterable[Entry]) -> Book:
    """The sums by agent and of all."""
    entries = list(entries)
    agents = dict.fromkeys(entry.agent for entry in entries)
    book = {agent: summed([e for e in entries if e.agent == agent]) for agent in agents}
    return {**book, ALL: summed(entries)}


def by_agent(costs: Any) -> Book:
    """What is printed: the tracker's sums, with the times that its records hold."""
    times = from_lines([vars_of(record) for record in costs.records])
    return {
        agent: Sums(
            row.calls,
            row.input_tokens,
            row.output_tokens,
            row.cost_usd,
            times[agent].first_token_ms,
        )
        for agent, row in {**costs.summary(by="agent"), ALL: costs.summary()}.items()
    }


def vars_of(record: Any) -> dict[str, Any]:
    """A record's fields, as they stand in a line."""
    return {name: getattr(record, name) for name in record.__struct_fields__}


def from_lines(lines: Iterable[Mapping[str, Any]]) -> Book:
    """What the calls file says."""
    return book_of(entry_of_line(line) for line in lines)


def entry_of_line(line: Mapping[str, Any]) -> Entry:
    """A line of the file."""
    first_token = line["time_to_first_token_ms"]
    return Entry(
        line["agent"] or NOBODY,
        line["input_tokens"] or 0,
        line["output_tokens"] or 0,
        line["cost_usd"],
        None if first_token is None else float(first_token),
    )


def from_spans(spans: Iterable[Span]) -> Book:
    """What the receiver got."""
    return book_of(entry_of_span(span) for span in spans)


def entry_of_span(span: Span) -> Entry:
    """A span: dollars as the decimal nearest to its double, times to the microsecond."""
    said = span.attributes
    usd, first_token = said.get("costspan.cost.total"), said.get("costspan.time_to_first_token")
    return Entry(
        said.get("gen_ai.agent.name", NOBODY),
        said.get("gen_ai.usage.input_tokens", 0),
        said.get("gen_ai.usage.output_tokens", 0),
        None if usd is None else Decimal(repr(usd)),
        None if first_token is None else round(first_token * 1e3, 3),
    )


def from_tally(tally: Any) -> Book:
    """What the server really served: tokens, it knows no prices."""
    rows = {**tally.totals(by=AGENT_HEADER), ALL: tally.total()}
    return {
        agent: Sums(row.calls, row.input_tokens, row.output_tokens) for agent, row in rows.items()
    }


def from_bill(bill: Mapping[str, Sequence[Answer]]) -> Book:
    """What was worked out by hand."""
    return book_of(
        Entry(agent, answer.tokens_in, answer.tokens_out, answer.usd)
        for agent, answers in bill.items()
        for answer in answers
    )


def read_lines(folder: str, session: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The session's lines, dollars as exact decimals, and the names of the files they are in."""
    lines, names = [], []
    for path in sorted(Path(folder).glob("llm_trace_*.jsonl")):
        found = [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
        found = [line for line in found if line["session_id"] == session]
        lines += found
        names += [str(path)] if found else []
    for line in lines:
        line["cost_usd"] = None if line["cost_usd"] is None else Decimal(line["cost_usd"])
    return lines, names


def differences(books: Mapping[str, Book]) -> list[str]:
    """A sentence for each number on which two books differ."""
    return [
        f"{agent}, {field}: " + ", ".join(f"{name} {value}" for name, value in told.items())
        for agent in dict.fromkeys(agent for book in books.values() for agent in book)
        for field in Sums._fields
        if len(set((told := told_of(books, agent, field)).values())) > 1
    ]


def told_of(books: Mapping[str, Book], agent: str, field: str) -> dict[str, Any]:
    """What each book says of one number, as far as it says anything."""
    told = {
        name: getattr(book[agent], field, None) for name, book in books.items() if agent in book
    }
    return {name: plain(value) for name, value in told.items() if value is not None}


def plain(value: Any) -> str:
    """A number so that equal ones read the same."""
    number = round(value, 6) if isinstance(value, float) else value
    return f"{Decimal(str(number)).normalize():f}"


def call_differences(spans: Sequence[Span], lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each call of which its span and its line do not tell the same."""
    told = {span.span_id: entry_of_span(span) for span in spans}
    written = {line["span_id"]: entry_of_line(line) for line in lines}
    return [
        f"call {key}: its span says {told.get(key)}, its line says {written.get(key)}"
        for key in sorted(told.keys() | written.keys())
        if told.get(key) != written.get(key)
    ]


def check(
    books: Mapping[str, Book],
    spans: Sequence[Span],
    lines: Sequence[Mapping[str, Any]],
    alerts: Sequence[Any],
    alert_usd: Decimal | None,
) -> list[str]:
    """Everything that does not agree, as sentences; nothing where all is well."""
    found = differences(books) + call_differences(spans, lines)
    sent = [alert.cost_usd for alert in alerts]
    if alert_usd is not None and sent != [alert_usd]:
        found.append(f"one alert of {alert_usd} USD was due, sent were {sent}")
    if not lines:
        found.append("no call was written to the file")
    return found
