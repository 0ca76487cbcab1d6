"""Beam search, whoever computes: the likeliest answers of a given width, as the ``generate`` of transformers finds them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from retranslate.rewriter import CLOSE_CALL

Logits = np.ndarray[Any, np.dtype[np.float32]]
"""Of shape (answers, vocabulary): by how much each token may follow."""


def log_total(row: Logits) -> float:
    """The logarithm of the sum of the exponentials."""
    most = row.max()
    return float(most) + float(np.log(np.exp(row - most).sum(dtype=np.float64)))


@dataclass(frozen=True)
class _Beam:
    """The beginning of an answer, and its log-probability."""

    ids: tuple[int, ...]
    total: float

    @property
    def mean(self) -> float:
        return self.total / max(1, len(self.ids))


@dataclass(frozen=True)
class Found:
    """The likeliest answers to a prompt, each with its mean log-probability a token.

    ``is_close`` says whether another set of them, or another order, was so near that the noise of a pass may decide.
    """

    answers: list[tuple[list[int], float]]
    is_close: bool


def beams(
    first: Logits,
    advance: Callable[[Sequence[int], Sequence[int]], Logits],
    count: int,
    limits: Sequence[int],
    end: int,
) -> list[Found]:
    """For each of some prompts the ``count`` likeliest answers that a beam search of that width finds.

    ``first`` says what an answer to each may begin with, (prompts, vocabulary), and ``limits`` how many tokens it may have;
    ``advance`` what follows beginnings of which each is one of the present ones, by its number, with one token more. The search
    for a prompt is over as soon as so many answers have come to their end.
    """
    searches = [_search(count, limit, end) for limit in limits]
    found: dict[int, Found] = {}
    held = {number: (number, row[np.newaxis]) for number, row in enumerate(first)}
    for search in searches:
        next(search)
    while held:
        parents: list[int] = []
        tokens: list[int] = []
        places = {}
        for number, (place, logits) in held.items():
            try:
                branches = searches[number].send(logits)
            except StopIteration as done:
                found[number] = done.value
                continue
            places[number] = range(len(parents), len(parents) + len(branches))
            parents += [place + parent for parent, _ in branches]
            tokens += [token for _, token in branches]
        if not places:
            break
        rows = advance(parents, tokens)
        held = {number: (place.start, rows[place.start : place.stop]) for number, place in places.items()}
    return [found[number] for number in range(len(searches))]


def _search(count: int, limit: int, end: int) -> Generator[list[tuple[int, int]], Logits, Found]:
    """The search for one prompt: is sent what follows its beginnings, and yields those to go on with, each by the number of the one
    that it continues, and its new token.
    """
    running, ended = [_Beam((), 0.0)], list[_Beam]()
    is_close = False
    logits = yield []
    for step in range(limit):
        nexts = _continued(running, logits, 2 * count + 1)
        going = [(parent, beam) for parent, beam in nexts if beam.ids[-1] != end]
        is_close = is_close or _is_close(nexts, going, count, end)
        ended += [beam for _, beam in nexts[:count] if beam.ids[-1] == end]
        going = going[:count]
        running = [beam for _, beam in going]
        if len(ended) >= count or step == limit - 1:
            break
        logits = yield [(parent, beam.ids[-1]) for parent, beam in going]
    best = sorted(ended if len(ended) >= count else [*ended, *running], key=lambda beam: -beam.mean)
    is_close = is_close or any(
        (one.mean - other.mean) * len(one.ids) < CLOSE_CALL for one, other in pairwise(best[: count + 1])
    )
    return Found([(list(beam.ids), beam.mean) for beam in best[:count]], is_close)


def _is_close(nexts: Sequence[tuple[int, _Beam]], going: Sequence[tuple[int, _Beam]], count: int, end: int) -> bool:
    """Whether those that end among the first ``count``, or the first ``count`` that go on, may be other ones."""
    bounds = [going[count - 1 : count + 1]]
    if any(beam.ids[-1] == end for _, beam in nexts[count - 1 : count + 1]):
        bounds.append(nexts[count - 1 : count + 1])
    return any(one.total - other.total < CLOSE_CALL for bound in bounds for (_, one), (_, other) in pairwise(bound))


def _continued(running: Sequence[_Beam], logits: Logits, most: int) -> list[tuple[int, _Beam]]:
    """The likeliest continuations by one token, each with the number of the beam that it continues."""
    totals = np.stack(
        [beam.total + row.astype(np.float64) - log_total(row) for beam, row in zip(running, logits, strict=True)]
    )
    vocabulary = totals.shape[1]
    found = np.argpartition(-totals.ravel(), min(most, totals.size - 1))[:most]
    found = found[np.argsort(-totals.ravel()[found], kind="stable")]
    return [
        (
            int(place) // vocabulary,
            _Beam((*running[int(place) // vocabulary].ids, int(place) % vocabulary), float(totals.ravel()[place])),
        )
        for place in found
    ]
