"""Rows to outcomes: no row and no lack of memory stops a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from batch_runs import GARBLED, REPAIRED, make_corrector, write_json_lines

from retranslate.batch import InProcess, Row, open_source
from retranslate.batch.repairing import Work, repaired
from retranslate.batch.rows import SHARD_ROWS, repaired_text
from retranslate.corrector import Corrector, Settings
from retranslate.edits import Result

ROWS = [Row(str(n), GARBLED) for n in range(8)]


@dataclass
class Scarce:
    """A corrector with memory for so many texts at once, and so many sentences in a batch."""

    corrector: Corrector
    texts: int
    batch: int
    error: Exception
    settings: Settings = field(default_factory=Settings)
    asked: list[tuple[int, int]] = field(default_factory=list)

    def with_settings(self, settings: Settings) -> Scarce:
        return replace(self, settings=settings)

    def correct_many(self, texts: Sequence[str]) -> list[Result]:
        self.asked.append((len(texts), self.settings.batch_size))
        if len(texts) > self.texts or self.settings.batch_size > self.batch:
            raise self.error
        return self.corrector.correct_many(texts)


@pytest.fixture
def corrector(tmp_path: Path) -> Corrector:
    return make_corrector(tmp_path)()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:126] DefaultCPUAllocator: can't allocate memory"),
    ],
)
@pytest.mark.parametrize(("texts", "batch"), [(8, 16), (4, 16), (1, 16), (8, 4), (1, 1)])
def test_out_of_memory_halves_the_batch_and_goes_on(
    corrector: Corrector, texts: int, batch: int, error: Exception
) -> None:
    scarce: Any = Scarce(corrector, texts, batch, error)
    outcomes = repaired(scarce, ROWS)
    assert [outcome.key for outcome in outcomes] == [row.key for row in ROWS]
    assert [repaired_text(row, outcome) for row, outcome in zip(ROWS, outcomes, strict=True)] == [REPAIRED] * 8
    assert scarce.asked[0] == (8, 16)
    assert all(count <= 8 and size <= 16 for count, size in scarce.asked)


def test_a_row_for_which_there_is_never_enough_memory_is_kept(corrector: Corrector) -> None:
    scarce: Any = Scarce(corrector, 0, 16, MemoryError())
    assert {outcome.status for outcome in repaired(scarce, ROWS)} == {"error: out of memory"}


def test_a_row_that_meets_a_defect_does_not_take_the_others_with_it(corrector: Corrector) -> None:
    class Faulty:
        settings = Settings()

        def correct_many(self, texts: Sequence[str]) -> list[Result]:
            if "fault" in texts:
                raise IndexError("list index\nout of range")
            return corrector.correct_many(texts)

    faulty: Any = Faulty()
    rows = [*ROWS[:3], Row("fault", "fault"), *ROWS[3:]]
    outcomes = repaired(faulty, rows)
    assert [outcome.key for outcome in outcomes] == [row.key for row in rows]
    assert [outcome.status for outcome in outcomes] == [
        *["changed"] * 3, "error: IndexError: list index out of range", *["changed"] * 5
    ]  # fmt: skip


def test_being_told_to_stop_is_no_fault_of_a_row() -> None:
    class Stopped:
        def correct_many(self, texts: Sequence[str]) -> list[Result]:
            raise KeyboardInterrupt

    stopped: Any = Stopped()
    with pytest.raises(KeyboardInterrupt):
        repaired(stopped, ROWS)


def test_rows_without_a_text_are_not_shown_to_the_corrector(corrector: Corrector) -> None:
    outcomes = repaired(corrector, [Row("1", None, "why"), Row("2", GARBLED), Row("3", None, "why not")])
    assert [outcome.status for outcome in outcomes] == ["error: why", "changed", "error: why not"]


def test_work_leaves_out_what_is_done(tmp_path: Path) -> None:
    rows = write_json_lines(tmp_path / "in.jsonl", [{"text": f"{GARBLED} {n}"} for n in range(SHARD_ROWS * 3)])
    work = Work(open_source(rows), SHARD_ROWS * 2 + 1, frozenset({1}))
    assert [(shard.number, len(shard.rows)) for shard in work.shards()] == [(0, SHARD_ROWS), (2, 1)]
    with InProcess(make_corrector(tmp_path)) as engine:
        assert [(number, len(outcomes)) for number, outcomes in engine.run(work)] == [(0, SHARD_ROWS), (2, 1)]
