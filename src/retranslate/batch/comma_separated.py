"""CSV files with a header, as RFC 4180 and spreadsheets have them."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from retranslate.batch.durable import new_file
from retranslate.batch.reading import Table, is_gzip, opened
from retranslate.batch.rows import MAX_ROW_BYTES, OUTPUT_COLUMNS, Outcome, Row, column_names, paired, repaired_text
from retranslate.errors import InputError
from retranslate.text import is_unicode


class _TooLong(Exception):
    """A record that is not read to its end."""


@dataclass(frozen=True)
class CommaSeparated(Table):
    """A CSV file, comma-separated, UTF-8, whose column ``column`` is to be repaired.

    Bytes that are not UTF-8 are kept. A record with other than the header's number of cells is an error; cells too many
    are told in its status.
    """

    def rows(self) -> Iterator[Row]:
        """The rows in order."""
        return (row for row, _ in self._records())

    def write(self, outcomes: Iterable[Outcome], folder: Path, output: Path) -> None:
        """Writes the repaired table into ``folder``, with the line ends and the byte order mark that it had."""
        bom, line_end, header = self._form()
        with new_file(folder / "table", zipped=is_gzip(output)) as stream:
            stream.write(bom.encode() + _spelt([*column_names(header), *OUTPUT_COLUMNS], line_end))
            for row, cells, outcome in paired(self._records(), outcomes):
                stream.write(_spelt(self._output_cells(row, cells, outcome, header), line_end))

    def _output_cells(self, row: Row, cells: Sequence[str], outcome: Outcome, header: Sequence[str]) -> list[str]:
        shown = list(cells[: len(header)]) + [""] * (len(header) - len(cells))
        text = repaired_text(row, outcome)
        status = outcome.status
        if len(cells) > len(header):
            status += f"; the others: {json.dumps(list(cells[len(header) :]), ensure_ascii=False)}"
        edits = json.dumps(outcome.edits_as_json(), ensure_ascii=False)
        return [*shown, shown[header.index(self.column)] if text is None else text, edits, status]

    def _form(self) -> tuple[str, str, list[str]]:
        """Byte order mark, line end and header of the file."""
        with opened(self.path) as stream:
            lines = _Lines(stream)
            header = self._header(csv.reader(lines))
            return lines.bom or "", lines.end, header

    def _header(self, reader: Iterator[list[str]]) -> list[str]:
        try:
            return next(reader, [])
        except (_TooLong, csv.Error) as error:
            raise InputError(f"{self.path}: the header cannot be read: {error}. Is this CSV?") from error

    def _records(self) -> Iterator[tuple[Row, list[str]]]:
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # _Lines keeps count
        with opened(self.path) as stream:
            lines = _Lines(stream)
            reader = csv.reader(lines)
            header = self._header(reader)
            if self.column not in header:
                raise InputError(
                    f"{self.path}: no column {self.column!r} in the header: {', '.join(header)[:500] or 'it is empty'}; "
                    "name the right one with --column."
                )
            at = header.index(self.column)
            number = 0
            while True:
                lines.taken = 0
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except (_TooLong, csv.Error) as error:
                    number += 1
                    yield Row(str(number), None, f"{error}; left out"), []
                    continue
                if cells:
                    number += 1
                    yield _row(str(number), cells, len(header), at), cells


class _Lines:
    """The lines of a file for a csv.reader, bytes that are not UTF-8 escaped.

    ``taken`` counts the characters since it was set to 0, and has a limit; ``bom`` and ``end`` are the byte order mark
    and the end of the first line.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(stream, "utf-8", "surrogateescape", newline="")
        self.taken = 0
        self.bom: str | None = None
        self.end = "\n"

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_ROW_BYTES)
        if not line:
            raise StopIteration
        if self.bom is None:
            self.bom = "\ufeff" if line.startswith("\ufeff") else ""
            self.end = "\r\n" if line.endswith("\r\n") else "\n"
            line = line.removeprefix("\ufeff")
        self.taken += len(line)
        if self.taken >= MAX_ROW_BYTES:
            while line and not line.endswith(("\n", "\r")):
                line = self._text.readline(MAX_ROW_BYTES)
            raise _TooLong(f"longer than {MAX_ROW_BYTES >> 20} MiB")
        return line


def _row(key: str, cells: Sequence[str], columns: int, at: int) -> Row:
    if len(cells) != columns:
        return Row(key, None, f"{len(cells)} cells where the header has {columns}")
    if not is_unicode(cells[at]):
        return Row(key, None, "not UTF-8")
    return Row(key, cells[at])


def _spelt(cells: Sequence[str], line_end: str) -> bytes:
    line = io.StringIO()
    # Only with its own line end does every csv.writer quote a cell that holds a carriage return.
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return (line.getvalue().removesuffix("\r\n") + line_end).encode("utf-8", "surrogateescape")
