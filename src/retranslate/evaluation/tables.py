"""Scores as tables: for a terminal, as Markdown, as CSV, and as HTML for a notebook."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from retranslate.evaluation.figures import FIGURES, METRIC_FIGURES, OVERCORRECTION, REPAIR_FIGURES, Figure
from retranslate.evaluation.statistics import FACTS
from retranslate.evaluation.systems import DO_NOTHING

if TYPE_CHECKING:
    from rich.console import Console

    from retranslate.evaluation.breakdown import Group
    from retranslate.evaluation.results import Comparison
    from retranslate.evaluation.scoring import Scores, SystemScores

NOT_SIGNIFICANT = "~"
NOTE = f"{NOT_SIGNIFICANT} not significantly different from do nothing (p ≥ 0.05)."
# What a breakdown shows.
GROUP_FIGURES = ("ter", "chrf", "precision", "f0.5", "changed", "must", "must_not")


@dataclass(frozen=True)
class Table:
    """Heads and rows of text; the first column names the row, the others are numbers."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(scores: Scores) -> list[Table]:
    """The scores' three tables: nearness to the references, restraint as a repair tool, and what came to harm."""
    return [_metrics(scores), _repair(scores), _facts(scores)]


def _metrics(scores: Scores) -> Table:
    rows = []
    for system in scores.systems:
        cells = []
        for figure in METRIC_FIGURES:
            cell = figure.shown(system.figures[figure.key])
            if figure.key in system.intervals:
                cell += f" ±{system.intervals[figure.key].half:.1f}"
            cells += [cell, gain_shown(scores, system, figure)]
        rows.append((system.name, *cells))
    heads = [head for figure in METRIC_FIGURES for head in (figure.label, "gain")]
    return Table(
        f"{scores.set_name}: {scores.segments - scores.clean:,} damaged segments", ("system", *heads), tuple(rows)
    )


def gain_shown(scores: Scores, system: SystemScores, figure: Figure) -> str:
    """By how much ``system`` is better than doing nothing, marked where that may be chance."""
    gain = gain_of(scores, system, figure)
    if system.name == DO_NOTHING or gain is None:
        return ""
    mark = NOT_SIGNIFICANT if system.is_significant(figure.key) is False else ""
    return f"{gain:+.1f}{mark}"


def gain_of(scores: Scores, system: SystemScores, figure: Figure) -> float | None:
    """The difference to doing nothing, positive where ``system`` is better; None where there is none."""
    ours, base = system.figures[figure.key], scores.systems[0].figures[figure.key]
    return None if ours is None or base is None else figure.better * (ours - base)


def _repair(scores: Scores) -> Table:
    shown = list(REPAIR_FIGURES)
    shown.insert([figure.key for figure in shown].index("changed") + 1, OVERCORRECTION)
    rows = tuple(
        (system.name, *(figure.shown(system.figures[figure.key]) for figure in shown)) for system in scores.systems
    )
    return Table(f"repair, with {scores.clean:,} clean segments", ("system", *(figure.label for figure in shown)), rows)


def _facts(scores: Scores) -> Table:
    rows = []
    for system in scores.systems:
        facts = [f"{_whole(system, f'lost_{fact}')}/{_whole(system, f'invented_{fact}')}" for fact in FACTS]
        terms = f"{system.edits.get('glossary', 0):,}" if system.words_per_second is not None else ""
        time = f"{system.seconds:,.1f} s" if system.seconds is not None else ""
        pace = f"{system.words_per_second:,.0f}" if system.words_per_second is not None else ""
        rows.append((system.name, *facts, terms, f"{sum(system.refusals.values()):,}", time, pace))
    heads = ("system", *FACTS, "terms applied", "refusals", "time", "words/s")
    return Table("facts, lost/invented", heads, tuple(rows))


def _whole(system: SystemScores, key: str) -> str:
    return f"{system.figures[key] or 0:.0f}"


def refusals_shown(system: SystemScores) -> str:
    """The guards that refused, with the number of segments: "names 12, numbers 3"."""
    return ", ".join(f"{guard} {count:,}" for guard, count in system.refusals.items())


def breakdown(scores: Scores) -> Table | None:
    """The headline system's figures and the TER of doing nothing by group; None where there is nothing to break down."""
    if not scores.groups:
        return None
    chosen = [FIGURES[key] for key in GROUP_FIGURES]
    rows = tuple(_group_row(scores, group, chosen) for group in scores.groups)
    heads = ("group", "segments", "TER before", *(figure.label for figure in chosen))
    return Table(f"{scores.headline.name}, by group", heads, rows)


def _group_row(scores: Scores, group: Group, chosen: Sequence[Figure]) -> tuple[str, ...]:
    ours, base = group.figures[scores.headline.name], group.figures[DO_NOTHING]
    label = f"{group.kind} {group.name}" if group.kind == "tag" else group.name
    shown = [figure.shown(ours[figure.key]) for figure in chosen]
    return (label, f"{group.segments:,}", FIGURES["ter"].shown(base["ter"]), *shown)


# --- Markdown, CSV, HTML -------------------------------------------------------------------------------------------


def markdown(scores: Scores) -> str:
    """The tables in Markdown, with what the mark means and the signatures."""
    parts = [_markdown_table(table) for table in tables(scores)]
    return "\n\n".join([*parts, "\n".join(notes(scores))])


def notes(scores: Scores) -> list[str]:
    """The lines under the tables: the mark, what the guards refused, sacrebleu's signatures, the systems' signatures."""
    lines = [NOTE] if any(system.p_values for system in scores.systems) else []
    lines += [f"refused by {system.name}: {refusals_shown(system)}" for system in scores.systems if system.refusals]
    lines += [f"{FIGURES[name].label}: {signature}" for name, signature in scores.signatures.items()]
    return lines


def _markdown_table(table: Table) -> str:
    rule = f"|---|{'---:|' * (len(table.heads) - 1)}"
    lines = [f"**{table.title}**", "", _markdown_row(table.heads), rule]
    return "\n".join([*lines, *(_markdown_row(row) for row in table.rows)])


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def comma_separated(all_scores: Sequence[Scores]) -> str:
    """One line a set, system and group, with every figure at full precision; the group of the damaged segments is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    interval_heads = [f"{figure.key}_{end}" for figure in METRIC_FIGURES for end in ("low", "high")]
    p_heads = [f"{figure.key}_p_{test}" for figure in METRIC_FIGURES for test in ("bootstrap", "randomisation")]
    writer.writerow(["set", "system", "group_kind", "group", "segments", *FIGURES, *interval_heads, *p_heads])
    for scores in all_scores:
        writer.writerows(_csv_rows(scores))
    return text.getvalue()


def _csv_rows(scores: Scores) -> Iterator[list[object]]:
    for system in scores.systems:
        intervals = [system.intervals.get(figure.key) for figure in METRIC_FIGURES]
        ends = [end for found in intervals for end in ((found.low, found.high) if found else ("", ""))]
        p_values = [
            system.p_values.get(figure.key, {}).get(test, "")
            for figure in METRIC_FIGURES
            for test in ("bootstrap", "randomisation")
        ]
        figures = [_cell(system.figures.get(key)) for key in FIGURES]
        yield [scores.set_name, system.name, "", "", scores.segments - scores.clean, *figures, *ends, *p_values]
        for group in scores.groups:
            figures = [_cell(group.figures[system.name].get(key)) for key in FIGURES]
            yield [scores.set_name, system.name, group.kind, group.name, group.segments, *figures]


def _cell(value: float | None) -> object:
    return "" if value is None else value


def html(scores: Scores) -> str:
    """The tables in plain HTML, for a notebook."""
    parts = []
    for table in tables(scores):
        head = "".join(f"<th>{escape(cell)}</th>" for cell in table.heads)
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
        caption = f"<caption>{escape(table.title)}</caption>"
        parts.append(f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    return "".join([*parts, f"<p>{'<br>'.join(map(escape, notes(scores)))}</p>"])


# --- A terminal ----------------------------------------------------------------------------------------------------


def _console(colours: bool | None) -> Console:
    """A console that remembers what it prints; as wide as the terminal, or wide enough where there is none."""
    from rich.console import Console

    here = Console()
    coloured = (here.is_terminal and not here.no_color) if colours is None else colours
    width = here.width if here.is_terminal else 140
    return Console(file=io.StringIO(), force_terminal=coloured, no_color=not coloured, width=width, highlight=False)


def _printed(console: Console) -> str:
    lines = console.file.getvalue().split("\n")  # type: ignore[attr-defined]
    return "\n".join(line.rstrip(" ") for line in lines)


def terminal(scores: Scores, most: int = 5, colours: bool | None = None) -> str:
    """What a reader at a terminal wants: the tables, the breakdown, the ``most`` best and worst segments.

    Coloured where standard output is a terminal and NO_COLOR is not set, unless ``colours`` says otherwise.
    """
    from rich.markup import escape as literal

    console = _console(colours)
    for table in (*tables(scores), breakdown(scores)):
        if table is not None:
            console.print(_rich(table))
    console.print()
    for line in notes(scores):
        console.print(literal(line), style="dim", soft_wrap=True)
    headline = scores.headline
    for title, moves in (
        ("largest wins", scores.wins(headline.name, most)),
        ("largest losses", scores.losses(headline.name, most)),
    ):
        if moves:
            console.print(f"\n[bold]{title} of {literal(headline.name)}[/]")
        for move in moves:
            segment = scores.details.segments[move.index]
            output = str(scores.details.outputs[headline.name][move.index])
            texts = (("source", segment.source), ("output", output), ("reference", segment.references[0]))
            _print_segment(console, segment.id, move.saved, texts)
    return _printed(console)


def terminal_comparison(comparison: Comparison, most: int = 10, colours: bool | None = None) -> str:
    """What moved between two runs: the figures that did, and the segments that moved most."""
    from rich.markup import escape as literal

    console = _console(colours)
    console.print(_rich(_comparison_table(comparison)))
    same = comparison.segments - len(comparison.better) - len(comparison.worse) - comparison.reworded
    console.print(
        f"\n{comparison.segments:,} segments: {len(comparison.better):,} better, {len(comparison.worse):,} worse, "
        f"{comparison.reworded:,} other words at the same TER, {same:,} the same"
    )
    if comparison.remark:
        console.print(f"Note: {literal(comparison.remark)}")
    for title, moved in (("better", comparison.better), ("worse", comparison.worse)):
        if moved[:most]:
            console.print(f"\n[bold]{title}[/]")
        for each in moved[:most]:
            texts = (
                ("source", each.source),
                ("before", each.before),
                ("after", each.after),
                ("reference", each.reference),
            )
            _print_segment(console, each.id, each.saved, texts)
    return _printed(console)


def _comparison_table(comparison: Comparison) -> Table:
    rows = []
    for key, (before, after) in comparison.figures.items():
        figure = FIGURES[key]
        if before is None and after is None:
            continue
        change = None if before is None or after is None else after - before
        verdict = "" if not change or not figure.better else "better" if change * figure.better > 0 else "worse"
        scale = 100 if figure.unit == "share" else 1
        shown = "" if not change else f"{scale * change:+.2f}"
        rows.append((figure.label, figure.shown(before), figure.shown(after), shown, verdict))
    first, second = comparison.systems
    heads = (
        "figure",
        "A" if first == second else f"A: {first}",
        "B" if first == second else f"B: {second}",
        "change",
        "",
    )
    return Table(f"{comparison.set_name}: {first if first == second else f'{first} and {second}'}", heads, tuple(rows))


def _print_segment(console: Console, name: str, saved: float, texts: Sequence[tuple[str, str | None]]) -> None:
    from rich.markup import escape as literal

    console.print(f"[bold]{literal(name)}[/] {-saved:+.0f} TER edits")
    for label, text in texts:
        if text is not None:
            console.print(f"  [dim]{label:9}[/] {literal(text)}", soft_wrap=True)


def _rich(table: Table) -> object:
    from rich.markup import escape as literal
    from rich.table import Table as RichTable

    shown = RichTable(
        title=f"\n{literal(table.title)}", box=None, title_justify="left", title_style="bold", pad_edge=False
    )
    for position, head in enumerate(table.heads):
        cells = max(len(row[position]) for row in table.rows)
        # A head that is wider than its column stands on several lines.
        stacked = head.replace(" ", "\n") if len(head) > cells else head
        shown.add_column(stacked, justify="right" if position else "left", no_wrap=True, header_style="dim")
    for row in table.rows:
        shown.add_row(*map(literal, row))
    return shown
