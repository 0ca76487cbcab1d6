"""Evaluation sets: JSON lines, tab-separated pairs or parallel text files, each plain or gzip."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retranslate.errors import InputError


@dataclass(frozen=True, slots=True)
class EvaluationSegment:
    """A source sentence with its reference translations.

    ``must`` are strings that a good repair has, ``must_not`` such as it has not, compared without regard to case;
    ``clean`` says that the source is good English already and has to come back as it is.
    """

    id: str
    source: str
    references: tuple[str, ...]
    tags: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    clean: bool = False


def read_set(path: Path) -> list[EvaluationSegment]:
    """The segments of a ``.jsonl`` or ``.tsv`` file (or ``.gz`` of it). Raises InputError naming file and line."""
    name = path.name.removesuffix(".gz")
    if not name.endswith((".jsonl", ".tsv")):
        raise InputError(
            f"{path}: neither .jsonl nor .tsv (or .gz of them); for plain text use --source and --reference."
        )
    read = _from_json if name.endswith(".jsonl") else _from_tsv
    segments = [read(line, path, number) for number, line in read_lines(path) if line.strip()]
    if not segments:
        raise InputError(f"{path}: no segment in it.")
    return segments


def read_parallel(source: Path, references: Sequence[Path]) -> list[EvaluationSegment]:
    """The segments of parallel text files, a segment a line. Raises InputError when the line counts differ."""
    sources = [line for _, line in read_lines(source)]
    columns = [[line for _, line in read_lines(path)] for path in references]
    for path, column in zip(references, columns, strict=True):
        if len(column) != len(sources):
            raise InputError(
                f"{path}: {len(column):,} lines where {source} has {len(sources):,}; they must correspond."
            )
    segments = []
    for number, (text, *given) in enumerate(zip(sources, *columns, strict=True), start=1):
        for path, reference in zip(references, given, strict=True):
            if not reference.strip():
                raise InputError(f"{path}:{number}: the reference is empty.")
        segments.append(EvaluationSegment(str(number), text, tuple(given)))
    return segments


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines of a UTF-8 file, plain or gzip, without their ends. Raises InputError with file and line."""
    opener = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opener(path, "rb") as stream:
            for number, raw in enumerate(stream, start=1):
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except (OSError, EOFError) as error:
        raise InputError(f"{path}:{number + 1}: cannot be read: {error}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}:{number}: byte {error.start + 1} of the line is not UTF-8.") from error


def _from_json(line: str, path: Path, number: int) -> EvaluationSegment:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise InputError(f"{path}:{number}: not JSON: {error}.") from error
    if not isinstance(entry, dict) or not isinstance(entry.get("source"), str):
        raise InputError(f"{path}:{number}: the key 'source' is missing or no text.")
    given = entry.get("references", entry.get("reference"))
    references = [given] if isinstance(given, str) else given
    if (
        not isinstance(references, list)
        or not references
        or not all(isinstance(item, str) and item.strip() for item in references)
    ):
        raise InputError(f"{path}:{number}: 'reference' (or 'references') is missing or empty.")
    return EvaluationSegment(
        str(entry.get("id", number)),
        entry["source"],
        tuple(references),
        _strings(entry, "tags", path, number),
        _strings(entry, "must", path, number),
        _strings(entry, "must_not", path, number),
        entry.get("clean") is True,
    )


def _strings(entry: dict[str, Any], key: str, path: Path, number: int) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{path}:{number}: {key!r} must be a list of texts.")
    return tuple(value)


def _from_tsv(line: str, path: Path, number: int) -> EvaluationSegment:
    cells = line.split("\t")
    if len(cells) < 2:
        raise InputError(f"{path}:{number}: one column; a line is source <tab> reference.")
    if not all(cell.strip() for cell in cells[1:]):
        raise InputError(f"{path}:{number}: the reference is empty.")
    return EvaluationSegment(str(number), cells[0], tuple(cells[1:]))
