"""Edits and results: what was changed, where and why, and how to replay it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from rapidfuzz.distance import Levenshtein

from retranslate.errors import InputError
from retranslate.text import SegmentKind

EditKind = Literal["glossary", "rule", "model", "consistency"]
Status = Literal["changed", "unchanged", "refused"]
Outcome = Literal["obeyed", "declined", "lost"]

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_TOKEN = re.compile(r"\w+(?:['’-]\w+)*|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement of ``original`` by ``replacement`` at the character offsets ``start`` to ``end`` of the input."""

    start: int
    end: int
    original: str
    replacement: str
    kind: EditKind
    reason: str

    def moved(self, by: int) -> Edit:
        """The same edit ``by`` characters further on."""
        return replace(self, start=self.start + by, end=self.end + by)


@dataclass(frozen=True, slots=True)
class Step:
    """What one of those who repair did to a sentence: ``edits`` on the text as it was before, and ``text`` after them.

    Unlike the edits of a Result, of which the last one who touched a word is named, steps show everybody's work.
    """

    by: EditKind
    edits: tuple[Edit, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Changes of a rewrite that stand or fall together and were refused.

    ``changes`` are pairs of what the sentence said and what the model wanted; ``complaints`` pairs of a guard's name and
    what it said.
    """

    changes: tuple[tuple[str, str], ...]
    complaints: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TermResult:
    """What became of a glossary row that was not certain.

    ``obeyed``: one of the ``readings`` stands where ``found`` was; ``declined``: ``found`` still stands; ``lost``:
    neither does. ``reason`` says by whom or why.
    """

    found: str
    readings: tuple[str, ...]
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """What became of a segment.

    ``start`` and ``end`` are offsets into the input. ``proposal`` is what the model wrote, where it wrote anything else
    than it was given. ``refused_by`` names the guards that refused it or a part of it; ``status`` is ``refused`` when
    nothing at all was changed because of that.
    ``flags`` are remarks that changed nothing, such as a glossary term that only flags. ``steps`` lead from ``original``
    to ``text``; ``refusals`` are the parts of the proposal that guards refused; ``terms`` the glossary's hints and what
    became of them.
    """

    start: int
    end: int
    kind: SegmentKind
    status: Status
    original: str
    text: str
    refused_by: tuple[str, ...] = ()
    proposal: str | None = None
    flags: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    refusals: tuple[Refused, ...] = ()
    terms: tuple[TermResult, ...] = ()

    def moved(self, by: int) -> SegmentResult:
        """The same segment ``by`` characters further on."""
        return replace(self, start=self.start + by, end=self.end + by)

    def to_dict(self) -> dict[str, Any]:
        """The segment as plain JSON values."""
        plain = asdict(self)
        return {
            **plain,
            "refused_by": list(self.refused_by),
            "flags": list(self.flags),
            "steps": [{**step, "edits": list(step["edits"])} for step in plain["steps"]],
            "refusals": [
                {
                    "changes": [{"original": ours, "replacement": theirs} for ours, theirs in refused.changes],
                    "complaints": [{"guard": guard, "complaint": text} for guard, text in refused.complaints],
                }
                for refused in self.refusals
            ],
            "terms": [{**term, "readings": list(term["readings"])} for term in plain["terms"]],
        }


@dataclass(frozen=True, slots=True)
class Result:
    """A repaired text with the receipt for every edit.

    ``edits`` are sorted, do not overlap, and applied to ``original`` give ``text`` exactly. ``signature`` names the
    model, glossary and settings that made it.
    """

    original: str
    text: str
    edits: tuple[Edit, ...]
    segments: tuple[SegmentResult, ...]
    signature: str

    @classmethod
    def joined(cls, parts: Sequence[Result]) -> Result:
        """The result for a text of which ``parts`` are the results, one after the other; at least one."""
        edits, segments, length = [], [], 0
        for part in parts:
            edits += [edit.moved(length) for edit in part.edits]
            segments += [segment.moved(length) for segment in part.segments]
            length += len(part.original)
        original, text = "".join(part.original for part in parts), "".join(part.text for part in parts)
        return cls(original, text, tuple(edits), tuple(segments), parts[0].signature)

    @property
    def changed(self) -> bool:
        """Whether anything differs from the input."""
        return self.text != self.original

    @property
    def refused(self) -> tuple[SegmentResult, ...]:
        """The segments of whose rewrite a guard refused all or a part."""
        return tuple(segment for segment in self.segments if segment.refused_by)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain JSON values; the schema is in the README."""
        return {
            "text": self.text,
            "edits": [asdict(edit) for edit in self.edits],
            "segments": [segment.to_dict() for segment in self.segments],
            "signature": self.signature,
        }

    def diff(self, name: str = "text") -> str:
        """A unified diff of input and output by lines; empty when nothing changed."""
        # Not splitlines(): to diff and patch, a line ends with a line feed and with nothing else.
        before, after = _LINE.findall(self.original), _LINE.findall(self.text)
        lines = difflib.unified_diff(before, after, f"{name} (garbled)", f"{name} (repaired)")
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

    def __str__(self) -> str:
        return self.text


def apply(text: str, edits: Iterable[Edit]) -> str:
    """``text`` with ``edits`` done. Raises InputError when they overlap or do not fit the text."""
    pieces, cursor = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if not cursor <= edit.start <= edit.end <= len(text) or text[edit.start : edit.end] != edit.original:
            raise InputError(
                f"the edit at {edit.start}-{edit.end} ({edit.original!r}) does not fit the text; "
                "edits replay only on the very text they were made for."
            )
        pieces += [text[cursor : edit.start], edit.replacement]
        cursor = edit.end
    return "".join((*pieces, text[cursor:]))


def tokens(text: str) -> list[str]:
    """Words, white space and single other characters; joined they are ``text``."""
    return _TOKEN.findall(text)


def word_edits(before: str, after: str, kind: EditKind, reason: str) -> list[Edit]:
    """The edits by words that turn ``before`` into ``after``, as few and as short as a Levenshtein alignment gives.

    Neighbours with only white space between them are one edit.
    """
    ours, theirs = tokens(before), tokens(after)
    ours_at, theirs_at = _offsets(ours), _offsets(theirs)
    spans: list[tuple[int, int, int, int]] = []
    for step in Levenshtein.opcodes(ours, theirs):
        if step.tag == "equal":
            continue
        start, end = ours_at[step.src_start], ours_at[step.src_end]
        there, until = theirs_at[step.dest_start], theirs_at[step.dest_end]
        if spans and not before[spans[-1][1] : start].strip():
            start, _, there, _ = spans.pop()
        spans.append((start, end, there, until))
    return [Edit(start, end, before[start:end], after[there:until], kind, reason) for start, end, there, until in spans]


def _offsets(pieces: Sequence[str]) -> list[int]:
    offsets = [0]
    for piece in pieces:
        offsets.append(offsets[-1] + len(piece))
    return offsets


@dataclass
class _Group:
    """Edits that touch: a stretch of the text between the two rounds, and the edits of either round in it."""

    start: int
    end: int
    first: list[Edit]
    second: list[Edit]


def compose(text: str, first: Sequence[Edit], second: Sequence[Edit]) -> list[Edit]:
    """One list of edits on ``text`` with the effect of ``first`` and then, on its outcome, ``second``.

    Edits that touch each other become one, of the kind and with the reason of ``second``, whose word is the last one.
    """
    middle = apply(text, first)
    composed = []
    growth = 0
    for group in _touching(first, second):
        here = sum(len(edit.replacement) - len(edit.original) for edit in group.first)
        start, end = group.start - growth, group.end - growth - here
        inner = [edit.moved(-group.start) for edit in group.second]
        replacement = apply(middle[group.start : group.end], inner)
        decided = (group.second or group.first)[0]
        if text[start:end] != replacement:
            composed.append(Edit(start, end, text[start:end], replacement, decided.kind, decided.reason))
        growth += here
    return composed


def _touching(first: Sequence[Edit], second: Sequence[Edit]) -> list[_Group]:
    spans: list[tuple[int, int, int, Edit]] = []
    growth = 0
    for edit in sorted(first, key=lambda edit: edit.start):
        start = edit.start + growth
        spans.append((start, start + len(edit.replacement), 0, edit))
        growth += len(edit.replacement) - len(edit.original)
    spans += [(edit.start, edit.end, 1, edit) for edit in second]
    groups: list[_Group] = []
    for start, end, round_, edit in sorted(spans, key=lambda span: span[:3]):
        if not groups or start > groups[-1].end:
            groups.append(_Group(start, end, [], []))
        groups[-1].end = max(groups[-1].end, end)
        (groups[-1].second if round_ else groups[-1].first).append(edit)
    return groups
