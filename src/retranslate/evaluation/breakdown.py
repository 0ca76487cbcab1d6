"""A set taken apart: the systems' figures by tag, by length and by how damaged the source is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from retranslate.edits import Result
from retranslate.evaluation.figures import figures_of
from retranslate.evaluation.sets import EvaluationSegment
from retranslate.evaluation.statistics import COLUMNS, Rows
from retranslate.evaluation.systems import DO_NOTHING

GroupKind = Literal["all", "tag", "length", "damage"]

# Upper bounds, inclusive: words of the source, and TER of the source.
LENGTHS = (10, 20, 30, 45)
DAMAGE = (15, 30, 50, 80)


@dataclass(frozen=True)
class Group:
    """A part of the set and the systems' figures on it."""

    kind: GroupKind
    name: str
    segments: int
    figures: Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Details:
    """What the figures were made of: ``outputs`` and ``tables`` (segments by statistics) by system."""

    segments: Sequence[EvaluationSegment]
    outputs: Mapping[str, Sequence[Result | str]]
    tables: Mapping[str, Rows]

    def ter_edits(self, system: str) -> Rows:
        """TER edits of each segment, in the order of the segments."""
        column: Rows = self.tables[system][:, COLUMNS["ter"].start]
        return column


def breakdown(segments: Sequence[EvaluationSegment], details: Details) -> Iterator[Group]:
    """The figures by tag, by length and by how damaged the source is; clean segments only in "all" and by tag."""
    damaged = [index for index, segment in enumerate(segments) if not segment.clean]
    if len(damaged) < len(segments):
        yield _group("all", "all, clean ones too", range(len(segments)), details)
    tagged: dict[str, list[int]] = {}
    for index, segment in enumerate(segments):
        for tag in dict.fromkeys(segment.tags):
            tagged.setdefault(tag, []).append(index)
    for tag, indices in sorted(tagged.items(), key=lambda item: (-len(item[1]), item[0])):
        yield _group("tag", tag, indices, details)
    lengths = [len(segments[index].source.split()) for index in damaged]
    yield from _buckets("length", damaged, lengths, LENGTHS, details)
    ter = details.tables[DO_NOTHING][:, COLUMNS["ter"]]
    damage = [100 * ter[index, 0] / ter[index, 1] if ter[index, 1] else 100.0 for index in damaged]
    yield from _buckets("damage", damaged, damage, DAMAGE, details)


def _buckets(
    kind: GroupKind, indices: Sequence[int], values: Sequence[float], bounds: Sequence[int], details: Details
) -> Iterator[Group]:
    for low, high in zip((-1, *bounds), (*bounds, None), strict=True):
        inside = [
            index
            for index, value in zip(indices, values, strict=True)
            if low < value and (high is None or value <= high)
        ]
        if inside:
            yield _group(kind, _bucket_name(kind, low, high), inside, details)


def _bucket_name(kind: GroupKind, low: int, high: int | None) -> str:
    if kind == "length":
        return f"over {low} words" if high is None else f"{low + 1}–{high} words"
    return f"TER over {low}" if high is None else f"TER {max(low, 0)}–{high}"


def _group(kind: GroupKind, name: str, indices: Sequence[int], details: Details) -> Group:
    chosen = np.fromiter(indices, dtype=np.intp)
    sums = {system: table[chosen].sum(0) for system, table in details.tables.items()}
    return Group(
        kind, name, len(chosen), {system: figures_of(summed, sums[DO_NOTHING]) for system, summed in sums.items()}
    )
