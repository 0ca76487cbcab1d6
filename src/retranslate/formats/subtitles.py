"""SubRip and WebVTT: the lines of cues, block by block as the formats are written.

A cue is repaired by itself: its lines together, but never with the cues before and after it, whose times they would
have to share.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import pairwise

from retranslate.errors import InputError
from retranslate.formats.pieces import WORD, Layout, Piece, scanned, tag

_LINE = re.compile(r"([^\r\n]*)(\r\n?|\n|\Z)")
_SRT_TIMES = re.compile(r"\s*\d+:\d+:\d+[,.]\d+\s*-->\s*\d+:\d+:\d+[,.]\d+")
_SPEECH = r"(?=[ \t]*[-–—♪*#])"
# A line that opens with a dash is another speaker's: the lines are not one sentence.
_ARROW_OR_LINE_END = rf"(?P<arrow>-->)|(?:(?<![ \t])[ \t]+)?(?:\r\n?|\n)(?:(?P<turn>{_SPEECH}[ \t]*)|(?P<wrap>[ \t]*))"
_SRT_MARKS = re.compile(
    rf"(?P<tag></?[A-Za-z][^<>\r\n]*>)|(?P<code>\{{[^{{}}\r\n]*\}})|(?P<line>\\[Nnh])|{_ARROW_OR_LINE_END}"
)
_VTT_MARKS = re.compile(rf"(?P<tag><[^<>]*>)|(?P<entity>&(?:#\w+|\w+);)|{_ARROW_OR_LINE_END}")


def srt(text: str) -> Layout:
    """Where ``text``, SubRip subtitles, has words. Raises InputError where it has no line of times at all."""
    lines = [(match.start(1), match.end(1)) for match in _LINE.finditer(text)]
    times = [index for index, (start, end) in enumerate(lines) if _SRT_TIMES.match(text, start, end)]
    if not times and text.strip():
        raise InputError(
            "no line of times such as 00:00:01,000 --> 00:00:02,000: not SubRip; name the format with --as."
        )
    passages: list[tuple[int, int]] = []
    for index, following in pairwise([*times, len(lines)]):
        block = lines[index + 1 : following]
        # The number of the next cue stands before its times.
        if following < len(lines) and block and text[slice(*block[-1])].strip().isdigit():
            block.pop()
        passages += _paragraphs(text, block)
    return Layout(passages, _read_srt, _write_srt)


def vtt(text: str) -> Layout:
    """Where ``text``, WebVTT subtitles, has words; notes and styles are left alone.

    Raises InputError where it does not begin as the format must.
    """
    if text.strip() and not re.match(r"\ufeff?WEBVTT(?:[ \t\r\n]|\Z)", text):
        raise InputError("line 1: not WEBVTT: not such a file; name the format with --as.")
    passages: list[tuple[int, int]] = []
    cue: list[tuple[int, int]] | None = None
    for match in _LINE.finditer(text):
        line = match.group(1)
        if not line or "-->" in line:
            passages += _paragraphs(text, cue or [])
            cue = [] if "-->" in line else None
        elif cue is not None:
            cue.append(match.span(1))
    return Layout([*passages, *_paragraphs(text, cue or [])], _read_vtt, _write_vtt)


def _paragraphs(text: str, lines: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The rows of lines with words, without the empty lines between and such as look like times."""
    row: list[tuple[int, int]] = []
    for start, end in [*lines, (0, 0)]:
        if text[start:end].strip() and "-->" not in text[start:end]:
            row.append((start, end))
            continue
        if row and WORD.search(text, row[0][0], row[-1][1]):
            yield row[0][0], row[-1][1]
        row = []


def _read_srt(raw: str) -> list[Piece]:
    return scanned(raw, 0, len(raw), _SRT_MARKS, _mark)


def _read_vtt(raw: str) -> list[Piece]:
    return scanned(raw, 0, len(raw), _VTT_MARKS, _mark)


def _mark(match: re.Match[str]) -> Piece:
    start, end = match.span()
    kinds = match.groupdict()
    if kinds["tag"]:
        return tag(start, end, match.group())
    if kinds["wrap"] is not None:
        return Piece(start, end, " ", "space")
    if kinds.get("entity"):
        return Piece(start, end, html.unescape(match.group()), "coded")
    if kinds["arrow"]:
        return Piece(start, end, match.group(), "fixed")
    return Piece(start, end, "" if kinds.get("code") else "\n", "fixed")


def _write_srt(words: str) -> str | None:
    return None if re.search(r"[<>{}\\]", words) else words


def _write_vtt(words: str) -> str:
    return html.escape(words, quote=False)
