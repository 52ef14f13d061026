"""What can be asked of the calls files, and what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from costspan.export.folders import Place
from costspan.report.figures import Figures
from costspan.report.passed_over import PassedOver
from costspan.report.running import Watch, unwatched


class Question(Struct, frozen=True):
    """What is asked.

    Args:
        places: folders, files themselves, or URLs of databases that a load filled.
        by: words to sum by, such as `agent` or `tag:team`; none gives the total alone.
        since, until: moments as `moments.moment` reads them; a call counts when it ended.
        where: an expression that `conditions.condition` reads.
        compare: also the period of the same length before `since`.
        top: so many rows, the dearest; the others come as one. All if None or 0, or to compare.
        now: the present moment; now, if left out.
        watch: looks on while DuckDB works, as for a progress bar.
    """

    places: Sequence[Place]
    by: tuple[str, ...] = ("model",)
    since: str | None = None
    until: str | None = None
    where: str | None = None
    compare: bool = False
    top: int | None = None
    now: datetime | None = None
    watch: Watch = unwatched


class Breakdown(Struct, frozen=True):
    """One of several answers that are given in one pass: `by` and `top` as in a `Question`."""

    by: tuple[str, ...]
    top: int | None = None


class Row(Struct, frozen=True):
    """The figures of one combination of keys; a key is None where a call has none."""

    keys: tuple[str | None, ...]
    figures: Figures
    before: Figures | None = None


class Report(Struct, frozen=True):
    """An answer. The rows are the dearest first; `before` is None where nothing is compared.

    `other` is what is not in the rows, together, and `others` how many rows that would be.
    `percentiles` is one of `percentiles.EXACT` and `APPROXIMATE`.

    `since`, `until` and `compared_since` are UTC without a zone, None where the files decide.
    """

    by: tuple[str, ...]
    rows: list[Row]
    other: Figures | None
    others: int
    total: Figures
    before: Figures | None
    since: datetime | None
    until: datetime | None
    compared_since: datetime | None
    where: str | None
    percentiles: str
    files: int
    passed_over: PassedOver
