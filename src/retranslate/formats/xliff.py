"""XLIFF 1.2 and 2.0: the text of targets, by the events of expat and their places in the source."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from xml.parsers import expat

from retranslate.errors import InputError
from retranslate.formats.pieces import Layout, Piece, running

# Inline elements that stand around words; and halves of such pairs, which read as nothing.
_PAIRED = frozenset("g pc mrk".split())
_HALVES = frozenset("bx ex bpt ept it sc ec sm em".split())
# What stands for a piece of the text that cannot be seen from here; braces keep a sentence from the model.
_STAND_IN = "{}"
_BLANKS = re.compile(r"[ \t\r\n]{2,}|[\t\r\n]")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class _Event:
    """What expat found at the byte ``at``: ``start`` and ``end`` of an element, ``text``, or ``other``."""

    at: int
    what: str
    data: str = ""
    attributes: Any = None


def layout(text: str) -> Layout:
    """Where ``text``, an XLIFF document, has targets in words.

    Targets in alternatives and matches, targets that must not be translated or are final or approved, and CDATA are left
    alone. Raises InputError for XML that is not well-formed and for entities of its own.
    """
    passages = [
        (start, end) for start, end in _targets(text) if any(piece.has_words for piece in _scan(text[start:end]))
    ]
    return Layout(passages, _read, _write)


def _read(raw: str) -> list[Piece]:
    return list(_scan(raw))


def _write(words: str) -> str | None:
    return None if _NOT_XML.search(words) else html.escape(words, quote=False)


def _targets(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of what each target holds that may be repaired, in characters."""
    closed = [False]  # for each open element, whether repair ends at it
    opened: int | None = None
    for start, end, event in _placed(text):
        name = _local(event.data)
        if event.what == "start":
            closed.append(closed[-1] or name in ("alt-trans", "match") or _is_settled(event.attributes))
            if name == "target" and not closed[-1]:
                opened = end
        elif event.what == "end":
            if name == "target" and opened is not None:
                if start > opened:
                    yield opened, start
                opened = None
            closed.pop()


def _is_settled(attributes: dict[str, str]) -> bool:
    return (
        attributes.get("translate") == "no" or attributes.get("state") == "final" or attributes.get("approved") == "yes"
    )


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _scan(content: str) -> Iterator[Piece]:
    """The pieces of a target. Segments marked in it read as lines."""
    shift = len("<target>")
    roles: list[str] = []  # of the open elements: segment, tag, whole (stays as it is), inner (within such a one)
    began = 0
    for start, end, event in list(_placed(f"<target>{content}</target>"))[1:-1]:
        start, end = start - shift, end - shift
        inside = bool(roles) and roles[-1] in ("whole", "inner")
        if event.what == "start":
            roles.append("inner" if inside else _role(event))
            began = start if roles[-1] == "whole" else began
            if roles[-1] in ("segment", "tag"):
                yield Piece(start, end, "", "opens") if roles[-1] == "tag" else Piece(start, end, "\n", "fixed")
        elif event.what == "end":
            role = roles.pop()
            if role == "whole":
                yield Piece(began, end, "" if _local(event.data) in _HALVES else _STAND_IN, "fixed")
            elif role != "inner":
                yield Piece(start, end, "", "closes") if role == "tag" else Piece(start, end, "\n", "fixed")
        elif inside:
            continue
        elif event.what != "text":
            yield Piece(start, end, _STAND_IN if event.what == "cdata" else "", "fixed")
        elif content[start] == "&":
            yield Piece(start, end, event.data, "coded")
        else:
            yield from running(content, start, end, _BLANKS)


def _role(event: _Event) -> str:
    attributes = event.attributes
    if (
        _local(event.data) not in _PAIRED
        or attributes.get("translate") == "no"
        or attributes.get("mtype") == "protected"
    ):
        return "whole"
    return "segment" if attributes.get("mtype") == "seg" else "tag"


def _placed(text: str) -> Iterator[tuple[int, int, _Event]]:
    """What expat finds in ``text``, with the offsets of its start and end in characters."""
    data = text.encode(errors="surrogatepass")
    events = _events(data)
    reached, characters = 0, 0
    for event, following in pairwise([*events, _Event(len(data), "end of file")]):
        start = characters + len(data[reached : event.at].decode())
        characters = start + len(data[event.at : following.at].decode())
        reached = following.at
        yield start, characters, event


def _events(data: bytes) -> list[_Event]:
    """What expat finds in ``data``, in order. Raises InputError with line and column where it stops."""
    parser = expat.ParserCreate("utf-8")
    events: list[_Event] = []
    in_cdata = False

    def note(what: str, data: str = "", attributes: dict[str, str] | None = None) -> None:
        if not in_cdata:
            events.append(_Event(parser.CurrentByteIndex, what, data, attributes))

    def cdata(begins: bool) -> None:
        nonlocal in_cdata
        if begins:
            note("cdata")
        in_cdata = begins

    def refuse(name: str, why: str) -> None:
        raise InputError(
            f"line {parser.CurrentLineNumber}, column {parser.CurrentColumnNumber + 1}: {why} ({name}); "
            "no entity but XML's own is read, for they can blow up or fetch other files: write out what it stands for."
        )

    parser.StartElementHandler = lambda name, attributes: note("start", name, attributes)
    parser.EndElementHandler = lambda name: note("end", name)
    parser.CharacterDataHandler = lambda text: note("text", text)
    parser.CommentHandler = lambda _: note("comment")
    parser.ProcessingInstructionHandler = lambda *_: note("instruction")
    parser.StartCdataSectionHandler = lambda: cdata(True)
    parser.EndCdataSectionHandler = lambda: cdata(False)
    parser.EntityDeclHandler = lambda name, *_: refuse(name, "declares an entity")
    parser.SkippedEntityHandler = lambda name, _: refuse(name, "uses an entity that is declared elsewhere")
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(
            f"line {error.lineno}, column {error.offset + 1}: not well-formed XML: {expat.ErrorString(error.code)}."
        ) from error
    return events
