"""Token weights: which tokens an edit made."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retranslate.training.encoding import Encoded, changed_tokens, padded, weights_of

IDS = st.lists(st.integers(0, 5), max_size=12)


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ([1, 2, 3], [1, 2, 3], []),
        ([1, 2, 3], [1, 9, 3], [1]),
        ([1, 2, 3], [1, 2, 8, 9, 3], [2, 3]),
        ([1, 2, 3, 4], [1, 4], [1]),
        ([1, 2, 3], [1, 2], []),
        ([], [1, 2], [0, 1]),
        ([1, 2, 3, 4], [3, 1, 2, 4], [0, 3]),
    ],
    ids=["copy", "replaced", "inserted", "deleted", "deleted at the end", "all new", "moved"],
)
def test_what_an_edit_made_is_changed(before: list[int], after: list[int], changed: list[int]) -> None:
    assert [place for place, made in enumerate(changed_tokens(before, after)) if made] == changed


@given(IDS, IDS)
def test_each_token_is_changed_or_copied(before: list[int], after: list[int]) -> None:
    changed = changed_tokens(before, after)
    assert len(changed) == len(after)
    assert any(changed) or before[: len(after)] == after


@given(IDS)
def test_a_copy_is_not_changed(ids: list[int]) -> None:
    assert not any(changed_tokens(ids, ids))


@given(IDS, IDS, st.floats(1, 9))
def test_weights_are_one_or_the_one_asked_for(before: list[int], after: list[int], weight: float) -> None:
    weights = weights_of(before, after, weight)
    assert weights == tuple(weight if changed else 1.0 for changed in changed_tokens(before, after))


def test_an_item_is_as_long_as_both_of_its_sides() -> None:
    assert len(Encoded((1, 2), (3, 4, 5), (1.0, 1.0, 1.0))) == 5


def test_rows_are_filled_up_on_the_right() -> None:
    found = padded([(1, 2, 3), (4,)], 7, "cpu", torch.long)
    assert found.tolist() == [[1, 2, 3], [4, 7, 7]]
    assert found.dtype == torch.long
