"""Beam search, whoever computes: the likeliest answers of a given width, as the ``generate`` of transformers finds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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


def beams(
    first: Logits, advance: Callable[[Sequence[int], Sequence[int]], Logits], count: int, limit: int, end: int
) -> list[tuple[list[int], float]]:
    """The ``count`` likeliest answers that a beam search of that width finds, each with its mean log-probability a token.

    ``first`` says what an answer may begin with, (1, vocabulary); ``advance`` what follows beginnings of which each is one
    of the present ones, by its number, with one token more. The search is over as soon as so many answers have come to their end.
    """
    running, ended = [_Beam((), 0.0)], list[_Beam]()
    logits = first
    for step in range(limit):
        nexts = _continued(running, logits, 2 * count)
        ended += [beam for _, beam in nexts[:count] if beam.ids[-1] == end]
        going = [(parent, beam) for parent, beam in nexts if beam.ids[-1] != end][:count]
        running = [beam for _, beam in going]
        if len(ended) >= count or step == limit - 1:
            break
        logits = advance([parent for parent, _ in going], [beam.ids[-1] for beam in running])
    best = sorted(ended if len(ended) >= count else [*ended, *running], key=lambda beam: -beam.mean)
    return [(list(beam.ids), beam.mean) for beam in best[:count]]


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
