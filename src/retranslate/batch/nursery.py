"""Where worker processes come from: one process loads what they work with, and each of them is a fork of it.

Weights, glossary and dictionaries are then in memory once, however many work with them, and a worker that has to be
replaced is there at once. Where a fork is not safe (other systems than Linux, a graphics card) each loads for itself.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import recv_handle, send_handle

from retranslate.batch.repairing import MakeCorrector
from retranslate.corrector import Corrector
from retranslate.errors import RetranslateError

Serve = Callable[[Connection, MakeCorrector, int], None]
"""The life of a worker: its end of a pipe, what gives it its Corrector, and how many threads it may compute with."""


@dataclass(frozen=True)
class Ready:
    """Gives a Corrector that has been loaded, or raises what came in the way of it."""

    corrector: Corrector | RetranslateError

    def __call__(self) -> Corrector:
        """The Corrector."""
        if isinstance(self.corrector, RetranslateError):
            raise self.corrector
        return self.corrector


class Nursery:
    """A process of its own that bears workers and buries them. Not thread-safe."""

    def __init__(self, make: MakeCorrector, serve: Serve, threads: int) -> None:
        self._arguments = (make, serve, threads)
        self._open()

    def bear(self) -> tuple[Connection, int]:
        """A new worker: our end of the pipe to it, and its process id. Raises EOFError when it cannot even be born."""
        if not self._process.is_alive():
            self.close()
            self._open()
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        try:
            self._line.send(None)
            send_handle(self._line, theirs.fileno(), self._process.pid)
            child: int = self._line.recv()
        except OSError as error:
            raise EOFError from error
        finally:
            theirs.close()
        return ours, child

    def bury(self, child: int) -> None:
        """Ends the worker with this process id, whatever it is at."""
        # With the nursery its workers have gone too.
        with suppress(OSError, EOFError):
            self._line.send(child)
            self._line.recv()

    def close(self) -> None:
        """Ends the nursery and with it all workers."""
        self._line.close()
        self._process.join(timeout=5)
        self._process.kill()
        self._process.join()

    def _open(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_tend, args=(theirs, *self._arguments))
        self._process.start()
        theirs.close()


def _leave_with_parent() -> None:
    """Ends this process when the one that started it has ended, however that came."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _tend(line: Connection, make: MakeCorrector, serve: Serve, threads: int) -> None:
    """The life of a nursery: None on the ``line`` asks for a child, a process id for the end of one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    _leave_with_parent()
    # Threads do not survive a fork: none must have been started by those who compute. Read when torch is imported.
    os.environ["OMP_NUM_THREADS"] = "1"
    # A child that held on to the line would hide the nursery's end from the parent.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=line.close)
    loaded, method = _load(make)
    children: dict[int, BaseProcess] = {}
    with suppress(EOFError, OSError):
        while True:
            asked = line.recv()
            if asked is None:
                child = _bear(method, serve, type(line)(recv_handle(line)), loaded, threads)
                children[child.pid or 0] = child
                line.send(child.pid)
            else:
                # A child of an earlier nursery has gone with it.
                if asked in children:
                    _end(children.pop(asked))
                line.send(None)
    for child in children.values():
        _end(child)


def _load(make: MakeCorrector) -> tuple[MakeCorrector, str]:
    """What gives a worker its Corrector, and the way in which the worker has to be started for that."""
    if sys.platform != "linux":
        return make, "spawn"
    try:
        corrector = make()
    except RetranslateError as error:
        return Ready(error), "fork"
    # A graphics card cannot be used by a fork of the process that opened it.
    on_processor = corrector.rewriter is None or corrector.rewriter.device.startswith("cpu")
    return (Ready(corrector), "fork") if on_processor else (make, "spawn")


def _bear(method: str, serve: Serve, connection: Connection, make: MakeCorrector, threads: int) -> BaseProcess:
    context = multiprocessing.get_context(method)
    process = context.Process(target=_live, args=(serve, connection, make, threads))  # type: ignore[attr-defined]
    process.start()
    connection.close()
    return process  # type: ignore[no-any-return]


def _live(serve: Serve, connection: Connection, make: MakeCorrector, threads: int) -> None:
    _leave_with_parent()
    serve(connection, make, threads)


def _end(process: BaseProcess) -> None:
    process.kill()
    process.join()
