"""Hints and repairs after the model: obeyed, declined or lost, undone or not, in whatever inflection and place."""

from __future__ import annotations

import pytest

from conftest import GlossaryMaker
from retranslate import terms
from retranslate.drafts import Fix, drafted
from retranslate.glossary import Glossary, Match
from retranslate.text import Segment


def draft_of(glossary: Glossary, sentence: str) -> list[Match]:
    """The hints that the glossary gives for a sentence."""
    return drafted(Segment(0, len(sentence), "sentence", sentence), glossary).hints


HINTS = (
    ("parents", "residents", "hint"),
    ("Stoke that", "Stock that", "hint"),
    ("hit", "Hit", "hint", "", "", "exact"),
    ("element*", "member*|fighter*", "hint"),
    ("in a statement for", "in a statement to", "hint"),
    ("Kma", "Also", "hint"),
)
CASES = [
    ("The parents of it fled.", "The residents of it fled.", "obeyed"),
    ("The parents of it fled.", "Residents of it fled.", "obeyed"),
    ("The parents of it fled.", "The parents of the town fled.", "declined"),
    ("Of it fled the parents.", "Parents of it fled.", "declined"),
    ("The parents of it fled.", "The people of it fled.", "lost"),
    ("He pointed Stoke that it is.", "Stock pointed out that it is.", "obeyed"),
    ("He pointed Stoke that it is.", "He pointed out that it is.", "lost"),
    ("The mayor of hit said so.", "The mayor of Hit said so.", "obeyed"),
    ("The mayor of hit said so.", "He is the mayor of hit.", "declined"),
    ("An element of it fled.", "A fighter of it fled.", "obeyed"),
    ("An element of it fled.", "One of its fighters fled.", "obeyed"),
    ("An element of it fled.", "Some of it fled.", "lost"),
    ("He said in a statement for it.", "He said in a statement to it.", "obeyed"),
    ("He said in a statement for it.", "In a statement, he said it.", "lost"),
    ("Kma came the minister.", "The minister came.", "lost"),
]


@pytest.mark.parametrize(("before", "after", "expected"), CASES)
def test_what_became_of_a_hint(make_glossary: GlossaryMaker, before: str, after: str, expected: str) -> None:
    (hint,) = draft_of(make_glossary(*HINTS), before)
    assert terms.outcome(hint, before, after) == expected


def test_a_reading_that_stood_there_before_is_no_obedience(make_glossary: GlossaryMaker) -> None:
    (hint,) = draft_of(make_glossary(*HINTS), "The parents and the residents fled.")
    assert terms.outcome(hint, "The parents and the residents fled.", "The residents fled.") == "lost"


def test_the_guards_get_no_licence_for_a_hint_that_got_lost(make_glossary: GlossaryMaker) -> None:
    before = "The parents of an element fled."
    hints = draft_of(make_glossary(*HINTS), before)
    licence = terms.licence(hints, before, "The residents of some fled.")
    assert [wrong for wrong, _ in licence.pairs] == [{"parents"}]
    licence = terms.licence(hints, before, "The residents of a member fled.")
    assert len(licence.pairs) == 2


@pytest.mark.parametrize(
    ("after", "undone"),
    [
        ("The leads were found by him.", False),
        ("A lead was found.", False),
        ("The clues were found.", False),
        ("The strings were found.", True),
        ("They were found.", True),
        ("The strings and the leads were found.", True),
    ],
    ids=["moved", "another number", "another reading", "the wrong wording is back", "vanished", "both"],
)
def test_whether_a_repair_is_undone(make_glossary: GlossaryMaker, after: str, undone: bool) -> None:
    (match,) = make_glossary(("string*", "lead*|clue*", "fix")).match("The strings were found.")
    fix = Fix(match, "leads", "glossary", "a test")
    assert terms.undone(fix, "The leads were found.", after) == undone


def test_a_repair_may_change_its_part_of_speech(make_glossary: GlossaryMaker) -> None:
    (match,) = make_glossary(("edit", "liberation", "fix")).match("They are here for the edit of the town.")
    fix = Fix(match, "liberation", "glossary", "a test")
    before = "They are here for the liberation of the town."
    assert not terms.undone(fix, before, "They are here to liberate the town.")
    assert terms.undone(fix, before, "They are here for the loss of the town.")


def test_a_repair_of_the_capitals_alone_is_watched_too(make_glossary: GlossaryMaker) -> None:
    (match,) = make_glossary(("hit", "Hit", "fix", "", "", "exact")).match("The mayor of hit said so.")
    fix = Fix(match, "Hit", "glossary", "a test")
    assert not terms.undone(fix, "The mayor of Hit said so.", "So said the mayor of Hit.")
    assert terms.undone(fix, "The mayor of Hit said so.", "The mayor of hit said so.")
