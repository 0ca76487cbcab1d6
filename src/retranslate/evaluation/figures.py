"""The figures of an evaluation: each a function of summed statistics, with its unit and the direction that is better.

A figure is computed for one row of sums or for a thousand resampled ones alike; what has no value is not a number. The
metrics' scores that are shown come from sacrebleu's classes; their formulas stand here a second time, for whole columns
of samples, because sacrebleu takes one row at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from retranslate.evaluation.statistics import COLUMNS, FACTS, METRICS, Rows, metrics

Values = npt.NDArray[np.float64]

Unit = Literal["points", "share", "ratio", "count"]
"""``points`` run from 0 to 100 (TER may exceed it), ``share`` from 0 to 1."""


@dataclass(frozen=True)
class Figure:
    """A figure: ``of`` takes a system's summed statistics and those of doing nothing, rows of sums or a single one.

    ``better`` is 1 where more is better, -1 where less is, 0 where it depends.
    """

    key: str
    label: str
    unit: Unit
    better: Literal[1, -1, 0]
    of: Callable[[Rows, Rows], Values]
    explained: str

    def shown(self, value: float | None) -> str:
        """``value`` as it stands in a table; a share in per cent."""
        if value is None:
            return "–"
        if self.unit == "share":
            return f"{100 * value:.1f}"
        return f"{value:.0f}" if self.unit == "count" else f"{value:.2f}" if self.unit == "ratio" else f"{value:.1f}"


def _column(sums: Rows, name: str) -> Values:
    column: Values = sums[..., COLUMNS[name].start]
    return column


def _divided(part: Values, whole: Values) -> Values:
    """``part / whole``, not a number where there is no whole."""
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole != 0)


def _ratio(part: str, whole: str) -> Callable[[Rows, Rows], Values]:
    return lambda sums, _: _divided(_column(sums, part), _column(sums, whole))


def _total(column: str) -> Callable[[Rows, Rows], Values]:
    return lambda sums, _: _column(sums, column)


def _f_half(sums: Rows, _: Rows) -> Values:
    proposed, wanted = _column(sums, "edits_proposed"), _column(sums, "edits_wanted")
    return _divided(1.25 * _column(sums, "edits_matched"), proposed + 0.25 * wanted)


def _gain_per_edit(sums: Rows, base: Rows) -> Values:
    return _divided(_column(base, "ter") - _column(sums, "ter"), _column(sums, "edits_proposed"))


def bleu(sums: Rows) -> Values:
    """Corpus BLEU (Papineni et al. 2002) of each row, smoothed as sacrebleu does it by default (``exp``)."""
    counts = sums[..., COLUMNS["bleu"]]
    length, reference_length, correct, total = counts[..., 0], counts[..., 1], counts[..., 2:6], counts[..., 6:10]
    halvings = 2.0 ** np.cumsum(correct == 0, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(correct == 0, 1 / (halvings * total), correct / total)
        score = 100 * np.exp(np.minimum(0, 1 - reference_length / length) + np.log(precision).mean(-1))
    return np.where((correct > 0).any(-1) & (total > 0).all(-1), score, 0.0)


def chrf(sums: Rows, name: str = "chrf") -> Values:
    """Corpus chrF (Popović 2015), or chrF++ (Popović 2017) for ``chrf++``, of each row."""
    counts = sums[..., COLUMNS[name]]
    ours, theirs, matched = counts[..., 0::3], counts[..., 1::3], counts[..., 2::3]
    present = (ours > 0) & (theirs > 0)
    orders = np.maximum(present.sum(-1), 1)
    precision, recall = (
        np.divide(matched, whole, out=np.zeros_like(matched), where=present).sum(-1) / orders
        for whole in (ours, theirs)
    )
    return 100 * np.nan_to_num(_divided(5 * precision * recall, 4 * precision + recall))


def ter(sums: Rows) -> Values:
    """Corpus TER (Snover et al. 2006) of each row, in points."""
    edits, length = sums[..., COLUMNS["ter"].start], sums[..., COLUMNS["ter"].start + 1]
    return np.where(length > 0, 100 * _divided(edits, length), np.where(edits > 0, 100.0, 0.0))


def metric_score(name: str, sums: Rows) -> float:
    """The score of sacrebleu's metric ``name`` from one row of sums, by sacrebleu itself."""
    return float(metrics()[name]._compute_score_from_stats(sums[COLUMNS[name]].tolist()).score)


_FORMULAS: dict[str, tuple[str, Literal[1, -1], Callable[[Rows], Values], str]] = {
    "bleu": ("BLEU", 1, bleu, "word groups shared with the reference"),
    "chrf": ("chrF", 1, chrf, "groups of characters shared with the reference"),
    "chrf++": (
        "chrF++",
        1,
        lambda sums: chrf(sums, "chrf++"),
        "groups of characters and words shared with the reference",
    ),
    "ter": ("TER", -1, ter, "edits, moves of a block among them, for a hundred words of the reference"),
}


def _metric_figure(key: str) -> Figure:
    label, better, formula, explained = _FORMULAS[key]
    return Figure(key, label, "points", better, lambda sums, _: formula(sums), explained)


METRIC_FIGURES = tuple(map(_metric_figure, METRICS))

REPAIR_FIGURES = (
    Figure("precision", "edit P", "share", 1, _ratio("edits_matched", "edits_proposed"),
           "of the word edits made, the per cent that the reference makes too"),
    Figure("recall", "edit R", "share", 1, _ratio("edits_matched", "edits_wanted"),
           "of the reference's word edits, the per cent that were made"),
    Figure("f0.5", "edit F0.5", "share", 1, _f_half, "edit precision and recall, precision counting twice as much"),
    Figure("gain_per_edit", "gain per edit", "ratio", 1, _gain_per_edit, "TER edits saved per word edited; 1 is ideal"),
    Figure("changed", "changed %", "share", 0, _ratio("changed", "segments"), "damaged segments that were changed"),
    Figure("must", "must %", "share", 1, _ratio("must_hit", "must"), "strings wanted that are there"),
    Figure("must_not", "must not %", "share", 1, _ratio("must_not_hit", "must_not"), "strings unwanted that are gone"),
)  # fmt: skip

FACT_FIGURES = tuple(
    Figure(f"{what}_{fact}", f"{what} {fact}", "count", -1, _total(f"{what}_{fact}"), explained)
    for what, explained in (
        ("lost", "in the source and in every reference, but not in the output"),
        ("invented", "in the output, but neither in the source nor in a reference"),
    )
    for fact in FACTS
)
"""Figures that are counted over clean segments too: a number lost there is no less lost."""

OVERCORRECTION = Figure(
    "overcorrection", "over-corr. %", "share", -1, _ratio("changed", "segments"), "clean segments that were changed"
)

DAMAGED_FIGURES = (*METRIC_FIGURES, *REPAIR_FIGURES)
"""Figures of the damaged segments alone."""

FIGURES = {figure.key: figure for figure in (*DAMAGED_FIGURES, *FACT_FIGURES, OVERCORRECTION)}


def figures_of(sums: Rows, base: Rows) -> dict[str, float | None]:
    """Every figure but overcorrection, from the sums of a system and of doing nothing; None where there is none."""
    if not _column(sums, "segments"):
        return dict.fromkeys(figure.key for figure in (*DAMAGED_FIGURES, *FACT_FIGURES))
    scores: dict[str, float | None] = {name: metric_score(name, sums) for name in METRICS}
    return scores | values_of((*REPAIR_FIGURES, *FACT_FIGURES), sums, base)


def values_of(figures: Iterable[Figure], sums: Rows, base: Rows) -> dict[str, float | None]:
    """The ``figures`` for one row of sums, by key."""
    return {figure.key: value_of(figure, sums, base) for figure in figures}


def value_of(figure: Figure, sums: Rows, base: Rows) -> float | None:
    """The figure for one row of sums."""
    value = float(figure.of(sums, base))
    return None if np.isnan(value) else value
