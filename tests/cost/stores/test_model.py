"""Any sequence of operations leaves every store as a plain dictionary would be left."""

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costspan.cost.stores.contract import Claim, Counter, Refusal, Standing, Store
from tests.cost.stores.settled import CALL, MINUTE, NOW, charge, cost

TOKENS = st.sampled_from(["t1", "t2", "t3", "t4"])
SCOPES = st.sampled_from(["", "u1", "u2"])
AMOUNTS = st.integers(-(10**6), 2**54)
CLAIMS = st.dictionaries(
    SCOPES, st.tuples(st.integers(0, 2**53), st.integers(0, 2**55)), min_size=1
)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), TOKENS, CLAIMS, st.integers(1, 30)),
        st.tuples(st.just("settle"), TOKENS, st.lists(st.tuples(SCOPES, AMOUNTS), max_size=3)),
        st.tuples(st.just("prolong"), TOKENS, st.integers(1, 30)),
        st.tuples(st.just("pass"), st.integers(1, 20)),
        st.tuples(st.just("reset"), SCOPES),
    ),
    max_size=20,
)

_budgets = itertools.count()


class Model:
    """What is spent and reserved in the counters of one budget, with a window of ten minutes."""

    def __init__(self) -> None:
        self.minute = 0
        self.spent: dict[tuple[str, int], int] = {}
        self.held: dict[str, dict[tuple[str, int], int]] = {}
        self.expires: dict[str, int] = {}
        self.settled: set[str] = set()

    def standing(self, scope: str) -> Standing:
        first = self.minute - 9
        spent = sum(v for (s, m), v in self.spent.items() if s == scope and m >= first)
        held = sum(
            amount
            for token, places in self.held.items()
            if self.expires[token] > self.minute
            for (s, m), amount in places.items()
            if s == scope and m >= first
        )
        return Standing(spent, held)

    def reserve(self, token: str, claims: dict[str, tuple[int, int]], minutes: int) -> str | None:
        """The scope of the claim that is refused."""
        if self.expires.get(token, 0) <= self.minute:
            self.release(token)
        for scope, (amount, limit) in claims.items():
            standing = self.standing(scope)
            if standing.spent + standing.held + amount > limit:
                return scope
        self.expires[token] = max(self.expires.get(token, 0), self.minute + minutes)
        places = self.held.setdefault(token, {})
        for scope, (amount, _) in claims.items():
            place = (scope, self.minute)
            places[place] = places.get(place, 0) + amount
        return None

    def release(self, token: str) -> None:
        self.held.pop(token, None)
        self.expires.pop(token, None)

    def settle(self, token: str, charges: list[tuple[str, int]]) -> list[int]:
        if token not in self.settled:
            self.settled.add(token)
            for scope, amount in charges:
                place = (scope, self.minute)
                self.spent[place] = self.spent.get(place, 0) + amount
        self.release(token)
        return [self.standing(scope).spent for scope, _ in charges]

    def reset(self, scope: str) -> None:
        self.spent = {key: amount for key, amount in self.spent.items() if key[0] != scope}
        for places in self.held.values():
            for key in [key for key in places if key[0] == scope]:
                del places[key]


class Driver:
    """The same, done with a store."""

    def __init__(self, store: Store) -> None:
        self.store, self.model, self.budget = store, Model(), f"budget {next(_budgets)}"

    @property
    def now(self) -> int:
        return NOW + self.model.minute * MINUTE

    def counter(self, scope: str) -> Counter:
        since, until = self.now - 9 * MINUTE, self.now + 10 * MINUTE
        return Counter(self.budget, scope, self.now, since, until)

    def do(self, step: tuple[Any, ...]) -> None:
        getattr(self, f"do_{step[0]}")(*step[1:])
        counters = [self.counter(scope) for scope in ("", "u1", "u2")]
        expected = [self.model.standing(one.scope) for one in counters]
        assert list(self.store.standings(counters, self.now)) == expected

    def do_reserve(self, token: str, wanted: dict[str, tuple[int, int]], minutes: int) -> None:
        claims = {s: Claim(self.counter(s), *numbers) for s, numbers in wanted.items()}
        refused = self.model.reserve(token, wanted, minutes)
        given = self.store.reserve(
            self.budget + token, list(claims.values()), self.now, self.now + minutes * MINUTE
        )
        if refused is None:
            assert given is None
        else:
            assert given == Refusal(claims[refused], self.model.standing(refused))

    def do_settle(self, token: str, charges: list[tuple[str, int]]) -> None:
        made = [charge(amount, self.counter(scope)) for scope, amount in charges]
        given = self.store.settle(CALL, cost(0), (), made, self.budget + token)
        # Of two charges to one counter, a store may tell the sum after the first, or after both.
        assert list(given)[-1:] == self.model.settle(token, charges)[-1:]

    def do_prolong(self, token: str, minutes: int) -> None:
        if self.model.expires.get(token, 0) > self.model.minute:
            self.model.expires[token] = self.model.minute + minutes
            self.store.prolong(self.budget + token, self.now + minutes * MINUTE)

    def do_pass(self, minutes: int) -> None:
        self.model.minute += minutes

    def do_reset(self, scope: str) -> None:
        self.store.reset(self.budget, scope)
        self.model.reset(scope)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each has a budget of its own
)
@given(steps=STEPS)
def test_any_sequence_of_operations(store: Store, steps: list[tuple[Any, ...]]):
    driver = Driver(store)
    for step in steps:
        driver.do(step)
