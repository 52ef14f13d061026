"""`identify="hash"`: users and sessions under names that only the holder of a key can make."""

import hmac
import json
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

from costspan import Instrumentor, LocalFiles, attribution, record_call
from costspan.call import Call
from costspan.export.identity import Identities
from tests.cost.calls import finished
from tests.export.folder import Folder

KEY = b"a key of the user, 32 bytes long"


def expected(text: str) -> str:
    """As docs/calls-file.md says."""
    return hmac.new(KEY, text.encode(), "sha256").hexdigest()[:32]


def test_user_and_session_are_hashed_and_nothing_else():
    call = finished(user="ann", session="s1", agent="a", endpoint="/e", tags={"user": "ann"})
    hashed = Identities(KEY).hashed(call)
    assert (hashed.user, hashed.session) == (expected("user:ann"), expected("session:s1"))
    assert (hashed.agent, hashed.endpoint, hashed.tags) == ("a", "/e", {"user": "ann"})


@pytest.mark.parametrize(
    ("facts", "user", "session"),
    [
        ({}, None, None),
        ({"user": "ann"}, expected("user:ann"), None),
        ({"session": "ann"}, None, expected("session:ann")),
        ({"user": ""}, expected("user:"), None),
        ({"user": "東京"}, expected("user:東京"), None),
    ],
)
def test_what_is_not_set_stays_so(facts: dict, user: str | None, session: str | None):
    hashed: Call = Identities(KEY).hashed(finished(**facts))
    assert (hashed.user, hashed.session) == (user, session)


def test_the_same_user_is_the_same_and_under_another_key_another():
    one, other = Identities(KEY), Identities(b"another key, 16 bytes or more")
    ann = finished(user="ann")
    assert one.hashed(ann).user == Identities(KEY).hashed(ann).user != other.hashed(ann).user


def test_half_of_a_surrogate_pair_is_hashed_too():
    half = json.loads('"\\ud83d"')
    assert len(Identities(KEY).hashed(finished(user=half)).user) == 32


@pytest.mark.parametrize("durability", ["call", "batch"])
def test_no_name_is_in_the_file(tmp_path: Path, provider: TracerProvider, durability: str):
    files = LocalFiles(tmp_path, identify=KEY, durability=durability)
    Instrumentor().instrument(tracer_provider=provider, local=files, providers=())
    with attribution(user="ann@example.org", session="ticket-17"), record_call(model="m") as call:
        call.set_usage(input_tokens=1)
    (kept,) = Instrumentor().costs.records
    Instrumentor().uninstrument()
    (line,) = Folder(tmp_path).calls
    assert line["user_id"] == expected("user:ann@example.org")
    assert line["session_id"] == expected("session:ticket-17")
    assert (kept.user_id, kept.session_id) == ("ann@example.org", "ticket-17")
    text = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"ann" not in text
    assert b"ticket" not in text
