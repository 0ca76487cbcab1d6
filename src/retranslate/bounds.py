"""What a sentence says about a number beside the number: that it is at least so much, up to so much, by or to so much."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retranslate.lexicon import NUMBER, in_figures

_A_NUMBER = rf"(?:the |an? |some |about |around )?(?:{NUMBER}|hundreds?|thousands?|millions?|dozens?)\b"
_PHRASES = {
    "at least": r"at (?:the )?(?:very )?least|no (?:less|fewer) than|a minimum of|upwards? of",
    "up to": r"up to|at (?:the )?most|no more than|a maximum of",
}
# In garbled text the phrase stands in pieces, or another way: "not less the killed from 20", "exceeded 20", "to 20 dead".
_ALIKE = {
    "at least": r"least|less|lesser|fewer|minimum|upwards?|more|over|above|exceed\w*|surpass\w*|only",
    "up to": rf"up|most|more|maximum|limit\w*|exceed\w*|reach\w*|amount\w*|arriv\w*|until|till|even|ceiling|to {_A_NUMBER}",
}
_SAID = {name: re.compile(rf"\b(?:{phrase}) {_A_NUMBER}", re.IGNORECASE) for name, phrase in _PHRASES.items()}
_GIVEN = {name: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for name, words in _ALIKE.items()}
_MEASURE = re.compile(
    rf"\b(by|to) (?:about |around |nearly |some )?((?:{NUMBER})(?:[.,]\d+)*) ?(?:%|percent\b|per cent\b)", re.IGNORECASE
)


def changed_bounds(before: str, after: str) -> list[str]:
    """What is said of a number and was not, and the other way round; by and to so many percent that took each other's place.

    >>> changed_bounds("It killed 30.", "It killed at least 30."), changed_bounds("It fell by 5 %.", "It fell to 5 percent.")
    (["invented 'at least'"], ["'by' 5 percent became 'to'"])
    """
    return [*_new(before, after), *_lost(before, after), *_moved(before, after)]


def _new(before: str, after: str) -> Iterator[str]:
    for name, phrase in _SAID.items():
        if phrase.search(after) and not _GIVEN[name].search(before):
            yield f"invented {name!r}"


def _lost(before: str, after: str) -> Iterator[str]:
    if _SAID["at least"].search(before) and not _GIVEN["at least"].search(after):
        yield "lost 'at least'"


def _moved(before: str, after: str) -> Iterator[str]:
    ours, theirs = set(_measures(before)), set(_measures(after))
    for word, number in sorted(theirs - ours):
        other = "to" if word == "by" else "by"
        if (other, number) in ours - theirs:
            yield f"{other!r} {number} percent became {word!r}"


def _measures(text: str) -> Iterator[tuple[str, str]]:
    for match in _MEASURE.finditer(text):
        yield match[1].lower(), in_figures(match[2])
