"""Judges a rewrite edit by edit: what stands together is accepted or refused together.

The edits that turn a sentence into its rewrite are grouped (a block that vanishes here and appears there is a move; the
marks of a quotation belong together), and group after group is applied unless the guards complain of the sentence with
it. What stands at the end has therefore passed them as a whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from retranslate import guards
from retranslate.edits import Edit, apply, word_edits
from retranslate.guards import Terms

_QUOTES = frozenset('"“”')
_STRAIGHT = str.maketrans("“”‘’", "\"\"''")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0f\ufeff]")


@dataclass(frozen=True)
class Refusal:
    """A group of edits that was refused, and the complaints by guard."""

    edits: tuple[Edit, ...]
    complaints: dict[str, list[str]]


@dataclass(frozen=True)
class Verdict:
    """``text`` is as much of the rewrite as the guards let pass: all of it, some of it, or the sentence as it was."""

    text: str
    refusals: tuple[Refusal, ...] = ()

    @property
    def refused_by(self) -> tuple[str, ...]:
        """The names of the guards that refused something, in the order of the guards."""
        found = {name for refusal in self.refusals for name in refusal.complaints}
        return tuple(name for name in guards.GUARDS if name in found)


def judge(before: str, after: str, terms: Terms, names: Sequence[str]) -> Verdict:
    """How much of the rewrite ``after`` may replace ``before``, by the guards called ``names``."""
    after = as_typed(before, after)
    if not guards.judge(before, after, terms, names):
        return Verdict(after)
    groups = group(before, after)
    accepted: list[Edit] = []
    refusals = []
    for edits in groups:
        complaints = guards.judge(before, apply(before, [*accepted, *edits]), terms, names)
        if complaints:
            refusals.append(Refusal(tuple(edits), complaints))
        else:
            accepted += edits
    return Verdict(apply(before, accepted), tuple(refusals))


def as_typed(before: str, after: str) -> str:
    """``after`` without the edits that only spell the same characters another way.

    A tokenizer turns a no-break space into a space, a ligature into its letters, a curly mark into a straight one: no
    repair, and not the author's wish.

    >>> as_typed("It is 12\\u00a0km long.", "It was 12 km long.")
    'It was 12\\xa0km long.'
    """
    edits = word_edits(before, after, "model", "rewritten by the model")
    return apply(before, [edit for edit in edits if _plain(edit.original) != _plain(edit.replacement)])


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).translate(_STRAIGHT)
    return re.sub(r"\s+", " ", folded)


def group(before: str, after: str) -> list[list[Edit]]:
    """The edits from ``before`` to ``after`` in groups that make sense only together, in the order of the text."""
    edits = word_edits(before, after, "model", "rewritten by the model")
    parent = list(range(len(edits)))

    def root(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    deleted = [Counter(guards.words(edit.original)) for edit in edits]
    inserted = [Counter(guards.words(edit.replacement)) for edit in edits]
    for one in range(len(edits)):
        for other in range(len(edits)):
            if one != other and (
                _moves(deleted[one], inserted[one], deleted[other], inserted[other])
                or _share_quotes(edits[one], edits[other])
            ):
                parent[root(other)] = root(one)
    groups: dict[int, list[Edit]] = {}
    for index, edit in enumerate(edits):
        groups.setdefault(root(index), []).append(edit)
    return sorted(groups.values(), key=lambda edits: edits[0].start)


def _moves(deleted: Counter[str], kept: Counter[str], other_deleted: Counter[str], inserted: Counter[str]) -> bool:
    """Whether a word that matters goes away in one edit and comes back in another."""
    moved = (deleted - kept) & (inserted - other_deleted)
    return any(_matters(word) for word in moved) or sum(moved.values()) >= 2


def _matters(word: str) -> bool:
    return word not in guards.FUNCTION_WORDS or word in guards.NEGATORS or guards.is_reporting(word)


def _share_quotes(one: Edit, other: Edit) -> bool:
    return all(_QUOTES & (set(edit.original) | set(edit.replacement)) for edit in (one, other))
