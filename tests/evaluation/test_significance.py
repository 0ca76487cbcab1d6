"""The tests of significance agree with sacrebleu's, and hold where a difference is none."""

from __future__ import annotations

import pytest
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.significance import PairedTest

from retranslate.evaluation import Evaluation, EvaluationSegment, System
from retranslate.evaluation.significance import share_interval

SEGMENTS = [
    EvaluationSegment(
        str(n),
        f"The committee go {'to the town' if n % 3 else 'number'} {n} in the {'north' if n % 2 else 'old south'} .",
        (
            f"The committee goes to {'the town' if n % 4 else 'village'} number {n} in the {'north' if n % 2 else 'south'}.",
        ),
    )
    for n in range(70)
]
OUTPUTS = [
    segment.source.replace(" go ", " goes ") if n % 5 else segment.source.replace("The", "A")
    for n, segment in enumerate(SEGMENTS)
]
MEASURES = {"bleu": BLEU(), "chrf": CHRF(), "chrf++": CHRF(word_order=2), "ter": TER()}


@pytest.fixture(scope="module")
def scores():  # type: ignore[no-untyped-def]
    return Evaluation(samples=200, trials=300).run([System("peer", lambda _: OUTPUTS)], SEGMENTS)


@pytest.mark.parametrize("key", list(MEASURES))
@pytest.mark.parametrize(("test", "short", "draws"), [("bootstrap", "bs", 200), ("randomisation", "ar", 300)])
def test_p_values_and_intervals_are_sacrebleus(scores, key: str, test: str, short: str, draws: int) -> None:  # type: ignore[no-untyped-def]
    named = [("base", [segment.source for segment in SEGMENTS]), ("peer", OUTPUTS)]
    references = [[segment.references[0] for segment in SEGMENTS]]
    _, table = PairedTest(named, {key: MEASURES[key]}, references, short, draws)()
    column = next(values for name, values in table.items() if name != "System")
    base, peer = scores.systems
    assert peer.figures[key] == column[1].score
    assert peer.p_values[key][test] == pytest.approx(column[1].p_value)
    if test == "bootstrap":
        assert base.intervals[key].half == pytest.approx(column[0].ci, rel=1e-4)
        assert peer.intervals[key].half == pytest.approx(column[1].ci, rel=1e-4)


def test_a_clear_gain_is_significant_and_the_same_output_is_not() -> None:
    better = System("better", lambda sources: [source.replace(" go ", " goes ") for source in sources])
    scores = Evaluation(samples=100, trials=100).run([better, System("same", list)], SEGMENTS)
    assert scores.system("better").is_significant("ter") is True
    assert scores.system("same").is_significant("ter") is False
    assert scores.system("do nothing").is_significant("ter") is None


def test_it_is_seeded() -> None:
    first, second = (Evaluation(50, 50).run([System("peer", lambda _: OUTPUTS)], SEGMENTS) for _ in range(2))
    for one, other in zip(first.systems, second.systems, strict=True):
        assert (one.intervals, one.p_values) == (other.intervals, other.p_values)


def test_none_of_forty_is_not_never() -> None:
    interval = share_interval(0, 44)
    assert interval.low == 0
    assert interval.high == pytest.approx(0.0803, abs=1e-4)
