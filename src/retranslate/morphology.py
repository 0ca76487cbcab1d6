"""English word forms: lemmas, inflection, articles.

A thin layer over ``lemminflect`` (an offline dictionary), imported at first use because a command such as
``retranslate --help`` must not pay for it. Tags are Penn Treebank tags (``NN``, ``NNS``, ``VBD`` ...).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.abc import MetaPathFinder
from types import MappingProxyType
from typing import Any

NOUN_TAGS = ("NN", "NNS")
VERB_TAGS = ("VB", "VBP", "VBZ", "VBD", "VBN", "VBG")

# Listed as nouns by the dictionary.
_NO_NOUNS = frozenset(
    "this that these those which who whom whose what where when how why she he her his them they both either neither each".split()
)
# Read letter by letter, these begin with a vowel: MP, FBI, NGO; but NATO and HAMAS are read as words.
_SPELT_OUT = re.compile(
    r"(?:[AEFHILMNORSX](?:[B-DF-HJ-NP-TV-Z\d-]|$)|[AEIO][A-Z]|(?:SUV|RAF|MEP|HIV|LED|SOS|MOU)s?\b)[A-Z\d]*s?(?![a-z])"
)
_VOWEL_SOUND = re.compile(r"honest|honou?r|hour|heir|[aefhilmnorsx]-|8|1[18](?![\d.,])", re.IGNORECASE)
_CONSONANT_SOUND = re.compile(
    r"uni(?![mn]|den|nt)|us(?:e|ua|u[lrs]|ag)|ut(?:il|op)|u[bk](?:i|r|e)|ura|euro?|eu[lpc]|ewe|one(?![a-z])|once(?![a-z])",
    re.IGNORECASE,
)


class _Hidden(MetaPathFinder):
    """Finds no spaCy."""

    def find_spec(self, name: str, *rest: Any) -> None:
        if name == "spacy":
            raise ModuleNotFoundError(name)


@cache
def _dictionary() -> Any:
    """lemminflect, which would import spaCy where that is installed, to add to its tokens: more than a second for nothing."""
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        import lemminflect
    finally:
        sys.meta_path.remove(hidden)
    return lemminflect


@lru_cache(maxsize=10_000)
def _listed_forms(lemma: str) -> Mapping[str, tuple[str, ...]]:
    """What the dictionary says of ``lemma``: the spellings of its forms by Penn tag."""
    forms: Mapping[str, tuple[str, ...]] = _dictionary().getAllInflections(lemma)
    return forms


@lru_cache(maxsize=200_000)
def inflections(lemma: str) -> Mapping[str, str]:
    """Every form of ``lemma`` that the dictionary knows, by Penn tag; a regular plural for a noun it does not know.

    >>> inflections("liberate")["VBD"]
    'liberated'
    """
    forms = {tag: options[0] for tag, options in _listed_forms(lemma).items()}
    if not forms:
        return MappingProxyType({"NN": lemma, "NNS": _regular_plural(lemma)})
    if "VBD" in forms:
        # The dictionary leaves the participle out where it is the past tense again.
        forms.setdefault("VBN", forms["VBD"])
    return MappingProxyType(forms)


def is_lemma(word: str) -> bool:
    """Whether the dictionary has ``word``, in lower case, as the lemma of anything; cheaper to ask than for its parts of speech.

    >>> is_lemma("smuggle"), is_lemma("smuggl")
    (True, False)
    """
    return bool(_listed_forms(word))


def _regular_plural(lemma: str) -> str:
    if re.search(r"[^aeiou]y$", lemma):
        return f"{lemma[:-1]}ies"
    return f"{lemma}es" if lemma.endswith(("s", "x", "z", "ch", "sh")) else f"{lemma}s"


def inflect(lemma: str, tag: str) -> str:
    """``lemma`` in the form that ``tag`` names; the lemma itself where it has no such form.

    >>> inflect("fighter", "NNS")
    'fighters'
    """
    return inflections(lemma).get(tag, lemma)


def tags_of(form: str, lemma: str) -> tuple[str, ...]:
    """The Penn tags under which ``form`` is a form of ``lemma``, nouns before verbs.

    >>> tags_of("elements", "element")
    ('NNS',)
    """
    found = {tag for tag, word in inflections(lemma).items() if word == form}
    return (*(tag for tag in (*NOUN_TAGS, *VERB_TAGS) if tag in found), *sorted(found - {*NOUN_TAGS, *VERB_TAGS}))


@lru_cache(maxsize=200_000)
def lemmas(word: str) -> frozenset[str]:
    """The possible lemmas of ``word`` over all parts of speech, the lower-cased word itself included.

    >>> sorted(lemmas("edited"))
    ['edit', 'edited']
    """
    low = word.lower()
    options = _dictionary().getAllLemmas(low)
    return frozenset({low, *(lemma for group in options.values() for lemma in group)})


@lru_cache(maxsize=200_000)
def parts_of_speech(word: str) -> frozenset[str]:
    """The open classes (NOUN, VERB, ADJ, ADV ...) that the dictionary has ``word`` in; empty for a word it lacks."""
    return frozenset(_dictionary().getAllLemmas(word.lower()))


def plain_noun(word: str) -> str | None:
    """``NN`` or ``NNS`` for a word that can only be a noun, None for any other.

    >>> plain_noun("committees"), plain_noun("run")
    ('NNS', None)
    """
    if parts_of_speech(word) != {"NOUN"} or word in _NO_NOUNS:
        return None
    lemma = min(lemmas(word) - {word}, default=word)
    return next((tag for tag in tags_of(word, lemma) if tag in NOUN_TAGS), None)


def indefinite_article(following: str) -> str:
    """``a`` or ``an`` before the word ``following``, by its spelling.

    >>> indefinite_article("hour"), indefinite_article("fighter"), indefinite_article("union")
    ('an', 'a', 'a')
    """
    if re.match(r"[A-Z][A-Z\d-]", following):
        return "an" if _SPELT_OUT.match(following) else "a"
    if _VOWEL_SOUND.match(following):
        return "an"
    if _CONSONANT_SOUND.match(following):
        return "a"
    return "an" if following[:1].lower() in set("aeiou") else "a"
