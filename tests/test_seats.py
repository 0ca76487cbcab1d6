"""Rows of tokens and the seats they belong to."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retranslate.seats import Layout, grown

CPU = torch.device("cpu")
RUNS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 7)), min_size=1, max_size=6)


def _layout(runs: list[tuple[int, int]]) -> Layout:
    """That of runs in one seat after the other, each with the place of its first token and a number of tokens."""
    places = max(start + count for start, count in runs)
    return Layout.of([(seat, start, count) for seat, (start, count) in enumerate(runs)], len(runs), places, CPU)


@given(RUNS)
def test_what_is_spread_is_gathered_again(runs: list[tuple[int, int]]) -> None:
    layout = _layout(runs)
    row = torch.randn(len(layout.seat), 3, 2)
    spread = layout.spread(row)
    assert spread.shape == (len(runs), max(count for _, count in runs), 3, 2)
    assert torch.equal(layout.gather(spread), row)
    assert layout.is_even == (len({count for _, count in runs}) == 1)


@given(RUNS)
def test_every_token_sees_what_is_before_it_in_its_seat_and_itself(runs: list[tuple[int, int]]) -> None:
    layout = _layout(runs)
    seen = layout.gather(layout.causal_mask())
    expected = [start + column + 1 for start, count in runs for column in range(count)]
    assert seen.sum(-1).tolist() == expected
    assert all(row[:count].all() for row, count in zip(seen, expected, strict=True))


@pytest.mark.parametrize(("seats", "places"), [(0, 0), (1, 1), (2, 64), (3, 65), (2, 10)])
def test_a_table_that_grows_keeps_what_it_holds(seats: int, places: int) -> None:
    stored = torch.arange(2 * 5 * 3).view(2, 5, 3)
    larger = grown(stored, seats, places)
    assert larger.shape[0] >= max(2, seats)
    assert larger.shape[1] >= max(5, places)
    assert torch.equal(larger[:2, :5], stored)
    assert larger.sum() == stored.sum()
    assert (larger is stored) == (seats <= 2 and places <= 5)
