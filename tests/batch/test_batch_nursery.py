"""Workers that are forks of one process: they share what it loaded, and go with it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from retranslate.batch.nursery import Nursery
from retranslate.batch.repairing import MakeCorrector
from retranslate.errors import InputError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are made on Linux alone")


@dataclass(frozen=True)
class Counting:
    """Makes something like a Corrector and leaves a mark each time."""

    place: Path
    device: str = "cpu"

    def __call__(self) -> Any:
        (self.place / str(len(list(self.place.iterdir())))).touch()
        return SimpleNamespace(rewriter=SimpleNamespace(device=self.device), signature=f"{os.getpid()}")


def refusing() -> Any:
    raise InputError("no such model")


def serve(connection: Connection, make: MakeCorrector, threads: int) -> None:
    """Tells who loaded, who serves and with how many threads, then waits to be ended."""
    try:
        connection.send((int(make().signature), os.getpid(), threads))
    except InputError as error:
        connection.send(str(error))
    time.sleep(60)


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    nursery = Nursery(Counting(tmp_path), serve, 3)
    yield nursery
    nursery.close()


def is_alive(child: int) -> bool:
    try:
        os.kill(child, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_is_loaded_once_serves_all(nursery: Nursery, tmp_path: Path) -> None:
    born = [nursery.bear() for _ in range(3)]
    said = [connection.recv() for connection, _ in born]
    assert len(list(tmp_path.iterdir())) == 1
    assert len({loader for loader, _, _ in said}) == 1
    assert [child for _, child in born] == [server for _, server, _ in said]
    assert all(threads == 3 for _, _, threads in said)


def test_a_child_that_is_buried_is_gone_and_its_pipe_at_its_end(nursery: Nursery) -> None:
    (first, child), (second, other) = nursery.bear(), nursery.bear()
    first.recv()
    nursery.bury(child)
    assert not is_alive(child)
    with pytest.raises(EOFError):
        first.recv()
    assert second.recv()[1] == other
    assert is_alive(other)


def test_children_go_with_the_nursery(tmp_path: Path) -> None:
    nursery = Nursery(Counting(tmp_path), serve, 1)
    children = [nursery.bear()[1] for _ in range(2)]
    nursery.close()
    assert not any(map(is_alive, children))


def test_a_nursery_that_died_is_opened_again(nursery: Nursery, tmp_path: Path) -> None:
    connection, _ = nursery.bear()
    connection.recv()
    nursery._process.kill()
    nursery._process.join()
    with pytest.raises(EOFError):
        connection.recv()  # the child has left with it
    again, child = nursery.bear()
    assert again.recv()[1] == child
    assert len(list(tmp_path.iterdir())) == 2


def test_on_a_graphics_card_each_loads_for_itself(tmp_path: Path) -> None:
    nursery = Nursery(Counting(tmp_path, "cuda"), serve, 1)
    try:
        for _ in range(2):
            connection, child = nursery.bear()
            loader, server, _ = connection.recv()
            assert loader == server == child
    finally:
        nursery.close()


def test_what_came_in_the_way_of_loading_is_told_by_every_child() -> None:
    nursery = Nursery(refusing, serve, 1)
    try:
        assert [nursery.bear()[0].recv() for _ in range(2)] == ["no such model"] * 2
    finally:
        nursery.close()
