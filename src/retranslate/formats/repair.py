"""A document repaired with its mark-up kept: read its passages, have them corrected all together, put the words back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, get_args

from retranslate.edits import Edit, EditKind, Result, SegmentResult, Status, Step, TermResult, apply
from retranslate.errors import InputError
from retranslate.formats.kinds import Kind, layout_of
from retranslate.formats.pieces import WORD, Layout, Passage, Place

if TYPE_CHECKING:
    from retranslate.corrector import Corrector

# What no mark-up has room for: line ends, control characters, half characters.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
# Where nothing stands on a line, or nothing but marks of quotation: such a line ends a paragraph or a cue.
_EMPTY_LINE = re.compile(r"(?:\r\n|\n|\r(?!\n))[ \t>]*(?=[\r\n])")

# An edit on a passage as it reads, and the same on the passage as it is written.
_Pair = tuple[Edit, Edit]
# A segment of a passage as it reads, and its edits.
_Repair = tuple[SegmentResult, list[Edit]]
_Made = TypeVar("_Made", Edit, _Pair)

MAX_CHECKS = 30
"""How often a passage or document is read again to find which of its repairs it does not bear; what is left then stays."""


def correct(
    corrector: Corrector,
    text: str,
    kind: Kind = Kind.text,
    on_progress: Callable[[int, int], None] | None = None,
    name: str = "text",
) -> Result:
    """The document ``text`` repaired, everything but its words as it was.

    It is corrected as one text, in which a name or a term is the same throughout. Offsets of edits and segments are those
    of the document, ``edits`` applied to it give the result. A repair that cannot be written without touching mark-up is
    not made: the segment is then refused by ``markup``, and keeps no more than the glossary's repairs. ``on_progress`` is called as by :meth:`Corrector.correct_many`. Raises InputError, which
    begins with ``name``, for what cannot be read as ``kind``, and where ``kind`` needs a package that is not installed.
    """
    if kind is Kind.text:
        return corrector.correct_many([text], on_progress)[0]
    read = layout_of(kind)
    try:
        layout = read(text)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    passages = [Passage(text[start:end], layout.read(text[start:end])) for start, end in layout.passages]
    texts = [passage.plain for passage in passages]
    (result,) = corrector.correct_many(["\n".join(texts)], on_progress)
    repairs = list(_by_passage(texts, result))
    fitting = [_fitting(passage, wanted, layout) for passage, wanted in zip(passages, repairs, strict=True)]
    written = [
        [edit.moved(start) for pairs in fit for _, edit in pairs]
        for (start, _), fit in zip(layout.passages, fitting, strict=True)
    ]
    for index in _unbearable(written, lambda edits: _stands(text, layout, edits, read)):
        fitting[index] = [[] for _ in fitting[index]]
    edits: list[Edit] = []
    segments: list[SegmentResult] = []
    for (start, _), passage, wanted, fit in zip(layout.passages, passages, repairs, fitting, strict=True):
        for segment, made in _put_back(passage, wanted, fit):
            edits += [edit.moved(start) for edit in made]
            segments.append(segment.moved(start))
    return Result(text, apply(text, edits), tuple(edits), tuple(segments), corrector.signature)


def _unbearable(units: Sequence[Sequence[_Made]], stands: Callable[[list[_Made]], bool]) -> set[int]:
    """Which of ``units``, the edits of passages or segments, to leave out so that the others together stand; seldom any."""
    found: set[int] = set()
    waiting = [(0, len(units))]
    checks = 0
    while waiting:
        low, high = waiting.pop()
        checks += 1
        together = [edit for unit in units[low:high] for edit in unit]
        if not together or (checks <= MAX_CHECKS and stands(together)):
            continue
        if high - low == 1 or checks > MAX_CHECKS:
            found.update(range(low, high))
        else:
            middle = (low + high) // 2
            waiting += [(middle, high), (low, middle)]
    kept = [edit for index, unit in enumerate(units) if index not in found for edit in unit]
    return found if checks == 1 or stands(kept) else set(range(len(units)))


def _stands(text: str, layout: Layout, edits: list[Edit], read: Callable[[str], Layout]) -> bool:
    """Whether the document with ``edits`` still is the same around its passages."""
    after = apply(text, edits)
    try:
        return list(_around(after, read(after))) == list(_around(text, layout))
    except InputError:
        return False


def _around(text: str, layout: Layout) -> Iterator[str]:
    reached = 0
    for start, end in layout.passages:
        yield text[reached:start]
        reached = end
    yield text[reached:]


def _by_passage(texts: Sequence[str], result: Result) -> Iterator[list[_Repair]]:
    """What ``result``, of the ``texts`` of passages as lines of one, has for each passage, on the passage's offsets."""
    segments, edits = list(result.segments)[::-1], list(result.edits)[::-1]
    start = 0
    for text in texts:
        repairs = []
        while segments and segments[-1].start < start + len(text):
            segment = segments.pop()
            inside = []
            while edits and edits[-1].end <= segment.end:
                inside.append(edits.pop().moved(-start))
            repairs.append((replace(segment, start=segment.start - start, end=segment.end - start), inside))
        yield repairs
        start += len(text) + 1


def _fitting(passage: Passage, repairs: Sequence[_Repair], layout: Layout) -> list[list[_Pair]]:
    """For each segment of the passage the edits that can be made where it is written."""
    fitting = [_fitting_in(passage, segment, edits, layout.write) for segment, edits in repairs]
    for index in _unbearable(fitting, lambda pairs: _holds(passage, pairs, layout)):
        fitting[index] = []
    return fitting


def _put_back(
    passage: Passage, repairs: Sequence[_Repair], fitting: Sequence[list[_Pair]]
) -> Iterator[tuple[SegmentResult, list[Edit]]]:
    """The segments and the edits that are made in them, on the passage as it is written."""
    reached = 0
    for (segment, wanted), pairs in zip(repairs, fitting, strict=True):
        made = [edit for _, edit in pairs]
        start, end = passage.bounds(segment.start, segment.end)
        start = max(min([start, *(edit.start for edit in made)]), reached)
        reached = end = max([end, *(edit.end for edit in made)])
        if start == end:  # it lies in one piece with the end of the segment before
            continue
        yield _as_written(segment, passage.raw, start, end, made, [edit for edit, _ in pairs] == wanted), made


def _as_written(
    segment: SegmentResult, raw: str, start: int, end: int, made: Sequence[Edit], whole: bool
) -> SegmentResult:
    """The segment as it stands in ``raw``, told with the edits that were ``made``; ``whole``: nothing was withheld."""
    original = raw[start:end]
    inside = [edit.moved(-start) for edit in made]
    text = apply(original, inside)
    reasons = {edit.reason for edit in made}
    refused_by = segment.refused_by if whole else (*segment.refused_by, "markup")
    status: Status = "changed" if text != original else "refused" if refused_by else "unchanged"
    return replace(
        segment, start=start, end=end, status=status, original=original, text=text, refused_by=refused_by,
        steps=segment.steps if (original, text) == (segment.original, segment.text) else tuple(_steps(original, inside)),
        terms=tuple(term if whole or term.reason in reasons else _withheld(term) for term in segment.terms),
    )  # fmt: skip


def _steps(original: str, edits: Sequence[Edit]) -> Iterator[Step]:
    """``edits``, all of them on ``original``, as the steps of one maker after the other."""
    done: list[Edit] = []
    for by in get_args(EditKind):
        if mine := [edit for edit in edits if edit.kind == by]:
            moved = [edit.moved(sum(_growth(other) for other in done if other.end <= edit.start)) for edit in mine]
            done += mine
            yield Step(by, tuple(moved), apply(original, done))


def _growth(edit: Edit) -> int:
    return len(edit.replacement) - len(edit.original)


def _withheld(term: TermResult) -> TermResult:
    if term.outcome == "declined":
        return term
    return replace(term, outcome="declined", reason="its repair would have touched mark-up")


def _fitting_in(
    passage: Passage, segment: SegmentResult, edits: Sequence[Edit], write: Callable[[str], str | None]
) -> list[_Pair]:
    """All of the segment's edits as they are written; where one of them cannot be, those that the glossary made first.

    The edits of rules and model belong together: a word that one of them takes away another one puts elsewhere. Those of
    the glossary stand each for itself.
    """
    pairs = _all_written(passage, edits, write)
    if len(pairs) < len(edits) or _parts_words_from_tags(passage, edits):
        terms = [edit for step in segment.steps[:1] if step.by == "glossary" for edit in step.edits]
        pairs = _all_written(passage, [edit.moved(segment.start) for edit in terms], write)
    text = apply(segment.original, [edit.moved(-segment.start) for edit, _ in pairs])
    return pairs if text.strip() and text == text.strip() else []


def _all_written(passage: Passage, edits: Sequence[Edit], write: Callable[[str], str | None]) -> list[_Pair]:
    return [(edit, written) for edit in edits if (written := _written(passage, edit, write)) is not None]


def _written(passage: Passage, edit: Edit, write: Callable[[str], str | None]) -> Edit | None:
    place = passage.place(edit.start, edit.end)
    if place is None or _UNWRITABLE.search(edit.replacement):
        return None
    replacement = _rewrapped(edit, place, write)
    if replacement is None:
        return None
    return replace(
        edit, start=place.start, end=place.end, original=passage.raw[place.start : place.end], replacement=replacement
    )


def _rewrapped(edit: Edit, place: Place, write: Callable[[str], str | None]) -> str | None:
    """The replacement as it is written, each line end that the edit covers at the blank nearest to where it was."""
    text = edit.replacement
    pieces: list[str | None] = []
    cursor = 0
    for offset, raw in place.spaces:
        wanted = offset * len(text) / len(edit.original)
        blanks = [match.start() for match in re.finditer(" ", text[cursor:])]
        if not blanks:
            break
        blank = cursor + min(blanks, key=lambda blank: abs(cursor + blank - wanted))
        pieces += [write(text[cursor:blank]), raw]
        cursor = blank + 1
    pieces.append(write(text[cursor:]))
    return None if None in pieces else "".join(piece for piece in pieces if piece is not None)


def _parts_words_from_tags(passage: Passage, edits: Sequence[Edit]) -> bool:
    """Whether rules and model take all words out of an inline element, such as a link, or put words of elsewhere in their
    place. The glossary may replace them all, for what it puts there means the same."""
    free = [edit for edit in edits if edit.kind in ("rule", "model")]
    touched = {passage.run(edit.start, edit.end) for edit in free if edit.start < edit.end}
    return any(_is_parted(passage.plain, run, free) for run in touched if run is not None)


def _is_parted(plain: str, run: tuple[int, int], edits: Sequence[Edit]) -> bool:
    start, end = run
    words = list(WORD.finditer(plain, start, end))
    if not words or any(_is_kept(word.start(), word.end(), edits) for word in words):
        return False
    inside = [edit for edit in edits if start <= edit.start and edit.end <= end]
    outside = [edit for edit in edits if edit not in inside]
    now = _words(edit.replacement for edit in inside)
    came = now & _words(edit.original for edit in outside)
    went = _words([plain[start:end]]) & _words(edit.replacement for edit in outside)
    return not now or bool(came or went)


def _is_kept(start: int, end: int, edits: Sequence[Edit]) -> bool:
    return not any(edit.start < end and start < edit.end for edit in edits)


def _words(texts: Iterable[str]) -> set[str]:
    return {word.group().lower() for text in texts for word in WORD.finditer(text)}


def _holds(passage: Passage, pairs: Sequence[_Pair], layout: Layout) -> bool:
    """Whether the passage as it would be written still has words and the same mark-up, and reads as it should."""
    raw = apply(passage.raw, [edit for _, edit in pairs])
    if raw == passage.raw:
        return True
    if len(_EMPTY_LINE.findall(raw)) > len(_EMPTY_LINE.findall(passage.raw)):
        return False
    try:
        changed = Passage(raw, layout.read(raw))
    except InputError:  # well-formed no more
        return False
    plain = apply(passage.plain, [edit for edit, _ in pairs])
    reads_alike = changed.plain.split() == plain.split() and any(piece.has_words for piece in changed.pieces)
    return reads_alike and changed.markup == passage.markup
