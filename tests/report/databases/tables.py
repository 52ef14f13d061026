"""What stands in a database of calls, asked past our own code."""

import sqlite3
from decimal import Decimal
from typing import Any


def asked(url: str, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a statement."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as db:
            found = db.execute(statement).fetchall()
        db.close()
        return found
    import psycopg

    with psycopg.connect(url) as connection:
        done = connection.execute(statement.encode())
        return done.fetchall() if done.description else []


def calls(url: str, *fields: str) -> list[Any]:
    """Fields of all calls, in order."""
    found = asked(url, f"SELECT {', '.join(fields)} FROM costspan_calls ORDER BY 1")
    return [row[0] for row in found] if len(fields) == 1 else found


def dollars(url: str) -> Decimal:
    """What all calls cost, exactly."""
    if url.startswith("sqlite"):
        picos = asked(url, "SELECT cost_picos FROM costspan_calls_exact")
        return Decimal(sum(one for (one,) in picos)).scaleb(-12)
    ((found,),) = asked(url, "SELECT coalesce(sum(cost_usd), 0) FROM costspan_calls")
    return found
