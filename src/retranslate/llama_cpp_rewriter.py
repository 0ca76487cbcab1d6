"""A model of this project's own that llama.cpp computes, from its GGUF file, on a CPU. Neither torch nor transformers is imported.

Sentences are decoded one by one: with drafts a sentence gives a pass enough to do, and no answer hangs on what else is
asked, not even in its last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from retranslate.beams import Logits, beams, log_total
from retranslate.drafting import Answer, Scores, Step, Task, Writing
from retranslate.mapped_model import Context, Continuation, Model
from retranslate.plain_tokenizer import PlainTokenizer
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
        tokenizer.refuse_beyond(model.vocabulary, gguf)
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

    def _likeliest(
        self, prompts: Sequence[Sequence[int]], count: int, batch_size: int
    ) -> list[list[tuple[list[int], float]]]:
        return [self._beams(prompt, count) for prompt in prompts]

    def _beams(self, prompt: Sequence[int], count: int) -> list[tuple[list[int], float]]:
        limit = answer_limit(len(prompt))
        fork = _Fork(self._model.context(len(prompt) + count * limit, 2 * count), len(prompt), count)
        (found,) = beams(fork.open(prompt), fork.advance, count, [limit], self._tokenizer.eos_token_id)
        return found.answers

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
        logits = context.read(Continuation(0, filled, [*unread, *draft], len(draft) + 1))
        agreed = writing.extend(draft, _steps(logits), end)
        if writing.is_done(end):
            return writing.answer
        filled += len(unread) + agreed
        unread = [writing.answer.ids[-1]]


def _steps(logits: Logits) -> Iterator[Step]:
    """What each row says; of those that nobody asks for nothing is worked out."""
    for row in logits:
        token = int(row.argmax())
        yield Step(token, float(row[token]) - log_total(row))


def score(context: Context, prompt: Sequence[int], answers: Sequence[Sequence[int]]) -> list[list[float]]:
    """The log-probability of every token of the answers to a prompt, which is read once.

    Each answer is read whole, so that its scores do not hang on the others.
    """
    (first,) = context.read(Continuation(0, 0, prompt, 1))
    scores = []
    for answer in answers:
        rest = context.read(Continuation(0, len(prompt), answer[:-1], len(answer) - 1)) if len(answer) > 1 else ()
        scores.append([float(row[token]) - log_total(row) for row, token in zip((first, *rest), answer, strict=True)])
    return scores


class _Fork:
    """Beginnings of an answer to one prompt: ``count`` seats of a context hold those in use, as many others the next ones."""

    def __init__(self, context: Context, filled: int, count: int) -> None:
        self._context = context
        self._filled = filled
        self._here, self._there = range(count), range(count, 2 * count)

    def open(self, prompt: Sequence[int]) -> Logits:
        """What follows the prompt, (1, vocabulary)."""
        return self._context.read(Continuation(self._here[0], 0, prompt, 1))

    def advance(self, parents: Sequence[int], tokens: Sequence[int]) -> Logits:
        """What follows the beginnings numbered ``parents``, each with one of ``tokens`` more: (tokens, vocabulary)."""
        seats = self._there[: len(parents)]
        for seat, parent in zip(seats, parents, strict=True):
            self._context.copy(self._here[parent], seat)
        for seat in self._here:
            self._context.forget(seat)
        self._here, self._there = self._there, self._here
        logits = self._context.read(
            *(Continuation(seat, self._filled, [token], 1) for seat, token in zip(seats, tokens, strict=True))
        )
        self._filled += 1
        return logits
