"""The gate for continuous integration: figures that must not be under or over a bound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from retranslate.errors import InputError
from retranslate.evaluation.figures import FIGURES
from retranslate.evaluation.scoring import Scores


@dataclass(frozen=True)
class Threshold:
    """A bound for a figure: the gate fails when the figure is on the wrong ``side`` of it."""

    figure: str
    side: Literal["under", "over"]
    bound: float

    @classmethod
    def parse(cls, text: str, side: Literal["under", "over"]) -> Threshold:
        """From ``chrf=60``. Points run from 0 to 100, shares from 0 to 1. Raises InputError for any other form."""
        name, separator, bound = text.partition("=")
        key = name.strip().lower()
        if not separator or key not in FIGURES:
            raise InputError(f"--fail-{side} {text}: give FIGURE=BOUND; the figures are {', '.join(FIGURES)}.")
        try:
            return cls(key, side, float(bound))
        except ValueError as error:
            raise InputError(f"--fail-{side} {text}: {bound!r} is not a number.") from error

    def fails(self, value: float) -> bool:
        """Whether ``value`` is on the wrong side; not a number is on either."""
        return not (value >= self.bound if self.side == "under" else value <= self.bound)


def failures(all_scores: Iterable[Scores], thresholds: Sequence[Threshold], system: str | None = None) -> list[str]:
    """A line for every figure that fails, of ``system`` or else of each set's headline system.

    Raises InputError where a set has no such figure: a gate that measures nothing must not pass.
    """
    lines = []
    for scores in all_scores:
        judged = scores.headline if system is None else scores.system(system)
        for threshold in thresholds:
            value = judged.figures[threshold.figure]
            if value is None:
                raise InputError(
                    f"{scores.set_name}: has no figure {threshold.figure!r}, so that no gate can be put on it."
                )
            if threshold.fails(value):
                lines.append(
                    f"{scores.set_name}: {judged.name}: {threshold.figure} {value:.4g} is {threshold.side} {threshold.bound:g}"
                )
    return lines
