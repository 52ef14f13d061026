"""The compiled table against genai-prices itself, over every row it has."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from costspan import Prices
from costspan.call import Cost
from tests.cost import library
from tests.cost.calls import AT, finished

PARTS = ("input", "cache_read", "cache_write", "output", "tools")

few = st.integers(0, 5_000)
many = st.one_of(few, st.integers(0, 400_000))
LEAVES = {
    "fresh": many,
    "fresh_audio": few,
    "fresh_image": few,
    "cached": many,
    "cached_audio": few,
    "cached_image": few,
    "written": few,
    "written_1h": few,
    "spoken": many,
    "spoken_audio": few,
    "drawn": few,
    "reasoned": few,
    "web_searches": st.integers(0, 9),
    "storage_searches": st.integers(0, 9),
    "code_executions": st.integers(0, 9),
}
"""Counts that are no part of each other."""

INPUT, OUTPUT = {"input_tokens"}, {"output_tokens"}
CACHED, WRITTEN = INPUT | {"cache_read_tokens"}, INPUT | {"cache_write_tokens"}
NEEDED = {
    "fresh": INPUT,
    "fresh_audio": INPUT | {"input_audio_tokens"},
    "fresh_image": INPUT,
    "cached": CACHED,
    "cached_audio": CACHED | {"input_audio_tokens"},
    "cached_image": CACHED,
    "written": WRITTEN,
    "written_1h": WRITTEN | {"cache_write_1h_tokens"},
    "spoken": OUTPUT,
    "spoken_audio": OUTPUT | {"output_audio_tokens"},
    "drawn": OUTPUT | {"output_image_tokens"},
    "reasoned": OUTPUT,
    "web_searches": {"web_searches"},
    "storage_searches": {"storage_searches"},
    "code_executions": {"code_executions"},
}
"""The rates without which such a count would make the cost partial."""

# Each example is priced in every row: a few are many, and making one smaller takes too long.
whole_table = settings(max_examples=4, deadline=None, phases=set(Phase) - {Phase.shrink})
moments = st.integers(-900 * 86_400, 200 * 86_400).map(lambda s: AT + timedelta(seconds=s))
usages = st.fixed_dictionaries(LEAVES)


def counts_of(leaves: dict[str, int]) -> dict[str, int]:
    """The counts as a provider reports them: wholes include their parts."""
    cached = leaves["cached"] + leaves["cached_audio"] + leaves["cached_image"]
    written = leaves["written"] + leaves["written_1h"]
    fresh = leaves["fresh"] + leaves["fresh_audio"] + leaves["fresh_image"]
    output = leaves["spoken"] + leaves["spoken_audio"] + leaves["drawn"] + leaves["reasoned"]
    return {
        "input_tokens": fresh + cached + written,
        "cache_read_tokens": cached,
        "cache_write_tokens": written,
        "cache_write_1h_tokens": leaves["written_1h"],
        "input_audio_tokens": leaves["fresh_audio"] + leaves["cached_audio"],
        "input_image_tokens": leaves["fresh_image"] + leaves["cached_image"],
        "cache_audio_read_tokens": leaves["cached_audio"],
        "cache_image_read_tokens": leaves["cached_image"],
        "output_tokens": output,
        "output_audio_tokens": leaves["spoken_audio"],
        "output_image_tokens": leaves["drawn"],
        "reasoning_tokens": leaves["reasoned"],
        **{name: leaves[name] for name in ("web_searches", "storage_searches", "code_executions")},
    }


def ours(prices: Prices, row: Any, at: datetime, context: dict[str, str], counts: Any) -> Cost:
    """What costspan makes of the counts, by the way that a settled call takes."""
    provider, model, _ = row
    tier = "batch" if context.get("processing") == "batch" else context.get("service_tier")
    call = finished(model, provider.id, at, service_tier=tier, speed=context.get("speed"), **counts)
    return prices.cost(call)


def tellable(context: dict[str, str]) -> bool:
    """Whether an answer can say it: a route or a kind of search is in no response."""
    return context.keys() <= {"service_tier", "speed", "processing"}


def cases(at: datetime) -> Iterator[tuple[Any, dict[str, str], set[str]]]:
    """Every row in every context, and the leaves that it has rates for then."""
    for row in library.rows():
        for context in filter(tellable, library.contexts(row[2])):
            rates = library.rated(row[2], at, context)
            yield row, context, rateable(rates)


def rateable(rates: set[str]) -> set[str]:
    """The leaves that a row with these rates prices whole."""
    return {name for name in LEAVES if NEEDED[name] <= rates}


def of(leaves: dict[str, int], names: set[str]) -> dict[str, int]:
    """The counts of `leaves`, without those that are not in `names`."""
    return counts_of({name: count * (name in names) for name, count in leaves.items()})


def test_the_table_is_whole():
    assert len(library.rows()) > 2000


@whole_table
@given(usages, moments)
def test_every_row_is_priced_as_the_library_prices_it(leaves: dict[str, int], at: datetime):
    prices = Prices()
    for row, context, rated in cases(at):
        provider, model, info = row
        counts = of(leaves, rated)
        wanted = library.parts(provider, info, counts, at, context)
        cost = ours(prices, row, at, context, counts)
        where = f"{provider.id}/{model} {context} {counts}"
        assert {part: getattr(cost, f"{part}_usd") for part in PARTS} == wanted, where
        assert cost.total_usd == sum(wanted.values()), where


@whole_table
@given(usages, st.sampled_from(sorted(LEAVES)), st.integers(1, 300_000))
def test_one_more_of_anything_never_makes_a_call_cheaper(
    leaves: dict[str, int], name: str, more: int
):
    prices = Prices()
    raised = {**leaves, name: leaves[name] + more}
    for row, context, rated in cases(AT):
        costs = [ours(prices, row, AT, context, of(each, rated)) for each in (leaves, raised)]
        less, dearer = (cost.total_usd for cost in costs)
        assert less is not None
        assert dearer is not None
        assert less <= dearer, f"{row[0].id}/{row[1]} {context}"


def changes_with_time(row: Any) -> bool:
    """Whether another price may hold at another hour of the day."""
    prices = row[2].prices
    rules = [one.constraint for one in prices] if isinstance(prices, list) else []
    return any(hasattr(rule, "start_time") for rule in rules)


@whole_table
@given(usages, moments, st.lists(st.integers(1, 40 * 86_400), min_size=3, max_size=6))
def test_a_price_is_kept_only_as_long_as_it_holds(
    leaves: dict[str, int], at: datetime, steps: list[int]
):
    hourly = [row for row in library.rows() if changes_with_time(row)]
    dated = [row for row in library.rows() if isinstance(row[2].prices, list)]
    assert hourly
    kept = Prices()
    for step in (0, *steps):
        at += timedelta(seconds=step)
        for row in (*hourly, *dated[::7]):
            rated = rateable(library.rated(row[2], at, {}))
            counts = of(leaves, rated & {"fresh", "cached", "spoken"})
            wanted = library.parts(row[0], row[2], counts, at, {})
            assert ours(kept, row, at, {}, counts).total_usd == sum(wanted.values()), row[1]


def test_the_date_of_the_prices_is_the_newest_change_in_force():
    as_of = Prices().as_of
    assert as_of.startswith("genai-prices ")
    day = date.fromisoformat(as_of.split("changes up to ")[1].rstrip(")"))
    assert date(2026, 10, 14) <= day <= datetime.now(UTC).date()


def test_a_row_named_by_its_id_is_exact_and_by_a_rule_approximate():
    prices = Prices()
    counts = {"input_tokens": 1, "output_tokens": 1}
    named = prices.cost(finished("gpt-4o-mini", **counts))
    ruled = prices.cost(finished("claude-opus-4-5-20990101", "anthropic", **counts))
    assert (named.match, named.model) == ("exact", "gpt-4o-mini")
    assert (ruled.match, ruled.model) == ("approximate", "claude-opus-4-5")
    assert ruled.total_usd == Decimal("0.00003")
