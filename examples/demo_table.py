"""What the demo prints."""

from collections.abc import Mapping, Sequence
from typing import Any

WIDTHS = "  {:<15}{:>6}{:>12}{:>12}{:>12}{:>14}"
RULE = "  " + "-" * 71


def print_table(table: Mapping[str, Any], spent: Any) -> None:
    """One row for each agent, and the session's total."""
    print(WIDTHS.format("agent", "calls", "tokens in", "tokens out", "cost", "first token"))
    print(RULE)
    for agent, row in table.items():
        if agent != "all":
            first = row.first_token_ms
            print(row_of(agent, row, "-" if first is None else f"{first:.0f} ms"))
    print(RULE)
    print(row_of("session", spent, ""), end="\n\n")


def row_of(name: str, sums: Any, first_token: str) -> str:
    """One line of the table."""
    return WIDTHS.format(
        name,
        sums.calls,
        f"{sums.input_tokens:,}",
        f"{sums.output_tokens:,}",
        f"${sums.cost_usd:.6f}",
        first_token,
    ).rstrip()


def print_alert(alerts: Sequence[Any]) -> None:
    """The call that went over its threshold."""
    if not alerts:
        print("  alert  none: no call went over its threshold")
    for alert in alerts:
        print(f"  alert  {alert.budget}: {alert.model} of {alert.agent} in {alert.endpoint}")
        print(
            f"         cost ${alert.cost_usd:.6f} with a limit of ${alert.limit_usd:.2f}, "
            f"{alert.input_tokens:,} tokens in, {alert.output_tokens:,} out"
        )
