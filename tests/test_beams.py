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


def test_the_logarithm_of_a_sum_of_exponentials() -> None:
    row = np.array([1000.0, 1000.0, -1000.0], dtype=np.float32)
    assert log_total(row) == pytest.approx(1000 + np.log(2), abs=1e-3)


@pytest.mark.parametrize("seed", range(8))
def test_one_beam_takes_the_likeliest_token(seed: int) -> None:
    table = Table(seed)
    ((ids, mean),) = beams(table.first(), table.advance, 1, 6, END)
    greedy: list[int] = []
    while len(greedy) < 6 and (not greedy or greedy[-1] != END):
        greedy.append(int(table.row(greedy).argmax()))
    assert ids == greedy
    assert mean == pytest.approx(table.mean(ids))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("count", [2, 3, 5])
def test_answers_are_different_ended_and_the_best_first(seed: int, count: int) -> None:
    table = Table(seed)
    found = beams(table.first(), table.advance, count, 6, END)
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
    found = beams(table.first(), table.advance, len(complete), limit, END)
    best = max(complete, key=table.mean)
    assert tuple(found[0][0]) == best or table.mean(found[0][0]) > table.mean(best)
