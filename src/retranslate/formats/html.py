"""HTML: the text of block elements, by the tokens of the WHATWG tokenizer and their places in the source."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from turbohtml import Token, TokenType, tokenize

from retranslate.formats.pieces import Layout, Piece, running, stretches

# Elements whose tags stand within a sentence. All others end it.
_INLINE = frozenset(
    """a abbr acronym b bdi bdo big cite data del dfn em font i ins label mark nobr q rb s small span strike strong sub sup time tt
    u""".split()
)
# Within a sentence too, but what they hold is not language.
_CODE = frozenset("code kbd samp var".split())
_LEFT_ALONE = frozenset(
    """applet audio button canvas datalist iframe listing math noembed noframes noscript object plaintext pre script select style svg
    template textarea title video xmp""".split()
)
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_BLANKS = re.compile(r"[ \t\n\f\r]{2,}|[\t\n\f\r]")


def layout(text: str) -> Layout:
    """Where ``text``, an HTML page or a part of one, has prose. Any text is HTML: broken mark-up is read as browsers do."""
    return Layout(tuple(stretches(_scan(text))), _read, _write)


def _read(raw: str) -> list[Piece]:
    return [piece for piece in _scan(raw) if piece is not None]


def _write(words: str) -> str:
    return html.escape(words, quote=False)


def _scan(text: str) -> Iterator[Piece | None]:
    """The pieces of a page; None wherever a sentence cannot go on."""
    tokens = _tokens(text)
    for start, end, token in tokens:
        tag = token.tag or ""
        if token.type is TokenType.TEXT:
            yield from running(text, start, end, _BLANKS)
        elif token.type is TokenType.CHARACTER_REFERENCE:
            yield Piece(start, end, token.data or "", "coded")
        elif token.type is TokenType.START_TAG and _is_closed_to_repair(token):
            yield _region(start, tag, tokens)
        elif token.type is TokenType.START_TAG and tag in _INLINE:
            yield Piece(start, end, "", "opens")
        elif token.type is TokenType.END_TAG and tag in _INLINE:
            yield Piece(start, end, "", "closes")
        elif token.type is TokenType.COMMENT or tag in ("img", "wbr"):
            yield Piece(start, end, "", "fixed")
        else:
            yield None


def _is_closed_to_repair(token: Token) -> bool:
    tag = token.tag or ""
    if tag in _VOID:
        return False
    if tag in _LEFT_ALONE or tag in _CODE or (token.attr("translate") or "").strip().lower() == "no":
        return True
    return "notranslate" in (token.attr("class") or "").split()


def _region(start: int, name: str, tokens: Iterator[tuple[int, int, Token]]) -> Piece | None:
    """The element ``name`` that begins at ``start`` and stays as it is: a piece of the sentence, or None for a block.

    Takes its tokens, up to the end of the page if it is never closed.
    """
    depth = 1
    texts = []
    inline = name in _INLINE or name in _CODE
    for _, end, token in tokens:
        if token.type in (TokenType.TEXT, TokenType.CHARACTER_REFERENCE):
            texts.append(token.data or "")
        elif token.type in (TokenType.START_TAG, TokenType.END_TAG):
            if token.tag == name:
                depth += 1 if token.type is TokenType.START_TAG else -1
            if depth == 0:
                return Piece(start, end, " ".join("".join(texts).split()), "fixed") if inline else None
            inline = inline and (token.tag in _INLINE or token.tag in _CODE)
    return None


def _tokens(text: str) -> Iterator[tuple[int, int, Token]]:
    """The tokens of ``text`` with the offsets of their start and end. A tag that the text ends in is left out."""
    # Of the same length, so that offsets stay: a carriage return is a line feed or nothing to the tokenizer, and "</>" is no
    # token at all, but an empty comment is one.
    text = text.replace("\r", " ").replace("</>", "<!>")
    cursor = 0
    for token in tokenize(text, resolve_references=False, capture_source=True, capture_attributes=True):
        source = (token.data if token.type is TokenType.TEXT else token.source) or ""
        yield cursor, cursor + len(source), token
        cursor += len(source)
