"""Rows of tokens and the seats they belong to."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retranslate.seats import Layout, Run, grown, parted

CPU = torch.device("cpu")
RUNS = st.lists(st.builds(Run, st.integers(0, 9), st.integers(1, 7)), min_size=1, max_size=6)


@given(RUNS)
def test_what_is_spread_is_gathered_again(runs: list[Run]) -> None:
    layout = Layout.of(runs, CPU)
    row = torch.randn(len(layout.seat), 3, 2)
    spread = layout.spread(row)
    assert spread.shape == (len(runs), max(run.count for run in runs), 3, 2)
    assert torch.equal(layout.gather(spread), row)
    assert layout.is_even == (len({run.count for run in runs}) == 1)


@given(RUNS)
def test_every_token_sees_what_is_before_it_in_its_seat_and_itself(runs: list[Run]) -> None:
    layout = Layout.of(runs, CPU)
    seen = layout.gather(layout.causal_mask())
    expected = [run.start + column + 1 for run in runs for column in range(run.count)]
    assert seen.sum(-1).tolist() == expected
    assert all(row[:count].all() for row, count in zip(seen, expected, strict=True))


LONG_RUNS = st.lists(st.builds(Run, st.integers(0, 300), st.integers(1, 90)), min_size=1, max_size=20)


def _padded(runs: Sequence[Run]) -> int:
    return len(runs) * max(run.count for run in runs) * max(run.end for run in runs)


@given(LONG_RUNS)
def test_parts_are_all_seats_in_their_order_and_never_cost_more(runs: list[Run]) -> None:
    parts = parted(runs)
    assert [run for part in parts for run in part] == runs
    assert sum(map(_padded, parts)) <= _padded(runs) - 4096 * (len(parts) - 1)


def test_a_sentence_that_has_just_come_is_treated_apart() -> None:
    going_on, fresh = [Run(120, 4)] * 13, [Run(0, 75)] * 3
    assert parted([*going_on, *fresh]) == [going_on, fresh]
    assert parted([*going_on, Run(119, 5)]) == [[*going_on, Run(119, 5)]]


@pytest.mark.parametrize(("seats", "places"), [(0, 0), (1, 1), (2, 64), (3, 65), (2, 10)])
def test_a_table_that_grows_keeps_what_it_holds(seats: int, places: int) -> None:
    stored = torch.arange(2 * 5 * 3).view(2, 5, 3)
    larger = grown(stored, seats, places)
    assert larger.shape[0] >= max(2, seats)
    assert larger.shape[1] >= max(5, places)
    assert torch.equal(larger[:2, :5], stored)
    assert larger.sum() == stored.sum()
    assert (larger is stored) == (seats <= 2 and places <= 5)
