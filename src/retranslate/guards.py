"""May this rewrite replace its original? Pure functions, each named for what it protects.

A guard takes the sentence before and after and the terms that the glossary allows to change, and returns its
complaints, an empty list when all is well. :data:`GUARDS` names them all; :func:`judge` asks them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from retranslate import morphology
from retranslate.text import untouchables

WORD = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*")

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
_MAGNITUDE_FORMS = {form: word for word in MAGNITUDES for form in (word, f"{word}s")} | {
    "halves": "half",
    "doubled": "double",
}
ORDINALS = frozenset("first second third fourth fifth sixth seventh eighth ninth tenth".split())
_FIGURE = re.compile(r"(?:(?<![\w.)\]])[-−])?\d+(?:[.,:/]\d+)*")
_PERCENT = re.compile(r"%|\bper cent\b", re.IGNORECASE)

DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
MONTHS = frozenset("january february march april may june july august september october november december".split())
RELATIVE_DAYS = frozenset({"today", "yesterday", "tomorrow", "tonight"})

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
REPORTING = frozenset(
    """say tell add note state announce explain stress confirm affirm declare reveal indicate point emphasize emphasise continue
    report warn claim insist mention assure believe argue clarify remark assert describe show""".split()
)
# Words that carry no content of their own in a rewrite: they may come and go.
LIGHT = frozenset(
    """make take get give go come put be have do let use thing matter order part field process area subject respect addition term
    case kind way well certain great large big new take place carry held hold conduct lead number amount group organization
    during following""".split()
)
_TITLE_JOINERS = frozenset({"al", "el", "bin", "ibn", "abu", "de", "van", "von", "the", "of"})


@dataclass(frozen=True)
class Terms:
    """What the glossary allows: words that a rewrite may lose, and words that it may bring in, all in lower case."""

    lost: frozenset[str] = frozenset()
    gained: frozenset[str] = frozenset()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Terms:
        """From pairs of (what the text says, what it may have to say)."""
        pairs = list(pairs)
        return cls(
            frozenset(word for wrong, _ in pairs for word in words(wrong)),
            frozenset(word for _, right in pairs for word in words(right)),
        )


Guard = Callable[[str, str, Terms], list[str]]


def words(text: str) -> list[str]:
    """The words of ``text`` in lower case, possessive endings off."""
    return [re.sub(r"['’]s?$", "", match.group().lower()) for match in WORD.finditer(text)]


def numbers(text: str) -> Counter[str]:
    """Every number of ``text``: figures without thousands separators, number words as figures, magnitudes, ordinals.

    "One" is left out: it is a pronoun as often as a number.
    """
    found = Counter(re.sub(r",(?=\d{3}\b)", "", figure) for figure in _FIGURE.findall(text))
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in NUMBER_WORDS and word != "one":
            found[NUMBER_WORDS[word]] += 1
        elif word in _MAGNITUDE_FORMS:
            found[_MAGNITUDE_FORMS[word]] += 1
        elif word in ORDINALS and word != "second":
            found[word] += 1
    if signs := len(_PERCENT.findall(text)):
        found["percent"] += signs
    return found


def dates(text: str) -> Counter[str]:
    """Weekdays, months and today, yesterday, tomorrow. "May" and "march" count only with a capital."""
    found: Counter[str] = Counter()
    for match in re.finditer(r"[A-Za-z]+", text):
        word = match.group().lower()
        ambiguous = word in ("may", "march") and not re.match(r"(?:May|March)\b", match.group())
        if (word in DAYS or word in MONTHS or word in RELATIVE_DAYS) and not ambiguous:
            found[word] += 1
    return found


def links(text: str) -> Counter[str]:
    """Urls, e-mail addresses, handles, hashtags and code."""
    return Counter(span.text for span in untouchables(text))


def symbols(text: str) -> Counter[str]:
    """Currency and mathematical signs, pictures, the mark of a lost character, and letters with accents."""
    composed = unicodedata.normalize("NFC", text)
    return Counter(
        character
        for character in composed
        if unicodedata.category(character)[0] in "SM" or (character.isalpha() and not character.isascii())
    )


def negations(text: str) -> int:
    """How many negating words there are, contracted ones included."""
    return sum(word in NEGATORS or word.endswith(("n't", "n’t")) for word in words(text))


@lru_cache(maxsize=100_000)
def is_dictionary_word(word: str) -> bool:
    """Whether ``word`` in lower case is an ordinary English word."""
    low = word.lower()
    if low in FUNCTION_WORDS or low in NUMBER_WORDS:
        return True
    return len(morphology.lemmas(low)) > 1 or (low in morphology.inflections(low).values() and _known(low))


@lru_cache(maxsize=100_000)
def _known(word: str) -> bool:
    import lemminflect

    return bool(lemminflect.getAllLemmas(word))


def names(text: str) -> list[str]:
    """The capitalised words of ``text`` that do not open it or a quotation, dates and function words left out.

    A word that opens the sentence counts when it is no dictionary word ("Baghdad"). In text without lower-case letters
    nothing counts: capitals say nothing there.
    """
    if not any(character.islower() for character in text):
        return []
    found = []
    opening = True
    for match in WORD.finditer(text):
        before = text[: match.start()].rstrip()
        opening = not before or before[-1] in ".!?:" or bool(re.search(r"[\"“”]\s*$", text[: match.start()]))
        word = re.sub(r"['’]s?$", "", match.group())
        low = word.lower()
        if not word[:1].isupper() or low in DAYS | MONTHS | RELATIVE_DAYS or low in FUNCTION_WORDS or low == "i":
            continue
        if opening and is_dictionary_word(low):
            continue
        found.append(word)
    return found


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """A rough common form of a word's inflections and derivations: "parliamentary" and "parliament" share one."""
    lemma = min(morphology.lemmas(word), key=lambda option: (len(option), option))
    for ending in ("ization", "isation", "ation", "ition", "ment", "ness", "ally", "ance", "ence", "ing", "ion", "ity", "ial", "ary", "ian",
                   "ive", "ous", "ful", "est", "ism", "ist", "ies", "ed", "er", "or", "al", "ly", "ic", "es", "an", "e", "s", "y", "i"):  # fmt: skip
        if lemma.endswith(ending) and len(lemma) - len(ending) >= 4:
            return lemma[: -len(ending)]
    return lemma


def content(text: str) -> Counter[str]:
    """The stems of the words that carry the meaning."""
    found: Counter[str] = Counter()
    for word in words(text):
        lemma_set = morphology.lemmas(word)
        if len(word) < 3 or word in FUNCTION_WORDS or lemma_set & (REPORTING | LIGHT) or word.isdigit():
            continue
        if word in NUMBER_WORDS or word in _MAGNITUDE_FORMS or word in NEGATORS:
            continue
        found[stem(word)] += 1
    return found


# --- the guards ------------------------------------------------------------------------------------------------------


def numbers_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Numbers in figures and in words are the same before and after."""
    return _difference(numbers(before), numbers(after), terms)


def dates_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Weekdays, months and relative days are the same before and after."""
    return _difference(dates(before), dates(after), terms)


def links_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Urls, e-mail addresses, handles, hashtags and code are the same before and after."""
    return _difference(links(before), links(after), Terms())


def symbols_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Currency and mathematical signs, pictures and accents are the same before and after."""
    return _difference(symbols(before), symbols(after), Terms())


def lines_kept(before: str, after: str, terms: Terms) -> list[str]:
    """No line is joined, lost or added."""
    # A line end at the very end counts too, which splitlines() would not see.
    ours, theirs = len(f"{before}.".splitlines()), len(f"{after}.".splitlines())
    return [] if ours == theirs else [f"{ours} lines before, {theirs} after"]


def _difference(before: Counter[str], after: Counter[str], terms: Terms) -> list[str]:
    lost = [f"lost {item!r}" for item in (before - after) if item not in terms.lost]
    return lost + [f"invented {item!r}" for item in (after - before) if item not in terms.gained]


def names_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Every name is still there, and none is new but for what the glossary maps."""
    there = set(words(after)) | {part for word in words(after) for part in re.split("[-’'.]", word)}
    here = set(words(before)) | {part for word in words(before) for part in re.split("[-’'.]", word)}
    complaints = []
    for name in dict.fromkeys(names(before)):
        low = name.lower()
        if low not in there and low not in terms.lost and not _inflected_in(low, there):
            complaints.append(f"lost {name!r}")
    if _loses_its_opening(before, there, terms):
        complaints.append(f"lost {words(before)[0]!r}, which opened the sentence")
    for name in dict.fromkeys(names(after)):
        low = name.lower()
        if low not in here and low not in terms.gained and not _inflected_in(low, here):
            complaints.append(f"invented {name!r}")
    return complaints


def _loses_its_opening(before: str, there: set[str], terms: Terms) -> bool:
    """Whether the word that opens the sentence is gone; it may be a name for all one can tell ("United")."""
    if not before[:1].isupper() or not (opening := words(before)[:1]):
        return False
    free = (
        opening[0] in FUNCTION_WORDS
        or opening[0] in NUMBER_WORDS
        or opening[0] in terms.lost
        or is_reporting(opening[0])
    )
    return not free and opening[0] not in there and not _inflected_in(opening[0], there)


def _inflected_in(name: str, others: set[str]) -> bool:
    return (
        bool(morphology.lemmas(name) & others) or f"{name}s" in others or (name.endswith("s") and name[:-1] in others)
    )


def negation_kept(before: str, after: str, terms: Terms) -> list[str]:
    """As many negations after as before: a repair never turns a statement around."""
    ours, theirs = negations(before), negations(after)
    return [] if ours == theirs else [f"{ours} negations before, {theirs} after"]


def is_reporting(word: str) -> bool:
    """Whether ``word`` is a form of a verb of saying."""
    return bool(morphology.lemmas(word) & REPORTING)


_TOLD = re.compile(r"\b(?:told|tells|telling)\b(?! (?:said|that)\b)", re.IGNORECASE)


def attribution_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Nobody's "said" gets lost: as many verbs of saying as before, but for two in a row ("told said")."""
    if len(_TOLD.findall(before)) > len(_TOLD.findall(after)):
        # "He told the minister that": the minister is who heard it.
        return ["lost 'told', whose object would become the speaker"]
    ours = [is_reporting(word) for word in words(before)]
    theirs = sum(is_reporting(word) for word in words(after))
    doubled = sum(one and other for one, other in pairwise(ours))
    lost = sum(ours) - doubled - theirs
    return [f"lost {lost} of {sum(ours)} verbs of saying"] if lost > 0 else []


_MODALITY = {word: kind for kind in ("may might", "can could", "must should ought") for word in kind.split()}
_CANNOT = re.compile(r"\bcannot\b|\bcan't\b|\bcan’t\b", re.IGNORECASE)


def modality_kept(before: str, after: str, terms: Terms) -> list[str]:
    """What may, can or must be stays so. "Will" and "would" follow the tense and are free."""
    ours, theirs = (
        Counter(_MODALITY[word.removesuffix("n't")] for word in words(text) if word.removesuffix("n't") in _MODALITY)
        for text in (_CANNOT.sub("can not", re.sub(r"\bMay\b", "", text)) for text in (before, after))
    )
    return [f"lost {kind.split()[0]!r}" for kind in (ours - theirs)] + [
        f"invented {kind.split()[0]!r}" for kind in (theirs - ours)
    ]


def content_kept(before: str, after: str, terms: Terms) -> list[str]:
    """No word that carries meaning disappears without another in its place, and none appears from nowhere.

    Reporting verbs and words without content of their own may come and go. One word for another is allowed up to one
    in eight words, since a wrong-sense word has to be replaced.
    """
    ours, theirs = content(before), content(after)
    lost = [item for item in (ours - theirs).elements() if item not in {stem(word) for word in terms.lost}]
    gained = [item for item in (theirs - ours).elements() if item not in {stem(word) for word in terms.gained}]
    lost, gained = _without_relatives(lost, gained)
    # A repeated word may be said once.
    lost = [item for item in lost if theirs[item] == 0]
    if len(lost) > len(gained):
        return [f"lost {item!r}" for item in lost]
    if len(gained) > len(lost) and gained:
        return [f"invented {item!r}" for item in gained]
    allowed = 1 + len(words(before)) // 10
    return [f"{len(lost)} words replaced by others ({', '.join(lost[:4])})"] if len(lost) > allowed else []


def _without_relatives(lost: list[str], gained: list[str]) -> tuple[list[str], list[str]]:
    """Drops pairs that share most of their beginning: "financ" and "financi"."""
    gained = list(gained)
    kept = []
    for item in lost:
        partner = next((other for other in gained if _related(item, other)), None)
        if partner is None:
            kept.append(item)
        else:
            gained.remove(partner)
    return kept, gained


def _related(one: str, other: str) -> bool:
    common = 0
    for ours, theirs in zip(one, other, strict=False):
        if ours != theirs:
            break
        common += 1
    return common >= 4 and common >= 0.7 * min(len(one), len(other))


def no_loop(before: str, after: str, terms: Terms) -> list[str]:
    """No word group of three or more is said more often than before, and no word twice in a row."""
    ours, theirs = words(before), words(after)
    for size in (1, 2, 3, 4):
        doubled = [
            tuple(theirs[i : i + size])
            for i in range(len(theirs) - 2 * size + 1)
            if theirs[i : i + size] == theirs[i + size : i + 2 * size]
        ]
        allowed = {
            tuple(ours[i : i + size])
            for i in range(len(ours) - 2 * size + 1)
            if ours[i : i + size] == ours[i + size : i + 2 * size]
        }
        new = [group for group in doubled if group not in allowed and group not in {("had",), ("that",)}]
        if new:
            return [f"repeats {' '.join(new[0])!r}"]
    triples = Counter(zip(theirs, theirs[1:], theirs[2:], strict=False)) - Counter(
        zip(ours, ours[1:], ours[2:], strict=False)
    )
    before_counts = Counter(zip(ours, ours[1:], ours[2:], strict=False))
    again = [group for group, count in triples.items() if before_counts[group] + count > 1]
    return [f"repeats {' '.join(again[0])!r}"] if again else []


def length_kept(before: str, after: str, terms: Terms) -> list[str]:
    """Between 0.6 and 1.6 times as many words as before, and never none."""
    ours, theirs = len(words(before)), len(words(after))
    if ours and not theirs:
        return ["no word is left"]
    ratio = theirs / max(1, ours)
    return [] if 0.6 <= ratio <= 1.6 or abs(ours - theirs) <= 2 else [f"{ours} words before, {theirs} after"]


def quotes_balanced(before: str, after: str, terms: Terms) -> list[str]:
    """Quotation marks and brackets pair up, unless they did not before; none is lost or added beyond pairing up."""
    ours, theirs = len(re.findall('["“”]', before)), len(re.findall('["“”]', after))
    complaints = []
    if theirs % 2 and not ours % 2:
        complaints.append("an unpaired quotation mark")
    if abs(ours - theirs) > (1 if ours % 2 else 0) and not (ours > theirs and ours - theirs == 2 and ours >= 4):
        complaints.append(f"{ours} quotation marks before, {theirs} after")
    for opening, closing in ("()", "[]", "«»"):
        if after.count(opening) != before.count(opening) or after.count(closing) != before.count(closing):
            complaints.append(f"brackets {opening}{closing} changed")
    return complaints


def ending_kept(before: str, after: str, terms: Terms) -> list[str]:
    """A heading stays a heading and a question a question: the kind of final mark does not change."""

    def final(text: str) -> str:
        stripped = text.rstrip(" \"'“”’)]")
        return stripped[-1:] if stripped[-1:] in ".!?…:" else ""

    if not final(before) and before[:1].islower() and after[:1].isupper():
        return ["a line that is no sentence now begins with a capital"]
    if final(before).replace("…", ".") == final(after).replace("…", "."):
        return []
    return [f"ended in {final(before)!r}, now in {final(after)!r}"]


GUARDS: dict[str, Guard] = {
    "numbers": numbers_kept,
    "dates": dates_kept,
    "links": links_kept,
    "symbols": symbols_kept,
    "lines": lines_kept,
    "names": names_kept,
    "negation": negation_kept,
    "modality": modality_kept,
    "attribution": attribution_kept,
    "content": content_kept,
    "loop": no_loop,
    "length": length_kept,
    "quotes": quotes_balanced,
    "ending": ending_kept,
}


def judge(
    before: str, after: str, terms: Terms = Terms(), guards: Sequence[str] = tuple(GUARDS)
) -> dict[str, list[str]]:
    """The complaints by guard; empty when the rewrite may stand."""
    verdicts = {name: GUARDS[name](before, after, terms) for name in guards}
    return {name: complaints for name, complaints in verdicts.items() if complaints}
