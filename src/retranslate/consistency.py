"""One text, one wording: what is repaired in one sentence of a document is repaired that way throughout it.

A word has one sense in a text nearly always (Gale, Church and Yarowsky 1992, "One Sense Per Discourse"), and a person one
name. Where a name is doubtful it is left alone.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from rapidfuzz.distance import Levenshtein

from retranslate import morphology
from retranslate.drafts import Draft
from retranslate.edits import Edit
from retranslate.glossary import Match
from retranslate.lexicon import POSSESSIVE
from retranslate.text import untouchables

# --- terms -----------------------------------------------------------------------------------------------------------


def precedents(document: Sequence[Draft]) -> Callable[[Match], bool]:
    """Whether the document speaks for a match: its row is applied in it elsewhere, or it has the right name in it.

    A reading that is no name is no evidence ("article" may well stand beside a true "material"), and a name is none
    against another name (Oman beside Amman).
    """
    applied = {fix.match.row for draft in document for fix in draft.fixes}
    text = "\n".join(draft.segment.text for draft in document)

    def has_precedent(match: Match) -> bool:
        if match.row in applied:
            return True
        names = [reading for reading in match.row.right if is_name(reading)]
        return not is_name(match.found) and any(_stands_in(name, text) for name in names)

    return has_precedent


def is_name(wording: str) -> bool:
    """Whether there is a capitalised word in ``wording`` that is no English word."""
    return any(word[:1].isupper() and not _is_ordinary(word) for word in re.findall(r"[\w’']+", wording))


def _is_ordinary(word: str) -> bool:
    return word.lower() in SMALL_WORDS or bool(morphology.parts_of_speech(word))


def _stands_in(reading: str, text: str) -> bool:
    return reading in text and re.search(rf"(?<!\w){re.escape(reading)}(?!\w)", text) is not None


# --- names -----------------------------------------------------------------------------------------------------------

SMALL_WORDS = frozenset(
    """the a an and but or nor so if as at by for from in into of on to with he she it they we you i his her its their our this that
    these those who whom whose which what when where how why""".split()
)
_NAME = r"(?:[aAeE]l-)?[A-Z][^\W\d_]*(?:[’'-][^\W\d_]+)*"
_WORD = re.compile(rf"(?<![\w-]){_NAME}(?![\w-])")
_NEXT = re.compile(rf"\.?\s({_NAME})(?![\w-])")
_TITLES = frozenset(
    """President Minister Premier Governor General Colonel Major Captain Lieutenant Brigadier Sheikh Dr Mr Mrs Ms Gen Col Judge Speaker
    Ambassador Secretary King Prince Mayor MP Deputy Imam Ayatollah Sayyid Envoy Pope Professor""".split()
)
# The first half of many a name: two names that share it may have nothing else in common.
_PARTICLES = frozenset(
    "Abu Umm Om Bin Ibn Ben Abd Abdul Abdel Tal Tel Ain Ein Deir Bab Beit Bayt Kafr Ras Wadi Jabal Bani Banu Port Fort Saint San Santa New Los Las".split()
)
_SAYING = re.compile(
    r"(?:['’]s)?,? (?:said|told|added|pointed|noted|stressed|explained|confirmed|announced|denied|warned|stated)\b"
)
# What transliteration writes now this way, now that; vowels most of all.
_SOUNDS = str.maketrans("cqzv", "kksf", "aeiouywh'’-")


def misspelt(texts: Sequence[str]) -> dict[str, str]:
    """Surnames of a document that stand in it in a better spelling too, and that spelling.

    Certain is: after the same first name or title there are two names that sound alike ("Jurgen Stoke", "Jurgen Stock"),
    never both in one sentence; the one occurs more often than the other, and the other has no other first name.
    """
    after: dict[str, set[str]] = defaultdict(set)
    before: dict[str, set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for text in texts:
        for match in _WORD.finditer(text):
            counts[_bare(match.group())] += 1
            if following := _NEXT.match(text, match.end()):
                first, last = match.group(), _bare(following.group(1))
                after[first].add(last)
                before[last].add(first)
    found: dict[str, set[str]] = defaultdict(set)
    for first, names in after.items():
        for pair in combinations(sorted(names), 2):
            wrong, right = sorted(pair, key=lambda name: (counts[name], name))
            strangers = {other for other in before[wrong] - {first} - _TITLES if not _is_ordinary(other)}
            if _sound_alike(wrong, right) and not strangers and _outnumbers(first, counts[right], counts[wrong], pair):
                found[wrong].add(right)
    certain = {wrong: min(rights) for wrong, rights in found.items() if len(rights) == 1 and not rights & found.keys()}
    return {wrong: right for wrong, right in certain.items() if not any(_both_in(wrong, right, text) for text in texts)}


def _bare(name: str) -> str:
    return POSSESSIVE.sub("", name)


def _sound_alike(one: str, other: str) -> bool:
    if min(len(one), len(other)) < 5:
        return False
    sounds = [re.sub(r"(.)\1+", r"\1", name.lower().translate(_SOUNDS)) for name in (one, other)]
    return sounds[0] == sounds[1] and 0 < Levenshtein.distance(one.lower(), other.lower()) <= 2


def _outnumbers(first: str, right: int, wrong: int, names: Sequence[str]) -> bool:
    """Whether what stands before two names, and how often each of them occurs, says that one of them is wrong."""
    ordinary = any(map(_is_ordinary, names))
    if first in _PARTICLES or first.lower() in SMALL_WORDS:
        return False
    if first in _TITLES:
        # A title is shared by many.
        return not ordinary and right > 2 * wrong
    # "Security Council" and "Security Counsel" are two things.
    return right > wrong and not (ordinary and _is_ordinary(first))


def _both_in(one: str, other: str, text: str) -> bool:
    words = {_bare(match.group()) for match in _WORD.finditer(text)}
    return one in words and other in words


def restore_names(document: Sequence[Draft]) -> None:
    """Gives the names of a document that :func:`misspelt` finds the spelling that they have in the rest of it."""
    drafts = [draft for draft in document if draft.segment.kind != "blank"]
    spelling = misspelt([draft.text for draft in drafts])
    if not spelling:
        return
    for draft in drafts:
        draft.edit("consistency", list(_respelt(draft, spelling)))


def _respelt(draft: Draft, spelling: dict[str, str]) -> Iterator[Edit]:
    protected = [(span.start, span.end) for span in untouchables(draft.text)]
    kept = {word for term in draft.kept for word in term.split()}
    for match in _WORD.finditer(draft.text):
        name = _bare(match.group())
        if (
            name not in spelling
            or name in kept
            or any(start < match.end() and match.start() < end for start, end in protected)
        ):
            continue
        end = match.start() + len(name)
        # A word that opens a sentence has its capital from there.
        if match.start() == 0 and _is_ordinary(name) and not _SAYING.match(draft.text, end):
            continue
        right = spelling[name]
        yield Edit(match.start(), end, name, right, "consistency", f"{name} is {right} elsewhere in the text")
