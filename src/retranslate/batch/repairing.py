"""Rows to outcomes: what no row, and no lack of memory, can stop; and the interface of what carries it out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from types import TracebackType
from typing import Protocol, Self

from retranslate.batch.rows import Outcome, Row, Shard, shards
from retranslate.batch.sources import Source
from retranslate.corrector import Corrector

MakeCorrector = Callable[[], Corrector]
"""Makes the Corrector of a run; can be pickled, to be called once in every worker."""


@dataclass(frozen=True)
class Work:
    """The shards of ``source`` that are not ``done``; can be pickled and gone through again. ``limit`` counts rows."""

    source: Source
    limit: int | None = None
    done: frozenset[int] = frozenset()

    def rows(self) -> Iterator[Row]:
        """The rows of all shards, in order."""
        return islice(self.source.rows(), self.limit)

    def shards(self) -> Iterator[Shard]:
        """The shards still to be done, in order."""
        return (shard for shard in shards(self.rows()) if shard.number not in self.done)


class Engine(Protocol):
    """Carries out work, here or elsewhere. Entered before it is asked for anything, left whatever happened."""

    @property
    def signature(self) -> str:
        """The signature of the Corrector that repairs."""

    def run(self, work: Work) -> Iterator[tuple[int, list[Outcome]]]:
        """The outcomes of each shard with its number, in any order, as they come."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class InProcess:
    """The engine of one process: this one."""

    def __init__(self, make: MakeCorrector) -> None:
        self._make = make

    def __enter__(self) -> Self:
        self._corrector = self._make()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    @property
    def signature(self) -> str:
        """The signature of the Corrector that repairs."""
        return self._corrector.signature

    def run(self, work: Work) -> Iterator[tuple[int, list[Outcome]]]:
        """The outcomes of each shard with its number, in order."""
        for shard in work.shards():
            yield shard.number, repaired(self._corrector, shard.rows)


def repaired(corrector: Corrector, rows: Sequence[Row]) -> list[Outcome]:
    """The outcomes of ``rows``, in order.

    Out of memory, half as many rows are tried with half the batch, and so on; a row for which even that is too much, and
    one that meets a defect, stays as it is with the error in its status.
    """
    texts = [row for row in rows if row.text is not None]
    outcomes = iter(_outcomes(corrector, texts))
    return [Outcome.failed(row, row.error) if row.text is None else next(outcomes) for row in rows]


def _outcomes(corrector: Corrector, rows: Sequence[Row]) -> list[Outcome]:
    if not rows:
        return []
    try:
        results = corrector.correct_many([row.text or "" for row in rows])
        return [Outcome.repaired(row, result) for row, result in zip(rows, results, strict=True)]
    except Exception as error:
        scarce = _is_out_of_memory(error)
        reason = "out of memory" if scarce else f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    # Outside of the handler, where the failed attempt's tensors are not held by its traceback any more.
    size = corrector.settings.batch_size
    if scarce:
        _free_memory()
    if scarce and size > 1:
        corrector = Corrector(corrector.glossary, corrector.rewriter, replace(corrector.settings, batch_size=size // 2))
    elif len(rows) == 1:
        return [Outcome.failed(rows[0], reason)]
    middle = max(1, len(rows) // 2)
    return [*_outcomes(corrector, rows[:middle]), *_outcomes(corrector, rows[middle:])]


def _is_out_of_memory(error: Exception) -> bool:
    # By its words: torch has a class of its own for some devices only, and need not be imported to ask.
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError)
        and any(words in str(error).lower() for words in ("out of memory", "allocate memory", "not enough memory"))
    )


def _free_memory() -> None:
    import gc

    gc.collect()
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
