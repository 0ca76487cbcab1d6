"""Where memory runs out a smaller batch is tried, and the outcome is the same."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest

from retranslate.corrector import Corrector, Settings
from retranslate.edits import Result
from retranslate.glossary import Glossary
from retranslate.memory import as_memory_allows, is_out_of_memory

SCARCE = (
    MemoryError(),
    RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:126] DefaultCPUAllocator: can't allocate memory"),
)
TEXTS = ["He pointed Karim that it is over.", "The road is open."]


def repaired(corrector: Corrector) -> list[Result]:
    return corrector.correct_many(TEXTS)


@pytest.fixture
def asked() -> list[int]:
    """The batch sizes that were tried."""
    return []


def failing_above(size: int, error: BaseException, asked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every batch of more than ``size`` sentences fail with ``error``."""
    original = Corrector.correct_many

    def scarce(
        self: Corrector, texts: Sequence[str], on_progress: Callable[[int, int], None] | None = None
    ) -> list[Result]:
        asked.append(self.settings.batch_size)
        if self.settings.batch_size > size:
            raise error
        return original(self, texts, on_progress)

    monkeypatch.setattr(Corrector, "correct_many", scarce)


@pytest.mark.parametrize("error", SCARCE)
@pytest.mark.parametrize(("batch", "enough", "tried"), [(16, 16, [16]), (16, 4, [16, 8, 4]), (7, 1, [7, 3, 1])])
def test_half_the_batch_is_tried_until_it_is_enough(
    monkeypatch: pytest.MonkeyPatch, asked: list[int], error: Exception, batch: int, enough: int, tried: list[int]
) -> None:
    corrector = Corrector(Glossary(), None, Settings(batch_size=batch))
    expected = corrector.correct_many(TEXTS)
    failing_above(enough, error, asked, monkeypatch)
    assert as_memory_allows(corrector, repaired) == expected
    assert asked == tried


@pytest.mark.parametrize("error", SCARCE)
def test_a_batch_of_one_is_the_last_that_is_tried(
    monkeypatch: pytest.MonkeyPatch, asked: list[int], error: Exception
) -> None:
    failing_above(0, error, asked, monkeypatch)
    with pytest.raises(MemoryError):
        as_memory_allows(Corrector(Glossary(), None, Settings(batch_size=2)), repaired)
    assert asked == [2, 1]


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("out of memory"), KeyboardInterrupt()])
def test_other_failures_are_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, asked: list[int], error: BaseException
) -> None:
    assert not is_out_of_memory(error)
    failing_above(0, error, asked, monkeypatch)
    with pytest.raises(type(error)):
        as_memory_allows(Corrector(Glossary(), None), repaired)
    assert asked == [16]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no malloc_trim")
def test_what_is_free_between_other_things_goes_back_to_the_system() -> None:
    """In a process of its own: what this one holds by now would hide it."""
    program = (
        "from retranslate.memory import give_back\n"
        "def held(): return int(open('/proc/self/statm').read().split()[1]) * 4096\n"
        "parts = [bytes(100_000) for _ in range(1_000)]\n"
        "kept = parts[::10]\n"
        "del parts\n"
        "before = held()\n"
        "give_back()\n"
        "print(before - held())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 50_000_000
