"""What the readers of tables share: one file with one column to repair, opened plain or gzip, a broken one told."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from retranslate.errors import InputError
from retranslate.files import packed

TABLES = (".jsonl", ".csv", ".parquet")


@dataclass(frozen=True)
class Table:
    """A file of rows whose column ``column`` is to be repaired: what all kinds of it have in common."""

    path: Path
    column: str

    @property
    def settings(self) -> dict[str, str]:
        """What besides the input decides about the output."""
        return {"column": self.column}

    def identity(self) -> str:
        """The SHA-256 of the file."""
        try:
            with self.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}.") from error

    def parts(self, output: Path) -> dict[str, Path]:
        """The files that ``write`` makes, and where they belong."""
        return {"table": output}


def table_ending(name: str) -> str:
    """Which of TABLES a file is by its name, ``.gz`` left out of account; empty where it is none."""
    plain = name.lower().removesuffix(".gz")
    return next((ending for ending in TABLES if plain.endswith(ending)), "")


def is_gzip(path: Path) -> bool:
    """Whether the name says so."""
    return path.suffix.lower() == ".gz"


@contextlib.contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unzipped where its name ends in ``.gz``. Raises InputError when they cannot be read to the end."""
    try:
        with gzip.open(path) if is_gzip(path) else path.open("rb") as stream:
            if kind := packed(stream.peek(8)):
                raise InputError(f"{path}: {kind}, no table; unpack it, or let its name end in .gz where it is gzip.")
            yield stream  # type: ignore[misc]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: a broken gzip file: {error}; unzip what can be read of it, and give that."
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}.") from error
