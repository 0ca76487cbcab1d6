"""Numbers, units, days and times, and what each number belongs to."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate import quantities
from retranslate.quantities import (
    changed_ages,
    dates,
    directions,
    numbers,
    quantifiers,
    round_numbers,
    swapped_numbers,
    times,
    units,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12 of 25,000 men, 3.5 percent", {"12": 1, "25000": 1, "3.5": 1, "percent": 1}),
        ("twelve men, two million dinars", {"12": 1, "2": 1, "million": 1}),
        ("5%, 5 per cent", {"5": 2, "percent": 2}),
        ("52 000 euros and 1 204 500 more", {"52000": 1, "1204500": 1}),
        ("in 2016 500 men died", {"2016": 1, "500": 1}),
        ("the first of the two; one of them", {"first": 1, "2": 1}),
        ("at 10:30 on 22/7/2016, -5 degrees", {"10:30": 1, "22/7/2016": 1, "-5": 1}),
    ],
)
def test_numbers(text: str, found: dict[str, int]) -> None:
    assert numbers(text) == Counter(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3 thousand, three thousand, 3,000", {"3000": 3}),
        ("2.5 million and five hundred thousand", {"2500000": 1, "500000": 1}),
        ("$4.1bn, £20m, 20m of road", {"4100000000": 1, "20000000": 1, "20": 1}),
        ("30 of thousand; a million", {"30": 1, "thousand": 1, "million": 1}),
        ("F-16 thousand, 1.2.3 million", {"16": 1, "thousand": 1, "1.2.3": 1, "million": 1}),
        ("three hundred twenty", {"3": 1, "hundred": 1, "20": 1}),
    ],
)
def test_round_numbers(text: str, found: dict[str, int]) -> None:
    assert round_numbers(text) == Counter(found)


@pytest.mark.parametrize(
    "text", ["9" * 2_000 + " thousand", "1" + " trillion" * 2_000, "1" + ",000" * 2_000 + " million"]
)
def test_a_number_without_end_is_no_trouble(text: str) -> None:
    assert round_numbers(text) != round_numbers("9 thousand")


AGES = [
    ("A girl aged 14 was killed.", "Some 14 girls were killed.", ["lost '14' as an age"]),
    ("The police arrested 30 women.", "The police arrested a 30-year-old woman.", ["invented '30' as an age"]),
    ("He was jailed at the age of 17.", "He was jailed for 17 years.", ["lost '17' as an age"]),
    ("A guard aged sixty left.", "The guard, 60, left.", []),
    ("A guard aged sixty left.", "The sixty-year-old guard left.", []),
    ("His mother, 88 years, left.", "His mother, aged 88, left.", []),
    ("He left in 14 of his age.", "He left at the age of 14.", ["invented '14' as an age"]),
    ("He left in the age the 14.", "He left at the age of 14.", []),
]


@pytest.mark.parametrize(("before", "after", "complaints"), AGES)
def test_an_age_stays_one(before: str, after: str, complaints: list[str]) -> None:
    assert changed_ages(before, after) == complaints


@given(st.integers(min_value=1, max_value=999), st.sampled_from(["thousand", "million", "billion"]))
def test_a_round_number_is_one_in_words_and_figures(number: int, power: str) -> None:
    value = number * {"thousand": 10**3, "million": 10**6, "billion": 10**9}[power]
    assert round_numbers(f"It has {number} {power} of them.") == round_numbers(f"It has {value:,} of them.")


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ("12 km of road, 12km, twelve kilometres", {"kilometer": 3}),
        ("$5, 5 dollars and the dollar", {"dollar": 3}),
        ("three days of the days of war", {"day": 1}),
        ("aged 60 years, a 43-year-old, 5 years old", {}),
        ("43 years in 5 years", {"year": 2}),
        ("98 million barrels", {"barrel": 1}),
        ("5 % and 5 pct", {"percent": 2}),
        ("I'm in a T-shirt, Mr. K", {}),
        ("5 tonnes, 5 tons", {"tonne": 1, "ton": 1}),
    ],
)
def test_units(text: str, certain: dict[str, int]) -> None:
    assert units(text)[0] == Counter(certain)


def test_units_without_a_number_are_possible_ones() -> None:
    certain, possible = units("98 million of barrels in days")
    assert certain == Counter()
    assert possible == Counter({"barrel": 1, "day": 1})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("On Monday, yesterday, in May", {"monday": 1, "yesterday": 1, "may": 1}),
        ("It may march on", {}),
        ("March of May", {"march": 1, "may": 1}),
    ],
)
def test_dates(text: str, found: dict[str, int]) -> None:
    assert dates(text) == Counter(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("next week", {"next"}),
        ("on Sunday the coming", {"next"}),
        ("the past two years", {"last"}),
        ("last Thursday and next month", {"last", "next"}),
        ("the next bridge", set()),
        ("they last long", set()),
    ],
)
def test_directions(text: str, found: set[str]) -> None:
    assert directions(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("at 5 p.m. and 6pm", {"p.m.": 2}),
        ("I am at home at 5 am", {"a.m.": 1}),
        ("in the morning, at midday, at noon", {"morning": 1, "noon": 2}),
    ],
)
def test_times(text: str, found: dict[str, int]) -> None:
    assert times(text) == Counter(found)


def test_quantifiers() -> None:
    assert quantifiers("Every man and each of all women; both; most; fewer") == {"all", "both", "most", "less"}
    assert quantifiers("some of them") == frozenset()


SWAPPED = [
    ("12 wounded, 3 killed", "3 wounded, 12 killed"),
    ("It rose from 3 to 5 percent.", "It rose from 5 to 3 percent."),
    ("5 km and 3 kg", "3 km and 5 kg"),
    ("4 million dollars and 5 billion dinars", "5 million dollars and 4 billion dinars"),
    ("Two men and three women died.", "Three men and two women died."),
    ("3 of the 12 men", "12 of the 3 men"),
    ("He was shot at 9 and died at 11.", "He was shot at 11 and died at 9."),
]
MOVED = [
    ("12 wounded, 3 killed", "3 killed and 12 wounded"),
    ("killing 12 and wounding 3", "12 killed and 3 wounded"),
    ("on 12 May 2016", "on May 12, 2016"),
    ("17 of 40 projects reached 50 percent", "Of 40 projects 17 reached 50 percent"),
    ("exceeded in the month of July 98 million barrel in 2016", "exceeded 98 million barrels in July 2016"),
    ("12 lawmakers and 3 gunmen", "three gunmen and twelve deputies"),
]


@pytest.mark.parametrize(("before", "after"), SWAPPED)
def test_numbers_that_changed_places_are_noticed(before: str, after: str) -> None:
    assert swapped_numbers(before, after)


@pytest.mark.parametrize(("before", "after"), MOVED)
def test_numbers_that_moved_with_what_they_count_are_not(before: str, after: str) -> None:
    assert swapped_numbers(before, after) == []


TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from("12 3 five $ km % men women , and killed in May".split())).map(" ".join),
)


@given(TEXTS)
def test_no_number_changes_places_with_itself(text: str) -> None:
    assert swapped_numbers(text, text) == []


@given(TEXTS)
def test_certain_units_are_possible_ones(text: str) -> None:
    certain, possible = units(text)
    assert not certain - possible


def test_what_is_counted_is_a_copy() -> None:
    numbers("12 men").clear()
    assert numbers("12 men") == Counter({"12": 1})
    assert quantities.dates("Monday") is not quantities.dates("Monday")
