"""`LocalFiles(...)`: what may be said, and what a wrong word is told."""

import sys
from datetime import UTC, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from costspan import ConfigurationError, LocalFiles
from costspan.export import compression, locks
from costspan.export.local_files import files_of

KEY = b"sixteen bytes ok"


def test_the_defaults():
    files = LocalFiles("logs")
    assert files.directory == Path("logs")
    assert (files.durability, files.unit, files.rotate_bytes) == ("call", "day", None)
    assert (files.keep_seconds, files.keep_bytes, files.compress) == (None, None, None)
    assert (files.per_process, files.identify, files.timezone) == (None, None, UTC)


def test_two_are_equal_if_they_write_the_same_to_the_same_folder(tmp_path: Path):
    assert LocalFiles(tmp_path) == LocalFiles(str(tmp_path))
    assert hash(LocalFiles(tmp_path)) == hash(LocalFiles(str(tmp_path)))
    assert LocalFiles(tmp_path) != LocalFiles(tmp_path / "other")
    assert LocalFiles(tmp_path) != LocalFiles(tmp_path, durability="fsync")
    assert LocalFiles(tmp_path, rotate="50 MB") == LocalFiles(tmp_path, rotate=("day", "50MB"))
    assert LocalFiles(tmp_path) != str(tmp_path)


@pytest.mark.parametrize(
    ("rotate", "meant"),
    [
        ("day", ("day", None)),
        ("hour", ("hour", None)),
        ("50 MB", ("day", 50_000_000)),
        ("1.5GiB", ("day", 1_610_612_736)),
        ("64 kb", ("day", 64_000)),
        (("hour", "50 MB"), ("hour", 50_000_000)),
        (["50 MB", "hour"], ("hour", 50_000_000)),
    ],
)
def test_when_another_file_begins(rotate: object, meant: tuple):
    files = LocalFiles("logs", rotate=rotate)
    assert (files.unit, files.rotate_bytes) == meant


@pytest.mark.parametrize(
    ("keep", "meant"),
    [
        ("30d", (2_592_000, None)),
        ("12h", (43_200, None)),
        ("4 w", (2_419_200, None)),
        ("1 GB", (None, 1_000_000_000)),
        (("30d", "1 GB"), (2_592_000, 1_000_000_000)),
        (["1 GB", "30d"], (2_592_000, 1_000_000_000)),
    ],
)
def test_how_long_files_are_kept(keep: object, meant: tuple):
    files = LocalFiles("logs", keep=keep)
    assert (files.keep_seconds, files.keep_bytes) == meant


WRONG = {
    "empty": ({"directory": ""}, "names no folder: use LocalFiles\\('logs'\\)"),
    "number": ({"directory": 7}, "give a folder's name"),
    "durability": ({"durability": "never"}, "use 'call', 'batch', 'fsync'"),
    "no durability": ({"durability": None}, "use 'call', 'batch', 'fsync'"),
    "rotate": ({"rotate": "weekly"}, 'give "day", "hour", a size such as "50 MB"'),
    "rotate nothing": ({"rotate": None}, 'give "day", "hour", a size'),
    "rotate a number": ({"rotate": 1}, 'give "day", "hour", a size'),
    "rotate zero": ({"rotate": "0 MB"}, 'give "day", "hour", a size'),
    "two sizes": ({"rotate": ("1 MB", "2 MB")}, "one unit of time and one size"),
    "two units": ({"rotate": ("day", "hour")}, "one unit of time and one size"),
    "no rotation": ({"rotate": ()}, 'give "day", "hour", a size'),
    "keep": ({"keep": "long"}, 'give an age such as "30d", a size such as "1 GB"'),
    "keep a number": ({"keep": 30}, 'an age such as "30d"'),
    "keep nothing": ({"keep": "0d"}, 'an age such as "30d"'),
    "two ages": ({"keep": ("1d", "2d")}, "one age and one size"),
    "too little": ({"keep": "1 MB", "rotate": "2 MB"}, "less than one file of 2000000 bytes"),
    "compress": ({"compress": "bzip2"}, "use None, 'gzip', 'zstd'"),
    "per_process": ({"per_process": 1}, "use None, True, False"),
    "identify": ({"identify": "md5"}, 'give "hash", the key itself as bytes, or None'),
    "no key": ({"identify": "hash"}, "needs a key: set COSTSPAN_IDENTIFY_KEY"),
    "short key": ({"identify": b"short"}, "a key of 5 bytes can be guessed; give 16 or more"),
    "audit": ({"audit_key": "short"}, "audit_key=.* has 5 bytes"),
    "zone": ({"timezone": "Mars/Olympus"}, "is no known zone: use a name such as"),
    "no zone": ({"timezone": 2}, "is no known zone"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_value_is_told_the_remedy(case: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("COSTSPAN_IDENTIFY_KEY", raising=False)
    arguments, said = WRONG[case]
    with pytest.raises(ConfigurationError, match=said):
        LocalFiles(**{"directory": "logs", **arguments})


def test_a_file_in_the_place_of_the_folder(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="is a file: give the name of a folder"):
        LocalFiles(tmp_path / "file")


def test_an_unknown_argument():
    with pytest.raises(TypeError, match="'directori'"):
        LocalFiles("logs", directori=1)


def test_a_key_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COSTSPAN_IDENTIFY_KEY", KEY.decode())
    assert LocalFiles("logs", identify="hash") == LocalFiles("logs", identify=KEY)


def test_a_zone_by_its_name_or_itself():
    named = LocalFiles("logs", timezone="Europe/Berlin")
    assert named == LocalFiles("logs", timezone=ZoneInfo("Europe/Berlin"))
    assert LocalFiles("logs", timezone=timezone(timedelta(hours=2))).timezone is not UTC


def test_zstd_that_is_not_installed(monkeypatch: pytest.MonkeyPatch):
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError, match=r"pip install 'costspan\[zstd\]', or use gzip"):
        LocalFiles("logs", compress="zstd")
    with pytest.raises(ConfigurationError, match=r"costspan\[zstd\]"):
        compression.reading(Path("x.jsonl.zst"))


@pytest.mark.parametrize("arguments", [{"compress": "gzip"}, {"keep": "1d"}, {"keep": "1 GB"}])
def test_a_system_without_file_locks(arguments: dict, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locks, "AVAILABLE", False)
    with pytest.raises(ConfigurationError, match=r"need file locks \(flock\)"):
        LocalFiles("logs", **arguments)
    LocalFiles("logs")


class TestTable:
    """`[local]` of a configuration file."""

    def test_it_says_all_that_arguments_say(self):
        table = {"directory": "logs", "rotate": ["hour", "50 MB"], "keep": "30d"}
        assert files_of(table) == LocalFiles("logs", rotate=("hour", "50 MB"), keep="30d")

    @pytest.mark.parametrize(
        ("local", "said"),
        [
            ({"directory": "logs", "rotat": "day"}, "unknown key 'rotat': use directory, durabi"),
            ({"rotate": "day"}, 'it names no folder: write directory = "logs"'),
            ({"directory": "logs", "durability": "no"}, "use 'call'"),
            (7, r"give a folder's name or LocalFiles\('logs'\)"),
        ],
    )
    def test_what_is_wrong_in_it_is_named(self, local: object, said: str):
        with pytest.raises(ConfigurationError, match=said):
            files_of(local)
