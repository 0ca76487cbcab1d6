"""May this rewrite replace its original? Pure functions, each named for what it protects.

A guard takes the sentence before and after and the terms that the glossary allows to change, and returns its
complaints, an empty list when all is well. :data:`GUARDS` names them all; :func:`judge` asks them. What counts as the
same word, number or speaker is decided in ``counterparts``, ``quantities``, ``roles`` and ``speech``.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

from retranslate import morphology, roles, speech
from retranslate.counterparts import DATA, Terms, are_counterparts, content, unmatched
from retranslate.lexicon import (
    FUNCTION_WORDS,
    NEGATORS,
    NUMBER_WORDS,
    TITLE_QUALIFIERS,
    TITLES,
    is_dictionary_word,
    is_reporting,
    names,
    words,
)
from retranslate.quantities import dates, directions, numbers, quantifiers, swapped_numbers, times, units
from retranslate.text import untouchables

__all__ = [
    "FUNCTION_WORDS",
    "GUARDS",
    "NEGATORS",
    "Guard",
    "Terms",
    "dates",
    "is_dictionary_word",
    "is_reporting",
    "judge",
    "names",
    "negations",
    "numbers",
    "words",
]

Guard = Callable[[str, str, Terms], list[str]]


_Words = frozenset[str]
_NOTHING: tuple[_Words, _Words] = (frozenset(), frozenset())


def _difference(before: Counter[str], after: Counter[str], allowed: tuple[_Words, _Words] = _NOTHING) -> list[str]:
    """What is missing and what is new, but for what may go and what may come."""
    lost = [f"lost {item!r}" for item in (before - after) if item not in allowed[0]]
    return lost + [f"invented {item!r}" for item in (after - before) if item not in allowed[1]]


# --- What is counted, measured and dated -----------------------------------------------------------------------------


def numbers_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Numbers in figures and in words are the same before and after."""
    return _difference(numbers(before), numbers(after), terms.allowed(before, after))


def counts_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Each number still counts what it counted, and all are still all: "12 wounded, 3 killed" is not "3 wounded, 12 killed"."""
    ours, theirs = quantifiers(before), quantifiers(after)
    complaints = [f"{one!r} and {other!r} changed places" for one, other in swapped_numbers(before, after)]
    complaints += [f"lost {word!r}" for word in sorted(ours - theirs)]
    return complaints + [f"invented {word!r}" for word in sorted(theirs - ours)]


def units_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Units of measure and money are the same before and after, however they are written ("km", "kilometres")."""
    (ours, our_words), (theirs, their_words) = units(before), units(after)
    may_go, may_come = terms.allowed(before, after)
    lost = [f"lost {unit!r}" for unit in ours - their_words if unit not in may_go]
    return lost + [f"invented {unit!r}" for unit in theirs - our_words if unit not in may_come]


def dates_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Weekdays, months, relative days, and whether a week is the last or the next are the same before and after."""
    allowed = terms.allowed(before, after)
    complaints = _difference(dates(before), dates(after), allowed)
    there = frozenset(words(after))
    lost = [way for way in sorted(directions(before)) if way not in there and way not in directions(after)]
    return complaints + [f"lost {way!r}" for way in lost if way not in allowed[0]]


def times_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Times of day are the same before and after: morning and evening, noon and midnight, a.m. and p.m."""
    return _difference(times(before), times(after), terms.allowed(before, after))


# --- What is not prose -----------------------------------------------------------------------------------------------


def links(text: str) -> Counter[str]:
    """Urls, e-mail addresses, handles, hashtags and code."""
    return Counter(span.text for span in untouchables(text))


def links_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Urls, e-mail addresses, handles, hashtags and code are the same before and after."""
    return _difference(links(before), links(after))


def symbols(text: str) -> Counter[str]:
    """Currency and mathematical signs, pictures, the mark of a lost character, and letters with accents."""
    if text.isascii():
        return Counter(character for character in text if character in "$+<=>^`|~")
    composed = unicodedata.normalize("NFC", text)
    return Counter(
        character
        for character in composed
        if unicodedata.category(character)[0] in "SM" or (character.isalpha() and not character.isascii())
    )


def symbols_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Currency and mathematical signs, pictures and accents are the same before and after."""
    return _difference(symbols(before), symbols(after))


def lines_kept(before: str, after: str, terms: Terms) -> list[str]:
    """No line is joined, lost or added."""
    # A line end at the very end counts too, which splitlines() would not see.
    ours, theirs = len(f"{before}.".splitlines()), len(f"{after}.".splitlines())
    return [] if ours == theirs else [f"{ours} lines before, {theirs} after"]


def script_kept(before: str, after: str, terms: Terms) -> list[str]:
    """No writing system comes in or goes, and no common word of a neighbouring language comes in."""
    ours, theirs = _scripts(before), _scripts(after)
    complaints = [f"lost {script} script" for script in sorted(ours - theirs)]
    complaints += [f"invented {script} script" for script in sorted(theirs - ours)]
    foreign = _FOREIGN.intersection(words(after)) - frozenset(words(before)) - terms.gained
    return complaints + [f"invented {word!r}, which is not English" for word in sorted(foreign)]


# Common words of German, French, Spanish and Dutch that are no English words and part of no name.
_FOREIGN = frozenset(
    """der das und ist nicht mit eine einen dem des für auf sich auch wie les dans une qui sur pas elle los las del una
    por como pero het een niet voor zijn maar""".split()
)


@lru_cache(maxsize=4_000)
def _scripts(text: str) -> frozenset[str]:
    """The writing systems of the letters, as Unicode names them: LATIN, ARABIC, CYRILLIC ..."""
    letters = {character for character in text if character.isalpha() and not character.isascii()}
    found = {unicodedata.name(letter, "UNKNOWN").split()[0] for letter in letters}
    return frozenset(
        found | {"LATIN"} if any(character.isascii() and character.isalpha() for character in text) else found
    )


# --- Who, and who says so --------------------------------------------------------------------------------------------


def names_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Every name is still there, and none is new but for what the glossary maps."""
    here, there = _words_and_parts(before), _words_and_parts(after)
    may_go, may_come = terms.allowed(before, after)
    lost = [name for name in dict.fromkeys(names(before)) if not _is_among(name.lower(), there | may_go)]
    gained = [name for name in dict.fromkeys(names(after)) if not _is_among(name.lower(), here | may_come)]
    complaints = [f"lost {name!r}" for name in lost]
    if _loses_its_opening(before, there | may_go):
        complaints.append(f"lost {words(before)[0]!r}, which opened the sentence")
    return complaints + [f"invented {name!r}" for name in gained]


@lru_cache(maxsize=4_000)
def _words_and_parts(text: str) -> frozenset[str]:
    low = words(text)
    return frozenset(low) | {part for word in low for part in re.split("[-’'.]", word)}


def _loses_its_opening(before: str, there: _Words) -> bool:
    """Whether the word that opens the sentence is gone; it may be a name for all one can tell ("United")."""
    if not before[:1].isupper() or not (opening := words(before)[:1]):
        return False
    free = opening[0] in FUNCTION_WORDS or opening[0] in NUMBER_WORDS or is_reporting(opening[0])
    return not free and not _is_among(opening[0], there)


def _is_among(name: str, others: _Words) -> bool:
    """Whether ``name`` or another form of it is among ``others``: "Iraqis" and "Iraqi"."""
    if name in others or f"{name}s" in others or (name.endswith("s") and name[:-1] in others):
        return True
    return not others.isdisjoint(morphology.lemmas(name))


def titles_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Posts, ranks and forms of address are the same, "deputy" and "former" included, and stay with their names."""
    ours, theirs = (
        list(dict.fromkeys(word for word in words(text) if word in TITLES or word in TITLE_QUALIFIERS))
        for text in (before, after)
    )
    lost, gained = unmatched(ours, theirs)
    may_go, may_come = terms.allowed(before, after)
    complaints = [f"lost {title!r}" for title in lost if title not in may_go and not _has(after, title)]
    complaints += [f"invented {title!r}" for title in gained if title not in may_come and not _has(before, title)]
    return complaints + speech.parted_titles(before, after)


def _has(text: str, title: str) -> bool:
    return any(are_counterparts(title, word) for word in words(text))


_CANNOT = re.compile(r"\bcannot\b|\bcan['’]t\b", re.IGNORECASE)


@lru_cache(maxsize=4_000)
def negations(text: str) -> int:
    """How many negating words there are, contracted ones included."""
    return sum(word in NEGATORS or word.endswith(("n't", "n’t")) for word in words(text))


def negation_kept(before: str, after: str, terms: Terms) -> list[str]:
    """As many negations after as before: a repair never turns a statement around."""
    ours, theirs = negations(before), negations(after)
    return [] if ours == theirs else [f"{ours} negations before, {theirs} after"]


_MODALITY = {word: kind for kind in ("may might", "can could", "must should ought") for word in kind.split()}


def modality_kept(before: str, after: str, terms: Terms) -> list[str]:
    """What may, can or must be stays so. "Will" and "would" follow the tense and are free."""
    ours, theirs = _modality(before), _modality(after)
    lost = [f"lost {kind.split()[0]!r}" for kind in ours - theirs]
    return lost + [f"invented {kind.split()[0]!r}" for kind in theirs - ours]


@lru_cache(maxsize=4_000)
def _modality(text: str) -> Counter[str]:
    plain = _CANNOT.sub("can not", re.sub(r"\bMay\b", "", text))
    return Counter(_MODALITY[word] for token in words(plain) if (word := token.removesuffix("n't")) in _MODALITY)


_TOLD = re.compile(r"\b(?:told|tells|telling)\b(?! (?:said|that)\b)", re.IGNORECASE)


def attribution_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Nobody's "said" gets lost: as many verbs of saying as before, but for two in a row ("told said")."""
    if len(_TOLD.findall(before)) > len(_TOLD.findall(after)):
        # "He told the minister that": the minister is who heard it.
        return ["lost 'told', whose object would become the speaker"]
    if speech.passive_sayings(after) > speech.passive_sayings(before):
        return ["a verb of saying became passive"]
    ours = [is_reporting(word) for word in words(before)]
    theirs = sum(is_reporting(word) for word in words(after))
    doubled = sum(one and other for one, other in pairwise(ours))
    lost = sum(ours) - doubled - theirs
    return [f"lost {lost} of {sum(ours)} verbs of saying"] if lost > 0 else []


def speaker_kept(before: str, after: str, terms: Terms) -> list[str]:
    """What somebody said is not put into another's mouth: "Karim told Hadi" is not "Hadi told Karim"."""
    return speech.new_speakers(before, after, terms)


def roles_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Who does and who suffers do not change places, nor owner and owned."""
    complaints = [complaint for found in roles.ROLES for complaint in found(before, after)]
    # What the sentence itself looks like is no fault of its rewrite.
    return complaints and [found for found in complaints if found not in _roles_of(before)]


@lru_cache(maxsize=1_000)
def _roles_of(text: str) -> frozenset[str]:
    return frozenset(complaint for found in roles.ROLES for complaint in found(text, text))


# --- What is said ----------------------------------------------------------------------------------------------------


def content_kept(before: str, after: str, terms: Terms) -> list[str]:
    """No word that carries meaning disappears without a counterpart in its place; a repeated one may be said once."""
    lost, _ = unmatched(content(before), content(after))
    may_go, _ = terms.allowed(before, after)
    return [f"lost {word!r}" for word in dict.fromkeys(lost) if word not in may_go and word not in content(after)]


def nothing_invented(before: str, after: str, terms: Terms) -> list[str]:
    """No word that carries meaning appears from nowhere, or more often than before."""
    _, gained = unmatched(content(before), content(after))
    _, may_come = terms.allowed(before, after)
    return [f"invented {word!r}" for word in dict.fromkeys(gained) if word not in may_come]


def no_loop(before: str, after: str, terms: Terms) -> list[str]:
    """No word group of three or more is said more often than before, and no word twice in a row."""
    ours, theirs = words(before), words(after)
    for size in (1, 2, 3, 4):
        new = _doubled(theirs, size) - _doubled(ours, size) - {("had",), ("that",)}
        if new:
            return [f"repeats {' '.join(min(new))!r}"]
    here, there = _triples(ours), _triples(theirs)
    again = [group for group, count in there.items() if count > max(1, here[group])]
    return [f"repeats {' '.join(again[0])!r}"] if again else []


def _doubled(low: Sequence[str], size: int) -> set[tuple[str, ...]]:
    """The groups of ``size`` words that are said twice in a row."""
    return {
        tuple(low[place : place + size])
        for place in range(len(low) - 2 * size + 1)
        if low[place : place + size] == low[place + size : place + 2 * size]
    }


def _triples(low: Sequence[str]) -> Counter[tuple[str, str, str]]:
    return Counter(zip(low, low[1:], low[2:], strict=False))


def length_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Between 0.6 and 1.6 times as many words as before, and never none."""
    ours, theirs = len(words(before)), len(words(after))
    if ours and not theirs:
        return ["no word is left"]
    ratio = theirs / max(1, ours)
    return [] if 0.6 <= ratio <= 1.6 or abs(ours - theirs) <= 2 else [f"{ours} words before, {theirs} after"]


# What no sentence ends in; a particle may ("the unit was broken up") and so may a stranded preposition ("paid for").
_DANGLING = frozenset("a an the and or but nor of than because although while whereas unless".split())


def not_cut_off(before: str, after: str, terms: Terms) -> list[str]:
    """The rewrite comes to an end: it does not break off after an article or conjunction, nor drop the last clause."""
    ours, theirs = words(before), words(after)
    if not ours or not theirs:
        return []
    if theirs[-1] in _DANGLING and ours[-1] not in _DANGLING:
        return [f"breaks off after {theirs[-1]!r}"]
    tail = content(before)[-3:]
    gone = len(tail) == 3 and not any(are_counterparts(word, other) for word in tail for other in content(after))
    return [f"the end is gone: {' '.join(tail)!r}"] if gone else []


# --- How it is written -----------------------------------------------------------------------------------------------

_MARKS = re.compile('["“”]')


def quotes_balanced(before: str, after: str, terms: Terms) -> list[str]:
    """Quotation marks pair up, unless they did not before; none is lost or added beyond pairing up."""
    ours, theirs = len(_MARKS.findall(before)), len(_MARKS.findall(after))
    complaints = []
    if theirs % 2 and not ours % 2:
        complaints.append("an unpaired quotation mark")
    if abs(ours - theirs) > (1 if ours % 2 else 0) and not (ours > theirs and ours - theirs == 2 and ours >= 4):
        complaints.append(f"{ours} quotation marks before, {theirs} after")
    return complaints


def brackets_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Brackets are neither lost nor added, and close in the order in which they were opened unless they did not before."""
    complaints = [
        f"brackets {opening}{closing} changed"
        for opening, closing in ("()", "[]", "{}", "«»")
        if after.count(opening) != before.count(opening) or after.count(closing) != before.count(closing)
    ]
    return complaints + (["brackets out of order"] if _nest(before) and not _nest(after) else [])


def _nest(text: str) -> bool:
    open_: list[str] = []
    for character in re.findall(r"[()\[\]{}«»]", text):
        if character in "([{«":
            open_.append(character)
        elif not open_ or open_.pop() + character not in ("()", "[]", "{}", "«»"):
            return False
    return not open_


_ASKING = frozenset("who whom whose which what where when why how".split())
_ASKING_VERBS = frozenset(
    "is are was were do does did has have had can could will would shall should may might must isn't aren't don't".split()
)


def type_kept(before: str, after: str, terms: Terms) -> list[str]:
    """A heading stays a heading and a question a question: final mark, order of a question, capitals of a heading."""
    ours, theirs = _final(before), _final(after)
    if not ours and before[:1].islower() and after[:1].isupper():
        return ["a line that is no sentence now begins with a capital"]
    if ours.replace("…", ".") != theirs.replace("…", "."):
        return [f"ended in {ours!r}, now in {theirs!r}"]
    if ours == "?" and _asks(before) and not _asks(after):
        return ["a question became a statement"]
    if not ours and _capitalised(before) and not _capitalised(after):
        return ["a heading lost its capitals"]
    return []


def _final(text: str) -> str:
    stripped = text.rstrip(" \"'“”’)]")
    return stripped[-1:] if stripped[-1:] in ".!?…:" else ""


def _asks(text: str) -> bool:
    return any(word in _ASKING for word in words(text)[:3]) or not _ASKING_VERBS.isdisjoint(words(text)[:1])


def _capitalised(text: str) -> bool:
    """Whether nearly every longer word has a capital, as in a heading."""
    longer = re.findall(r"[A-Za-z]{4,}", text)
    return len(longer) >= 3 and sum(word[0].isupper() for word in longer) >= 0.8 * len(longer)


@lru_cache(maxsize=1)
def coarse_words() -> frozenset[str]:
    """Swear words and slurs; the file keeps them in ROT13, so that nobody comes upon them by chance."""
    shift = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
    lines = (DATA / "coarse_words.txt").read_text("utf-8").splitlines()
    return frozenset(line.translate(shift) for line in lines if line and not line.startswith("#"))


def no_profanity(before: str, after: str, terms: Terms) -> list[str]:
    """No swear word and no slur comes in. Those that somebody was quoted with stay."""
    invented = [word for word in words(after) if not coarse_words().isdisjoint(morphology.lemmas(word))]
    here = frozenset(words(before))
    return ["invented a coarse word" for word in dict.fromkeys(invented) if word not in here]


GUARDS: dict[str, Guard] = {
    "numbers": numbers_kept,
    "counts": counts_kept,
    "units": units_kept,
    "dates": dates_kept,
    "times": times_kept,
    "links": links_kept,
    "symbols": symbols_kept,
    "lines": lines_kept,
    "script": script_kept,
    "names": names_kept,
    "titles": titles_kept,
    "negation": negation_kept,
    "modality": modality_kept,
    "attribution": attribution_kept,
    "speaker": speaker_kept,
    "roles": roles_kept,
    "content": content_kept,
    "invention": nothing_invented,
    "loop": no_loop,
    "length": length_kept,
    "truncation": not_cut_off,
    "quotes": quotes_balanced,
    "brackets": brackets_kept,
    "sentence type": type_kept,
    "profanity": no_profanity,
}
"""Every guard by name, in the order in which their complaints are listed."""


def judge(
    before: str, after: str, terms: Terms = Terms(), guards: Sequence[str] = tuple(GUARDS)
) -> dict[str, list[str]]:
    """The complaints by guard; empty when the rewrite may stand."""
    verdicts = {name: GUARDS[name](before, after, terms) for name in guards}
    return {name: complaints for name, complaints in verdicts.items() if complaints}
