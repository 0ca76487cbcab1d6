"""Memory: what long work leaves behind goes back to the system; where it runs out, a text is repaired all the same."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from retranslate.corrector import Corrector

T = TypeVar("T")


def give_back() -> None:
    """Gives what is free back to the system, where its C library can (glibc).

    Tensors of all sizes come and go, and little that stays comes to lie between them: a quarter of a gigabyte after some
    hundred sentences, and more with each thousand.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, on whatever device."""
    # By its words: torch has a class of its own for some devices only, and need not be imported to ask.
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError)
        and any(words in str(error).lower() for words in ("out of memory", "allocate memory", "not enough memory"))
    )


def free_memory() -> None:
    """Gives back what a failed attempt holds; to be called outside of the handler, whose traceback holds its tensors."""
    gc.collect()
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def with_half_the_batch(corrector: Corrector) -> Corrector:
    """The same Corrector, decoding half as many sentences together: the outcome is the same."""
    settings = replace(corrector.settings, batch_size=corrector.settings.batch_size // 2)
    return corrector.with_settings(settings)


def as_memory_allows(corrector: Corrector, work: Callable[[Corrector], T]) -> T:
    """What ``work`` makes with ``corrector``, with half the batch where memory runs out, and so on.

    Raises MemoryError when it runs out with a batch of one.
    """
    while True:
        try:
            return work(corrector)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if corrector.settings.batch_size == 1:
                raise MemoryError from error
        free_memory()
        corrector = with_half_the_batch(corrector)
