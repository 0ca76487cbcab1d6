"""Ambiguity: the likelier sense is put in by a margin, what else speaks for it moves the margin, names are nobody's guess."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from conftest import GlossaryMaker
from retranslate import ambiguity
from retranslate.corrector import Corrector, Settings
from retranslate.edits import Result
from retranslate.glossary import Glossary
from retranslate.rewriter import BUNDLED, Request, Rewrite, Rewriter

CASES = Path(__file__).parent / "cases"


class Reader:
    """Rewrites nothing, and finds a text the likelier the more of the ``liked`` words it has."""

    signature = "reader:00000000"
    detector = None
    reads_terms = False

    def __init__(self, **liked: float) -> None:
        self.liked = liked
        self.read: list[Sequence[str]] = []

    def fits(self, request: Request) -> bool:
        return len(request.sentence) < 200

    def rewrite(self, requests: Sequence[Request], *_: object) -> list[Rewrite]:
        return [Rewrite(request.sentence, 0.0) for request in requests]

    def score(self, pairs: Sequence[object], *_: object) -> list[float]:
        return [0.0 for _ in pairs]

    def likelihoods(self, groups: Sequence[Sequence[str]], batch_size: int = 16) -> list[list[float]] | None:
        self.read += groups
        return [[self._likelihood(text) for text in texts] for texts in groups]

    def _likelihood(self, text: str) -> float:
        return sum(self.liked.get(word.strip(".").lower(), 0.0) for word in text.split())


def repaired(glossary: Glossary, text: str, **liked: float) -> Result:
    return Corrector(glossary, cast(Rewriter, Reader(**liked)))(text)


MARGIN = ambiguity.MARGIN
SENTENCE = "The strings of it were new to them."


def test_the_likelier_sense_wins_by_a_margin(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("string*", "thread*|lead*", "fix", "police", "", "keep", "khuyut"))
    result = repaired(glossary, SENTENCE, leads=MARGIN + 1)
    assert result.text == "The leads of it were new to them."
    (edit,) = result.edits
    assert (edit.kind, edit.reason) == ("glossary", "khuyut; the sentence reads better with it")
    (term,) = result.segments[0].terms
    assert (term.found, term.readings, term.outcome, term.reason) == (
        "strings",
        ("threads", "leads"),
        "obeyed",
        edit.reason,
    )


def test_what_is_true_or_nearly_so_is_kept(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("string*", "lead*", "fix", "police"))
    for liked in (MARGIN - 1, 0.0, -5.0):
        result = repaired(glossary, SENTENCE, leads=liked)
        assert not result.changed
        assert [term.outcome for term in result.segments[0].terms] == ["declined"]
    assert not Corrector(glossary, None)(SENTENCE).changed


def test_a_hint_with_its_context_word_needs_less(make_glossary: GlossaryMaker) -> None:
    for near, margin in (("new", ambiguity.CONTEXT_MARGIN), ("", ambiguity.HINT_MARGIN)):
        hinted = make_glossary(("string*", "lead*", "hint", near))
        assert repaired(hinted, SENTENCE, leads=margin + 0.1).changed
        assert not repaired(hinted, SENTENCE, leads=margin - 0.1).changed


def test_a_precedent_needs_the_contrary_to_be_refuted(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("string*", "lead*", "fix", "police"))
    text = f"The police have strings of it. {SENTENCE}"
    assert repaired(glossary, text, leads=-MARGIN + 0.1).text.count("leads") == 2
    assert repaired(glossary, text, leads=-MARGIN - 0.1).text.count("leads") == 1


def test_what_the_model_decides_is_a_precedent_too(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("string*", "lead*", "fix", "police"))
    text = "He is at the strings of it. These are the strings and the clues of it."
    result = repaired(glossary, text, leads=MARGIN - 1)
    assert not result.changed
    # In the first sentence there is reason enough, in the second a precedent.
    once = Corrector(glossary, cast(Rewriter, _Favouring("at the leads")))(text)
    assert once.text.count("leads") == 2
    assert [edit.kind for edit in once.edits] == ["glossary", "consistency"]


class _Favouring(Reader):
    """Finds a text likelier only for one wording."""

    def __init__(self, wording: str) -> None:
        super().__init__()
        self.wording = wording

    def _likelihood(self, text: str) -> float:
        return MARGIN + 1 if self.wording in text else 0.0


def test_names_are_not_guessed(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("Stoke", "Stock", "fix", "Interpol", "", "exact"))
    reader = Reader(stock=100.0)
    corrector = Corrector(glossary, cast(Rewriter, reader))
    assert corrector("It was the letter of Stoke to them.").changed  # "stoke" is a word
    glossary = make_glossary(("Oman", "Amman", "hint", "Jordan", "", "exact"))
    assert not repaired(glossary, "They went to Oman in the end.", amman=100.0).changed


def test_a_name_that_both_wordings_have_is_no_name_to_guess(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("Qurna ore", "Qurna crude", "only-near", "barrel*"))
    assert repaired(glossary, "The price of Qurna ore fell to 40 dollars a barrel.", crude=1.0).changed
    assert not repaired(glossary, "The price of Qurna ore fell.", crude=100.0).changed


def test_capitals_are_a_difference(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("hit", "Hit", "hint", "Anbar", "", "exact"))
    reader = _Favouring("of Hit")
    assert Corrector(glossary, cast(Rewriter, reader))("It was the mayor of hit.").text == "It was the mayor of Hit."


def test_who_is_meant_is_not_guessed_either(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("For his part", "For its part", "fix", "ministry"))
    assert not repaired(glossary, "For his part, it was over.", its=100.0).changed
    assert repaired(glossary, "For his part, the ministry said so.").changed


def test_only_sentences_with_a_doubt_are_read(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("string*", "lead*", "fix", "police", "violin"))
    reader = Reader(lead=1.0, leads=1.0)
    text = f"{SENTENCE} It is over and out. The violin has new strings in it. The police have strings. It is a string. It was a string. It is the string."
    Corrector(glossary, cast(Rewriter, reader))(text)
    assert len(reader.read) == 4
    assert all(len(texts) == 2 for texts in reader.read)


def test_the_same_sentence_is_weighed_once(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("string*", "lead*", "fix", "police"))
    reader = Reader(leads=MARGIN + 1)
    result = Corrector(glossary, cast(Rewriter, reader))(f"{SENTENCE} It is over and out. {SENTENCE} {SENTENCE}")
    assert result.text.count("The leads of it were new to them.") == 3
    assert len(reader.read) == 1


class _Noisy(Reader):
    """What it finds hangs on what else is asked, by a hundredth a question."""

    def likelihoods(self, groups: Sequence[Sequence[str]], batch_size: int = 16) -> list[list[float]] | None:
        found = super().likelihoods(groups, batch_size) or []
        return [[value + 0.01 * (len(groups) - 1) * number for number, value in enumerate(values)] for values in found]


@pytest.mark.parametrize(("gain", "is_repaired"), [(MARGIN - 0.005, False), (MARGIN + 0.005, True)])
def test_no_close_decision_hangs_on_what_else_is_asked(
    make_glossary: GlossaryMaker, gain: float, is_repaired: bool
) -> None:
    glossary = make_glossary(("string*", "lead*|thread*", "fix", "police"))
    for other in ("", " The strings of all the others were old."):
        corrector = Corrector(glossary, cast(Rewriter, _Noisy(leads=gain, threads=gain - 0.005)))
        assert corrector(f"{SENTENCE}{other}").text.startswith("The leads" if is_repaired else "The strings")


def test_what_the_model_cannot_read_stays(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("string*", "lead*", "fix", "police"))
    for text in ("The strings " + "of it " * 40, "STRINGS OF IT", "| strings | of the |"):
        assert not repaired(glossary, text, leads=100.0).changed


def test_a_checkpoint_from_elsewhere_decides_nothing(
    make_glossary: GlossaryMaker, tiny_rewriters: dict[str, Rewriter]
) -> None:
    glossary = make_glossary(("string*", "lead*", "fix", "police"))
    corrector = Corrector(glossary, tiny_rewriters["bart"], Settings(margin=1e9))
    (segment,) = corrector(SENTENCE).segments
    assert (segment.text, segment.terms) == (SENTENCE, ())


def test_a_decision_does_not_hang_on_the_batch(make_glossary: GlossaryMaker, tiny_rewriter: Rewriter) -> None:
    glossary = make_glossary(
        ("bridge", "harbor", "fix", "x"), ("boats", "wells", "hint", "12"), ("vote", "price", "fix", "x")
    )
    texts = [
        "The governor said that the bridge will open in May.",
        "12 boats left the harbor.",
        "The vote was postponed, again.",
    ] * 3
    settings = [Settings(batch_size=size, margin=1e9) for size in (1, 16)]
    together, apart = (Corrector(glossary, tiny_rewriter, one).correct_many(texts) for one in settings)
    assert together == apart == [Corrector(glossary, tiny_rewriter, settings[0])(text) for text in texts]


# --- the bundled model -----------------------------------------------------------------------------------------------


def right_ones(cases: Sequence[dict[str, Any]], results: Sequence[Result]) -> list[str]:
    """The names of the cases that come out right: a true sense byte for byte, a false one with its reading in it."""
    return [
        case["name"]
        for case, result in zip(cases, results, strict=True)
        if (
            result.text == case["text"]
            if case["true_sense"]
            else any(right in result.text.lower() for right in case["right"].lower().split("|"))
            and case["wrong"].lower() not in result.text.lower()
        )
    ]


@pytest.mark.parametrize("name", ["ambiguous", "ambiguous_blind", "ambiguous_dev"])
def test_half_of_the_cases_are_true_and_half_are_not(name: str) -> None:
    cases = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    assert sum(case["true_sense"] for case in cases) * 2 == len(cases)
    assert len({case["name"] for case in cases}) == len(cases)
    assert all(case["wrong"].lower() in case["text"].lower() for case in cases)


def test_the_cases_for_choosing_and_for_reporting_have_no_word_in_common() -> None:
    chosen_on, reported = (
        {case["wrong"].lower() for case in json.loads((CASES / f"{name}.json").read_text("utf-8"))}
        for name in ("ambiguous_dev", "ambiguous")
    )
    assert not chosen_on & reported


@pytest.mark.model
# Measured: 50 and 45, 50 and 21.
@pytest.mark.parametrize(("name", "kept", "mended"), [("ambiguous", 48, 41), ("ambiguous_blind", 48, 19)])
def test_the_bundled_model_tells_true_senses_from_false_ones(name: str, kept: int, mended: int) -> None:
    if not [*BUNDLED.glob("*.gguf"), *BUNDLED.glob("*.safetensors")]:
        pytest.skip("no weights in this source tree")
    cases = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    # Senses are told before and after the model writes; what it writes at a second attempt only takes time here.
    corrector = Corrector.from_pretrained(device="cpu", settings=Settings(second_chance=0))
    results = corrector.correct_many([case["text"] for case in cases])
    true = [
        case["wrong"].lower() in result.text.lower()
        for case, result in zip(cases, results, strict=True)
        if case["true_sense"]
    ]
    right = set(right_ones(cases, results))
    repaired = [case["name"] in right for case in cases if not case["true_sense"]]
    assert sum(true) >= kept
    assert sum(repaired) >= mended


def test_a_word_left_in_letters_has_to_be_read_far_better_than_it_was() -> None:
    text = "The pupils came Bhafilat to school."
    for gain, expected in (
        (ambiguity.LEFTOVER_MARGIN + 1, "The pupils came in buses to school."),
        (ambiguity.LEFTOVER_MARGIN - 1, text),
    ):
        result = Corrector(Glossary(), cast(Rewriter, Reader(buses=gain)), Settings(margin=0.0))(text)
        assert result.text == expected


def test_no_particle_is_said_twice() -> None:
    text = "They went by Bhafilat to school."
    reader = Reader(buses=20.0)
    Corrector(Glossary(), cast(Rewriter, reader), Settings(margin=0.0))(text)
    asked = [sentence for question in reader.read for sentence in question]
    assert "They went by buses to school." in asked
    assert not any("by by" in sentence for sentence in asked)
