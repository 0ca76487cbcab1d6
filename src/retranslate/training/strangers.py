"""Words that a model has never met, put into both sides of a pair: it must learn to carry them over.

Garbled news is full of them: transliterated leftovers, senseless literal readings, unusual names. A model that saw only
ordinary words drops or "corrects" what it does not know.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from retranslate import morphology

_GIVEN = (
    "Karim Jawad Hadi Salih Hamid Qasim Adel Fadel Nasser Yasin Munir Rashid Tariq Walid Samir Khalil Basim Haitham Zainab Maysoon "
    "Hanan Iman Suad Layla Abbas Ammar Bilal Ehab Fares Ghazi Hisham Ibrahim Jamal Kamal Louay Mahdi Nizar Omran Qais Raad Saad "
    "Thamer Uday Wissam Yahya Ziad Shirwan Azad Hoshyar Nechirvan Mustafa Sabah Shaker Talal Usama Marwan Bassam Hatem Anis"
).split()
_FAMILY = (
    "al-Lami al-Zobai al-Saadi al-Hakim al-Khafaji al-Dulaimi al-Shammari al-Tamimi al-Obeidi al-Rubaie al-Asadi al-Jumaili "
    "al-Bayati al-Kaabi al-Mutlaq al-Amiri al-Araji al-Ghabban Talabani Barwari Zebari Haddad Mansour Khoury Saleh Nasrawi Harb "
    "al-Masri al-Sayed al-Sharif al-Najjar al-Attas al-Houri al-Fahd Rahmani Sultani Bakr Lafta Mutar Smesim Abboud Shahin"
).split()
_PREFIXES = ("Al", "B", "Bal", "L", "Lal", "K", "W", "Wal", "", "")
_CONSONANTS = "b t th j h kh d r z s sh f q k l m n gh".split()
_VOWELS = ("a", "i", "u", "aa", "e", "o", "")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}(?: [A-Z][a-z]{3,})?(?=[ ,.'])")
_NOUN = re.compile(r"(?<=[a-z] )[a-z]{4,}(?=[ ,.])")


def transliteration(rng: random.Random) -> str:
    """A made-up leftover such as "Balmdkhat": a glued prefix and consonants with too few vowels."""
    syllables = "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.randint(2, 4)))
    text = rng.choice(_PREFIXES) + syllables
    return text[:1].upper() + text[1:]


def arabic_name(rng: random.Random) -> str:
    """A full name, a given name or a family name as Arabic news has them."""
    given, family = rng.choice(_GIVEN), rng.choice(_FAMILY)
    return rng.choice((f"{given} {family}", given, family, f"{given} {rng.choice(_GIVEN)} {family}"))


def _usual(word: str) -> bool:
    """Whether a capitalised word is an ordinary one, or an adjective of nationality, rather than a name."""
    return bool(morphology.parts_of_speech(word)) or word.endswith(("an", "ans", "ish", "ese", "i", "is"))


def with_strange_name(sentence: str, rng: random.Random) -> str:
    """``sentence`` with one of its names, wherever it stands, replaced by an Arabic one."""
    found = [m.group() for m in _NAME.finditer(sentence) if not any(_usual(part) for part in m.group().split())]
    if not found:
        return sentence
    return sentence.replace(rng.choice(found), arabic_name(rng))


def with_strange_noun(sentence: str, rng: random.Random, nouns: Sequence[tuple[str, str]]) -> str:
    """``sentence`` with a noun replaced by a made-up transliteration, or by one of ``nouns`` (singular, plural)."""
    places = list(_NOUN.finditer(sentence))
    rng.shuffle(places)
    for place in places[:6]:
        number = morphology.plain_noun(place.group())
        if number is None:
            continue
        strange = transliteration(rng) if rng.random() < 0.5 or not nouns else rng.choice(nouns)[number == "NNS"]
        return sentence[: place.start()] + strange + sentence[place.end() :]
    return sentence
