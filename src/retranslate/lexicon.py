"""The small closed classes of English words that the guards ask about, and how they cut a text into words."""

from __future__ import annotations

import re
from functools import lru_cache

from retranslate import morphology

# A full stop joins figures and single letters ("3.5", "U.S"), not the words of two sentences that were glued together.
WORD = re.compile(r"[^\W_]+(?:['’&-][^\W_]+|(?<=\d)\.\d+|(?<=\b[^\W\d_])\.[^\W\d_](?![^\W_]))*")
POSSESSIVE = re.compile(r"['’]s?$")

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
NUMBER_WORDS = {word: str(value) for value, word in enumerate(_UNITS)} | {
    word: str(10 * value) for value, word in enumerate(_TENS, start=2)
}
MAGNITUDES = frozenset(
    {"hundred", "thousand", "million", "billion", "trillion", "dozen", "half", "quarter", "double", "percent"}
)
MAGNITUDE_FORMS = {form: word for word in MAGNITUDES for form in (word, f"{word}s")} | {
    "halves": "half",
    "doubled": "double",
}
ORDINALS = frozenset("first second third fourth fifth sixth seventh eighth ninth tenth".split())

DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
MONTHS = frozenset("january february march april may june july august september october november december".split())
RELATIVE_DAYS = frozenset({"today", "yesterday", "tomorrow", "tonight"})
DATE_WORDS = DAYS | MONTHS | RELATIVE_DAYS

NEGATORS = frozenset(
    "only except not no never none neither nor nobody nothing nowhere without cannot hardly unable".split()
)
FUNCTION_WORDS = frozenset(
    """a an the this that these those he she it they we you i him her them us me his hers its their theirs our my your mine ours
    who whom whose which what where when why how there here and or but nor so yet if because although though while whereas since
    unless until than as of in on at by for from to into onto upon with within without between among against about over under
    above below after before during through across along around near off out up down toward towards via per is are was were be
    been being am has have had having do does did done doing will would shall should can could may might must not no also too
    very just only even still already again then thus therefore however both either neither each every all any some such own
    same other others another more most less least much many few s t said say says saying one it's himself herself itself
    themselves where whereby whether amid despite like except including according due because's now""".split()
)
PREPOSITIONS = frozenset(
    """of in on at by for from to into onto upon with within without between among against about over under above below after
    before during through across along around near off toward towards via per amid despite like except until since as""".split()
)
DETERMINERS = frozenset(
    "a an the this that these those his her its their our my your some any all each every no".split()
)
AUXILIARIES = frozenset(
    "is are was were be been being am has have had having do does did will would shall should can could may might must".split()
)
FORMS_OF_BE = frozenset("is are was were be been being am".split())

REPORTING = frozenset(
    """say tell add note state announce explain stress confirm affirm declare reveal indicate point emphasize emphasise continue
    report warn claim insist mention assure believe argue clarify remark assert describe show""".split()
)
LIGHT = frozenset(
    "make take get give go come put be have do let thing matter place carry hold conduct well during following".split()
)
"""Words without content of their own: in a rewrite they may come and go."""

TITLES = frozenset(
    """president minister premier chancellor secretary undersecretary governor mayor ambassador envoy consul king queen prince
    princess emir sheikh sultan pope imam ayatollah general major colonel captain lieutenant brigadier sergeant commander admiral
    marshal judge prosecutor speaker chairman director spokesman spokeswoman adviser advisor mp lawmaker senator deputy vice
    doctor dr professor engineer mr mrs ms sir lord lady rapporteur""".split()
)
"""Posts, ranks and forms of address."""
TITLE_QUALIFIERS = frozenset("former ex acting interim caretaker designate elect deputy vice assistant under".split())
"""What stands before a title and makes another post of it."""


def _bare(word: str) -> str:
    return POSSESSIVE.sub("", word.lower()) or word


@lru_cache(maxsize=4_000)
def words(text: str) -> tuple[str, ...]:
    """The words of ``text`` in lower case, possessive endings off."""
    return tuple(_bare(match.group()) for match in WORD.finditer(text))


NUMBER = rf"\d+|{'|'.join(NUMBER_WORDS)}"
"""The pattern of a number without a fraction, in figures or in one word, for a group of its own."""
_AGE = re.compile(
    rf"(?<!-)\b(?:amounting )?(?:(?:at|of) )?(?:the )?aged?(?: of)?[ -]({NUMBER})(?: years?)?\b(?:[ -]old\b)?(?![,.-]\d)"
    rf"|(?<![-,.])\b({NUMBER})[ -]{{1,2}}years?(?:[ -]olds?\b| of age\b)",
    re.IGNORECASE,
)


@lru_cache(maxsize=4_000)
def without_ages(text: str) -> str:
    """``text`` with the number alone where it says how old somebody is: "aged 60", "60-year-old", "60 years old".

    >>> without_ages("A 60-year-old guard and a clerk aged 43 years.")
    'A 60 guard and a clerk 43.'
    """
    return _AGE.sub(_age, text)


def ages(text: str) -> frozenset[str]:
    """How old somebody is said to be, in figures."""
    return frozenset(in_figures(_age(match)) for match in _AGE.finditer(text))


def _age(match: re.Match[str]) -> str:
    return match[1] or match[2]


def in_figures(number: str) -> str:
    """A number of one word as a figure; a figure as it is."""
    return NUMBER_WORDS.get(number.lower(), number)


def is_count(word: str) -> bool:
    """Whether a word in lower case is a number word or begins with a figure."""
    return word in NUMBER_WORDS or word[:1].isdigit()


@lru_cache(maxsize=4_000)
def spelt_words(text: str) -> tuple[str, ...]:
    """The words of ``text`` as they are written, possessive endings off."""
    return tuple(POSSESSIVE.sub("", match.group()) or match.group() for match in WORD.finditer(text))


_PIECE = re.compile(rf"{WORD.pattern}|[^\w\s]")
BREAKS = frozenset(',;:.()[]"“”!?—–')


@lru_cache(maxsize=4_000)
def pieces(text: str) -> tuple[str, ...]:
    """The words of ``text`` as :func:`words` has them, and its punctuation marks, in order."""
    return tuple(_bare(match.group()) for match in _PIECE.finditer(text))


@lru_cache(maxsize=100_000)
def is_reporting(word: str) -> bool:
    """Whether ``word`` is a form of a verb of saying."""
    return bool(morphology.lemmas(word) & REPORTING)


@lru_cache(maxsize=100_000)
def is_dictionary_word(word: str) -> bool:
    """Whether ``word`` in lower case is an ordinary English word."""
    low = word.lower()
    if low in FUNCTION_WORDS or low in NUMBER_WORDS:
        return True
    return len(morphology.lemmas(low)) > 1 or (
        low in morphology.inflections(low).values() and bool(morphology.parts_of_speech(low))
    )


@lru_cache(maxsize=4_000)
def names(text: str) -> tuple[str, ...]:
    """The capitalised words of ``text`` that do not open it or a quotation, dates and function words left out.

    A word that opens the sentence counts when it is no dictionary word ("Baghdad"). In text without lower-case letters
    nothing counts: capitals say nothing there.
    """
    if not any(character.islower() for character in text):
        return ()
    found = []
    for match in WORD.finditer(text):
        before = text[: match.start()].rstrip()
        opening = not before or before[-1] in '.!?:"“”'
        word = POSSESSIVE.sub("", match.group())
        low = word.lower()
        if not word[:1].isupper() or low in DATE_WORDS or low in FUNCTION_WORDS or low == "i":
            continue
        if opening and is_dictionary_word(low):
            continue
        found.append(word)
    return tuple(found)
