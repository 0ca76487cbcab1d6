"""Leftovers: Arabic words in Latin letters are read back by their consonants and long vowels; names and English are not read."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate.counterparts import table_lines
from retranslate.glossary import Match
from retranslate.glossary_file import Row
from retranslate.leftovers import READINGS, is_leftover, leftovers

LEXICON = dict(line.split("\t") for line in table_lines("arabic.tsv"))


def readings(sentence: str) -> list[tuple[str, ...]]:
    return [match.alternatives for match in leftovers(sentence)]


@pytest.mark.parametrize(
    ("sentence", "reading"),
    [
        ("The pupils came Bhafilat.", "in buses"),
        ("He praised Balsyasa new.", "the policy"),
        ("the prices of Almhasil rose", "the crops"),
        ("The weather closed Almtar for a day.", "the airport"),
        ("We bought the bread from Almkhabz nearby.", "the bakeries"),
        ("They sold honey Walzytwn in the fair.", "and the olives"),
        ("The lighting returns Llnfq soon.", "to the tunnel"),
        ("The owners of Alsydlyat are on strike.", "the pharmacies"),
        ("Three died in attafjir of the market.", "the bombing"),
        ("They seized weapons Wdhkhyrh and cars.", "and ammunition"),
        ("The boys found Alqnblh in a field.", "the bomb"),
    ],
)
def test_what_was_left_in_letters_is_read_with_its_particle(sentence: str, reading: str) -> None:
    (found,) = readings(sentence)
    assert reading in found


def test_a_match_says_where_it_is_and_what_it_may_be() -> None:
    sentence = "The pupils came Bhafilat to school."
    (match,) = leftovers(sentence)
    assert sentence[match.start : match.end] == match.found == "Bhafilat"
    assert match.row.mode == "hint"
    assert match.row.note == "حافلات, left in letters"
    assert is_leftover(match)


def test_the_word_that_opens_a_sentence_is_read_with_a_capital() -> None:
    (found,) = readings("Almhasil of the season are good.")
    assert found == ("The crops", "Crops")


def test_of_several_words_the_one_that_writes_more_of_what_is_spelt_is_meant() -> None:
    # matar, the rain, writes no vowel.
    (match,) = leftovers("The plane left Almtaar at noon.")
    assert set(match.row.note.split(",")[0].split(" or ")) == {"أمطار", "مطار"}


def test_a_long_vowel_that_arabic_writes_has_to_be_there() -> None:
    assert readings("He spoke of Almhasil there.") == [("the crops", "crops")]
    assert readings("He spoke of Almhsol there.") == [("the crop", "crop")]
    assert readings("He spoke of Almhsl there.") == []


def test_a_feminine_ending_is_heard() -> None:
    assert readings("She came disguised Bnqab.") == []
    assert any("with a union" in found for found in readings("He spoke Bnqabh of teachers."))


def test_what_no_name_begins_with_is_read_beside_a_name() -> None:
    assert any("with the aid" in found for found in readings("The trucks came from Oman Balmsaadat medical."))


@pytest.mark.parametrize(
    "sentence",
    [
        "Ahmed Alkhatib said the bridge was closed.",
        "Minister Aljsr visited the school.",
        "The bridge is open, said Aljsr on Sunday.",
        "Aljsr said the bridge was open.",
        "A team from Baltimore won.",
        "Uganda and Belgium signed the treaty in Belgrade.",
        "The al-Mustaqbal newspaper reported it.",
        "See www.almtar.iq or mail almtar@mail.iq for the flights.",
        "The ALMTAR group and AlMtar met.",
        "The Whitaker report on Walmart's botnet",
        "balance, bathwater, walnuts, loafers, albums and blankets",
    ],
)
def test_names_and_english_are_no_leftovers(sentence: str) -> None:
    assert readings(sentence) == []


def test_two_consonants_are_read_behind_an_article_alone() -> None:
    assert readings("They work in Alzraah of the province.") == [("the agriculture", "agriculture")]
    assert readings("They work in Bzraah of the province.") == []


def test_no_more_readings_are_offered_than_can_be_weighed() -> None:
    for sentence in ("They met Balmard.", "It was Baltqaed.", "He came Balmktb."):
        for found in readings(sentence):
            assert 1 <= len(found) <= READINGS
            assert len(set(found)) == len(found)


# A spelling for each letter, as a machine may choose it.
_SPELT = dict(zip("بتثجحخدذرزسشصضطظغفقكلمنه", "b t th j h kh d dh r z s sh s d t z gh f q k l m n h".split(), strict=True)) | {
    "ا": "a", "آ": "a", "ى": "a", "و": "u", "ي": "i", "ة": "a",
    "ع": "", "ء": "", "ئ": "", "ؤ": "", "أ": "", "إ": "",
}  # fmt: skip


_VOWELS = "اآىويعةءئؤأإ"
"""The letters that are vowels, or are not heard by who writes English."""


def _is_plain(arabic: str) -> bool:
    """Whether the word has four consonants, no two in a row that sound alike, opens with one and ends on no "h"."""
    alike = any(_SPELT[one] == _SPELT[other] != "" for one, other in pairwise(arabic))
    return len(re.sub(f"[{_VOWELS}]", "", arabic)) >= 4 and not alike and not re.search(rf"^[{_VOWELS}]|[حه]$", arabic)


@given(st.sampled_from(sorted(filter(_is_plain, LEXICON))), st.data())
def test_words_are_read_back_however_their_short_vowels_come(arabic: str, data: st.DataObject) -> None:
    spelt = ""
    for letter, following in zip(arabic, arabic[1:] + "ا", strict=True):
        spelt += _SPELT[letter]
        if letter not in _VOWELS and following not in _VOWELS:
            spelt += data.draw(st.sampled_from(["", "a", "i", "u", "e"]))
    # As what is another matter: a short vowel may be taken for a long one ("tilmidh", pupil, and "talamidh", pupils).
    assert [match.found for match in leftovers(f"He spoke of Al{spelt} there.")] == [f"Al{spelt}"]


@given(st.sampled_from(sorted(filter(_is_plain, LEXICON))))
def test_words_without_short_vowels_are_read_as_what_they_are(arabic: str) -> None:
    (found,) = readings(f"He spoke of Al{''.join(map(_SPELT.__getitem__, arabic))} there.")
    assert {f"the {reading}" for reading in LEXICON[arabic].split("|")} & set(found)


@given(st.text(max_size=80))
def test_any_text_can_be_asked_about(text: str) -> None:
    for match in leftovers(text):
        assert text[match.start : match.end] == match.found
        assert match.alternatives


def test_the_lexicon_is_in_order() -> None:
    lines = table_lines("arabic.tsv")
    assert len(LEXICON) == len(lines)
    assert all(re.fullmatch("[\u0621-\u064a]+", arabic) for arabic in LEXICON)
    assert all(reading.strip() == reading != "" for english in LEXICON.values() for reading in english.split("|"))


def test_the_words_of_fluent_news_are_none_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    names = table_lines("no_leftovers.txt")
    assert names == sorted(set(names))
    monkeypatch.setattr("retranslate.leftovers._known_names", frozenset)
    from retranslate.leftovers import _read

    _read.cache_clear()
    try:
        assert [name for name in names if _read(name) is None] == []
    finally:
        _read.cache_clear()


def test_a_row_of_a_glossary_of_that_name_is_no_leftover() -> None:
    row = Row(("Bhafilat",), ("by bus",), "hint", source="arabic.tsv", line=2)
    assert not is_leftover(Match(0, 8, "Bhafilat", ("by bus",), row))
