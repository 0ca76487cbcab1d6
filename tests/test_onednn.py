"""The faster layout of weights changes nothing but the speed."""

from __future__ import annotations

import pytest
import torch

from retranslate.onednn import BlockedLinear, block_linears, can_block
from retranslate.rewriter import Rewriter

FITTING = torch.zeros(4, 4)
needs_onednn = pytest.mark.skipif(not can_block(FITTING), reason="a processor or a torch without the layout")


@needs_onednn
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("inputs", "outputs"), [(64, 192), (33, 7), (1, 1), (576, 1000)])
def test_a_blocked_layer_computes_the_same(inputs: int, outputs: int, bias: bool) -> None:
    torch.manual_seed(1)
    linear = torch.nn.Linear(inputs, outputs, bias=bias)
    blocked = BlockedLinear(linear)
    with torch.inference_mode():
        for shape in ((1, inputs), (5, inputs), (2, 3, inputs), (1, 300, inputs)):
            states = torch.randn(shape)
            torch.testing.assert_close(blocked(states), linear(states), atol=1e-4, rtol=1e-5)


@needs_onednn
def test_every_linear_layer_and_nothing_else_is_blocked() -> None:
    model = torch.nn.ModuleDict(
        {
            "inner": torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.LayerNorm(8)),
            "bilinear": torch.nn.Bilinear(8, 8, 8),
        }
    )
    block_linears(model)
    assert isinstance(model["inner"][0], BlockedLinear)
    assert isinstance(model["inner"][1], torch.nn.LayerNorm)
    assert isinstance(model["bilinear"], torch.nn.Bilinear)


def test_other_types_and_devices_are_left_alone() -> None:
    for weights in (FITTING.double(), FITTING.bfloat16(), FITTING.to("meta")):
        assert not can_block(weights)
    model = torch.nn.Sequential(torch.nn.Linear(4, 4, dtype=torch.float64))
    block_linears(model)
    assert type(model[0]) is torch.nn.Linear


@needs_onednn
@pytest.mark.parametrize("family", ["causal", "t5", "bart", "marian"])
def test_loaded_models_are_blocked_and_their_weights_counted_once(
    tiny_rewriters: dict[str, Rewriter], family: str
) -> None:
    model = tiny_rewriters[family]._model
    assert not any(type(module) is torch.nn.Linear for module in model.modules())
    outline = type(model)(model.config)
    assert tiny_rewriters[family].parameters == sum(weights.numel() for weights in outline.parameters())
