"""What the tests of batch runs share: a small glossary, inputs, and a run of a job without a model."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from conftest import glossary_text
from retranslate import options
from retranslate.batch import InProcess, Job, Outcome, Source, Summary, open_source
from retranslate.batch.repairing import MakeCorrector

GARBLED = "The Daash fled."
REPAIRED = "The Daesh fled."
COMMAND = [sys.executable, "-m", "retranslate", "batch"]
NO_MODEL = ["--no-model", "--no-default-glossary"]


def make_corrector(folder: Path) -> MakeCorrector:
    """Makes a Corrector without a model, with one glossary row."""
    path = folder / "own.tsv"
    path.write_text(glossary_text(("Daash", "Daesh", "fix")), "utf-8")
    return partial(options.corrector, [path], True, True, None, None, "default", 16, 4)


def run(source: Path, output: Path, *, fresh: bool = False, limit: int | None = None, **reading: Any) -> Summary:
    """The job done in this process."""
    with InProcess(make_corrector(source.parent)) as engine:
        return Job(open_source(source, **reading), output, limit).run(engine, fresh=fresh)


def unchanged(source: Source) -> Iterator[Outcome]:
    """The outcomes of a run that finds nothing to repair."""
    for row in source.rows():
        yield Outcome.failed(row, row.error) if row.text is None else Outcome(row.key, row.digest, "unchanged")


def write_json_lines(path: Path, rows: Sequence[Any]) -> Path:
    """A JSON lines file with ``rows``."""
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


def write_folder(folder: Path, files: int) -> Path:
    """A folder tree with so many small files, garbled every third, some in Windows line ends."""
    for number in range(files):
        path = folder / f"year{number % 7}" / f"month{number % 12}" / f"page{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        garbled = f"He pointed Hadi that {GARBLED} {number}" if number % 3 else f"It is over, {number}."
        path.write_bytes(f"{garbled}{chr(13) * (number % 2)}\n\nThe road is open.\n".encode())
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """All files in a folder with their bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
