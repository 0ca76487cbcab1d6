"""Correctors that workers die of, in a module that a worker imports without torch."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from retranslate.batch.repairing import MakeCorrector
from retranslate.corrector import Corrector
from retranslate.edits import Result
from retranslate.errors import InputError


@dataclass(frozen=True)
class Deadly:
    """Makes a Corrector whose process dies of a text: for good, or the first time only."""

    make: MakeCorrector
    once: Path | None = None

    def __call__(self) -> Any:
        return DeadlyCorrector(self.make(), self.once)


class DeadlyCorrector:
    rewriter = None

    def __init__(self, corrector: Corrector, once: Path | None) -> None:
        self.corrector = corrector
        self.once = once
        self.signature = corrector.signature

    def correct_many(self, texts: Sequence[str]) -> list[Result]:
        if "deadly" in texts and not (self.once and self.once.exists()):
            if self.once is not None:
                self.once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.corrector.correct_many(texts)


def refusing() -> Corrector:
    raise InputError("no such model")


def dying() -> Corrector:
    os._exit(1)


@dataclass(frozen=True)
class Odd:
    """Makes Correctors that do not agree: somebody changes a glossary while they start, each for itself."""

    make: MakeCorrector

    def __call__(self) -> Any:
        attributes = {
            "rewriter": SimpleNamespace(device="cuda"),
            "signature": f"{os.getpid()}",
            "correct_many": self.make().correct_many,
        }
        return type("Other", (), attributes)()
