"""A model of this project's own that torch computes from its GGUF file. transformers, whose import takes longer than a sentence, is not asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch

from retranslate.beams import Found, Logits, beams
from retranslate.decoding import Terms, decode, score
from retranslate.devices import default_device, usable
from retranslate.drafting import Answer, Scores, Task
from retranslate.errors import InputError, first_line
from retranslate.llama import Llama, Shape
from retranslate.plain_tokenizer import PlainTokenizer
from retranslate.rewriter import CLOSE_CALL, TORCH, Rewriter, answer_limit, chunks


def shape_in(folder: Path) -> Shape | None:
    """What the ``config.json`` of ``folder`` describes; None where that is no plain Llama, or no JSON.

    Raises InputError for a Llama whose sizes it does not tell.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None  # transformers will say what is wrong with it
    if not isinstance(config, dict) or not (folder / "tokenizer.json").is_file():
        return None
    try:
        return Shape.of(config)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(
            f"{path}: the model cannot be loaded: no sizes of a Llama ({type(error).__name__}: {first_line(error)}); "
            "export the model again."
        ) from error


class LlamaRewriter(Rewriter):
    """A Rewriter whose sentences are decoded together, ``batch_size`` of them."""

    engine = TORCH

    def __init__(self, model: Llama, tokenizer: PlainTokenizer, *, name: str, weights: str) -> None:
        super().__init__(tokenizer, own=True, name=name, weights=weights)
        self._model = model

    @classmethod
    def open(
        cls, folder: Path, gguf: Path, shape: Shape, device: str | None, *, name: str, weights: str
    ) -> LlamaRewriter:
        """The model of ``folder``, whose weights are in ``gguf``. Raises InputError when the folder is broken or the device not to be used."""
        place = usable(device or default_device())
        tokenizer = PlainTokenizer.load(folder)
        tokenizer.refuse_beyond(shape.vocabulary, gguf)
        return cls(Llama(shape, gguf, torch.device(place)), tokenizer, name=name, weights=weights)

    @property
    def device(self) -> str:
        """The torch device that the model is on."""
        return str(self._model.device)

    @property
    def parameters(self) -> int:
        """The number of weights, each counted once."""
        return self._model.parameters

    @property
    def _seq2seq(self) -> bool:
        return False

    def _decoded(self, tasks: Iterable[Task], batch_size: int) -> Iterator[tuple[int, Answer]]:
        return decode(self._model, tasks, Terms(self._tokenizer.eos_token_id, CLOSE_CALL), batch_size)

    def _scored(self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]]) -> Scores:
        return score(self._model, prompts, answers)

    def _likeliest(
        self, prompts: Sequence[Sequence[int]], count: int, batch_size: int
    ) -> list[list[tuple[list[int], float]]]:
        found: list[list[tuple[list[int], float]]] = []
        # So many beams in all as sentences are decoded together.
        for some in chunks(prompts, max(1, batch_size // count)):
            for prompt, beside in zip(some, self._beams(some, count), strict=True):
                # Too close to leave it to what else was searched for.
                is_doubtful = beside.is_close and len(some) > 1
                (answers,) = self._beams([prompt], count) if is_doubtful else (beside,)
                found.append(answers.answers)
        return found

    def _beams(self, prompts: Sequence[Sequence[int]], count: int) -> list[Found]:
        batch = self._model.batch()
        for prompt in prompts:
            batch.admit(prompt)

        def advance(parents: Sequence[int], tokens: Sequence[int]) -> Logits:
            batch.fork(parents)
            for seat, token in enumerate(tokens):
                batch.settle(seat, 0, token)
            return _plain(batch.read([()] * len(tokens)))

        limits = [answer_limit(len(prompt)) for prompt in prompts]
        return beams(_plain(batch.read([()] * len(prompts))), advance, count, limits, self._tokenizer.eos_token_id)


def _plain(logits: Iterable[torch.Tensor]) -> Logits:
    found: Logits = torch.cat(list(logits)).cpu().numpy()
    return found
