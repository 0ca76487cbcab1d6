"""Evaluation sets: JSON lines, tab-separated pairs or parallel text files, each plain or gzip; and hypothesis files.

Everything is read line by line. What is wrong with a line is an InputError naming file and line, unless the caller
takes it with ``on_bad`` and goes on.
"""

from __future__ import annotations

import codecs
import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

from retranslate.errors import InputError
from retranslate.files import packed
from retranslate.text import is_unicode

STDIN = Path("-")
MAX_LINE_BYTES = 16 * 1024 * 1024
"""The longest line that is read: what bounds the memory for a line without an end."""

OnBad = Callable[[InputError], None]
"""Takes what is wrong with a line."""


@dataclass(frozen=True, slots=True)
class EvaluationSegment:
    """A source sentence with its reference translations.

    ``must`` are strings that a good repair has, ``must_not`` such as it has not, compared without regard to case;
    ``clean`` says that the source is good English already and has to come back as it is. ``position`` is the place in
    its set, from 0, lines that were skipped counted, so that a hypothesis file still corresponds.
    """

    id: str
    source: str
    references: tuple[str, ...]
    tags: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    clean: bool = False
    position: int = 0


def read_set(path: Path, on_bad: OnBad | None = None) -> list[EvaluationSegment]:
    """The segments of a ``.jsonl`` or ``.tsv`` file (or ``.gz`` of it), or of standard input for ``-``.

    Raises InputError naming file and line, or the file when it holds no segment.
    """
    lines = ((number, line) for number, line in _raw_lines(path) if line.strip())
    parse = _parser(path)
    entries = (_parsed(parse, line, path, number, position, on_bad) for position, (number, line) in enumerate(lines))
    segments = [entry for entry in entries if entry is not None]
    if not segments:
        raise InputError(f"{_shown(path)}: no segment in it.")
    return segments


def read_parallel(source: Path, references: Sequence[Path], on_bad: OnBad | None = None) -> list[EvaluationSegment]:
    """The segments of parallel text files, a segment a line. Raises InputError when the line counts differ."""
    paths = [source, *references]
    segments = []
    rows = zip_longest(*map(read_lines, paths))
    for position, row in enumerate(rows):
        if None in row:
            raise _unequal(paths, [position + (cell is not None) for cell in row], rows)
        (_, text), *given = row
        blank = next((path for path, (_, line) in zip(references, given, strict=True) if not line.strip()), None)
        if blank is not None:
            _refuse(InputError(f"{_shown(blank)}:{position + 1}: the reference is empty."), on_bad)
            continue
        segments.append(EvaluationSegment(str(position + 1), text, tuple(line for _, line in given), position=position))
    if not segments:
        raise InputError(f"{_shown(source)}: no segment in it.")
    return segments


def _unequal(paths: Sequence[Path], so_far: Sequence[int], rest: Iterable[tuple[object, ...]]) -> InputError:
    counts = list(so_far)
    for row in rest:
        counts = [count + (cell is not None) for count, cell in zip(counts, row, strict=True)]
    name, count = next((path, count) for path, count in zip(paths, counts, strict=True) if count != counts[0])
    return InputError(
        f"{_shown(name)}:{min(count, counts[0]) + 1}: {count:,} lines where {_shown(paths[0])} has {counts[0]:,}; "
        "line must correspond to line."
    )


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines of a UTF-8 file, plain or gzip, without their ends; ``-`` is standard input.

    Raises InputError with file and line.
    """
    for number, raw in _raw_lines(path):
        try:
            yield number, _decoded(raw)
        except _BadLine as error:
            raise InputError(f"{_shown(path)}:{number}: {error}") from error


def _raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    try:
        with ExitStack() as stack:
            if path == STDIN:
                stream: IO[bytes] = sys.stdin.buffer
            elif path.suffix == ".gz":
                stream = stack.enter_context(gzip.open(path))  # type: ignore[arg-type]
            else:
                stream = stack.enter_context(path.open("rb"))
            for number, raw in enumerate(iter(lambda: stream.readline(MAX_LINE_BYTES), b""), start=1):
                if len(raw) == MAX_LINE_BYTES:
                    raise InputError(f"{_shown(path)}:{number}: longer than {MAX_LINE_BYTES >> 20} MiB. Is this a set?")
                if number == 1 and (kind := packed(raw)):
                    raise InputError(
                        f"{_shown(path)}: {kind}, no lines; unpack it, or let its name end in .gz where it is gzip."
                    )
                yield number, raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
    except FileNotFoundError as error:
        raise InputError(f"{_shown(path)}: no such file.") from error
    except IsADirectoryError as error:
        raise InputError(f"{_shown(path)}: a directory; give the files in it.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{_shown(path)}:{number + 1}: cannot be read: {error}.") from error


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise _BadLine(f"byte {error.start + 1} of the line is not UTF-8.") from error


def _shown(path: Path) -> str:
    return "standard input" if path == STDIN else str(path)


# --- One line ------------------------------------------------------------------------------------------------------

_Parser = Callable[[str, int], EvaluationSegment]


class _BadLine(ValueError):
    """What is wrong with a line, without its place."""


def _parser(path: Path) -> _Parser:
    if path == STDIN:
        return lambda line, position: (_from_json if line.lstrip().startswith("{") else _from_tsv)(line, position)
    name = path.name.removesuffix(".gz")
    if name.endswith(".jsonl"):
        return _from_json
    if name.endswith(".tsv"):
        return _from_tsv
    raise InputError(
        f"{path}: neither .jsonl nor .tsv (or .gz of them); for plain text files use --source and --reference."
    )


def _parsed(
    parse: _Parser, raw: bytes, path: Path, number: int, position: int, on_bad: OnBad | None
) -> EvaluationSegment | None:
    try:
        return parse(_decoded(raw), position)
    except _BadLine as error:
        _refuse(InputError(f"{_shown(path)}:{number}: {error}"), on_bad)
        return None


def _refuse(error: InputError, on_bad: OnBad | None) -> None:
    if on_bad is None:
        raise error
    on_bad(error)


def _from_json(line: str, position: int) -> EvaluationSegment:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _BadLine(f"not JSON: {error}.") from error
    if not isinstance(entry, dict):
        raise _BadLine("not a JSON object.")
    source = entry.get("source")
    if not isinstance(source, str):
        raise _BadLine("the key 'source' is missing or no text.")
    clean = entry.get("clean", False)
    if not isinstance(clean, bool):
        raise _BadLine("'clean' must be true or false.")
    segment = EvaluationSegment(
        str(entry.get("id", position + 1)),
        source,
        _references(entry, source if clean else None),
        _strings(entry, "tags"),
        _strings(entry, "must"),
        _strings(entry, "must_not"),
        clean,
        position,
    )
    for text in (segment.source, *segment.references, *segment.must, *segment.must_not, *segment.tags, segment.id):
        if not is_unicode(text):
            raise _BadLine("half of a surrogate pair (an escape such as \\ud800), which is no character.")
    return segment


def _references(entry: dict[str, Any], default: str | None) -> tuple[str, ...]:
    """``reference`` or ``references``; ``default``, the source of a clean segment, where there is neither."""
    given = entry.get("references", entry.get("reference", default))
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not listed or not all(isinstance(item, str) for item in listed):
        raise _BadLine("'reference' (or 'references') is missing or no text.")
    if not all(item.strip() for item in listed):
        raise _BadLine("the reference is empty.")
    return tuple(listed)


def _strings(entry: dict[str, Any], key: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _BadLine(f"{key!r} must be a list of texts.")
    return tuple(value)


def _from_tsv(line: str, position: int) -> EvaluationSegment:
    cells = line.split("\t")
    if len(cells) < 2:
        raise _BadLine("one column; a line is source <tab> reference.")
    if not all(cell.strip() for cell in cells[1:]):
        raise _BadLine("the reference is empty.")
    return EvaluationSegment(str(position + 1), cells[0], tuple(cells[1:]), position=position)
