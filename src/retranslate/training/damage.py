"""Damages fluent English the way phrase-based translation from Arabic did.

Every type is a small function, named by its code in the error typology: V1-V3 verb first, MV no main verb, WO word order
(:mod:`.clauses`); ID construct state (:mod:`.nouns`); MW missing words, PR prepositions, AG agreement, AR articles, XW
extra words, TN tense (:mod:`.wording`); LX/TR/NM/BR literal senses and mangled names (:mod:`.senses`); QT quotation marks, GL spaces
(:mod:`.marks`). Damage never touches a name, a number or a date in a way that English alone, or a hint, could not undo.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, fields

from retranslate.training import clauses, nouns, wording
from retranslate.training.marks import curl_quotes, misplace_quotes, misplace_spaces
from retranslate.training.senses import Hint, ReversedGlossary, literal_senses
from retranslate.training.tree import Node, spell

LONG_SENTENCE = 22
"""Words; a longer sentence has room for a second accident of the same kind."""
HIGHEST_RATE = 0.95


@dataclass(frozen=True)
class Rates:
    """How often a type is tried where it is possible, from 0 to 1, at severity 1.

    The defaults give about the typology's rates on news text: a type that is possible in few sentences has a high rate.
    """

    V1: float = 0.85
    V2: float = 0.30
    MV: float = 0.25
    V3: float = 0.30
    WO: float = 0.85
    ID: float = 0.36
    MW: float = 0.32
    PR: float = 0.22
    QT: float = 0.70
    AG: float = 0.26
    XW: float = 0.35
    AR: float = 0.20
    TN: float = 0.16
    LX: float = 0.95
    GL: float = 0.05


@dataclass(frozen=True)
class Damaged:
    """A garbled sentence with its target; ``hints`` are what a glossary would offer, ``types`` the codes of the damage."""

    text: str
    target: str
    hints: tuple[Hint, ...] = ()
    types: tuple[str, ...] = ()


TreeDamage = Callable[[Node, random.Random], bool]

_REPEATABLE = frozenset({"WO", "ID", "MW", "PR"})
TREE_DAMAGE: dict[str, tuple[TreeDamage, ...]] = {
    "V2": (clauses.lost_reporting_verb, clauses.garbled_frame),
    "MV": (clauses.lost_main_verb,),
    "V1": (clauses.verb_first_attribution,),
    "XW": (
        clauses.double_attribution,
        wording.resumptive_pronoun,
        wording.doubled_subject,
        wording.spelt_out_date,
        wording.manner_phrase,
    ),
    "V3": (clauses.verb_first,),
    "WO": (
        clauses.adverbial_before_object,
        clauses.adverbial_first,
        clauses.relative_clause_the_arabic_way,
        clauses.adverb_astray,
    ),
    "ID": (
        nouns.title_with_article,
        nouns.compound_to_of,
        nouns.modifiers_after_noun,
        nouns.possessive_to_of,
        nouns.verbal_noun,
        nouns.dropped_of,
    ),
    "MW": (wording.dropped_relative, wording.dropped_copula, wording.dropped_function_word, clauses.dropped_subject),
    "PR": (wording.wrong_preposition, wording.wrong_preposition),
    "AG": (wording.singular_after_number, wording.verb_disagrees, wording.wrong_gender, wording.wrong_relative),
    "AR": (wording.surplus_article, wording.article_everywhere, wording.lost_article),
    "TN": (wording.false_passive,),
}
"""The damage done on the tree, by code, in the order in which it is tried."""
_TEXT_DAMAGE: dict[str, Callable[[str, random.Random], str]] = {"QT": misplace_quotes, "GL": misplace_spaces}


def damage(
    root: Node, senses: ReversedGlossary, rng: random.Random, rates: Rates = Rates(), severity: float = 1.0
) -> Damaged:
    """The sentence under ``root`` (which is used up), garbled; ``severity`` multiplies the rates.

    The target is the sentence as it was, but for the shape of its quotation marks: straight ones become curly where the
    garbled text has curly ones. The same tree, glossary and state of ``rng`` give the same text.
    """
    target = spell(root)
    types = _damage_tree(root, rng, rates, severity)
    text = spell(root)
    hints: list[Hint] = []
    if rng.random() < _rate(rates.LX, severity):
        text, hints = literal_senses(text, senses, rng)
        types.extend(["LX"] * bool(hints))
    for code, change in _TEXT_DAMAGE.items():
        if rng.random() < _rate(getattr(rates, code), severity):
            before, text = text, change(text, rng)
            types.extend([code] * (text != before))
    if "”" in text and '"' in target:
        target = curl_quotes(target)
    return Damaged(text, target, tuple(hints), tuple(dict.fromkeys(types)))


def _rate(rate: float, severity: float) -> float:
    return min(HIGHEST_RATE, rate * severity)


def _damage_tree(root: Node, rng: random.Random, rates: Rates, severity: float) -> list[str]:
    """Does what the rates call for and returns the codes of what was done."""
    length = root.size()
    first = next(root.walk())
    types = []
    for code, attempts in TREE_DAMAGE.items():
        rate = _rate(getattr(rates, code), severity) / len(attempts) ** 0.5
        rounds = 2 if length > LONG_SENTENCE and code in _REPEATABLE else 1
        for attempt in attempts * rounds:
            if rng.random() < rate and attempt(root, rng):
                types.append(code)
    _recapitalise(root, first, rng)
    return types


def _recapitalise(root: Node, first: Node, rng: random.Random) -> None:
    """Moves the capital letter to the word that opens the sentence now; one time in ten it is forgotten."""
    nodes = [node for node in root.walk() if node.word[:1].isalnum()]
    if not nodes or nodes[0] is first:
        return
    if not first.keeps_capital() and not first.word.isupper():
        first.word = first.word[:1].lower() + first.word[1:]
    if rng.random() < 0.9:
        nodes[0].word = nodes[0].word[:1].upper() + nodes[0].word[1:]


def type_codes() -> tuple[str, ...]:
    """The codes that :class:`Rates` has a rate for."""
    return tuple(item.name for item in fields(Rates))
