"""The formats by name and by file ending."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from retranslate.errors import InputError

if TYPE_CHECKING:
    from retranslate.formats.pieces import Layout


class Kind(StrEnum):
    """What a document is written in."""

    text = "text"
    html = "html"
    markdown = "markdown"
    srt = "srt"
    vtt = "vtt"
    xliff = "xliff"
    po = "po"


_ENDINGS = {
    ".html": Kind.html, ".htm": Kind.html, ".xhtml": Kind.html, ".md": Kind.markdown, ".markdown": Kind.markdown,
    ".srt": Kind.srt, ".vtt": Kind.vtt, ".xlf": Kind.xliff, ".xliff": Kind.xliff, ".po": Kind.po,
}  # fmt: skip
_LAYOUTS = {
    Kind.html: "html.layout", Kind.markdown: "markdown.layout", Kind.srt: "subtitles.srt", Kind.vtt: "subtitles.vtt",
    Kind.xliff: "xliff.layout", Kind.po: "po.layout",
}  # fmt: skip


def kind_of(name: str) -> Kind:
    """The kind that the ending of a file's name tells; plain text for all other endings."""
    return _ENDINGS.get(PurePath(name.lower()).suffix, Kind.text)


def layout_of(kind: Kind) -> Callable[[str], Layout]:
    """The function that finds the passages of a document of this kind; any but plain text.

    Raises InputError where a package that it needs is not installed.
    """
    module, _, function = _LAYOUTS[kind].partition(".")
    try:
        # Parsers are loaded when they are asked for.
        return cast("Callable[[str], Layout]", getattr(import_module(f"retranslate.formats.{module}"), function))
    except ModuleNotFoundError as error:
        raise InputError(f"{kind} needs {error.name}; install the extra: pip install '.[formats]'.") from error
