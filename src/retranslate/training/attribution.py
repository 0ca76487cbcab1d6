"""Reporting clauses: who said it. News puts them last, Arabic news first; the repair keeps them in front.

These are rewrites of *clean* text. They decide what the target of a training pair looks like before it is damaged.
"""

from __future__ import annotations

import random
import re

REPORTING = frozenset(
    "say add stress confirm explain note announce reveal warn affirm emphasize indicate declare state continue assert "
    "point tell report claim believe insist argue acknowledge admit deny mention".split()
)
_PAST = "said|added|stressed|confirmed|explained|noted|announced|warned|insisted|declared|stated|admitted|argued"
# Fewer than four words are an adverbial ("In Paris, the minister said."), and "as he said" is no main clause.
_CLAUSE = r'[^"\s]+(?:\s[^"\s]+){3,}'
_WHO = r'(?!(?:as|and|but|or|which|who|where|when|while|than)\b)[^",]{2,60}'
_LAST = re.compile(
    rf'^(?P<quote>"?)(?P<clause>{_CLAUSE}),(?P=quote) (?P<who>{_WHO}) (?P<verb>{_PAST}|says)'
    r"(?P<when>(?: on)? (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day| yesterday| today)?\.$"
)
_INVERTED = re.compile(
    rf'^(?P<quote>"?)(?P<clause>{_CLAUSE}),(?P=quote) (?P<verb>{_PAST}) (?P<who>{_WHO})(?P<when>)\.$'
)
_FRONT = re.compile(
    r'^(?P<who>[A-Z][^",]{2,60}?) said (?:that )?(?P<clause>(?:the|a|an|it|he|she|they|there|his|its|their|this)\b[^"]+)\.$'
)
_LOWERABLE = re.compile(
    r"^(?:The|A|An|It|He|She|They|We|There|This|That|These|Those|His|Her|Its|Their|Our|In|At|On|But|And|Some|Many|Most|All|No|As|If|When|After|For|More|One|Two)\b"
)
_SECOND_CLAUSE = re.compile(r",? (?:and|but|while) (?=(?:the|it|he|she|they|there|we|this|that|these|his|its|their)\b)")
_SECOND_VERBS = ("adding that", "noting that", "stressing that", "pointing out that", "adding,", "explaining that")
_VERBS = (
    "stressed", "confirmed", "explained", "pointed out", "added", "noted", "indicated", "affirmed", "revealed",
    "announced", "emphasized", "declared", "continued",
)  # fmt: skip


def bring_forward(sentence: str, rng: random.Random) -> str:
    """``sentence`` with a final "..., X said." moved to its front, when that needs no more than moving it."""
    match = _LAST.match(sentence) or _INVERTED.match(sentence)
    if match is None:
        return sentence
    clause, who, verb, when = (match[name] or "" for name in ("clause", "who", "verb", "when"))
    who = who[:1].upper() + who[1:]
    if match["quote"]:
        introduction = rng.choice(("{}:", "{} that", "{},", "{}:")).format(f"{who} {verb}{when}")
        return f'{introduction} "{_lower_first(clause) if introduction.endswith("that") else clause}."'
    if not _LOWERABLE.match(clause) and rng.random() < 0.5:
        return f"{who} {verb}{when} that {clause}."
    return f"{who} {verb}{when} that {_lower_first(clause)}."


def _lower_first(clause: str) -> str:
    return clause[:1].lower() + clause[1:] if _LOWERABLE.match(clause) else clause


def _halves(clause: str) -> tuple[str, str]:
    """The two clauses of "A, and B"; the second is empty when there is one only."""
    parts = _SECOND_CLAUSE.split(clause, maxsplit=1)
    return (parts[0], parts[1]) if len(parts) == 2 else (clause, "")


def vary(sentence: str, rng: random.Random) -> str:
    """A plain "X said (that) ..." with another reporting verb, or with its clause in quotation marks, now and then."""
    match = _FRONT.match(sentence)
    if match is None:
        return sentence
    verb = rng.choice(_VERBS) if rng.random() < 0.5 else "said"
    clause = match["clause"]
    if rng.random() < 0.4:
        first, second = _halves(clause)
        if second and rng.random() < 0.7:
            return f'{match["who"]} {verb} that "{first}," {rng.choice(_SECOND_VERBS)} "{second}."'
        return f'{match["who"]} {verb} that "{clause}."'
    return f"{match['who']} {verb} that {clause}."
