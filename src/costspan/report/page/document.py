"""The page as a whole: the sections in their order, the data beside them, and what may run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

import msgspec
from msgspec import structs

from costspan.report.layout import chosen
from costspan.report.moments import written
from costspan.report.page import budgets, money, summary, times, troubles
from costspan.report.page.markup import Markup, element, filled, joined
from costspan.report.page.questions import Contents
from costspan.report.render import as_json

_DANGEROUS = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})
"""What could end or comment the element that JSON stands in; a JSON string may spell it so."""


def document(found: Contents) -> str:
    """The HTML of the page."""
    style, script = _part("page.css"), _part("page.js")
    sections = _SECTIONS if found.time.total.calls else _SECTIONS[-1:]
    return filled(
        _part("page.html"),
        policy=_policy(style, script),
        title=summary.title(found),
        style=Markup(style),
        script=Markup(script),
        header=summary.header(found),
        navigation=_navigation(sections),
        sections=joined(*(_section(*one, found) for one in sections)),
        footer=summary.footer(found),
        data=Markup(data(found).translate(_DANGEROUS)),
    )


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing is fetched, and only this very style and script are used."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _spend(found: Contents) -> Markup:
    return joined(money.over_time(found), money.by_kind(found))


def _who(found: Contents) -> Markup:
    return joined(*map(money.breakdown, found.breakdowns))


def _dearest(found: Contents) -> Markup:
    return joined(money.dearest_calls(found), money.dearest_sessions(found.sessions))


_Inside = Callable[[Contents], Markup]
_SECTIONS: Sequence[tuple[str, str, _Inside]] = (
    ("spend", "Spend over time", _spend),
    ("who", "Who spent it", _who),
    ("dearest", "The dearest", _dearest),
    ("latency", "Latency", times.waiting),
    ("cache", "Cache", troubles.cache),
    ("errors", "Errors", troubles.errors),
    ("budgets", "Budgets and alerts", budgets.budgets),
)


def _section(key: str, title: str, inside: _Inside, found: Contents) -> Markup:
    heading = element("h2", title, id=f"{key}-heading")
    return element("section", heading, inside(found), id=key, aria_labelledby=f"{key}-heading")


def _navigation(sections: Sequence[tuple[str, str, _Inside]]) -> Markup:
    links = (element("li", element("a", title, href=f"#{key}")) for key, title, _ in sections)
    return element("nav", element("ul", *links), aria_label="Sections")


def data(found: Contents) -> str:
    """The page's figures as JSON: each report as `costspan report --json` prints it.

    docs/report-page.md lists the keys.
    """
    unit = found.time.by[0]
    reports = {unit: found.time, f"{unit},model": found.stacked, "session": found.sessions}
    reports |= {",".join(report.by): report for report in found.breakdowns}
    single = found.particulars
    whole = {
        "made_at": written(found.made_at.replace(tzinfo=None)),
        "reports": {
            key: msgspec.Raw(as_json(report, chosen(report, None)).encode())
            for key, report in reports.items()
        },
        "dearest_calls": [_plain(one) for one in single.calls],
        "errors": [_plain(one) for one in single.failures],
        "cache_saved_usd": {
            "total": single.saving,
            "by_model": [{"model": key, **_plain(one)} for key, one in single.savings.items()],
        },
        "budgets": found.budgets,
    }
    return _encoder.encode(whole).decode()


_encoder = msgspec.json.Encoder(decimal_format="number")


def _plain(one: msgspec.Struct) -> dict[str, Any]:
    found = structs.asdict(one)
    return {
        key: written(value) if hasattr(value, "isoformat") else value
        for key, value in found.items()
    }
