"""The gate for continuous integration."""

from __future__ import annotations

import pytest

from retranslate.errors import InputError
from retranslate.evaluation import Evaluation, EvaluationSegment, System
from retranslate.evaluation.gate import Threshold, failures

SEGMENTS = [
    EvaluationSegment("1", "He go.", ("He goes.",)),
    EvaluationSegment("2", "Rain is expected.", ("Rain is expected.",), clean=True),
]
SCORES = Evaluation(0, 0).run([System("full", lambda _: ["He goes.", "Rain was expected."])], SEGMENTS, "tiny")


def test_what_holds_passes() -> None:
    thresholds = [Threshold.parse("chrf=60", "under"), Threshold.parse("overcorrection=1", "over")]
    assert failures([SCORES], thresholds) == []


def test_what_fails_is_said_with_its_figure() -> None:
    assert failures([SCORES], [Threshold.parse("overcorrection=0.02", "over")]) == [
        "tiny: full: overcorrection 1 is over 0.02"
    ]


def test_another_system_can_be_judged() -> None:
    (line,) = failures([SCORES], [Threshold.parse("ter=10", "over")], "do nothing")
    assert line == "tiny: do nothing: ter 50 is over 10"


@pytest.mark.parametrize("text", ["chrf", "chrf=high", "speed=3", "=3", ""])
def test_what_is_no_bound_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--fail-under"):
        Threshold.parse(text, "under")


def test_a_figure_that_a_set_has_not_passes_no_gate() -> None:
    scores = Evaluation(0, 0).run([], SEGMENTS[:1], "tiny")
    with pytest.raises(InputError, match="tiny: has no figure 'overcorrection'"):
        failures([scores], [Threshold.parse("overcorrection=0.02", "over")])


def test_not_a_number_fails() -> None:
    assert Threshold("chrf", "under", 60).fails(float("nan"))
