"""Threads that share a Corrector get what one thread gets."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

import retranslate
import tiny_models
from conftest import GlossaryMaker
from retranslate.corrector import Corrector, Settings
from retranslate.rewriter import Rewriter

T = TypeVar("T")
THREADS = 4
TEXTS = [
    f"{one} He pointed Karim that the Daash fled. {other}"
    for one, other in zip(tiny_models.sentences(8), tiny_models.sentences(16)[8:], strict=True)
]


def at_once(work: Callable[[int], T]) -> list[T]:
    """What ``work`` gives for each of the numbers of the threads, which begin together and change places as often as can be."""
    start = threading.Barrier(THREADS)

    def begin(number: int) -> T:
        start.wait()
        return work(number)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(begin, range(THREADS)))
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("family", ["causal", "t5", "bart", "marian"])
def test_a_corrector_shared_by_threads_gives_what_it_gives_to_one(
    tiny_folders: dict[str, Path], make_glossary: GlossaryMaker, family: str
) -> None:
    glossary = make_glossary(("Daash", "Daesh", "fix"), ("strings", "leads", "hint", "evidence"))

    def corrector() -> Corrector:
        # Newly loaded: what is worked out when it is first asked is worked out under the threads.
        return Corrector(glossary, Rewriter.load(tiny_folders[family], "cpu"), Settings(margin=-99.0, guards=()))

    expected = corrector().correct_many(TEXTS)
    assert any(result.changed for result in expected)
    shared = corrector()
    outcomes = at_once(lambda number: [shared(text) for text in (*TEXTS[number:], *TEXTS[:number])])
    for number, results in enumerate(outcomes):
        assert results == [*expected[number:], *expected[:number]]


def test_without_a_model_too() -> None:
    expected = Corrector.without_model().correct_many(TEXTS)
    shared = Corrector.without_model()
    assert at_once(lambda number: shared.correct_many(TEXTS)) == [expected] * THREADS


def test_models_loaded_at_once_leave_the_process_as_it_was(tiny_folders: dict[str, Path]) -> None:
    stderr = sys.stderr
    loaded = at_once(lambda number: Rewriter.load(tiny_folders["causal"], "cpu").signature)
    assert len(set(loaded)) == 1
    assert sys.stderr is stderr


def test_correct_loads_once_whoever_asks_first(monkeypatch: pytest.MonkeyPatch, make_glossary: GlossaryMaker) -> None:
    made: list[Corrector] = []

    def load() -> Corrector:
        made.append(Corrector.without_model(glossary=make_glossary(("Daash", "Daesh", "fix"))))
        return made[-1]

    monkeypatch.setattr(Corrector, "from_pretrained", load)
    retranslate._default.cache_clear()
    try:
        assert at_once(lambda number: retranslate.correct("The Daash fled.")) == ["The Daesh fled."] * THREADS
    finally:
        retranslate._default.cache_clear()
    assert len(made) == 1
