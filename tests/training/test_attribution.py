"""Attribution: the one who says it goes to the front, and nothing else changes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate.training.attribution import bring_forward, vary


def outcomes(change: Callable[[str, random.Random], str], sentence: str) -> set[str]:
    return {change(sentence, random.Random(seed)) for seed in range(60)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("The road to the port is open, the governor said.", "The governor said that the road to the port is open."),
        (
            "The road to the port is open, the governor said on Monday.",
            "The governor said on Monday that the road to the port is open.",
        ),
        ("The road to the port is open, said Nadia Haddad.", "Nadia Haddad said that the road to the port is open."),
        ("It will be open by noon, engineers added.", "Engineers added that it will be open by noon."),
    ],
)
def test_a_final_attribution_moves_to_the_front(before: str, after: str) -> None:
    assert outcomes(bring_forward, before) == {after}


def test_a_name_at_the_start_of_the_clause_keeps_its_capital() -> None:
    assert outcomes(bring_forward, "Basra will get two new bridges, the governor said.") == {
        "The governor said that Basra will get two new bridges."
    }


def test_a_quotation_stays_a_quotation() -> None:
    assert outcomes(bring_forward, '"We will open the road," the governor said.') == {
        'The governor said: "We will open the road."',
        'The governor said, "We will open the road."',
        'The governor said that "we will open the road."',
    }


@pytest.mark.parametrize(
    "sentence",
    [
        "The road is open.",
        "In Paris, the minister said.",
        "The road to the port is open, as the governor said.",
        "The road to the port is open, and officials said.",
        'Karim said "the road is open", the paper wrote.',
        "",
    ],
)
def test_other_sentences_stay_as_they_are(sentence: str) -> None:
    assert outcomes(bring_forward, sentence) == {sentence}


def test_varying_changes_the_verb_and_the_marks_alone() -> None:
    before = "The governor said the road is open and it will stay open."
    kept = set(re.findall(r"\w+", "governor road is open will stay"))
    results = outcomes(vary, before)
    assert len(results) > 5
    for after in results:
        assert after.startswith("The governor ")
        assert kept <= set(re.findall(r"\w+", after))
        assert after.count('"') % 2 == 0


def test_varying_leaves_other_sentences_alone() -> None:
    assert outcomes(vary, "The road is open.") == {"The road is open."}


@given(st.text(max_size=80), st.integers(0, 5))
def test_any_text_is_taken_and_the_seed_decides(text: str, seed: int) -> None:
    for change in (bring_forward, vary):
        assert change(text, random.Random(seed)) == change(text, random.Random(seed))
