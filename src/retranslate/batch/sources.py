"""Which reader and writer an input has, and which outputs are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from retranslate.batch.comma_separated import CommaSeparated
from retranslate.batch.folder import Folder
from retranslate.batch.json_lines import JsonLines
from retranslate.batch.parquet import Parquet
from retranslate.batch.reading import TABLES, table_ending
from retranslate.batch.rows import Outcome, Row
from retranslate.errors import InputError
from retranslate.files import text_codec

_READERS: dict[str, Callable[[Path, str], Source]] = {".jsonl": JsonLines, ".csv": CommaSeparated, ".parquet": Parquet}


class Source(Protocol):
    """An input that can be read again and again, and pickled; nothing of it is held in memory but what is at hand."""

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def settings(self) -> dict[str, str]:
        """What besides the input decides about the output, by option."""

    def identity(self) -> str:
        """What tells it from another input."""

    def rows(self) -> Iterator[Row]:
        """The rows in order. Raises InputError when it cannot be read to its end."""

    def parts(self, output: Path) -> dict[str, Path]:
        """The names of what :meth:`write` makes, and the places where each belongs when ``output`` was asked for."""

    def write(self, outcomes: Iterable[Outcome], folder: Path, output: Path) -> None:
        """Writes the repaired input into ``folder``; ``outcomes`` are those of its rows, or of the first of them, in order."""


def open_source(path: Path, column: str = "text", encoding: str = "utf-8") -> Source:
    """The reader of a folder, a JSON lines, CSV or Parquet file, or gzip of these. Raises InputError where it is none."""
    text_codec(encoding)
    if path.is_dir():
        return Folder(path, encoding)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder.")
    if not path.is_file():
        raise InputError(f"{path}: no regular file: a run that can be taken up again has to read its input again.")
    if ending := table_ending(path.name):
        return _READERS[ending](path, column)
    raise InputError(
        f"{path}: none of {', '.join(TABLES)} or .gz of them, nor a folder; for a text file use 'retranslate fix'."
    )


def refuse_output(source: Source, output: Path) -> None:
    """Raises InputError where ``output`` must not be: at or in the input, at a link, of another kind than the input."""
    if output.is_symlink():
        raise InputError(f"{output}: a link; name the place itself, which nothing is then written through.")
    if not output.name or not output.parent.is_dir():
        raise InputError(f"{output}: there is no directory {output.parent}; make it first.")
    here, there = source.path.resolve(), output.resolve()
    if there == here or (output.exists() and output.samefile(source.path)):
        raise InputError(f"{output}: is also the input; name another place.")
    if there.is_relative_to(here):
        raise InputError(f"{output}: lies in the input; name a place outside of it.")
    if here.is_relative_to(there):
        raise InputError(f"{output}: holds the input; name another place.")
    ending = table_ending(source.path.name) if not isinstance(source, Folder) else ""
    if ending and table_ending(output.name) != ending:
        raise InputError(
            f"{output}: the input is {ending}, and so is the output; end the name in {ending} or {ending}.gz."
        )
    if output.exists() and output.is_dir() == bool(ending):
        raise InputError(f"{output}: {'a directory' if ending else 'no directory'}; name another place.")
