"""Runs queries in ClickHouse's engine in this process: for an interpreter that has chDB.

usage: python tests/databases/clickhouse.py < {"table": DDL, "rows": [...], "queries": [SQL, ...]}

Prints, as JSON, the rows of each query.
"""

import json
import sys

from chdb import session

given = json.load(sys.stdin)
with session.Session() as clickhouse:
    clickhouse.query("CREATE DATABASE otel")
    clickhouse.query(given["table"])
    lines = "\n".join(map(json.dumps, given["rows"]))
    clickhouse.query(f"INSERT INTO otel.otel_traces FORMAT JSONEachRow {lines}")
    print(
        json.dumps(
            [
                [
                    json.loads(row)
                    for row in str(clickhouse.query(query, "JSONEachRow")).splitlines()
                ]
                for query in given["queries"]
            ]
        )
    )
