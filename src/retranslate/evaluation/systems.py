"""The systems that every evaluation compares: glossary only, model only, full, and outputs made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from retranslate.corrector import Corrector, Settings
from retranslate.errors import InputError
from retranslate.evaluation.scoring import System
from retranslate.evaluation.sets import read_lines
from retranslate.glossary import Glossary
from retranslate.rewriter import Rewriter


def built_in(
    model: str | None = None, glossary: Glossary | None = None, settings: Settings = Settings()
) -> tuple[dict[str, System], str]:
    """The three systems by name, and the signature of the full one; the model is loaded once."""
    rewriter = Rewriter.load(model)
    terms = Glossary.load() if glossary is None else glossary
    full = Corrector(terms, rewriter, settings)
    systems: dict[str, System] = {
        "glossary only": Corrector(terms, None, settings).correct_many,
        "model only": Corrector(Glossary(), rewriter, settings).correct_many,
        "full": full.correct_many,
    }
    return systems, full.signature


def from_file(path: Path) -> System:
    """The lines of a file as a system's output. Raises InputError, when asked, if their number is another."""
    lines = [line for _, line in read_lines(path)]

    def hypotheses(sources: Sequence[str]) -> list[str]:
        if len(lines) != len(sources):
            raise InputError(f"{path}: {len(lines):,} lines for {len(sources):,} segments; a line is a hypothesis.")
        return lines

    return hypotheses
