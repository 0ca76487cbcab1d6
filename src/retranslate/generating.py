"""Decoding by the ``generate`` of transformers, for architectures that cannot read raggedly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import torch
import transformers
from torch.nn.utils.rnn import pad_sequence

from retranslate.decoding import Terms, log_probabilities
from retranslate.drafting import Answer, Scores, Task
from retranslate.ragged import read_alone


def generate(
    model: transformers.PreTrainedModel, tasks: Iterable[Task], terms: Terms, pad: int, seats: int
) -> Iterator[tuple[int, Answer]]:
    """What :func:`retranslate.decoding.decode` gives; ``pad`` fills the rows of a batch.

    ``seats`` sentences begin together, and the next ones when all of them are done; one that came close to a tie is
    written once more, alone.
    """
    waiting = enumerate(tasks)
    while batch := list(islice(waiting, seats)):
        written = _generated(model, [task for _, task in batch], terms, pad)
        for (number, task), (answer, close) in zip(batch, written, strict=True):
            if close and len(batch) > 1:
                ((answer, _),) = _generated(model, [task], terms, pad)
            yield number, answer


def padded(model: transformers.PreTrainedModel, prompts: Sequence[Sequence[int]], pad: int) -> dict[str, torch.Tensor]:
    """Input ids and attention mask, both of shape (batch, longest); decoder-only models are padded on the left."""
    rows = [torch.tensor(prompt) for prompt in prompts]
    side = "right" if model.config.is_encoder_decoder else "left"
    ids = pad_sequence(rows, batch_first=True, padding_value=pad, padding_side=side)
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True, padding_side=side)
    return {"input_ids": ids.to(model.device), "attention_mask": mask.to(model.device)}


def _generated(
    model: transformers.PreTrainedModel, tasks: Sequence[Task], terms: Terms, pad: int
) -> list[tuple[Answer, bool]]:
    """The answers, and for each whether it came close to a tie anywhere."""
    watch = _Watch()
    with torch.inference_mode():
        output = model.generate(
            **padded(model, [task.prompt for task in tasks], pad), do_sample=False, num_beams=1,
            max_new_tokens=max(task.limit for task in tasks), logits_processor=transformers.LogitsProcessorList([watch]),
            pad_token_id=pad, eos_token_id=terms.end,
        ).tolist()  # fmt: skip
    answers = []
    for row, task in enumerate(tasks):
        # The limit is a matter of the sentence, not of its batch.
        written = output[row][-len(watch.scores) :][: task.limit]
        length = written.index(terms.end) + 1 if terms.end in written else len(written)
        close = any(leads[row] < terms.tie for leads in watch.leads[:length])
        answers.append((Answer(written[:length], [scores[row] for scores in watch.scores[:length]]), close))
    return answers


class _Watch(transformers.LogitsProcessor):  # type: ignore[misc]
    """Changes nothing and notes, step by step and row by row, how likely the best token was and how far in the lead."""

    def __init__(self) -> None:
        self.scores: list[list[float]] = []
        self.leads: list[list[float]] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        best = scores.topk(2, dim=-1).values
        self.scores.append((best[:, 0] - scores.logsumexp(-1)).tolist())
        self.leads.append((best[:, 0] - best[:, 1]).tolist())
        return scores


@torch.inference_mode()
def score_alone(
    model: transformers.PreTrainedModel, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]]
) -> Scores:
    """What :func:`retranslate.decoding.score` gives, one answer at a time."""
    return [
        [log_probabilities(read_alone(model, prompt, answer[:-1]), answer) for answer in options]
        for prompt, options in zip(prompts, answers, strict=True)
    ]
