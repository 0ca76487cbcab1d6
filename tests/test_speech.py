"""Who said it, and which name belongs to which title."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retranslate.counterparts import Terms
from retranslate.speech import (
    changed_persons,
    doubled_sayings,
    invented_persons,
    new_speakers,
    parted_titles,
    passive_sayings,
    speakers,
    titled_names,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The minister said that the road is open.", [("said", {"minister"})]),
        ("Said the minister that the road is open.", [("said", {"minister"})]),
        ("Hadi, a spokesman for the group, said it is over.", [("said", {"hadi", "spokesman", "group"})]),
        ('"It is over," said Karim.', [("said", {"karim"})]),
        ("It was the commission that announced the vote.", [("announced", {"commission"})]),
        ("He said that it is over.", [("said", set())]),
        ("It was announced that it is over.", []),
    ],
)
def test_speakers(text: str, found: list[tuple[str, set[str]]]) -> None:
    assert speakers(text) == tuple((verb, frozenset(words)) for verb, words in found)


ANOTHER = [
    ("Karim told Hadi that it is over.", "Hadi told Karim that it is over."),
    ("The minister said the governor left.", "The governor said the minister left."),
    ("Warned the bank that prices rose.", "Prices warned that the bank rose."),
]
THE_SAME = [
    ("He said the mayor of Hit, Mohannad Zbar, that it is over.", "The mayor of Hit, Mohannad Zbar, said it is over."),
    ("He pointed Hadi that it is over.", "Hadi pointed out that it is over."),
    ("He said the professor, Dr. Hamid Lafta, that it is over.", "The professor, Dr. Hamid Lafta, said that it is over."),
    ("Male bloc of reform that the number reached 17, as said the media.", "The bloc of reform said that the number reached 17, as the media said."),
    ("It is over, he said.", "He said that it is over."),
    ("The deputies said it is over.", "The lawmakers said it is over."),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ANOTHER)
def test_another_speaker_is_seen(before: str, after: str) -> None:
    assert new_speakers(before, after, Terms())


@pytest.mark.parametrize(("before", "after"), THE_SAME)
def test_the_same_speaker_in_another_place_is_none(before: str, after: str) -> None:
    assert new_speakers(before, after, Terms()) == []


def test_a_speaker_whom_the_glossary_renames_is_the_same() -> None:
    terms = Terms.of([("Stoke that", "Stock that")])
    assert new_speakers("Stoke said it.", "Stock said it.", Terms()) != []
    assert new_speakers("Stoke said it.", "Stock said it.", terms) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A source in the police, told the agency, said that the road is open.", 1),
        ("A source in the police, told the agency that the road is open.", 0),
        ("A source, who told the agency, said that the road is open.", 0),
        ("The minister told the council and said that the road is open.", 0),
        ('"It is over," Salim said, and Karim told the agency.', 0),
    ],
)
def test_one_speaker_who_says_it_twice_in_a_breath(text: str, count: int) -> None:
    assert doubled_sayings(text) == count


def test_sayings_that_are_seldom_passive() -> None:
    assert passive_sayings("The head of the commission was revealed to the courts.") == 1
    assert passive_sayings("The results will be announced today.") == 0


@pytest.mark.parametrize(
    ("before", "after", "complaints"),
    [
        ("The trust which he puts in me is great.", "The trust I put in me is great.", ["invented 'I'"]),
        ("We will pay our debts.", "They will pay the debts.", ["lost 'we'"]),
        ("We in it we will pay.", "In it we will pay.", []),
        ("He said it was theirs.", "She said it was his.", []),
        ("Photos that him sent Karim are here.", "Photos which she sent Karim are here.", ["'he' became 'she'"]),
    ],
)
def test_the_person_who_speaks_stays_the_same(before: str, after: str, complaints: list[str]) -> None:
    assert changed_persons(before, after) == complaints


@pytest.mark.parametrize(
    ("before", "after", "complaints"),
    [
        ("was read out on the square.", "He was read out on the square.", ["invented 'he'"]),
        ("who led the ferry company.", "She led the ferry company.", ["invented 'she'"]),
        ("And stressed the need to leave.", "He stressed the need to leave.", []),
        ("And was stressing it.", "He was stressing it.", []),
        ("Left the ferry, he and his son.", "He left the ferry, and so did his son.", []),
        ("", "He", ["invented 'he'"]),
    ],
)
def test_nobody_is_invented_to_open_a_sentence(before: str, after: str, complaints: list[str]) -> None:
    assert invented_persons(before, after) == complaints


def test_titled_names() -> None:
    text = "The MP Faleh al-Sari met Prime Minister Haider, Minister Monday and Dr. Hamid."
    assert titled_names(text) == (("mp", "faleh"), ("minister", "haider"), ("dr", "hamid"))


def test_a_title_stays_with_its_name() -> None:
    before = "Told the MP Faleh al-Sari, that it is over."
    assert parted_titles(before, "The MP told Faleh al-Sari that it is over.")
    assert parted_titles(before, "The MP Faleh al-Sari said that it is over.") == []
    assert parted_titles(before, "Faleh al-Sari, the MP, said that it is over.") == []


WORDS = "the minister MP Karim Hadi said told that Dr . , by warned was revealed he It".split()
SENTENCES = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join))


@given(SENTENCES)
@example("MINISTER AARIM%SAID AARIM")
def test_nobody_is_another_than_himself(text: str) -> None:
    assert new_speakers(text, text, Terms()) == []
    assert parted_titles(text, text) == changed_persons(text, text) == []
