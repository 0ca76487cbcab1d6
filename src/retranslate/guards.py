"""May this rewrite replace its original? Pure functions, each named for what it protects.

A guard takes the sentence before and after and the terms that the glossary allows to change, and returns its
complaints, an empty list when all is well. :data:`GUARDS` names them all; :func:`judge` asks them. What counts as the
same word, number or speaker is decided in ``counterparts``, ``quantities``, ``bounds``, ``roles``, ``belonging`` and ``speech``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, takewhile

from retranslate import belonging, morphology, roles, speech, writing
from retranslate.bounds import changed_bounds
from retranslate.counterparts import (
    Terms,
    are_counterparts,
    carriers,
    content,
    difference,
    plain_name,
    same_word,
    unmatched,
)
from retranslate.lexicon import (
    BREAKS,
    FUNCTION_WORDS,
    NEGATORS,
    NUMBER_WORDS,
    TITLE_QUALIFIERS,
    TITLES,
    is_count,
    is_dictionary_word,
    is_reporting,
    names,
    pieces,
    words,
)
from retranslate.quantities import (
    changed_ages,
    dates,
    directions,
    lost_limits,
    numbers,
    quantifiers,
    round_numbers,
    swapped_numbers,
    times,
    units,
    with_figures,
)

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


# --- What is counted, measured and dated -----------------------------------------------------------------------------


def numbers_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Numbers in figures and in words are the same before and after, and so are ages; "3 thousand" may be "3,000"."""
    allowed = terms.allowed(before, after)
    complaints = difference(numbers(before), numbers(after), allowed)
    if complaints and not difference(round_numbers(before), round_numbers(after), allowed):
        complaints = []
    return complaints + changed_ages(before, after)


def counts_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Each number still counts what it counted, and is as sure: "12 wounded, 3 killed" is not "3 wounded, 12 killed", 30 are not
    "at least 30", what fell by a tenth did not fall to it, and all are still all."""
    ours, theirs = quantifiers(before), quantifiers(after)
    swapped = swapped_numbers(with_figures(before), with_figures(after))
    complaints = [f"{one!r} and {other!r} changed places" for one, other in swapped]
    complaints += [f"lost {word!r}" for word in sorted(ours - theirs)]
    new = theirs - ours
    if "more" in new and _says_more_of_others(before, after):
        new -= {"more"}
    complaints += [f"invented {word!r}" for word in sorted(new)]
    return complaints + changed_bounds(before, after)


_OTHERS = frozenset("other another additional further".split())


def _says_more_of_others(before: str, after: str) -> bool:
    """Whether "six other months" have become "six more": not "more than six"."""
    theirs = (*words(after), "")
    places = [place for place, word in enumerate(theirs) if word == "more"]
    return not _OTHERS.isdisjoint(words(before)) and all(
        at > 0 and is_count(theirs[at - 1]) and theirs[at + 1] != "than" for at in places
    )


def units_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Units of measure and money are the same before and after, however they are written ("km", "kilometres")."""
    (ours, our_words), (theirs, their_words) = units(before), units(after)
    may_go, may_come = terms.allowed(before, after)
    lost = [f"lost {unit!r}" for unit in ours - their_words if unit not in may_go]
    return lost + [f"invented {unit!r}" for unit in theirs - our_words if unit not in may_come]


def dates_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Weekdays, months, relative days, and whether a week is the last or the next are the same before and after, and what was
    till a day is not on it."""
    allowed = terms.allowed(before, after)
    complaints = difference(dates(before), dates(after), allowed)
    there = frozenset(words(after))
    lost = [way for way in sorted(directions(before)) if way not in there and way not in directions(after)]
    complaints += [f"lost {way!r}" for way in lost if way not in allowed[0]]
    return complaints + [f"{f'{limit} {date}'!r} became {now!r}" for limit, date, now in lost_limits(before, after)]


def times_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Times of day are the same before and after: morning and evening, noon and midnight, a.m. and p.m."""
    return difference(times(before), times(after), terms.allowed(before, after))


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
    parts = {part for word in low for part in re.split("[-’'.]", word)}
    return frozenset(low) | parts | {plain_name(word) for word in (*low, *parts)}


def _loses_its_opening(before: str, there: frozenset[str]) -> bool:
    """Whether the word that opens the sentence is gone, in every form; it may be a name for all one can tell ("United")."""
    if not before[:1].isupper() or not (opening := words(before)[:1]):
        return False
    free = opening[0] in FUNCTION_WORDS or opening[0] in NUMBER_WORDS or is_reporting(opening[0])
    return not free and not _is_among(opening[0], there) and not any(same_word(opening[0], word) for word in there)


def _is_among(name: str, others: frozenset[str]) -> bool:
    """Whether ``name`` or another form of it is among ``others``: "Iraqis", "Iraqi" and "Iraq"."""
    if name in others or f"{name}s" in others or (name.endswith("s") and name[:-1] in others):
        return True
    return plain_name(name) in others or not others.isdisjoint(morphology.lemmas(name))


def titles_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Posts, ranks and forms of address are the same, "deputy" and "former" included, and stay with their names."""
    ours, theirs = (
        list(dict.fromkeys(_SAME_TITLE.get(word, word) for word in _titles(text))) for text in (before, after)
    )
    lost, gained = unmatched(ours, theirs)
    may_go, may_come = terms.allowed(before, after)
    complaints = [f"lost {title!r}" for title in lost if title not in may_go and not _has(after, title)]
    complaints += [f"invented {title!r}" for title in gained if title not in may_come and not _has(before, title)]
    return complaints + speech.parted_titles(before, after)


_SAME_TITLE = {"dr": "doctor", "ex": "former"}


def _titles(text: str) -> Iterator[str]:
    """Titles and what stands before them; the "under" of "undersecretary", not that of "under the law"."""
    for word, following in pairwise((*words(text), "")):
        if word in TITLES or (word in TITLE_QUALIFIERS and (word != "under" or following in TITLES)):
            yield word


def _has(text: str, title: str) -> bool:
    return any(are_counterparts(title, word) for word in words(text))


_CANNOT = re.compile(r"\bcannot\b|\bcan['’]t\b", re.IGNORECASE)


@lru_cache(maxsize=4_000)
def negations(text: str) -> int:
    """How many negating words there are, contracted ones included."""
    return sum(word in NEGATORS or word.endswith(("n't", "n’t")) for word in words(text))


def negation_kept(before: str, after: str, terms: Terms) -> list[str]:
    """As many negations after as before: a repair never turns a statement around.

    One exception: what "did not return only 30" may be "only 30 returned".
    """
    ours, theirs = negations(before), negations(after)
    if ours == theirs:
        return []
    same_only = words(before).count("only") == words(after).count("only")
    if same_only and ours - _exceptives(before) <= theirs < ours:
        return []
    return [f"{ours} negations before, {theirs} after"]


_CLAUSE_ENDS = BREAKS | frozenset("and or but because which who that while whereas if although though".split())
_EXCEPTED = frozenset("a an half once after when until till".split())


@lru_cache(maxsize=4_000)
def _exceptives(text: str) -> int:
    """How many clauses say "not ... only" of a number, a part or a time, and mean "only": "did not return only 30".

    Before anything else it may mean "not only", as in good English: "does not depend only on oil".
    """
    tokens = pieces(text)
    found = 0
    for place, token in enumerate(tokens):
        if token in ("not", "no", "never") or token.endswith(("n't", "n’t")):
            clause = list(takewhile(lambda word: word not in _CLAUSE_ENDS, tokens[place + 1 : place + 14]))
            only = clause.index("only") if "only" in clause[:-1] else 0
            after = clause[only + 1] if only else ""
            found += after in _EXCEPTED or is_count(after)
    return found


_MODALITY = {word: kind for kind in ("may might", "can could", "must should ought") for word in kind.split()}


def modality_kept(before: str, after: str, terms: Terms) -> list[str]:
    """What may, can or must be stays so, and what is to come is not over ("will sign", "signed"). Otherwise "will" and
    "would" follow the tense and are free."""
    ours, theirs = _modality(before), _modality(after)
    lost = [f"lost {kind.split()[0]!r}" for kind in ours - theirs] + _past_futures(words(before), words(after))
    return lost + [f"invented {kind.split()[0]!r}" for kind in theirs - ours]


@lru_cache(maxsize=4_000)
def _modality(text: str) -> Counter[str]:
    plain = _CANNOT.sub("can not", re.sub(r"\bMay\b", "", text))
    return Counter(_MODALITY[word] for token in words(plain) if (word := token.removesuffix("n't")) in _MODALITY)


_FUTURE = frozenset("will would shall won't wouldn't".split())
_BEFORE_A_VERB = frozenset("not also never soon then still only".split())


def _past_futures(ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    if sum(word in _FUTURE for word in ours) <= sum(word in _FUTURE for word in theirs):
        return []
    complaints = []
    for place, future in enumerate(ours):
        verb = next((word for word in ours[place + 1 :] if word not in _BEFORE_A_VERB), "")
        past = morphology.inflections(verb).get("VBD", verb) if future in _FUTURE else verb
        # "Will be signed" may be "is signed", "will hold it" "to be held"; "put" is its own past.
        now = sum(word == past and before not in ("be", "been") for before, word in pairwise(("", *theirs)))
        if past != verb and verb not in ("be", "have") and now > ours.count(past):
            complaints.append(f"'{future} {verb}' became {past!r}")
    return complaints


_TOLD = re.compile(r"\b(?:told|tells|telling)\b(?! (?:said|that)\b|[:,]? *(?:[:\"“”]|$))", re.IGNORECASE)
# At the end of the sentence the machine means "said": "The road is open, told the mayor."
_TOLD_LAST = re.compile(r'[,"”] told (?:(?! that\b)[^,:"“”])*$')


def attribution_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Nobody's "said" gets lost: as many verbs of saying as before, but for two in a row ("told said"); none comes in that
    says more than "said", nor a second one for the same speaker."""
    if len(_TOLD.findall(_TOLD_LAST.sub("", before))) > len(_TOLD.findall(after)):
        # "He told the minister that": the minister is who heard it.
        return ["lost 'told', whose object would become the speaker"]
    if speech.passive_sayings(after) > speech.passive_sayings(before):
        return ["a verb of saying became passive"]
    if speech.doubled_sayings(after) > speech.doubled_sayings(before):
        return ["the same speaker says it twice"]
    ours = [is_reporting(word) for word in words(before)]
    theirs = sum(is_reporting(word) for word in words(after))
    doubled = sum(one and other for one, other in pairwise(ours))
    lost = sum(ours) - doubled - theirs
    if lost > 0:
        return [f"lost {lost} of {sum(ours)} verbs of saying"]
    return [f"invented {verb!r}" for verb in speech.new_claims(before, after)] if lost < 0 else []


def speaker_kept(before: str, after: str, terms: Terms) -> list[str]:
    """What somebody said is not put into another's mouth: "Karim told Hadi" is not "Hadi told Karim", nor is "he" "I"."""
    complaints = speech.new_speakers(before, after, terms) + speech.changed_persons(before, after)
    return complaints + speech.invented_persons(before, after)


def roles_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Who does and who suffers do not change places."""
    return _new(roles.ROLES, before, after)


def belonging_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Who owns what stays so, names stay in one piece, and a noun keeps its "of"."""
    return _new(belonging.BELONGING, before, after)


Turns = tuple[Callable[[str, str], list[str]], ...]


def _new(turns: Turns, before: str, after: str) -> list[str]:
    complaints = [complaint for found in turns for complaint in found(before, after)]
    # What the sentence itself looks like is no fault of its rewrite.
    return complaints and [found for found in complaints if found not in _of_itself(turns, before)]


@lru_cache(maxsize=2_000)
def _of_itself(turns: Turns, text: str) -> frozenset[str]:
    return frozenset(complaint for found in turns for complaint in found(text, text))


# --- What is said ----------------------------------------------------------------------------------------------------


def content_kept(before: str, after: str, terms: Terms) -> list[str]:
    """No word that carries meaning disappears without a counterpart in its place; a repeated one may be said once."""
    lost, _ = unmatched(content(before), carriers(after))
    may_go, _ = terms.allowed(before, after)
    return [f"lost {word!r}" for word in dict.fromkeys(lost) if word not in may_go and word not in carriers(after)]


def nothing_invented(before: str, after: str, terms: Terms) -> list[str]:
    """No word that carries meaning appears from nowhere, or more often than before."""
    _, gained = unmatched(carriers(before), content(after))
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


GUARDS: dict[str, Guard] = {
    "numbers": numbers_kept,
    "counts": counts_kept,
    "units": units_kept,
    "dates": dates_kept,
    "times": times_kept,
    "links": writing.links_kept,
    "symbols": writing.symbols_kept,
    "lines": writing.lines_kept,
    "script": writing.script_kept,
    "names": names_kept,
    "titles": titles_kept,
    "negation": negation_kept,
    "modality": modality_kept,
    "attribution": attribution_kept,
    "speaker": speaker_kept,
    "roles": roles_kept,
    "belonging": belonging_kept,
    "content": content_kept,
    "invention": nothing_invented,
    "loop": no_loop,
    "length": length_kept,
    "truncation": not_cut_off,
    "quotes": writing.quotes_balanced,
    "brackets": writing.brackets_kept,
    "sentence type": writing.type_kept,
    "profanity": writing.no_profanity,
}
"""Every guard by name, in the order in which their complaints are listed."""


def judge(
    before: str, after: str, terms: Terms = Terms(), guards: Sequence[str] = tuple(GUARDS)
) -> dict[str, list[str]]:
    """The complaints by guard; empty when the rewrite may stand."""
    verdicts = {name: GUARDS[name](before, after, terms) for name in guards}
    return {name: complaints for name, complaints in verdicts.items() if complaints}
