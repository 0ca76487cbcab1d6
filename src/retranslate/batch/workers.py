"""The engine of many processes on one machine: they share a Corrector where they can; one that dies is replaced."""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Self

from retranslate.batch.nursery import Nursery
from retranslate.batch.repairing import MakeCorrector, Work, repaired
from retranslate.batch.rows import Outcome, Row, Shard
from retranslate.errors import InputError, RetranslateError

DEATHS = 2
"""So many workers may die of a shard before its rows are tried one by one, and of a row before it is left as it is."""

_DIED_LOADING = "a worker died while it loaded (out of memory?); try fewer with --workers."


class Workers:
    """The engine of ``count`` worker processes. The outcomes are those of one process, whatever the count."""

    def __init__(self, make: MakeCorrector, count: int) -> None:
        self._make = make
        self._count = count
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        self._nursery = Nursery(self._make, _serve, _threads(self._count))
        try:
            self._workers = [self._start() for _ in range(self._count)]
            # One speaks for all; those that start later are held to it.
            self._signature = self._workers[0].signature()
        except BaseException:
            self._nursery.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.connection.close()
        self._nursery.close()

    @property
    def signature(self) -> str:
        """The signature of the Corrector that repairs."""
        return self._signature

    def run(self, work: Work) -> Iterator[tuple[int, list[Outcome]]]:
        """The outcomes of each shard with its number, as they come."""
        waiting = iter(work.shards())
        again: deque[_Task] = deque()
        for worker in self._workers:
            worker.task = None
        while True:
            for place, worker in enumerate(self._workers):
                if worker.task is not None:
                    continue
                task = again.popleft() if again else next((_Task(shard) for shard in waiting), None)
                if task is not None and not self._give(place, task):
                    again.append(task)
            busy = [worker for worker in self._workers if worker.task is not None]
            if not busy and not again:
                return
            ready = set(wait([worker.connection for worker in busy])) if busy else set()
            for place, worker in enumerate(self._workers):
                if worker.connection not in ready or worker.task is None:
                    continue
                task = worker.task
                try:
                    outcomes = worker.answer()
                except EOFError:
                    self._replace(place)
                    task.deaths += 1
                    if task.deaths < DEATHS:
                        again.append(task)
                    else:
                        yield task.shard.number, self._one_by_one(place, task.shard.rows)
                    continue
                yield task.shard.number, outcomes

    def _give(self, place: int, task: _Task) -> bool:
        """Whether the worker took the task; one that died while it had nothing to do is replaced."""
        worker = self._workers[place]
        if worker.signature() != self._signature:
            raise InputError("the model or a glossary was changed while the run went on; begin again with --fresh.")
        try:
            worker.ask(task)
        except OSError:
            self._replace(place)
            return False
        return True

    def _one_by_one(self, place: int, rows: Sequence[Row]) -> list[Outcome]:
        outcomes = []
        for row in rows:
            task = _Task(Shard(-1, (row,)))
            while task.deaths < DEATHS:
                try:
                    self._workers[place].signature()
                    self._workers[place].ask(task)
                    outcomes += self._workers[place].answer()
                    break
                except (EOFError, OSError):
                    task.deaths += 1
                    self._replace(place)
            else:
                outcomes.append(Outcome.failed(row, "the process that worked on it died (out of memory?)"))
        return outcomes

    def _start(self) -> _Worker:
        try:
            return _Worker(*self._nursery.bear())
        except EOFError:
            raise RetranslateError(_DIED_LOADING) from None

    def _replace(self, place: int) -> None:
        self._workers[place].connection.close()
        self._nursery.bury(self._workers[place].child)
        self._workers[place] = self._start()


@dataclass
class _Task:
    """A shard on its way, and how many workers died of it."""

    shard: Shard
    deaths: int = 0


@dataclass
class _Worker:
    """The pipe to a process, and its id; ``task`` is what it is at."""

    connection: Connection
    child: int
    task: _Task | None = None
    _signature: str = field(default="", init=False)

    def signature(self) -> str:
        """The first thing that a worker says; waits until it has loaded. Raises what it met instead."""
        if not self._signature:
            try:
                said = self.connection.recv()
            except (EOFError, OSError):
                raise RetranslateError(_DIED_LOADING) from None
            if isinstance(said, Exception):
                raise said
            self._signature = said
        return self._signature

    def ask(self, task: _Task) -> None:
        """Gives it a task."""
        self.connection.send(task.shard.rows)
        self.task = task

    def answer(self) -> list[Outcome]:
        """What came of its task. Raises EOFError when it has died."""
        try:
            said: Any = self.connection.recv()
        except OSError as error:
            raise EOFError from error
        self.task = None
        if isinstance(said, Exception):
            raise said
        outcomes: list[Outcome] = said
        return outcomes


def _threads(workers: int) -> int:
    """How many threads each worker may compute with."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, (int(given) if given.isdecimal() else os.cpu_count() or 1) // workers)


def _serve(connection: Connection, make: MakeCorrector, threads: int) -> None:
    """The life of a worker: has its Corrector, says its signature, then answers rows with outcomes until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    _compute_with(threads)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            corrector = make()
            connection.send(corrector.signature)
        except RetranslateError as error:
            connection.send(error)
            return
        while True:
            rows = connection.recv()
            connection.send(repaired(corrector, rows))


def _compute_with(threads: int) -> None:
    """Lets torch use so many threads, whether it is here already, in a fork, or is imported later."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
