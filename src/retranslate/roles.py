"""Who did what to whom: what a rewrite must not turn around, found without a parser.

Each function takes the sentence before and after and returns its complaints. They know the turns that a model of
garbled English takes again and again: "the statement which issued it the union" becomes "the statement issued the
union", "killed with his son" becomes "killed by his son", "the commander of the operations" becomes "the commander's
operations". What they cannot tell they let pass.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations, pairwise

from retranslate import morphology
from retranslate.counterparts import carries_meaning, same_word
from retranslate.lexicon import (
    AUXILIARIES,
    BREAKS,
    DATE_WORDS,
    DETERMINERS,
    FORMS_OF_BE,
    FUNCTION_WORDS,
    MAGNITUDE_FORMS,
    PREPOSITIONS,
    is_count,
    is_reporting,
    pieces,
)

_RELATIVES = frozenset("which that who whom".split())
_RESUMPTIVES = frozenset("it him them".split())
_OBJECTS = _RESUMPTIVES | frozenset("her me us".split())
_SUBJECTS = frozenset("he she it they we i you".split())
_FORMS_OF_ADDRESS = frozenset("mr mrs ms dr".split())

# --- What stands where -----------------------------------------------------------------------------------------------


def _is_verb(word: str) -> bool:
    return word not in AUXILIARIES and carries_meaning(word) and "VERB" in morphology.parts_of_speech(word)


def _is_noun(word: str) -> bool:
    classes = morphology.parts_of_speech(word)
    return carries_meaning(word) and (not classes or "NOUN" in classes or "PROPN" in classes)


def _acts(word: str) -> bool:
    """Whether ``word`` is the verb of someone's deed and not of saying, which puts its subject where it likes."""
    return _is_verb(word) and not is_reporting(word) and not word.endswith("ing")


def _counts(word: str) -> bool:
    return is_count(word) or word in MAGNITUDE_FORMS


def _opens_noun(word: str) -> bool:
    return word in DETERMINERS or word in _FORMS_OF_ADDRESS or _counts(word)


def _noun_group(tokens: Sequence[str], start: int) -> list[str]:
    """The words that carry meaning of the noun group at ``start``; empty when none begins there."""
    found: list[str] = []
    for place, token in enumerate(tokens[start : start + 6], start):
        # "Three of the novelists", "Mr. Karim".
        joined = (token == "of" and _counts(tokens[place - 1])) or (
            token == "." and tokens[place - 1] in _FORMS_OF_ADDRESS
        )
        if joined or _opens_noun(token):
            continue
        if token in BREAKS or token in PREPOSITIONS or not carries_meaning(token):
            break
        found.append(token)
    return found if found and (_opens_noun(tokens[start]) or _is_noun(found[0])) else []


def _with_complement(tokens: Sequence[str], start: int) -> list[str]:
    """The words of the noun group at ``start`` and of the one that "of" joins to it: "the extinguishing of the bands"."""
    group = _noun_group(tokens, start)
    end = tokens.index(group[-1], start) + 1 if group else len(tokens)
    return [*group, *_noun_group(tokens, end + 1)] if end < len(tokens) and tokens[end] == "of" else group


_ADJUNCTS = frozenset("on in at during after before since within to".split())


def _skip(tokens: Sequence[str], start: int) -> int:
    """``start``, or the place after the days, adverbs and adjuncts there: "yesterday", "completely", "during the flood"."""
    while start < len(tokens):
        if tokens[start] in DATE_WORDS or tokens[start].endswith("ly"):
            start += 1
        elif tokens[start] in _ADJUNCTS and (end := _adjunct_end(tokens, start)) is not None:
            start = end
        else:
            break
    return start


def _adjunct_end(tokens: Sequence[str], start: int) -> int | None:
    """Where the adjunct of one word at ``start`` ends, if a day is that word or another noun group follows."""
    end = start + 1
    while end < len(tokens) and (_opens_noun(tokens[end]) or tokens[end] in DATE_WORDS):
        end += 1
    if tokens[end - 1] in DATE_WORDS:
        return end
    return end + 1 if end + 1 < len(tokens) and carries_meaning(tokens[end]) and _opens_noun(tokens[end + 1]) else None


def _places(tokens: Sequence[str], word: str) -> Iterator[int]:
    """Where ``word`` stands, in whatever form."""
    return (at for at, token in enumerate(tokens) if token == word or (token[0] == word[0] and same_word(token, word)))


def _governor(tokens: Sequence[str], place: int) -> str | None:
    """The preposition, or else the verb, before the noun group that ``place`` is in."""
    for back in range(place - 1, max(-1, place - 5), -1):
        token = tokens[back]
        if token in PREPOSITIONS:
            return token
        opened = tokens[back + 1] in DETERMINERS
        if (opened or back == place - 1) and _is_verb(token) and not _is_noun(token):
            return token
        if opened or not (token in DETERMINERS or carries_meaning(token)):
            return None
    return None


# --- Subject and object ----------------------------------------------------------------------------------------------


def lost_pronouns(before: str, after: str) -> list[str]:
    """The subject that a relative clause names last must not become its object.

    In "the statement which issued it the union" the "it" repeats the statement; without it the union would be issued.
    """
    ours, theirs = pieces(before), pieces(after)
    complaints = []
    for place, token in enumerate(ours):
        if token not in _RESUMPTIVES or place == 0 or ours.count(token) <= theirs.count(token):
            continue
        preposition = ours[place - 1] if ours[place - 1] in PREPOSITIONS else None
        verb = ours[place - 2] if preposition and place > 1 else ours[place - 1]
        group = _noun_group(ours, _skip(ours, place + 1))
        if group and _is_verb(verb):
            objects = [_with_complement(theirs, _skip(theirs, there + 1)) for there in _places(theirs, verb)]
            if any(same_word(word, group[0]) for found in objects for word in found):
                complaints.append(f"{verb!r} lost its {token!r} and took {group[0]!r} for its object")
        # Whom "accompanied by it the mayor" names last is the one who did it; of "attacked by it the police" nobody knows.
        if preposition and (preposition != "by" or not _has([verb], _BY_IT)):
            complaints += _taken_places(ours, theirs, preposition, token)
    return complaints


_BY_IT = frozenset(
    "accompany attend build carry cross dig do fund head issue lead own plant prepare publish sign".split()
)


def _taken_places(ours: Sequence[str], theirs: Sequence[str], preposition: str, pronoun: str) -> list[str]:
    """The nouns, bare before, that stand after ``preposition`` now: "from them ... the shepherds", "from the shepherds"."""
    groups = [_noun_group(theirs, there + 1) for there, token in enumerate(theirs) if token == preposition]
    heads = [group[0] for group in groups if group]
    bare = [head for head in heads if (at := list(_places(ours, head))) and not any(_governor(ours, one) for one in at)]
    return [f"{head!r} took the place of {pronoun!r}" for head in bare]


def lost_relatives(before: str, after: str) -> list[str]:
    """ "The packages that the terrorists planted" must not become "the packages planted the terrorists"."""
    theirs = pieces(after)
    return [
        f"{head!r} now does what {agent!r} did"
        for head, agent, verb in _relative_clauses(pieces(before))
        for there in _places(theirs, verb)
        if there > 0
        and same_word(theirs[there - 1 - (there > 1 and theirs[there - 1] in AUXILIARIES)], head)
        and any(same_word(agent, word) for word in _noun_group(theirs, there + 1))
    ]


def _relative_clauses(tokens: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Noun, subject and verb of the relative clauses whose noun is their object."""
    for place, token in enumerate(tokens):
        if token in _RELATIVES and place and carries_meaning(tokens[place - 1]):
            group = _noun_group(tokens, place + 1)
            yield from ((tokens[place - 1], agent, verb) for agent, verb in pairwise(group) if _is_verb(verb))


def turned_around(before: str, after: str) -> list[str]:
    """What did something must not suffer it: "the gates filled", "filled the gates"."""
    ours, theirs = pieces(before), pieces(after)
    deeds = [
        (subject, verb)
        for article, subject, verb in zip(ours, ours[1:], ours[2:], strict=False)
        if article in DETERMINERS and _is_noun(subject) and _acts(verb)
    ]
    return [
        f"{subject!r} did it, and now suffers it: {verb!r}"
        for subject, verb in deeds
        for there in _places(theirs, verb)
        if there + 2 < len(theirs) and theirs[there + 1] in DETERMINERS and theirs[there + 2] == subject
    ]


def swapped_names(before: str, after: str) -> list[str]:
    """Two names must not change places: "Karim received Hadi", "Hadi received Karim"; "Hadi was received by Karim" may stand."""
    if ("by" in pieces(before)) != ("by" in pieces(after)):
        return []
    ours, theirs = _neighbours(before), _neighbours(after)
    complaints = []
    for one, other in combinations([name for name in ours if name in theirs], 2):
        straight = _common(ours[one], theirs[one]) + _common(ours[other], theirs[other])
        crossed = _common(ours[one], theirs[other]), _common(ours[other], theirs[one])
        if all(crossed) and sum(crossed) > straight:
            complaints.append(f"{one!r} and {other!r} changed places")
    return complaints


@lru_cache(maxsize=4_000)
def _neighbours(text: str) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """For each word with a capital that stands once, the nearest words that carry meaning: two before it, two after it."""
    found = (word.lower() for word in re.findall(r"\b[A-Z][\w-]*", text))
    low = [word for word in found if word not in FUNCTION_WORDS and word not in DATE_WORDS]
    tokens = [token for token in pieces(text) if token in low or carries_meaning(token) or is_reporting(token)]
    once = [name for name in low if low.count(name) == 1 == tokens.count(name)]
    return {
        name: (
            frozenset([token for token in tokens[: tokens.index(name)] if token not in low][-2:]),
            frozenset([token for token in tokens[tokens.index(name) + 1 :] if token not in low][:2]),
        )
        for name in once
    }


def _common(one: tuple[frozenset[str], frozenset[str]], other: tuple[frozenset[str], frozenset[str]]) -> int:
    return len(one[0] & other[0]) + len(one[1] & other[1])


# --- Active and passive ----------------------------------------------------------------------------------------------

_NO_AGENT = frozenset("with against to for from about on at as over under".split())
_NEVER_AGENT = _NO_AGENT - {"from", "as"}


_PARTING = frozenset(
    "liberate free recapture retake rescue protect save withdraw expel evict remove separate isolate clear exempt exclude".split()
)


def _heads_after_by(tokens: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Where "by" stands, and the first word of the noun group behind it."""
    for place, token in enumerate(tokens):
        if token == "by" and (group := _noun_group(tokens, place + 1)):
            yield place, group[0]


def lost_agents(before: str, after: str) -> list[str]:
    """What was done by someone is not done "with", "to" or "from" them, nor to them.

    What is done "by" a tool is done with it ("sprayed by milk the road", "loaded by stones"), and what somebody is ordered "by
    doing" is "to do".
    """
    theirs = pieces(after)
    complaints = []
    for _, head in _heads_after_by(pieces(before)):
        governors = [(_governor(theirs, at), at) for at in _places(theirs, head)]
        if "by" not in (word for word, _ in governors):
            wrong = [word for word, at in governors if word and _leaves_no_agent(word, head, theirs, at)]
            complaints += [f"'by' {head!r} became {word!r}" for word in wrong]
    return complaints


def _leaves_no_agent(governor: str, head: str, tokens: Sequence[str], place: int) -> bool:
    """Whether the noun ``head``, which stood behind "by", is no doer any more with ``governor`` before it at ``place``."""
    if governor == "with":
        return not _has([head], _TOOLS) and not _has(tokens[max(0, place - 3) : place - 1], _FILLING)
    if governor == "to":
        is_deed = head.endswith("ing") and tokens[place] in morphology.lemmas(head)
        return not (is_deed and _has(tokens[max(0, place - 9) : place], _ORDERS))
    return governor in _NO_AGENT or governor not in PREPOSITIONS


def _has(tokens: Sequence[str], lemmas: frozenset[str]) -> bool:
    """Whether a word of ``tokens`` is a form of one of ``lemmas``."""
    return any(not lemmas.isdisjoint(morphology.lemmas(token)) for token in tokens)


# What something is done with, and nothing is done by.
_TOOLS = frozenset(
    """arm axe boat bomb bullet camera car chalk drone explosive fire fist flag foot gas gun hand hammer helicopter knife ladder
    letter list message milk missile money mortar net oil paint pen phone picture pipe pistol plane poison rifle rocket rope sand
    shell shovel stick stone sword tape tire tool tractor truck vehicle water weapon wire word""".split()
)
_FILLING = frozenset("load fill pack stuff cram stain".split())
_ORDERS = frozenset("order charge task assign oblige instruct direct allow permit commission entrust authorize".split())


def new_agents(before: str, after: str) -> list[str]:
    """Nobody becomes the doer who stood "with", "to" or "against": "killed with his son", "killed by his son".

    "From" often stands for "by" in this English, but not behind "liberated".
    """
    ours, theirs = pieces(before), pieces(after)
    complaints = []
    for place, head in _heads_after_by(theirs):
        governors = [_governor(ours, at) for at in _places(ours, head)]
        if "by" not in governors:
            never = _NEVER_AGENT | ({"from"} if morphology.lemmas(theirs[place - 1]) & _PARTING else frozenset())
            complaints += [f"{word!r} {head!r} became 'by'" for word in governors if word in never]
    return complaints


def turned_passive(before: str, after: str) -> list[str]:
    """Who did something to another does not have it done to them: "the guards arrested two men", "the guards were arrested"."""
    ours, theirs = pieces(before), pieces(after)
    complaints = []
    for place in range(1, len(ours) - 1):
        subject, verb, following = ours[place - 1 : place + 2]
        able = subject in _SUBJECTS or subject in _RELATIVES or carries_meaning(subject)
        if not (able and _acts(verb) and (following in _OBJECTS or _noun_group(ours, _skip(ours, place + 1)))):
            continue
        for there in _places(theirs, verb):
            passive = there > 1 and theirs[there - 1] in FORMS_OF_BE and same_word(theirs[there - 2], subject)
            if passive and not theirs[there].endswith("ing"):
                complaints.append(
                    f"{subject!r} no longer does it: {verb!r} became {' '.join(theirs[there - 1 : there + 1])!r}"
                )
    return complaints


_ACTIVE_BY = re.compile(r"\b(has|have|had) (\w+ed) by\b")


def lost_passive(before: str, after: str) -> list[str]:
    """Who suffers something does not do it: "houses threatened by floods", "houses have threatened by floods"."""
    low = before.lower()
    return [
        f"{participle!r} by somebody became '{have} {participle}'"
        for have, participle in _ACTIVE_BY.findall(after.lower())
        if f"{have} {participle} by" not in low and f"{participle} by" in low
    ]


# --- Source ----------------------------------------------------------------------------------------------------------

# "Left from the hall" is "left the hall", "exceeded from 3 million" "exceeded 3 million"; the "sources" of "sources from" are no verb.
_FROM_OR_NOT = frozenset("leave exit depart flee escape exceed source finish".split())


def lost_source(before: str, after: str) -> list[str]:
    """Where something comes from is not what it is done to: "they want from the fans patience", "they want the fans"."""
    ours, theirs = pieces(before), pieces(after)
    return [
        f"{verb!r} lost its {lost!r}"
        for verb, lost, head in _joined(ours, ("from", "against"))
        if (lost != "from" or not _has([verb], _FROM_OR_NOT))
        and ours.count(lost) > theirs.count(lost)
        and any(_noun_group(theirs, there + 1)[:1] == [head] for there in _places(theirs, verb))
    ]


def lost_company(before: str, after: str) -> list[str]:
    """Whom somebody did something with is not whom it led to: "returned with the first families", "returned to" them."""
    theirs = pieces(after)
    return [
        f"{verb!r} lost its 'with'"
        for verb, _, head in _joined(pieces(before), ("with",))
        if any(
            theirs[there + 1 : there + 2] == ("to",) and _noun_group(theirs, there + 2)[:1] == [head]
            for there in _places(theirs, verb)
        )
    ]


def _joined(tokens: Sequence[str], links: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """The verbs that one of ``links`` joins to a noun group, the link, and the first word of the group."""
    for verb, link, place in zip(tokens, tokens[1:], range(2, len(tokens)), strict=False):
        if link in links and _is_verb(verb) and (group := _noun_group(tokens, place)):
            yield verb, link, group[0]


# --- Pronouns --------------------------------------------------------------------------------------------------------

# Verbs without an object: "they came the people" has its subject behind it.
_INTRANSITIVE = frozenset(
    "arrive come go return fall rise die remain happen occur begin start end meet appear sit stand live".split()
)


def lost_subjects(before: str, after: str) -> list[str]:
    """What somebody did to another is not what that other did: "it condemned his advisers", "his advisers condemned".

    "He visited the minister the town" has a subject of its own behind the verb, and its "he" stands for nobody.
    """
    ours, theirs = pieces(before), pieces(after)
    complaints = []
    for place, (subject, verb) in enumerate(pairwise(ours)):
        if subject not in _SUBJECTS or ours.count(subject) <= theirs.count(subject) or not _acts(verb):
            continue
        there = [at for at in _places(theirs, verb) if at]
        if any(theirs[at - 1] in FORMS_OF_BE and not theirs[at].endswith("ing") for at in there):
            complaints.append(f"{subject!r} no longer does it: {verb!r}")
        group = _noun_group(ours, place + 2)
        if not group or not morphology.lemmas(verb).isdisjoint(_INTRANSITIVE):
            continue
        end = ours.index(group[-1], place + 2) + 1
        if not (end < len(ours) and _opens_noun(ours[end])) and any(theirs[at - 1] == group[-1] for at in there):
            complaints.append(f"{subject!r} did it, and now {group[-1]!r} does: {verb!r}")
    return complaints


def lost_partners(before: str, after: str) -> list[str]:
    """Who did something with another is not left out: "he and Karim met", "and Karim met"."""
    theirs = set(pairwise(pieces(after)))
    ours = pieces(before)
    return [
        f"{subject!r} is gone, who did it with {partner!r}"
        for subject, link, partner in zip(ours, ours[1:], ours[2:], strict=False)
        if subject in _SUBJECTS
        and link == "and"
        and (partner in DETERMINERS or (carries_meaning(partner) and not _is_verb(partner)))
        and theirs.isdisjoint({(subject, link), (link, subject)})
    ]


def lost_doers(before: str, after: str) -> list[str]:
    """Who did it in a relative clause without another object still does: "whom he has blamed", "who has blamed"."""
    ours, theirs = pieces(before), pieces(after)
    complaints = []
    for place, (relative, subject) in enumerate(pairwise(ours)):
        if relative not in ("who", "whom") or subject not in _SUBJECTS or ours.count(subject) <= theirs.count(subject):
            continue
        verb = next((at for at in range(place + 2, len(ours)) if ours[at] not in AUXILIARIES), len(ours))
        alone = verb + 1 >= len(ours) or not (_opens_noun(ours[verb + 1]) or _noun_group(ours, verb + 1))
        if verb < len(ours) and alone and morphology.lemmas(ours[verb]).isdisjoint(_INTRANSITIVE):
            complaints.append(f"{subject!r} no longer does it: {ours[verb]!r}")
    return complaints


_CASES = {"him": "he", "them": "they", "me": "i", "us": "we"}


def turned_pronouns(before: str, after: str) -> list[str]:
    """Whom something is done to does not do it, nor the other way: "the delegation accompanies him", "he accompanies"."""
    change = Counter(pieces(after))
    change.subtract(pieces(before))
    pairs = [*_CASES.items(), *((subject, suffering) for suffering, subject in _CASES.items())]
    return [f"{was!r} became {now!r}" for was, now in pairs if change[was] < 0 < change[now]]


def moved_objects(before: str, after: str) -> list[str]:
    """Who is to suffer something is not to do it: "they called to amend it", "they called it to amend"."""
    ours, theirs = (
        set(zip(tokens, tokens[1:], tokens[2:], strict=False)) for tokens in (pieces(before), pieces(after))
    )
    return [
        f"{f'to {verb} {pronoun}'!r} became {f'{pronoun} to {verb}'!r}"
        for to, verb, pronoun in sorted(ours - theirs)
        if to == "to" and pronoun in _OBJECTS and (pronoun, "to", verb) in theirs - ours
    ]


ROLES: tuple[Callable[[str, str], list[str]], ...] = (
    lost_pronouns, lost_relatives, turned_around, swapped_names, lost_agents, new_agents, turned_passive, lost_passive,
    lost_source, lost_company, lost_subjects, lost_partners, lost_doers, turned_pronouns, moved_objects,
)  # fmt: skip
"""All of them, in the order in which they are asked."""
