"""A comparison as text, Markdown, CSV and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from costspan.report import tables
from costspan.report.layout import Column
from costspan.report.reconciling.causes import Cause, causes_of, remarks
from costspan.report.reconciling.comparing import Comparison, Pair
from costspan.report.vocabulary import printable

_NONE = "-"
_HEAD = ("day", "model", "ours", "provider", "difference", "percent", "unit", "calls", "causes")


def percent(ours: Decimal, theirs: Decimal) -> Decimal | None:
    """How far ours is from theirs, in percent of theirs; None where theirs is nothing."""
    return None if not theirs else abs(theirs - ours) * 100 / abs(theirs)


def as_text(compared: Comparison) -> str:
    """A plain table, and beneath it the likely causes."""
    table = tables.as_text(_columns(compared), [caption(compared)])
    return "\n".join([table, *_explained(compared)])


def as_markdown(compared: Comparison) -> str:
    """A Markdown table, and beneath it the likely causes as a list."""
    table = tables.as_markdown(_columns(compared), [caption(compared)])
    listed = [f"- {line.strip()}" for line in _explained(compared)]
    return "\n".join([table, *([""] if listed else []), *listed])


def as_csv(compared: Comparison) -> str:
    """A row for each day and model."""
    rows = _objects(compared)
    for row in rows:
        row["causes"] = "; ".join(dict.fromkeys(cause["cause"] for cause in row["causes"]))
    return tables.as_csv(_HEAD, rows)


def as_json(compared: Comparison) -> str:
    """One object; docs/reconcile.md lists its keys."""
    statement = compared.statement
    found = {
        "shape": statement.shape,
        "provider": statement.provider,
        "unit": statement.unit,
        "first": statement.first,
        "last": statement.last,
        "ours": compared.known,
        "theirs": compared.theirs,
        "difference": compared.theirs - compared.ours,
        "percent": _rounded(percent(compared.ours, compared.theirs)),
        "rows": _objects(compared),
        "remarks": [_cause(cause) for cause in remarks(compared)],
        "passed_over": compared.report.passed_over,
    }
    return tables.as_json(found)


def _objects(compared: Comparison) -> list[dict[str, Any]]:
    unit = compared.statement.unit
    both = zip(compared.pairs, causes_of(compared), strict=True)
    return [_object(pair, causes, unit) for pair, causes in both]


def _object(pair: Pair, causes: list[Cause], unit: str) -> dict[str, Any]:
    return {
        "day": pair.day.isoformat(),
        "model": pair.model,
        "ours": pair.known,
        "provider": pair.their_amount if pair.items else None,
        "difference": pair.difference,
        "percent": _rounded(percent(pair.our_amount, pair.their_amount)),
        "unit": unit,
        "calls": pair.ours.calls if pair.ours else 0,
        "causes": [_cause(cause) for cause in causes],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {"cause": cause.word, "amount": cause.amount, "text": cause.text}


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(Decimal("0.001"))


def caption(compared: Comparison) -> str:
    """What was compared."""
    statement = compared.statement
    return f"{statement.shape}, {statement.first} to {statement.last} (UTC), in {statement.unit}"


def _columns(compared: Comparison) -> list[Column]:
    digits, unit = _digits(compared), compared.statement.unit
    found = [
        [
            str(pair.day),
            _model(pair, compared),
            _ours(pair.known, pair.is_unknown, unit, digits),
            f"{pair.their_amount:,.{digits}f}" if pair.items else _NONE,
            f"{pair.difference:+,.{digits}f}" if pair.difference else "0",
            _percent(pair.our_amount, pair.their_amount),
            ", ".join(dict.fromkeys(cause.word for cause in causes)),
        ]
        for pair, causes in zip(compared.pairs, causes_of(compared), strict=True)
    ]
    both = compared.ours, compared.theirs
    rest = compared.theirs - compared.ours
    ours = _ours(compared.known, compared.known is None, unit, digits)
    total = [ours, f"{compared.theirs:,.{digits}f}", f"{rest:+,.{digits}f}"]
    found.append(["total", "", *total, _percent(*both), ""])
    heads = ("day", "model", "ours", "provider", "difference", "%", "likely causes")
    return [
        Column(head, list(cells), is_text=place in (0, 1, 6))
        for place, (head, cells) in enumerate(zip(heads, zip(*found, strict=True), strict=True))
    ]


def _ours(amount: Decimal | None, is_unknown: bool, unit: str, digits: int) -> str:
    """Our sum; calls of which none is known are no 0."""
    if is_unknown:
        return "unpriced" if unit == "USD" else "unknown"
    return _NONE if amount is None else f"{amount:,.{digits}f}"


def _model(pair: Pair, compared: Comparison) -> str:
    if pair.model is not None:
        return printable(pair.model)
    return "(no model)" if compared.is_by_model else "(all models)"


def _digits(compared: Comparison) -> int:
    if compared.statement.unit != "USD":
        return 0
    return 2 if max(abs(compared.ours), abs(compared.theirs)) >= 1000 else 6


def _percent(ours: Decimal, theirs: Decimal) -> str:
    found = percent(ours, theirs)
    return _NONE if found is None else f"{found:.2f}"


def _explained(compared: Comparison) -> Iterator[str]:
    """Each cause on a line, under its day and model; and what is to be said of the whole."""
    for pair, causes in zip(compared.pairs, causes_of(compared), strict=True):
        for cause in causes:
            yield printable(f"  {pair.day} {_model(pair, compared)}: {cause.text}")
    for cause in remarks(compared):
        yield printable(f"  {cause.text}")
