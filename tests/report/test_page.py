"""The page of reports: its tables hold what the code holds."""

import json
from pathlib import Path

from msgspec import structs

from costspan.report import render
from costspan.report.figures import Figures
from costspan.report.layout import chosen
from costspan.report.passed_over import PassedOver
from costspan.report.query import Question, ask
from costspan.report.vocabulary import checked_word
from tests.test_docs import first_cells


def test_the_words():
    words = first_cells("report.md", "word")
    assert len(words) == 11
    assert [checked_word(word) for word in words] == words


def test_the_figures():
    assert first_cells("report.md", "figure") == list(Figures().as_dict())


def test_the_keys_of_the_json(tmp_path: Path):
    report = ask(Question([tmp_path]))
    found = json.loads(render.as_json(report, chosen(report, None)))
    assert first_cells("report.md", "key") == list(found)


def test_the_counts_of_what_is_passed_over():
    assert first_cells("report.md", "count") == list(structs.asdict(PassedOver()))
