"""Calls files become a database that answers SQL, and spans at a collector.

Needs no key: the calls are recorded, not made. Where OTEL_EXPORTER_OTLP_ENDPOINT names a collector,
history is sent there; run it twice, and the second time nothing is loaded or sent again.
"""

import os
import sqlite3

from costspan import Instrumentor, attribution, cli, record_call


def make_calls() -> None:
    """A morning of two agents, in logs/llm_trace_<date>.jsonl."""
    Instrumentor().instrument(local="logs")
    for agent, tokens in (("reviewer", 8200), ("reviewer", 12000), ("planner", 1500)):
        with attribution(agent=agent), record_call(model="gpt-5.2", provider="openai") as call:
            call.set_usage(input_tokens=tokens, output_tokens=tokens // 20)
    Instrumentor().uninstrument()


def main() -> None:
    """Make calls, load them, ask by SQL, and replay them where a collector is named."""
    if not os.path.isdir("logs"):
        make_calls()
    cli.main(["load", "logs", "--into", "sqlite:///calls.db", "--rollup", "day", "--by", "agent"])
    with sqlite3.connect("calls.db") as database:
        for agent, calls, picos in database.execute(
            "SELECT agent, sum(calls), sum(cost_picos) FROM costspan_rollup_day_agent_exact"
            " GROUP BY agent ORDER BY 3 DESC"
        ):
            print(f"{agent}: {calls} calls, {picos / 1e12:.6f} USD")
    database.close()
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        cli.main(["replay", "logs", "--service", "morning"])


if __name__ == "__main__":
    main()
