"""Quotation marks and spaces where they don't belong: codes QT and GL. Pure functions on the text."""

from __future__ import annotations

import random
import re

# Pattern, replacement, how often (0: everywhere). Numbers stay as they are: "in 2014, 25 men" must not become 2014,25.
_SPACES = (
    (r"(?<=\w)([,;])(?= )", r" \1", 0),
    (r"\.$", " .", 0),
    (r"(?<=[^\W\d]), (?=[^\W\d])", ",", 1),
    (r"(?<=[a-z])-(?=[a-z])", " - ", 0),
)


def misplace_quotes(text: str, rng: random.Random) -> str:
    """QT: marks attach to the wrong side: that "we go" -> that" we go; ." -> . " or ."""
    opening, closing = rng.choice((('"', '"'), ('"', '"'), ("”", "”"), ("“", "”"), ("“", '"')))
    parts = re.split('["“”]', text)
    if len(parts) < 2:
        return text
    pieces = [parts[0]]
    style = rng.random()
    for position, part in enumerate(parts[1:]):
        if position % 2 == 0:
            before = pieces.pop()
            if style < 0.5:
                pieces += [before.rstrip() + rng.choice(("", "", ",")) + opening + " ", part.lstrip()]
            elif style < 0.75:
                pieces += [before.rstrip() + " " + opening + " ", part.lstrip()]
            else:
                pieces += [before, opening + part]
        else:
            inside = pieces.pop()
            if style < 0.75 or rng.random() < 0.5:
                # Two pieces of one quotation: the mark clings to the word between them.
                follows = part.lstrip() if re.match(r" [a-z]", part) and rng.random() < 0.5 else part
                pieces += [inside.rstrip() + " " + closing, follows]
            else:
                pieces += [re.sub(r"([.,])$", r" \1", inside) + closing, part]
    return re.sub("  +", " ", "".join(pieces)).strip()


def curl_quotes(text: str) -> str:
    """Straight double quotation marks as curly ones, by turns opening and closing."""
    parts = text.split('"')
    marks = ["“" if position % 2 == 0 else "”" for position in range(len(parts) - 1)]
    return "".join(part + mark for part, mark in zip(parts, [*marks, ""], strict=True))


def misplace_spaces(text: str, rng: random.Random) -> str:
    """GL: a space before a comma, before the full stop or around a hyphen, or none after a comma between words."""
    pattern, replacement, most = rng.choice(_SPACES)
    return re.sub(pattern, replacement, text, count=most)
