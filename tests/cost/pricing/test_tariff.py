"""The arithmetic of one call: whole picodollars, each part rounded once, half to even."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costspan import Prices, Rate
from costspan.call import Cost, Usage
from costspan.cost.pricing.billed import SPECIAL, is_special
from costspan.cost.pricing.table import Table
from tests.cost.calls import finished

HALF = Decimal("0.0000005")
"""Half a picodollar a token, in US dollars for a million."""


def cost(rate: Rate, **counts: int) -> Cost:
    return Prices(overrides={"mine": rate}).cost(finished("mine", **counts))


@pytest.mark.parametrize(
    ("tokens", "picos"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 2), (6, 3), (7, 4), (9, 4)]
)
def test_half_a_picodollar_goes_to_the_even_one(tokens: int, picos: int):
    found = cost(Rate(input=HALF, output=0), input_tokens=tokens, output_tokens=0)
    assert found.total_usd == Decimal(picos).scaleb(-12)


@pytest.mark.parametrize(("tokens", "picos"), [(1, 0), (2, 1), (3, 1), (4, 1), (5, 2)])
def test_a_third_of_a_picodollar_goes_to_the_nearest_one(tokens: int, picos: int):
    rate = Rate(input=Decimal("0.000000333333333333"), output=0)
    found = cost(rate, input_tokens=tokens, output_tokens=0)
    assert found.total_usd == Decimal(picos).scaleb(-12)


def test_each_part_is_rounded_and_the_total_is_their_sum():
    """Three parts of half a picodollar are nothing each, though one and a half in all."""
    rate = Rate(input=HALF, output=HALF, cache_read=HALF)
    found = cost(rate, input_tokens=2, cache_read_tokens=1, output_tokens=1)
    assert (found.input_usd, found.cache_read_usd, found.output_usd) == (0, 0, 0)
    assert found.total_usd == 0


def test_dollars_show_as_a_person_writes_them():
    found = cost(Rate(input="0.15", output="0.60"), input_tokens=1000, output_tokens=200)
    assert repr(found) == "Cost(0.00027 USD, status='priced', model='mine')"


@pytest.mark.parametrize("prompt", [0, 1000, 200_000, 200_001, 272_000, 272_001, 600_000])
@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "gpt-5.5"), ("anthropic", "claude-sonnet-4-5"), ("google", "gemini-2.5-pro"),
     ("x-ai", "grok-4"), ("openai", "o3")],
)  # fmt: skip
def test_dollars_by_token_are_those_of_the_parts(provider: str, model: str, prompt: int):
    tariff = Table.bundled().tariff(provider, model, at=1_795_046_400)
    fresh, read, write, hour, output, search = tariff.per_token(prompt)
    parts = tariff.parts(
        Usage(
            input_tokens=prompt,
            cache_read_tokens=prompt // 2,
            cache_write_tokens=prompt // 4,
            cache_write_1h_tokens=prompt // 8,
            output_tokens=7,
            web_searches=3 if search else 0,
        )
    )
    rest = prompt - prompt // 2 - prompt // 4
    assert (parts.input, parts.cache_read) == (rest * fresh, prompt // 2 * read)
    assert parts.cache_write == (prompt // 4 - prompt // 8) * write + prompt // 8 * hour
    assert (parts.output, parts.tools) == (7 * output, 3 * search)


def test_dollars_by_token_where_there_are_none():
    prices = Prices(
        overrides={
            "half": Rate(input=HALF, output=1),
            "time": Rate(gpu_usd_per_hour=1),
            "free": Rate.free(),
        }
    )
    found = {
        name: prices.tariff_of(finished(name)).per_token(9) for name in ("half", "time", "free")
    }
    assert found == {"half": None, "time": None, "free": (0, 0, 0, 0, 0, 0)}


prices = st.decimals(0, 1000, places=9)
counts = st.integers(0, 10**7)


@given(prices, prices, prices, prices, counts, counts, counts, counts)
def test_a_rate_of_ones_own_is_exact(fresh, out, read, write, plain, spoken, cached, written):
    found = cost(
        Rate(input=fresh, output=out, cache_read=read, cache_write=write),
        input_tokens=plain + cached + written,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        output_tokens=spoken,
    )
    wanted = [
        (rate * count / 10**6).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
        for rate, count in ((fresh, plain), (read, cached), (write, written), (out, spoken))
    ]
    parts = [found.input_usd, found.cache_read_usd, found.cache_write_usd, found.output_usd]
    assert parts == wanted
    assert found.total_usd == sum(wanted)


@pytest.mark.parametrize("field", Usage.__struct_fields__)
def test_the_counts_of_a_common_call_are_nothing_special(field: str):
    assert is_special(Usage(**{field: 1})) == (field in SPECIAL)
    assert not is_special(Usage(**{field: 0}))
