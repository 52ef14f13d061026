"""`costspan verify`: what it prints, and its exit code."""

import json
from pathlib import Path

import pytest

from costspan.cli import main
from tests.export.auditing.audited import DAY, NEXT_DAY, SECRET, write


@pytest.fixture
def key(tmp_path: Path) -> str:
    file = tmp_path / "key"
    file.write_text(f"# of the auditor\n\n{SECRET}\n")
    return str(file)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    write(tmp_path / "logs", [0, 0, 1], checkpoints=tmp_path / "kept")
    return tmp_path / "logs"


def test_nothing_found(logs: Path, key: str, capsys: pytest.CaptureFixture[str]):
    assert main(["verify", str(logs), "--key-file", key]) == 0
    assert capsys.readouterr().out == "7 lines, 1 writer, 2 files, 0 checkpoints: no findings\n"


def test_a_key_in_a_variable(logs: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_KEY", SECRET)
    assert main(["verify", str(logs), "--key-env", "MY_KEY"]) == 0


def test_findings_with_their_places(logs: Path, key: str, capsys: pytest.CaptureFixture[str]):
    path = logs / DAY
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1].replace(b'"a1"', b'"a2"'), *lines[2:]]))
    assert main(["verify", str(logs), "--key-file", key]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{path}:2: changed: line 2 of writer ")
    assert last.endswith(": 1 finding")


def test_json(logs: Path, key: str, capsys: pytest.CaptureFixture[str]):
    (logs / NEXT_DAY).unlink()
    kept = str(logs.parent / "kept")
    arguments = ["verify", str(logs), "--key-file", key, "--checkpoints", kept, "--json"]
    assert main(arguments) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["counts"]["missing"] == 1
    (one,) = found["findings"]
    assert (one["what"], one["path"], one["line"]) == ("missing", str(logs / DAY), 4)


def test_writers_at_work(tmp_path: Path, key: str, capsys: pytest.CaptureFixture[str]):
    file = write(tmp_path / "logs", [0], close=False)
    arguments = ["verify", str(tmp_path / "logs"), "--key-file", key]
    assert main(arguments) == 1
    assert "open: writer" in capsys.readouterr().out
    assert main([*arguments, "--allow-open"]) == 0
    file.close()
    assert main(arguments) == 0


def test_old_files_were_deleted(logs: Path, key: str):
    (logs / DAY).unlink()
    arguments = ["verify", str(logs), "--key-file", key]
    assert main(arguments) == 1
    assert main([*arguments, "--since", "2026-11-23"]) == 0


def test_a_replaced_key(tmp_path: Path, logs: Path):
    for day, code in (("2026-11-22", 1), ("2026-11-23", 0)):
        (tmp_path / "keys").write_text(f"a-key-that-came-later\n{SECRET} until={day}\n")
        assert main(["verify", str(logs), "--key-file", str(tmp_path / "keys")]) == code


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "give the key"),
        (["--key-file", "nowhere"], "nowhere"),
        (["--key-file", "short"], "has 5 bytes"),
        (["--key-file", "empty"], "there is no key"),
        (["--key-file", "undated"], "is no date"),
        (["--key-env", "NO_SUCH"], "there is no such variable"),
        (["--key-file", "good", "--checkpoints", "nowhere"], "nowhere"),
    ],
)
def test_misuse(
    logs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: list[str],
    said: str,
):
    monkeypatch.chdir(logs.parent)
    texts = {
        "short": "short",
        "empty": "#\n",
        "undated": f"{SECRET} until=never",
        "good": SECRET,
    }
    for name, text in texts.items():
        Path(name).write_text(text)
    assert main(["verify", "logs", *given]) == 2
    assert said in capsys.readouterr().err


def test_no_folder_and_no_line(tmp_path: Path, key: str, capsys: pytest.CaptureFixture[str]):
    assert main(["verify", str(tmp_path / "nowhere"), "--key-file", key]) == 2
    assert "there is no such file or folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["verify", str(tmp_path / "empty"), "--key-file", key]) == 2
    assert "there is no line to verify" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["verify"], ["verify", "logs", "--since", "soon"]])
def test_misspelt(given: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        main(given)
    assert left.value.code == 2
    capsys.readouterr()
