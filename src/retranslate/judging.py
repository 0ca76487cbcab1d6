"""Judges a rewrite edit by edit: what stands together is accepted or refused together.

The edits that turn a sentence into its rewrite are grouped (a block that vanishes here and appears there is a move; the
marks of a quotation belong together), each group is put to the guards alone, and those they let pass are applied. The
outcome is put to the guards once more as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from retranslate import guards
from retranslate.edits import Edit, apply, word_edits
from retranslate.guards import Terms

_QUOTES = frozenset("\"“”")


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
    whole = guards.judge(before, after, terms, names)
    if not whole:
        return Verdict(after)
    groups = group(before, after)
    if len(groups) == 1:
        return Verdict(before, (Refusal(tuple(groups[0]), whole),))
    accepted: list[Edit] = []
    refusals = []
    for edits in groups:
        complaints = guards.judge(before, apply(before, edits), terms, names)
        if complaints:
            refusals.append(Refusal(tuple(edits), complaints))
        else:
            accepted += edits
    text = apply(before, accepted)
    remaining = guards.judge(before, text, terms, names) if accepted else {}
    if remaining:
        return Verdict(before, (Refusal(tuple(accepted), remaining), *refusals))
    # Harmless alone, harmful together: nothing is certain then.
    return Verdict(text, tuple(refusals)) if refusals else Verdict(before, (Refusal(tuple(accepted), whole),))


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
            if one != other and (_moves(deleted[one], inserted[one], deleted[other], inserted[other]) or _share_quotes(edits[one], edits[other])):
                parent[root(other)] = root(one)
    groups: dict[int, list[Edit]] = {}
    for index, edit in enumerate(edits):
        groups.setdefault(root(index), []).append(edit)
    return sorted(groups.values(), key=lambda edits: edits[0].start)


def _moves(deleted: Counter[str], kept: Counter[str], other_deleted: Counter[str], inserted: Counter[str]) -> bool:
    """Whether a word that matters goes away in one edit and comes back in another."""
    moved = (deleted - kept) & (inserted - other_deleted)
    return any(word not in guards.FUNCTION_WORDS or word in guards.NEGATORS for word in moved) or sum(moved.values()) >= 2


def _share_quotes(one: Edit, other: Edit) -> bool:
    return all(_QUOTES & (set(edit.original) | set(edit.replacement)) for edit in (one, other))
