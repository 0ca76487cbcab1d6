"""The glossary of known mistranslations: match.

Matching is one Aho-Corasick pass over the sentence, so its cost grows with the text and not with the number of rows.
:mod:`retranslate.glossary_file` reads the files, :mod:`retranslate.glossary_check` finds what is questionable in them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import ahocorasick_rs

from retranslate import morphology
from retranslate.errors import InputError
from retranslate.glossary_file import COLUMNS, Row, Surface, bundled_paths, expand, read_rows, realise
from retranslate.text import valid

__all__ = [
    "COLUMNS",
    "Glossary",
    "Match",
    "Row",
    "bundled_paths",
    "expand",
    "fold",
    "read_rows",
    "realise",
]

_WORD = re.compile(r"\w+(?:['-]\w+)*")
_PLAIN = str.maketrans(
    {"\u00a0": " ", "\u202f": " ", "\t": " ", "\u2019": "'", "\u2018": "'", "\u02bc": "'"}
    | {"\u201c": '"', "\u201d": '"', "\u2010": "-", "\u2011": "-"}
)


@dataclass(frozen=True, slots=True)
class Match:
    """A row found in a sentence.

    ``start`` and ``end`` are character offsets into the sentence; ``alternatives`` are the row's right readings in the
    inflection, case and with the article that the text calls for, the likeliest first (empty for a flag-only row).
    """

    start: int
    end: int
    found: str
    alternatives: tuple[str, ...]
    row: Row

    @property
    def replacement(self) -> str | None:
        """The likeliest reading, or None when the row only flags."""
        return self.alternatives[0] if self.alternatives else None


def fold(text: str) -> str:
    """``text`` in lower case with plain quotes, spaces and hyphens; same length, so offsets stay valid."""
    if text.isascii():
        return text.lower().replace("\t", " ")
    # The dotted capital I is the only letter whose lower case is longer; lone surrogates cannot be searched for.
    return valid(text).translate(_PLAIN).replace("\u0130", "i").lower()


# --- Matching ------------------------------------------------------------------------------------------------------


class _Pattern(NamedTuple):
    """A surface form of a row's ``wrong``; ``level`` is 0 for the user's own rows and 1 for the bundled ones."""

    row: Row
    level: int
    surface: Surface


class _Found(NamedTuple):
    level: int
    start: int
    end: int
    pattern: _Pattern


@dataclass(frozen=True)
class Glossary:
    """Rows in the order in which they are tried; ``user`` says how many of them, from the front, are the user's own.

    The user's rows win over the bundled ones wherever the two overlap; within each, the leftmost and then the longest
    match wins, and of rows for the same words the first whose conditions hold. The pickle of a glossary that was loaded
    names its files, that of any other holds its rows.
    """

    rows: tuple[Row, ...] = ()
    user: int = 0
    _files: tuple[tuple[str, ...], bool] | None = field(default=None, repr=False, compare=False)
    """The user's files, and whether the bundled ones come after them."""
    _cache: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, paths: Iterable[str | Path] = (), *, bundled: bool = True) -> Glossary:
        """The user's files at ``paths``, before the bundled ones unless ``bundled`` is false. Raises InputError."""
        files = [Path(path) for path in paths]
        own = [row for path in files for row in read_rows(path)]
        rest = [row for path in bundled_paths() for row in read_rows(path)] if bundled else []
        return cls((*own, *rest), len(own), (tuple(str(path.resolve()) for path in files), bundled))

    def __reduce__(self) -> tuple[Any, ...]:
        if self._files is None:
            return Glossary, (self.rows, self.user)
        return _loaded_again, (*self._files, self.signature)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def signature(self) -> str:
        """Eight hex digits that change when any row does; file names do not count."""
        digest = hashlib.sha256()
        for row in self.rows:
            fields = (row.wrong, row.right, row.mode, row.near, row.not_near, row.case)
            digest.update(repr(fields).encode("utf-8"))
        return digest.hexdigest()[:8]

    @cached_property
    def _index(self) -> tuple[ahocorasick_rs.AhoCorasick, list[list[_Pattern]]]:
        forms: dict[str, list[_Pattern]] = {}
        for position, row in enumerate(self.rows):
            level = 0 if position < self.user else 1
            for variant in row.wrong:
                for surface in expand(variant):
                    patterns = forms.setdefault(fold(surface.text), [])
                    # What comes after a row that always holds is never reached.
                    if not patterns or not _always_holds(patterns[-1].row):
                        patterns.append(_Pattern(row, level, surface))
        return ahocorasick_rs.AhoCorasick(list(forms), store_patterns=False), list(forms.values())

    def match(self, sentence: str) -> list[Match]:
        """The rows that apply to ``sentence``, in order, not overlapping, their conditions checked."""
        found = self._found(sentence)
        # Most sentences hold no term, and their words need not be told apart.
        return self._certain(sentence, found, _words(sentence)) if found else []

    def certain_and_uncertain(self, sentence: str) -> tuple[list[Match], list[Match]]:
        """What :meth:`match` gives, and the rows that may apply: their words stand there, but none of their ``near`` words.

        The uncertain ones are in order and overlap neither each other nor the certain ones. A row that must not apply,
        because one of its ``not_near`` words stands there, is not among them.
        """
        found = self._found(sentence)
        if not found:
            return [], []
        words = _words(sentence)
        certain = self._certain(sentence, found, words)
        doubtful = [
            item
            for item in found
            if item.pattern.row.mode in ("fix", "hint")
            and item.pattern.row.right
            and item.pattern.row.near
            and not self._any_of(item.pattern.row.near, words)
            and not self._any_of(item.pattern.row.not_near, words)
            and not any(item.start < match.end and match.start < item.end for match in certain)
        ]
        return certain, _as_matches(sentence, doubtful, certain)

    def _certain(self, sentence: str, found: Sequence[_Found], words: str) -> list[Match]:
        return _as_matches(sentence, [item for item in found if self._holds(item.pattern.row, words)], ())

    def _found(self, sentence: str) -> list[_Found]:
        """Every place where words of a row stand in ``sentence``, its conditions not asked yet."""
        folded = fold(sentence)
        automaton, patterns = self._index
        return [
            _Found(pattern.level, start, end, pattern)
            for index, start, end in automaton.find_matches_as_indexes(folded, overlapping=True)
            if _on_word_boundaries(folded, start, end)
            for pattern in patterns[index]
            if _in_its_case(sentence[start:end], pattern)
        ]

    def _holds(self, row: Row, words: str) -> bool:
        return (not row.near or self._any_of(row.near, words)) and not self._any_of(row.not_near, words)

    def _any_of(self, options: Sequence[str], words: str) -> bool:
        return any(f" {form} " in words for option in options for form in self._forms(option))

    def _forms(self, option: str) -> tuple[str, ...]:
        if option not in self._cache:
            self._cache[option] = tuple({" ".join(_WORD.findall(fold(surface.text))) for surface in expand(option)})
        return self._cache[option]

    def forbidden(self, sentence: str) -> list[Match]:
        """The ``forbid`` rows whose words stand in ``sentence``."""
        return [match for match in self.match(sentence) if match.row.mode == "forbid"]


def _loaded_again(files: tuple[str, ...], bundled: bool, signature: str) -> Glossary:
    """What a pickle stands for."""
    glossary = Glossary.load(files, bundled=bundled)
    if glossary.signature != signature:
        shown = ", ".join((*files, *["the bundled glossaries"] * bundled))
        raise InputError(f"{shown}: changed since the glossary was pickled; load it again instead of its pickle.")
    return glossary


def _always_holds(row: Row) -> bool:
    return row.case == "keep" and not row.near and not row.not_near


def _words(sentence: str) -> str:
    """The words of ``sentence``, folded, each between spaces."""
    return f" {' '.join(_WORD.findall(fold(sentence)))} "


def _in_its_case(found: str, pattern: _Pattern) -> bool:
    return pattern.row.case == "keep" or found.translate(_PLAIN) == pattern.surface.text.translate(_PLAIN)


def _on_word_boundaries(text: str, start: int, end: int) -> bool:
    before = start == 0 or not (text[start - 1].isalnum() and text[start].isalnum())
    after = end == len(text) or not (text[end].isalnum() and text[end - 1].isalnum())
    return before and after


def _leftmost_longest(found: list[_Found]) -> list[_Found]:
    """The user's matches, then the bundled ones that do not overlap them; in order of the text."""
    # Stable sort: rows for the same words keep the order of the files.
    found.sort(key=lambda item: (item.level, item.start, -item.end))
    chosen: list[_Found] = []
    for level in (0, 1):
        taken = list(chosen)
        free_from, cursor = 0, 0
        for item in found:
            if item.level != level or item.start < free_from:
                continue
            while cursor < len(taken) and taken[cursor].end <= item.start:
                cursor += 1
            if cursor == len(taken) or taken[cursor].start >= item.end:
                chosen.append(item)
                free_from = item.end
    return sorted(chosen, key=lambda item: item.start)


def _as_matches(sentence: str, found: list[_Found], others: Sequence[Match]) -> list[Match]:
    """The best of ``found`` as matches; none reaches for an article that belongs to one of the ``others``."""
    matches: list[Match] = []
    for item in _leftmost_longest(found):
        ends = [match.end for match in (*others, *matches[-1:]) if match.end <= item.start]
        matches.append(_as_match(sentence, max(ends, default=0), item))
    return matches


_ARTICLE_BEFORE = re.compile(r"\b(a|an|the)\s$", re.IGNORECASE)
_OWN_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)


def _as_match(sentence: str, free_from: int, item: _Found) -> Match:
    """The match with its readings fitted into the sentence; it may take in an article before it, from ``free_from`` on."""
    row, start, end = item.pattern.row, item.start, item.end
    found = sentence[start:end]
    tags = _agreeing(sentence[max(0, start - 20) : start], item.pattern.surface.tags)
    options = [realise(right, tags) for right in row.right]
    if row.case == "keep":
        options = [_in_case_of(found, option) for option in options]
    article = _ARTICLE_BEFORE.search(sentence[max(free_from, start - 5) : start])
    if article and options:
        start, options = _with_article(article.group(1), start, options)
    return Match(start, end, sentence[start:end], tuple(options), row)


_COUNT_BEFORE = re.compile(
    r"(?<![\w.,])(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|several|many|few|both"
    r"|[2-9]|(?!(?:19|20)\d\d\s)[1-9]\d+|\d{1,3}(?:,\d{3})+)\s$",
    re.IGNORECASE,
)
_BE_BEFORE = re.compile(r"\b(?:be|been|being|is|are|was|were)(?: not)?\s$", re.IGNORECASE)


def _agreeing(before: str, tags: tuple[str, ...]) -> tuple[str, ...]:
    """``tags`` with the one in front that English wants after ``before``: Arabic counts singulars, and loses participles.

    "two stabbing" becomes "two appeals", "will not be drain" becomes "will not be paid".
    """
    if "NN" in tags and _COUNT_BEFORE.search(before):
        return ("NNS", *tags)
    if {"VB", "VBP"} & set(tags) and _BE_BEFORE.search(before):
        return ("VBN", *tags)
    return tags


def _in_case_of(found: str, option: str) -> str:
    letters = [character for character in found if character.isalpha()]
    if len(letters) > 1 and all(character.isupper() for character in letters):
        return option.upper()
    if found.lstrip("\"'([")[:1].isupper():
        return option[:1].upper() + option[1:]
    return option


def _with_article(article: str, start: int, options: list[str]) -> tuple[int, list[str]]:
    """Takes the article before a match into it, where the replacement calls for another one."""
    bare = [_OWN_ARTICLE.sub("", option) for option in options]
    has_own = [option != without for option, without in zip(options, bare, strict=True)]
    definite = article.lower() == "the"
    if not any(has_own) and (
        definite or all(morphology.indefinite_article(option) == article.lower() for option in bare)
    ):
        return start, options
    chosen = []
    for option, without, own in zip(options, bare, has_own, strict=True):
        new = option if own else f"{'the' if definite else morphology.indefinite_article(without)} {without}"
        chosen.append(new[:1].upper() + new[1:] if article[:1].isupper() else new)
    return start - len(article) - 1, chosen
