"""Scores of systems on a set, and whether their differences are real.

"Do nothing" is always the first row: a repair has to beat it. BLEU, chrF, chrF++, TER and the edits' figures are those of
the damaged segments; the clean ones tell the over-correction.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from retranslate.edits import Result
from retranslate.errors import InputError
from retranslate.evaluation import significance
from retranslate.evaluation.breakdown import Details, Group, breakdown
from retranslate.evaluation.figures import (
    DAMAGED_FIGURES,
    FACT_FIGURES,
    METRIC_FIGURES,
    OVERCORRECTION,
    Figure,
    figures_of,
    values_of,
)
from retranslate.evaluation.sets import EvaluationSegment
from retranslate.evaluation.significance import SAMPLES, SEED, SIGNIFICANT, TRIALS, Interval
from retranslate.evaluation.statistics import Entry, Rows, collect, signatures
from retranslate.evaluation.systems import DO_NOTHING, FULL, System, do_nothing


def _alone(figure: Figure) -> significance.Score:
    """A figure that needs no system to compare with."""
    return lambda sums: figure.of(sums, sums)


_MEASURES: dict[str, significance.Score] = {figure.key: _alone(figure) for figure in METRIC_FIGURES}

OnProgress = Callable[[str, int, int], None]
"""Takes what is being done, how many segments of it are done, and how many there are."""


@dataclass(frozen=True)
class SystemScores:
    """A system's figures by key (see :data:`retranslate.evaluation.figures.FIGURES`), None where there is none.

    ``intervals`` are 95 % intervals; ``p_values`` are those of the difference to "do nothing", by metric and test.
    ``refusals`` count segments by guard, ``edits`` count edits by kind (glossary, rule, model); both are empty where the
    system gives texts alone. ``words_per_second`` counts words of the source.
    """

    name: str
    signature: str
    figures: Mapping[str, float | None]
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    p_values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    refusals: Mapping[str, int] = field(default_factory=dict)
    edits: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None
    words_per_second: float | None = None

    def is_significant(self, key: str) -> bool | None:
        """Whether the difference to "do nothing" is unlikely to be chance by every test made; None where none was."""
        values = self.p_values.get(key)
        return None if not values else all(value < SIGNIFICANT for value in values.values())


@dataclass(frozen=True)
class Move:
    """A segment, by its index, and how many TER edits a system saved on it; fewer than none if it did harm."""

    index: int
    saved: float


@dataclass(frozen=True)
class Scores:
    """The systems' scores on one set; prints itself as a table.

    ``signatures`` are sacrebleu's, by metric; ``digest`` identifies sources and references. ``details`` stay out of
    :meth:`to_dict`; results files hold them segment by segment.
    """

    set_name: str
    digest: str
    segments: int
    clean: int
    systems: tuple[SystemScores, ...]
    groups: tuple[Group, ...]
    signatures: Mapping[str, str]
    settings: Mapping[str, int]
    details: Details = field(repr=False, compare=False)

    @property
    def headline(self) -> SystemScores:
        """The system that the set was run for: "full" where it is there, else the last one."""
        return next((system for system in self.systems if system.name == FULL), self.systems[-1])

    def system(self, name: str) -> SystemScores:
        """The scores of the system called ``name``. Raises InputError where there is none."""
        found = next((system for system in self.systems if system.name == name), None)
        if found is None:
            raise InputError(
                f"no system is called {name!r}; there are {', '.join(each.name for each in self.systems)}."
            )
        return found

    def wins(self, system: str, most: int = 10) -> list[Move]:
        """The segments on which ``system`` saved most TER edits, beginning with the most."""
        return self._moves(system, -1, most)

    def losses(self, system: str, most: int = 10) -> list[Move]:
        """The segments on which ``system`` did most harm, beginning with the worst."""
        return self._moves(system, 1, most)

    def _moves(self, system: str, sign: int, most: int) -> list[Move]:
        saved = self.details.ter_edits(DO_NOTHING) - self.details.ter_edits(system)
        order = np.argsort(sign * saved, kind="stable")[:most]
        return [Move(int(index), float(saved[index])) for index in order if sign * saved[index] < 0]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without the segments."""
        return {
            "set": self.set_name, "digest": self.digest, "segments": self.segments, "clean": self.clean,
            "systems": [asdict(system) for system in self.systems],
            "groups": [asdict(group) for group in self.groups],
            "signatures": dict(self.signatures), "settings": dict(self.settings),
        }  # fmt: skip

    def __str__(self) -> str:
        from retranslate.evaluation.tables import markdown

        return markdown(self)

    def _repr_html_(self) -> str:
        from retranslate.evaluation.tables import html

        return html(self)


@dataclass(frozen=True)
class Evaluation:
    """How to evaluate.

    ``samples`` of the paired bootstrap and ``trials`` of the approximate randomisation; 0 leaves a test out, and without
    samples there are no intervals. ``seed`` makes both repeatable. ``jobs`` processes share the scoring of large sets;
    a program that asks for more than one needs the usual ``if __name__ == "__main__":``.
    """

    samples: int = SAMPLES
    trials: int = TRIALS
    seed: int = SEED
    jobs: int = 1

    def run(
        self,
        systems: Iterable[System],
        segments: Sequence[EvaluationSegment],
        name: str = "set",
        on_progress: OnProgress | None = None,
    ) -> Scores:
        """The scores of ``systems`` on ``segments``, after those of doing nothing.

        Raises InputError when there are no segments, when a system gives another number of texts than it was given, or
        when two systems share a name.
        """
        if not segments:
            raise InputError(f"{name}: no segment to evaluate.")
        chosen = [do_nothing(), *(system for system in systems if system.name != DO_NOTHING)]
        repeated = [name for name, times in Counter(system.name for system in chosen).items() if times > 1]
        if repeated:
            raise InputError(f"two systems are called {repeated[0]!r}; give each a name of its own.")
        runs = [_Run.of(system, segments, on_progress) for system in chosen]
        tables = self._tables(runs, segments, on_progress)
        details = Details(
            segments,
            {run.system.name: run.outputs for run in runs},
            {run.system.name: table for run, table in zip(runs, tables, strict=True)},
        )
        damaged = np.array([not segment.clean for segment in segments])
        sums = [table[damaged].sum(0) for table in tables]
        if on_progress is not None:
            on_progress("significance", 0, len(segments))
        tested = self._tested([table[damaged] for table in tables], sums) if damaged.any() else [({}, {})] * len(runs)
        scored = tuple(
            run.scores(figures_of(summed, sums[0]) | _figures_of_clean_ones(table, ~damaged), intervals, p_values)
            for run, table, summed, (intervals, p_values) in zip(runs, tables, sums, tested, strict=True)
        )
        return Scores(
            name,
            digest(segments),
            len(segments),
            int((~damaged).sum()),
            tuple(_with_overcorrection_interval(system, int((~damaged).sum())) for system in scored),
            tuple(breakdown(segments, details)),
            signatures([segment for segment in segments if not segment.clean] or segments),
            {"samples": self.samples, "trials": self.trials, "seed": self.seed},
            details,
        )

    def _tables(
        self, runs: Sequence[_Run], segments: Sequence[EvaluationSegment], on_progress: OnProgress | None
    ) -> list[Rows]:
        texts = zip(*(map(str, run.outputs) for run in runs), strict=True)
        entries = [Entry(segment, hypotheses) for segment, hypotheses in zip(segments, texts, strict=True)]
        advance = None if on_progress is None else lambda done, total: on_progress("scoring", done, total)
        return collect(entries, self.jobs, advance)

    def _tested(
        self, tables: Sequence[Rows], sums: Sequence[Rows]
    ) -> list[tuple[dict[str, Interval], dict[str, dict[str, float]]]]:
        """Intervals by figure and p-values by metric and test, for each system; the first one is what is compared with."""
        resampled = significance.bootstrap_sums(tables, self.samples, self.seed) if self.samples else None
        tested = []
        for position, table in enumerate(tables):
            p_values: dict[str, dict[str, float]] = {figure.key: {} for figure in METRIC_FIGURES}
            if position and np.array_equal(table, tables[0]):
                # sacrebleu takes the difference of a system to its own twin for no chance.
                tests = {"bootstrap": self.samples, "randomisation": self.trials}
                p_values = {key: {test: 1.0 for test, size in tests.items() if size} for key in p_values}
            elif position:
                if resampled is not None:
                    for figure in METRIC_FIGURES:
                        before, after = (figure.of(samples, samples) for samples in (resampled[0], resampled[position]))
                        gain = float(figure.of(sums[position], sums[0]) - figure.of(sums[0], sums[0]))
                        p_values[figure.key]["bootstrap"] = significance.bootstrap_p(before, after, gain)
                if self.trials:
                    chances = significance.randomisation_p(tables[0], table, _MEASURES, self.trials, self.seed)
                    for key, chance in chances.items():
                        p_values[key]["randomisation"] = chance
            intervals = {} if resampled is None else _intervals(resampled[position], resampled[0])
            tested.append((intervals, {key: values for key, values in p_values.items() if values}))
        return tested


@dataclass(frozen=True)
class _Run:
    """A system's outputs for a set, and how long it took."""

    system: System
    outputs: list[Result | str]
    seconds: float
    source_words: int

    @classmethod
    def of(cls, system: System, segments: Sequence[EvaluationSegment], on_progress: OnProgress | None) -> _Run:
        sources = [segment.source for segment in segments]
        started = time.perf_counter()
        outputs: list[Result | str] = []
        for output in system.run(sources):
            outputs.append(output)
            if on_progress is not None and system.timed:
                on_progress(system.name, len(outputs), len(sources))
        if len(outputs) != len(sources):
            raise InputError(f"system {system.name!r} gave {len(outputs):,} hypotheses for {len(sources):,} segments.")
        words = sum(len(source.split()) for source in sources)
        return cls(system, outputs, time.perf_counter() - started, words)

    def scores(
        self,
        figures: Mapping[str, float | None],
        intervals: Mapping[str, Interval],
        p_values: Mapping[str, Mapping[str, float]],
    ) -> SystemScores:
        results = [output for output in self.outputs if isinstance(output, Result)]
        timed = self.system.timed and self.seconds > 0
        return SystemScores(
            self.system.name,
            self.system.signature,
            figures,
            intervals,
            p_values,
            dict(Counter(guard for result in results for guard in refusals(result)).most_common()),
            dict(Counter(edit.kind for result in results for edit in result.edits).most_common()),
            round(self.seconds, 3) if timed else None,
            round(self.source_words / self.seconds, 1) if timed else None,
        )


def refusals(result: Result) -> list[str]:
    """The guards that refused something in ``result``, each once."""
    return list(dict.fromkeys(guard for segment in result.segments for guard in segment.refused_by))


def digest(segments: Iterable[EvaluationSegment]) -> str:
    """A fingerprint of sources and references."""
    found = hashlib.sha256()
    for segment in segments:
        for text in (segment.source, *segment.references, str(segment.clean)):
            found.update(text.encode() + b"\0")
    return found.hexdigest()[:12]


def _intervals(samples: Rows, base: Rows) -> dict[str, Interval]:
    """The 95 % interval of every figure of the damaged segments that has a value in every sample."""
    resampled = {figure.key: figure.of(samples, base) for figure in DAMAGED_FIGURES}
    return {key: significance.interval(values) for key, values in resampled.items() if not np.isnan(values).any()}


def _figures_of_clean_ones(table: Rows, clean: npt.NDArray[np.bool_]) -> dict[str, float | None]:
    """The figures of ``table`` that ``clean`` segments have a part in."""
    everything, alone = table.sum(0), table[clean].sum(0)
    return values_of(FACT_FIGURES, everything, everything) | values_of((OVERCORRECTION,), alone, alone)


def _with_overcorrection_interval(system: SystemScores, clean: int) -> SystemScores:
    share = system.figures[OVERCORRECTION.key]
    if share is None:
        return system
    interval = significance.share_interval(share * clean, clean)
    return replace(system, intervals={**system.intervals, OVERCORRECTION.key: interval})
