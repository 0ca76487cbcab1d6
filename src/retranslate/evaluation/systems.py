"""The systems that an evaluation compares: glossary only, model only, full, and outputs made elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from retranslate.corrector import Corrector, Settings
from retranslate.edits import Result
from retranslate.errors import InputError
from retranslate.evaluation.sets import read_lines
from retranslate.glossary import Glossary

DO_NOTHING = "do nothing"
GLOSSARY_ONLY = "glossary only"
MODEL_ONLY = "model only"
FULL = "full"
# Segments given to a corrector at once: enough to fill its batches, few enough for a bar that moves.
WINDOW = 128


@dataclass(frozen=True)
class System:
    """What is evaluated. ``run`` takes source segments and gives a repaired text, or a Result, for each, in order.

    ``signature`` says what made the texts: the same signature, the same texts. ``timed`` is false where the texts were
    made elsewhere, so that no speed can be told.
    """

    name: str
    run: Callable[[Sequence[str]], Iterable[Result | str]]
    signature: str = "unsigned"
    timed: bool = True


def do_nothing() -> System:
    """The system to beat: every source as it is."""
    return System(DO_NOTHING, lambda sources: sources, "identity", timed=False)


def of_corrector(name: str, corrector: Corrector) -> System:
    """``corrector`` as a system; segments are repaired independently of one another."""

    def run(sources: Sequence[str]) -> Iterator[Result]:
        for start in range(0, len(sources), WINDOW):
            yield from corrector.correct_many(sources[start : start + WINDOW])

    return System(name, run, corrector.signature)


def glossary_only(glossary: Glossary | None = None, settings: Settings = Settings()) -> System:
    """Glossary and rules without a model; needs no torch."""
    return of_corrector(GLOSSARY_ONLY, Corrector.without_model(glossary=glossary, settings=settings))


def built_in(
    model: str | None = None,
    glossary: Glossary | None = None,
    settings: Settings = Settings(),
    device: str | None = None,
    suffix: str = "",
) -> list[System]:
    """Glossary only, model only and full. The model is loaded once. ``suffix`` tells the names of several models apart."""
    full = Corrector.from_pretrained(model, glossary=glossary, device=device, settings=settings)
    return [
        glossary_only(full.glossary, settings),
        of_corrector(f"{MODEL_ONLY}{suffix}", Corrector(Glossary(), full.rewriter, settings)),
        of_corrector(f"{FULL}{suffix}", full),
    ]


@dataclass(frozen=True)
class HypothesisFile:
    """The lines of a file as the output of a system called ``name``."""

    name: str
    path: Path
    lines: tuple[str, ...]

    @classmethod
    def read(cls, name: str, path: Path) -> HypothesisFile:
        """Reads plain text or gzip, a hypothesis a line. Raises InputError naming file and line."""
        return cls(name, path, tuple(line for _, line in read_lines(path)))

    def system(self, positions: Sequence[int], offset: int = 0) -> System:
        """The lines at ``offset`` plus ``positions``, as a system. Raises InputError where there is no such line."""
        last = offset + max(positions, default=-1)
        if last >= len(self.lines):
            raise InputError(
                f"{self.path}:{len(self.lines) + 1}: {len(self.lines):,} lines, but the sets have at least {last + 1:,} segments; "
                "a line is a hypothesis."
            )
        texts = [self.lines[offset + position] for position in positions]
        digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]
        return System(self.name, lambda sources: texts, f"file:{self.path.name}:{digest}", timed=False)
