"""Beam search over a made-up model: with beams enough it finds the likeliest answers that there are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from retranslate.beams import Logits, beams, log_total

END, VOCABULARY = 0, 4


class Table:
    """A model whose logits hang on the last token and on the length alone."""

    def __init__(self, seed: int) -> None:
        self.weights = (
            np.random.default_rng(seed).normal(scale=2.0, size=(9, VOCABULARY, VOCABULARY)).astype(np.float32)
        )
        self.written: list[tuple[int, ...]] = [()]

    def row(self, ids: Sequence[int]) -> np.ndarray:
        found: np.ndarray = self.weights[len(ids), ids[-1] if ids else 1]
        return found

    def first(self) -> Logits:
        return self.row(())[np.newaxis]

    def advance(self, parents: Sequence[int], tokens: Sequence[int]) -> Logits:
        self.written = [(*self.written[parent], token) for parent, token in zip(parents, tokens, strict=True)]
        return np.stack([self.row(ids) for ids in self.written])

    def mean(self, ids: Sequence[int]) -> float:
        logs = [
            float(self.row(ids[:place])[token]) - log_total(self.row(ids[:place])) for place, token in enumerate(ids)
        ]
        return sum(logs) / len(ids)


def alone(table: Table, count: int, limit: int) -> list[tuple[list[int], float]]:
    (found,) = beams(table.first(), table.advance, count, [limit], END)
    return found.answers


def test_the_logarithm_of_a_sum_of_exponentials() -> None:
    row = np.array([1000.0, 1000.0, -1000.0], dtype=np.float32)
    assert log_total(row) == pytest.approx(1000 + np.log(2), abs=1e-3)


@pytest.mark.parametrize("seed", range(8))
def test_one_beam_takes_the_likeliest_token(seed: int) -> None:
    table = Table(seed)
    ((ids, mean),) = alone(table, 1, 6)
    greedy: list[int] = []
    while len(greedy) < 6 and (not greedy or greedy[-1] != END):
        greedy.append(int(table.row(greedy).argmax()))
    assert ids == greedy
    assert mean == pytest.approx(table.mean(ids))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("count", [2, 3, 5])
def test_answers_are_different_ended_and_the_best_first(seed: int, count: int) -> None:
    table = Table(seed)
    found = alone(table, count, 6)
    assert len({tuple(ids) for ids, _ in found}) == count
    assert [mean for _, mean in found] == sorted((mean for _, mean in found), reverse=True)
    for ids, mean in found:
        assert mean == pytest.approx(table.mean(ids))
        assert END not in ids[:-1]
        assert ids[-1] == END or len(ids) == 6


@pytest.mark.parametrize("seed", range(8))
def test_with_beams_enough_nothing_is_missed(seed: int) -> None:
    """As wide as all texts there are, the search has every text of its length in hand."""
    table, limit = Table(seed), 3
    texts = [ids for length in range(1, limit + 1) for ids in product(range(1, VOCABULARY), repeat=length - 1)]
    complete = [(*ids, END) for ids in texts]
    found = alone(table, len(complete), limit)
    best = max(complete, key=table.mean)
    assert tuple(found[0][0]) == best or table.mean(found[0][0]) > table.mean(best)


class Tables:
    """Several models of which each has its own beginnings: those of all of them are numbered one after the other."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.held: list[tuple[Table, tuple[int, ...]]] = [(table, ()) for table in tables]
        self.passes = 0

    def first(self) -> Logits:
        return np.stack([table.row(()) for table, _ in self.held])

    def advance(self, parents: Sequence[int], tokens: Sequence[int]) -> Logits:
        self.passes += 1
        self.held = [
            (self.held[parent][0], (*self.held[parent][1], token))
            for parent, token in zip(parents, tokens, strict=True)
        ]
        return np.stack([table.row(ids) for table, ids in self.held])


@pytest.mark.parametrize("count", [1, 2, 4])
def test_searches_beside_each_other_find_what_each_finds_alone(count: int) -> None:
    limits = [6, 1, 8, 3, 6]
    tables = Tables([Table(seed) for seed in range(5)])
    found = beams(tables.first(), tables.advance, count, limits, END)
    assert [one.answers for one in found] == [alone(Table(seed), count, limits[seed]) for seed in range(5)]
    apart = [Tables([Table(seed)]) for seed in range(5)]
    for one, limit in zip(apart, limits, strict=True):
        beams(one.first(), one.advance, count, [limit], END)
    assert tables.passes == max(one.passes for one in apart)
    assert beams(np.zeros((0, VOCABULARY), np.float32), tables.advance, count, [], END) == []


@pytest.mark.parametrize("gap", [1e-4, 1e-2])
def test_a_choice_that_noise_may_turn_is_told(gap: float) -> None:
    table = Table(0)
    table.weights[:] = -9.0
    # Of three beginnings two go on: the second and the third are near each other, or not.
    table.weights[0, 1] = [-9.0, 3.0, 1.0, 1.0 - gap]
    table.weights[1:, :] = [3.0, -9.0, -12.0, -15.0]
    (found,) = beams(table.first(), table.advance, 2, [6], END)
    assert found.is_close == (gap < 1e-3)
