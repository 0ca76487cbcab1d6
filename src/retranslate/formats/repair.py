"""A document repaired with its mark-up kept: read its passages, have them corrected all together, put the words back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from retranslate.edits import Edit, Result, SegmentResult, Status, apply
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

    Offsets of edits and segments are those of the whole document, ``edits`` applied to it give the result. A repair that
    cannot be written without touching mark-up is not made: the segment is then refused by ``markup``, and keeps no more
    than the glossary's repairs. ``on_progress`` is called as by :meth:`Corrector.correct_many`. Raises InputError, which
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
    results = corrector.correct_many([passage.plain for passage in passages], on_progress)
    fitting = [_fitting(passage, result, layout) for passage, result in zip(passages, results, strict=True)]
    written = [
        [edit.moved(start) for pairs in fit for _, edit in pairs]
        for (start, _), fit in zip(layout.passages, fitting, strict=True)
    ]
    for index in _unbearable(written, lambda edits: _stands(text, layout, edits, read)):
        fitting[index] = [[] for _ in fitting[index]]
    edits: list[Edit] = []
    segments: list[SegmentResult] = []
    for (start, _), passage, result, fit in zip(layout.passages, passages, results, fitting, strict=True):
        for segment, made in _put_back(passage, result, fit):
            edits += [edit.moved(start) for edit in made]
            segments.append(replace(segment, start=segment.start + start, end=segment.end + start))
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


def _fitting(passage: Passage, result: Result, layout: Layout) -> list[list[_Pair]]:
    """For each segment of ``result`` the edits that can be made where it is written."""
    fitting = [
        _fitting_in(passage, segment, edits, layout.write)
        for segment, edits in zip(result.segments, _by_segment(result), strict=True)
    ]
    for index in _unbearable(fitting, lambda pairs: _holds(passage, pairs, layout)):
        fitting[index] = []
    return fitting


def _put_back(
    passage: Passage, result: Result, fitting: Sequence[list[_Pair]]
) -> Iterator[tuple[SegmentResult, list[Edit]]]:
    """The segments of ``result`` and the edits that are made in them, on the passage as it is written."""
    reached = 0
    for segment, wanted, pairs in zip(result.segments, _by_segment(result), fitting, strict=True):
        made = [edit for _, edit in pairs]
        start, end = passage.bounds(segment.start, segment.end)
        start = max(min([start, *(edit.start for edit in made)]), reached)
        reached = end = max([end, *(edit.end for edit in made)])
        if start == end:  # it lies in one piece with the end of the segment before
            continue
        original = passage.raw[start:end]
        text = apply(original, [edit.moved(-start) for edit in made])
        refused_by = segment.refused_by if len(pairs) == len(wanted) else (*segment.refused_by, "markup")
        status: Status = "changed" if text != original else "refused" if refused_by else "unchanged"
        moved = replace(segment, start=start, end=end, original=original, text=text)
        yield replace(moved, refused_by=refused_by, status=status), made


def _by_segment(result: Result) -> Iterator[list[Edit]]:
    """The edits of ``result`` for each of its segments."""
    edits = list(result.edits)[::-1]
    for segment in result.segments:
        inside = []
        while edits and edits[-1].end <= segment.end:
            inside.append(edits.pop())
        yield inside


def _fitting_in(
    passage: Passage, segment: SegmentResult, edits: Sequence[Edit], write: Callable[[str], str | None]
) -> list[_Pair]:
    """All of the segment's edits as they are written; where one of them cannot be, the glossary's alone.

    The edits of rules and model belong together: a word that one of them takes away another one puts elsewhere. Those of
    the glossary stand each for itself.
    """
    pairs = [(edit, written) for edit in edits if (written := _written(passage, edit, write)) is not None]
    if len(pairs) < len(edits) or _parts_words_from_tags(passage, edits):
        pairs = [pair for pair in pairs if pair[0].kind == "glossary"]
    text = apply(segment.original, [edit.moved(-segment.start) for edit, _ in pairs])
    return pairs if text.strip() and text == text.strip() else []


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
    free = [edit for edit in edits if edit.kind != "glossary"]
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
