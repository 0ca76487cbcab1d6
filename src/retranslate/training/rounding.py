"""Rounding weights to five bits so that what a layer computes changes least, not the weights themselves.

Nearest rounding treats all inputs of a layer alike. With the inputs of some examples at hand, the error made in one
column can be made good in the columns that usually fire with it (Frantar et al. 2022, "GPTQ"). The outcome is an
ordinary Q5_0 tensor, which any reader of GGUF files opens.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

BLOCK = 32
DAMPING = 0.01
_LOWEST, _HIGHEST = -16, 15


def input_moments(checkpoint: Path, sequences: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    """For every linear layer of the checkpoint the sum of x xᵀ over its inputs x while it reads ``sequences`` of ids.

    Keys are names of weights in transformers; values are float32 of shape (inputs, inputs).
    """
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
    moments: dict[str, torch.Tensor] = {}

    def watch(key: str, module: torch.nn.Linear) -> None:
        moments[key] = torch.zeros(module.in_features, module.in_features)

        def add(_module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], _output: torch.Tensor) -> None:
            rows = inputs[0].reshape(-1, inputs[0].shape[-1])
            moments[key] += rows.T @ rows

        module.register_forward_hook(add)

    for name, module in model.model.named_modules():
        if isinstance(module, torch.nn.Linear):
            watch(f"model.{name}.weight", module)
    with torch.inference_mode():
        for ids in sequences:
            model.model(torch.tensor([list(ids)]), use_cache=False)
    return moments


def pack_q5_0(values: torch.Tensor, moment: torch.Tensor) -> np.ndarray[Any, Any]:
    """``values`` (outputs, inputs) as the bytes of a Q5_0 tensor, of shape (outputs, inputs / 32 * 22).

    ``moment`` is the matrix of :func:`input_moments` for this layer.
    """
    import torch

    left = values.clone().float()
    carry = _carry(moment)
    packed = []
    for start in range(0, left.shape[1], BLOCK):
        stop = start + BLOCK
        block = left[:, start:stop].clone()
        scale = _scales(block)
        codes = torch.zeros_like(block)
        errors = torch.zeros_like(block)
        divisor = torch.where(scale == 0, 1.0, scale)
        for column in range(BLOCK):
            place = start + column
            codes[:, column] = (block[:, column] / divisor).round().clamp(_LOWEST, _HIGHEST)
            errors[:, column] = (block[:, column] - codes[:, column] * scale) / carry[place, place]
            block[:, column + 1 :] -= errors[:, column, None] * carry[place, place + 1 : stop]
        left[:, stop:] -= errors @ carry[start:stop, stop:]
        packed.append(_block_bytes(codes, scale))
    return torch.cat(packed, dim=1).numpy()


def _carry(moment: torch.Tensor) -> torch.Tensor:
    """How an error in a column is spread over the later ones: the Cholesky factor of the inverse moment."""
    import torch

    size = moment.shape[0]
    exact = moment.double()
    # Inputs that never fired would make the matrix singular.
    damped = exact + torch.eye(size, dtype=torch.double) * (DAMPING * float(exact.diagonal().mean()) + 1e-9)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    factor: torch.Tensor = torch.linalg.cholesky(inverse, upper=True)
    return factor.float()


def _scales(block: torch.Tensor) -> torch.Tensor:
    """The step of each row's block, as float16 stores it: the value furthest from zero lies on the lowest code."""
    furthest = block.gather(1, block.abs().argmax(dim=1, keepdim=True))[:, 0]
    return (furthest / _LOWEST).half().float()


def _block_bytes(codes: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """A column of blocks in the layout of ggml: scale, the 32 fifth bits, two codes' lower four bits a byte."""
    import torch

    raised = (codes - _LOWEST).to(torch.int64)
    low, high = raised & 15, raised >> 4
    nibbles = low[:, : BLOCK // 2] | (low[:, BLOCK // 2 :] << 4)
    bits = (high.reshape(-1, 4, 8) << torch.arange(8)).sum(dim=2)
    scale_bytes = scale.half().view(torch.uint8).reshape(-1, 2)
    return torch.cat([scale_bytes, bits.to(torch.uint8), nibbles.to(torch.uint8)], dim=1)
