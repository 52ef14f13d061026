"""The table that `make peers` prints, and the page docs/peers.md, which it writes."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.peers.judge import EXACT, Verdict
from tests.peers.peers import PEERS
from tests.peers.surfaces import ASYNC

HEAD = """# Prices of other instrumentations' spans

`CostSpanProcessor` prices the spans that other instrumentations make. This page lists what came of
it for real calls of the real packages: each peer alone in its process, the SDKs, sync and async,
against costspan's test server, which knows what it served. It is written by
`WRITE_DOCS=1 make peers`; the newest releases are those of the day when the pins were made.

- exact: the price in the ledger and on the span is the right one, to the last digit.
- partial: the span leaves out a count that the tariff needs; it is named, and what is known is
  priced.
- wrong usage: the span tells other counts than the provider did.
- no span: the peer makes none for this call.

A cache write is priced exactly only where the span tells for how long it was written, five minutes
or an hour: the conventions have no name for that.
"""


@dataclass(frozen=True, slots=True)
class Played:
    """The verdicts on one release of a peer, by surface, and what was installed."""

    peer: str
    versions: Mapping[str, str]
    verdicts: Mapping[str, Verdict]

    @property
    def release(self) -> str:
        """The version that the release is known by."""
        return self.versions[PEERS[self.peer].packages[0]]

    @property
    def exact(self) -> int:
        """How many of its surfaces are exact."""
        return sum(verdict.word == EXACT for verdict in self.verdicts.values())


def page(plays: Sequence[Played], together: Sequence[tuple[str, str]]) -> str:
    """The whole page."""
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    made = f"Made on {day} with Python {platform.python_version()}."
    plays = sorted(plays, key=lambda one: list(PEERS).index(one.peer))
    parts = [HEAD, f"{made}\n", _summary(plays), *_sections(plays), _together(together)]
    return "\n".join(parts)


def _summary(plays: Sequence[Played]) -> str:
    rows = [
        f"| {PEERS[one.peer].title} | {one.release} | {one.exact} of {len(one.verdicts)} | "
        f"{_installed(one, 'openai')} | {_installed(one, 'anthropic')} | "
        f"{_installed(one, 'opentelemetry-sdk')} |"
        for one in plays
    ]
    head = (
        "| peer | release | exact | openai | anthropic | opentelemetry-sdk |\n" + "|---" * 6 + "|"
    )
    return "\n".join([head, *rows, ""])


def _installed(played: Played, package: str) -> str:
    return played.versions.get(package, "")


def _sections(plays: Sequence[Played]) -> Iterator[str]:
    for name in dict.fromkeys(one.peer for one in plays):
        releases = [one for one in plays if one.peer == name]
        packages = ", ".join(f"`{package}`" for package in PEERS[name].packages)
        yield f"## {PEERS[name].title}\n\n{packages}\n\n{_table(releases)}"


def _table(releases: Sequence[Played]) -> str:
    head = "| surface | " + " | ".join(one.release for one in releases) + " |"
    surfaces = dict.fromkeys(surface for one in releases for surface in one.verdicts)
    rows = [
        f"| {surface} | " + " | ".join(_said(one, surface) for one in releases) + " |"
        for surface in surfaces
    ]
    return "\n".join([head, "|---" * (len(releases) + 1) + "|", *rows, ""])


def _said(played: Played, surface: str) -> str:
    """The verdict; on an async call that of the sync one, unless it differs."""
    sync = surface.removesuffix(f", {ASYNC}")
    return str(played.verdicts.get(surface, played.verdicts.get(sync, "")))


def _together(together: Sequence[tuple[str, str]]) -> str:
    rows = [f"| {names} | {found} |" for names, found in together]
    return "\n".join([TOGETHER, "| switched on, in this order | calls |\n|---|---|", *rows, ""])


TOGETHER = """## Several at once

Two instrumentations in one process tell each call twice. Each call is counted once, with its right
price, by whichever of them tells its usage; `counted once` says that this was so for every call.
"""
