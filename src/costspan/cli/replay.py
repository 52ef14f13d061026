"""`costspan replay`: stored calls or spans to an OTLP endpoint, with their own ids and times."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from costspan.cli.passed_over import many, told
from costspan.cli.progress import Progress
from costspan.errors import ConfigurationError
from costspan.export.folders import SPANS
from costspan.report import files
from costspan.report.moments import moment, written
from costspan.report.passed_over import Noted
from costspan.report.replaying import target
from costspan.report.replaying.calls import nanoseconds
from costspan.report.replaying.pieces import Window
from costspan.report.replaying.receiver import PATIENCE
from costspan.report.replaying.replay import Replay, Sent, source_of
from costspan.report.replaying.state import Reached, Replayed, State

_ALWAYS = Window()
_PREFIXES = {"calls": files.PREFIX, "spans": SPANS}


def add(commands: Any) -> None:
    """Say how the command is written."""
    parser = commands.add_parser(
        "replay",
        help="send stored calls or spans to an OTLP/HTTP endpoint, with their own ids and times",
        epilog="Exit code: 0; 1 where not all was taken: run it again to go on; 2 where it cannot "
        "begin.",
    )
    parser.add_argument("places", nargs="+", metavar="FOLDER", help="folders or files")
    parser.add_argument("--to", metavar="URL", help="such as http://localhost:4318")
    parser.add_argument(
        "--from", dest="kind", choices=_PREFIXES, help="calls files or files of spans"
    )
    parser.add_argument("--since", metavar="WHEN", help="7d, 12h, yesterday, 2026-11-21 (UTC)")
    parser.add_argument("--until", metavar="WHEN", help="what ended before then")
    parser.add_argument("--service", metavar="NAME", help="service.name of calls")
    parser.add_argument("--header", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--rate", type=_rate, metavar="N", help="spans a second at most")
    parser.add_argument("--state", type=Path, metavar="FILE", help="how far it is; in the folder")
    parser.add_argument("--dry-run", action="store_true", help="count, and send nothing")
    parser.add_argument("--json", action="store_true", help="print JSON, for a script")
    parser.set_defaults(run=run, parser=parser)


def run(given: argparse.Namespace) -> int:
    """Exit code 0; 1 where not all was taken; 2 where it cannot begin; 130 where it was stopped."""
    progress = Progress()
    try:
        sent = _replay(given, progress)
    except ConfigurationError as fault:
        progress.clear()
        print(fault, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        progress.clear()
        print("stopped: run the same again to go on", file=sys.stderr)
        return 130
    progress.clear()
    print(msgspec.json.encode(sent).decode() if given.json else _text(sent, dry=given.dry_run))
    for note in _notes(sent):
        print(note, file=sys.stderr)
    return 1 if sent.stopped or sent.rejected else 0


def _replay(given: argparse.Namespace, progress: Progress) -> Sent:
    url = target.endpoint(given.to)
    receiver = target.receiver(url, given.header, partial(_waiting, progress, url))
    now = datetime.now(UTC)
    since = moment("--since", given.since, now) if given.since else None
    until = moment("--until", given.until, now) if given.until else None
    if since is not None and until is not None and since >= until:
        raise ConfigurationError(f"--since {given.since} is not before --until {given.until}")
    kind = given.kind or _kind(given.places)
    replayed = Replayed(
        to=target.known_as(url),
        kind=kind,
        since=given.since,
        until=given.until,
        from_moment=written(since) if since else None,
        to_moment=written(until) if until else None,
    )
    opened = Reached if given.dry_run else State
    with closing(opened(given.state or _beside(given.places, url, kind), replayed)) as state:
        noted, window = Noted(), _window(state.replayed)
        with closing(source_of(kind, window, noted, given.service)) as source:
            run = Replay(
                source,
                state,
                None if given.dry_run else receiver,
                noted,
                given.rate,
                lambda spans: progress.tell(spans, "spans"),
            )
            return run.run(_files(given.places, kind, window))


def _waiting(progress: Progress, url: str, why: str) -> None:
    """Say why nothing is sent at present."""
    progress.clear()
    print(
        f"waiting for {urlsplit(url).netloc} ({why}): each request is tried again for "
        f"{PATIENCE / 60:.0f} minutes; Ctrl-C stops, and the same command goes on",
        file=sys.stderr,
        flush=True,
    )


def _kind(places: Sequence[str]) -> str:
    """Which kind of files there is."""
    found = [kind for kind in _PREFIXES if _files(places, kind)]
    if len(found) == 2:
        raise ConfigurationError(
            "there are calls files and files of spans, and a call may be in both: "
            "say --from calls or --from spans"
        )
    return found[0] if found else "calls"


def _files(places: Sequence[str], kind: str, window: Window = _ALWAYS) -> list[Path]:
    """The files of a kind; one that is named itself is of the kind that its name says.

    A call's file is that of the day on which it ended; a span may be written later.
    """
    is_of_spans = kind == "spans"
    days = (None, None) if is_of_spans else window.days
    found = files.files_in(places, *days, prefix=_PREFIXES[kind])
    return [path for path in found if path.name.startswith(SPANS) == is_of_spans]


def _window(replayed: Replayed) -> Window:
    window = Window()
    if replayed.from_moment is not None:
        window = window._replace(since=nanoseconds(replayed.from_moment))
    if replayed.to_moment is not None:
        window = window._replace(until=nanoseconds(replayed.to_moment))
    return window


def _beside(places: Sequence[str], url: str, kind: str) -> Path:
    """The state of a replay of this kind to there, in the first folder."""
    place = Path(places[0])
    digest = hashlib.sha256(f"{kind} {target.known_as(url)}".encode()).hexdigest()[:8]
    folder = place if place.is_dir() else place.parent
    return folder / f"replay_{urlsplit(url).hostname}_{digest}.state"


def _text(sent: Sent, *, dry: bool) -> str:
    read = f"of {many(sent.files, 'file')}"
    if dry:
        return f"{many(sent.spans, 'span')} {read} would be sent"
    return f"{many(sent.spans, 'span')} {read} sent in {many(sent.requests, 'request')}"


def _notes(sent: Sent) -> list[str]:
    notes = list(told(sent.passed_over))
    if sent.rejected:
        said = f": {sent.said}" if sent.said else ""
        notes.append(f"{many(sent.rejected, 'span')} the receiver did not want{said}")
    if sent.stopped:
        notes.append(f"not all was sent ({sent.stopped}): run the same again to go on")
    return notes


def _rate(text: str) -> float:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of spans a second: write 500")
    return float(text)
