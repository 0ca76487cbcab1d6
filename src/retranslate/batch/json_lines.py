"""JSON lines: an object a line, its members kept to the last digit and space."""

from __future__ import annotations

import base64
import codecs
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from retranslate.batch.durable import new_file
from retranslate.batch.reading import Table, is_gzip, opened
from retranslate.batch.rows import MAX_ROW_BYTES, OUTPUT_COLUMNS, Outcome, Row, column_names, paired, repaired_text
from retranslate.text import is_unicode

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"


class Member(NamedTuple):
    """A member of a JSON object: its name, its value, and how the value was spelt."""

    name: str
    value: Any
    spelt: str


@dataclass(frozen=True)
class JsonLines(Table):
    """A file of JSON objects, one a line, whose member ``column`` is to be repaired. Blank lines are no rows.

    A line that is no object is kept in a member ``line``, or ``line_base64`` where it is not UTF-8.
    """

    def rows(self) -> Iterator[Row]:
        """The rows in order."""
        return (row for row, _ in self._records())

    def write(self, outcomes: Iterable[Outcome], folder: Path, output: Path) -> None:
        """Writes the repaired table into ``folder``."""
        with new_file(folder / "table", zipped=is_gzip(output)) as stream:
            for row, members, outcome in paired(self._records(), outcomes):
                _write_line(stream, self._output_members(row, members, outcome))

    def _output_members(self, row: Row, members: Sequence[Member], outcome: Outcome) -> Iterator[tuple[str, str]]:
        names = column_names(member.name for member in members)
        for name, member in zip(names, members, strict=True):
            yield name, member.spelt
        text = repaired_text(row, outcome)
        # What is no text is kept as it is, in the place of the repair too.
        as_it_was = next((member.spelt for member in reversed(members) if member.name == self.column), "null")
        values = (as_it_was if text is None else _spelt(text), _spelt(outcome.edits_as_json()), _spelt(outcome.status))
        yield from zip(OUTPUT_COLUMNS, values, strict=True)

    def _records(self) -> Iterator[tuple[Row, list[Member]]]:
        with opened(self.path) as stream:
            for number, raw in enumerate(_lines(stream), start=1):
                yield _record(str(number), raw, self.column)


def _lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    """The lines that are not blank, without their ends; None for one that is too long to be read."""
    first = True
    while raw := stream.readline(MAX_ROW_BYTES):
        if first:
            raw, first = raw.removeprefix(codecs.BOM_UTF8), False
        if len(raw) == MAX_ROW_BYTES and not raw.endswith(b"\n"):
            while (rest := stream.readline(MAX_ROW_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield None
        elif raw.strip():
            yield raw.rstrip(b"\r\n")


def _record(key: str, raw: bytes | None, column: str) -> tuple[Row, list[Member]]:
    if raw is None:
        return Row(key, None, f"longer than {MAX_ROW_BYTES >> 20} MiB; left out"), []
    try:
        line = raw.decode()
    except UnicodeDecodeError as error:
        kept = base64.b64encode(raw).decode()
        return Row(key, None, f"byte {error.start + 1} of the line is not UTF-8"), [_member("line_base64", kept)]
    try:
        members = list(_members(line))
    except (ValueError, RecursionError) as error:
        return Row(key, None, f"not a JSON object: {error or 'nested too deep'}"), [_member("line", line)]
    found = [member.value for member in members if member.name == column]
    if not found:
        return Row(key, None, f"no member {column!r}"), members
    if not isinstance(found[-1], str):
        return Row(key, None, f"{column!r} is no text"), members
    if not is_unicode(found[-1]):
        return Row(key, None, f"{column!r} has half of a surrogate pair, which is no character"), members
    return Row(key, found[-1]), members


def _members(line: str) -> Iterator[Member]:
    """The members of the object that ``line`` is, duplicates too. Raises ValueError where it is none."""
    at = _after_space(line, 0)
    if line[at : at + 1] != "{":
        raise ValueError("it does not begin with '{'")
    at = _after_space(line, at + 1)
    if line[at : at + 1] == "}":
        at += 1
    else:
        while True:
            name, at = _DECODER.raw_decode(line, at)
            at = _after_space(line, at)
            if not isinstance(name, str) or line[at : at + 1] != ":":
                raise ValueError(f"no name and colon at character {at + 1}")
            start = _after_space(line, at + 1)
            value, at = _DECODER.raw_decode(line, start)
            yield Member(name, value, line[start:at])
            at = _after_space(line, at) + 1
            if line[at - 1 : at] == "}":
                break
            if line[at - 1 : at] != ",":
                raise ValueError(f"no comma or '}}' at character {at}")
            at = _after_space(line, at)
    if line[at:].strip(_SPACE):
        raise ValueError(f"more after the object, at character {at + 1}")


def _after_space(line: str, at: int) -> int:
    while line[at : at + 1] and line[at] in _SPACE:
        at += 1
    return at


def _member(name: str, value: Any) -> Member:
    return Member(name, value, _spelt(value))


def _spelt(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write_line(stream: IO[bytes], members: Iterable[tuple[str, str]]) -> None:
    line = ", ".join(f"{_spelt(name)}: {spelt}" for name, spelt in members)
    # A backslash escape of what UTF-8 cannot hold is an escape in JSON too.
    stream.write(f"{{{line}}}\n".encode(errors="backslashreplace"))
