"""Literal senses: the glossary read backwards. Codes LX, TR, NM and BR."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import ahocorasick_rs

from retranslate import morphology
from retranslate.glossary import Glossary, fold
from retranslate.glossary_file import Row, expand, realise

Hint = tuple[str, str]
"""What the sentence says, and what it should say; several readings are separated by " | "."""

MOST_SENSES = 3
_EVERYWHERE = frozenset({"said", "say", "says", "told"})
"""Words of nearly every news sentence: at their full rate one odd reading of them would drown all others."""
_INDEFINITE = re.compile(r"\b(an?) $", re.IGNORECASE)


class Sense(NamedTuple):
    """A row one of whose readings stands in the text, and the Penn tags of its starred word there."""

    row: Row
    tags: tuple[str, ...]


@dataclass(frozen=True)
class ReversedGlossary:
    """The right readings of a glossary, ready to be found in clean text. Made once by :meth:`of`."""

    _automaton: ahocorasick_rs.AhoCorasick
    _senses: tuple[tuple[Sense, ...], ...]

    @classmethod
    def of(cls, glossary: Glossary) -> ReversedGlossary:
        """The ``fix`` and ``hint`` rows of ``glossary``, by their right readings."""
        forms: dict[str, list[Sense]] = {}
        for row in glossary.rows:
            if row.mode in ("fix", "hint"):
                for right in row.right:
                    for surface in expand(right):
                        if len(surface.text) > 2:
                            forms.setdefault(fold(surface.text), []).append(Sense(row, surface.tags))
        return cls(ahocorasick_rs.AhoCorasick(list(forms)), tuple(map(tuple, forms.values())))

    def find(self, text: str) -> list[tuple[int, int, tuple[Sense, ...]]]:
        """Start, end and senses of every reading in ``text`` as whole words, leftmost and then longest first."""
        folded = fold(text)
        hits = self._automaton.find_matches_as_indexes(folded, overlapping=True)
        spans = sorted((start, -end, index) for index, start, end in hits if _whole_word(folded, start, end))
        return [(start, -negative_end, self._senses[index]) for start, negative_end, index in spans]


def _whole_word(text: str, start: int, end: int) -> bool:
    return (start == 0 or not text[start - 1].isalnum()) and (end == len(text) or not text[end].isalnum())


def literal_senses(text: str, reversed_glossary: ReversedGlossary, rng: random.Random) -> tuple[str, list[Hint]]:
    """At most MOST_SENSES terms of ``text`` as the machine would have put them, and the hints that undo them."""
    hints: list[Hint] = []
    pieces, cursor = [], 0
    for start, end, senses in reversed_glossary.find(text):
        spared = 0.85 if text[start:end].lower() in _EVERYWHERE else 0.15
        if start < cursor or len(hints) == MOST_SENSES or rng.random() < spared:
            continue
        sense = rng.choice(senses)
        literal = realise(rng.choice(sense.row.wrong), sense.tags)
        original = text[start:end]
        if literal.lower() == original.lower():
            continue
        if start == 0 and sense.row.case == "keep":
            literal = literal[:1].upper() + literal[1:]
        readings = [realise(right, sense.tags) for right in sense.row.right]
        readings = readings if original in readings else [original, *readings[1:]]
        article = _INDEFINITE.search(text[cursor:start])
        if article and morphology.indefinite_article(literal) != article.group(1).lower():
            # As the glossary does it: an article that must change is part of the term.
            start -= len(article.group())
            literal = f"{_like(article.group(1), morphology.indefinite_article(literal))} {literal}"
            readings = [
                f"{_like(article.group(1), morphology.indefinite_article(reading))} {reading}" for reading in readings
            ]
        pieces.append(text[cursor:start] + literal)
        hints.append((literal, " | ".join(readings)))
        cursor = end
    return "".join((*pieces, text[cursor:])), hints


def _like(model: str, article: str) -> str:
    return article.capitalize() if model[:1].isupper() else article


def invent_hint(
    text: str, rng: random.Random, nouns: Sequence[tuple[str, str]], hints: Sequence[Hint] = ()
) -> tuple[str, Hint] | None:
    """Replaces one plain noun of ``text`` by an unrelated one out of ``nouns`` (singular, plural), and hints at it.

    Teaches a model to follow a term line that it has never seen, which is what a user's own glossary is. Words of the
    ``hints`` that the text has already are left alone.
    """
    taken = {word for wrong, _ in hints for word in wrong.lower().split()}
    words = list(re.finditer(r"(?<=[ ])[a-z]{4,}(?=[ .,])", text))
    rng.shuffle(words)
    for match in words[:8]:
        number = morphology.plain_noun(match.group())
        if number is None or match.group() in taken:
            continue
        literal = rng.choice(nouns)[number == "NNS"]
        return text[: match.start()] + literal + text[match.end() :], (literal, match.group())
    return None
