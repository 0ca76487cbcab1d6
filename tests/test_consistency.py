"""Consistency: what a document repairs once it repairs throughout, and a name that is doubtful is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import GlossaryMaker
from retranslate.consistency import is_name, misspelt
from retranslate.corrector import Corrector
from retranslate.edits import apply
from retranslate.glossary import Glossary

NOTHING = Corrector(Glossary(), None)
STOCK = "Jurgen Stock opened the talks. A letter from Jurgen Stoke was read out. Stock then left the town."


def kinds(corrector: Corrector, text: str) -> list[tuple[str, str, str]]:
    result = corrector(text)
    assert apply(text, result.edits) == result.text
    return [(edit.kind, edit.original, edit.replacement) for edit in result.edits]


# --- names -----------------------------------------------------------------------------------------------------------


def test_a_mangled_name_is_restored_from_the_rest_of_the_text() -> None:
    result = NOTHING(STOCK)
    assert result.text == STOCK.replace("Stoke", "Stock")
    (edit,) = result.edits
    assert (edit.kind, edit.reason) == ("consistency", "Stoke is Stock elsewhere in the text")
    assert [step.by for segment in result.segments for step in segment.steps] == ["consistency"]


def test_the_name_alone_and_its_possessive_are_restored_too() -> None:
    text = f"{STOCK} {'Stock spoke. ' * 5}The aide of Stoke said so. They read Stoke’s letter. Stoke said no. Stoke the fire with it."
    expected = (
        text.replace("Jurgen Stoke", "Jurgen Stock").replace("of Stoke", "of Stock").replace("Stoke’s", "Stock’s")
    )
    # A word that opens a sentence is a name only where it speaks.
    assert NOTHING(text).text == expected.replace("Stoke said", "Stock said")


DOUBTFUL = {
    "as often the one as the other": "Jurgen Stock came. Jurgen Stoke left.",
    "both in one sentence": "Jurgen Stock came. Jurgen Stock met Jurgen Stoke. Jurgen Stock left.",
    "another first name": "Jurgen Stock came. Jurgen Stock left. Jurgen Stoke and his son were there. A friend met Karim Stoke.",
    "a title many have": "President Kobler came. President Kobler left. President Kubler stayed.",
    "two things": "The Security Council met. The Security Council voted. The Security Counsel resigned.",
    "other sounds": "Ahmed Saleh came. Ahmed Saleh left. Ahmed Salem stayed.",
    "short": "Ahmed Saad came. Ahmed Saad left. Ahmed Said stayed.",
    "half a name": "Abu Hamad fell. Abu Hamad was retaken. Abu Hamid was not.",
    "a link": "Jurgen Stock came. Jurgen Stock left. See https://example.org/Jurgen/Stoke now.",
    "in lower case": "Jurgen Stock came. Jurgen Stock left. They stoke the fire.",
}


@pytest.mark.parametrize("why", DOUBTFUL)
def test_a_doubtful_name_is_left_alone(why: str) -> None:
    assert NOTHING(DOUBTFUL[why]).text == DOUBTFUL[why]


def test_a_title_will_do_where_the_majority_is_large() -> None:
    text = "President Kobler came. President Kobler left. Kobler spoke. President Kubler stayed."
    assert NOTHING(text).text == text.replace("Kubler", "Kobler")


def test_a_kept_name_is_never_touched(make_glossary: GlossaryMaker) -> None:
    corrector = Corrector(make_glossary(("Jurgen Stoke", "", "keep", "", "", "exact")), None)
    assert corrector(STOCK).text == STOCK


NAMES = st.lists(
    st.sampled_from(
        "Jurgen Stock Stoke stoke Karim Kobler Kubler’s President said. and . The Abadi Ebadi Haider".split()
    ),
    max_size=30,
)


@given(st.lists(NAMES.map(" ".join), max_size=6))
def test_no_right_spelling_is_a_wrong_one(texts: list[str]) -> None:
    found = misspelt(texts)
    assert not found.keys() & set(found.values())


@given(st.lists(NAMES.map(" ".join), min_size=1, max_size=4))
def test_a_document_does_not_hang_on_its_neighbours(texts: list[str]) -> None:
    together = NOTHING.correct_many(texts)
    assert together == [NOTHING(text) for text in texts]
    for text, result in zip(texts, together, strict=True):
        assert apply(text, result.edits) == result.text


def test_a_name_is_a_capitalised_word_that_is_no_english_word() -> None:
    assert is_name("Osama Najaf")
    assert not is_name("The Visual")
    assert not is_name("crowd")


# --- terms -----------------------------------------------------------------------------------------------------------


def test_a_term_that_is_certain_once_is_repaired_throughout(make_glossary: GlossaryMaker) -> None:
    corrector = Corrector(make_glossary(("balance", "budget", "fix", "deficit", "scales")), None)
    text = "The deficit of the balance grew. The balance was sent back. The balance of the scales is off."
    assert kinds(corrector, text) == [("glossary", "balance", "budget"), ("consistency", "balance", "budget")]
    assert not corrector("The balance was sent back.").changed
    reasons = [edit.reason for edit in corrector(text).edits]
    assert reasons == ["balance -> budget", "balance -> budget; as elsewhere in the text"]


def test_a_name_that_stands_elsewhere_in_the_text_speaks_for_its_row(make_glossary: GlossaryMaker) -> None:
    corrector = Corrector(
        make_glossary(("the crowd", "Hashd forces", "fix", "Mosul"), ("Oman", "Amman", "fix", "Jordan")), None
    )
    assert kinds(corrector, "The Hashd forces fought. Then the crowd left.") == [
        ("consistency", "the crowd", "Hashd forces")
    ]
    # One place is no evidence against another.
    assert kinds(corrector, "They flew from Amman. Then they came to Oman.") == []


def test_a_reading_that_is_no_name_is_no_evidence(make_glossary: GlossaryMaker) -> None:
    corrector = Corrector(make_glossary(("material", "article", "fix", "law")), None)
    assert kinds(corrector, "The article was long. The material was light.") == []


def test_a_hint_row_waits_for_a_model(make_glossary: GlossaryMaker) -> None:
    corrector = Corrector(make_glossary(("the crowd", "the Hashd", "hint", "Mosul")), None)
    assert kinds(corrector, "The Hashd fought. Then the crowd left.") == []
