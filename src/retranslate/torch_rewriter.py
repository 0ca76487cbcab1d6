"""A checkpoint of either family as transformers opens it, computed by torch in float32, on any device that torch has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import torch
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from retranslate.decoding import Terms, decode, score
from retranslate.drafting import Answer, Scores, Task
from retranslate.errors import InputError
from retranslate.generating import generate, padded, score_alone
from retranslate.loading import open_model
from retranslate.ragged import RaggedModel, can_read_ragged
from retranslate.rewriter import CLOSE_CALL, MARKER, TORCH, Rewriter, answer_limit


class TorchRewriter(Rewriter):
    """A Rewriter whose sentences are decoded together, ``batch_size`` of them."""

    engine = TORCH

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, own: bool, name: str, weights: str
    ) -> None:
        super().__init__(tokenizer, own=own, name=name, weights=weights)
        self._model = model
        pad = tokenizer.pad_token_id
        self._pad = int(pad if pad is not None else tokenizer.eos_token_id)

    @classmethod
    def open(
        cls, folder: Path, gguf: Path | None, device: str | None, *, own: bool, name: str, weights: str
    ) -> TorchRewriter:
        """The model of ``folder``; ``gguf`` is the file of its weights if they are of that kind, ``own`` whether it was made here.

        Raises InputError when the folder is broken, the model of neither family, or the device not to be used.
        """
        model, tokenizer = open_model(folder, gguf, device)
        if not own and not model.config.is_encoder_decoder:
            raise InputError(
                f"{folder}: a decoder-only model that 'retranslate train' did not make (no {MARKER}); use a seq2seq checkpoint."
            )
        if tokenizer.eos_token_id is None or (tokenizer.bos_token_id is None and not model.config.is_encoder_decoder):
            raise InputError(
                f"{folder}: the tokenizer has no begin or end mark; export the model again with its own tokenizer."
            )
        rewriter = cls(model, tokenizer, own=own, name=name, weights=weights)
        rewriter.max_tokens = _longest_prompt(model.config, rewriter.max_tokens)
        return rewriter

    @property
    def device(self) -> str:
        """The torch device that the model is on."""
        return str(self._model.device)

    @property
    def parameters(self) -> int:
        """The number of weights, each counted once."""
        # Layers may have changed for speed.
        with torch.device("meta"):
            outline = type(self._model)(self._model.config)
        return sum(weights.numel() for weights in outline.parameters())

    @property
    def _seq2seq(self) -> bool:
        return bool(self._model.config.is_encoder_decoder)

    @cached_property
    def _reader(self) -> RaggedModel | None:
        """The model, where its architecture can read raggedly."""
        return RaggedModel(self._model) if can_read_ragged(self._model) else None

    def _decoded(self, tasks: Iterable[Task], batch_size: int) -> Iterator[tuple[int, Answer]]:
        terms = Terms.of(self._model, self._tokenizer.eos_token_id, CLOSE_CALL)
        if self._reader is None:
            return generate(self._model, tasks, terms, self._pad, batch_size)
        return decode(self._reader, tasks, terms, batch_size)

    def _scored(self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]]) -> Scores:
        if self._reader is None:
            return score_alone(self._model, prompts, answers)
        return score(self._reader, prompts, answers)

    def _likeliest(
        self, prompts: Sequence[Sequence[int]], count: int, batch_size: int
    ) -> list[list[tuple[list[int], float]]]:
        return [self._beams(prompt, count) for prompt in prompts]

    def _beams(self, prompt: Sequence[int], count: int) -> list[tuple[list[int], float]]:
        with torch.inference_mode():
            found = self._model.generate(
                **padded(self._model, [prompt], self._pad), do_sample=False, num_beams=count, num_return_sequences=count, early_stopping=True,
                max_new_tokens=answer_limit(len(prompt)), pad_token_id=self._pad, eos_token_id=self._tokenizer.eos_token_id,
                output_scores=True, return_dict_in_generate=True,
            )  # fmt: skip
        written = found.sequences[:, 1:] if self._seq2seq else found.sequences[:, len(prompt) :]
        scores = found.sequences_scores.tolist() if count > 1 else [0.0]
        return list(zip(written.tolist(), scores, strict=True))


def _longest_prompt(config: PretrainedConfig, wanted: int) -> int:
    """``wanted``, or less where the answer to so long a prompt would run out of positions."""
    positions = getattr(config, "max_position_embeddings", None)
    if not config.is_encoder_decoder or not positions:
        return wanted
    return next(length for length in range(wanted, -1, -1) if length == 0 or answer_limit(length) <= positions)
