"""What is counted, and what the figures make of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retranslate.evaluation.figures import METRIC_FIGURES, figures_of, metric_score
from retranslate.evaluation.sets import EvaluationSegment
from retranslate.evaluation.statistics import COLUMNS, WIDTH, Entry, collect, word_edits


def figures(source: str, text: str, *references: str, **more: object) -> dict[str, float | None]:
    segment = EvaluationSegment("1", source, references, **more)  # type: ignore[arg-type]
    base, rows = collect([Entry(segment, (source, text))])
    return figures_of(rows.sum(0), base.sum(0))


def test_edits_count_by_the_word() -> None:
    found = figures("He go to town number.", "He goes to town the.", "He goes to the town.")
    assert found["precision"] == pytest.approx(1 / 2)
    assert found["recall"] == pytest.approx(1 / 3)
    assert found["f0.5"] == pytest.approx(1.25 * 1 / (2 + 0.25 * 3))


def test_doing_nothing_has_no_precision_and_no_gain_per_edit() -> None:
    found = figures("He go.", "He go.", "He goes.")
    assert (found["precision"], found["gain_per_edit"]) == (None, None)
    assert (found["recall"], found["f0.5"]) == (0, 0)


def test_a_perfect_edit_gains_one_ter_edit_a_word() -> None:
    assert figures("He go to Basra.", "He goes to Basra.", "He goes to Basra.")["gain_per_edit"] == 1


def test_the_reference_that_the_edits_agree_with_counts() -> None:
    assert figures("He go.", "He goes.", "She went away.", "He goes.")["precision"] == 1


def test_facts_count_as_lost_only_where_every_reference_keeps_them() -> None:
    source = "The 12 members of Daash did not meet Karim."
    found = figures(source, "The members did meet Salim on 3 days.", "The 12 members of Daesh did not meet Karim.")
    assert (found["lost_numbers"], found["lost_names"], found["lost_negations"]) == (1, 1, 1)
    assert (found["invented_numbers"], found["invented_names"], found["invented_negations"]) == (1, 1, 0)


def test_what_a_reference_has_is_not_invented() -> None:
    assert figures("He met him.", "He met Karim.", "He met Karim.")["invented_names"] == 0


def test_must_and_must_not_do_not_mind_case() -> None:
    found = figures("elements fled", "Fighters fled", "x", must=("fighters", "Daesh"), must_not=("Elements", "fled"))
    assert (found["must"], found["must_not"]) == (0.5, 0.5)


@given(
    st.lists(st.sampled_from("a b c d".split()), max_size=9), st.lists(st.sampled_from("a b c d".split()), max_size=9)
)
def test_edits_of_a_text_against_itself_are_none_and_against_another_some(ours: list[str], theirs: list[str]) -> None:
    assert not word_edits(ours, ours)
    assert bool(word_edits(ours, theirs)) == (ours != theirs)


@given(st.lists(st.integers(0, 40), min_size=WIDTH, max_size=WIDTH))
@settings(max_examples=200)
def test_the_formulas_for_columns_equal_sacrebleus_scores(numbers: list[int]) -> None:
    row = np.array(numbers, dtype=np.float64)
    # No more matches than there are n-grams.
    correct = slice(COLUMNS["bleu"].start + 2, COLUMNS["bleu"].start + 6)
    total = slice(COLUMNS["bleu"].start + 6, COLUMNS["bleu"].stop)
    row[correct] = np.minimum(row[correct], row[total])
    for name in ("chrf", "chrf++"):
        ours, theirs, matched = (slice(COLUMNS[name].start + offset, COLUMNS[name].stop, 3) for offset in range(3))
        row[matched] = np.minimum(row[matched], np.minimum(row[ours], row[theirs]))
    for figure in METRIC_FIGURES:
        assert float(figure.of(row, row)) == pytest.approx(metric_score(figure.key, row), abs=1e-9), figure.key


def test_several_processes_count_what_one_counts() -> None:
    entries = [
        Entry(EvaluationSegment(str(n), f"He go to {n}", (f"He goes to {n}.",)), (f"He go to {n}", f"He goes {n}"))
        for n in range(300)
    ]
    for one, two in zip(collect(entries), collect(entries, jobs=2), strict=True):
        assert np.array_equal(one, two)
