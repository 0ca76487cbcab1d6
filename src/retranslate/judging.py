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
from dataclasses import dataclass, field
from itertools import combinations

from retranslate import guards, morphology
from retranslate.counterparts import are_counterparts, carries_meaning
from retranslate.edits import Edit, apply, word_edits
from retranslate.guards import Terms

_STRAIGHT = str.maketrans("“”‘’", "\"\"''")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0f\ufeff]")
_INDEFINITE = re.compile(r"\b(?P<article>[Aa]n?) (?P<next>[^\W\d_][\w-]+)")
_QUOTE = re.compile('["“”]')

PARTIAL = "partial"
"""The name under which a group is refused that would say a word more often than the sentence and its rewrite do."""


@dataclass(frozen=True)
class Refusal:
    """A group of edits that was refused, and the complaints by guard."""

    edits: tuple[Edit, ...]
    complaints: dict[str, list[str]]


@dataclass(frozen=True)
class Verdict:
    """``text`` is as much of the rewrite as the guards let pass: all of it, some of it, or the sentence as it was.

    ``rewrite`` is the whole rewrite, typed as the sentence was, and ``complaints`` what the guards say of it as a whole:
    nothing when it stands. Some of a rewrite may read worse than either of its ends; that is for the model to say.
    """

    text: str
    refusals: tuple[Refusal, ...] = ()
    rewrite: str = ""
    complaints: dict[str, list[str]] = field(default_factory=dict)

    @property
    def refused_by(self) -> tuple[str, ...]:
        """The names of the guards that refused something, in the order of the guards."""
        found = {name for refusal in self.refusals for name in refusal.complaints}
        return tuple(name for name in (*guards.GUARDS, PARTIAL) if name in found)


def judge(before: str, after: str, terms: Terms, names: Sequence[str]) -> Verdict:
    """How much of the rewrite ``after`` may replace ``before``, by the guards called ``names``."""
    rewrite = as_typed(before, with_articles(before, after))
    complaints = guards.judge(before, rewrite, terms, names)
    if not complaints:
        return Verdict(rewrite, rewrite=rewrite)
    accepted: list[Edit] = []
    refused = [Refusal(tuple(edits), {}) for edits in group(before, rewrite)]
    progress = True
    while progress and refused:
        # What was refused for want of something may pass once that has been accepted.
        progress = False
        for refusal in list(refused):
            text = apply(before, [*accepted, *refusal.edits])
            found = guards.judge(before, text, terms, names) or _overfull(before, rewrite, text)
            refused.remove(refusal)
            if found:
                refused.append(Refusal(refusal.edits, found))
            else:
                accepted += refusal.edits
                progress = True
    refused.sort(key=lambda refusal: refusal.edits[0].start)
    return Verdict(apply(before, accepted), tuple(refused), rewrite, complaints)


def _overfull(before: str, rewrite: str, text: str) -> dict[str, list[str]]:
    """The complaint about half a move: a word that came without going, said more often than at either end."""
    ours, theirs = Counter(guards.words(before)), Counter(guards.words(rewrite))
    over = [word for word, count in Counter(guards.words(text)).items() if count > max(ours[word], theirs[word])]
    return {PARTIAL: [f"says {word!r} once too often" for word in over]} if over else {}


def with_articles(before: str, after: str) -> str:
    """``after`` with "a" and "an" as the next word wants them, but for those that ``before`` has.

    >>> with_articles("in official letter", "in a official letter")
    'in an official letter'
    """
    ours = {match.group().lower() for match in _INDEFINITE.finditer(before)}
    return _INDEFINITE.sub(lambda match: match.group() if match.group().lower() in ours else _article(match), after)


def _article(match: re.Match[str]) -> str:
    right = morphology.indefinite_article(match["next"])
    return match.group() if match["article"].lower() == right else f"{match['article'][0]}{right[1:]} {match['next']}"


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


# --- Groups ----------------------------------------------------------------------------------------------------------


def group(before: str, after: str) -> list[list[Edit]]:
    """The edits from ``before`` to ``after`` in groups that make sense only together, in the order of the text."""
    edits = word_edits(before, after, "model", "rewritten by the model")
    deleted = [Counter(guards.words(edit.original)) for edit in edits]
    inserted = [Counter(guards.words(edit.replacement)) for edit in edits]
    lost = [ours - theirs for ours, theirs in zip(deleted, inserted, strict=True)]
    gained = [theirs - ours for ours, theirs in zip(deleted, inserted, strict=True)]
    marks = _marks(before, after, edits)
    parent = list(range(len(edits)))

    def root(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    for one, other in combinations(range(len(edits)), 2):
        if (
            _moves(lost[one], gained[other])
            or _moves(lost[other], gained[one])
            or not marks[one].isdisjoint(marks[other])
            or _change_a_relative(edits[one], edits[other], before)
        ):
            parent[root(other)] = root(one)
    groups: dict[int, list[Edit]] = {}
    for index, edit in enumerate(edits):
        groups.setdefault(root(index), []).append(edit)
    return sorted(groups.values(), key=lambda edits: edits[0].start)


def _moves(lost: Counter[str], gained: Counter[str]) -> bool:
    """Whether a word that matters goes away in one edit and comes back, or a counterpart of it, in the other.

    Of verbs of saying any is a counterpart of any: "told" here and "said" there would say it twice.
    """
    moved = lost & gained
    if any(_matters(word) for word in moved) or sum(moved.values()) >= 2:
        return True
    if any(map(guards.is_reporting, lost)) and any(map(guards.is_reporting, gained)):
        return True
    theirs = [word for word in gained if carries_meaning(word)]
    return any(are_counterparts(word, other) for word in lost if carries_meaning(word) for other in theirs)


def _matters(word: str) -> bool:
    return word not in guards.FUNCTION_WORDS or word in guards.NEGATORS or guards.is_reporting(word)


def _marks(before: str, after: str, edits: Sequence[Edit]) -> list[frozenset[int]]:
    """For each edit the quotations of which it takes or makes a mark; all are one where the marks do not pair up."""
    ours, theirs = ([match.start() for match in _QUOTE.finditer(text)] for text in (before, after))
    size = 2 if len(ours) == len(theirs) and len(ours) % 2 == 0 else len(ours) + len(theirs) + 1
    found = []
    growth = 0
    for edit in edits:
        start, end = edit.start + growth, edit.start + growth + len(edit.replacement)
        taken = {number // size for number, mark in enumerate(ours) if edit.start <= mark < edit.end}
        made = {number // size for number, mark in enumerate(theirs) if start <= mark < end}
        found.append(frozenset(taken | made))
        growth += len(edit.replacement) - len(edit.original)
    return found


_RELATIVES = frozenset({"which", "that", "who", "whom", "whose", "where"})
_RESUMPTIVE = frozenset({"it", "him", "them", "her", "its", "their", "his"})
_REACH = 40


def _change_a_relative(one: Edit, other: Edit, before: str) -> bool:
    """Whether one edit touches a relative pronoun and the other, close behind, the "it" that repeats it."""
    first, second = sorted((one, other), key=lambda edit: edit.start)
    if second.start - first.end > _REACH or re.search("[.;:]", before[first.end : second.start]):
        return False
    relative = _RELATIVES & _changed(first)
    return bool(relative and _RESUMPTIVE & _changed(second))


def _changed(edit: Edit) -> set[str]:
    return set(guards.words(edit.original)) ^ set(guards.words(edit.replacement))
