"""A segment on its way through the steps: what it says by now, and what has been said about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from retranslate.edits import Edit, EditKind, Refused, SegmentResult, Status, Step, TermResult, apply, compose
from retranslate.glossary import Glossary, Match
from retranslate.leftovers import leftovers
from retranslate.text import Segment, untouchables


@dataclass(frozen=True)
class Fix:
    """A glossary match that is to be repaired by the row's ``reading``, and who says so."""

    match: Match
    reading: str
    kind: EditKind
    reason: str

    def edit(self) -> Edit:
        """The repair, on the segment's offsets."""
        return Edit(self.match.start, self.match.end, self.match.found, self.reading, self.kind, self.reason)


@dataclass(frozen=True)
class Leaning:
    """The likeliest ``reading`` of a match, and by how many nats it makes its sentence likelier (``gain``)."""

    reading: str
    gain: float


@dataclass
class Draft:
    """A segment in the making: ``edits``, on the segment's own offsets, lead to ``text``.

    ``fixes``, ``doubts`` and ``hints`` are what the glossary found in the segment: what is to be repaired, rows whose
    context words are absent and words left in letters, rows that are for the model to decide; ``leanings`` what the model thinks of
    them. ``in_garbled_text`` says whether the text around speaks of a machine translation. ``given`` is the text that the
    model was given, ``proposal`` what it wrote, ``candidates`` the texts that the guards let pass, and how each
    came about, ``scores`` what the model thinks of these and of the text as it is.
    """

    segment: Segment
    text: str
    fixes: list[Fix] = field(default_factory=list)
    doubts: list[Match] = field(default_factory=list)
    hints: list[Match] = field(default_factory=list)
    leanings: Mapping[Match, Leaning] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    terms: list[TermResult] = field(default_factory=list)
    in_garbled_text: bool = False
    given: str | None = None
    proposal: str | None = None
    candidates: dict[str, str] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    refusals: list[Refused] = field(default_factory=list)
    refused_by: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """What a reader is told first."""
        if self.text != self.segment.text:
            return "changed"
        return "refused" if self.refused_by else "unchanged"

    def edit(self, by: EditKind, edits: Sequence[Edit]) -> None:
        """Applies ``edits``, which are on the draft's text, and keeps the receipt."""
        if not edits:
            return
        text = apply(self.text, edits)
        self.edits = compose(self.segment.text, self.edits, edits)
        self.text = text
        self.steps.append(Step(by, tuple(edits), text))

    def result(self) -> SegmentResult:
        """The draft as it stands at the end."""
        return SegmentResult(
            self.segment.start, self.segment.end, self.segment.kind, self.status, self.segment.text, self.text,
            self.refused_by, self.proposal, tuple(self.flags), tuple(self.steps), tuple(self.refusals), tuple(self.terms),
        )  # fmt: skip


def drafted(segment: Segment, glossary: Glossary) -> Draft:
    """The segment with what ``glossary`` has to say about it, and with what was left in letters; nothing applied yet."""
    draft = Draft(segment, segment.text)
    if segment.kind == "blank":
        return draft
    protected = [(span.start, span.end) for span in untouchables(segment.text)]
    matches, uncertain = glossary.certain_and_uncertain(segment.text)
    for match in _outside(protected, matches):
        if match.row.mode == "keep":
            draft.kept.append(match.found)
        elif match.row.mode == "forbid" or match.replacement is None:
            draft.flags.append(f"{match.found}: {match.row.note or 'flagged by the glossary'}")
        elif match.row.suggests:
            draft.hints.append(match)
        elif match.replacement != match.found:
            draft.fixes.append(Fix(match, match.replacement, "glossary", because(match)))
    draft.doubts = _outside(protected, uncertain)
    taken = [*protected, *((match.start, match.end) for match in (*matches, *uncertain))]
    draft.doubts += _outside(taken, leftovers(segment.text))
    return draft


def because(match: Match) -> str:
    """The reason for a repair by the match's row."""
    return match.row.note or f"{' | '.join(match.row.wrong)} -> {' | '.join(match.row.right)}"


def _outside(spans: Sequence[tuple[int, int]], matches: Iterable[Match]) -> list[Match]:
    """The matches that share no character with any of ``spans``; the time grows with the text, not with both counts."""
    taken = bytearray(max((end for _, end in spans), default=0))
    for start, end in spans:
        taken[start:end] = b"\1" * (end - start)
    return [match for match in matches if 1 not in taken[match.start : match.end]]
