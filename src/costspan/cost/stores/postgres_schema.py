"""The tables and functions of the PostgreSQL store.

Every operation is one statement. What two of them could do to the same counter at once is ordered
by locks on the counters' names, taken in the order of their hashes, so that no two wait for each
other.
"""

from __future__ import annotations

from costspan.cost.stores.entries import STATS

VERSION = 1

LOOK = "SELECT version FROM costspan_schema"
IS_THERE = "SELECT to_regclass('costspan_schema') IS NOT NULL"

_CLASS = 0x636F7374
"""The first half of all our advisory locks; the second is a hash of a name, or 1 or 2."""

LOCK_SCHEMA = f"SELECT pg_advisory_xact_lock({_CLASS}, 1)"
LOCK_SUMS = f"SELECT pg_advisory_xact_lock({_CLASS}, 2)"

TABLES = f"""
CREATE TABLE IF NOT EXISTS costspan_schema (version int PRIMARY KEY);
CREATE TABLE IF NOT EXISTS costspan_settled (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token text NOT NULL UNIQUE,
    at bigint NOT NULL,
    entry text
);
CREATE INDEX IF NOT EXISTS costspan_settled_open ON costspan_settled (id) WHERE entry IS NOT NULL;
CREATE INDEX IF NOT EXISTS costspan_settled_at ON costspan_settled (at) WHERE entry IS NULL;
CREATE TABLE IF NOT EXISTS costspan_sums (
    dimension text NOT NULL,
    name text NOT NULL,
    {" bigint NOT NULL, ".join(STATS)} bigint NOT NULL,
    PRIMARY KEY (dimension, name)
);
CREATE TABLE IF NOT EXISTS costspan_spent (
    budget text NOT NULL,
    scope text NOT NULL,
    bucket bigint NOT NULL,
    until bigint NOT NULL,
    amount bigint NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (budget, scope, bucket)
);
CREATE TABLE IF NOT EXISTS costspan_reserved (
    token text NOT NULL,
    budget text NOT NULL,
    scope text NOT NULL,
    bucket bigint NOT NULL,
    amount bigint NOT NULL,
    expires bigint NOT NULL,
    PRIMARY KEY (token, budget, scope, bucket)
);
CREATE INDEX IF NOT EXISTS costspan_reserved_in ON costspan_reserved (budget, scope);
CREATE TABLE IF NOT EXISTS costspan_notices (
    key text PRIMARY KEY,
    level bigint NOT NULL,
    budget text NOT NULL,
    scope text NOT NULL,
    alert bytea NOT NULL,
    state text NOT NULL,
    lease bigint NOT NULL,
    rearms bigint NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS costspan_budgets (
    budget text PRIMARY KEY,
    description bytea NOT NULL
);
"""

FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION costspan_lock(a_token text, a_counters jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE name int;
BEGIN
    FOR name IN
        SELECT DISTINCT hashtext(one) AS hash FROM (
            SELECT 'token ' || a_token AS one UNION ALL
            SELECT jsonb_build_array(c -> 0, c -> 1)::text FROM jsonb_array_elements(a_counters) c
        ) AS names ORDER BY hash
    LOOP
        PERFORM pg_advisory_xact_lock({_CLASS}, name);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION costspan_standing(
    a_budget text, a_scope text, a_since bigint, a_now bigint, OUT spent numeric, OUT held numeric
) LANGUAGE sql STABLE AS $$
    SELECT
        (SELECT coalesce(sum(amount), 0) FROM costspan_spent
            WHERE budget = a_budget AND scope = a_scope AND bucket >= a_since),
        (SELECT coalesce(sum(amount), 0) FROM costspan_reserved
            WHERE budget = a_budget AND scope = a_scope AND bucket >= a_since AND expires > a_now)
$$;

CREATE OR REPLACE FUNCTION costspan_settle(
    a_token text, a_at bigint, a_entry text, a_charges jsonb
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE number bigint; sums json;
BEGIN
    PERFORM costspan_lock(a_token, a_charges);
    INSERT INTO costspan_settled (token, at, entry) VALUES (a_token, a_at, a_entry)
        ON CONFLICT (token) DO NOTHING RETURNING id INTO number;
    IF number IS NOT NULL THEN
        INSERT INTO costspan_spent AS known (budget, scope, bucket, until, amount, at)
            SELECT c ->> 0, c ->> 1, (c ->> 2)::bigint, max((c ->> 4)::bigint),
                sum((c ->> 5)::bigint)::bigint, a_at
            FROM jsonb_array_elements(a_charges) c GROUP BY 1, 2, 3
            ON CONFLICT (budget, scope, bucket) DO UPDATE SET
                amount = known.amount + excluded.amount,
                until = greatest(known.until, excluded.until),
                at = greatest(known.at, excluded.at);
    END IF;
    DELETE FROM costspan_reserved WHERE token = a_token;
    SELECT coalesce(json_agg(s.spent::text ORDER BY n), '[]') INTO sums
        FROM jsonb_array_elements(a_charges) WITH ORDINALITY AS e (c, n),
            costspan_standing(c ->> 0, c ->> 1, (c ->> 3)::bigint, 0) AS s;
    RETURN json_build_array(coalesce(number, 0), sums)::text;
END $$;

CREATE OR REPLACE FUNCTION costspan_reserve(
    a_token text, a_claims jsonb, a_now bigint, a_expires bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE claim record; latest bigint;
BEGIN
    PERFORM costspan_lock(a_token, a_claims);
    DELETE FROM costspan_reserved WHERE token = a_token AND expires <= a_now;
    FOR claim IN
        SELECT n, s.spent, s.held, (c ->> 4)::numeric AS amount, (c ->> 5)::numeric AS most
        FROM jsonb_array_elements(a_claims) WITH ORDINALITY AS e (c, n),
            costspan_standing(c ->> 0, c ->> 1, (c ->> 3)::bigint, a_now) AS s ORDER BY n
    LOOP
        IF claim.spent + claim.held + claim.amount > claim.most THEN
            RETURN json_build_array(claim.n, claim.spent::text, claim.held::text)::text;
        END IF;
    END LOOP;
    SELECT greatest(max(expires), a_expires) INTO latest
        FROM costspan_reserved WHERE token = a_token;
    UPDATE costspan_reserved SET expires = latest WHERE token = a_token;
    INSERT INTO costspan_reserved AS known (token, budget, scope, bucket, amount, expires)
        SELECT a_token, c ->> 0, c ->> 1, (c ->> 2)::bigint, (c ->> 4)::bigint, latest
        FROM jsonb_array_elements(a_claims) c
        ON CONFLICT (token, budget, scope, bucket) DO UPDATE SET
            amount = known.amount + excluded.amount;
    RETURN NULL;
END $$;
"""

SETTLE = "SELECT costspan_settle($1, $2, $3, $4)"
RESERVE = "SELECT costspan_reserve($1, $2, $3, $4)"

PROLONG = """WITH locked AS (SELECT costspan_lock($2, '[]'))
    UPDATE costspan_reserved SET expires = $1 FROM locked WHERE token = $2"""

STANDINGS = """SELECT s.spent, s.held
    FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e (c, n),
        costspan_standing(c ->> 0, c ->> 1, (c ->> 2)::bigint, $2) AS s ORDER BY n"""

BUCKETS = """SELECT budget, scope, bucket, until, amount FROM costspan_spent
    WHERE budget = $1 AND (until = 0 OR until > $2) AND amount >= $3"""

CLAIM = """INSERT INTO costspan_notices AS known
        (key, level, budget, scope, alert, state, lease, rearms, at)
    VALUES ($1, $2, $3, $4, decode($5, 'hex'), $6, $7, $8, $9)
    ON CONFLICT (key) DO UPDATE SET level = excluded.level, budget = excluded.budget,
        scope = excluded.scope, alert = excluded.alert, state = excluded.state,
        lease = excluded.lease, rearms = excluded.rearms, at = excluded.at
    WHERE known.level < excluded.level
        OR (known.state = 'claimed' AND known.lease <= $10)
        OR (known.rearms > 0 AND known.rearms <= $10)
    RETURNING 1"""

MARK = "UPDATE costspan_notices SET state = $3 WHERE key = $1 AND level = $2"

_NOTICES = """SELECT key, level, budget, scope, encode(alert, 'hex'), state, lease, rearms, at
    FROM costspan_notices"""
DUE = f"""{_NOTICES} WHERE (state = 'claimed' AND lease <= $1)
    OR (state = 'sent' AND rearms > 0 AND rearms <= $1)"""
LATEST = f"{_NOTICES} ORDER BY at DESC LIMIT $1"

_WHICH = "budget = $1 AND ($2::text IS NULL OR scope = $2)"
RESET = f"""WITH spent AS (DELETE FROM costspan_spent WHERE {_WHICH} RETURNING scope),
    held AS (DELETE FROM costspan_reserved WHERE {_WHICH} RETURNING scope),
    told AS (DELETE FROM costspan_notices WHERE {_WHICH})
    SELECT count(*) FROM (SELECT scope FROM spent UNION SELECT scope FROM held) AS scopes"""

DECLARE = """INSERT INTO costspan_budgets VALUES ($1, decode($2, 'hex'))
    ON CONFLICT (budget) DO UPDATE SET description = excluded.description"""
WITHDRAW = "DELETE FROM costspan_budgets WHERE budget = $1"
DECLARED = "SELECT budget, encode(description, 'hex') FROM costspan_budgets"

UNFOLDED = "SELECT id, entry FROM costspan_settled WHERE entry IS NOT NULL ORDER BY id LIMIT $1"
FOLDED = """UPDATE costspan_settled SET entry = NULL
    WHERE id IN (SELECT jsonb_array_elements($1::jsonb)::bigint)"""

KNOWN = """SELECT dimension, name FROM costspan_sums WHERE (dimension, name) IN
    (SELECT c ->> 0, c ->> 1 FROM jsonb_array_elements($1::jsonb) c)"""
KEYS = "SELECT count(*) FROM costspan_sums WHERE dimension = $1"
DIMENSIONS = "SELECT count(DISTINCT dimension) FROM costspan_sums"

FOLD = f"""INSERT INTO costspan_sums AS known (dimension, name, {", ".join(STATS)})
    SELECT c ->> 0, c ->> 1, {", ".join(f"(c ->> {n})::bigint" for n in range(2, len(STATS) + 2))}
    FROM jsonb_array_elements($1::jsonb) c
    ON CONFLICT (dimension, name) DO UPDATE SET
    {", ".join(f"{name} = known.{name} + excluded.{name}" for name in STATS)}"""

SUMS = f"SELECT name, {', '.join(STATS)} FROM costspan_sums WHERE dimension = $1"


FORGOTTEN_AT_ONCE = 1000


def _forget(table: str, which: str) -> str:
    """Rows that another session has locked stay for the next time, so that nobody waits."""
    return f"""WITH gone AS (DELETE FROM {table} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM {table} WHERE {which} LIMIT {FORGOTTEN_AT_ONCE} FOR UPDATE SKIP LOCKED))
        RETURNING 1) SELECT count(*) FROM gone"""


FORGET = (
    (_forget("costspan_settled", "entry IS NULL AND at < $1"), "tokens"),
    (_forget("costspan_spent", "until > 0 AND until < $1"), "grace"),
    (_forget("costspan_spent", "until = 0 AND scope <> '' AND at < $1"), "idle"),
    (_forget("costspan_reserved", "expires < $1"), "grace"),
    (
        _forget(
            "costspan_notices",
            "state <> 'claimed' AND at <= ("
            "SELECT at FROM costspan_notices ORDER BY at DESC LIMIT 1 OFFSET $1)",
        ),
        "notices",
    ),
)
"""What counts no more, each with the name of its moment in `keeping.moments`."""
