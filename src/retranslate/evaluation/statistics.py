"""Sufficient statistics: a segment is a row of counts, and every figure is a function of a sum of rows.

That makes a breakdown a sum over some rows and a bootstrap sample a weighted sum, without scoring any text again. The
counts for BLEU, chrF and chrF++ are those of sacrebleu's own classes; those for TER come from
:mod:`retranslate.evaluation.ter` and are the same as sacrebleu's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from retranslate import guards
from retranslate.evaluation import ter
from retranslate.evaluation.sets import EvaluationSegment

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric

Rows = npt.NDArray[np.float64]
"""Statistics of a system, segments by :data:`WIDTH` columns; or their sum over segments, one row."""

_METRIC_WIDTHS = {"bleu": 10, "chrf": 18, "chrf++": 24, "ter": 2}
METRICS = tuple(_METRIC_WIDTHS)
FACTS = ("numbers", "names", "negations")
_COUNTS = (
    "edits_matched", "edits_proposed", "edits_wanted", "source_words", "segments", "changed",
    "must_hit", "must", "must_not_hit", "must_not",
    *(f"{what}_{fact}" for what in ("lost", "invented") for fact in FACTS),
)  # fmt: skip
# Segments scored together: references are taken apart once for all systems, and let go after.
CHUNK = 250


def _columns() -> dict[str, slice]:
    columns, start = {}, 0
    for name, width in [*_METRIC_WIDTHS.items(), *((name, 1) for name in _COUNTS)]:
        columns[name] = slice(start, start + width)
        start += width
    return columns


COLUMNS = _columns()
WIDTH = COLUMNS[_COUNTS[-1]].stop


@dataclass(frozen=True, slots=True)
class Entry:
    """A segment and what each system made of it."""

    segment: EvaluationSegment
    hypotheses: tuple[str, ...]


@cache
def metrics() -> dict[str, Metric]:
    """sacrebleu's metrics as its command makes them by default, chrF++ with word order 2 (Popović 2017)."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER

    return {"bleu": BLEU(), "chrf": CHRF(), "chrf++": CHRF(word_order=2), "ter": TER()}


def signatures(segments: Sequence[EvaluationSegment]) -> dict[str, str]:
    """sacrebleu's signatures by metric, for the number of references that ``segments`` have."""
    counts = {len(segment.references) for segment in segments}
    found = {}
    for name, metric in metrics().items():
        metric.num_refs = min(counts) if len(counts) == 1 else -1
        found[name] = str(metric.get_signature())
    return found


def collect(
    entries: Sequence[Entry], jobs: int = 1, on_progress: Callable[[int, int], None] | None = None
) -> list[Rows]:
    """The statistics of each system, in the order of the hypotheses: segments by columns.

    ``jobs`` processes share the work; ``on_progress`` is called with the segments done and all of them.
    """
    if not entries:
        return []
    table = np.empty((len(entries[0].hypotheses), len(entries), WIDTH))
    chunks = (entries[start : start + CHUNK] for start in range(0, len(entries), CHUNK))
    done = 0
    for rows in _mapped(_chunk_rows, chunks, jobs):
        table[:, done : done + rows.shape[1]] = rows
        done += rows.shape[1]
        if on_progress is not None:
            on_progress(done, len(entries))
    return list(table)


def _mapped(
    function: Callable[[Sequence[Entry]], Rows], chunks: Iterator[Sequence[Entry]], jobs: int
) -> Iterator[Rows]:
    if jobs == 1:
        yield from map(function, chunks)
        return
    import multiprocessing

    # Spawned, not forked: torch's threads do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(function, chunks)


def _chunk_rows(entries: Sequence[Entry]) -> Rows:
    """Systems by segments by columns."""
    references = [entry.segment.references for entry in entries]
    reference_info = {name: metrics()[name]._cache_references(_by_position(references)) for name in ("bleu", "chrf++")}
    if any(len(given) > 1 for given in references):
        # Each picks the best of several references by its own lights; of a single one, chrF++ knows all that chrF counts.
        reference_info["chrf"] = metrics()["chrf"]._cache_references(_by_position(references))
    table = np.zeros((len(entries[0].hypotheses), len(entries), WIDTH))
    for index, entry in enumerate(entries):
        info = {name: cached[index] for name, cached in reference_info.items()}
        row_of = _SegmentStatistics(entry.segment, info)
        for system, text in enumerate(entry.hypotheses):
            table[system, index] = row_of(text)
    _forget_texts()
    return table


def _forget_texts() -> None:
    """Empties sacrebleu's caches of tokenized texts, which would grow by a hundred megabytes over a large set."""
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
    from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp
    from sacrebleu.tokenizers.tokenizer_ter import TercomTokenizer

    for tokenizer in (Tokenizer13a, TokenizerRegexp, TercomTokenizer):
        clear = getattr(tokenizer.__call__, "cache_clear", None)
        if clear is not None:
            clear()


def _by_position(references: Sequence[Sequence[str]]) -> Any:
    """References as sacrebleu wants them: a list a position, None where a segment has fewer than others."""
    most = max(map(len, references))
    return [[given[position] if position < len(given) else None for given in references] for position in range(most)]


class _SegmentStatistics:
    """Rows for the hypotheses of one segment; what concerns source and references is found out once."""

    def __init__(self, segment: EvaluationSegment, reference_info: dict[str, Any]) -> None:
        self._segment = segment
        self._info = reference_info
        self._rows: dict[str, list[float]] = {}
        self._source = words(segment.source)
        self._wanted = [word_edits(self._source, words(reference)) for reference in segment.references]
        self._ter_references = [_ter_tokens(reference) for reference in segment.references]
        self._facts: tuple[list[Counter[str]], list[Counter[str]]] | None = None

    def __call__(self, text: str) -> list[float]:
        if text not in self._rows:
            self._rows[text] = [*self._metrics(text), *self._edits(text), *self._counts(text), *self._fact_counts(text)]
        return self._rows[text]

    def _metrics(self, text: str) -> list[float]:
        found: dict[str, list[float]] = {}
        for name, info in self._info.items():
            metric = metrics()[name]
            found[name] = metric._compute_segment_statistics(metric._preprocess_segment(text), info)
        found.setdefault("chrf", found["chrf++"][: _METRIC_WIDTHS["chrf"]])
        hypothesis = _ter_tokens(text)
        edits = min(ter.edits(hypothesis, reference) for reference in self._ter_references)
        found["ter"] = [edits, sum(map(len, self._ter_references)) / len(self._ter_references)]
        return [value for name in METRICS for value in found[name]]

    def _edits(self, text: str) -> list[float]:
        """Matched, proposed, wanted, against the reference that the hypothesis agrees with best."""
        proposed = word_edits(self._source, words(text))
        scored = [((proposed & wanted).total(), wanted.total()) for wanted in self._wanted]
        matched, wanted = max(scored, key=lambda pair: (f_half(pair[0], proposed.total(), pair[1]), -pair[1]))
        return [matched, proposed.total(), wanted, len(self._source)]

    def _counts(self, text: str) -> list[float]:
        segment, low = self._segment, text.lower()
        return [
            1,
            text != segment.source,
            sum(wanted.lower() in low for wanted in segment.must),
            len(segment.must),
            sum(unwanted.lower() not in low for unwanted in segment.must_not),
            len(segment.must_not),
        ]

    def _fact_counts(self, text: str) -> list[float]:
        """Lost: what source and every reference have and the hypothesis has not. Invented: what only the hypothesis has."""
        if text == self._segment.source:
            return [0.0] * (2 * len(FACTS))
        if self._facts is None:
            self._facts = _expected_facts(self._segment)
        due, allowed = self._facts
        there = facts(text)
        lost = [(want - have).total() for want, have in zip(due, there, strict=True)]
        return [*lost, *((have - may).total() for may, have in zip(allowed, there, strict=True))]


def _ter_tokens(text: str) -> list[str]:
    tokens: list[str] = metrics()["ter"]._preprocess_segment(text).split()
    return tokens


# --- What a repair tool is judged by -------------------------------------------------------------------------------

_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


def words(text: str) -> list[str]:
    """The words and single marks of ``text``."""
    return _WORD.findall(text)


def word_edits(before: Sequence[str], after: Sequence[str]) -> Counter[tuple[str, int, str]]:
    """The edits by single words that lead from one list to the other: kind, position in ``before``, new word.

    A shortest Levenshtein alignment, each word an edit of its own: what ERRANT (Bryant et al. 2017) calls ``-lev`` and
    ``-merge all-split``, without its types.
    """
    return Counter(
        (step.tag, step.src_pos, "" if step.tag == "delete" else after[step.dest_pos])
        for step in Levenshtein.editops(before, after)
    )


def f_half(matched: float, proposed: float, wanted: float) -> float:
    """F0.5 of edits: precision counts twice as much as recall. 1 where nothing was proposed and nothing wanted."""
    if not proposed and not wanted:
        return 1.0
    return 1.25 * matched / (proposed + 0.25 * wanted) if matched else 0.0


def facts(text: str) -> list[Counter[str]]:
    """Numbers, names and negations of ``text``, in the order of :data:`FACTS`."""
    return [guards.numbers(text), Counter(set(guards.names(text))), Counter(negation=guards.negations(text))]


def _expected_facts(segment: EvaluationSegment) -> tuple[list[Counter[str]], list[Counter[str]]]:
    """What a hypothesis must have, since source and references agree on it, and all that it may have."""
    due = allowed = facts(segment.source)
    for reference in segment.references:
        given = facts(reference)
        due = [one & other for one, other in zip(due, given, strict=True)]
        allowed = [one | other for one, other in zip(allowed, given, strict=True)]
    return due, allowed
