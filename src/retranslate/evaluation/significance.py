"""Is a difference real? Paired bootstrap resampling (Koehn 2004) and approximate randomisation (Riezler and Maxwell 2005).

Both follow sacrebleu's ``PairedTest`` with the same seed, the same draws and the same p-values. The difference is one of
speed: samples are drawn as weights, and the statistics of all samples are one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from retranslate.evaluation.statistics import Rows

SEED = 12345
SAMPLES = 1000
TRIALS = 10_000
SIGNIFICANT = 0.05
# Draws made at once, which bounds the memory.
BLOCK = 4_000_000

Scores = npt.NDArray[np.float64]
Score = Callable[[Rows], Scores]
"""Takes sums of statistics, a row each, and gives their scores."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float

    @property
    def half(self) -> float:
        """Half its width: what sacrebleu prints after the ±."""
        return (self.high - self.low) / 2


def bootstrap_sums(tables: Sequence[Rows], samples: int = SAMPLES, seed: int = SEED) -> list[Rows]:
    """For each system's table of segments by columns: the sums of ``samples`` resampled sets, samples by columns.

    All systems are resampled alike.
    """
    count = len(tables[0])
    random = np.random.default_rng(seed)
    sums = [np.empty((samples, table.shape[1])) for table in tables]
    for block in _blocks(samples, count):
        drawn = random.choice(count, size=(block.stop - block.start, count), replace=True)
        weights = np.stack([np.bincount(row, minlength=count) for row in drawn]).astype(np.float64)
        for table, summed in zip(tables, sums, strict=True):
            summed[block] = weights @ table
    return sums


def _blocks(total: int, segments: int) -> Iterator[slice]:
    """``total`` samples of ``segments`` in blocks. A multiple of 32 samples keeps sacrebleu's stream of random bits."""
    size = max(1, BLOCK // segments // 32) * 32
    return (slice(start, min(start + size, total)) for start in range(0, total, size))


def interval(scores: Scores) -> Interval:
    """The 95 % interval of resampled scores, as sacrebleu cuts it: a fortieth from each end."""
    ordered = np.sort(scores)
    cut = len(ordered) // 40
    return Interval(float(ordered[cut]), float(ordered[len(ordered) - cut - 1]))


def bootstrap_p(base: Scores, scores: Scores, difference: float) -> float:
    """The two-sided p-value of the ``difference`` of two systems, from their scores on the same resampled sets."""
    differences = np.abs(scores - base)
    return _p_value(differences - differences.mean(), abs(difference))


def randomisation_p(
    base: Rows, table: Rows, measures: dict[str, Score], trials: int = TRIALS, seed: int = SEED
) -> dict[str, float]:
    """The two-sided p-values, by measure, of the difference of two systems given as segments by columns.

    In each trial every segment's two outputs change places with probability one half.
    """
    random = np.random.default_rng(seed)
    exchanged = base - table
    both, ours = base.sum(0) + table.sum(0), table.sum(0)
    pseudo = np.empty((trials, table.shape[1]))
    for block in _blocks(trials, len(table)):
        chosen = random.integers(2, size=(block.stop - block.start, len(table)), dtype=bool)
        pseudo[block] = ours + chosen.astype(np.float64) @ exchanged
    return {
        name: _p_value(np.abs(score(pseudo) - score(both - pseudo)), float(abs(score(base.sum(0)) - score(ours))))
        for name, score in measures.items()
    }


def _p_value(differences: Scores, real: float) -> float:
    # One is added so that the null hypothesis is never rejected too often, however few the trials.
    return (int((differences > real).sum()) + 1) / (len(differences) + 1)


def share_interval(hits: float, total: float) -> Interval:
    """Wilson's 95 % interval of a share: unlike resampling it does not take "none of 40" for "never"."""
    z = 1.959964
    share = hits / total
    spread = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    centre, scale = share + z * z / (2 * total), 1 + z * z / total
    return Interval(max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale))
