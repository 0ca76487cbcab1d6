"""Guards over how a sentence is written: links, signs, scripts, marks, what kind of sentence it is.

Like all of :mod:`retranslate.guards`, where they are listed, they take the sentence before and after and the terms that
the glossary allows to change, and return their complaints.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from retranslate import morphology
from retranslate.counterparts import Terms, difference, table_lines
from retranslate.lexicon import words
from retranslate.text import untouchables

# --- What is not prose -----------------------------------------------------------------------------------------------


def links(text: str) -> Counter[str]:
    """Urls, e-mail addresses, handles, hashtags and code."""
    return Counter(span.text for span in untouchables(text))


def links_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Urls, e-mail addresses, handles, hashtags and code are the same before and after."""
    return difference(links(before), links(after))


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
    return difference(symbols(before), symbols(after))


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


# --- Marks and kinds of sentences ------------------------------------------------------------------------------------

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


_RELATIVES = frozenset("which who whom whose".split())
_ASKING = frozenset("who whom whose which what where when why how".split())
_ASKING_VERBS = frozenset(
    "is are was were do does did has have had can could will would shall should may might must isn't aren't don't".split()
)


def type_kept(before: str, after: str, terms: Terms) -> list[str]:
    """A heading stays a heading and a question a question: final mark, order of a question, capitals of a heading."""
    ours, theirs = _final(before), _final(after)
    if not ours and before[:1].islower() and after[:1].isupper():
        return ["a line that is no sentence now begins with a capital"]
    first, now = (next(iter(words(text)), "") for text in (before, after))
    if before[:1].islower() and first in _RELATIVES and first != now:
        return ["a clause that hangs on the sentence before now stands alone"]
    if first in _ASKING and now in _ASKING and first != now:
        return [f"opened with {first!r}, now with {now!r}"]
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
    return frozenset(line.translate(shift) for line in table_lines("coarse_words.txt"))


def no_profanity(before: str, after: str, terms: Terms) -> list[str]:
    """No swear word and no slur comes in. Those that somebody was quoted with stay."""
    invented = [word for word in words(after) if not coarse_words().isdisjoint(morphology.lemmas(word))]
    here = frozenset(words(before))
    return ["invented a coarse word" for word in dict.fromkeys(invented) if word not in here]
