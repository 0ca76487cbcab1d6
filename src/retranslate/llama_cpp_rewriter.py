"""A model of this project's own that llama.cpp computes, from its GGUF file, on a CPU. Neither torch nor transformers is imported.

Sentences are decoded one by one: with drafts a sentence gives a pass enough to do, and no answer hangs on what else is
asked, not even in its last bit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers

from retranslate.drafting import Answer, Scores, Step, Task, Writing
from retranslate.errors import InputError, first_line
from retranslate.mapped_model import Context, Logits, Model, Run
from retranslate.rewriter import LLAMA_CPP, Rewriter, answer_limit

_LONGEST_DRAFT = 16
"""A token more costs llama.cpp more than it costs torch: right after a difference only one is tried."""
_FIRST_DRAFT = 6
"""A pass more costs it little: a sound sentence takes three, a garbled one does not pay for a long draft that fails."""
_ROOM = 256
"""Places are made ready so many at a time."""


class LlamaCppRewriter(Rewriter):
    """A Rewriter of the fast kind; its batch size is without meaning."""

    engine = LLAMA_CPP

    def __init__(self, model: Model, tokenizer: PlainTokenizer, *, name: str, weights: str) -> None:
        super().__init__(tokenizer, own=True, name=name, weights=weights)
        self._model = model
        self._context: tuple[int, Context] | None = None

    @classmethod
    def open(cls, folder: Path, gguf: Path, *, name: str, weights: str) -> LlamaCppRewriter:
        """The model of ``folder``, whose weights are in ``gguf``. Raises InputError when the folder is broken."""
        tokenizer = PlainTokenizer.load(folder)
        model = Model(gguf)
        if model.vocabulary < tokenizer.size:
            raise InputError(
                f"{gguf}: the model cannot be loaded: its vocabulary has {model.vocabulary} entries, that of tokenizer.json "
                f"{tokenizer.size}; export the model again."
            )
        return cls(model, tokenizer, name=name, weights=weights)

    @property
    def device(self) -> str:
        """The processor, by way of llama.cpp."""
        return f"cpu, {LLAMA_CPP}"

    @property
    def parameters(self) -> int:
        """The number of weights, each counted once."""
        return self._model.parameters

    @property
    def _seq2seq(self) -> bool:
        return False

    def _decoded(self, tasks: Iterable[Task], batch_size: int) -> Iterator[tuple[int, Answer]]:
        for number, task in enumerate(tasks):
            context = self._room_for(len(task.prompt) + task.limit)
            yield number, decode(context, task, self._tokenizer.eos_token_id)

    def _scored(self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]]) -> Scores:
        return [
            score(self._room_for(len(prompt) + max(map(len, options), default=0)), prompt, options)
            for prompt, options in zip(prompts, answers, strict=True)
        ]

    def _likeliest(self, prompt: Sequence[int], count: int) -> list[tuple[list[int], float]]:
        limit = answer_limit(len(prompt))
        context = self._model.context(len(prompt) + count * limit, 2 * count)
        return beams(context, prompt, count, limit, self._tokenizer.eos_token_id)

    def _room_for(self, places: int) -> Context:
        """The context that sentences are read in, with so many places at the least."""
        if self._context is None or self._context[0] < places:
            usual = self.max_tokens + answer_limit(self.max_tokens)
            room = -(-max(places, usual) // _ROOM) * _ROOM
            self._context = None  # frees it before there is another
            self._context = room, self._model.context(room)
        return self._context[1]


def decode(context: Context, task: Task, end: int) -> Answer:
    """The greedy answer, drafted from the task's source."""
    writing = Writing(0, task, _FIRST_DRAFT)
    filled, unread = 0, list(task.prompt)
    while True:
        draft = writing.draft(_LONGEST_DRAFT)
        logits = context.read(Run(0, filled, [*unread, *draft], len(draft) + 1))
        agreed = writing.extend(draft, _steps(logits), end)
        if writing.is_done(end):
            return writing.answer
        filled += len(unread) + agreed
        unread = [writing.answer.ids[-1]]


def _steps(logits: Logits) -> Iterator[Step]:
    """What each row says; of those that nobody asks for nothing is worked out."""
    for row in logits:
        token = int(row.argmax())
        yield Step(token, float(row[token]) - _log_total(row))


def _log_total(row: Logits) -> float:
    """The logarithm of the sum of the exponentials."""
    most = row.max()
    return float(most) + float(np.log(np.exp(row - most).sum(dtype=np.float64)))


def score(context: Context, prompt: Sequence[int], answers: Sequence[Sequence[int]]) -> list[list[float]]:
    """The log-probability of every token of the answers to a prompt, which is read once.

    Each answer is read whole, so that its scores do not hang on the others.
    """
    (first,) = context.read(Run(0, 0, prompt, 1))
    scores = []
    for answer in answers:
        rest = context.read(Run(0, len(prompt), answer[:-1], len(answer) - 1)) if len(answer) > 1 else ()
        scores.append([float(row[token]) - _log_total(row) for row, token in zip((first, *rest), answer, strict=True)])
    return scores


@dataclass(frozen=True)
class _Beam:
    """The beginning of an answer, and its log-probability."""

    ids: tuple[int, ...]
    total: float

    @property
    def mean(self) -> float:
        return self.total / max(1, len(self.ids))


def beams(context: Context, prompt: Sequence[int], count: int, limit: int, end: int) -> list[tuple[list[int], float]]:
    """The ``count`` likeliest answers that a beam search of that width finds, each with its mean log-probability a token.

    The search is over as soon as so many answers have come to their end. ``context`` must have twice as many seats.
    """
    running, ended = [_Beam((), 0.0)], list[_Beam]()
    logits = context.read(Run(0, 0, prompt, 1))
    here, there = 0, count  # the first of the seats in use, and of the other half
    for step in range(limit):
        nexts = _continued(running, logits, 2 * count)
        ended += [beam for _, beam in nexts[:count] if beam.ids[-1] == end]
        going = [(parent, beam) for parent, beam in nexts if beam.ids[-1] != end][:count]
        running = [beam for _, beam in going]
        if len(ended) >= count or step == limit - 1:
            break
        for place, (parent, _) in enumerate(going):
            context.copy(here + parent, there + place)
        for seat in range(here, here + count):
            context.forget(seat)
        here, there = there, here
        filled = len(prompt) + step
        logits = context.read(*(Run(here + place, filled, beam.ids[-1:], 1) for place, beam in enumerate(running)))
    best = sorted(ended if len(ended) >= count else [*ended, *running], key=lambda beam: -beam.mean)
    return [(list(beam.ids), beam.mean) for beam in best[:count]]


def _continued(running: Sequence[_Beam], logits: Logits, most: int) -> list[tuple[int, _Beam]]:
    """The likeliest continuations by one token, each with the number of the beam that it continues."""
    totals = np.stack(
        [beam.total + row.astype(np.float64) - _log_total(row) for beam, row in zip(running, logits, strict=True)]
    )
    vocabulary = totals.shape[1]
    found = np.argpartition(-totals.ravel(), min(most, totals.size - 1))[:most]
    found = found[np.argsort(-totals.ravel()[found], kind="stable")]
    return [
        (
            int(place) // vocabulary,
            _Beam((*running[int(place) // vocabulary].ids, int(place) % vocabulary), float(totals.ravel()[place])),
        )
        for place in found
    ]


@dataclass(frozen=True)
class _Encoded:
    input_ids: list[int]


class PlainTokenizer:
    """The tokenizer of a model of this project's own, without the modules of transformers, by whose names it is asked."""

    def __init__(self, tokenizer: tokenizers.Tokenizer, begin: int, end: int) -> None:
        self._tokenizer = tokenizer
        self.bos_token_id = begin
        self.eos_token_id = end
        self.size = tokenizer.get_vocab_size()

    @classmethod
    def load(cls, folder: Path) -> PlainTokenizer:
        """That of ``folder``. Raises InputError when it is broken or has no begin or end mark."""
        try:
            tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
            settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
            marks = [_content(settings.get(name)) for name in ("bos_token", "eos_token")]
        except Exception as error:  # tokenizers raises nothing more special
            raise InputError(f"{folder}: the model cannot be loaded: {first_line(error)}") from error
        begin, end = (None if mark is None else tokenizer.token_to_id(mark) for mark in marks)
        if begin is None or end is None:
            raise InputError(
                f"{folder}: the tokenizer has no begin or end mark; export the model again with its own tokenizer."
            )
        # What stands in the file about batches does not hold here, as it does not in transformers.
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return cls(tokenizer, begin, end)

    def __call__(
        self, text: str | None = None, *, text_target: str | None = None, add_special_tokens: bool = False
    ) -> _Encoded:
        """The ids of ``text`` or ``text_target``; both sides have one vocabulary."""
        wanted = text if text is not None else text_target or ""
        return _Encoded(self._tokenizer.encode(wanted, add_special_tokens=add_special_tokens).ids)

    def decode(
        self, ids: Sequence[int], *, skip_special_tokens: bool = True, clean_up_tokenization_spaces: bool = False
    ) -> str:
        """The text that the ids stand for."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=skip_special_tokens)


def _content(mark: Any) -> str | None:
    """What a special token in tokenizer_config.json reads; it may be written at length."""
    found = mark.get("content") if isinstance(mark, dict) else mark
    return found if isinstance(found, str) else None
