"""A table of one's own by file: what it prices, and what of it is refused."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from costspan import ConfigurationError, CostTracker, Instrumentor, Prices
from costspan.cost.pricing.compare import compare
from costspan.cost.pricing.table import Table
from tests.cost.calls import finished
from tests.cost.pricing.tables import Json, bundled, provider, row, written

GPT = row("gpt-4o-mini", {"input_mtok": 0.2, "output_mtok": 0.8})
LATER = row(
    "gpt-4o-mini",
    [
        {"prices": {"input_mtok": 9, "output_mtok": 9}},
        {"constraint": {"start_date": "2026-03-01"}, "prices": {"input_mtok": 1, "output_mtok": 2}},
    ],
)


def test_a_call_is_priced_by_the_file(tmp_path: Path):
    prices = Prices(table=written(tmp_path, [provider("openai", GPT)]))
    cost = prices.cost(finished("gpt-4o-mini", input_tokens=1000, output_tokens=100))
    # 1,000 x 0.2 + 100 x 0.8 millionths of a dollar
    assert cost.total_usd == Decimal("0.00028")
    assert cost.prices_as_of == str(tmp_path / "table.json")


def test_a_model_that_the_file_lacks_is_unpriced(tmp_path: Path):
    prices = Prices(table=str(written(tmp_path, [provider("openai", GPT)])))
    assert prices.cost(finished("gpt-4o", input_tokens=1, output_tokens=1)).status == "unpriced"


def test_the_date_is_that_of_the_newest_price_in_force(tmp_path: Path):
    path = written(tmp_path, [provider("openai", LATER)])
    assert Prices(table=path).as_of == f"{path} (changes up to 2026-03-01)"


def test_every_row_of_the_package_comes_back_from_a_file(tmp_path: Path):
    path = written(tmp_path, bundled())
    table = Table.from_file(path)
    assert len(list(table.models())) == len(list(Table.bundled().models())) > 2000
    assert compare(Table.bundled(), table) == []


NO_TIER = {"start": 9, "price": -2}
BROKEN: dict[str, tuple[Json, str]] = {
    "no list": ({"providers": []}, "expected a list of providers"),
    "nothing in it": ([], "it holds no models"),
    "a provider without models": ([provider("openai")], "it holds no models"),
    "a provider that is a word": (["openai"], "'openai': .*Provider"),
    "a provider without a name": ([{"id": "x", "api_pattern": "x", "models": []}], "x: .*name"),
    "a model without a match": (
        [provider("openai", GPT, {"id": "o9", "prices": {"input_mtok": 1}})],
        r"openai/o9: .*match",
    ),
    "a price that is a word": (
        [provider("openai", GPT, row("o9", {"input_mtok": "cheap"}))],
        r"openai/o9: input_mtok",
    ),
    "a price below nothing": (
        [provider("openai", GPT, row("o9", {"input_mtok": -1}))],
        r"openai/o9: input_mtok = -1 is no price",
    ),
    "a tier below nothing": (
        [
            provider(
                "x", row("m", {"input_mtok": {"base": 1, "tiers": [{"start": 9, "price": -2}]}})
            )
        ],
        r"x/m: input_mtok = -2 is no price",
    ),
    "a misspelt rate": (
        [provider("openai", row("o9", {"inptu_mtok": 1}))],
        r"openai/o9: Unknown price key: inptu_mtok",
    ),
    "a part without its whole": (
        [provider("openai", row("o9", {"cache_read_mtok": 1}))],
        r"openai/o9: Missing ancestor price",
    ),
    "a match that is none": (
        [provider("openai", row("o9", {}, match={"or": [{"regex": "o9("}]}))],
        r"openai/o9: 'o9\(' is no regular expression: missing \)",
    ),
    "a provider twice": ([provider("openai", GPT)] * 2, "two of its providers have the same id"),
    "no prices at all": ([provider("openai", row("o9", []))], "its list of prices is empty"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_table_that_is_none_is_an_error_that_names_file_and_fault(tmp_path: Path, name: str):
    table, fault = BROKEN[name]
    path = written(tmp_path, table)
    with pytest.raises(ConfigurationError, match=fault) as caught:
        Prices(table=path).load()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"prices: 1"])
def test_a_file_that_is_no_json_is_an_error(tmp_path: Path, text: bytes):
    path = tmp_path / "table.json"
    path.write_bytes(text)
    with pytest.raises(ConfigurationError, match=r"table\.json is no table in genai-prices'"):
        Prices(table=path).load()


def test_a_file_that_is_not_there_stops_costspan_before_it_starts(tmp_path: Path):
    costs = CostTracker(prices=Prices(table=tmp_path / "nowhere.json"))
    with pytest.raises(ConfigurationError, match=r"nowhere\.json cannot be read \(No such file"):
        Instrumentor().instrument(costs=costs)
    assert Instrumentor().settings is None


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"table": ""}, "give the path of a JSON file"),
        ({"table": 7}, "give the path of a JSON file"),
        ({"table": "a.json", "refresh": True}, "leave one of the two out"),
    ],
)
def test_a_wrong_setting_names_its_remedy(settings: dict, remedy: str):
    with pytest.raises(ConfigurationError, match=remedy):
        Prices(**settings)


def test_the_configuration_names_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = written(tmp_path, [provider("openai", GPT)])
    config = tmp_path / "costspan.toml"
    config.write_text('[prices]\ntable = "${PRICES}"\nmax_age = "never"\n', encoding="utf-8")
    monkeypatch.setenv("PRICES", str(path))
    monkeypatch.setenv("COSTSPAN_CONFIG", str(config))
    Instrumentor().instrument()
    try:
        assert Instrumentor().costs.prices.as_of == str(path)
    finally:
        Instrumentor().uninstrument()


def test_json_of_another_kind_is_no_table(tmp_path: Path):
    path = written(tmp_path, json.loads('[[{"id": 1}]]'))
    with pytest.raises(ConfigurationError, match="table"):
        Prices(table=path).load()
