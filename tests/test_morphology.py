"""Word forms: what the glossary and the damage rely on."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate.morphology import (
    indefinite_article,
    inflect,
    inflections,
    lemmas,
    parts_of_speech,
    plain_noun,
    tags_of,
)


@pytest.mark.parametrize(
    "word",
    "hour honest heir honourable unidentified uninjured unimportant under upper urban usher utter umbrella element armed e-mail x-ray order "
    "MP FBI NGO EU IMF AFP SUV RAF OPEC LNG F-16 8 11 18 80 8-year 11-member".split(),
)
def test_an_stands_before_a_vowel_sound(word: str) -> None:
    assert indefinite_article(word) == "an"


@pytest.mark.parametrize(
    "word",
    "fighter union unit university unilateral uniform unique user usual utility uranium European Ukrainian one one-sided once eulogy house "
    "UN UK NATO HAMAS FIFA UNESCO NASA HOUSE 10 100 110 1".split(),
)
def test_a_stands_before_a_consonant_sound(word: str) -> None:
    assert indefinite_article(word) == "a"


@given(st.text())
def test_any_text_has_an_article(text: str) -> None:
    assert indefinite_article(text) in ("a", "an")


@pytest.mark.parametrize(
    ("lemma", "tag", "form"),
    [
        ("fighter", "NNS", "fighters"),
        ("party", "NNS", "parties"),
        ("man", "NNS", "men"),
        ("take", "VBD", "took"),
        ("take", "VBN", "taken"),
        ("liberate", "VBN", "liberated"),
        ("stop", "VBG", "stopping"),
        ("fighter", "VBD", "fighter"),
    ],
)
def test_a_lemma_is_inflected_by_tag(lemma: str, tag: str, form: str) -> None:
    assert inflect(lemma, tag) == form


@pytest.mark.parametrize(
    ("lemma", "plural"), [("peshmergo", "peshmergos"), ("zalfix", "zalfixes"), ("qualby", "qualbies")]
)
def test_an_unknown_word_has_a_regular_plural(lemma: str, plural: str) -> None:
    assert inflections(lemma) == {"NN": lemma, "NNS": plural}


def test_the_forms_of_a_word_cannot_be_changed_by_who_asks() -> None:
    with pytest.raises(TypeError):
        inflections("fighter")["NN"] = "x"  # type: ignore[index]


def test_a_form_has_the_tags_under_which_it_is_listed() -> None:
    assert tags_of("elements", "element") == ("NNS",)
    assert tags_of("edited", "edit") == ("VBD", "VBN")
    assert tags_of("leads", "lead") == ("NNS", "VBZ")
    assert tags_of("nothing", "lead") == ()


def test_lemmas_are_over_all_parts_of_speech_and_hold_the_word_itself() -> None:
    assert lemmas("Edited") == {"edit", "edited"}
    assert lemmas("zalfix") == {"zalfix"}


def test_a_plain_noun_can_be_nothing_else() -> None:
    assert plain_noun("committee") == "NN"
    assert plain_noun("committees") == "NNS"
    assert plain_noun("run") is None
    assert plain_noun("this") is None
    assert plain_noun("zalfix") is None


def test_parts_of_speech_are_those_of_the_dictionary() -> None:
    assert {"NOUN", "VERB"} <= parts_of_speech("Leads")
    assert parts_of_speech("zalfix") == frozenset()


def test_the_dictionary_brings_no_spacy_along_and_leaves_it_to_be_had() -> None:
    pytest.importorskip("spacy")
    code = (
        "import sys; from retranslate.morphology import lemmas; assert 'lead' in lemmas('leads'); "
        "assert 'spacy' not in sys.modules; import spacy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
