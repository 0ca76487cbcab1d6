"""One page to look at: the figures with their intervals, the breakdown, and every segment with its words coloured.

The page is one file that asks the network for nothing. What can be computed is computed here; the page's script only
filters, sorts and shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from retranslate.edits import Edit, Result, word_edits
from retranslate.evaluation.figures import (
    FACT_FIGURES,
    FIGURES,
    METRIC_FIGURES,
    OVERCORRECTION,
    REPAIR_FIGURES,
    Figure,
    chrf,
)
from retranslate.evaluation.statistics import COLUMNS, words
from retranslate.evaluation.systems import DO_NOTHING
from retranslate.evaluation.tables import gain_of, notes
from retranslate.version import __version__

if TYPE_CHECKING:
    from jinja2 import Template

    from retranslate.evaluation.breakdown import Group
    from retranslate.evaluation.scoring import Scores, SystemScores

# A piece of a text: the text, a class ("" for plain), and what to say about it on hover.
Piece = tuple[str, str, str]

# The chart's plane: x runs from LEFT to RIGHT.
LEFT, RIGHT = 0.0, 100.0


def page(all_scores: Sequence[Scores], most_segments: int = 1000) -> str:
    """The page for ``all_scores`` in HTML.

    Of each set it lists at most ``most_segments`` segments: over-corrections first, then those that moved most, then
    those with a refusal.
    """
    listed = [_listed(scores, most_segments) for scores in all_scores]
    return _template().render(
        title=", ".join(scores.set_name for scores in all_scores),
        version=__version__,
        created=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
        sets=[_summary(scores, len(indices)) for scores, indices in zip(all_scores, listed, strict=True)],
        data=_embedded(
            {
                "systems": _system_names(all_scores),
                "headline": all_scores[0].headline.name,
                "sets": [scores.set_name for scores in all_scores],
                "tags": sorted(
                    {tag for scores in all_scores for segment in scores.details.segments for tag in segment.tags}
                ),
                "segments": [
                    segment
                    for number, (scores, indices) in enumerate(zip(all_scores, listed, strict=True))
                    for segment in _segments(scores, number, indices)
                ],
            }
        ),
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("retranslate.evaluation", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _embedded(data: Mapping[str, Any]) -> str:
    """JSON that no text in it can break out of its script element with."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _system_names(all_scores: Sequence[Scores]) -> list[str]:
    names = dict.fromkeys(system.name for scores in all_scores for system in scores.systems)
    return [name for name in names if name != DO_NOTHING] or [DO_NOTHING]


# --- Figures -------------------------------------------------------------------------------------------------------


def _summary(scores: Scores, listed: int) -> dict[str, Any]:
    return {
        "name": scores.set_name,
        "damaged": scores.segments - scores.clean,
        "clean": scores.clean,
        "segments": scores.segments,
        "listed": listed,
        "charts": [_chart(scores, figure) for figure in METRIC_FIGURES],
        "heads": [(system.name, _pace(system)) for system in scores.systems],
        "rows": [_row(scores, figure) for figure in (*METRIC_FIGURES, OVERCORRECTION, *REPAIR_FIGURES, *FACT_FIGURES)],
        "refusals": [(system.name, list(system.refusals.items())) for system in scores.systems if system.refusals],
        "groups": list(_groups(scores)),
        "headline": scores.headline.name,
        "notes": notes(scores),
        "systems": [(system.name, system.signature) for system in scores.systems],
    }


def _row(scores: Scores, figure: Figure) -> dict[str, Any]:
    """A figure, a cell for each system."""
    return {
        "label": figure.label,
        "explained": figure.explained,
        "cells": [_cell(scores, system, figure) for system in scores.systems],
    }


def _cell(scores: Scores, system: SystemScores, figure: Figure) -> dict[str, Any]:
    gain = gain_of(scores, system, figure) if figure in METRIC_FIGURES and system.name != DO_NOTHING else None
    interval = system.intervals.get(figure.key)
    return {
        "value": figure.shown(system.figures[figure.key]),
        "gain": "" if gain is None else f"{gain:+.1f}",
        "chance": system.is_significant(figure.key) is False,
        "better": (gain or 0) > 0,
        "interval": f"{figure.shown(interval.low)} to {figure.shown(interval.high)}" if interval else "",
    }


def _pace(system: SystemScores) -> str:
    return "" if system.words_per_second is None else f"{system.words_per_second:,.0f} words/s"


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    def __call__(self, value: float) -> float:
        return round(LEFT + (value - self.low) / (self.high - self.low) * (RIGHT - LEFT), 2)


def _chart(scores: Scores, figure: Figure) -> dict[str, Any]:
    """Marks with intervals, one line a system, on a scale that holds them all."""
    values = [system.figures[figure.key] or 0.0 for system in scores.systems]
    intervals = [system.intervals.get(figure.key) for system in scores.systems]
    lows = [*values, *(found.low for found in intervals if found)]
    highs = [*values, *(found.high for found in intervals if found)]
    margin = max(0.5, (max(highs) - min(lows)) * 0.06)
    scale = _Scale(min(lows) - margin, max(highs) + margin)
    marks = [
        {
            "name": system.name,
            "x": scale(value),
            "low": scale(found.low) if found else None,
            "high": scale(found.high) if found else None,
            "shown": figure.shown(value),
            "chance": system.is_significant(figure.key) is False,
            "says": f"{system.name}: {figure.shown(value)}"
            + (f", 95 % interval {found.low:.1f} to {found.high:.1f}" if found else ""),
        }
        for system, value, found in zip(scores.systems, values, intervals, strict=True)
    ]
    return {
        "label": figure.label,
        "better": "more is better" if figure.better > 0 else "less is better",
        "base": scale(values[0]),
        "low": f"{scale.low:.1f}",
        "high": f"{scale.high:.1f}",
        "marks": marks,
    }


_GROUP_TITLES = {
    "all": "All",
    "tag": "By tag",
    "length": "By length of the source",
    "damage": "By damage: TER of the source",
}


def _groups(scores: Scores) -> Iterator[dict[str, Any]]:
    """TER before and after by group, each kind of group a chart."""
    kinds: dict[str, list[Group]] = {}
    for group in scores.groups:
        kinds.setdefault(group.kind, []).append(group)
    ter = FIGURES["ter"]
    for kind, groups in kinds.items():
        if kind == "all":
            continue
        pairs = [
            (group.figures[DO_NOTHING]["ter"] or 0.0, group.figures[scores.headline.name]["ter"] or 0.0)
            for group in groups
        ]
        most = max(100.0 if kind == "damage" else 1.0, *(value for pair in pairs for value in pair))
        yield {
            "title": _GROUP_TITLES[kind],
            "bars": [
                {
                    "name": group.name,
                    "segments": group.segments,
                    "before": ter.shown(before),
                    "after": ter.shown(after),
                    "before_width": round(100 * before / most, 2),
                    "after_width": round(100 * after / most, 2),
                    "worse": after > before,
                }
                for group, (before, after) in zip(groups, pairs, strict=True)
            ],
        }


# --- Segments ------------------------------------------------------------------------------------------------------


def _listed(scores: Scores, most: int) -> list[int]:
    """The indices of the segments to list, in the order of the set."""
    details = scores.details
    total = len(details.segments)
    if total <= most:
        return list(range(total))
    base = details.ter_edits(DO_NOTHING)
    moved = np.max([np.abs(details.ter_edits(name) - base) for name in details.tables], axis=0)
    headline = scores.headline.name
    changed = details.tables[headline][:, COLUMNS["changed"].start]
    clean = np.array([segment.clean for segment in details.segments])
    refused = np.array([isinstance(output, Result) and bool(output.refused) for output in details.outputs[headline]])
    # The last key weighs most.
    order = np.lexsort((np.arange(total), ~refused, -moved, -(changed * clean)))
    return sorted(int(index) for index in order[:most])


def _segments(scores: Scores, set_number: int, indices: Sequence[int]) -> Iterator[dict[str, Any]]:
    details = scores.details
    chosen = np.array(indices, dtype=np.intp)
    names = [name for name in details.tables if name != DO_NOTHING] or [DO_NOTHING]
    ter = {name: details.tables[name][chosen][:, COLUMNS["ter"]] for name in details.tables}
    chrf_scores = {name: chrf(details.tables[name][chosen]) for name in details.tables}
    for place, index in enumerate(indices):
        segment = details.segments[index]
        yield {
            "set": set_number,
            "id": segment.id,
            "n": index,
            "tags": list(segment.tags),
            "clean": segment.clean,
            "source": segment.source,
            "length": float(ter[DO_NOTHING][place, 1]),
            "ter": float(ter[DO_NOTHING][place, 0]),
            "chrf": round(float(chrf_scores[DO_NOTHING][place]), 1),
            "out": {
                name: {
                    "ter": float(ter[name][place, 0]),
                    "chrf": round(float(chrf_scores[name][place]), 1),
                    **_output(segment.source, segment.references, details.outputs[name][index]),
                }
                for name in names
            },
        }


def _output(source: str, references: Sequence[str], output: Result | str) -> dict[str, Any]:
    """The coloured texts of source, output and the nearest reference, and what was refused."""
    text = str(output)
    edits = output.edits if isinstance(output, Result) else word_edits(source, text, "model", "")
    said = isinstance(output, Result)
    reference = min(references, key=lambda given: Levenshtein.distance(words(text), words(given)))
    shown: dict[str, Any] = {"r": _reference_pieces(text, reference)}
    if text != source:
        shown |= {"changed": True, "s": _source_pieces(source, edits, said), "o": _output_pieces(source, edits, said)}
    if isinstance(output, Result) and output.refused:
        shown["refused"] = [
            {
                "by": list(segment.refused_by),
                "text": segment.proposal,
                "p": _proposal_pieces(segment.original, segment.proposal) if segment.proposal else [],
            }
            for segment in output.refused
        ]
    return shown


def _tip(edit: Edit) -> str:
    gone = edit.original.strip() or "nothing"
    come = edit.replacement.strip() or "nothing"
    return f"{edit.kind}: {gone} → {come}. {edit.reason}"


def _source_pieces(source: str, edits: Sequence[Edit], said: bool) -> list[Piece]:
    """The source with what was replaced marked."""
    pieces, cursor = [], 0
    for edit in edits:
        pieces.append((source[cursor : edit.start], "", ""))
        pieces.append((edit.original, f"gone {edit.kind if said else 'other'}", _tip(edit) if said else ""))
        cursor = edit.end
    return _tidied([*pieces, (source[cursor:], "", "")])


def _output_pieces(source: str, edits: Sequence[Edit], said: bool) -> list[Piece]:
    """The output with what is new in it marked; where something was only taken out, a mark stands in its place."""
    pieces, cursor = [], 0
    for edit in edits:
        pieces.append((source[cursor : edit.start], "", ""))
        kind = edit.kind if said else "other"
        if edit.replacement.strip():
            pieces.append((edit.replacement, f"new {kind}", _tip(edit) if said else ""))
        else:
            pieces += [(edit.replacement, "", ""), ("‸", f"cut {kind}", _tip(edit) if said else "")]
        cursor = edit.end
    return _tidied([*pieces, (source[cursor:], "", "")])


def _reference_pieces(output: str, reference: str) -> list[Piece]:
    """The reference with the words marked that the output lacks."""
    return [
        (text, "missing" if kind.startswith("new") else "", "") for text, kind, _ in _pieces_between(output, reference)
    ]


def _proposal_pieces(original: str, proposal: str) -> list[Piece]:
    return [
        (text, "bold" if kind.startswith("new") else "", "") for text, kind, _ in _pieces_between(original, proposal)
    ]


def _pieces_between(before: str, after: str) -> list[Piece]:
    pieces = _output_pieces(before, word_edits(before, after, "model", ""), said=False)
    return [piece for piece in pieces if not piece[1].startswith("cut")]


def _tidied(pieces: Sequence[Piece]) -> list[Piece]:
    """``pieces`` with the white space at the edges of marked ones left unmarked, and without empty ones."""
    tidy: list[Piece] = []
    for text, kind, tip in pieces:
        core = text.strip() if kind else text
        before = text[: text.index(core)]
        tidy += [(before, "", ""), (core, kind, tip), (text[len(before) + len(core) :], "", "")]
    return [piece for piece in tidy if piece[0]]
