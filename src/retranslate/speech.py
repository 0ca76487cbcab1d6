"""Who said it: the speakers of a sentence, and the names that belong to titles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from retranslate import morphology
from retranslate.counterparts import Terms, are_counterparts, carries_meaning
from retranslate.lexicon import (
    AUXILIARIES,
    BREAKS,
    DATE_WORDS,
    FORMS_OF_BE,
    FUNCTION_WORDS,
    TITLES,
    WORD,
    is_reporting,
    pieces,
    words,
)

_ASIDES = frozenset(("who", "which", "whom", "whose"))
_ENDS = (BREAKS - set(",.()–—")) | {"that"}
# Verbs of saying that are as often something else, or nouns: they show no speaker by themselves.
_UNCLEAR = frozenset(
    """add continue show point note notes state states report reports claim claims remark remarks mention mentions
    argument reported believed believe describe described continued showed shown pointing points reporting""".split()
)


def _before(tokens: Sequence[str], verb: int) -> list[str]:
    """The words that carry meaning before the verb, back to where another clause ends."""
    found: list[str] = []
    # "It was the commission that announced": there the speaker stands before "that".
    end = verb - (tokens[verb - 1 : verb] == ("that",))
    for place in reversed(range(_before_aside(tokens, end))):
        token = tokens[place]
        # "Who declined to reveal his name" says nothing.
        if token in _ENDS or (is_reporting(token) and tokens[place - 1 : place] != ("to",)):
            break
        if carries_meaning(token):
            found.append(token)
    return found


def _before_aside(tokens: Sequence[str], end: int) -> int:
    """``end``, or where the clause in commas begins that ends there: "the source, who declined to reveal his name, added"."""
    if tokens[end - 1 : end] != (",",):
        return end
    mark = next((place for place in reversed(range(end - 1)) if tokens[place] in BREAKS), -1)
    return mark if tokens[mark : mark + 1] == (",",) and tokens[mark + 1] in _ASIDES else end


def _after(tokens: Sequence[str], verb: int) -> list[str]:
    found: list[str] = []
    for token in tokens[verb + 1 : verb + 16]:
        if token in _ENDS or token == "to" or is_reporting(token):
            break
        if carries_meaning(token):
            found.append(token)
    return found


# What is said "was announced" may itself have been the subject before; these take the speaker for one only by mistake.
_SAID = frozenset(
    "revealed stressed confirmed warned explained pointed affirmed emphasized emphasised insisted".split()
)


@lru_cache(maxsize=4_000)
def passive_sayings(text: str) -> int:
    """How many verbs of saying are in the passive that seldom are: "the head of the commission was revealed"."""
    tokens = pieces(text)
    return sum(one in FORMS_OF_BE and other in _SAID for one, other in pairwise(tokens))


_FINITE = frozenset("said told added stated announced says tells adds".split())


@lru_cache(maxsize=4_000)
def doubled_sayings(text: str) -> int:
    """How many subjects say something twice in one breath: "A source, told the agency, said that"."""
    tokens = pieces(text)
    return sum(token in _FINITE and _says_again(tokens, place) for place, token in enumerate(tokens))


def _says_again(tokens: Sequence[str], verb: int) -> bool:
    """Whether only an object in commas parts the verb at this place from another one, whose subject it would share."""
    if tokens[verb - 1 : verb] in (("who",), ("which",), ("that",), ("and",)):
        return False
    for place in range(verb + 1, min(verb + 10, len(tokens))):
        token = tokens[place]
        if token in _FINITE:
            return tokens[place - 1] == ","
        if token in _ENDS or (token != "the" and token in FUNCTION_WORDS):
            return False
    return False


@lru_cache(maxsize=4_000)
def speakers(text: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """For each verb of saying the words among which its speaker is; none where it is a pronoun or not to be seen.

    The speaker stands before the verb, or after it where nothing stands before it but a "He" that stands for nobody:
    "Said the minister that", "He pointed Hadi that".
    """
    tokens = pieces(text)
    found = []
    for place, token in enumerate(tokens):
        if not is_reporting(token) or token in _UNCLEAR or token.endswith("ing"):
            continue
        if place and (tokens[place - 1] == "to" or tokens[place - 1] in AUXILIARIES - {"has", "have", "had"}):
            continue
        found.append((token, frozenset(_before(tokens, place) or _after(tokens, place))))
    return tuple(found)


def new_speakers(before: str, after: str, terms: Terms) -> list[str]:
    """Speakers of the rewrite who did not speak before, where it has no more verbs of saying than there were."""
    ours, theirs = speakers(before), speakers(after)
    if not all(words for _, words in ours) or len(theirs) > len(ours):
        return []
    known = terms.gained.union(*(words for _, words in ours))
    return [
        f"{sorted(words)[0]!r} did not say it"
        for verb, words in theirs
        if words and not any(are_counterparts(word, other) for word in words for other in known)
    ]


_PLAIN = frozenset("say tell add state explain note".split())


def new_claims(before: str, after: str) -> list[str]:
    """The verbs of saying of the rewrite that say more than "said" and that the sentence has in no form: "confirm"."""
    return [
        word
        for word in words(after)
        if is_reporting(word)
        and "VERB" in morphology.parts_of_speech(word)
        and morphology.lemmas(word).isdisjoint(_PLAIN)
        and not any(are_counterparts(word, other) for other in words(before))
    ]


_PERSONS = dict.fromkeys("i me my mine myself".split(), "I") | dict.fromkeys("we us our ours ourselves".split(), "we")
_PERSONS |= dict.fromkeys("you your yours yourself yourselves".split(), "you")


_GENDERS = dict.fromkeys("he him his himself".split(), "he") | dict.fromkeys("she her hers herself".split(), "she")


def changed_persons(before: str, after: str) -> list[str]:
    """Where the rewrite says I, we or you more often than before, or no more at all ("he puts", "I put"), or makes a "he"
    of a "she"."""
    ours, theirs = _counted(_PERSONS, before), _counted(_PERSONS, after)
    complaints = [f"lost {person!r}" for person in ours if person not in theirs]
    complaints += [f"invented {person!r}" for person in theirs - ours]
    was, now = _counted(_GENDERS, before), _counted(_GENDERS, after)
    return complaints + [f"{one!r} became {other!r}" for one in was - now for other in now - was]


def _counted(persons: Mapping[str, str], text: str) -> Counter[str]:
    return Counter(persons[word] for word in words(text) if word in persons)


def invented_persons(before: str, after: str) -> list[str]:
    """A "he" or "she" that opens the rewrite and stands nowhere in the sentence, but for one who says something: what
    "was published" may be a letter."""
    ours, theirs = words(before), words(after)
    if theirs[:1] not in (("he",), ("she",)) or theirs[0] in ours:
        return []
    deed = next((word for word in theirs[1:] if word not in AUXILIARIES), "")
    return [] if is_reporting(deed) else [f"invented {theirs[0]!r}"]


@lru_cache(maxsize=4_000)
def titled_names(text: str) -> tuple[tuple[str, str], ...]:
    """Each title with the name that follows it directly: "MP Faleh", "Minister Karim"."""
    found = []
    matches = list(WORD.finditer(text))
    for one, other in pairwise(matches):
        title, name = one.group().lower(), other.group()
        if title in TITLES and name[:1].isupper() and text[one.end() : other.start()] in (" ", ". "):
            low = name.lower()
            if low not in TITLES and low not in DATE_WORDS and low not in FUNCTION_WORDS:
                found.append((title, low))
    return tuple(found)


def parted_titles(before: str, after: str) -> list[str]:
    """Titles whose name has become somebody else: "the MP Faleh" and "the MP told Faleh"."""
    theirs, still = pieces(after), titled_names(after)
    complaints = []
    for title, name in (pair for pair in titled_names(before) if pair not in still):
        for place, token in enumerate(theirs):
            if token != name or place < 2 or not (is_reporting(theirs[place - 1]) or theirs[place - 1] in ("by", "to")):
                continue
            if any(are_counterparts(title, word) for word in theirs[max(0, place - 4) : place - 1]):
                complaints.append(f"{title!r} parted from {name!r}")
    return complaints
