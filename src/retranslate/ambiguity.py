"""Which sense a sentence calls for, where the glossary's context words do not tell.

A word such as "elements" is right in one sentence and a mistranslation in the next. The sentence is put to the model as it
is and with every reading of the row in its place; the model, used as a plain language model, says how likely each of them
is. A reading has to be likelier by a margin that depends on what else speaks for it: a context word of a hint row, the
same repair elsewhere in the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice

from retranslate import consistency
from retranslate.drafts import Draft, Fix, Leaning, because
from retranslate.edits import TermResult, apply
from retranslate.glossary import Match
from retranslate.leftovers import is_leftover
from retranslate.prose import is_prose
from retranslate.rewriter import Request, Rewriter

MARGIN = 3.0
"""How much likelier, in nats, a sentence must become by a reading that nothing else speaks for (a factor of twenty).
Chosen on tests/cases/ambiguous_dev.json and clean news: from 2.5 on none of the 89 true senses is lost, up to 3 no
reading of a false one, and the half between keeps "the exchange of aircraft" from being pay."""

HINT_MARGIN = 0.0
"""The same for a hint row that asks for no context word."""

CONTEXT_MARGIN = -2.0
"""The same for a hint row one of whose context words is there. Below nought, because that word has spoken for the reading,
and a name is never likely. Chosen by clean news: the lowest whole at which next to no hint in 48,000 lines of it is followed."""

LEFTOVER_MARGIN = 12.0
"""The same for a word left in letters. A sentence is always likelier without such a word, be it a name: of 140 readings in
composed news the right ones gain from 13 nats on, with three exceptions, and of eleven names and slips of the dev sets ten gain less."""

_MARGINS = (MARGIN, -MARGIN, HINT_MARGIN, CONTEXT_MARGIN, LEFTOVER_MARGIN)
_CLOSE = 0.02
"""In nats: what a sentence shares its passes with moves its likelihood by thousandths."""

_PRONOUN = re.compile(r"\b(?:he|him|his|she|hers?|it|its|they|them|their)\b", re.IGNORECASE)


def weigh(document: Sequence[Draft], rewriter: Rewriter, batch_size: int) -> None:
    """Notes how the model leans on the doubts and hints of each draft, where it can tell; of equal segments it is asked once."""
    first: dict[tuple[str, str], Draft] = {}
    for draft in document:
        first.setdefault(_segment(draft), draft)
    asked = {segment: readings for segment, draft in first.items() if (readings := _readings(draft, rewriter))}
    texts = [_wordings(first[segment], readings) for segment, readings in asked.items()]
    found = rewriter.likelihoods(texts, batch_size)
    if found is None:
        return
    leanings = {}
    for (segment, readings), wordings, likelihoods in zip(asked.items(), texts, found, strict=True):
        gains = _gains(readings, likelihoods)
        if any(map(_is_close, gains.values())):
            # Too close to leave it to what else was asked.
            (alone,) = rewriter.likelihoods([wordings], 1) or [likelihoods]
            gains = _gains(readings, alone)
        leanings[segment] = {
            match: Leaning(readings[match][those.index(max(those))], max(those)) for match, those in gains.items()
        }
    for draft in document:
        draft.leanings = leanings.get(_segment(draft), {})


def _segment(draft: Draft) -> tuple[str, str]:
    return draft.segment.kind, draft.segment.text


def _readings(draft: Draft, rewriter: Rewriter) -> dict[Match, list[str]]:
    """The readings that the model is to weigh."""
    matches = [match for match in (*draft.doubts, *draft.hints) if not _says_who(match)]
    if not matches or not is_prose(draft.segment, draft.text) or not rewriter.fits(Request(draft.text)):
        return {}
    return {match: readings for match in matches if (readings := _fitting(draft, match))}


def _wordings(draft: Draft, readings: Mapping[Match, Sequence[str]]) -> list[str]:
    """The segment as it is, and then with one reading after the other."""
    return [_with(draft), *(_with(draft, match, reading) for match, those in readings.items() for reading in those)]


def _gains(readings: Mapping[Match, Sequence[str]], likelihoods: Sequence[float]) -> dict[Match, list[float]]:
    """How much likelier each reading makes the segment, by the likelihoods of its wordings, in nats."""
    asis, *others = likelihoods
    gains = (likelihood - asis for likelihood in others)
    return {match: list(islice(gains, len(those))) for match, those in readings.items()}


def _is_close(gains: Sequence[float]) -> bool:
    """Whether the best reading is too near to a margin, or to the next best, for likelihoods out of a batch."""
    best, *others = sorted(gains, reverse=True)
    return any(abs(best - bound) < _CLOSE for bound in (*others, *_MARGINS))


def _says_who(match: Match) -> bool:
    """Whether the row is about who somebody is, a name or a pronoun ("for his part"): no likelihood knows that."""
    if is_leftover(match):
        return False
    others = [_PRONOUN.sub("", wording) for wording in (match.found, *match.alternatives)]
    kept = set.intersection(*(set(reading.split()) for reading in match.alternatives))
    changed = " ".join(word for word in match.found.split() if word not in kept)
    return consistency.is_name(changed) or len(set(others)) == 1


def _with(draft: Draft, match: Match | None = None, reading: str = "") -> str:
    """The segment with its fixes, and with ``reading`` for ``match``."""
    more = [Fix(match, reading, "glossary", "").edit()] if match is not None else []
    return apply(draft.segment.text, [*(fix.edit() for fix in draft.fixes), *more])


def _fitting(draft: Draft, match: Match) -> list[str]:
    """The readings that can be put in by themselves: the sentence still opens with a capital, and nothing is said twice."""
    before = draft.segment.text[: match.start].split()
    opens = not before and match.found[:1].isupper()
    return [
        reading
        for reading in match.alternatives
        if not (opens and reading[:1].islower())
        and before[-1:] != reading.split()[:1]
        and f"{reading} {reading}" not in _with(draft, match, reading)
    ]


def decide(document: Sequence[Draft]) -> None:
    """Makes fixes of the doubts and hints that the model's leaning, or the rest of the document, speaks for.

    Doubts that nothing speaks for are done with; hints stay for the model.
    """
    # What the first round finds is a precedent in the second.
    for _ in range(2):
        has_precedent = consistency.precedents(document)
        for draft in document:
            for match in (*draft.doubts, *draft.hints):
                if fix := _decided(draft, match, has_precedent(match)):
                    draft.fixes.append(fix)
                    draft.terms.append(TermResult(match.found, match.alternatives, "obeyed", fix.reason))
            taken = {fix.match for fix in draft.fixes}
            draft.doubts = [match for match in draft.doubts if match not in taken]
            draft.hints = [match for match in draft.hints if match not in taken]
    for draft in document:
        draft.terms += [
            TermResult(match.found, match.alternatives, "declined", "the sentence reads better as it is")
            for match in draft.doubts
            if match in draft.leanings
        ]


def _decided(draft: Draft, match: Match, precedent: bool) -> Fix | None:
    leaning = draft.leanings.get(match)
    if precedent and (leaning.gain > -MARGIN if leaning else match.row.mode == "fix"):
        readings = [leaning.reading] if leaning else _fitting(draft, match)
        return (
            Fix(match, readings[0], "consistency", f"{because(match)}; as elsewhere in the text") if readings else None
        )
    if leaning is not None and leaning.gain > _margin(draft, match):
        return Fix(match, leaning.reading, "glossary", f"{because(match)}; the sentence reads better with it")
    return None


def _margin(draft: Draft, match: Match) -> float:
    if match not in draft.hints:
        return LEFTOVER_MARGIN if is_leftover(match) else MARGIN
    return CONTEXT_MARGIN if match.row.near else HINT_MARGIN
