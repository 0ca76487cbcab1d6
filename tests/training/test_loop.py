"""The loop: batches, the learning rate, dev losses and the best model, logs that survive a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retranslate.errors import InputError
from retranslate.training import loop
from retranslate.training.encoding import Encoded
from retranslate.training.loop import plan, rate_at
from retranslate.training.recipe import Recipe

# --- Batches -------------------------------------------------------------------------------------------------------

LENGTHS = st.lists(st.integers(1, 60), max_size=120)


@given(LENGTHS, st.integers(1, 300), st.integers(0, 9), st.integers(1, 50))
def test_a_plan_covers_every_index_once(lengths: list[int], batch_tokens: int, seed: int, pool: int) -> None:
    batches = plan(lengths, batch_tokens, seed, pool)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(batches)


@given(LENGTHS, st.integers(1, 300), st.integers(0, 9), st.integers(1, 50))
def test_a_batch_is_no_larger_than_asked_unless_it_is_one_example(
    lengths: list[int], batch_tokens: int, seed: int, pool: int
) -> None:
    for batch in plan(lengths, batch_tokens, seed, pool):
        assert len(batch) == 1 or max(lengths[index] for index in batch) * len(batch) <= batch_tokens


@given(LENGTHS, st.integers(1, 300), st.integers(0, 9))
def test_a_plan_depends_on_its_arguments_alone(lengths: list[int], batch_tokens: int, seed: int) -> None:
    assert plan(lengths, batch_tokens, seed) == plan(lengths, batch_tokens, seed)


@given(LENGTHS, LENGTHS, st.integers(60, 300))
def test_more_examples_leave_the_batches_of_full_pools_alone(
    lengths: list[int], more: list[int], batch_tokens: int
) -> None:
    full = lengths[: len(lengths) // 10 * 10]
    first = plan(full, batch_tokens, 3, pool=10)
    assert plan(full + more, batch_tokens, 3, pool=10)[: len(first)] == first


# --- The learning rate ---------------------------------------------------------------------------------------------


def test_the_rate_rises_stays_and_falls_to_a_tenth() -> None:
    settings = Recipe(Path(), Path(), (), learning_rate=1.0, warmup=10, decay=20)
    rates = [rate_at(pairs, 100, settings) for pairs in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:81] == [1.0] * 71
    assert rates[80:] == sorted(rates[80:], reverse=True)
    assert rates[-1] == pytest.approx(0.1)


def test_the_rate_falls_to_a_tenth_though_fewer_examples_came_than_were_asked_for() -> None:
    assert rate_at(50, 50, Recipe(Path(), Path(), (), pairs=1000, warmup=4, learning_rate=2.0)) == pytest.approx(0.2)


@given(st.integers(0, 500), st.integers(0, 300), st.integers(0, 50), st.integers(0, 50))
def test_the_rate_is_never_zero_nor_above_the_plateau(pairs: int, total: int, warmup: int, decay: int) -> None:
    settings = Recipe(Path(), Path(), (), warmup=warmup, decay=decay, learning_rate=2.0)
    assert 0 < rate_at(pairs, total, settings) <= 2.0


# --- The logs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", ["", "3", "30,", "30,0.5\n40", "30,0.5\n\x00"])
def test_a_log_is_cut_where_the_checkpoint_is_whatever_its_end(tmp_path: Path, torn: str) -> None:
    log = tmp_path / "dev.csv"
    log.write_text(f"pairs,loss\n10,0.7\n20,0.6\n{torn}", "utf-8")
    loop._cut(log, 20)
    assert loop._rows(log) == [["pairs", "loss"], ["10", "0.7"], ["20", "0.6"]]
    assert loop._last_entry(log) == 20


def test_a_log_that_has_only_begun_gets_its_header(tmp_path: Path) -> None:
    log = tmp_path / "dev.csv"
    log.write_text("", "utf-8")
    loop._cut(log, 5)
    assert loop._last_entry(log) is None
    loop._append(log, ("pairs", "loss"), (7, "0.5"))
    assert loop._rows(log) == [["pairs", "loss"], ["7", "0.5"]]


# --- One step ------------------------------------------------------------------------------------------------------


def _learner(loss: Any) -> loop.Learner:
    model = torch.nn.Linear(2, 1)
    object.__setattr__(model, "device", torch.device("cpu"))
    return loop.Learner(model, None, loss)  # type: ignore[arg-type]


def test_a_batch_too_large_for_the_device_is_refused_with_what_to_change() -> None:
    def loss(_: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError("no room")

    learner = _learner(loss)
    optimizer = torch.optim.AdamW(learner.model.parameters())
    with pytest.raises(InputError, match=r"a batch of 3 tokens does not fit .* lower batch_tokens"):
        loop._step(learner, optimizer, [Encoded((1,), (2, 3), (1.0, 1.0))], 0.1, seed=1)


def test_what_a_step_draws_at_random_depends_on_its_seed_alone() -> None:
    drawn: list[float] = []

    def loss(_: Any) -> torch.Tensor:
        drawn.append(torch.rand(1).item())
        return learner.model(torch.ones(2)).sum()

    learner = _learner(loss)
    optimizer = torch.optim.AdamW(learner.model.parameters())
    for seed in (1, 2, 1):
        loop._step(learner, optimizer, [Encoded((1,), (2,), (1.0,))], 0.1, seed)
    assert drawn[0] == drawn[2] != drawn[1]


def test_the_mean_loss_is_over_tokens() -> None:
    learner = _learner(lambda batch: torch.tensor(float(len(batch[0].answer))))
    items = [Encoded((1,), (1,) * size, (1.0,) * size) for size in (1, 3)]
    assert loop.mean_loss(learner, items, batch_tokens=1) == pytest.approx((1 * 1 + 3 * 3) / 4)
    assert learner.model.training


@pytest.mark.parametrize(
    ("capability", "dtype"), [("AVX512", torch.bfloat16), ("AVX2", torch.float32), ("DEFAULT", torch.float32)]
)
def test_a_processor_that_would_imitate_bfloat16_computes_in_float32(
    monkeypatch: pytest.MonkeyPatch, capability: str, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    with loop.half_precision("cpu"):
        assert torch.nn.functional.linear(torch.ones(2, 4), torch.ones(3, 4)).dtype == dtype
