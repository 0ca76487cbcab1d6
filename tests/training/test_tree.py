"""Trees: a sentence comes back to the letter, and branches move with all their words."""

from __future__ import annotations

import pytest
from parsing import SENTENCES, parse, tree

from retranslate.training.tree import from_doc, spell, word


@pytest.mark.parametrize(
    "sentence",
    [
        *SENTENCES,
        "They don't know the mayor's e-mail (it's new), he said.",
        "It cost $40 - or £30 - in Jan. 2015, i.e. less than ever!",
        "“We will stay,” said Karim al-Lami’s deputy.",
        'She asked: "Who is it?"',
    ],
)
def test_a_tree_spells_its_sentence_to_the_letter(sentence: str) -> None:
    root = from_doc(parse(sentence))
    assert root is None or spell(root) == sentence


@pytest.mark.parametrize(
    "sentence", ["The road  is open.", "The road is open,, he said.", ", said the mayor on Monday."]
)
def test_a_sentence_that_cannot_be_spelt_again_has_no_tree(sentence: str) -> None:
    root = from_doc(parse(sentence))
    assert root is None or spell(root) == sentence


def test_several_sentences_have_no_tree() -> None:
    assert from_doc(parse("The road is open. The port is closed.")) is None


def test_most_sentences_have_a_tree() -> None:
    assert sum(from_doc(parse(sentence)) is not None for sentence in SENTENCES) >= len(SENTENCES) - 1


def test_a_moved_branch_takes_its_words_along() -> None:
    root = tree("The old mayor of Basra resigned.")
    (subject,) = root.children("nsubj")
    assert subject.size() == 5
    root.insert_right(0, subject)
    assert spell(root) == "resigned The old mayor of Basra."
    assert subject.parent is root
    assert root.left == []


def test_a_detached_branch_is_gone() -> None:
    root = tree("The old mayor of Basra resigned.")
    branch = root.children("nsubj")[0].detach()
    assert branch.parent is None
    assert spell(root) == "resigned."


def test_a_dropped_word_leaves_its_dependents() -> None:
    root = tree("The old mayor of Basra resigned.")
    (preposition,) = root.children("nsubj")[0].children("prep")
    preposition.kept = False
    assert spell(root) == "The old mayor Basra resigned."


def test_a_new_word_is_spaced_like_any_other() -> None:
    root = tree("The mayor resigned.")
    root.insert_left(0, word("And"))
    assert spell(root) == "And The mayor resigned."


def test_commas_that_meet_become_one() -> None:
    root = tree("On Monday, the mayor resigned.")
    root.insert_left(0, word(","))
    assert ",," not in spell(root).replace(" ", "")
    assert not spell(root).startswith(",")


def test_names_and_nationalities_keep_their_capital() -> None:
    words = {node.word: node for node in tree("Iraqi officials met Nadia Haddad on 5 March.").walk()}
    assert words["Iraqi"].keeps_capital()
    assert words["Haddad"].in_name()
    assert words["5"].in_name()
    assert not words["officials"].keeps_capital()
