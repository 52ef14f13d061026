"""Writes the dashboards and the recording rules into a folder: beside this one, or the one given.

python collector-config/grafana/source [FOLDER]
"""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from budgets import budgets
from calls import calls
from rules import recording_rules
from spend import spend

HERE = Path(__file__).parents[1]


def write(folder: Path) -> None:
    """Write every file that is made, in `dashboards/` and `rules/`."""
    for made in (spend(), calls(), budgets()):
        text = json.dumps(made, cls=JSONEncoder, indent=2, sort_keys=True)
        _write(folder / "dashboards" / f"{made.uid}.json", f"{text}\n")
    _write(folder / "rules" / "recording.yaml", recording_rules())


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
