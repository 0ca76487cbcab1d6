"""Arabic words that the machine left in letters: "the pupils came Bhafilat" (bi-hafilat, by bus).

A word came out so that a translator of the time did not know, most often since a particle was glued to it: *al-* (the),
*b-* (in, by, with), *l-* (for, to), *w-* (and). Arabic writes its consonants and its long vowels; the short ones are the
machine's guess. So a leftover is read back by taking the particle off and comparing what remains with the words of an Arabic
lexicon: the consonants have to be the same, and a long vowel that Arabic writes has to be there. What is found is a doubt
like those of the glossary: the model says what fits the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise, product
from typing import NamedTuple

from retranslate import morphology
from retranslate.counterparts import DATA, table_lines
from retranslate.glossary import Match
from retranslate.glossary_file import Row
from retranslate.lexicon import FUNCTION_WORDS, TITLES, is_dictionary_word, is_reporting

READINGS = 12
"""How many readings of a leftover are offered at most."""

_TABLE = "arabic.tsv"
# The whole path: a glossary of the user's may have that name too.
_SOURCE = str(DATA / _TABLE)
_SHORTEST = 5
_WORD = re.compile(r"(?<![\w'’.@/-])[A-Za-z][a-z]+(?![\w'’@/-])")


def leftovers(sentence: str) -> Iterator[Match]:
    """The leftovers of ``sentence``, in order, as matches of rows that nothing speaks for yet; none that may be a name.

    >>> [match.alternatives[0] for match in leftovers("The prices of Almhasil rose.")]
    ['the crops']
    """
    opening = len(sentence) - len(sentence.lstrip())
    for match in _WORD.finditer(sentence):
        word = match.group()
        found = _read(word) if len(word) >= _SHORTEST else None
        if found and not (found.like_a_name and _may_be_a_name(sentence, match.start(), match.end())):
            arabic, readings = found.arabic, found.readings
            if match.start() == opening:
                readings = tuple(reading[0].upper() + reading[1:] for reading in readings)
            row = Row((word,), readings, "hint", note=f"{arabic}, left in letters", source=_SOURCE)
            yield Match(match.start(), match.end(), word, readings, row)


def is_leftover(match: Match) -> bool:
    """Whether the match is one of a leftover, not of a row of the glossary."""
    return match.row.source == _SOURCE


_LAST = re.compile(r"[\w.’'-]+\Z")
_BEHIND = re.compile(r" ([\w’'-]+)")


def _may_be_a_name(sentence: str, start: int, end: int) -> bool:
    """Whether the word stands beside a title, a verb of saying or another name, where leftovers are rare and names are not."""
    if sentence[start].islower():
        return False
    behind = _BEHIND.match(sentence, end)
    if behind and _goes_with_names(behind.group(1)):
        return True
    # The one word before, and not all that is before it: a sentence may be long.
    space = start - 1
    before = _LAST.search(sentence[sentence.rfind(" ", 0, space) + 1 : space]) if sentence[space:start] == " " else None
    return before is not None and _goes_with_names(before.group())


def _goes_with_names(word: str) -> bool:
    low = word.lower()
    if low in FUNCTION_WORDS and not is_reporting(low):
        return False
    return low in TITLES or is_reporting(low) or (word[0].isupper() and not is_dictionary_word(low))


# --- Particles -------------------------------------------------------------------------------------------------------

# What a particle says, around the word that it is glued to; the likeliest first.
_SAYS: Mapping[str, tuple[str, ...]] = {
    "al": ("the {}", "{}"),
    "b": ("in {a}", "with {a}", "by {a}", "of {a}", "{a}"),
    "bal": ("in the {}", "with the {}", "by {}", "of {}", "in {}", "the {}", "{a}"),
    "l": ("for {a}", "to {a}", "of {a}"),
    "lil": ("for the {}", "to the {}", "of the {}", "for {}"),
    "kal": ("like the {}", "as {}"),
    "w": ("and {}", "and {a}"),
    "wal": ("and the {}", "and {}"),
    "wb": ("and in {a}", "and with {a}", "and by {}"),
    "wbal": ("and in the {}", "and with the {}", "and by {}"),
    "wlil": ("and for the {}", "and to the {}"),
}

_WITH_ARTICLE = frozenset({"al", "bal", "lil", "kal", "wal", "wbal", "wlil"})
_IN_NAMES = frozenset({"al", "b", "l", "w"})
"""What a name may begin with: "al-", and what only looks like a particle. No name begins with "bal-"."""

# How each is spelt. The article takes on the consonant that follows it ("Attafjir").
_SPELT: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), particle)
    for pattern, particle in (
        (r"[aeu]l", "al"),
        (r"a(?=([tdrszn])\1)", "al"),
        (r"b[aei]?", "b"),
        (r"b[aei]{0,3}l", "bal"),
        (r"l[aei]?", "l"),
        (r"l[ie]?ll?", "lil"),
        (r"k[aei]?l", "kal"),
        (r"wa?", "w"),
        (r"wa?l", "wal"),
        (r"wa?b[aei]?", "wb"),
        (r"wa?b[aei]{0,3}l", "wbal"),
        (r"wa?l[ie]?l", "wlil"),
    )
)

# --- Letters ---------------------------------------------------------------------------------------------------------

_FEMININE = "E"
"""The ending that is written at the end of feminine nouns and heard as "a"."""

# The consonants that a Latin spelling may stand for; what sounds alike to an English ear is one.
_LATIN: Mapping[str, tuple[str, ...]] = {
    "b": ("b",), "t": ("t",), "th": ("T", "z"), "j": ("j",), "g": ("j", "g"), "gu": ("j", "g"), "dj": ("j",),
    "h": ("h",), "kh": ("x",), "ch": ("S",), "d": ("d",), "dh": ("z", "d"), "r": ("r",), "z": ("z",),
    "s": ("s",), "sh": ("S",), "f": ("f",), "v": ("f",), "q": ("k",), "k": ("k",), "l": ("l",), "m": ("m",),
    "n": ("n",), "gh": ("g",), _FEMININE: (_FEMININE,),
}  # fmt: skip
_ARABIC: Mapping[str, str] = {
    "ب": "b", "ت": "t", "ث": "T", "ج": "j", "ح": "h", "خ": "x", "د": "d", "ذ": "z", "ر": "r", "ز": "z", "س": "s",
    "ش": "S", "ص": "s", "ض": "d", "ط": "t", "ظ": "z", "غ": "g", "ف": "f", "ق": "k", "ك": "k", "ل": "l", "م": "m",
    "ن": "n", "ه": "h", "ة": _FEMININE,
}  # fmt: skip
# The long vowels, and how they may be spelt.
_LONG: Mapping[str, str] = {"ا": "ae", "آ": "a", "ى": "ae", "و": "uow", "ي": "iey"}

_TWO_LETTERS = re.compile("(th|dj|kh|ch|dh|sh|gh)")
_CONSONANT = re.compile(f"{_TWO_LETTERS.pattern}|gu(?=[ei])|[btjghdrzsfvqklmn{_FEMININE}]")
_FEMININE_ENDINGS = ("ah", "eh", "h", "a", "e")
_OTHER_LETTERS = re.compile("[px]|c(?!h)")
_ONE_SHORT_VOWEL = re.compile("[aeiouy]?|ou|ei|ae")


@dataclass(frozen=True)
class _Entry:
    """A word of the lexicon: its consonants, the long vowels that it writes before, between and behind them, its readings."""

    arabic: str
    consonants: str
    long_vowels: tuple[tuple[str, ...], ...]
    readings: tuple[str, ...]

    @property
    def weight(self) -> int:
        """How much of the word is written: a match with more of it is better founded."""
        return sum(map(len, self.long_vowels))

    @property
    def is_short(self) -> bool:
        """Whether a chance likeness is to be feared: less than a root of three consonants."""
        return len(self.consonants.removesuffix(_FEMININE)) < 3


class _Reading(NamedTuple):
    """What a word may be in Arabic and in English, and whether it is built like a name ("Alkhatib")."""

    arabic: str
    readings: tuple[str, ...]
    like_a_name: bool


@lru_cache(maxsize=100_000)
def _read(word: str) -> _Reading | None:
    """The Arabic words that ``word`` may be, and what they say in English; None where it is no leftover."""
    low = word.lower()
    if _OTHER_LETTERS.search(low) or low in _known_names() or is_dictionary_word(low):
        return None
    found = [
        (entry, particle)
        for spelling, particle in _SPELT
        if (glued := spelling.match(low))
        for entry in _entries(low[glued.end() :])
        if particle in _WITH_ARTICLE or not entry.is_short
    ]
    if not found:
        return None
    best = max(entry.weight for entry, _ in found)
    found = [(entry, particle) for entry, particle in found if entry.weight == best]
    # All readings in their likeliest frame before any in the next one.
    framed = [
        [_framed(frame, reading) for frame in _SAYS[particle]]
        for entry, particle in found
        for reading in entry.readings
    ]
    turns = (frames[turn] for turn in range(max(map(len, framed))) for frames in framed if turn < len(frames))
    arabic = " or ".join(dict.fromkeys(entry.arabic for entry, _ in found))
    return _Reading(
        arabic, tuple(islice(dict.fromkeys(turns), READINGS)), any(particle in _IN_NAMES for _, particle in found)
    )


def _framed(frame: str, reading: str) -> str:
    """The reading with what the particle says, and an article where it can have one."""
    counted = morphology.plain_noun(reading) == "NN"
    return frame.format(reading, a=f"{morphology.indefinite_article(reading)} {reading}" if counted else reading)


def _entries(stem: str) -> Iterator[_Entry]:
    """The words of the lexicon that ``stem`` may be."""
    feminine = (stem.removesuffix(ending) + _FEMININE for ending in _FEMININE_ENDINGS if stem.endswith(ending))
    for consonants, vowels in (parted for spelt in (stem, *feminine) for parted in _parted(spelt)):
        for skeleton in product(*(_LATIN[consonant] for consonant in consonants)):
            for entry in _lexicon().get("".join(skeleton), ()):
                # A short vowel at the end is not spelt.
                if all(map(_fits, entry.long_vowels, vowels)) and (entry.long_vowels[-1] or not vowels[-1]):
                    yield entry


def _parted(stem: str) -> Iterator[tuple[list[str], list[str]]]:
    """The consonants of ``stem``, a doubled one once, and the vowels before, between and behind them.

    What may be one consonant or two ("sh") is taken both ways.
    """
    pieces = (
        (piece, "|".join(piece)) if _TWO_LETTERS.fullmatch(piece) else (piece,) for piece in _TWO_LETTERS.split(stem)
    )
    for spelt in map("".join, product(*pieces)):
        consonants: list[str] = []
        vowels: list[str] = []
        end = 0
        for match in _CONSONANT.finditer(spelt):
            between = spelt[end : match.start()].strip("|")
            end = match.end()
            if between or not consonants or consonants[-1] != match.group():
                consonants.append(match.group())
                vowels.append(between)
        yield consonants, [*vowels, spelt[end:]]


def _fits(written: tuple[str, ...], spelt: str) -> bool:
    """Whether vowels ``spelt`` so may be the ``written`` long ones, each as the letters that it may be spelt with."""
    if not written:
        return bool(_ONE_SHORT_VOWEL.fullmatch(spelt))
    at = 0
    for letters in written:
        at = next((place + 1 for place in range(at, len(spelt)) if spelt[place] in letters), -1)
        if at < 0:
            return False
    return True


# --- The tables ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _lexicon() -> Mapping[str, tuple[_Entry, ...]]:
    """The words of the lexicon by their consonants."""
    found: dict[str, list[_Entry]] = {}
    for line in table_lines(_TABLE):
        arabic, english = line.split("\t")
        # The ending of the feminine is a "t" before another noun.
        for written in dict.fromkeys((arabic, re.sub("ة$", "ت", arabic))):
            consonants, vowels = _written(written)
            entry = _Entry(arabic, consonants, vowels, tuple(english.split("|")))
            if not entry.is_short or len(consonants) + entry.weight >= 4:
                found.setdefault(consonants, []).append(entry)
    return {consonants: tuple(entries) for consonants, entries in found.items()}


def _written(arabic: str) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """The consonants of an Arabic word, a doubled one once, and the long vowels before, between and behind them."""
    consonants = ""
    vowels: list[list[str]] = [[]]
    for before, letter in pairwise(f" {arabic}"):
        # What is written for a vowel that opens the word is spelt in any way.
        if letter in _LONG and not (letter == "ا" and before == " "):
            vowels[-1].append(_LONG[letter])
        elif letter in _ARABIC and _ARABIC.get(before) != _ARABIC[letter]:
            consonants += _ARABIC[letter]
            vowels.append([])
    return consonants, tuple(map(tuple, vowels))


@lru_cache(maxsize=1)
def _known_names() -> frozenset[str]:
    """Words of fluent news that would be read as leftovers."""
    return frozenset(table_lines("no_leftovers.txt"))
