"""Which word may stand for which: inflections, derivations, spellings, near-synonyms of the news, glossary pairs.

"lawmakers" for "deputies", "liberation" for "liberated" and "colour" for "color" are counterparts; "Israel" for "Iraq",
"police" for "policy", "north" for "south" are not. The tables are text files in ``data/``.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from retranslate import morphology
from retranslate.lexicon import (
    DATE_WORDS,
    DAYS,
    FUNCTION_WORDS,
    LIGHT,
    MAGNITUDE_FORMS,
    MONTHS,
    NEGATORS,
    NUMBER,
    NUMBER_WORDS,
    REPORTING,
    without_ages,
    words,
)

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Terms:
    """What the glossary allows: pairs of (words that may go, words that may come for them), in lower case."""

    pairs: tuple[tuple[frozenset[str], frozenset[str]], ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Terms:
        """From pairs of (what the text says, what it may have to say)."""
        return cls(tuple((frozenset(words(wrong)), frozenset(words(right))) for wrong, right in pairs))

    @lru_cache(maxsize=1_000)  # noqa: B019 - a handful of small objects
    def allowed(self, before: str, after: str) -> tuple[frozenset[str], frozenset[str]]:
        """The words that ``after`` may have lost, since what stands for them is there, and those it may have gained for them."""
        here, there = frozenset(words(before)), frozenset(words(after))
        may_go, may_come = set[str](), set[str]()
        for wrong, right in self.pairs:
            goes, comes = wrong - FUNCTION_WORDS, right - FUNCTION_WORDS
            if not comes or comes & there:
                may_go |= wrong
            if not goes or goes - there or not goes & here:
                may_come |= right
        apart, joined = _respaced(words(before), words(after))
        split, whole = _respaced(words(after), words(before))
        return frozenset(may_go) | apart | whole, frozenset(may_come) | joined | split

    @property
    def gained(self) -> frozenset[str]:
        """All words that a rewrite may bring in."""
        return frozenset().union(*(right for _, right in self.pairs))


def _respaced(apart: Sequence[str], joined: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The words of ``apart`` that stand in one word in ``joined``, and those words.

    They are neighbours ("Black Berry", "BlackBerry"; "four star", "four-star"), or have gone from wherever they stood ("rich
    with oil", "oil-rich"); but not for a verb, which they may be the object of ("backed Iran", "Iran-backed").
    """
    new = set(joined) - set(apart)
    pairs = {
        f"{one}{between}{other}": (one, other)
        for one, other in pairwise(apart)
        if one.isalpha() and other.isalpha()
        for between in ("", "-")
    }
    gone = set(apart) - set(joined)
    for word in new:
        one, _, other = word.partition("-")
        if one in gone and other in gone and "VERB" not in morphology.parts_of_speech(other):
            pairs[word] = one, other
    found = pairs.keys() & new
    return frozenset(part for word in found for part in pairs[word]), frozenset(found)


# --- The tables ------------------------------------------------------------------------------------------------------


def table_lines(name: str) -> list[str]:
    """The lines of the table ``name`` in DATA, remarks left out."""
    text = (DATA / name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@lru_cache(maxsize=1)
def near_synonyms() -> tuple[tuple[str, ...], ...]:
    """The groups of words that may stand for each other in news English, as dictionary forms."""
    return tuple(tuple(line.split()) for line in table_lines("near_synonyms.txt"))


@lru_cache(maxsize=1)
def spellings() -> Mapping[str, str]:
    """American spellings by British ones, where no rule gives them."""
    return dict(line.split("\t") for line in table_lines("spellings.tsv"))


@lru_cache(maxsize=1)
def _nations() -> Mapping[str, str]:
    """Nations and points of the compass by their adjectives."""
    return _bases_in("nations.tsv")


@lru_cache(maxsize=1)
def _irregular() -> Mapping[str, str]:
    """Bases by words that are derived from them with no ending that tells: "growth", "Kuwaiti"."""
    return {**_bases_in("derived.tsv"), **_nations()}


def _bases_in(name: str) -> dict[str, str]:
    lines = (line.split("\t") for line in table_lines(name))
    return {word: base for base, *derived in lines for word in derived}


@lru_cache(maxsize=1)
def _groups_of() -> Mapping[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, group in enumerate(near_synonyms()):
        for word in group:
            found.setdefault(american(word), set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


# --- Spelling --------------------------------------------------------------------------------------------------------

# Each makes two spellings of a word one. What comes out need not be a word ("wize"), as long as no two words meet in it.
_SPELLING_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<=[a-z]{3})is(?=(?:e|ed|es|er|ers|ing|able|ation|ations)$)", "iz"),
        (r"(?<=[a-z]{2})ys(?=(?:e|ed|es|er|ers|ing)$)", "yz"),
        (r"(?<=[a-z]{3})our(?=(?:s|ed|ing|er|ers|ful|less|able|ite|ites|al|hood|hoods|ly|y|ist)?$)", "or"),
        (r"(?<=[a-z]{2}[bt])re(?=s?$)", "er"),
        (r"(?<=[a-z][aeiou][b-df-hj-np-tv-z])([aeiou])ll(?=(?:ed|ing|ings|er|ers|or|ors|ous|ation)$)", r"\1l"),
        (r"(?<=[b-df-hj-np-tv-z][aeiou][b-df-hj-np-tv-z]{2})([aeiou])ll(?=(?:ed|ing|ings|er|ers|or|ors|ous|ation)$)", r"\1l"),
        (r"(?<=[a-z]{3})ogue(?=s?$)", "og"),
    )
)  # fmt: skip
_NOT_RESPELT = frozenset("timbre".split())


@lru_cache(maxsize=100_000)
def american(word: str) -> str:
    """One form for the British and the American spelling of ``word``.

    >>> american("colour"), american("centre"), american("defence"), american("traveller") == american("traveler")
    ('color', 'center', 'defense', True)
    """
    if word in spellings():
        return spellings()[word]
    if word in _NOT_RESPELT:
        return word
    for pattern, replacement in _SPELLING_RULES:
        word = pattern.sub(replacement, word)
    return word


def unaccented(word: str) -> str:
    """``word`` without accents: "Pena" is how many a machine writes "Peña"."""
    if word.isascii():
        return word
    return "".join(mark for mark in unicodedata.normalize("NFKD", word) if not unicodedata.combining(mark))


def _plain(word: str) -> str:
    """``word`` without accents, "al-", and the mark for a stop between vowels: "Sana'a" and "Sanaa"."""
    return re.sub("['’`](?=[aeiou])", "", unaccented(word).removeprefix("al-"))


# --- Derivation ------------------------------------------------------------------------------------------------------

# An ending, what may have stood in its place, the class of the derived word and that of its base.
_DERIVATIONS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("ization", ("ize", ""), "NOUN", "VERB"),
    ("isation", ("ise", ""), "NOUN", "VERB"),
    ("ation", ("", "e", "ate"), "NOUN", "VERB"),
    ("ition", ("e", "ose", "ete"), "NOUN", "VERB"),
    ("ision", ("ide", "ise"), "NOUN", "VERB"),
    ("usion", ("ude",), "NOUN", "VERB"),
    ("osion", ("ode",), "NOUN", "VERB"),
    ("ension", ("end",), "NOUN", "VERB"),
    ("ission", ("it",), "NOUN", "VERB"),
    ("ion", ("", "e"), "NOUN", "VERB"),
    ("ment", ("",), "NOUN", "VERB"),
    ("al", ("", "e"), "NOUN", "VERB"),
    ("al", ("", "e"), "ADJ", "NOUN"),
    ("ial", ("", "e", "y"), "ADJ", "NOUN"),
    ("cial", ("ce",), "ADJ", "NOUN"),
    ("tial", ("t", "ce"), "ADJ", "NOUN"),
    ("ical", ("y", "ics", "ic"), "ADJ", "NOUN"),
    ("ic", ("y", ""), "ADJ", "NOUN"),
    ("atic", ("acy", "at"), "ADJ", "NOUN"),
    ("ary", ("", "e"), "ADJ", "NOUN"),
    ("ally", ("", "al"), "ADV", "ADJ"),
    ("ily", ("y",), "ADV", "ADJ"),
    ("ly", ("", "le"), "ADV", "ADJ"),
    ("ness", ("",), "NOUN", "ADJ"),
    ("iness", ("y",), "NOUN", "ADJ"),
    ("ibility", ("ible",), "NOUN", "ADJ"),
    ("ibility", ("ible",), "NOUN", "NOUN"),
    ("ability", ("able",), "NOUN", "ADJ"),
    ("ity", ("", "e"), "NOUN", "ADJ"),
    ("ance", ("", "e"), "NOUN", "VERB"),
    ("ence", ("", "e"), "NOUN", "VERB"),
    ("ty", ("",), "NOUN", "ADJ"),
    ("ure", ("e", ""), "NOUN", "VERB"),
    ("ancy", ("ant",), "NOUN", "ADJ"),
    ("ency", ("ent",), "NOUN", "ADJ"),
    ("y", ("",), "ADJ", "NOUN"),
    ("ance", ("ant",), "NOUN", "ADJ"),
    ("ence", ("ent",), "NOUN", "ADJ"),
    ("ous", ("", "e"), "ADJ", "NOUN"),
    ("ious", ("ion", "y"), "ADJ", "NOUN"),
    ("ful", ("", "e"), "ADJ", "NOUN"),
    ("ive", ("", "e"), "ADJ", "VERB"),
    ("ive", ("ion",), "ADJ", "NOUN"),
    ("able", ("", "e"), "ADJ", "VERB"),
    ("ism", ("",), "NOUN", "NOUN"),
)
_NOT_DERIVED = frozenset(
    """affection agency alternative apartment association attendance attendant auction balance basement business busy capital
    capitalism captive casualty champion commission community compartment compassion competence condolence conference
    constituency contention conviction creature criticism curious currency department depression destination detective digital
    early edition editorial elementary emergency evidence executive expiration facility faction fiction final finance foundation
    fraction friction function general generation grateful gravity handy importance initiative instance institution internal
    journalism junction justice live majority massive material memorial metal military mineral minority mission missive moral
    motion motive nation native negative notion novelty objective offensive official operative organ organic partial party
    passion patience penalty pension pinion portal portion position positive posture potential pressure primary priority
    probation profession property question ration rational ready realty recession region relative representative residence
    revelation royalty secondary secretary section sentence session several signal special specialty spiral statement station
    stature television texture total tradition transition university vacation venture version virtual vision weary""".split()
)
"""Words that look derived from another one that means something else: "station" and "state"."""


@lru_cache(maxsize=100_000)
def _bases(lemma: str) -> frozenset[str]:
    """The words that ``lemma`` is derived from, as far as the dictionary knows them: "liberation" from "liberate"."""
    if lemma in _irregular():
        return frozenset({_irregular()[lemma]})
    if lemma in _NOT_DERIVED:
        return frozenset()
    classes = morphology.parts_of_speech(lemma)
    return frozenset(
        base
        for ending, beginnings, derived, of in _DERIVATIONS
        if derived in classes and lemma.endswith(ending)
        for beginning in beginnings
        for base in _undoubled(lemma[: -len(ending)] + beginning)
        if len(base) >= 4 and of in morphology.parts_of_speech(base)
    )


def _undoubled(base: str) -> tuple[str, ...]:
    """``base``, and "cancel" for the "cancell" of "cancellation"."""
    return (base, base[:-1]) if base.endswith("ll") else (base,)


@lru_cache(maxsize=100_000)
def _forms(word: str) -> frozenset[str]:
    """The lemmas of ``word`` in one spelling, accents and an "al-" off; a word that the dictionary lacks may be a plural."""
    word = _plain(word)
    singular = {word[:-1]} if len(word) > 4 and word.endswith("s") and not morphology.parts_of_speech(word) else set()
    return frozenset(american(lemma) for lemma in morphology.lemmas(word) | singular)


@lru_cache(maxsize=100_000)
def _family(word: str) -> frozenset[str]:
    """The lemmas of ``word`` and what they are derived from, in one spelling."""
    lemmas = _forms(word)
    once = frozenset(base for lemma in lemmas for base in _bases(lemma))
    twice = frozenset(base for lemma in once for base in _bases(lemma))
    return frozenset(american(lemma) for lemma in lemmas | once | twice)


@lru_cache(maxsize=100_000)
def _synonym_groups(word: str) -> frozenset[int]:
    groups = _groups_of()
    return frozenset().union(*(groups.get(form, frozenset()) for form in _forms(word)))


def same_word(one: str, other: str) -> bool:
    """Whether two words in lower case are forms or spellings of one word."""
    return one == other or not _forms(one).isdisjoint(_forms(other))


@lru_cache(maxsize=100_000)
def plain_name(word: str) -> str:
    """A name in lower case without "al-" and accents, the nation for its adjective: what is one name, is one.

    >>> plain_name("al-badri"), plain_name("kuwaiti"), plain_name("peña")
    ('badri', 'kuwait', 'pena')
    """
    bare = _plain(word)
    return _nations().get(bare, bare)


def is_nationality(word: str) -> bool:
    """Whether a name in lower case is the adjective of a nation; of words that are no names it says nothing.

    >>> is_nationality("syrian"), is_nationality("syria")
    (True, False)
    """
    return word in _nations()


def are_counterparts(one: str, other: str) -> bool:
    """Whether one word in lower case may stand for the other.

    >>> are_counterparts("lawmakers", "deputies"), are_counterparts("israel", "iraq"), are_counterparts("north", "south")
    (True, False, False)
    """
    if one == other:
        return True
    if not _family(one).isdisjoint(_family(other)):
        # "Stubbornness" and "stubbornly" have a base in common, and no sentence in which both fit.
        return {frozenset({"NOUN"}), frozenset({"ADV"})} != {
            morphology.parts_of_speech(one),
            morphology.parts_of_speech(other),
        }
    return not _synonym_groups(one).isdisjoint(_synonym_groups(other))


# --- Texts -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=100_000)
def carries_meaning(word: str) -> bool:
    """Whether ``word`` in lower case says something of its own that no other guard looks after."""
    return not (
        len(word) < 3
        or word in FUNCTION_WORDS
        or re.split("n?['’]", word)[0] in FUNCTION_WORDS
        or word in NUMBER_WORDS
        or word in MAGNITUDE_FORMS
        or word in NEGATORS
        or word in DATE_WORDS
        or word[0].isdigit()
        or bool(morphology.lemmas(word) & (REPORTING | LIGHT))
    )


_MONTHS = "|".join(sorted(month.capitalize() for month in MONTHS))
_DAYS = "|".join(sorted(day.capitalize() for day in DAYS))
# Words that only help a preposition, a date or a number along: "in front of the judge" is "before the judge", "for a period of
# two weeks" "for two weeks".
_IDLE = re.compile(
    "|".join(
        (
            r"\b(?i:in order) (?=to\b|that\b)",
            rf"\b(?i:months?(?: of)?) (?=(?:{_MONTHS})\b)",
            rf"\b(?i:days?(?: of)?) (?=(?:{_DAYS})\b)",
            r"\b(?i:year) (?=(?:19|20)\d\d\b)",
            r"\b(?i:in front of|for the sake of|in the name of|on the part of|by means of|by way of|in the face of)\b",
            r"\b(?i:(?:on|against) the (?:background|backdrop) of|the fact that)\b",
            rf"\b(?i:(?:an?|the|for) period of) (?=(?i:an?|{NUMBER})\b)",
            r"(?<=\breceived a )copy (?:of|from) (?:it|him|which)\b",
            r"\b(?i:amount of|amounting(?: to)?) (?=[$€£]?\d)",
        )
    )
)
# "In a peaceful way" is "peacefully"; "in the way to" is on the way.
_MANNER = re.compile(
    r"\bin (?:an? |the )?(\w+) (?:ways?|manners?|forms?|fashion)\b(?! (?:to|of|from)\b)", re.IGNORECASE
)
_COUNTED = re.compile(rf"\b({NUMBER})-(?=[a-z])", re.IGNORECASE)


@lru_cache(maxsize=4_000)
def content(text: str) -> tuple[str, ...]:
    """The words of ``text`` that carry its meaning, in order; the "order" of "in order to" does not, nor the "month" of May.

    >>> content("a three-day strike in order to win"), content("in the month of May")
    (('day', 'strike', 'win'), ())
    """
    return carriers(_IDLE.sub("", _MANNER.sub(_adverb, without_ages(text))))


@lru_cache(maxsize=4_000)
def carriers(text: str) -> tuple[str, ...]:
    """As :func:`content`, with the words left in that carry no meaning only where they stand."""
    return tuple(word for word in words(_COUNTED.sub(r"\1 ", text)) if carries_meaning(word))


def _adverb(match: re.Match[str]) -> str:
    """What is left of "in a peaceful way"; "in this way" stays."""
    return match.group() if match[1].lower() in FUNCTION_WORDS else match[1]


def unmatched(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of ``before`` without a counterpart in ``after``, and the other way round; one stands for one."""
    ours, theirs = Counter(before), Counter(after)
    lost = [word for word in dict.fromkeys(before) for _ in range(ours[word] - theirs[word])]
    gained = [word for word in dict.fromkeys(after) for _ in range(theirs[word] - ours[word])]
    for same in (same_word, are_counterparts):
        for word in list(lost):
            partner = next((other for other in gained if same(word, other)), None)
            if partner is not None:
                lost.remove(word)
                gained.remove(partner)
    return lost, gained


Allowed = tuple[frozenset[str], frozenset[str]]
_NOTHING: Allowed = (frozenset(), frozenset())


def difference(before: Counter[str], after: Counter[str], allowed: Allowed = _NOTHING) -> list[str]:
    """What is missing and what is new, as complaints, but for what may go and what may come."""
    lost = [f"lost {item!r}" for item in (before - after) if item not in allowed[0]]
    return lost + [f"invented {item!r}" for item in (after - before) if item not in allowed[1]]
