"""Whatever a fetched table says, no model in use changes its price by more than a factor of two."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from costspan.cost.pricing.compare import changes
from costspan.cost.pricing.merge import TableRefused, is_wild, merged
from costspan.cost.pricing.table import Table
from tests.cost.pricing.tables import Json, provider, row, written

NAMES = ["gpt", "gpt-4", "gpt-4o", "gpt-4o-mini", "gpt-5", "o3", "o3-mini", "claude"]
RATES = [0, 0.5, 1, 1.5, 2, 4]

rules = st.sampled_from(["equals", "starts_with", "contains"])
models = st.builds(
    lambda name, rule, rate: row(name, {"input_mtok": rate}, match={rule: name}),
    st.sampled_from(NAMES),
    rules,
    st.sampled_from(RATES),
)
tables = st.lists(models, min_size=1, max_size=8, unique_by=lambda one: one["id"])


def table_of(folder: Path, rows: list[Json]) -> Table:
    return Table.from_file(written(folder, [provider("acme", *rows)]))


def price(table: Table, model: str) -> Any:
    found = table.find("acme", model)
    return None if found is None else found[1]


@given(tables, tables)
def test_no_price_in_use_jumps(
    tmp_path_factory: Any, before: list[Json], after: list[Json]
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    in_use, fetched = table_of(folder, before), table_of(folder, after)
    try:
        table, held = merged(in_use, fetched)
    except TableRefused:
        return
    for each in before:
        was = price(in_use, each["id"])
        if was.id == each["id"]:
            found = changes("acme", each["id"], was, price(table, each["id"]))
            assert [change for change in found if is_wild(change)] == []
    assert bool(held) == ("held back" in table.prices_as_of)


def test_a_row_that_stays_may_take_no_other_models_price(tmp_path: Path) -> None:
    """`gpt-4o` stays at the place of the greedy row, before the row of `gpt-4o-mini`."""
    mini = row("gpt-4o-mini", {"input_mtok": 0.1})
    plain = row("gpt-4o", {"input_mtok": 2}, match={"starts_with": "gpt-4o"})
    greedy = row("gpt", {"input_mtok": 9}, match={"equals": "gpt-4o"})
    others = [row(name, {"input_mtok": 1}) for name in ("o3", "o4", "o5")]
    in_use = table_of(tmp_path, [mini, plain, *others])
    table, held = merged(in_use, table_of(tmp_path, [greedy, mini, *others]))
    assert [change.model for change in held] == ["gpt-4o"]
    assert price(table, "gpt-4o").prices.input_mtok == Decimal(2)
    assert price(table, "gpt-4o-mini").prices.input_mtok == Decimal("0.1")
