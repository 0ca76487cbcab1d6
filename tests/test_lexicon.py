"""Words, pieces and names of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate import lexicon
from retranslate.lexicon import names, pieces, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Karim's men don't go.", ("karim", "men", "don't", "go")),
        ("the guards' house", ("the", "guards", "house")),
        ("The U.S. and 3.5 km", ("the", "u.s", "and", "3.5", "km")),
        ("the two sides.Read more", ("the", "two", "sides", "read", "more")),
        ("al-Abadi’s 400-bed hospital", ("al-abadi", "400-bed", "hospital")),
        ("", ()),
    ],
)
def test_words(text: str, found: tuple[str, ...]) -> None:
    assert words(text) == found


def test_pieces_are_the_words_and_the_marks_between_them() -> None:
    assert pieces('"No," said Karim.') == ('"', "no", ",", '"', "said", "karim", ".")


@given(st.text(max_size=80))
def test_the_words_are_among_the_pieces_in_order(text: str) -> None:
    assert [piece for piece in pieces(text) if lexicon.WORD.match(piece)] == list(words(text))
    assert all(pieces(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The road to Basra is open, Karim said.", ("Basra", "Karim")),
        ("Baghdad said no.", ("Baghdad",)),
        ("United scored. Roads opened.", ()),
        ('He said, "Roads open in May."', ()),
        ("BRIDGE CLOSED IN BASRA", ()),
    ],
)
def test_names(text: str, found: tuple[str, ...]) -> None:
    assert names(text) == found


def test_the_classes_of_words_are_in_lower_case_and_hold_no_name_twice() -> None:
    classes = {name: value for name, value in vars(lexicon).items() if isinstance(value, frozenset) and name.isupper()}
    assert len(classes) >= 10
    for name, value in classes.items():
        assert all(word == word.lower() for word in value), name


@pytest.mark.parametrize(("word", "saying"), [("pointed", True), ("told", True), ("said", True), ("opened", False)])
def test_verbs_of_saying(word: str, saying: bool) -> None:
    assert lexicon.is_reporting(word) is saying


def test_words_that_are_in_the_dictionary() -> None:
    assert lexicon.is_dictionary_word("Roads")
    assert lexicon.is_dictionary_word("the")
    assert not lexicon.is_dictionary_word("Baghdad")
