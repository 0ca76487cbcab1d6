"""The story of every sentence in words: what the glossary, the rules and the model did to it, and who refused what."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from retranslate.edits import Result, SegmentResult, Step

_COLOURS = {
    "glossary": "green", "rule": "yellow", "model": "blue", "consistency": "magenta", "refused": "red", "term": "cyan",
    "flag": "cyan", "result": "bold",
}  # fmt: skip
_WIDTH = max(map(len, _COLOURS))


class Line(NamedTuple):
    """A line of the story: who (``source``, ``glossary``, ``rule``, ``model``, ``refused``, ``term``, ``flag``,
    ``consistency``, ``result``), and what."""

    who: str
    what: str


def story(segment: SegmentResult) -> Iterator[Line]:
    """What happened to a segment, in order."""
    yield Line("source", segment.original)
    before = _steps_before_the_model(segment)
    for step in segment.steps[:before]:
        yield from _told(step)
    if segment.proposal is not None:
        yield Line("model", segment.proposal)
    for refused in segment.refusals:
        changes = ", ".join(_change(ours, theirs) for ours, theirs in refused.changes)
        complaints = "; ".join(f"{guard}: {complaint}" for guard, complaint in refused.complaints)
        yield Line("refused", f"{changes} ({complaints})")
    told = {guard for refused in segment.refusals for guard, _ in refused.complaints}
    yield from (Line("refused", _WHOLE.get(guard, guard)) for guard in segment.refused_by if guard not in told)
    for step in segment.steps[before:]:
        yield from _told(step)
    reasons = {edit.reason for step in segment.steps for edit in step.edits}
    for term in segment.terms:
        if term.reason not in reasons:
            readings = " or ".join(f'"{reading}"' for reading in term.readings)
            yield Line("term", f'"{term.found}" = {readings}: {term.outcome} ({term.reason})')
    yield from (Line("flag", flag) for flag in segment.flags)
    yield Line("result", segment.text if segment.text != segment.original else f"{segment.status}, as it was")


def _steps_before_the_model(segment: SegmentResult) -> int:
    """How many of the steps are those that the model's text was made from: the glossary's first, then the rules'."""
    makers = [step.by for step in segment.steps]
    count = int(makers[:1] == ["glossary"])
    return count + int(makers[count : count + 1] == ["rule"])


def _told(step: Step) -> Iterator[Line]:
    if step.by == "rule":
        # Rules move marks and spaces about: what they leave says more than the list of that.
        yield Line("rule", f"{step.text} ({'; '.join(dict.fromkeys(edit.reason for edit in step.edits))})")
    elif step.by != "model":
        for edit in step.edits:
            yield Line(edit.kind, f"{_change(edit.original, edit.replacement)} ({edit.reason})")


_WHOLE = {
    "margin": "what was left of the rewrite reads no better than the sentence as it was (margin)",
    "truncated": "the rewrite came to no end (truncated)",
    "too long": "the sentence is too long for the model (too long)",
    "markup": "what is not here of the repairs would have touched tags or other mark-up (markup)",
}


def _change(ours: str, theirs: str) -> str:
    if ours.strip() and theirs.strip():
        return f'"{ours}" -> "{theirs}"'
    return f'removed "{ours.strip() or ours}"' if len(ours) > len(theirs) else f'added "{theirs.strip() or theirs}"'


def explanation(results: Sequence[tuple[str, Result]], width: int | None = None) -> str:
    """The stories of named results as text: a line each, or, for a terminal of ``width`` columns, wrapped and coloured."""
    return "".join(
        _plain(name, result) if width is None else _for_terminal(name, result, width) for name, result in results
    )


def _plain(name: str, result: Result) -> str:
    lines = [name]
    for number, segment in enumerate(result.segments, start=1):
        lines.append("")
        for line in story(segment):
            place = str(number) if line.who == "source" else ""
            lines.append(f"{place:>4}  {line.who:<{_WIDTH}}  {_on_one_line(line.what)}")
    return "\n".join([*lines, "", result.signature, ""])


def _on_one_line(text: str) -> str:
    return "\\n".join(text.splitlines())


def _for_terminal(name: str, result: Result, width: int) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    screen = Console(file=io.StringIO(), width=width, force_terminal=True, color_system="standard", highlight=False)
    screen.print(Text(name, style="bold"))
    for number, segment in enumerate(result.segments, start=1):
        table = Table.grid(padding=(0, 2))
        for column in ("right", "left", "left"):
            table.add_column(justify=column)
        for line in story(segment):
            style = _COLOURS.get(line.who, "")
            place = str(number) if line.who == "source" else ""
            table.add_row(Text(place), Text(line.who, style=style), Text(_on_one_line(line.what)))
        screen.print()
        screen.print(table)
    screen.print()
    screen.print(Text(result.signature, style="dim"))
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()
