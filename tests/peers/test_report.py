"""The page of the peers: what it shows, and that nobody but a run has written it."""

import re
from pathlib import Path

from tests.peers.judge import Verdict
from tests.peers.peers import PEERS
from tests.peers.report import HEAD, Played, page

PAGE = Path(__file__).parents[2] / "docs" / "peers.md"


def played(release: str, word: str, why: str = "") -> Played:
    versions = {"openlit": release, "openai": "2.54.0"}
    return Played("openlit", versions, {"chat": Verdict("exact"), "messages": Verdict(word, why)})


def test_a_peers_releases_stand_side_by_side():
    text = page([played("1.45", "exact"), played("1.40", "partial", "`usage`")], [])

    assert "| OpenLIT | 1.45 | 2 of 2 | 2.54.0 |" in text
    assert "| OpenLIT | 1.40 | 1 of 2 | 2.54.0 |" in text
    assert "| surface | 1.45 | 1.40 |" in text
    assert "| messages | exact | partial: `usage` |" in text


def test_what_was_switched_on_together_is_listed():
    text = page([], [("costspan, openlit", "15, counted once")])

    assert "| costspan, openlit | 15, counted once |" in text


def test_the_page_in_the_documentation_is_that_of_a_run():
    text = PAGE.read_text("utf-8")

    assert text.startswith(HEAD)
    assert re.search(r"^Made on \d{4}-\d\d-\d\d with Python 3\.", text, re.MULTILINE)
    assert all(f"## {peer.title}\n" in text for peer in PEERS.values())
