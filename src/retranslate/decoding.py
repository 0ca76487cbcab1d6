"""Greedy decoding with torch, guided by the sentence that is repaired: the outcome of one token after the other, in fewer passes.

How a repair is drafted from its sentence is told in :mod:`retranslate.drafting`. Sentences are decoded together, and when one
is done the next takes its seat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import torch

from retranslate.drafting import Answer, Scores, Step, Task, Writing
from retranslate.seats import Batch, Reader

if TYPE_CHECKING:
    import transformers

_T = TypeVar("_T")

_PASS = 48
"""About so many draft tokens in a pass are free or nearly so; more cost what they save when they are wrong."""
_FIRST_DRAFT = 24
"""Most sentences that are sound are no longer, and need no second pass."""
_ROWS = 256
"""Of about so many tokens scores are worked out together: the logits of each take 200 kB, and more are no faster."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all answers of a model: their ``end`` mark, their ``first`` token, the tokens and sequences ``never`` written.

    Two logits nearer than ``tie`` may change places with the shape of a pass.
    """

    end: int
    tie: float
    first: int | None = None
    never: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, model: transformers.PreTrainedModel, end: int, tie: float) -> Terms:
        """The wishes in the model's generation settings."""
        settings = model.generation_config
        words = [tuple(word) for word in settings.bad_words_ids or ()]
        words += [(token,) for token in settings.suppress_tokens or ()]
        first = settings.forced_bos_token_id if model.config.is_encoder_decoder else None
        # As in transformers: the end mark may be named, but answers have to end.
        return cls(end, tie, first, tuple(word for word in words if word != (end,)))

    def impose(self, logits: torch.Tensor, written: Sequence[Sequence[int]]) -> None:
        """Rules out in ``logits``, (steps, vocabulary), what must not follow the tokens ``written`` before each step."""
        barred = [word[0] for word in self.never if len(word) == 1]
        if barred:
            logits[:, barred] = -torch.inf
        for *opening, last in (word for word in self.never if len(word) > 1):
            logits[[list(ids[-len(opening) :]) == opening for ids in written], last] = -torch.inf
        if self.first is not None:
            for step in (step for step, ids in enumerate(written) if not ids):
                logits[step] = -torch.inf
                logits[step, self.first] = 0.0


def decode(model: Reader, tasks: Iterable[Task], terms: Terms, seats: int) -> Iterator[tuple[int, Answer]]:
    """The greedy answers, each with the number of its task, as they are done; ``seats`` of them are in the making at a time.

    Where two tokens come close to a tie, the sentence is read once more, alone and from its beginning, and that
    decides: no answer depends on what shared a pass with it.
    """
    waiting = (Writing(number, task, _FIRST_DRAFT) for number, task in enumerate(tasks))
    writing: list[Writing] = []
    batch = model.batch()
    while True:
        for item in islice(waiting, seats - len(writing)):
            batch.admit(item.task.prompt)
            writing.append(item)
        if not writing:
            return
        longest = max(2, _PASS // len(writing))
        drafts = [item.draft(longest) for item in writing]
        steps = iter(_read(batch, drafts, [item.answer.ids for item in writing], terms))
        for seat, (item, draft) in enumerate(zip(writing, drafts, strict=True)):
            certain = _without_ties(model, item, list(islice(steps, len(draft) + 1)), terms)
            batch.settle(seat, item.extend(draft, certain, terms.end), item.answer.ids[-1])
        # From the last seat on: whoever moves to a freed seat has been looked at.
        for seat in reversed(range(len(writing))):
            item = writing[seat]
            if item.is_done(terms.end):
                batch.leave(seat)
                writing[seat] = writing[-1]
                writing.pop()
                yield item.number, item.answer


def _read(batch: Batch, drafts: Sequence[Sequence[int]], written: Sequence[Sequence[int]], terms: Terms) -> list[Step]:
    """The step after each answer and after each token of its draft, one seat after the other."""
    before = [[*ids, *draft[:n]] for ids, draft in zip(written, drafts, strict=True) for n in range(len(draft) + 1)]
    return [step for logits, ids in _beside(batch.read(drafts), before) for step in _steps(logits, ids, terms)]


def _beside(pieces: Iterable[torch.Tensor], items: Sequence[_T]) -> Iterator[tuple[torch.Tensor, Sequence[_T]]]:
    """Each piece of rows with as many of the ``items``, of which there is one a row."""
    done = 0
    for piece in pieces:
        yield piece, items[done : done + len(piece)]
        done += len(piece)


def _without_ties(model: Reader, item: Writing, steps: Iterable[Step], terms: Terms) -> Iterator[Step]:
    """The steps, those that come close to a tie as they are when the sentence is read alone; to be taken one by one."""
    for step in steps:
        if step.lead < terms.tie:
            written = list(item.answer.ids)
            (step,) = _steps(model.read_alone(item.task.prompt, written)[-1:], [written], terms)
        yield step


@torch.inference_mode()
def _steps(logits: torch.Tensor, written: Sequence[Sequence[int]], terms: Terms) -> list[Step]:
    """What ``logits``, (steps, vocabulary), say, each after the tokens ``written`` so far."""
    terms.impose(logits, written)
    best = logits.topk(2, dim=-1)
    scores = best.values[:, 0] - logits.logsumexp(-1)
    leads = best.values[:, 0] - best.values[:, 1]
    return list(map(Step, best.indices[:, 0].tolist(), scores.tolist(), leads.tolist()))


@torch.inference_mode()
def score(model: Reader, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]]) -> Scores:
    """What the model thinks of the ``answers`` to each prompt, one or more."""
    lengths = [max(map(len, options), default=0) for options in answers]
    return [found for part in _parts(lengths, _ROWS) for found in _scored(model, prompts[part], answers[part])]


def _parts(lengths: Sequence[int], most: int) -> Iterator[slice]:
    """Consecutive slices of items whose ``lengths`` come to ``most`` at the most, or of a single one.

    >>> [(part.start, part.stop) for part in _parts([3, 3, 9, 1], 6)]
    [(0, 2), (2, 3), (3, 4)]
    """
    start, total = 0, 0
    for place, length in enumerate(lengths):
        if total + length > most and place > start:
            yield slice(start, place)
            start, total = place, 0
        total += length
    if start < len(lengths):
        yield slice(start, len(lengths))


def _scored(model: Reader, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]]) -> Scores:
    """Scores of answers that share their passes.

    The answers to a prompt are read after one another, so that the prompt, and what an answer begins with as the one
    before it, are read once.
    """
    batch = model.batch()
    for prompt in prompts:
        batch.admit(prompt)
    scores: Scores = [[] for _ in prompts]
    for turn in range(max(map(len, answers), default=0)):
        # Who has no further answer reads the end of the last one again.
        current = [options[min(turn, len(options) - 1)] for options in answers]
        begun = [0] * len(prompts)
        for seat, (options, answer) in enumerate(zip(answers, current, strict=True)):
            if turn:
                begun[seat] = _alike(options[min(turn, len(options)) - 1], answer)
                batch.rewind(seat, answer[: begun[seat]])
        rest = [answer[known:] for answer, known in zip(current, begun, strict=True)]
        wanted = [token for ids in rest for token in ids]
        pieces = _beside(batch.read([ids[:-1] for ids in rest]), wanted)
        found = (log for logits, ids in pieces for log in log_probabilities(logits, ids))
        for seat, ids in enumerate(rest):
            known = scores[seat][-1][: begun[seat]] if turn else []
            scores[seat].append([*known, *islice(found, len(ids))])
    return [found[: len(options)] for found, options in zip(scores, answers, strict=True)]


def log_probabilities(logits: torch.Tensor, ids: Sequence[int]) -> list[float]:
    """Those of ``ids`` by the ``logits``, (tokens, vocabulary), of as many steps."""
    found: list[float] = logits.log_softmax(-1)[range(len(ids)), list(ids)].tolist()
    return found


def _alike(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with, short of the last token of ``other``."""
    pairs = zip(one, other[:-1], strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other) - 1))
