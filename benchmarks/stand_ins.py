"""Models of the usual sizes with random weights, made to repair sentences of random tokens.

How fast a model is does not depend on its weights, but how much of a sentence it leaves as it is does, and that is what
guided decoding lives on. So a stand-in does all the work of its architecture, and then its output layer is pushed to
the token that the repair has there. A sentence consists of tokens that occur nowhere else: the token before tells which one follows.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import transformers

from retranslate.drafting import Task

FIRST = 100
"""The smallest token of a sentence; those below are for the marks."""
PUSH = 1e4


@dataclass(frozen=True)
class Damage:
    """Differences between a sentence and its repair, each for a hundred tokens."""

    replaced: float
    deleted: float
    inserted: float


# What the bundled model does to the two halves of eval/sets/arabic_style.jsonl.
DAMAGED = Damage(4.0, 3.1, 2.6)
CLEAN = Damage(0.6, 0.3, 0.1)


def t5_base() -> Any:
    config = transformers.T5Config(
        d_model=768, d_kv=64, d_ff=3072, num_layers=12, num_decoder_layers=12, num_heads=12, vocab_size=32128,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    return _random(transformers.T5ForConditionalGeneration, config)


def bart_base() -> Any:
    config = transformers.BartConfig(
        d_model=768, encoder_layers=6, decoder_layers=6, encoder_attention_heads=12, decoder_attention_heads=12,
        encoder_ffn_dim=3072, decoder_ffn_dim=3072, vocab_size=50265, max_position_embeddings=1024,
        decoder_start_token_id=0, pad_token_id=1, eos_token_id=2, bos_token_id=0, forced_eos_token_id=None,
    )  # fmt: skip
    return _random(transformers.BartForConditionalGeneration, config)


def _random(family: Any, config: Any) -> Any:
    torch.manual_seed(1)
    model = family(config).eval()
    model.generation_config = transformers.GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id,
        pad_token_id=config.pad_token_id,
        eos_token_id=config.eos_token_id,
    )
    return model


def unused_tokens(model: Any) -> Iterator[int]:
    """All tokens that a sentence may have, in random order, none twice."""
    return iter(random.Random(5).sample(range(FIRST, model.config.vocab_size), model.config.vocab_size - FIRST))


def sentences(
    fresh: Iterator[int], end: int, lengths: Sequence[int], damage: Damage
) -> tuple[list[Task], list[list[int]]]:
    """Sentences of these lengths out of ``fresh`` tokens, as tasks, and the repair of each."""
    dice = random.Random(6)
    tasks, repairs = [], []
    for length in lengths:
        source = [next(fresh) for _ in range(length)]
        repair = []
        for number, token in enumerate(source):
            kind = 100 * dice.random()
            if number == 0 or kind >= damage.replaced + damage.deleted + damage.inserted:
                repair.append(token)
            elif kind < damage.replaced:
                repair.append(next(fresh))
            elif kind < damage.replaced + damage.inserted:
                repair += [token, next(fresh)]
        tasks.append(Task([*source, end], [*source, end], int(1.6 * length) + 16))
        repairs.append([*repair, end])
    return tasks, repairs


def push(model: Any, tasks: Sequence[Task], repairs: Sequence[Sequence[int]]) -> None:
    """Makes ``model`` write the repairs."""
    start = model.generation_config.decoder_start_token_id
    following = torch.full((model.config.vocab_size,), model.config.eos_token_id)
    for repair in repairs:
        following[torch.tensor(repair[:-1])] = torch.tensor(repair[1:])
    first = {task.prompt[0]: repair[0] for task, repair in zip(tasks, repairs, strict=True)}
    begun: deque[int] = deque()
    read = torch.zeros(0)

    def note_source(module: Any, args: Any, kwargs: Any) -> None:
        begun.extend(first[row[0]] for row in (kwargs["input_ids"] if "input_ids" in kwargs else args[0]).tolist())

    def note_written(module: Any, args: Any, kwargs: Any) -> None:
        nonlocal read
        read = kwargs["input_ids"] if "input_ids" in kwargs else args[0]

    def pushed(module: Any, args: Any, logits: torch.Tensor) -> torch.Tensor:
        wanted = following[read]
        # Sentences begin in the order in which the encoder read them; the rows of finished ones may be filled with the same mark.
        for row, column in (read == start).nonzero().tolist()[: len(begun)]:
            wanted[row, column] = begun.popleft()
        return logits.scatter_add(-1, wanted.unsqueeze(-1), torch.full((*wanted.shape, 1), PUSH))

    model.get_encoder().register_forward_pre_hook(note_source, with_kwargs=True)
    model.get_decoder().register_forward_pre_hook(note_written, with_kwargs=True)
    model.get_output_embeddings().register_forward_hook(pushed)
