"""What ``fix`` prints: the repaired text, or one of the other views of a result."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import Literal

from retranslate.edits import Result
from retranslate.explain import explanation
from retranslate.files import Document, json_line

View = Literal["text", "json", "html", "diff", "check", "explain"]


def printed(documents: Sequence[Document], results: Sequence[Result], view: View, terminal: bool) -> bytes:
    """The documents in ``view``, one after the other; coloured where they are for a ``terminal``."""
    pairs = list(zip(documents, results, strict=True))
    named = [(document.name, result) for document, result in pairs]
    if view == "html":
        from retranslate.page import page

        return page(named).encode("utf-8", "replace")
    if view == "explain":
        width = shutil.get_terminal_size().columns if terminal else None
        return explanation(named, width).encode(errors="backslashreplace")
    return b"".join(_printed(document, result, view, terminal) for document, result in pairs)


def _printed(document: Document, result: Result, view: View, terminal: bool) -> bytes:
    if view == "check":
        return os.fsencode(f"{document.name}\n") if result.changed else b""
    if view == "diff":
        diff = result.diff(document.name)
        return (_coloured(diff) if terminal else diff).encode(errors="surrogateescape")
    if view == "json":
        return json_line({"file": document.name, **result.to_dict()})
    return document.encode(result.text)


def is_colourful() -> bool:
    """Whether standard output is a terminal that colours are wanted on."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _coloured(diff: str) -> str:
    colours = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
    lines = diff.split("\n")
    return "\n".join(f"{colours[line[0]]}{line}\x1b[0m" if line[:1] in colours else line for line in lines)
