"""What two tables say differently, in rows made by hand."""

from decimal import Decimal
from pathlib import Path

import pytest

from costspan.cost.pricing.compare import Change, compare
from costspan.cost.pricing.table import Table
from tests.cost.pricing.tables import Json, provider, row, written

FAR = "2999-01-01"
FARTHER = "2999-06-01"


@pytest.fixture
def changes(tmp_path: Path):
    """The changes between two tables of the provider `acme`, as text."""

    def between(before: list[Json], after: list[Json]) -> list[str]:
        tables = [
            Table.from_file(written(tmp_path, [provider("acme", *rows), KEPT], f"{n}.json"))
            for n, rows in enumerate((before, after))
        ]
        return [str(change).removeprefix("acme/") for change in compare(*tables)]

    return between


KEPT = provider("other", row("same", {"input_mtok": 1, "output_mtok": 2}))


def m(prices: Json, **more: Json) -> Json:
    return row("m", prices, **more)


def dated(*prices: tuple[str | None, Json]) -> list[Json]:
    return [
        {"prices": p} if day is None else {"constraint": {"start_date": day}, "prices": p}
        for day, p in prices
    ]


def test_equal_tables_have_no_changes(changes):
    assert changes([m({"input_mtok": 1})], [m({"input_mtok": 1.0})]) == []


def test_a_rate_that_changes(changes):
    assert changes(
        [m({"input_mtok": 2.5, "output_mtok": 10})], [m({"input_mtok": 5, "output_mtok": 10})]
    ) == ["m input_mtok: 2.5 -> 5 USD (x 2)"]


def test_a_rate_that_comes_and_one_that_goes(changes):
    before = [m({"input_mtok": 1, "output_mtok": 2})]
    after = [m({"input_mtok": 1, "cache_read_mtok": 0.1})]
    assert changes(before, after) == [
        "m output_mtok: 2 -> none USD",
        "m cache_read_mtok: none -> 0.1 USD",
    ]


def test_models_that_come_and_go(changes):
    before = [row("old", {"input_mtok": 1, "output_mtok": 2}), row("blank", {})]
    after = [row("new", {"input_mtok": 3})]
    assert changes(before, after) == [
        "old input_mtok: vanished, 1 USD",
        "old output_mtok: vanished, 2 USD",
        "blank: vanished, without rates",
        "new input_mtok: appeared, 3 USD",
    ]


def test_a_change_says_what_it_is(tmp_path: Path):
    one = written(tmp_path, [provider("acme", m({"input_mtok": 3}))], "1")
    two = written(tmp_path, [provider("acme", m({"input_mtok": 1}))], "2")
    (change,) = compare(Table.from_file(one), Table.from_file(two))
    assert change == Change("acme", "m", "input_mtok", Decimal(3), Decimal(1), "changed")
    assert str(change) == "acme/m input_mtok: 3 -> 1 USD (x 0.333)"


@pytest.mark.parametrize(("before", "after"), [(None, 1), (1, None), (0, 1), (1, 0), (0, 0)])
def test_nothing_has_no_factor(before: int | None, after: int | None):
    def rate(usd: int | None) -> Decimal | None:
        return None if usd is None else Decimal(usd)

    assert Change("p", "m", "input_mtok", rate(before), rate(after)).factor is None


def tiered(base: float, *tiers: tuple[int, float]) -> Json:
    return {"base": base, "tiers": [{"start": start, "price": price} for start, price in tiers]}


def test_a_tier_that_changes(changes):
    before = [m({"input_mtok": tiered(3, (200_000, 6)), "output_mtok": 15})]
    after = [m({"input_mtok": tiered(3, (200_000, 4)), "output_mtok": 15})]
    assert changes(before, after) == ["m input_mtok above 200000 tokens: 6 -> 4 USD (x 0.667)"]


def test_a_tier_that_goes_is_the_base_from_then_on(changes):
    before = [m({"input_mtok": tiered(3, (200_000, 6))})]
    assert changes(before, [m({"input_mtok": 3})]) == [
        "m input_mtok above 200000 tokens: 6 -> 3 USD (x 0.5)"
    ]


def test_a_tier_that_changes_with_its_base_is_not_said_again(changes):
    before, after = [m({"input_mtok": 3})], [m({"input_mtok": tiered(2, (200_000, 2))})]
    assert changes(before, after) == ["m input_mtok: 3 -> 2 USD (x 0.667)"]


FLEX = {"when": {"service_tier": "flex"}, "prices": {"input_mtok": 0.5}}
BATCH = {"when": {"processing": "batch"}, "prices": {"input_mtok": 0.6}}


def test_variants_that_come_change_and_go(changes):
    dearer = {**FLEX, "prices": {"input_mtok": 0.75}}
    plain = {"input_mtok": 1, "output_mtok": 2}
    before = [m(plain, price_variants=[FLEX])]
    assert changes(before, [m(plain, price_variants=[dearer])]) == [
        "m input_mtok service_tier=flex: 0.5 -> 0.75 USD (x 1.5)"
    ]
    assert changes(before, [m(plain, price_variants=[BATCH])]) == [
        "m input_mtok service_tier=flex: 0.5 -> none USD",
        "m input_mtok processing=batch: none -> 0.6 USD",
    ]


def test_a_price_that_starts_later(changes):
    before = [m({"input_mtok": 3, "output_mtok": 9})]
    after = [
        m(
            dated(
                (None, {"input_mtok": 3, "output_mtok": 9}),
                (FAR, {"input_mtok": 1, "output_mtok": 9}),
            )
        )
    ]
    assert changes(before, after) == [f"m input_mtok from {FAR}: 3 -> 1 USD (x 0.333)"]


def test_a_later_day_that_changes_as_today_does_is_not_said_again(changes):
    before = [m(dated((None, {"input_mtok": 3}), (FAR, {"input_mtok": 4})))]
    after = [m(dated((None, {"input_mtok": 2}), (FARTHER, {"input_mtok": 4})))]
    assert changes(before, after) == [
        "m input_mtok: 3 -> 2 USD (x 0.667)",
        f"m input_mtok from {FAR}: 4 -> 2 USD (x 0.5)",
    ]


def test_what_held_only_in_the_past_is_no_change(changes):
    before = [m(dated((None, {"input_mtok": 9}), ("2026-01-01", {"input_mtok": 3})))]
    assert changes(before, [m({"input_mtok": 3})]) == []


def test_an_hour_of_the_day_that_changes(changes):
    def daily(rate: float) -> Json:
        night = {"start_time": "16:30:00Z", "end_time": "00:30:00Z"}
        return m(
            [{"prices": {"input_mtok": 2}}, {"constraint": night, "prices": {"input_mtok": rate}}]
        )

    assert changes([daily(1)], [daily(1.5)]) == [
        "m input_mtok from 00:00 UTC: 1 -> 1.5 USD (x 1.5)"
    ]
    assert changes([m({"input_mtok": 2})], [daily(2.5)]) == [
        "m input_mtok from 00:00 UTC: 2 -> 2.5 USD (x 1.25)"
    ]
