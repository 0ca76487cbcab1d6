"""The nouns of a batch run: a row of the input, what became of it, and a shard of rows that are worked on together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from retranslate.edits import Edit, Result, apply
from retranslate.errors import InputError

MAX_ROW_BYTES = 64 * 1024 * 1024
"""The longest row, and the largest file of a folder, that is read: what bounds the memory, also for a gzip bomb."""

SHARD_ROWS = 256
SHARD_CHARACTERS = 32 * 1024

OUTPUT_COLUMNS = ("text", "edits", "status")
ERROR = "error: "

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the input: ``key`` is its number from 1, or a file's path in its folder; ``text`` is what is to be repaired.

    Where there is no text, ``error`` says why.
    """

    key: str
    text: str | None
    error: str = ""

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that bind an outcome to the text it was made for."""
        return hashlib.sha256((self.text or "").encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the row ``key``.

    ``edits`` applied to its text give the repaired one; ``status`` is ``changed``, ``unchanged``, ``refused`` (a guard
    refused every change) or ``error: `` and what was wrong, the row then being kept as it is.
    """

    key: str
    digest: str
    status: str
    edits: tuple[Edit, ...] = ()

    @classmethod
    def repaired(cls, row: Row, result: Result) -> Outcome:
        """The outcome of a row that the Corrector has seen."""
        status = "changed" if result.changed else "refused" if result.refused else "unchanged"
        return cls(row.key, row.digest, status, result.edits)

    @classmethod
    def failed(cls, row: Row, error: str) -> Outcome:
        """The outcome of a row that stays as it is."""
        return cls(row.key, row.digest, f"{ERROR}{error}")

    @property
    def is_error(self) -> bool:
        """Whether the row was kept as it is because something was wrong with it."""
        return self.status.startswith(ERROR)

    def edits_as_json(self) -> list[dict[str, Any]]:
        """The receipt as plain JSON values."""
        return [asdict(edit) for edit in self.edits]

    def to_dict(self) -> dict[str, Any]:
        """The outcome as plain JSON values."""
        return {"key": self.key, "digest": self.digest, "status": self.status, "edits": self.edits_as_json()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Outcome:
        """The outcome that :meth:`to_dict` was called on. Raises KeyError or TypeError where it is not one."""
        edits = tuple(Edit(**edit) for edit in values["edits"])
        return cls(values["key"], values["digest"], values["status"], edits)


@dataclass(frozen=True, slots=True)
class Shard:
    """Consecutive rows, ``number`` from 0: the unit of work and of the journal."""

    number: int
    rows: tuple[Row, ...]


def shards(rows: Iterable[Row]) -> Iterator[Shard]:
    """``rows`` in shards of at most SHARD_ROWS, each closed when it has SHARD_CHARACTERS: the same rows, the same shards."""
    number, characters, taken = 0, 0, []
    for row in rows:
        taken.append(row)
        characters += len(row.text or "")
        if len(taken) == SHARD_ROWS or characters >= SHARD_CHARACTERS:
            yield Shard(number, tuple(taken))
            number, characters, taken = number + 1, 0, []
    if taken:
        yield Shard(number, tuple(taken))


def repaired_text(row: Row, outcome: Outcome) -> str | None:
    """The row's text with the outcome's edits; the text as it was, or None without one, where there are none."""
    return apply(row.text, outcome.edits) if row.text is not None and outcome.edits else row.text


def paired(records: Iterator[tuple[Row, Record]], outcomes: Iterable[Outcome]) -> Iterator[tuple[Row, Record, Outcome]]:
    """Each outcome with the row it was made for. Raises InputError when the input is not the one that was worked on."""
    for outcome in outcomes:
        found = next(records, None)
        if found is None or (found[0].key, found[0].digest) != (outcome.key, outcome.digest):
            raise InputError(
                f"the input changed while it was worked on, at row {outcome.key}; do it again with --fresh."
            )
        yield *found, outcome


def column_names(names: Iterable[str]) -> list[str]:
    """The names under which the input's columns stand in the output: ``text``, ``edits`` and ``status`` are taken.

    >>> column_names(["id", "text"])
    ['id', 'source_text']
    """
    given = list(names)
    taken = {*given, *OUTPUT_COLUMNS}
    renamed = []
    for name in given:
        shown = name
        if name in OUTPUT_COLUMNS:
            while shown in taken:
                shown = f"source_{shown}"
            taken.add(shown)
        renamed.append(shown)
    return renamed
