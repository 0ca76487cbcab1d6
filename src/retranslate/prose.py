"""Whether a segment is English prose, which is all that the model may be asked about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retranslate.text import Segment, is_unicode

_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
# Common in English and not words of the neighbouring languages.
_ENGLISH = frozenset(
    "the of and that to with for from by is was were are has have had not this which his their he they it its been will would said at".split()
)
# Those among them that are words of a neighbour too, and the commonest words of the neighbours.
_SHARED = frozenset("of to for by is was are has had he at will not it".split())
_FOREIGN = frozenset(
    """der die das und ist nicht mit ein eine einen den dem des im zu von für auf sich auch wie le la les et est dans une pour que qui du au
    sur pas ne il elle los las del y en es una por con se su lo bir ve bu için ile da ki het een van niet op zijn di che non è och det att
    som av os em um na não jest nie z się że""".split()
)
_CODE = re.compile(
    r"[{}\\|\t]|\(\)|==|=>|</|;$|^(?:def|class|if|for|while)\b.*:$|^(?:import|return|from)\b.*[\[(]|\w\[|\w\([\"']|\w\.\w+\(|\w_\w"
)


def is_prose(segment: Segment, text: str) -> bool:
    """Whether a segment is English prose that the model may be asked about.

    Not so: anything but sentences and headings, fewer than three words, mostly other scripts, other languages, capitals
    only, code, rows of a table, and text that is not valid Unicode.
    """
    if segment.kind not in ("sentence", "heading"):
        return False
    words = text.split()
    letters = _LETTER.findall(text)
    if len(words) < 3 or not letters or len(letters) < 0.5 * len(text.replace(" ", "")):
        return False
    if len(_LATIN.findall(text)) < 0.9 * len(letters) or not any(character.islower() for character in text):
        return False
    if _CODE.search(text) or not is_unicode(text):
        return False
    return _is_english([word.strip(".,;:!?\"'“”’()").lower() for word in words])


def _is_english(words: Sequence[str]) -> bool:
    english = [word for word in words if word in _ENGLISH]
    if not english or (len(words) > 12 and len(english) < len(words) / 16):
        return False
    foreign = sum(word in _FOREIGN for word in words)
    # "Was will der Minister?" has two English words.
    return foreign == 0 or (foreign <= len(english) and not _SHARED.issuperset(english))
