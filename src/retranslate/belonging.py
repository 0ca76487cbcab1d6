"""What belongs to what: owners, the parts of a name, a noun with its "of", nouns that only stand side by side.

Each function takes the sentence before and after and returns its complaints. A model that has learnt to say "the
market's traders" for "the traders of the market" says "the expert's Karim" for "the expert Karim" too, and puts its
genitives where they tear a name or a phrase apart. What these functions cannot tell they let pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from retranslate import morphology
from retranslate.counterparts import carries_meaning, is_nationality, same_word
from retranslate.lexicon import (
    AUXILIARIES,
    DATE_WORDS,
    DETERMINERS,
    FUNCTION_WORDS,
    NUMBER_WORDS,
    POSSESSIVE,
    WORD,
    is_dictionary_word,
    pieces,
)

_POSSESSIVE = re.compile(r"\b([^\W\d_][\w-]*?)(?:['’]s|(?<=s)['’])(?= +([^\W\d_][\w-]*)(?: +([^\W\d_][\w-]*))?)")


@lru_cache(maxsize=4_000)
def _owners(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each possessive of ``text`` as it is written, with the one or two words behind it in lower case."""
    return tuple(
        (match[1], tuple(POSSESSIVE.sub("", word.lower()) for word in match.groups()[1:] if word))
        for match in _POSSESSIVE.finditer(text)
    )


def reversed_possession(before: str, after: str) -> list[str]:
    """The owned does not own its owner: "the commander of the operations", "the commander's operations"."""
    low = f" {' '.join(pieces(before))} "
    complaints = []
    for match in _POSSESSIVE.finditer(after):
        for owned in (match[2], match[3]):
            pattern = rf" {re.escape(match[1].lower())} (?:of (?:the |an? )?|the ){re.escape((owned or '?').lower())} "
            if (turned := re.search(pattern, low)) and match.group() not in before:
                complaints.append(f"{turned.group().strip()!r} became {f'{match.group()} {owned}'!r}")
    return complaints


def _may_be_owner(words: Sequence[str]) -> bool:
    """Whether a noun group may begin with this one word, or none: "the" does, "jumped" and "in" do not."""
    return bool(words) and (
        words[0] in DETERMINERS or (words[0] not in FUNCTION_WORDS and morphology.parts_of_speech(words[0]) != {"VERB"})
    )


def new_owners(before: str, after: str) -> list[str]:
    """Nobody owns what they are, nor a part of what they own: "the expert Karim" is not "Karim's expert", nor
    "a source in the company of the north" "the company's source in the north"."""
    known = {owner.lower() for owner, _ in _owners(before)}
    ours, theirs = pieces(before), pieces(after)
    complaints = []
    for owner, owned in _owners(after):
        low = owner.lower()
        places = [place for place, token in enumerate(ours) if token == low]
        if low in known or len(places) != 1:
            continue
        place = places[0]
        if place and ours[place - 1] in owned and (owner[0].isupper() or f" {ours[place - 1]}" not in after):
            complaints.append(f"{f'{ours[place - 1]} {low}'!r} became {f'{low} has {ours[place - 1]}'!r}")
        now = theirs.index(low)
        behind, now_behind = ours[place + 1 : place + 2], theirs[now + 1 : now + 2]
        # "The guard of the lake and the marsh" is of both; he who heard "the screams of the woman and jumped" is one.
        joins = behind == ("of",) or (behind == ("and",) and _may_be_owner(ours[place + 2 : place + 3]))
        # "The committee of the displaced" may be "the displaced committee", but "the leader of the old party" has no "old leader's party".
        whole, in_front = ours[place + 2 : place + 5], theirs[max(0, now - 1) : now]
        is_compound = behind == ("of",) and any(same_word(one, word) for one in in_front for word in whole)
        if joins and behind != now_behind and not (is_compound and set(owned).isdisjoint(whole)):
            complaints.append(f"{low!r} parted from its {behind[0]!r}")
    return complaints


def broken_genitives(before: str, after: str) -> list[str]:
    """The "of" of a noun gives way to no verb: "fears of the end grew", "fears grew the end"."""
    ours, theirs = pieces(before), pieces(after)
    complaints = []
    for noun, whose in _genitives(ours):
        for place, token in enumerate(theirs[:-2]):
            verb = theirs[place + 1]
            if token == noun and _is_verb(verb) and verb in ours and _head(theirs, place + 2) == whose:
                complaints.append(f"{f'{noun} of {whose}'!r} became {f'{noun} {verb} {whose}'!r}")
    return complaints


def _genitives(tokens: Sequence[str]) -> Iterator[tuple[str, str]]:
    for place, token in enumerate(tokens[1:-1], 1):
        whose = _head(tokens, place + 1)
        if token == "of" and whose is not None and carries_meaning(tokens[place - 1]):
            yield tokens[place - 1], whose


def _head(tokens: Sequence[str], start: int) -> str | None:
    """The first word at ``start`` that carries meaning, determiners skipped; None where another word stands there."""
    rest = (token for token in tokens[start : start + 3] if token not in DETERMINERS)
    return token if carries_meaning(token := next(rest, "")) else None


def _is_verb(word: str) -> bool:
    return word not in AUXILIARIES and morphology.parts_of_speech(word) >= {"VERB"} and not word.endswith("ing")


def turned_genitives(before: str, after: str) -> list[str]:
    """Who belongs does not own: "the bands of the extinguishing", "the extinguishing of the bands"."""
    ours, theirs = set(_genitives(pieces(before))), set(_genitives(pieces(after)))
    return [
        f"{f'{noun} of {whose}'!r} became {f'{whose} of {noun}'!r}"
        for noun, whose in sorted(ours - theirs)
        if (whose, noun) in theirs - ours
    ]


def glued_nouns(before: str, after: str) -> list[str]:
    """Who does it and what it is done to are not one thing: "visited the mayor the factory", "the factory mayor visited"."""
    ours, theirs = pieces(before), pieces(after)
    now = set(pairwise(theirs)) - set(pairwise(ours))
    return [
        f"{f'{one} the {other}'!r} became {f'{other} {one}'!r}"
        for verb, first, one, second, other in zip(ours, ours[1:], ours[2:], ours[3:], ours[4:], strict=False)
        if first in DETERMINERS
        and second in DETERMINERS
        and (other, one) in now
        and _is_verb(verb)
        and _only_noun(other)
    ]


def _only_noun(word: str) -> bool:
    return morphology.parts_of_speech(word) == {"NOUN"}


_ABLE = frozenset("able unable ready willing unwilling likely unlikely eager reluctant free due".split())


def parted_complements(before: str, after: str) -> list[str]:
    """What an adjective is followed by stays behind it: "an official unauthorized to speak", "an unauthorized official to
    speak"."""
    now = set(pairwise(pieces(after))) - set(pairwise(pieces(before)))
    return [
        f"{f'{noun} {adjective} to'!r} became {f'{adjective} {noun}'!r}"
        for noun, adjective, to in zip(pieces(before), pieces(before)[1:], pieces(before)[2:], strict=False)
        if to == "to" and (adjective, noun) in now and (adjective in _ABLE or _is_participle(adjective))
    ]


def _is_participle(word: str) -> bool:
    return word.endswith("ed") and "ADJ" in morphology.parts_of_speech(word)


def parted_names(before: str, after: str) -> list[str]:
    """The parts of a name stay together and in their order: "Karim Hadi", "League Two"; "Golan Syrian" is in none."""
    ours, theirs = _capitals(before), _capitals(after)
    complaints = []
    for one, other in ours - theirs:
        if (other, one) in theirs and is_nationality(other):
            continue
        numbered = _is_number(other)
        if (other, one) in theirs and (numbered or not (is_dictionary_word(one) or is_dictionary_word(other))):
            complaints.append(f"{f'{one} {other}'!r} became {f'{other} {one}'!r}")
        elif not numbered and not (is_dictionary_word(one) or is_dictionary_word(other)):
            between = [word for word, follows in theirs if follows == other and (one, word) in theirs]
            complaints += [f"{word!r} parted {one!r} and {other!r}" for word in between]
    return sorted(complaints)


def _is_number(word: str) -> bool:
    return word in NUMBER_WORDS or word.isdigit()


@lru_cache(maxsize=4_000)
def _capitals(text: str) -> frozenset[tuple[str, str]]:
    """The pairs of words with a capital, or a figure, that only a space stands between, in lower case."""
    return frozenset(
        (one.group().lower(), other.group().lower())
        for one, other in pairwise(WORD.finditer(text))
        if text[one.end() : other.start()] == " " and _is_part(one.group()) and _is_part(other.group())
    )


def _is_part(word: str) -> bool:
    low = word.lower()
    named = word[0].isupper() or word.isdigit()
    return named and low not in DATE_WORDS and low not in FUNCTION_WORDS


BELONGING: tuple[Callable[[str, str], list[str]], ...] = (
    reversed_possession, new_owners, broken_genitives, turned_genitives, glued_nouns, parted_complements, parted_names,
)  # fmt: skip
"""All of them, in the order in which they are asked."""
