"""The quick ways of computing: the same numbers as the plain ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

import tiny_models
from retranslate.training import swift
from retranslate.training.swift import attend_in_groups, cross_entropy, grouped_attention, log_probabilities


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 9), st.integers(0, 99))
def test_grouped_attention_is_causal_attention(batch: int, groups: int, ratio: int, length: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    query = torch.randn(batch, groups * ratio, length, 8, generator=draw, requires_grad=True)
    key, value = (torch.randn(batch, groups, length, 8, generator=draw, requires_grad=True) for _ in range(2))
    expected = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, is_causal=True, scale=0.3, enable_gqa=True
    )
    found, _ = grouped_attention(torch.nn.Identity(), query, key, value, None, 0.3)
    torch.testing.assert_close(found.transpose(1, 2), expected)
    direction = torch.randn(expected.shape, generator=draw)
    for ours, theirs in zip(
        torch.autograd.grad(found.transpose(1, 2), (query, key, value), direction),
        torch.autograd.grad(expected, (query, key, value), direction),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_a_model_that_attends_in_groups_says_the_same(tmp_path: Path) -> None:
    folder = tiny_models.save_causal(tmp_path, marker=None)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = torch.randint(0, model.config.vocab_size, (3, 12), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        before = model(ids, use_cache=False).logits
        attend_in_groups(model)
        torch.testing.assert_close(model(ids, use_cache=False).logits, before, rtol=1e-3, atol=1e-3)
        # Not by chance: the model does ask for it.
        assert model.config._attn_implementation == swift.GROUPED
    model.save_pretrained(tmp_path / "saved")
    assert swift.GROUPED not in (tmp_path / "saved" / "config.json").read_text("utf-8")


@pytest.mark.parametrize("length", [2, 3, 100])
@given(positions=st.integers(1, 9), seed=st.integers(0, 99))
def test_a_cross_entropy_in_slices_is_the_plain_one(length: int, positions: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    hidden = torch.randn(positions, 6, generator=draw, requires_grad=True)
    head = torch.randn(11, 6, generator=draw, requires_grad=True)
    wanted = torch.randint(0, 11, (positions,), generator=draw)
    weights = torch.rand(positions, generator=draw) + 0.1
    each = torch.nn.functional.cross_entropy(hidden @ head.T, wanted, reduction="none")
    expected = (each * weights).sum() / weights.sum()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(swift, "_SLICE", {"cpu": length})
        found = cross_entropy(hidden, head, wanted, weights)
    torch.testing.assert_close(found, expected)
    for ours, theirs in zip(
        torch.autograd.grad(3 * found, (hidden, head)), torch.autograd.grad(3 * expected, (hidden, head)), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_the_cross_entropy_needs_no_gradients() -> None:
    hidden, head = torch.randn(3, 4), torch.randn(5, 4)
    wanted = torch.tensor([0, 1, 4])
    found = cross_entropy(hidden, head, wanted, torch.ones(3))
    torch.testing.assert_close(found, torch.nn.functional.cross_entropy(hidden @ head.T, wanted))


@pytest.mark.parametrize("length", [2, 3, 100])
@given(positions=st.integers(1, 9), seed=st.integers(0, 99))
def test_log_probabilities_in_slices_are_the_plain_ones(length: int, positions: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    hidden = torch.randn(positions, 6, generator=draw, requires_grad=True)
    head = torch.randn(11, 6, generator=draw, requires_grad=True)
    wanted = torch.randint(0, 11, (positions,), generator=draw)
    shares = torch.randn(positions, generator=draw)
    expected = (hidden @ head.T).log_softmax(-1).gather(1, wanted[:, None]).squeeze(1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(swift, "_SLICE", {"cpu": length})
        found = log_probabilities(hidden, head, wanted)
        torch.testing.assert_close(found, expected)
        ours = torch.autograd.grad((found * shares).sum(), (hidden, head))
    theirs = torch.autograd.grad((expected * shares).sum(), (hidden, head))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)
