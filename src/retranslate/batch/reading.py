"""What the readers of tables share: opening, plain or gzip, and telling a broken file."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from retranslate.errors import InputError

TABLES = (".jsonl", ".csv", ".parquet")


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
            yield stream  # type: ignore[misc]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: a broken gzip file: {error}; unzip what can be read of it, and give that."
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}.") from error


def file_identity(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error


def is_unicode(text: str) -> bool:
    """Whether ``text`` has neither halves of surrogate pairs nor bytes that could not be decoded and were escaped so."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
