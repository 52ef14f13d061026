"""The tables of the SQLite store, and what is asked of them.

A settled call is one row, of which the sums are made when there are some, or when somebody asks:
its numbers grow, and those up to `folded` are in the sums.
"""

from __future__ import annotations

from costspan.cost.stores.entries import STATS

VERSION = 1

TABLES = (
    """CREATE TABLE IF NOT EXISTS costspan_schema (
        version INTEGER NOT NULL,
        folded INTEGER NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS costspan_settled (
        id INTEGER PRIMARY KEY,
        token TEXT NOT NULL UNIQUE,
        at INTEGER NOT NULL,
        entry TEXT
    )""",
    f"""CREATE TABLE IF NOT EXISTS costspan_sums (
        dimension TEXT NOT NULL,
        name TEXT NOT NULL,
        {" INTEGER NOT NULL, ".join(STATS)} INTEGER NOT NULL,
        PRIMARY KEY (dimension, name)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS costspan_spent (
        budget TEXT NOT NULL,
        scope TEXT NOT NULL,
        bucket INTEGER NOT NULL,
        until INTEGER NOT NULL,
        amount INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (budget, scope, bucket)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS costspan_reserved (
        token TEXT NOT NULL,
        budget TEXT NOT NULL,
        scope TEXT NOT NULL,
        bucket INTEGER NOT NULL,
        amount INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        PRIMARY KEY (token, budget, scope, bucket)
    ) WITHOUT ROWID""",
    """CREATE INDEX IF NOT EXISTS costspan_reserved_in
        ON costspan_reserved (budget, scope, expires, bucket, amount)""",
    """CREATE TABLE IF NOT EXISTS costspan_notices (
        key TEXT NOT NULL PRIMARY KEY,
        level INTEGER NOT NULL,
        budget TEXT NOT NULL,
        scope TEXT NOT NULL,
        alert BLOB NOT NULL,
        state TEXT NOT NULL,
        lease INTEGER NOT NULL,
        rearms INTEGER NOT NULL,
        at INTEGER NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS costspan_budgets (
        budget TEXT NOT NULL PRIMARY KEY,
        description BLOB NOT NULL
    ) WITHOUT ROWID""",
)

LOOK = "SELECT version FROM costspan_schema"

COUNT = "INSERT OR IGNORE INTO costspan_settled (token, at, entry) VALUES (?, ?, ?)"

CHARGE = """INSERT INTO costspan_spent (budget, scope, bucket, until, amount, at)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (budget, scope, bucket) DO UPDATE SET amount = amount + excluded.amount,
        until = max(until, excluded.until), at = max(at, excluded.at)"""

SPENT = """SELECT coalesce(sum(amount), 0) FROM costspan_spent
    WHERE budget = ? AND scope = ? AND bucket >= ?"""

HELD = """SELECT coalesce(sum(amount), 0) FROM costspan_reserved
    WHERE budget = ? AND scope = ? AND expires > ? AND bucket >= ?"""

RESERVE = """INSERT INTO costspan_reserved (token, budget, scope, bucket, amount, expires)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (token, budget, scope, bucket) DO UPDATE SET amount = amount + excluded.amount"""

EXPIRED = "DELETE FROM costspan_reserved WHERE token = ? AND expires <= ?"
LIVE = "UPDATE costspan_reserved SET expires = ? WHERE token = ? AND expires < ?"
RELEASE = "DELETE FROM costspan_reserved WHERE token = ?"

CLAIM = """INSERT INTO costspan_notices
        (key, level, budget, scope, alert, state, lease, rearms, at)
    VALUES (:key, :level, :budget, :scope, :alert, :state, :lease, :rearms, :at)
    ON CONFLICT (key) DO UPDATE SET level = excluded.level, budget = excluded.budget,
        scope = excluded.scope, alert = excluded.alert, state = excluded.state,
        lease = excluded.lease, rearms = excluded.rearms, at = excluded.at
    WHERE level < excluded.level
        OR (state = 'claimed' AND lease <= :now)
        OR (rearms > 0 AND rearms <= :now)"""

DECLARE = """INSERT INTO costspan_budgets (budget, description) VALUES (?, ?)
    ON CONFLICT (budget) DO UPDATE SET description = excluded.description"""

NOTICE = "key, level, budget, scope, alert, state, lease, rearms, at"

DUE = f"""SELECT {NOTICE} FROM costspan_notices WHERE (state = 'claimed' AND lease <= ?)
    OR (state = 'sent' AND rearms > 0 AND rearms <= ?)"""

BUCKETS = """SELECT budget, scope, bucket, until, amount FROM costspan_spent
    WHERE budget = ? AND (until = 0 OR until > ?) AND amount >= ?"""

UNFOLDED = """SELECT id, entry FROM costspan_settled
    WHERE id > (SELECT folded FROM costspan_schema) ORDER BY id LIMIT ?"""

FOLD = f"""INSERT INTO costspan_sums (dimension, name, {", ".join(STATS)})
    VALUES ({", ".join("?" * (len(STATS) + 2))})
    ON CONFLICT (dimension, name) DO UPDATE SET
    {", ".join(f"{name} = {name} + excluded.{name}" for name in STATS)}"""

AT_ONCE = 1000
"""Rows that one statement forgets: nobody waits long for the file, however many windows end."""

_SPENT_FORGOTTEN = """DELETE FROM costspan_spent WHERE (budget, scope, bucket) IN (
    SELECT budget, scope, bucket FROM costspan_spent"""

FORGET = (
    # The newest row stays: a table that is empty would begin again at the first number.
    """DELETE FROM costspan_settled WHERE at < :tokens
        AND id IN (SELECT id FROM costspan_settled ORDER BY id LIMIT 1000)
        AND id < (SELECT max(id) FROM costspan_settled)
        AND id <= (SELECT folded FROM costspan_schema)""",
    f"{_SPENT_FORGOTTEN} WHERE until > 0 AND until < :grace LIMIT {AT_ONCE})",
    f"{_SPENT_FORGOTTEN} WHERE until = 0 AND scope != '' AND at < :idle LIMIT {AT_ONCE})",
    "DELETE FROM costspan_reserved WHERE expires < :grace",
    """DELETE FROM costspan_notices WHERE state != 'claimed' AND at <= (
        SELECT at FROM costspan_notices ORDER BY at DESC LIMIT 1 OFFSET :notices)""",
)
"""What counts no more; moments before which things go, and how many notices stay."""
