"""A repair in the making, whoever computes: what its sentence says next is tried as a draft, as far as the model agrees it stands.

Most of a repair is a copy. So what the sentence says next is put to the model as a draft, and one pass tells how far it
agrees; where it wrote another token, the draft goes on behind the place in the sentence that ends like the text written
so far (Ge et al. 2022, "Lossless Acceleration for Seq2seq Generation with Aggressive Decoding").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

_LONGEST_DRAFT = 24
_CARE = 12
"""A draft is at least one in so many tokens of the longest one allowed, also after a difference: where a pass has room, trying costs little."""
_TRACE = 4
"""So many tokens, at the most, tell where in its sentence a text is."""


@dataclass(frozen=True, slots=True)
class Task:
    """A sentence to write: the ``prompt`` that the model reads, the ``source`` to draft from, the most tokens it may have."""

    prompt: Sequence[int]
    source: Sequence[int]
    limit: int


@dataclass(slots=True)
class Answer:
    """The token ids of an answer and their log-probabilities."""

    ids: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


Scores = list[list[list[float]]]
"""By prompts and their answers, the log-probability of every token of an answer."""


@dataclass(frozen=True, slots=True)
class Step:
    """The likeliest ``token`` at some place of an answer, its log-probability, and its ``lead`` over the next likely one, in logits."""

    token: int
    score: float
    lead: float = inf


@dataclass(slots=True)
class Writing:
    """An answer in the making: what is written, where in the source that is, and how long a draft is worth trying (``trust``)."""

    number: int
    task: Task
    trust: int
    answer: Answer = field(default_factory=Answer)
    place: int = 0

    def draft(self, longest: int) -> Sequence[int]:
        """What the source says next, at most ``longest`` tokens and no longer than the answer may become."""
        room = self.task.limit - len(self.answer.ids) - 1
        wanted = max(self.trust, longest // _CARE)
        return self.task.source[self.place : self.place + max(0, min(wanted, longest, room))]

    def extend(self, draft: Sequence[int], steps: Iterable[Step], end: int) -> int:
        """Writes what the model chose, up to where it left the draft or came to its end; returns how much of the draft that is."""
        agreed = 0
        for step in steps:
            self.answer.ids.append(step.token)
            self.answer.scores.append(step.score)
            if step.token == end or agreed == len(draft) or step.token != draft[agreed]:
                break
            agreed += 1
        # A source that was right is followed further, one that was wrong is followed with care.
        self.trust = min(_LONGEST_DRAFT, max(2, 2 * self.trust)) if agreed == len(draft) else 1
        self.place = place_in(self.task.source, self.answer.ids, self.place + agreed + 1)
        return agreed

    def is_done(self, end: int) -> bool:
        return self.answer.ids[-1] == end or len(self.answer.ids) >= self.task.limit


def place_in(source: Sequence[int], written: Sequence[int], expected: int) -> int:
    """Behind which token of ``source`` a text that is ``written`` so far goes on.

    Where the source has the last few tokens of the text, as many of them as possible; of several such places the one
    nearest to the ``expected`` one; the expected one if there is none.

    >>> place_in([1, 2, 3, 4, 5], [1, 9, 3], 3), place_in([1, 2, 3, 4, 5], [1, 9, 4], 3), place_in([1, 2, 3], [7], 1)
    (3, 4, 1)
    """
    last = written[-1]
    best, trace = expected, 0
    for place in range(1, len(source) + 1):
        if source[place - 1] != last:
            continue
        length = 1
        while (
            length < min(_TRACE, place, len(written))
            and source[place - 1 - length] == written[len(written) - 1 - length]
        ):
            length += 1
        if length > trace or (length == trace and abs(place - expected) < abs(best - expected)):
            best, trace = place, length
    return best
