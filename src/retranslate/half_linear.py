"""Matrix products that read their weights in half precision and compute in float32.

A pass over few tokens takes as long as its weights take to be read, and in half precision they are half as long. Products are
FBGEMM's, which is part of torch for x86 processors: each weight becomes a float32 again on its way into the sum.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from retranslate.onednn import linear, on_wide_processor

Product = Callable[[torch.Tensor], torch.Tensor]
"""From states, (tokens, in), to what weights make of them, (tokens, out)."""

_PART = 8192
"""Outputs worked out together: those of a vocabulary leave the processor's cache before they are done."""


def half_linear(weights: torch.Tensor) -> Product:
    """The product with these ``weights``, (out, in), float32, as they are when :func:`rounded`, in the fastest way there is here."""
    return HalfLinear(weights) if can_read_half(weights) else linear(rounded(weights))


def rounded(weights: torch.Tensor) -> torch.Tensor:
    """``weights`` to eleven binary digits, in float32: what half precision holds of them."""
    return weights.half().float()


class HalfLinear:
    """A product without a bias, whose weights are in FBGEMM's layout."""

    def __init__(self, weights: torch.Tensor) -> None:
        """Lays out ``weights``, (out, in), float32, which :func:`can_read_half`."""
        self._parts = [torch.ops.quantized.linear_prepack_fp16(part, None) for part in torch.split(weights, _PART)]

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        """What the weights make of ``states``, (tokens, in): (tokens, out)."""
        found = [torch.ops.quantized.linear_dynamic_fp16(states, part) for part in self._parts]
        return found[0] if len(found) == 1 else torch.cat(found, -1)


def can_read_half(weights: torch.Tensor) -> bool:
    """Whether FBGEMM is to be had for ``weights``, and fast."""
    return (
        on_wide_processor(weights)
        and torch.backends.quantized.engine in ("fbgemm", "x86")
        and hasattr(torch.ops.quantized, "linear_prepack_fp16")
        and hasattr(torch.ops.quantized, "linear_dynamic_fp16")
    )
