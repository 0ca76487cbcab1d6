"""Glossary and model as one: what a rewrite made of the glossary's hints, and whether it left its repairs alone.

Both are judged by the wording. Where a reading of a row stands, in whatever inflection and wherever it was moved to, the
row has been followed; where what the machine wrote stands, it has not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from retranslate import guards, morphology
from retranslate.ambiguity import MARGIN
from retranslate.consistency import SMALL_WORDS
from retranslate.counterparts import are_counterparts
from retranslate.drafts import Draft, Fix, because
from retranslate.edits import Edit, EditKind, Outcome, TermResult, apply
from retranslate.glossary import Glossary, Match, fold
from retranslate.lexicon import POSSESSIVE

_WORD = re.compile(r"\w+(?:['’-]\w+)*")


def offered(draft: Draft) -> tuple[tuple[str, str], ...]:
    """The draft's hints as the model is given them: those whose wording is still there after glossary and rules."""
    return tuple(
        (hint.found, " | ".join(hint.alternatives))
        for hint in draft.hints
        if _count(hint.found, draft.text, exact=True)
    )


def outcome(match: Match, before: str, after: str) -> Outcome:
    """What became of the match on the way from ``before`` to ``after``."""
    if arrived(match, before, after) is not None:
        return "obeyed"
    exact = _differs_by_case(match)
    stays = _count(match.found, after, exact) >= max(1, _count(match.found, before, exact))
    return "declined" if stays else "lost"


def arrived(match: Match, before: str, after: str) -> str | None:
    """The reading of the match that ``after`` has and ``before`` has not, or has less often; the likeliest first."""
    exact = _differs_by_case(match)
    ours, theirs = _words(before), _words(after)
    for reading in match.alternatives:
        if _count(reading, after, exact) > _count(reading, before, exact):
            return reading
        # In another inflection, with other small words around it: "Stock pointed out that" for "Stock that".
        marks = _marks(reading, match.found)
        if marks and all(theirs[mark] > ours[mark] for mark in marks):
            return reading
    return None


def undone(fix: Fix, before: str, after: str) -> bool:
    """Whether a repair that stands in ``before`` is gone: what the machine wrote is back, or no reading nor a counterpart of it
    is left ("for the liberation of", "to liberate")."""
    match = fix.match
    exact = _differs_by_case(match)
    if _count(match.found, after, exact) > _count(match.found, before, exact):
        return True
    ours, theirs = _words(before), _words(after)
    vanished = any(
        ours[mark] and not theirs[mark] and not any(are_counterparts(mark, word) for word in guards.words(after))
        for mark in _marks(fix.reading, match.found)
    )
    return vanished and arrived(match, before, after) is None


def broken(draft: Draft, glossary: Glossary, after: str) -> tuple[str, ...]:
    """What ``after`` would break of the glossary.

    ``keep``: it has lost a term that is never touched; ``forbid``: it has gained one that must not be; ``fix``: it undoes a
    repair.
    """
    found = []
    if any(after.count(term) < draft.text.count(term) for term in draft.kept):
        found.append("keep")
    if len(glossary.forbidden(after)) > len(glossary.forbidden(draft.text)):
        found.append("forbid")
    if any(undone(fix, draft.text, after) for fix in draft.fixes):
        found.append("fix")
    return tuple(found)


def licence(hints: Sequence[Match], before: str, after: str) -> guards.Terms:
    """What the guards are to allow: the hints' words, but for hints whose words got lost on the way with no reading in
    their place; the guards judge those like any other loss."""
    followed = [hint for hint in hints if outcome(hint, before, after) != "lost"]
    return guards.Terms.of([(hint.found, " ".join(hint.alternatives)) for hint in followed])


def settle(document: Sequence[Draft], glossary: Glossary, names: Sequence[str]) -> None:
    """Says of each hint what became of it, and follows those that the model followed in a rewrite that was refused, or
    elsewhere in the document, where the guards called ``names`` have nothing against it."""
    outcomes = [
        (draft, hint, outcome(hint, _last_seen(draft, hint), draft.text)) for draft in document for hint in draft.hints
    ]
    followed = {hint.row for _, hint, became in outcomes if became == "obeyed"}
    for draft, hint, became in outcomes:
        term = TermResult(hint.found, hint.alternatives, became, _reason(draft, hint, became))
        if became == "lost":
            draft.flags.append(f"{hint.found}: neither it nor {' or '.join(hint.alternatives)} is in the rewrite")
        elif became == "declined" and (edit := _late(draft, hint, hint.row in followed)):
            terms = guards.Terms.of([(hint.found, edit.replacement)])
            text = apply(draft.text, [edit])
            if not guards.judge(draft.text, text, terms, names) and not broken(draft, glossary, text):
                draft.edit(edit.kind, [edit])
                term = TermResult(hint.found, hint.alternatives, "obeyed", edit.reason)
        draft.terms.append(term)


def _late(draft: Draft, hint: Match, elsewhere: bool) -> Edit | None:
    """The repair by a hint that the model did not bring through by itself; None where nothing speaks for it."""
    wanted = arrived(hint, _last_seen(draft, hint), draft.proposal or draft.text)
    if wanted is None and not elsewhere:
        return None
    places = _places(hint.found, draft.text, _differs_by_case(hint))
    leaning = draft.leanings.get(hint)
    if len(places) != 1 or (leaning is not None and leaning.gain <= -MARGIN):
        return None
    start, end = places[0]
    reading = wanted or hint.alternatives[0]
    kind: EditKind = "glossary" if wanted else "consistency"
    why = "the model wrote so in a rewrite that was refused" if wanted else "as elsewhere in the text"
    return Edit(start, end, draft.text[start:end], reading, kind, f"{because(hint)}; {why}")


def _last_seen(draft: Draft, hint: Match) -> str:
    """What the model was given, or the segment itself where a rule has already done away with the hint's wording."""
    given = draft.given or draft.text
    return given if _count(hint.found, given, exact=True) else draft.segment.text


def _reason(draft: Draft, hint: Match, became: Outcome) -> str:
    if became == "obeyed":
        return "by the model" if _last_seen(draft, hint) == draft.given else "by a rule"
    if became == "lost":
        return "gone with other words of the rewrite"
    if draft.given is None:
        return "no model was asked"
    if draft.refused_by:
        return f"the rewrite was refused, all or in part: {', '.join(draft.refused_by)}"
    return "the model left it"


def _differs_by_case(match: Match) -> bool:
    return any(fold(reading) == fold(match.found) for reading in match.alternatives)


def _count(wording: str, text: str, exact: bool) -> int:
    return len(_places(wording, text, exact))


# A long sentence may have a term a thousand times, and each of them asks.
@lru_cache(maxsize=1_000)
def _places(wording: str, text: str, exact: bool) -> tuple[tuple[int, int], ...]:
    """Where ``wording`` stands in ``text`` as whole words."""
    # fold() keeps lengths, so that offsets stay valid.
    wanted, there = (wording, text) if exact else (fold(wording), fold(text))
    return tuple(match.span() for match in re.finditer(rf"(?<!\w){re.escape(wanted)}(?!\w)", there))


@lru_cache(maxsize=1_000)
def _words(text: str) -> Counter[str]:
    """The words of ``text`` by their lemmas, and how often each stands there; not to be changed."""
    return Counter(_lemma(match.group()) for match in _WORD.finditer(text))


def _marks(reading: str, found: str) -> set[str]:
    """The words by which ``reading`` is told from ``found``; small words tell nothing."""
    known = _words(found)
    words = [match.group() for match in _WORD.finditer(reading) if match.group().lower() not in SMALL_WORDS]
    return {_lemma(word) for word in words} - known.keys()


@lru_cache(maxsize=100_000)
def _lemma(word: str) -> str:
    """The shortest lemma of ``word``, or of that lemma in turn: "fighters" is a form of "fighter" and that one of "fight"."""
    low = POSSESSIVE.sub("", word.lower())
    shortest = min(morphology.lemmas(low), key=lambda lemma: (len(lemma), lemma))
    return low if len(shortest) >= len(low) else _lemma(shortest)
