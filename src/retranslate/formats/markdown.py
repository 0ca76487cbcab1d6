"""Markdown (CommonMark and tables): the text of paragraphs and headings, by markdown-it's blocks and inline rules."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import pairwise
from string import punctuation
from typing import Any

from markdown_it import MarkdownIt, rules_inline
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from retranslate.formats.pieces import WORD, Layout, Piece, scanned, tag

# What is longer, or has more brackets, is no paragraph of prose, and the rules for links would take their time over it.
MAX_PARAGRAPH = 50_000
MAX_BRACKETS = 200
MAX_COLUMNS = 200

_FRONT_MATTER = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*(?=[\r\n])")
_FRONT_MATTER_END = re.compile(r"[\r\n](?:---|\+\+\+|\.\.\.)[ \t]*(?=[\r\n]|\Z)")
_LINE_END = re.compile(r"\r\n?|\n")
_PREFIX = re.compile(r"[ \t>]*")
# The second line of a table. Below a line with another number of columns it makes none, as long as that line stays so.
_TABLE_RULE = re.compile(r"^[|: \t]*-[-|: \t]*$", re.MULTILINE)
_LAST_HASHES = re.compile(r"(?<=[ \t])#+(?=[ \t]*\Z)")
_CLOSING_HASHES = re.compile(r"(?<![ \t])[ \t]+#+[ \t]*$")
# Characters that would be mark-up in another place, and what would open a block at the beginning of a line.
_SPECIAL = re.compile(
    r"(?P<end>(?:(?<![ ])[ ]+)?\n)|(?P<start>(?m:^)(?:\d{1,9}[.)](?=\s|\Z)|[-+=#:>~|]+))"
    r"|(?P<character>[\\`*_\[\]<>|~])"
)

Rule = Callable[[StateInline, bool], bool]


def layout(text: str) -> Layout:
    """Where ``text``, a Markdown document, has paragraphs and headings. Any text is Markdown.

    Code, tables, HTML blocks, front matter, link targets and definitions, and images are left alone; so are paragraphs of
    more than ``MAX_PARAGRAPH`` characters or ``MAX_BRACKETS`` brackets.
    """
    begin = _end_of_front_matter(text)
    env: dict[str, Any] = {}
    tokens = _parser().parse(text[begin:], env)
    starts = [begin, *(match.end() for match in _LINE_END.finditer(text, begin))]
    passages: list[tuple[int, int]] = []
    for before, token in pairwise(tokens):
        # Over a line of dashes stands a heading, or the head of a table of one column.
        if before.markup == "-" and "|" in token.content:
            continue
        if token.type == "inline" and before.type in ("paragraph_open", "heading_open"):
            passages += _located(text, starts, token)
    return Layout(passages, partial(_read, env.get("references", {})), _write)


def _end_of_front_matter(text: str) -> int:
    opened = _FRONT_MATTER.match(text)
    closed = opened and _FRONT_MATTER_END.search(text, opened.end())
    return closed.end() if closed else 0


def _located(text: str, starts: list[int], token: Token) -> Iterator[tuple[int, int]]:
    """Where the content of a block stands in ``text``; nothing where it stands there otherwise than the parser has it."""
    lines = token.content.split("\n")
    if token.map is None or not WORD.search(token.content) or _TABLE_RULE.search(token.content):
        return
    if len(token.content) > MAX_PARAGRAPH or token.content.count("[") > MAX_BRACKETS:
        return
    first = token.map[0]
    begin = end = -1
    for number, line in enumerate(lines, first):
        start = starts[number]
        source = text[start : starts[number + 1] if number + 1 < len(starts) else len(text)].rstrip()
        wanted = line.strip()
        if len(lines) == 1 and not source.endswith(wanted):
            source = _CLOSING_HASHES.sub("", source)
        left = len(source) - len(wanted)
        if not source.endswith(wanted) or (number > first and _PREFIX.sub("", source[:left], count=1)):
            return
        begin = start + left if number == first else begin
        end = start + len(source)
    yield begin, end


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """A parser of blocks that leaves what is in them to :func:`_read`; its inline rules note where they find what."""
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.disable(["inline", "text_join"])
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    for name, rule in _RULES.items():
        parser.inline.ruler.at(name, partial(_noting, name, rule))
    return parser


_RULES: dict[str, Rule] = {
    "escape": rules_inline.escape,
    "backticks": rules_inline.backtick,
    "emphasis": rules_inline.emphasis.tokenize,
    "link": rules_inline.link,
    "image": rules_inline.image,
    "autolink": rules_inline.autolink,
    "html_inline": rules_inline.html_inline,
    "entity": rules_inline.entity,
}


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Tables, without a token for every cell of those that are too wide to be meant."""
    header = state.src[state.bMarks[start] : state.eMarks[start]]
    if header.count("|") <= MAX_COLUMNS or silent or not table(state, start, end, True):
        return table(state, start, end, silent)
    state.line = start
    while state.line < end and not state.isEmpty(state.line):
        state.line += 1
    return True


def _noting(name: str, rule: Rule, state: StateInline, silent: bool) -> bool:
    """Asks ``rule``, and notes in ``state.env`` from where to where it found something."""
    begin = state.pos
    if not rule(state, silent):
        return False
    # The text of an image is parsed by itself: its places are others.
    if silent or len(state.src) != state.env["length"]:
        return True
    if name == "emphasis":
        # Whether these stand for themselves is settled at the end.
        for offset, token in enumerate(state.tokens[begin - state.pos :]):
            token.meta["at"] = begin + offset
    elif name == "link":
        label_end = state.md.helpers.parseLinkLabel(state, begin, True)
        if state.src[label_end : state.pos] in ("]", "][]"):
            # Its words are what the link is found by.
            state.env["found"].append(Piece(begin, state.pos, state.src[begin + 1 : label_end], "fixed"))
        else:
            state.env["found"] += [Piece(begin, begin + 1, "", "opens"), Piece(label_end, state.pos, "", "closes")]
    else:
        state.env["found"].append(_mark(name, begin, state.src[begin : state.pos]))
    return True


def _mark(name: str, begin: int, source: str) -> Piece:
    end = begin + len(source)
    if name == "html_inline":
        return tag(begin, end, source)
    if name == "entity":
        return Piece(begin, end, html.unescape(source), "coded")
    if name == "escape":
        if source[1] == "\n":
            return Piece(begin, end, "\n", "fixed")
        # Before anything but punctuation the backslash stands for itself.
        return (
            Piece(begin, end, source[1:], "coded") if source[1] in punctuation else Piece(begin, end, source, "fixed")
        )
    return Piece(begin, end, "" if name == "image" else source, "fixed")


def _read(references: dict[str, Any], raw: str) -> list[Piece]:
    """The pieces of a paragraph; ``references`` are the link definitions of the document."""
    content, places = _content(raw)
    pieces = []
    cursor = 0
    for mark in sorted(_marks(content, references), key=lambda mark: (mark.start, -mark.end)):
        if mark.start < cursor:  # within what stays as it is
            continue
        pieces += [*scanned(content, cursor, mark.start, _SPECIAL, _special), mark]
        cursor = mark.end
    pieces += scanned(content, cursor, len(content), _SPECIAL, _special)

    def place(position: int) -> int:
        at, there = places[bisect_right(places, (position, len(raw))) - 1]
        return there + position - at

    return [Piece(place(piece.start), place(piece.end), piece.text, piece.kind) for piece in pieces]


def _content(raw: str) -> tuple[str, list[tuple[int, int]]]:
    """A paragraph without what stands before its lines, and where in ``raw`` each of its lines begins."""
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    length = start = 0
    for end in [*_LINE_END.finditer(raw), None]:
        left = _PREFIX.match(raw, start)
        begin = left.end() if left and places else start
        line = raw[begin : end.start() if end else len(raw)]
        places.append((length, begin))
        lines.append(line)
        length += len(line) + 1
        start = end.end() if end else start
    return "\n".join(lines), places


def _marks(content: str, references: dict[str, Any]) -> list[Piece]:
    """The mark-up in ``content``, links, code, emphasis and so on, in no order."""
    env: dict[str, Any] = {"references": references, "length": len(content), "found": []}
    tokens: list[Token] = []
    _parser().inline.parse(content, _parser(), env, tokens)
    found: list[Piece] = env["found"]
    if closing := _LAST_HASHES.search(content):  # would end a heading
        found.append(Piece(*closing.span(), closing.group(), "fixed"))
    for token in tokens:
        if "at" in token.meta and token.type in ("em_open", "strong_open", "em_close", "strong_close"):
            width, opens = len(token.markup), token.nesting > 0
            start = token.meta["at"] - (width - 1 if opens else 0)
            found.append(Piece(start, start + width, "", "opens" if opens else "closes"))
    return found


def _special(match: re.Match[str]) -> Piece:
    start, end = match.span()
    if match["end"] is None:
        return Piece(start, end, match.group(), "fixed")
    return Piece(start, end, "\n", "fixed") if end - start > 2 else Piece(start, end, " ", "space")


def _write(words: str) -> str | None:
    return None if re.search(r"[\\`*_\[\]<>|~]", words) else words
