"""The rows of the matrix are all that the installed SDKs offer, and its cover holds every pair."""

import re
from itertools import combinations

import pytest

from costspan.providers.anthropic import ANTHROPIC
from costspan.providers.openai import OPENAI
from tests.matrix.cells import Cell, matrix
from tests.matrix.cover import axes, pairwise, with_all_endings
from tests.matrix.exclusions import EXCLUDED, REASONS, matches, reasons_for
from tests.matrix.methods import METHODS
from tests.matrix.surface import SDKS, Offer, offers

PATHS = {
    provider.name: {(one.method, one.path) for one in provider.operations}
    for provider in (OPENAI, ANTHROPIC)
}


def rows(sdk: str) -> set[str]:
    return {method.name for method in METHODS if method.sdk == sdk}


def known_paths(offer: Offer) -> set[tuple[str, str]]:
    """The requests of a method that the provider file's table has."""
    # The table writes "/responses/" for a path that ends in an id.
    asked = {(verb, re.sub(r"/\{\w*\}$", "/", path)) for verb, path in offer.requests}
    return asked & PATHS[offer.sdk]


def test_every_offer_is_a_row_or_left_out_with_one_reason() -> None:
    """A method that is in neither list, or in both, is a gap that someone must look at."""
    unknown = [
        str(offer)
        for offer in offers()
        if (offer.name in rows(offer.sdk)) + len(reasons_for(offer.sdk, offer.name)) != 1
    ]
    assert unknown == []


def test_every_offer_with_a_known_path_is_a_row() -> None:
    """No exclusion excuses a method whose requests costspan observes."""
    missing = [
        str(offer) for offer in offers() if known_paths(offer) and offer.name not in rows(offer.sdk)
    ]
    assert missing == []


def test_the_walk_finds_the_calls_there_are() -> None:
    """The walk reads paths out of the SDKs' source: it must not go blind."""
    found = {str(offer): known_paths(offer) for offer in offers()}
    assert found["openai.chat.completions.create"] == {("post", "/chat/completions")}
    assert found["openai.responses.retrieve"] == {("get", "/responses/")}
    assert found["openai.responses.delete"] == set()
    assert found["anthropic.messages.create"] == {("post", "/v1/messages")}
    assert found["anthropic.beta.messages.count_tokens"] == {("post", "/v1/messages/count_tokens")}


@pytest.mark.parametrize("sdk", SDKS)
def test_every_path_of_the_table_has_a_row(sdk: str) -> None:
    """What a provider file observes is tried out."""
    paths = {path for _, path in PATHS[sdk]}
    assert paths == {method.path for method in METHODS if method.sdk == sdk}


def test_reasons_are_few() -> None:
    """Nothing is left out for a reason of its own."""
    assert {reason for reasons in EXCLUDED.values() for reason in reasons} == REASONS


def pairs_of(cell: Cell) -> set[tuple[object, ...]]:
    return set(combinations(enumerate(axes(cell)), 2))


def test_the_cover_holds_every_pair() -> None:
    """Of method, mode, form and ending, any two that exist together do so in the cover."""
    cells = matrix().cells
    wanted = set().union(*map(pairs_of, cells))
    assert set().union(*map(pairs_of, pairwise(cells))) == wanted


def test_the_cover_is_small_and_always_the_same() -> None:
    """A greedy cover is near the least that any can have: two axes' product."""
    cells = matrix().cells
    least = len({(str(cell.method), cell.ending) for cell in cells})
    assert pairwise(cells) == pairwise(tuple(cells))
    assert least <= len(pairwise(cells)) < 2 * least


def test_the_two_chief_methods_have_all_their_endings() -> None:
    """Plain and streamed, sync and async, whatever the cover happens to take."""
    cells = with_all_endings(matrix().cells)
    assert {str(cell.method) for cell in cells} == {
        "openai.chat.completions.create",
        "anthropic.messages.create",
    }
    # Sync and async: 10 endings of a plain call, 16 of a streamed one; async: both cancelled.
    assert len(cells) == 2 * (2 * (10 + 16) + 2)


def test_patterns_stand_for_whole_names() -> None:
    """`files.*` is no pattern for `files_of.create`."""
    assert matches("files.*", "files.list")
    assert matches("files.*", "files.parts.list")
    assert not matches("files.*", "files_of.create")
    assert not matches("live.connect", "live.connection")
