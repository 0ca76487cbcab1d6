"""Rows, shards and outcomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate.batch.rows import (
    OUTPUT_COLUMNS,
    SHARD_CHARACTERS,
    SHARD_ROWS,
    Outcome,
    Row,
    column_names,
    paired,
    repaired_text,
    shards,
)
from retranslate.edits import Edit
from retranslate.errors import InputError

texts = st.one_of(st.none(), st.integers(0, 40_000).map("a".__mul__))


@given(st.lists(texts, max_size=600))
def test_shards_hold_all_rows_in_order_and_are_bounded(given_texts: list[str | None]) -> None:
    rows = [Row(str(number), text) for number, text in enumerate(given_texts)]
    made = list(shards(rows))
    assert [row for shard in made for row in shard.rows] == rows
    assert [shard.number for shard in made] == list(range(len(made)))
    for shard in made:
        assert 0 < len(shard.rows) <= SHARD_ROWS
        # Only the last row of a shard takes it over the limit.
        assert sum(len(row.text or "") for row in shard.rows[:-1]) < SHARD_CHARACTERS


@given(st.lists(st.sampled_from([*OUTPUT_COLUMNS, "id", "source_text", "source_source_text"]), unique=True))
def test_input_columns_keep_their_order_and_never_take_the_name_of_another(names: list[str]) -> None:
    shown = column_names(names)
    assert len(shown) == len(names)
    assert len({*shown, *OUTPUT_COLUMNS}) == len(names) + len(OUTPUT_COLUMNS)
    assert all(
        new == old or (old in OUTPUT_COLUMNS and new.endswith(f"_{old}")) for old, new in zip(names, shown, strict=True)
    )


def test_an_outcome_comes_back_from_its_dictionary() -> None:
    row = Row("1", "The Daash fled.")
    outcome = Outcome("1", row.digest, "changed", (Edit(4, 9, "Daash", "Daesh", "glossary", "why"),))
    assert Outcome.from_dict(outcome.to_dict()) == outcome
    assert repaired_text(row, outcome) == "The Daesh fled."


def test_outcomes_are_paired_with_their_rows() -> None:
    rows = [Row("1", "a"), Row("2", None, "why"), Row("3", "c")]
    outcomes = [Outcome(row.key, row.digest, "unchanged") for row in rows]
    assert [row for row, _, _ in paired(((row, 0) for row in rows), outcomes[:2])] == rows[:2]


@pytest.mark.parametrize("rows", [[Row("1", "other")], [Row("2", "a")], []])
def test_an_input_that_changed_under_the_run_is_told(rows: list[Row]) -> None:
    with pytest.raises(InputError, match="the input changed while it was worked on, at row 1"):
        list(paired(((row, 0) for row in rows), [Outcome("1", Row("1", "a").digest, "unchanged")]))
