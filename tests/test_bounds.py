"""Bounds: what is said of a number beside the number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate import guards
from retranslate.bounds import changed_bounds

CHANGED = [
    ("A million children will be vaccinated.", "At least one million children will be vaccinated.", ["invented 'at least'"]),
    ("It killed 30 persons.", "It killed no fewer than 30 people.", ["invented 'at least'"]),
    ("It killed 30 persons.", "It killed up to 30 people.", ["invented 'up to'"]),
    ("A fine of ten thousand dinars.", "A fine of at most ten thousand dinars.", ["invented 'up to'"]),
    ("At least 30 persons were killed.", "Thirty people were killed.", ["lost 'at least'"]),
    ("Sales fell by 11.5 percent.", "Sales fell to 11.5 percent.", ["'by' 11.5 percent became 'to'"]),
    ("The leakage rose to 23 %.", "Leakage rose by 23 percent.", ["'to' 23 percent became 'by'"]),
    ("It rose to ten per cent.", "It rose by 10 percent.", ["'to' 10 percent became 'by'"]),
]  # fmt: skip
KEPT = [
    ("The killed are not less from 30.", "At least 30 people were killed."),
    ("Killed 30 at the least.", "At least 30 were killed."),
    ("At least 30 persons were killed.", "No fewer than 30 people were killed."),
    ("At least 30 persons were killed.", "More than 29 people were killed."),
    ("The fine reaches to 100 dinar.", "The fine is up to 100 dinars."),
    ("Prison to three years.", "Prison for up to three years."),
    ("At least he came.", "He came."),
    ("He went up to the third floor.", "He went to the third floor."),
    ("It decreased in rate 5 percent.", "It fell by 5 percent."),
    ("It rose by 5 percent to 10 percent.", "It rose to 10 percent, by 5 percent."),
    ("It fell by 5 percent and rose to 5 percent.", "It rose to 5 percent after falling by 5 percent."),
]


@pytest.mark.parametrize(("before", "after", "complaints"), CHANGED)
def test_what_is_said_of_a_number_is_not_changed(before: str, after: str, complaints: list[str]) -> None:
    assert changed_bounds(before, after) == complaints
    assert set(complaints) <= set(guards.judge(before, after)["counts"])


@pytest.mark.parametrize(("before", "after"), KEPT)
def test_the_same_may_be_said_in_another_way(before: str, after: str) -> None:
    assert changed_bounds(before, after) == []


@given(
    st.text()
    | st.lists(st.sampled_from("at least up to by 5 percent ten % no fewer than most the".split())).map(" ".join)
)
def test_a_text_keeps_its_own_bounds(text: str) -> None:
    assert changed_bounds(text, text) == []
