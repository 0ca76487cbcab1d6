"""Scores of systems on a set: BLEU, chrF, chrF++ and TER through sacrebleu, and what matters for a repair tool.

"Do nothing" is always the first row: a repair has to beat it. Differences to it are tested by paired bootstrap
resampling (Koehn 2004) as sacrebleu does it, seeded.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from retranslate import guards
from retranslate.edits import Result
from retranslate.errors import InputError
from retranslate.evaluation.sets import EvaluationSegment

DO_NOTHING = "do nothing"
BOOTSTRAP_SAMPLES = 1000
SIGNIFICANT = 0.05

System = Callable[[Sequence[str]], Iterable["Result | str"]]
"""Takes source segments and gives a repaired text, or a Result, for each, in order."""


@dataclass(frozen=True)
class Metric:
    """A corpus score with its half 95 % interval and, but for the first row, the p-value of its difference to it."""

    score: float
    interval: float | None = None
    p_value: float | None = None

    @property
    def significant(self) -> bool:
        """Whether the difference to "do nothing" is unlikely to be chance."""
        return self.p_value is not None and self.p_value < SIGNIFICANT


@dataclass(frozen=True)
class SystemScores:
    """What a system did on the damaged and on the clean segments of a set.

    ``metrics`` are sacrebleu's, on the damaged segments. ``changed`` and ``overcorrection`` are the shares, from 0 to 1, of
    damaged and of clean segments that differ from their source (None where there are none). ``must`` and ``must_not`` are
    the shares of such strings that are there, or are not. ``lost`` and ``invented`` count numbers, names and negations.
    ``refusals`` counts segments by guard, ``terms`` the glossary's edits.
    """

    name: str
    metrics: Mapping[str, Metric]
    changed: float | None
    overcorrection: float | None
    must: float | None
    must_not: float | None
    lost: Mapping[str, int]
    invented: Mapping[str, int]
    refusals: Mapping[str, int]
    terms: int
    seconds: float


@dataclass(frozen=True)
class Scores:
    """The systems' scores on one set; prints itself as a table. ``signatures`` are sacrebleu's, by metric."""

    set_name: str
    segments: int
    clean: int
    systems: tuple[SystemScores, ...]
    signatures: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        return self.to_markdown()

    def to_markdown(self) -> str:
        """A Markdown table; a star marks what is not significantly different from "do nothing"."""
        names = list(self.systems[0].metrics) if self.systems else []
        heads = ["system", *names, "changed", "over-corrected", "must", "must not"]
        lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
        for system in self.systems:
            cells = [system.name, *(_shown(system.metrics[name]) for name in names)]
            cells += [
                _percent(value) for value in (system.changed, system.overcorrection, system.must, system.must_not)
            ]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [line.strip("|").split("|") for line in self.to_markdown().splitlines() if "---" not in line]
        cells = "".join(f"<tr>{''.join(f'<td>{cell.strip()}</td>' for cell in row)}</tr>" for row in rows)
        return f"<table><caption>{self.set_name}</caption>{cells}</table>"


def _shown(metric: Metric) -> str:
    return f"{metric.score:.1f}{'' if metric.p_value is None or metric.significant else ' *'}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


@dataclass(frozen=True)
class Evaluation:
    """How to evaluate: ``samples`` bootstrap samples (0 leaves the significance out), seeded by sacrebleu."""

    samples: int = BOOTSTRAP_SAMPLES

    def run(self, systems: Mapping[str, System], segments: Sequence[EvaluationSegment], name: str = "set") -> Scores:
        """The scores of ``systems`` on ``segments``, after those of doing nothing.

        Raises InputError when a system gives another number of texts than it was given.
        """
        sources = [segment.source for segment in segments]
        outputs: dict[str, tuple[list[Result | str], float]] = {DO_NOTHING: (list(sources), 0.0)}
        for system_name, system in systems.items():
            started = time.perf_counter()
            texts = list(system(sources))
            if len(texts) != len(sources):
                raise InputError(
                    f"system {system_name!r} gave {len(texts):,} hypotheses for {len(sources):,} segments."
                )
            outputs[system_name] = (texts, time.perf_counter() - started)
        damaged = [index for index, segment in enumerate(segments) if not segment.clean]
        metrics, signatures = self._metrics(
            {key: [str(texts[index]) for index in damaged] for key, (texts, _) in outputs.items()},
            [segments[index].references for index in damaged],
        )
        scored = tuple(
            _score_system(key, texts, seconds, segments, metrics.get(key, {}))
            for key, (texts, seconds) in outputs.items()
        )
        return Scores(name, len(segments), len(segments) - len(damaged), scored, signatures)

    def _metrics(
        self, hypotheses: Mapping[str, Sequence[str]], references: Sequence[Sequence[str]]
    ) -> tuple[dict[str, dict[str, Metric]], dict[str, str]]:
        if not references:
            return {}, {}
        columns = _columns(references)
        measures = _measures()
        scores: dict[str, dict[str, Metric]] = {key: {} for key in hypotheses}
        signatures = {}
        for label, measure in measures.items():
            for key, texts in hypotheses.items():
                scores[key][label] = Metric(measure.corpus_score(list(texts), columns).score)
            signatures[label] = str(measure.get_signature())
        if self.samples:
            self._add_significance(scores, hypotheses, columns)
        return scores, signatures

    def _add_significance(
        self,
        scores: dict[str, dict[str, Metric]],
        hypotheses: Mapping[str, Sequence[str]],
        columns: Sequence[Sequence[Any]],
    ) -> None:
        from sacrebleu.significance import PairedTest

        for label, measure in _measures().items():
            test = PairedTest(
                [(key, list(texts)) for key, texts in hypotheses.items()], {label: measure}, columns, "bs", self.samples
            )
            _, table = test()
            column: list[Any] = next(values for key, values in table.items() if key != "System")
            base = scores[DO_NOTHING][label].score
            for key, entry in zip(hypotheses, column, strict=True):
                score = scores[key][label].score
                # sacrebleu calls the difference of a system to its own twin significant.
                p_value = 1.0 if score == base and key != DO_NOTHING else entry.p_value
                scores[key][label] = Metric(score, float(entry.ci), None if p_value is None else float(p_value))


def _measures() -> dict[str, Any]:
    """sacrebleu's metrics by the label of their column, with its default settings."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER

    return {"BLEU": BLEU(), "chrF": CHRF(), "chrF++": CHRF(word_order=2), "TER": TER()}


def _columns(references: Sequence[Sequence[str]]) -> list[list[Any]]:
    """References by position, as sacrebleu wants them; None where a segment has fewer than others."""
    most = max(map(len, references))
    return [[given[position] if position < len(given) else None for given in references] for position in range(most)]


def _score_system(
    name: str,
    outputs: Sequence[Result | str],
    seconds: float,
    segments: Sequence[EvaluationSegment],
    metrics: Mapping[str, Metric],
) -> SystemScores:
    texts = [str(output) for output in outputs]
    results = [output for output in outputs if isinstance(output, Result)]
    pairs = list(zip(segments, texts, strict=True))
    lost, invented = _content_changes([(segment.source, text) for segment, text in pairs])
    return SystemScores(
        name,
        metrics,
        _share(segment.source != text for segment, text in pairs if not segment.clean),
        _share(segment.source != text for segment, text in pairs if segment.clean),
        _share(wanted.lower() in text.lower() for segment, text in pairs for wanted in segment.must),
        _share(unwanted.lower() not in text.lower() for segment, text in pairs for unwanted in segment.must_not),
        dict(lost),
        dict(invented),
        dict(Counter(guard for result in results for segment in result.segments for guard in segment.refused_by)),
        sum(edit.kind == "glossary" for result in results for edit in result.edits),
        round(seconds, 2),
    )


def _share(hits: Iterable[bool]) -> float | None:
    values = list(hits)
    return sum(values) / len(values) if values else None


def _content_changes(pairs: Iterable[tuple[str, str]]) -> tuple[Counter[str], Counter[str]]:
    """Numbers, names and negations lost and invented between each source and its output."""
    lost: Counter[str] = Counter()
    invented: Counter[str] = Counter()
    for source, text in pairs:
        if source == text:
            continue
        for kind, count in (("numbers", guards.numbers), ("names", lambda text: Counter(set(guards.names(text))))):
            before, after = count(source), count(text)
            lost[kind] += (before - after).total()
            invented[kind] += (after - before).total()
        before_not, after_not = guards.negations(source), guards.negations(text)
        lost["negations"] += max(0, before_not - after_not)
        invented["negations"] += max(0, after_not - before_not)
    return lost, invented
