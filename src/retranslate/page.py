"""A repaired text as a page: what was, what is, by whom and why. One HTML file without scripts or network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from retranslate.edits import Edit, Result, SegmentResult

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True)
class Piece:
    """A stretch of the input: untouched ``text``, or an ``edit``."""

    text: str = ""
    edit: Edit | None = None


@dataclass(frozen=True)
class Marked:
    """A stretch of the input in pieces, with a note where a part of its rewrite was refused."""

    pieces: tuple[Piece, ...]
    note: str = ""


def page(results: Sequence[tuple[str, Result]]) -> str:
    """The page in HTML for named results, one below the other."""
    return _template().render(documents=[_document(name, result) for name, result in results])


def _document(name: str, result: Result) -> dict[str, Any]:
    return {
        "name": name,
        "segments": list(marked(result)),
        "edits": result.edits,
        "refused": result.refused,
        "signature": result.signature,
    }


def marked(result: Result) -> Iterator[Marked]:
    """The whole input in order: its segments, and the white space between them, with their edits.

    The texts and the edits' originals joined are the input.
    """
    cursor = 0
    remaining = list(result.edits)
    for segment in result.segments:
        if segment.start > cursor:
            yield Marked((Piece(result.original[cursor : segment.start]),))
        inside = [edit for edit in remaining if edit.end <= segment.end]
        remaining = remaining[len(inside) :]
        yield Marked(tuple(_pieces(result.original, segment, inside)), _note(segment))
        cursor = segment.end
    if cursor < len(result.original):
        yield Marked((Piece(result.original[cursor:]),))


def _pieces(text: str, segment: SegmentResult, edits: Sequence[Edit]) -> Iterator[Piece]:
    cursor = segment.start
    for edit in edits:
        if edit.start > cursor:
            yield Piece(text[cursor : edit.start])
        yield Piece(edit=edit)
        cursor = edit.end
    if cursor < segment.end:
        yield Piece(text[cursor : segment.end])


def _note(segment: SegmentResult) -> str:
    if not segment.refused_by:
        return ""
    proposal = f"; the model wrote: {segment.proposal}" if segment.proposal else ""
    return f"refused by {', '.join(segment.refused_by)}{proposal}"


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("retranslate", ".")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(
        "page.html.j2"
    )
