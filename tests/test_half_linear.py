"""Weights in half precision: rounded and nothing else, one by one and together, however many outputs there are."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retranslate import half_linear as module
from retranslate.half_linear import HalfLinear, can_read_half, half_linear, rounded

FITTING = torch.zeros(4, 4)
needs_fbgemm = pytest.mark.skipif(not can_read_half(FITTING), reason="a processor or a torch without FBGEMM")


@torch.inference_mode()
def _product(states: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return (states.double() @ rounded(weights).double().T).float()


@given(
    st.integers(1, 70),
    st.integers(1, 40),
    st.integers(1, 700),
    st.sampled_from([1e-6, 1e-3, 1.0, 1e3]),
    st.integers(0, 9),
)
def test_it_multiplies_with_the_rounded_weights(tokens: int, outputs: int, inputs: int, size: float, seed: int) -> None:
    dice = torch.Generator().manual_seed(seed)
    weights = torch.randn(outputs, inputs, generator=dice) * size
    states = torch.randn(tokens, inputs, generator=dice)
    before = weights.clone()
    with torch.inference_mode():
        found = half_linear(weights)(states)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, _product(states, weights), atol=1e-4 * size, rtol=1e-5)
    assert torch.equal(weights, before)


@needs_fbgemm
@pytest.mark.parametrize("outputs", [1, 7, 8, 9, 20])
def test_outputs_worked_out_in_parts_are_the_same(outputs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, states = torch.randn(outputs, 30), torch.randn(5, 30)
    with torch.inference_mode():
        whole = HalfLinear(weights)(states)
        monkeypatch.setattr(module, "_PART", 8)
        parts = HalfLinear(weights)(states)
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-5)


@needs_fbgemm
def test_a_row_has_the_same_outcome_alone_and_among_others() -> None:
    product, states = HalfLinear(torch.randn(96, 576)), torch.randn(50, 576)
    with torch.inference_mode():
        together = product(states)
        for rows in (1, 3, 7, 13, 24):
            torch.testing.assert_close(product(states[:rows]), together[:rows], atol=1e-5, rtol=1e-6)


def test_what_fbgemm_does_not_take_is_rounded_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for weights in (FITTING.double(), FITTING.bfloat16(), FITTING.to("meta")):
        assert not can_read_half(weights)
    monkeypatch.setattr(module, "can_read_half", lambda _: False)
    weights, states = torch.randn(9, 30), torch.randn(5, 30)
    with torch.inference_mode():
        found = half_linear(weights)(states)
    assert not isinstance(half_linear(weights), HalfLinear)
    torch.testing.assert_close(found, _product(states, weights), atol=1e-4, rtol=1e-5)


def test_a_processor_without_wide_instructions_is_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert not can_read_half(FITTING)
