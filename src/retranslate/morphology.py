"""English word forms: lemmas, inflection, articles.

A thin layer over ``lemminflect`` (an offline dictionary), imported at first use because a command such as
``retranslate --help`` must not pay for it. Tags are Penn Treebank tags (``NN``, ``NNS``, ``VBD`` ...).
"""

from __future__ import annotations

import re
from functools import lru_cache

NOUN_TAGS = ("NN", "NNS")
VERB_TAGS = ("VB", "VBP", "VBZ", "VBD", "VBN", "VBG")

_NO_NOUNS = frozenset(
    "this that these those which who whom whose what where when how why she he her his them they both either neither each".split()
)  # listed as nouns by the dictionary
_AN_EXCEPTIONS = re.compile(r"^(?:honest|honou?r|hour|heir|[aefhilmnorsx]-|[AEFHILMNORSX]{1}(?:[A-Z]|\d)+\b)")
_A_EXCEPTIONS = re.compile(r"^(?:uni(?!m|n)|use|usu|euro|ewe|one\b|once\b|u[tk]|U[A-Z])", re.IGNORECASE)


@lru_cache(maxsize=200_000)
def inflections(lemma: str) -> dict[str, str]:
    """Every form of ``lemma`` that the dictionary knows, by Penn tag; a regular plural for a noun it does not know.

    >>> inflections("liberate")["VBD"]
    'liberated'
    """
    import lemminflect

    forms = {tag: options[0] for tag, options in lemminflect.getAllInflections(lemma).items()}
    if not forms:
        forms = {tag: options[0] for tag, options in lemminflect.getAllInflectionsOOV(lemma, "NOUN").items()}
    return forms


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
    return tuple(tag for tag in (*NOUN_TAGS, *VERB_TAGS, *sorted(found)) if tag in found)


@lru_cache(maxsize=200_000)
def lemmas(word: str) -> frozenset[str]:
    """The possible lemmas of ``word`` over all parts of speech, the lower-cased word itself included.

    >>> sorted(lemmas("edited"))
    ['edit', 'edited']
    """
    import lemminflect

    low = word.lower()
    options = lemminflect.getAllLemmas(low)
    return frozenset({low, *(lemma for group in options.values() for lemma in group)})


@lru_cache(maxsize=200_000)
def parts_of_speech(word: str) -> frozenset[str]:
    """The open classes (NOUN, VERB, ADJ, ADV ...) that the dictionary has ``word`` in; empty for a word it lacks."""
    import lemminflect

    return frozenset(lemminflect.getAllLemmas(word.lower()))


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
    if _AN_EXCEPTIONS.match(following):
        return "an"
    if _A_EXCEPTIONS.match(following):
        return "a"
    return "an" if following[:1].lower() in set("aeiou") else "a"
