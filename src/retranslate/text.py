"""Text to segments and back, with exact offsets.

:func:`split` tiles a string: the segments' texts joined are the string, whatever it holds. Lines are never joined or
lost; a sentence never crosses a line end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_SURROGATE = re.compile("[\ud800-\udfff]")

SegmentKind = Literal["sentence", "heading", "dateline", "list", "footer", "blank"]

MAX_HEADING_WORDS = 18
MAX_SENTENCE = 2_000
"""Longer than any sentence that somebody wrote: what has no full stop for so long is cut, since work on a sentence grows
with the square of its length."""
MAX_QUOTATION = 600
PASSAGE = 200_000
"""Characters of a text that are repaired as a whole: ten times a long article. Longer texts go passage by passage."""
MAX_STAMP = 60


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a text: ``text[start:end]`` of the input, character offsets, and what it is.

    ``blank`` segments hold white space and line ends; the marker of a list item is a ``list`` segment of its own and
    its text a ``sentence`` or ``heading``.
    """

    start: int
    end: int
    kind: SegmentKind
    text: str


# White space at the edges, and the invisible marks that cling to it in right-to-left pages.
_EDGE = r"[\s\u00a0\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]*"
_LINE_END = re.compile("\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_LEADING = re.compile(_EDGE)
_EDGE_CHARACTERS = "".join(
    map(chr, [*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF])
)
_LIST_MARKER = re.compile(r"(?:[-*•·▪‣–—►>+#]+|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]|\(?[A-Z]\))[ \t\u00a0]+")
_PLACE = r"[A-Z][\w'’-]+(?:[ ][A-Z][\w'’-]+){0,2}"
_DATELINE = re.compile(
    rf"(?:[A-Z]{{2}}[A-Z.'’ -]{{1,30}}(?:, [A-Z][\w. ]{{1,20}})?(?: \([^()\n]{{1,30}}\))? ?[-–—:]+ "
    rf"|{_PLACE} ?/ ?[^/\n]{{1,30}} ?/ ?|{_PLACE} \([^()\n]{{1,30}}\) ?[-–—:]+ |\[[A-Z][^\]\n]{{1,30}}\] ?[-–—:]? )"
)
_FOOTER = re.compile(
    r"(?:Leave a (?:Reply|comment)|Fill in your details|You are commenting using|Log ?(?:Out|In)\b|Connecting to %s|"
    r"(?:Twitter|Facebook|Google\+?|WordPress\.com)\s(?:picture|photo|account)|Share this|Like this:|"
    r"Related(?: (?:posts|articles|stories|news))?:?$|Read more|Click here|Source:|Copyright (?:©|\(c\)|\d)|©|All rights reserved|"
    r"Follow us|Subscribe|Posted (?:by|in|on)|Filed under|Tags?:|"
    r"Categor(?:y|ies):|History of edits|Date of (?:publication|edit)|Number of (?:readings|visits|views)|"
    r"(?:Name|Email|Website) ?(?:\(required\)|\*)|Notify me of|Home\b.{0,40}[|»>])",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W\d_]+")
_TERMINATOR = re.compile(r"[.!?…]+[\"'”’»)\]]*")
_STRAY_CLOSER = re.compile(r"[ \u00a0]+[\"”’»]+(?=\s|$)")
_STARTER = re.compile(r"[\"'“‘«”(\[]*[ ]?[A-ZÀ-ÖØ-Þ\d]")
_QUOTES = re.compile('["“”]')
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"'“‘-])(?:Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Maj|Capt|Sgt|Cpl|Brig|Adm|Cmdr|Sen|Rep|Gov|Pres|Hon|Rev|Fr|St|Sr|Jr|"
    r"Messrs|Mt|Ft|No|Nos|Art|Sec|Vol|Fig|Inc|Ltd|Co|Corp|Bros|vs|etc|al|e\.g|i\.e|cf|approx|est|dept|Jan|Feb|Mar|Apr|Jun|Jul|Aug|"
    r"Sept?|Oct|Nov|Dec|Mon|Tues?|Wed|Thurs?|Fri|[A-Za-z]|(?:[A-Za-z]\.)+[A-Za-z])$"
)
_MAY_END = re.compile(r"(?:[ap]\.m|(?:[A-Z]\.)+[A-Z]|Inc|Ltd|Co|Corp|etc|Jr|Sr|al|[A-Z])$")
_SENTENCE_OPENER = re.compile(
    r"[\"'“‘(\[]*(?:The|A|An|He|She|It|They|We|I|This|That|These|Those|In|On|At|But|And|However|Meanwhile|For|As|If|When|After|Before|"
    r"His|Her|Its|Their|There|Some|Many|No|Not|Also|According|Earlier|Later)\b"
)

_UNTOUCHABLE = re.compile(
    r"(?P<url>(?:https?|ftp)://[^\s<>\"”“]+|www\.[^\s<>\"”“]+)"
    r"|(?P<email>(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<handle>(?<![\w@])@\w{2,})"
    r"|(?P<hashtag>(?<![\w&#])#\w*[^\W\d]\w*)"
    r"|(?P<code>`[^`\n]+`|%[sd]\b|\{\{[^{}\n]*\}\}|<[A-Za-z/!][^<>\n]{0,200}>)"
)


@dataclass(frozen=True, slots=True)
class Untouchable:
    """A span that no repair may change; ``kind`` is url, email, handle, hashtag or code."""

    start: int
    end: int
    kind: str
    text: str


def untouchables(text: str) -> list[Untouchable]:
    """The urls, e-mail addresses, handles, hashtags and code spans of ``text``, in order."""
    found = []
    for match in _UNTOUCHABLE.finditer(text):
        kind = match.lastgroup or "code"
        content = match.group().rstrip(".,;:!?)'’") if kind == "url" else match.group()
        found.append(Untouchable(match.start(), match.start() + len(content), kind, content))
    return found


def split(text: str) -> list[Segment]:
    """The segments of ``text`` in order; ``"".join(segment.text for segment in split(text)) == text`` for every string."""
    segments: list[Segment] = []
    for start, end, after in _lines(text):
        segments += _split_line(text, start, end)
        if after > end:
            segments.append(Segment(end, after, "blank", text[end:after]))
    return segments


def passages(text: str, size: int = PASSAGE) -> Iterator[str]:
    """``text`` in stretches of at most ``size`` characters, cut after a blank line if there is one, else after a line.

    A longer line stays whole. Joined they are the text, and split one by one they have the segments that it has.
    """
    start = 0
    while len(text) - start > size:
        end = start + size
        blank = text.rfind("\n\n", start, end)
        line = text.rfind("\n", start, end) if blank < 0 else blank + 1
        line = text.find("\n", end) if line < 0 else line
        cut = line + 1 if line >= 0 else len(text)
        yield text[start:cut]
        start = cut
    if start < len(text) or not text:
        yield text[start:]


def _lines(text: str) -> Iterator[tuple[int, int, int]]:
    """Start of each line, end of its text, end of its line mark."""
    start = 0
    for mark in _LINE_END.finditer(text):
        yield start, mark.start(), mark.end()
        start = mark.end()
    if start < len(text):
        yield start, len(text), len(text)


def _split_line(text: str, start: int, end: int) -> Iterator[Segment]:
    leading = _LEADING.match(text, start, end)
    first = leading.end() if leading else start
    last = _trimmed_end(text, first, end)
    if first > start:
        yield Segment(start, first, "blank", text[start:first])
    if last > first:
        yield from _content(text, first, last)
    if end > last:
        yield Segment(last, end, "blank", text[last:end])


def _trimmed_end(text: str, first: int, end: int) -> int:
    while end > first and (text[end - 1].isspace() or text[end - 1] in _EDGE_CHARACTERS):
        end -= 1
    return end


def _content(text: str, start: int, end: int) -> Iterator[Segment]:
    """A line without its outer white space."""
    if _FOOTER.match(text, start, end) or _is_stamp(text, start, end):
        yield Segment(start, end, "footer", text[start:end])
        return
    for pattern, kind in ((_LIST_MARKER, "list"), (_DATELINE, "dateline")):
        prefix = pattern.match(text, start, end)
        if prefix and prefix.end() < end:
            marker_end = _trimmed_end(text, start, prefix.end())
            yield Segment(start, marker_end, kind, text[start:marker_end])  # type: ignore[arg-type]
            yield Segment(marker_end, prefix.end(), "blank", text[marker_end : prefix.end()])
            start = prefix.end()
            break
    pieces = (piece for sentence in _sentences(text, start, end) for piece in _cut_up(text, *sentence))
    for piece_start, piece_end in pieces:
        heading = piece_start == start and piece_end == end and _is_heading(text, start, end)
        yield Segment(piece_start, piece_end, "heading" if heading else "sentence", text[piece_start:piece_end])
        gap_end = _next_start(text, piece_end, end)
        if gap_end > piece_end:
            yield Segment(piece_end, gap_end, "blank", text[piece_end:gap_end])


def _is_stamp(text: str, start: int, end: int) -> bool:
    """A date, a time, a counter: digits and signs with at most three short words, none of them at the end."""
    if end - start > MAX_STAMP or text[end - 1].isalpha():
        return False
    line = text[start:end]
    words = _LETTERS.findall(line)
    return any(map(str.isdigit, line)) and len(words) <= 3 and all(len(word) <= 12 for word in words)


def _is_heading(text: str, start: int, end: int) -> bool:
    # The length goes first: do not count the words of a megabyte to learn that it is no heading.
    short = end - start <= 20 * MAX_HEADING_WORDS and len(text[start:end].split()) <= MAX_HEADING_WORDS
    return short and not _TERMINATOR.search(text, max(start, end - 6), end)


def _next_start(text: str, position: int, end: int) -> int:
    space = _LEADING.match(text, position, end)
    return space.end() if space else position


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence of a line, white space between them left out."""
    quotations = _quotations(text, start, end)
    upcoming = 0
    begin = start
    position = start
    while (terminator := _TERMINATOR.search(text, position, end)) is not None:
        position = terminator.end()
        stray = _STRAY_CLOSER.match(text, position, end)
        while upcoming < len(quotations) and quotations[upcoming][1] <= terminator.start():
            upcoming += 1
        inside = (
            upcoming < len(quotations) and quotations[upcoming][0] < terminator.start() < quotations[upcoming][1] - 1
        )
        if stray is not None and (
            not quotations or (upcoming < len(quotations) and stray.end() == quotations[upcoming][1])
        ):
            position = stray.end()
            inside = False
        following = _next_start(text, position, end)
        if following == position or following >= end or (inside and position < quotations[upcoming][1]):
            continue
        if _ends_sentence(text, begin, terminator, following, end):
            yield begin, position
            begin = position = following
    if begin < end:
        yield begin, end


def _cut_up(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A sentence, in pieces where it is too long: cut at a space, or else beside a word, but in no link and no code."""
    whole = [match.span() for match in _UNTOUCHABLE.finditer(text, start, end)] if end - start > MAX_SENTENCE else []
    upcoming = 0
    while end - start > MAX_SENTENCE:
        cut = _cut(text, start, start + MAX_SENTENCE)
        while upcoming < len(whole) and whole[upcoming][1] <= cut:
            upcoming += 1
        if upcoming < len(whole) and whole[upcoming][0] < cut:
            cut = whole[upcoming][0] if whole[upcoming][0] > start else whole[upcoming][1]
        piece_end = _trimmed_end(text, start, cut)
        yield start, piece_end
        start = _next_start(text, piece_end, end)
    if start < end:
        yield start, end


def _cut(text: str, start: int, limit: int) -> int:
    space = text.rfind(" ", start, limit)
    if space > start:
        return space
    beside = (at for at in range(limit, start, -1) if not (text[at - 1].isalnum() and text[at].isalnum()))
    return next(beside, limit)


def _quotations(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The spans between paired double quotation marks of a line; none at all where the marks do not pair."""
    marks = [match.start() for match in _QUOTES.finditer(text, start, end)]
    if len(marks) % 2:
        return []
    spans = list(zip(marks[::2], [mark + 1 for mark in marks[1::2]], strict=True))
    return [span for span in spans if span[1] - span[0] <= MAX_QUOTATION]


def _ends_sentence(text: str, begin: int, terminator: re.Match[str], following: int, end: int) -> bool:
    opener = text[following : following + 24]
    if not _STARTER.match(opener):
        return False
    if terminator.group()[0] != "." or terminator.group().startswith(".."):
        return True
    before = text[max(begin, terminator.start() - 24) : terminator.start()]
    if not _ABBREVIATION.search(before):
        return True
    return bool(_MAY_END.search(before) and _SENTENCE_OPENER.match(opener))


# --- Characters that are none --------------------------------------------------------------------------------------


def is_unicode(text: str) -> bool:
    """Whether ``text`` has neither halves of surrogate pairs nor bytes that could not be decoded and were escaped so."""
    return _SURROGATE.search(text) is None


def valid(text: str) -> str:
    """``text`` with lone surrogates, which no encoder takes, replaced one for one."""
    return _SURROGATE.sub("\ufffd", text)
