"""The mathematics of one training step with fewer passes over memory.

Two parts of a step cost more time than their arithmetic on a processor: attention over short sentences, for which the
fused kernel is made too large, and the softmax over a large vocabulary, which is written to memory several times over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

if TYPE_CHECKING:
    from transformers import PreTrainedModel

GROUPED = "grouped"
_SLICE = {"cpu": 128}
"""Positions whose logits are held at once: on a processor so few that they stay in its cache."""
_LARGE_SLICE = 4096


def attend_in_groups(model: PreTrainedModel) -> None:
    """Lets ``model`` compute its attention by :func:`grouped_attention`. Inputs must be padded on the right, if at all."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(GROUPED, grouped_attention)
    AttentionMaskInterface.register(GROUPED, lambda *_, **__: None)
    model.set_attn_implementation(GROUPED)


def grouped_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention; the queries that share a key head are one matrix. In and out as transformers wants them.

    Shapes: query (batch, heads, length, size), key and value (batch, key heads, length, size), result (batch, length,
    heads, size).
    """
    batch, heads, length, size = query.shape
    groups = key.shape[1]
    with torch.autocast(query.device.type, enabled=False):
        rows = query.to(value.dtype).reshape(batch * groups, -1, size)
        keys, values = (item.to(value.dtype).reshape(batch * groups, length, size) for item in (key, value))
        future = torch.full((length, length), float("-inf"), dtype=value.dtype, device=value.device).triu(1)
        mask = future.repeat(heads // groups, 1)
        # A softmax of bfloat16 is computed in float32 inside.
        weights = torch.baddbmm(mask, rows, keys.transpose(1, 2), alpha=scaling).softmax(-1)
        mixed = torch.bmm(weights, values)
    return mixed.view(batch, heads, length, size).transpose(1, 2), None


def cross_entropy(
    hidden: torch.Tensor, head: torch.Tensor, wanted: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """The weighted mean of the negative log-probabilities of ``wanted``; all logits never exist at once.

    Shapes: hidden (positions, size), head (vocabulary, size), wanted and weights (positions,).
    """
    loss: torch.Tensor = _CrossEntropy.apply(hidden, head, wanted, weights / weights.sum())  # type: ignore[no-untyped-call]
    return loss


class _CrossEntropy(torch.autograd.Function):
    """Loss and gradients slice by slice: what is needed of a slice's softmax is used while it is at hand."""

    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, head: torch.Tensor, wanted: torch.Tensor, shares: torch.Tensor
    ) -> torch.Tensor:
        device = hidden.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
        matrix = head.to(dtype)
        loss = torch.zeros((), device=hidden.device)
        hidden_gradient = torch.zeros_like(hidden) if ctx.needs_input_grad[0] else None
        head_gradient = torch.zeros_like(head) if ctx.needs_input_grad[1] else None
        size = _SLICE.get(device, _LARGE_SLICE)
        with torch.autocast(device, enabled=False):
            for start in range(0, len(hidden), size):
                part = slice(start, start + size)
                some, right, share = hidden[part].to(dtype), wanted[part, None], shares[part, None]
                scores = functional.linear(some, matrix).float().log_softmax(-1)
                loss -= (scores.gather(1, right) * share).sum()
                if hidden_gradient is None and head_gradient is None:
                    continue
                # The gradient of the logits: the softmax, less one at the right token.
                slope = scores.exp_().scatter_add_(1, right, -torch.ones_like(share)).mul_(share).to(dtype)
                if hidden_gradient is not None:
                    hidden_gradient[part] = slope @ matrix
                if head_gradient is not None:
                    head_gradient += slope.T @ some
        ctx.save_for_backward(hidden_gradient, head_gradient)
        return loss

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None, None]:
        by_hidden, by_head = (None if item is None else item * gradient for item in ctx.saved_tensors)
        return by_hidden, by_head, None, None


def log_probabilities(hidden: torch.Tensor, head: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The log-probabilities of ``wanted``, in nats, shape (positions,); all logits never exist at once.

    Those of a slice are computed again for its gradient. Shapes: hidden (positions, size), head (vocabulary, size),
    wanted (positions,).
    """
    size = _SLICE.get(hidden.device.type, _LARGE_SLICE)
    slices = [
        checkpoint(_slice_logs, hidden[start : start + size], head, wanted[start : start + size], use_reentrant=False)
        for start in range(0, len(hidden), size)
    ]
    return torch.cat(slices)


def _slice_logs(hidden: torch.Tensor, head: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    scores = functional.linear(hidden, head).float()
    return scores.gather(1, wanted[:, None]).squeeze(1) - scores.logsumexp(-1)
