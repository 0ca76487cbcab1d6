"""Gettext catalogues: the strings after ``msgstr``, line by line as the format is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retranslate.errors import InputError
from retranslate.formats.pieces import Layout, Piece, scanned, stretches, tag

_LINE = re.compile(
    r"[ \t]*(?P<keyword>msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)?[ \t]*"
    r'"(?P<string>[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*)"[ \t]*$'
)
# Between two lines of one string.
_SEAM = r'"[ \t]*(?:\r\n?|\n)[ \t]*"'
_MARKS = re.compile(
    rf"(?P<tag></?[A-Za-z](?:\\.|{_SEAM}|[^<>\"\\\r\n])*>)"
    rf"|(?P<seam>[ ]?{_SEAM})"
    r"|(?P<line>\\[nrvf])"
    r"|(?P<escape>\\(?:[0-7]{1,3}|x[0-9A-Fa-f]+|[^\r\n]))"
    r"|(?P<placeholder>\$?\{\{?[^{}\"\\\r\n]*\}?\}|%\{\w+\}"
    r"|%(?:\(\w+\)|\d+\$)?[-+#0']*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|L|q|j|z|t)?[diouxXeEfFgGaAcspn@%])"
)
_ESCAPES = {"\\t": "\t", '\\"': '"', "\\\\": "\\"}


def layout(text: str) -> Layout:
    """Where ``text``, a PO file, has translations in words. The header and obsolete entries are left alone.

    Raises InputError with the line that is none of a PO file.
    """
    passages = []
    for start, end in _translations(text):
        passages += [(start + left, start + right) for left, right in stretches(_read(text[start:end]))]
    return Layout(tuple(passages), _read, _write)


def _translations(text: str) -> Iterator[tuple[int, int]]:
    """From the first character after the opening quotation mark of each msgstr to the last before its closing one."""
    keyword = ""
    header, unbroken = True, True  # a message that no msgctxt and no msgid names; no comment between its lines
    begin = end = 0
    for number, (start, line) in enumerate(_lines(text), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            unbroken = False
            continue
        match = _LINE.match(line)
        if match is None or not (match["keyword"] or keyword):
            raise InputError(f'line {number}: not a line of a PO file, such as: msgstr "text"; mend it first.')
        if match["keyword"]:
            if keyword.startswith("msgstr"):
                if not header:
                    yield begin, end
                header = header or not match["keyword"].startswith("msgstr")
            keyword = match["keyword"]
            begin, unbroken = start + match.start("string"), True
        if unbroken:
            end = start + match.end("string")
        if not keyword.startswith("msgstr") and (match["string"] or keyword == "msgctxt"):
            header = False
    if keyword.startswith("msgstr") and not header:
        yield begin, end


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in re.split(r"(\r\n?|\n)", text):
        if line not in ("\r\n", "\r", "\n"):
            yield start, line
        start += len(line)


def _read(raw: str) -> list[Piece]:
    return scanned(raw, 0, len(raw), _MARKS, _mark)


def _mark(match: re.Match[str]) -> Piece:
    found, (start, end) = match.group(), match.span()
    if match["tag"]:
        return tag(start, end, found)
    if match["seam"]:
        return Piece(start, end, " " if found.startswith(" ") else "", "space")
    if match["escape"] and found in _ESCAPES:
        return Piece(start, end, _ESCAPES[found], "coded")
    return Piece(start, end, "\n" if match["line"] else found, "fixed")


def _write(words: str) -> str | None:
    if re.search(r"[<>{}]", words) or any(mark["placeholder"] for mark in _MARKS.finditer(words)):
        return None
    return words.replace("\\", "\\\\").replace('"', '\\"')
