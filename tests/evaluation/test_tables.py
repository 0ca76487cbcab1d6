"""Scores as tables."""

from __future__ import annotations

import csv
import io

import pytest

from retranslate.evaluation import Evaluation, EvaluationSegment, Scores, System
from retranslate.evaluation.tables import comma_separated, markdown, terminal

SEGMENTS = [
    EvaluationSegment(str(n), f"He go to [bold] town {n}.", (f"He goes to [bold] town {n}.",), ("AG",), clean=False)
    for n in range(8)
]


@pytest.fixture(scope="module")
def scores() -> Scores:
    better = System("full", lambda sources: [source.replace(" go ", " goes ") for source in sources])
    return Evaluation(100, 100).run([System("twin | x", list), better], SEGMENTS, "tiny")


def test_markdown_marks_what_may_be_chance_and_escapes_bars(scores: Scores) -> None:
    text = markdown(scores)
    assert "| twin \\| x |" in text
    assert "+0.0~" in text
    assert "~ not significantly different" in text


def test_csv_has_a_line_for_each_set_system_and_group(scores: Scores) -> None:
    rows = list(csv.DictReader(io.StringIO(comma_separated([scores]))))
    assert len(rows) == 3 * (1 + len(scores.groups))
    full = next(row for row in rows if row["system"] == "full" and not row["group"])
    assert float(full["ter"]) == 0
    assert float(full["ter_p_bootstrap"]) < 0.05


def test_a_terminal_shows_tables_groups_wins_and_texts_as_they_are(scores: Scores) -> None:
    text = terminal(scores, most=1)
    for part in (
        "tiny: 8 damaged segments",
        "full, by group",
        "tag AG",
        "largest wins of full",
        "He go to [bold] town",
    ):
        assert part in text
    assert "\x1b[" not in text
    assert "\x1b[" in terminal(scores, colours=True)
