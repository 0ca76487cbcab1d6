"""What of a rewrite may stand: as much as guards and glossary let pass, if it reads better than the sentence as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from retranslate import guards, judging, morphology, terms
from retranslate.counterparts import content, unmatched
from retranslate.drafts import Draft
from retranslate.edits import Edit, Refused, apply, word_edits
from retranslate.glossary import Glossary
from retranslate.lexicon import spelt_words
from retranslate.rewriter import CLOSE_CALL, Request, Rewrite, Rewriter

Waiting = Mapping[Request, Sequence[Draft]]
"""The drafts that wait for an answer, by what the model is asked."""


BY_MARGIN = "margin"
"""What is said to have refused a sentence whose best candidate does not read better by the margin."""

_AGAIN = "rewritten by the model at a second attempt"

PROVEN = 2 / 3
"""How much of the margin is asked of a sentence in which glossary or rules have repaired something: it is garbled for certain, and
what the margin keeps from harm is good sentences."""
UNPROVEN = 4 / 3
"""How much of it is asked where nothing in the whole text speaks of machine translation but the model's opinion."""
_GARBLED = 1 / 8
"""Of a garbled text glossary or rules have repaired so many segments at the least, of a good one hardly ever a single one."""


def is_garbled(document: Sequence[Draft]) -> bool:
    """Whether what glossary and rules have repaired speaks of a machine translation, from one segment in eight on."""
    spoken = [draft for draft in document if draft.segment.kind != "blank"]
    return sum(bool(draft.steps) for draft in spoken) >= max(1.0, _GARBLED * len(spoken))


def judge(draft: Draft, rewrite: Rewrite, glossary: Glossary, names: Sequence[str]) -> None:
    """Notes the proposal and what the guards called ``names`` refuse of it; what they let pass is a candidate."""
    if rewrite.text == draft.text:
        return
    draft.proposal = rewrite.text
    if not rewrite.complete:
        draft.refused_by = ("truncated",)
        return
    text, draft.refusals = _passed(draft, rewrite.text, glossary, names)
    draft.refused_by = _by(draft.refusals)
    if text != draft.text:
        draft.candidates[text] = "rewritten by the model"


def _passed(draft: Draft, proposal: str, glossary: Glossary, names: Sequence[str]) -> tuple[str, list[Refused]]:
    """As much of the proposal as may stand, and what is refused."""
    licence = terms.licence(draft.hints, draft.text, proposal)
    verdict = judging.judge(draft.text, proposal, licence, names)
    refusals = [_refused(refusal.edits, refusal.complaints) for refusal in verdict.refusals]
    if not terms.broken(draft, glossary, verdict.text):
        return verdict.text, refusals
    accepted: list[Edit] = []
    for edits in judging.group(draft.text, verdict.text):
        if breaks := terms.broken(draft, glossary, apply(draft.text, [*accepted, *edits])):
            refusals.append(_refused(edits, {name: [_GLOSSARY[name]] for name in breaks}))
        else:
            accepted += edits
    text = apply(draft.text, accepted)
    # What the guards passed together they have to pass without what has been taken out.
    if complaints := guards.judge(draft.text, text, licence, names):
        return draft.text, [*refusals, _refused(accepted, complaints)]
    return text, refusals


_GLOSSARY = {
    "keep": "a term that the glossary keeps is gone",
    "forbid": "a term that the glossary forbids came in",
    "fix": "a repair of the glossary is undone",
}


def _refused(edits: Sequence[Edit], complaints: Mapping[str, Sequence[str]]) -> Refused:
    return Refused(
        tuple((edit.original, edit.replacement) for edit in edits),
        tuple((name, complaint) for name, told in complaints.items() for complaint in told),
    )


def _by(refusals: Sequence[Refused]) -> tuple[str, ...]:
    """The names of those who refused something: guards in their order, half a move, the glossary."""
    found = dict.fromkeys(name for refused in refusals for name, _ in refused.complaints)
    order = [*guards.GUARDS, judging.PARTIAL, *_GLOSSARY]
    return tuple(sorted(found, key=order.index))


def remind(rewriter: Rewriter, waiting: Waiting, glossary: Glossary, names: Sequence[str], batch_size: int) -> None:
    """Where a rewrite was refused and had lost words, asks once more with those words as terms that stand for themselves.

    A soft constraint on the answer, as in Dinu et al. (2019), "Training Neural Machine Translation to Apply Terminology
    Constraints". What guards and glossary let pass of the second rewrite is a candidate beside that of the first.
    """
    again: dict[Request, list[Draft]] = {}
    for request, drafts in waiting.items():
        for draft in drafts:
            if draft.refused_by and draft.proposal and (lost := _lost(draft.text, draft.proposal)):
                reminded = Request(request.sentence, (*request.hints, *((word, word) for word in lost)))
                if rewriter.fits(reminded):
                    again.setdefault(reminded, []).append(draft)
    for drafts, rewrite in zip(again.values(), rewriter.rewrite(list(again), batch_size), strict=True):
        for draft in drafts:
            _consider(draft, rewrite, glossary, names, "rewritten by the model, reminded of words it had lost")


def _lost(before: str, after: str) -> tuple[str, ...]:
    """The words of ``before`` that carry its meaning and have no counterpart in ``after``, as they are written there."""
    lost, _ = unmatched(content(before), content(after))
    return tuple(dict.fromkeys(word for word in spelt_words(before) if word.lower() in lost))


def stuck(waiting: Waiting) -> Waiting:
    """Those of ``waiting`` of whose rewrite guards or glossary refused something, and of which nothing was accepted."""
    found = {
        request: [draft for draft in drafts if draft.text == draft.given and set(draft.refused_by) - {BY_MARGIN}]
        for request, drafts in waiting.items()
    }
    return {request: drafts for request, drafts in found.items() if drafts}


def second_chance(
    rewriter: Rewriter, waiting: Waiting, count: int, glossary: Glossary, names: Sequence[str], batch_size: int
) -> None:
    """Asks for ``count`` other rewrites.

    What guards and glossary let pass of each is a candidate: where the first one loses a word, another may keep it.
    """
    for drafts, rewrites in zip(waiting.values(), rewriter.alternatives(list(waiting), count, batch_size), strict=True):
        for draft in drafts:
            # The margin will be asked again.
            draft.refused_by = tuple(name for name in draft.refused_by if name != BY_MARGIN)
            for rewrite in rewrites:
                _consider(draft, rewrite, glossary, names, _AGAIN)


def _consider(draft: Draft, rewrite: Rewrite, glossary: Glossary, names: Sequence[str], reason: str) -> None:
    """As much of another ``rewrite`` as may stand is a candidate beside that of the first."""
    if rewrite.complete and rewrite.text not in (draft.text, draft.proposal):
        text, _ = _passed(draft, rewrite.text, glossary, names)
        if text != draft.text:
            draft.candidates.setdefault(text, reason)


def accept_what_reads_better(rewriter: Rewriter, waiting: Waiting, margin: float, batch_size: int) -> None:
    """Applies to each draft its best candidate, if it beats the sentence as it was by ``margin`` in the model's own eyes.

    What is gained in nats a token is counted for every word of the sentence: a change that helps a little everywhere is
    better founded than one that helps as much in a line of five words. Where glossary or rules found something to repair, two
    thirds of the margin will do; where they found little or nothing in the whole text, four thirds are needed.
    """
    asked = dict.fromkeys(
        (request, text)
        for request, drafts in waiting.items()
        for draft in drafts
        if draft.candidates
        for text in (draft.text, *draft.candidates)
        if text not in draft.scores
    )
    for (request, text), score in zip(asked, rewriter.score(list(asked), batch_size), strict=True):
        for draft in waiting[request]:
            draft.scores[text] = score
    for request, drafts in waiting.items():
        for draft in drafts:
            if draft.candidates:
                texts = (draft.text, *draft.candidates)
                needed = margin * _share(draft) / len(draft.text.split())
                handicaps = {text: needed if _is_doubtful(draft, text) else 0.0 for text in texts}
                known = [draft.scores[text] - handicaps[text] for text in texts]
                if _is_close(known, needed):
                    # Too close to leave it to what else was in the batch.
                    known = [rewriter.score([(request, text)], 1)[0] - handicaps[text] for text in texts]
                _accept(draft, known, needed)


def _share(draft: Draft) -> float:
    """How much of the margin is asked of a sentence."""
    if draft.steps:
        return PROVEN
    return 1.0 if draft.in_garbled_text else UNPROVEN


def _is_doubtful(draft: Draft, text: str) -> bool:
    """Whether ``text`` is what good sentences suffer from, and no repair by glossary or rule speaks of garbled text.

    That is a second attempt, or the same words in another order ("timber news"). Such have to beat twice the margin.
    """
    return not draft.steps and (draft.candidates.get(text) == _AGAIN or _only_reorders(draft.text, text))


def _only_reorders(before: str, after: str) -> bool:
    """Whether the words are the same in another order, but for an adjective put before its noun ("a hall old")."""
    ours, theirs = guards.words(before), guards.words(after)
    if ours == theirs or sorted(ours) != sorted(theirs):
        return False
    now = set(pairwise(theirs))
    return not any((other, one) in now and "ADJ" in morphology.parts_of_speech(other) for one, other in pairwise(ours))


def _is_close(scores: Sequence[float], margin: float) -> bool:
    """Whether the sentence and the best candidate, or the two best candidates, are too near for scores out of a batch."""
    asis, *rest = scores
    best, *others = sorted(rest, reverse=True)
    return abs(best - asis - margin) < CLOSE_CALL or any(best - other < CLOSE_CALL for other in others)


def _accept(draft: Draft, scores: Sequence[float], margin: float) -> None:
    asis, *rest = scores
    best = max(range(len(rest)), key=rest.__getitem__)
    if rest[best] - asis < margin:
        draft.refused_by = (*draft.refused_by, BY_MARGIN)
        return
    text, reason = list(draft.candidates.items())[best]
    draft.edit("model", word_edits(draft.text, text, "model", reason))
