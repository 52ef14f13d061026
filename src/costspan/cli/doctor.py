"""`costspan doctor`: what stands between a program and its figures, and what to do about it."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from costspan.cli.topics import show

if TYPE_CHECKING:
    from costspan.doctor.examination import Examination

_CODES = (
    "Exit code: 0; 1 where something that was asked for does not work (an error); with --strict "
    "also where figures may be wrong or late (a warning)."
)


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "doctor",
        help="say what is installed, patched and reachable, and what to do where it is not",
        description="Asks the store, the endpoint of spans and the source of newer prices.",
        epilog=_CODES,
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for a script")
    parser.add_argument("--strict", action="store_true", help="exit 1 for warnings as well")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 1 for an error, with --strict also for a warning."""
    from costspan.doctor import examine

    # What is wrong is said by us, as a finding, and not by a log line as well.
    logging.getLogger("costspan").addHandler(logging.NullHandler())
    seen = examine(import_sdks=True)
    print(_as_json(seen)) if given.json else _print(seen)
    return 1 if seen.count("error") or (given.strict and seen.count("warning")) else 0


def _as_json(seen: Examination) -> str:
    counts = {severity: seen.count(severity) for severity in ("error", "warning", "note", "ok")}
    body = {"counts": counts, "findings": seen.findings, "settings": seen.settings}
    return msgspec.json.encode(body).decode()


def _print(seen: Examination) -> None:
    lines: list[tuple[str, str]] = []
    for one in seen.findings:
        grave = one.severity in ("warning", "error")
        lines.append((one.topic, f"{one.severity.upper()}: {one.text}" if grave else one.text))
        if one.remedy is not None:
            lines.append(("", f"-> {one.remedy}"))
    lines += [("setting", f"{one.name} = {one.value} ({one.source})") for one in seen.settings]
    show(lines)
