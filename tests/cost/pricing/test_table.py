"""The compiled table against genai-prices itself, over every row it has."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from costspan import Prices
from costspan.call import Cost, Usage
from costspan.cost.pricing.billed import KEYS
from tests.cost.calls import AT, finished
from tests.cost.pricing import library

PARTS = ("input", "cache_read", "cache_write", "output", "tools")

few = st.integers(0, 5_000)
many = st.one_of(few, st.integers(0, 400_000))
seconds = st.integers(0, 50_000).map(lambda eighths: eighths / 8)  # whose sums are exact
LEAVES = {
    "fresh": many,
    "fresh_audio": few,
    "fresh_image": few,
    "fresh_video": few,
    "cached": many,
    "cached_audio": few,
    "cached_image": few,
    "cached_video": few,
    "written": few,
    "written_1h": few,
    "spoken": many,
    "spoken_audio": few,
    "drawn": few,
    "filmed": few,
    "reasoned": few,
    "cited": few,
    "connected_seconds": seconds,
    "heard_seconds": seconds,
    "spoken_seconds": seconds,
    "plain_pages": st.integers(0, 900),
    "annotated_pages": st.integers(0, 900),
    "input_characters": many,
    "input_text_messages": st.integers(0, 90),
    "web_searches": st.integers(0, 9),
    "storage_searches": st.integers(0, 9),
    "social_searches": st.integers(0, 9),
    "rerank_searches": st.integers(0, 9),
    "code_executions": st.integers(0, 9),
}
"""Counts that are no part of each other."""

APART = (
    "input_characters",
    "input_text_messages",
    "web_searches",
    "storage_searches",
    "social_searches",
    "rerank_searches",
    "code_executions",
)
"""Counts that have no parts."""

INPUT, OUTPUT = {"input_tokens"}, {"output_tokens"}
CACHED, WRITTEN = INPUT | {"cache_read_tokens"}, INPUT | {"cache_write_tokens"}
NEEDED = {
    "fresh": INPUT,
    "fresh_audio": INPUT | {"input_audio_tokens"},
    "fresh_image": INPUT,
    "fresh_video": INPUT,
    "cached": CACHED,
    "cached_audio": CACHED | {"input_audio_tokens"},
    "cached_image": CACHED,
    "cached_video": CACHED,
    "written": WRITTEN,
    "written_1h": WRITTEN | {"cache_write_1h_tokens"},
    "spoken": OUTPUT,
    "spoken_audio": OUTPUT | {"output_audio_tokens"},
    "drawn": OUTPUT | {"output_image_tokens"},
    "filmed": OUTPUT | {"output_video_tokens"},
    "reasoned": OUTPUT,
    "cited": OUTPUT,
    "connected_seconds": {"audio_seconds"},
    "heard_seconds": {"audio_seconds"},
    "spoken_seconds": {"audio_seconds"},
    "plain_pages": {"input_document_pages"},
    "annotated_pages": {"input_document_pages", "input_annotated_document_pages"},
    **{name: {name} for name in APART},
}
"""The rates without which such a count would make the cost partial."""

# Each example is priced in every row: a few are many, and making one smaller takes too long.
whole_table = settings(max_examples=4, deadline=None, phases=set(Phase) - {Phase.shrink})
moments = st.integers(-900 * 86_400, 200 * 86_400).map(lambda s: AT + timedelta(seconds=s))
usages = st.fixed_dictionaries(LEAVES)


def counts_of(leaves: dict[str, float]) -> dict[str, float]:
    """The counts as a provider reports them: wholes include their parts."""

    def whole(*names: str) -> float:
        return sum(leaves[name] for name in names)

    cached = whole("cached", "cached_audio", "cached_image", "cached_video")
    written = whole("written", "written_1h")
    fresh = whole("fresh", "fresh_audio", "fresh_image", "fresh_video")
    return {
        "input_tokens": fresh + cached + written,
        "cache_read_tokens": cached,
        "cache_write_tokens": written,
        "cache_write_1h_tokens": leaves["written_1h"],
        "input_audio_tokens": whole("fresh_audio", "cached_audio"),
        "input_image_tokens": whole("fresh_image", "cached_image"),
        "input_video_tokens": whole("fresh_video", "cached_video"),
        "cache_audio_read_tokens": leaves["cached_audio"],
        "cache_image_read_tokens": leaves["cached_image"],
        "cache_video_read_tokens": leaves["cached_video"],
        "output_tokens": whole("spoken", "spoken_audio", "drawn", "filmed", "reasoned", "cited"),
        "output_audio_tokens": leaves["spoken_audio"],
        "output_image_tokens": leaves["drawn"],
        "output_video_tokens": leaves["filmed"],
        "reasoning_tokens": leaves["reasoned"],
        "citation_tokens": leaves["cited"],
        "audio_seconds": whole("connected_seconds", "heard_seconds", "spoken_seconds"),
        "input_audio_seconds": leaves["heard_seconds"],
        "output_audio_seconds": leaves["spoken_seconds"],
        "input_document_pages": whole("plain_pages", "annotated_pages"),
        "input_annotated_document_pages": leaves["annotated_pages"],
        **{name: leaves[name] for name in APART},
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


def rated_cases(at: datetime) -> Iterator[tuple[Any, dict[str, str], set[str]]]:
    """Every row in every context, and the counts that it has rates for then."""
    for row in library.rows():
        for context in filter(tellable, library.contexts(row[2])):
            yield row, context, library.rated(row[2], at, context)


def cases(at: datetime) -> Iterator[tuple[Any, dict[str, str], set[str]]]:
    """Every row in every context, and the leaves that it has rates for then."""
    for row, context, rates in rated_cases(at):
        yield row, context, rateable(rates)


def rateable(rates: set[str]) -> set[str]:
    """The leaves that a row with these rates prices whole."""
    return {name for name in LEAVES if NEEDED[name] <= rates}


def of(leaves: dict[str, float], names: set[str]) -> dict[str, float]:
    """The counts of `leaves`, without those that are not in `names`."""
    return counts_of({name: count * (name in names) for name, count in leaves.items()})


def test_the_table_is_whole():
    assert len(library.rows()) > 2000


def test_each_count_that_a_row_has_a_rate_for_is_a_field_of_usage():
    rates = {key for _, _, found in rated_cases(AT) for key in found}
    assert rates - {"requests"} <= set(KEYS.values())
    assert set(KEYS) < set(Usage.__struct_fields__)


@whole_table
@given(usages, moments)
def test_every_row_is_priced_as_the_library_prices_it(leaves: dict[str, float], at: datetime):
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
    leaves: dict[str, float], name: str, more: int
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
    leaves: dict[str, float], at: datetime, steps: list[int]
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
