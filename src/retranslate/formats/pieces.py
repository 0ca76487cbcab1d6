"""What marked-up text is made of, and where in the file a repair of its words goes.

A format finds the passages of a document (a paragraph, a cue, a message) and reads each into pieces that tile it. What
the pieces read as, joined, is what the corrector sees; :meth:`Passage.place` leads its edits back to the file.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

PieceKind = Literal["plain", "coded", "space", "opens", "closes", "fixed"]

_STANDS_ALONE = re.compile(r"<(?:[!?\d]|(?:br|hr|img|input|wbr)\b)", re.IGNORECASE)
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """``start`` to ``end`` of a passage as it is written, and the ``text`` that it reads as.

    ``plain`` stands for itself, character by character. ``coded`` is written otherwise than it reads (``&eacute;``) and
    replaced as a whole or not at all. ``space`` reads as a blank whatever it holds (a line end and an indent). ``opens``
    and ``closes`` are the tags of an inline element; they read as nothing, and no repair crosses them. ``fixed`` stays:
    code, a placeholder, a line break; or, reading as nothing, a comment or an image.
    """

    start: int
    end: int
    text: str
    kind: PieceKind

    @property
    def has_words(self) -> bool:
        """Whether there is something to repair."""
        return self.kind in ("plain", "coded") and WORD.search(self.text) is not None


@dataclass(frozen=True)
class Layout:
    """Where a document has text that may be repaired, and how that text is written.

    ``passages`` are the character offsets of the passages, in order and apart from each other. ``read`` takes a passage
    as it is written and returns its pieces. ``write`` is the inverse for a few words; None where they cannot be written.
    """

    passages: Sequence[tuple[int, int]]
    read: Callable[[str], list[Piece]]
    write: Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an edit goes in a passage as it is written; ``spaces`` are the offsets in the edited text, and the writing, of
    the ``space`` pieces that it covers."""

    start: int
    end: int
    spaces: tuple[tuple[int, str], ...] = ()


class Passage:
    """A passage: ``raw`` as it is written, ``plain`` as it reads, and the ``pieces`` that say which is which."""

    def __init__(self, raw: str, pieces: Iterable[Piece]) -> None:
        self.raw = raw
        self.pieces: list[Piece] = []
        self._visible: list[int] = []
        self._starts: list[int] = []
        self._tags: list[tuple[int, str]] = []
        texts: list[str] = []
        length, after_space = 0, True
        for piece in pieces:
            if piece.kind == "space" and after_space and piece.text:
                piece = replace(piece, text="")
            if piece.text:
                self._visible.append(len(self.pieces))
                self._starts.append(length)
                after_space = piece.text[-1].isspace()
            elif piece.kind in ("opens", "closes"):
                self._tags.append((length, piece.kind))
            self.pieces.append(piece)
            texts.append(piece.text)
            length += len(piece.text)
        self.plain = "".join(texts)

    @property
    def markup(self) -> list[tuple[PieceKind, str]]:
        """What a repair has to leave as it is, in order."""
        firm = ("opens", "closes", "fixed")
        return [(piece.kind, self.raw[piece.start : piece.end]) for piece in self.pieces if piece.kind in firm]

    def bounds(self, start: int, end: int) -> tuple[int, int]:
        """Where the non-empty stretch ``start`` to ``end`` of ``plain`` stands in ``raw``."""
        first, last = self._at(start), self._at(end - 1)
        return self._left(first, start, loose=True) or 0, self._right(last, end, loose=True) or 0

    def place(self, start: int, end: int) -> Place | None:
        """Where a replacement of ``plain[start:end]`` goes; None where it would break or cross mark-up."""
        if start == end:
            gap = self._gap(start)
            return None if gap is None else Place(gap, gap)
        first, last = self._at(start), self._at(end - 1)
        left, right = self._left(first, start), self._right(last, end)
        covered = self.pieces[self._visible[first] : self._visible[last] + 1]
        if left is None or right is None or any(piece.kind in ("opens", "closes", "fixed") for piece in covered):
            return None
        spaces = [
            (self._starts[index] - start, self.raw[piece.start : piece.end])
            for index in range(first, last + 1)
            if (piece := self.pieces[self._visible[index]]).kind == "space"
        ]
        return Place(left, right, tuple(spaces))

    def run(self, start: int, end: int) -> tuple[int, int] | None:
        """The stretch of ``plain`` between the tags around ``start`` to ``end``, where it lies inside an inline element and
        touches its edge; None for text that no tag holds on to."""
        before = bisect_right(self._tags, start, key=_position) - 1
        after = bisect_left(self._tags, end, key=_position)
        opened = before >= 0 and self._tags[before][1] == "opens"
        closed = after < len(self._tags) and self._tags[after][1] == "closes"
        if not opened and not closed:
            return None
        return (
            self._tags[before][0] if before >= 0 else 0,
            self._tags[after][0] if after < len(self._tags) else len(self.plain),
        )

    def _at(self, position: int) -> int:
        """Which of the visible pieces has the character at ``position`` of ``plain``."""
        return bisect_right(self._starts, position) - 1

    def _left(self, index: int, position: int, loose: bool = False) -> int | None:
        piece = self.pieces[self._visible[index]]
        inside = position - self._starts[index]
        if inside == 0 or piece.kind == "plain":
            return piece.start + inside
        return piece.start if loose else None

    def _right(self, index: int, position: int, loose: bool = False) -> int | None:
        piece = self.pieces[self._visible[index]]
        inside = position - self._starts[index]
        if inside == len(piece.text):
            return piece.end
        if piece.kind == "plain":
            return piece.start + inside
        return piece.end if loose else None

    def _gap(self, position: int) -> int | None:
        """Where something goes in between: outside of the inline elements that end or begin there."""
        index = bisect_left(self._starts, position)
        spot = 0
        if index > 0:
            spot_or_none = self._right(index - 1, position)
            if spot_or_none is None or position < self._starts[index - 1] + len(self._text(index - 1)):
                return spot_or_none
            spot = spot_or_none
        first = self._visible[index - 1] + 1 if index > 0 else 0
        last = self._visible[index] if index < len(self._visible) else len(self.pieces)
        between = self.pieces[first:last]
        closing = [piece.end for piece in between if piece.kind == "closes"]
        if closing or self.plain[:position].strip():
            return closing[-1] if closing else spot
        # A comment before the first word stays before it: after a word it would be of the body of a page.
        leading = [
            piece.end for piece in takewhile(lambda piece: piece.kind != "opens", between) if piece.kind == "fixed"
        ]
        return leading[-1] if leading else spot

    def _text(self, index: int) -> str:
        return self.pieces[self._visible[index]].text


def _position(tag: tuple[int, str]) -> int:
    return tag[0]


def running(text: str, start: int, end: int, blanks: re.Pattern[str]) -> Iterator[Piece]:
    """``text[start:end]`` as plain pieces, with what ``blanks`` finds as spaces."""
    for match in blanks.finditer(text, start, end):
        if match.start() > start:
            yield Piece(start, match.start(), text[start : match.start()], "plain")
        start = match.end()
        yield Piece(match.start(), start, " ", "space")
    if end > start:
        yield Piece(start, end, text[start:end], "plain")


def tag(start: int, end: int, raw: str) -> Piece:
    """The piece that a tag makes: ``<b>`` opens, ``</b>`` closes, ``<br>`` and ``<x/>`` stand for themselves."""
    if raw.startswith("</"):
        return Piece(start, end, "", "closes")
    alone = raw.endswith("/>") or _STANDS_ALONE.match(raw) is not None
    return Piece(start, end, "", "fixed" if alone else "opens")


def stretches(pieces: Iterable[Piece | None]) -> Iterator[tuple[int, int]]:
    """Start and end of each row of pieces that has words; None stands between two rows."""
    row: tuple[int, int] | None = None
    worded = False
    for piece in pieces:
        if piece is None:
            if row is not None and worded:
                yield row
            row, worded = None, False
            continue
        row = (piece.start if row is None else row[0], piece.end)
        worded = worded or piece.has_words
    if row is not None and worded:
        yield row


def scanned(
    text: str, start: int, end: int, marks: re.Pattern[str], read: Callable[[re.Match[str]], Piece]
) -> list[Piece]:
    """The pieces of ``text[start:end]``: what ``marks`` finds as ``read`` makes it, and plain pieces between."""
    pieces = []
    for match in marks.finditer(text, start, end):
        if match.start() > start:
            pieces.append(Piece(start, match.start(), text[start : match.start()], "plain"))
        pieces.append(read(match))
        start = match.end()
    if end > start:
        pieces.append(Piece(start, end, text[start:end], "plain"))
    return pieces
