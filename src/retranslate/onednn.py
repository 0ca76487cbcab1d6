"""Faster matrix products on x86 processors: weights laid out once as oneDNN wants them, in float32 as before.

torch gives float32 products to MKL, which on some processors, AMD's above all, leaves wide instructions unused. With weights in
its own layout oneDNN was two to three times as fast there, for one token as for a thousand. The layout is the one that torch's
own compiler uses; where torch has no such operators the model stays as it is.
"""

from __future__ import annotations

import torch


class BlockedLinear(torch.nn.Module):
    """A linear layer, for inference on a CPU, whose weights are in oneDNN's layout."""

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.bias = linear.bias
        # Under its usual name: there are models that ask for its type.
        self.register_buffer("weight", torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach()))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(states, self.weight, self.bias, "none", [], "")
        return product


def linear(weights: torch.Tensor) -> torch.nn.Module:
    """The linear layer of these ``weights``, (out, in), without a bias, in the layout that is fastest."""
    layer = torch.nn.Linear(weights.shape[1], weights.shape[0], bias=False, device="meta")
    layer.weight = torch.nn.Parameter(weights, requires_grad=False)
    return BlockedLinear(layer) if can_block(weights) else layer


def block_linears(model: torch.nn.Module) -> None:
    """Puts a :class:`BlockedLinear` in the place of every linear layer of ``model`` that :func:`can_block`."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is torch.nn.Linear and can_block(child.weight):
                setattr(module, name, BlockedLinear(child))


def can_block(weights: torch.Tensor) -> bool:
    """Whether oneDNN's layout is to be had for ``weights``, and is faster."""
    return (
        on_wide_processor(weights)
        and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def on_wide_processor(weights: torch.Tensor) -> bool:
    """Whether ``weights`` are float32 numbers of an x86 processor with wide instructions."""
    return (
        weights.device.type == "cpu"
        and weights.dtype == torch.float32
        and torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
    )
