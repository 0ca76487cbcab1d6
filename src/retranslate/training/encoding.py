"""Examples as token ids, each token of an answer with the weight that it has in the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidfuzz.distance import Levenshtein

if TYPE_CHECKING:
    import torch

IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """Token ids of one pair: what the model reads, and what it writes, end mark included.

    A token of ``answer`` counts in the loss by its entry in ``weights``; one of weight 0 is only read.
    """

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    weights: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def changed_tokens(before: Sequence[int], after: Sequence[int]) -> list[bool]:
    """For each token of ``after`` whether an edit of ``before`` made it: a new token, or the one after a deletion.

    >>> changed_tokens([1, 2, 3, 4], [1, 9, 3, 4])
    [False, True, False, False]
    >>> changed_tokens([1, 2, 3, 4], [1, 2, 4])
    [False, False, True]
    """
    changed = [False] * len(after)
    for step in Levenshtein.opcodes(before, after):
        if step.tag != "equal":
            # A deletion shows in the token that follows it; at the very end none does.
            for position in range(step.dest_start, max(step.dest_end, step.dest_start + 1)):
                if position < len(after):
                    changed[position] = True
    return changed


def weights_of(before: Sequence[int], after: Sequence[int], changed_weight: float) -> tuple[float, ...]:
    """``changed_weight`` for the tokens of ``after`` that an edit made, 1 for those that are copied."""
    if changed_weight == 1:
        return (1.0,) * len(after)
    return tuple(changed_weight if changed else 1.0 for changed in changed_tokens(before, after))


def padded(rows: Sequence[Sequence[float]], filler: float, device: str, dtype: torch.dtype) -> torch.Tensor:
    """The rows as a tensor (rows, longest), filled up on the right."""
    import torch

    width = max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (width - len(row))] for row in rows], dtype=dtype, device=device)
