"""What a sentence counts, measures and dates: numbers, units, days, times, and what each number belongs to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import combinations

from retranslate.counterparts import are_counterparts
from retranslate.lexicon import (
    DATE_WORDS,
    DAYS,
    FUNCTION_WORDS,
    MAGNITUDE_FORMS,
    MONTHS,
    NUMBER,
    NUMBER_WORDS,
    ORDINALS,
    WORD,
    ages,
    in_figures,
    pieces,
    without_ages,
    words,
)

_FIGURE = re.compile(r"(?:(?<![\w.)\]])[-−])?\d+(?:[.,:/]\d+)*")
_PERCENT = re.compile(r"%|\bper cent\b", re.IGNORECASE)
_THOUSANDS = re.compile(r",(?=\d{3}\b)")
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?![\d.,]\d|\d)")
_NO_SPACES = str.maketrans("", "", " \u00a0\u202f")
_LETTERS = re.compile(r"[a-z]+")


# "£20m", "$4.1bn".
_SHORT = re.compile(r"(?<=[£$€])(\d+(?:\.\d+)?) ?(m|bn|tn)\b")
_SPELT = {"m": "million", "bn": "billion", "tn": "trillion"}


def _spelt_out(text: str) -> str:
    return _SHORT.sub(lambda match: f"{match[1]} {_SPELT[match[2]]}", text)


@lru_cache(maxsize=4_000)
def _numbers(text: str) -> Counter[str]:
    text = _spelt_out(text)
    text = _SPACED_THOUSANDS.sub(lambda match: match.group().translate(_NO_SPACES), text)
    found = Counter(_THOUSANDS.sub("", figure) for figure in _FIGURE.findall(text))
    for word in _LETTERS.findall(text.lower()):
        if word in NUMBER_WORDS and word != "one":
            found[NUMBER_WORDS[word]] += 1
        elif word in MAGNITUDE_FORMS:
            found[MAGNITUDE_FORMS[word]] += 1
        elif word in ORDINALS and word != "second":
            found[word] += 1
    if signs := len(_PERCENT.findall(text)):
        found["percent"] += signs
    return found


def numbers(text: str) -> Counter[str]:
    """Every number of ``text``: figures without thousands separators, number words as figures, magnitudes, ordinals.

    "One" is left out: it is a pronoun as often as a number.
    """
    return _numbers(text).copy()


_POWERS = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
# "3 thousand", "five hundred thousand", "2.5 million"; not the "three hundred" of "three hundred twenty".
_ROUND = re.compile(
    rf"(?<![\w.,-])(\d{{1,9}}(?:,\d{{3}})*(?:\.\d{{1,9}})?|{'|'.join(NUMBER_WORDS)})((?:[ \u00a0-](?:{'|'.join(_POWERS)})s?){{1,3}})\b"
    rf"(?:(?<!hundred)|(?![ -](?:and )?(?:\d|(?:{'|'.join([*NUMBER_WORDS, *_POWERS])})\b)))",
    re.IGNORECASE,
)


def round_numbers(text: str) -> Counter[str]:
    """As :func:`numbers`, but "3 thousand", "three thousand" and "3,000" are one.

    >>> round_numbers("3 thousand"), round_numbers("3,000")
    (Counter({'3000': 1}), Counter({'3000': 1}))
    """
    return _numbers(with_figures(text)).copy()


@lru_cache(maxsize=4_000)
def with_figures(text: str) -> str:
    """``text`` with its round numbers as figures.

    >>> with_figures("3 thousand of half a million")
    '3000 of half a million'
    """
    return _ROUND.sub(_figure, _spelt_out(text))


def _figure(match: re.Match[str]) -> str:
    value = Decimal(in_figures(match[1]).replace(",", ""))
    for power in re.findall(r"[a-z]+", match[2].lower()):
        value *= _POWERS[MAGNITUDE_FORMS[power]]
    return f"{value.normalize():f}"


_ANY_NUMBER = rf"(?<![\w.,-])({NUMBER})"
_MAY_BE_AGE = re.compile(
    rf"{_ANY_NUMBER}(?= *(?:[.,;)]|$))|\bage[ds]?\b(?: \w+){{0,3}} (?:the )?{_ANY_NUMBER}\b", re.IGNORECASE
)
_OF_YEARS = re.compile(rf"{_ANY_NUMBER}(?=[ -]{{1,3}}years?\b)", re.IGNORECASE)


def changed_ages(before: str, after: str) -> list[str]:
    """Ages that are none any more and have become some other number, and other numbers that have become ages.

    >>> changed_ages("a girl aged 14", "14 girls"), changed_ages("his mother, 88 years", "his mother, aged 88")
    (["lost '14' as an age"], [])
    """
    ours, theirs = ages(before), ages(after)
    lost = [f"lost {age!r} as an age" for age in _no_ages_in(ours, theirs, after, _MAY_BE_AGE)]
    return lost + [f"invented {age!r} as an age" for age in _no_ages_in(theirs, ours, before, _MAY_BE_AGE, _OF_YEARS)]


def _no_ages_in(found: frozenset[str], others: frozenset[str], text: str, *patterns: re.Pattern[str]) -> list[str]:
    """Those of the ages ``found`` that are not among ``others``, and by none of the patterns could be ages in ``text`` either."""
    matches = (match for pattern in patterns for match in pattern.finditer(text))
    possible = {in_figures(match[match.lastindex or 0]) for match in matches}
    return sorted(found - others - possible)


_QUANTIFIERS = (
    dict.fromkeys("all every each everyone everybody whole entire".split(), "all")
    | {word: word for word in "both most few several more less".split()}
    | {"fewer": "less"}
)


@lru_cache(maxsize=4_000)
def quantifiers(text: str) -> frozenset[str]:
    """Which of all, both, most, few, several, more and less ``text`` speaks of."""
    return frozenset(_QUANTIFIERS[word] for word in words(text) if word in _QUANTIFIERS)


# --- Units and money -------------------------------------------------------------------------------------------------

# Each line is one unit, its common name first; a measure counts where a number stands before it, money everywhere.
_MONEY = """dollar dollars usd $|euro euros eur €|pound pounds gbp £|yen ¥|yuan renminbi|dinar dinars iqd|riyal riyals|rial rials|dirham dirhams
    |lira liras|ruble rubles rouble roubles|rupee rupees|franc francs|shekel shekels|peso pesos|crown crowns|cent cents"""
_MEASURES = """kilometer kilometers kilometre kilometres km kms|meter meters metre metres m|centimeter centimeters centimetre centimetres cm
    |millimeter millimeters millimetre millimetres mm|mile miles|foot feet ft|yard yards|inch inches|kilogram kilograms kilogramme kilogrammes
    kilo kilos kg|gram grams gramme grammes g|ton tons|tonne tonnes|pound pounds lb lbs|liter liters litre litres|gallon gallons|barrel barrels
    |degree degrees °|celsius|fahrenheit|hectare hectares|acre acres|dunam dunams dunum dunums donum donums|megawatt megawatts mw
    |kilowatt kilowatts kw|gigawatt gigawatts gw|volt volts|second seconds|minute minutes|hour hours|day days|week weeks|month months
    |year years|decade decades|century centuries|percent pct %|point points|caliber calibre"""


def _named(table: str) -> dict[str, str]:
    return {form: line.split()[0] for line in table.split("|") for form in line.split()}


_MONEY_FORMS = _named(_MONEY)
_UNIT_FORMS = _named(_MEASURES) | _MONEY_FORMS
_TOKEN = re.compile(rf"{_FIGURE.pattern}(?:st|nd|rd|th)?\b|{WORD.pattern}|[^\w\s]")
_UNIT_WITHIN = re.compile(r"^(\d[\d.,]*)(km|kms|m|cm|mm|kg|g|mw|kw|gw|ft|lb|lbs)$")


@lru_cache(maxsize=4_000)
def _tokens(text: str) -> tuple[str, ...]:
    """Figures, words and signs in lower case; "12km" and "three-year" are two."""
    found: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match.group().lower()
        inner = _UNIT_WITHIN.match(token)
        count, hyphen, unit = token.partition("-")
        if inner:
            found += inner.groups()
        elif hyphen and unit in _UNIT_FORMS and _is_number(count):
            found += (count, unit)
        else:
            found.append(token)
    return tuple(found)


def _is_number(token: str) -> bool:
    return token[:1].isdigit() or token[1:2].isdigit() or token in NUMBER_WORDS or token in MAGNITUDE_FORMS


@lru_cache(maxsize=4_000)
def units(text: str) -> tuple[Counter[str], Counter[str]]:
    """The units that ``text`` certainly measures in, and all words of it that may be units; the years of an age are not certain.

    Certain is money, and what follows a number: the "days" of "three days", not those of "the days of the war".
    """
    text = _spelt_out(text)
    certain = Counter(unit for unit, is_certain in _measures(_tokens(without_ages(text))) if is_certain)
    return certain, Counter(unit for unit, _ in _measures(_tokens(text)))


def _measures(tokens: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """The words that may be units, and whether they certainly are."""
    for place, token in enumerate(tokens):
        unit = _UNIT_FORMS.get(token)
        beside = tokens[place - 1] if place else ""
        if unit is not None and not (len(token) == 1 and token.isalpha() and not beside[:1].isdigit()):
            yield unit, token in _MONEY_FORMS or _is_number(beside)


# --- Days and times --------------------------------------------------------------------------------------------------

_PERIODS = (
    frozenset(
        """day week weekend month year decade century season summer spring autumn winter fall night evening morning days weeks months
        years hours friday quarter term session meeting time""".split()
    )
    | DAYS
    | MONTHS
)
_DIRECTIONS = dict.fromkeys("next coming upcoming".split(), "next") | dict.fromkeys(
    "last past previous".split(), "last"
)
_TIMES = {"midday": "noon", "noontime": "noon"} | {
    word: word for word in "noon midnight dawn sunrise sunset morning afternoon evening night gmt".split()
}
_HALF_OF_DAY = re.compile(r"\d ?([ap])\.?m\b", re.IGNORECASE)


@lru_cache(maxsize=4_000)
def _dates(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for match in re.finditer(r"[A-Za-z]+", text):
        word = match.group().lower()
        ambiguous = word in ("may", "march") and not re.match(r"(?:May|March)\b", match.group())
        if word in DATE_WORDS and not ambiguous:
            found[word] += 1
    return found


def dates(text: str) -> Counter[str]:
    """Weekdays, months and today, yesterday, tomorrow. "May" and "march" count only with a capital."""
    return _dates(text).copy()


@lru_cache(maxsize=4_000)
def directions(text: str) -> frozenset[str]:
    """Whether a period of ``text`` is a "next" or a "last" one: "next week", "Sunday the coming"."""
    low = words(text)
    return frozenset(
        _DIRECTIONS[word]
        for place, word in enumerate(low)
        if word in _DIRECTIONS and not _PERIODS.isdisjoint(low[max(0, place - 2) : place + 3])
    )


_BESIDE_DATES = frozenset("the day of month next coming last past morning evening".split())
_LIMITS = frozenset("to until till by before after".split())
_DURING = frozenset("on in at".split())


@lru_cache(maxsize=4_000)
def _before_dates(text: str) -> dict[str, frozenset[str]]:
    """For each weekday, month or relative day the words before it, or before the "day of" in front of it."""
    tokens = pieces(text)
    found: dict[str, set[str]] = {}
    for place, token in enumerate(tokens):
        if token in DATE_WORDS:
            rest = (word for word in reversed(tokens[:place]) if word not in _BESIDE_DATES)
            found.setdefault(token, set()).add(next(rest, ""))
    return {date: frozenset(links) for date, links in found.items()}


def lost_limits(before: str, after: str) -> list[tuple[str, str, str]]:
    """Limits that have become days of their own: the preposition, the date, and the preposition that it has now.

    >>> lost_limits("adjourned to day of Saturday the next", "adjourned on Saturday next day")
    [('to', 'saturday', 'on')]
    """
    ours, theirs = _before_dates(before), _before_dates(after)
    return [
        (limit, date, min(theirs[date]))
        for date, links in ours.items()
        for limit in sorted(links & _LIMITS)
        if date in theirs and theirs[date] <= _DURING
    ]


@lru_cache(maxsize=4_000)
def _times(text: str) -> Counter[str]:
    found = Counter(_TIMES[word] for word in words(text) if word in _TIMES)
    found.update(f"{half.lower()}.m." for half in _HALF_OF_DAY.findall(text))
    return found


def times(text: str) -> Counter[str]:
    """Times of day: morning and evening, noon and midnight, a.m. and p.m. Hours and minutes are among the numbers."""
    return _times(text).copy()


# --- What a number belongs to ----------------------------------------------------------------------------------------

_BREAKS = frozenset(',;:.()[]"“”!?') | {"and", "or", "but", "while"}


@lru_cache(maxsize=4_000)
def _counted(text: str) -> dict[str, frozenset[str]]:
    """For each number that occurs once the three words after it, or else the one before it, up to a number or a break."""
    tokens = _tokens(text)
    places: dict[str, list[int]] = {}
    for place, token in enumerate(tokens):
        if token in NUMBER_WORDS or token[0].isdigit() or token[1:2].isdigit():
            places.setdefault(NUMBER_WORDS.get(token, _THOUSANDS.sub("", token)), []).append(place)
    taken = {place for found in places.values() for place in found}

    def beside(start: int, step: int, most: int) -> list[str]:
        found: list[str] = []
        place = start + step
        while 0 <= place < len(tokens) and place not in taken and tokens[place] not in _BREAKS and len(found) < most:
            if tokens[place] not in FUNCTION_WORDS:
                found.append(tokens[place])
            place += step
        return found

    return {
        number: frozenset(beside(found[0], 1, 3) or beside(found[0], -1, 1))
        for number, found in places.items()
        if len(found) == 1
    }


def swapped_numbers(before: str, after: str) -> list[tuple[str, str]]:
    """Pairs of numbers that have changed places: what one counted, the other counts now.

    >>> swapped_numbers("12 wounded, 3 killed", "3 wounded and 12 killed")
    [('12', '3')]
    """
    ours, theirs = _counted(before), _counted(after)
    both = [number for number in ours if number in theirs]

    def common(one: str, other: str) -> int:
        return sum(any(are_counterparts(word, there) for there in theirs[other]) for word in ours[one])

    return [
        (one, other)
        for one, other in combinations(both, 2)
        if common(one, other) + common(other, one) > common(one, one) + common(other, other)
    ]
