"""Sums in Redis, for any number of machines: one command for each operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from hashlib import sha1
from typing import Any

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from costspan.cost.ledger import MOST_KEYS, OTHER
from costspan.cost.stores import keeping, redis_notices
from costspan.cost.stores import redis_scripts as lua
from costspan.cost.stores.contract import (
    Bucket,
    Charge,
    Claim,
    Counter,
    Notice,
    Refusal,
    Standing,
    StoreDown,
)
from costspan.cost.stores.entries import STATS, Settlement, by_cost
from costspan.cost.stores.pool import Pool
from costspan.totals import Summary

_encode = msgspec.json.Encoder().encode

MOST_CONNECTIONS = 8
_FIRST_CONNECT_SECONDS = 5.0
_AT_ONCE = 500
_FOLDED_AT_ONCE = 100
_DECLARED = "costspan:budgets"


class Redis:
    """The backend of `redis://` and `rediss://` stores.

    Args:
        url: as the package redis reads it.
        deadline: seconds that one operation may take.
    """

    name = "redis"
    faults: tuple[type[Exception], ...] = (RedisError, OSError)

    def __init__(self, url: str, deadline: float) -> None:
        self._deadline = deadline
        self._url = url
        self.pool = Pool(self._open, _close, MOST_CONNECTIONS, is_open=_is_open)

    def reason(self, fault: Exception) -> str:
        """The kind of error, such as `TimeoutError`."""
        return type(fault).__name__

    def reach(self) -> None:
        """Have an answer."""
        self._ask(lambda client: client.ping())

    def settle(self, settlement: Settlement, at: int) -> tuple[Sequence[int], bool]:
        """Count it, unless its token was counted before."""
        charges = [_charge(one) for one in settlement.charges]
        given = {"token": settlement.token, "at": str(at), "charges": charges}
        entry = _encode((settlement.keys, settlement.amounts))
        waiting, *spent = self._run(_SETTLE, _encode(given), entry)
        tend = waiting > 0 and waiting % keeping.TENDED_EVERY == 0
        return [_number(text) for text in spent], tend

    def reserve(
        self, token: str, claims: Sequence[Claim], now: int, expires: int
    ) -> Refusal | None:
        """Reserve all of `claims`, or none."""
        wanted = [(*_counter(one.counter), str(one.amount), str(one.limit)) for one in claims]
        entry = {"token": token, "claims": wanted, "now": str(now), "expires": str(expires)}
        refused = self._run(_RESERVE, _encode(entry))
        if refused is None:
            return None
        position, spent, held = refused
        return Refusal(claims[position - 1], Standing(_number(spent), _number(held)))

    def prolong(self, token: str, expires: int) -> None:
        """Let what is reserved under `token` live on."""
        self._run(_PROLONG, token, expires, keeping.TOKENS_MS // 1000)

    def standings(self, counters: Sequence[Counter], now: int) -> Sequence[Standing]:
        """How counters stand."""
        wanted = [(_key(one.budget, one.scope), str(one.since)) for one in counters]
        found = self._run(_STANDINGS, _encode({"counters": wanted, "now": str(now)}))
        numbers = [_number(text) for text in found]
        return [Standing(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]

    def buckets(self, budget: str, now: int, least: int) -> list[Bucket]:
        """All amounts of a budget that still count."""
        counters = self._ask(lambda client: client.zrange(f"costspan:scopes:{_key(budget)}", 0, -1))
        found: list[Bucket] = []
        for start in range(0, len(counters), _AT_ONCE):
            part = counters[start : start + _AT_ONCE]
            rows = self._all([(b"costspan:spent:" + counter) for counter in part])
            for counter, row in zip(part, rows, strict=True):
                found += [one for one in _buckets(counter, row, now) if one.amount >= least]
        return found

    def claim(self, notice: Notice, now: int) -> bool:
        """Take on the sending of an alert."""
        one = notice
        facts = (one.level, one.budget, one.scope, one.alert, one.state, one.lease, one.rearms)
        most = keeping.MOST_NOTICES
        return bool(self._run(_CLAIM, one.key, now, *facts, one.at, most))

    def mark(self, key: str, level: int, state: str) -> None:
        """Say how far an alert is."""
        self._run(_MARK, key, level, state)

    def due(self, now: int) -> list[Notice]:
        """Alerts to be taken over or resolved."""
        return [_notice(row) for row in self._run(_NOTICES, "due", now)]

    def notices(self, most: int) -> list[Notice]:
        """The latest alerts, the newest first."""
        return [_notice(row) for row in self._run(_NOTICES, "latest", most)]

    def reset(self, budget: str, scope: str | None) -> int:
        """Forget a budget's sums, reservations and alerts."""
        entry: dict[str, Any] = {"budget": _key(budget), "name": budget}
        if scope is not None:
            entry |= {"counters": [_key(budget, scope)], "scope": scope}
        return int(self._run(_RESET, _encode(entry)))

    def declare(self, budget: str, description: bytes) -> None:
        """Say what a budget is; empty to forget it."""
        if description:
            self._ask(lambda client: client.hset(_DECLARED, budget, description))
        else:
            self._ask(lambda client: client.hdel(_DECLARED, budget))

    def declared(self) -> dict[str, bytes]:
        """What was said of each budget last."""
        found = self._ask(lambda client: client.hgetall(_DECLARED))
        return {name.decode(): description for name, description in found.items()}

    def sums(self, dimension: str) -> dict[str, Summary]:
        """By the keys of a dimension, or of `total`."""
        self._fold()
        wanted = [f"costspan:sums:{dimension}:{n}" for n in range(len(STATS))]
        columns = self._all(wanted)
        return by_cost(
            {key.decode(): [int(column.get(key, 0)) for column in columns] for key in columns[0]}
        )

    def tend(self, now: int, thoroughly: bool) -> None:
        """Add up what was settled. Redis forgets by itself what has no use any more."""
        self._fold()

    def _fold(self) -> None:
        while self._run(_FOLD, MOST_KEYS, OTHER, _FOLDED_AT_ONCE) == _FOLDED_AT_ONCE:
            pass

    def _all(self, names: Sequence[str | bytes]) -> list[dict[bytes, bytes]]:
        """Whole hashes, of one moment."""

        def ask(client: redis.Redis) -> Any:
            with client.pipeline(transaction=True) as pipeline:
                for name in names:
                    pipeline.hgetall(name)
                return pipeline.execute()

        return list(self._ask(ask))

    def _run(self, script: _Script, *arguments: Any) -> Any:
        def ask(client: redis.Redis) -> Any:
            try:
                return client.evalsha(script.digest, 0, *arguments)
            except NoScriptError:
                return client.eval(script.text, 0, *arguments)

        return self._ask(ask)

    def _ask(self, work: Callable[[redis.Redis], Any]) -> Any:
        with self.pool.lent(self._deadline) as client:
            return work(client)

    def _open(self) -> redis.Redis:
        """A client with one connection, on which every answer has the deadline."""
        client = redis.Redis.from_url(
            self._url,
            single_connection_client=True,
            socket_timeout=self._deadline,
            socket_connect_timeout=_FIRST_CONNECT_SECONDS,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
        )
        try:
            client.set("costspan:version", lua.VERSION, nx=True)
            version = int(client.get("costspan:version") or 0)
        except BaseException:
            _close(client)
            raise
        if version != lua.VERSION:
            _close(client)
            raise StoreDown(f"its keys have version {version}, this costspan knows {lua.VERSION}")
        return client


def check(url: str) -> None:
    """Raise something where `url` cannot be read; nothing is connected to."""
    redis.ConnectionPool.from_url(url).make_connection()


class _Script:
    """One script, known to the server by its digest once it ran there."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def digest(self) -> str:
        return sha1(self.text.encode(), usedforsecurity=False).hexdigest()


_SETTLE = _Script(lua.SETTLE)
_FOLD = _Script(lua.FOLD)
_RESERVE = _Script(lua.RESERVE)
_PROLONG = _Script(lua.PROLONG)
_STANDINGS = _Script(lua.STANDINGS)
_CLAIM = _Script(redis_notices.CLAIM)
_MARK = _Script(redis_notices.MARK)
_NOTICES = _Script(redis_notices.NOTICES)
_RESET = _Script(lua.RESET)


def _is_open(client: redis.Redis) -> bool:
    """Nothing is to be read of a connection that is idle, unless it is its end."""
    connection = client.connection
    try:
        return connection is not None and not connection.can_read(timeout=0)
    except (RedisError, OSError):
        return False


def _close(client: redis.Redis) -> None:
    with suppress(RedisError, OSError):
        client.close()


def _key(*names: str) -> str:
    """Names as one part of a key: two of them never read like two others."""
    return _encode(names).decode()


def _counter(one: Counter) -> tuple[str, str, str, str]:
    """How scripts take a counter: its budget, itself, its bucket and since when it counts."""
    return _key(one.budget), _key(one.budget, one.scope), str(one.bucket), str(one.since)


def _charge(one: Charge) -> tuple[str | bool, ...]:
    """A counter and what is added to it; at the end, whether it may be forgotten when it idles."""
    counter = one.counter
    return *_counter(counter), str(counter.until), str(one.amount), bool(counter.scope)


def _number(text: bytes) -> int:
    millions, rest = text.split()
    return int(millions) * 10**6 + int(rest)


def _buckets(counter: bytes, row: dict[bytes, bytes], now: int) -> list[Bucket]:
    budget, scope = msgspec.json.decode(counter, type=tuple[str, str])
    found = []
    for name, amount in row.items():
        if not name.startswith(b"until:"):
            until = int(row.get(b"until:" + name, 0))
            if until == 0 or until > now:
                found.append(Bucket(budget, scope, int(name), until, int(amount)))
    return found


def _notice(row: Sequence[bytes]) -> Notice:
    key, level, budget, scope, alert, state, lease, rearms, at = row
    return Notice(
        key=key.decode(),
        level=int(level),
        budget=budget.decode(),
        scope=scope.decode(),
        alert=alert,
        state=state.decode(),
        lease=int(lease),
        rearms=int(rearms),
        at=int(at),
    )
