"""What time a store has: processes that share it tell its windows by clocks of their own."""

from __future__ import annotations

from costspan.guard import fault_of


def moment_of(url: str, deadline: float) -> float | None:
    """Seconds since the epoch as the store has them; None where it has no clock or does not tell.

    Args:
        url: of the store, checked by `open_store`.
        deadline: seconds that it may take.
    """
    told: list[float] = []
    scheme = url.partition("://")[0]
    if scheme in ("redis", "rediss"):
        fault_of(lambda: told.append(_redis(url, deadline)))
    elif scheme in ("postgresql", "postgres"):
        fault_of(lambda: told.append(_postgres(url, deadline)))
    return told[0] if told else None


def _redis(url: str, deadline: float) -> float:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client = redis.Redis.from_url(
        url,
        socket_timeout=deadline,
        socket_connect_timeout=deadline,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        seconds, microseconds = client.time()
    finally:
        client.close()
    return float(seconds) + float(microseconds) / 1e6


def _postgres(url: str, deadline: float) -> float:
    import psycopg

    with psycopg.connect(url, connect_timeout=max(2, round(deadline))) as connection:
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
    assert row is not None
    return float(row[0])
