"""Writing what must outlast a killed process, a full disk and a cut of the power."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from retranslate.errors import InputError, RetranslateError

_FAULTS_OF_THE_PLACE = frozenset(
    (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)
)


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns what the system says about writing to ``path`` into an error for the person: bad place, or failure on the way."""
    try:
        yield
    except OSError as error:
        message = f"{error.filename or path}: cannot be written: {error.strerror or error}"
        if error.errno in _FAULTS_OF_THE_PLACE:
            raise InputError(f"{message}.") from error
        raise RetranslateError(
            f"{message}; what was done so far is kept: make room and give the same command again."
        ) from error


def write_file(path: Path, data: bytes) -> None:
    """Puts ``data`` at ``path``, whole or not at all, so that it is there after a crash too."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            flush(stream)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    flush_folder(path.parent)


@contextlib.contextmanager
def new_file(path: Path, *, zipped: bool = False) -> Iterator[IO[bytes]]:
    """A new file to write to; on the disk when the block is left, gone when it is left by an exception.

    The bytes of a gzip file depend on nothing but its contents.
    """
    try:
        with path.open("xb") as stream:
            if zipped:
                with gzip.GzipFile("", "wb", 6, stream, mtime=0) as outer:
                    yield outer  # type: ignore[misc]
            else:
                yield stream
            flush(stream)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def flush(stream: IO[bytes]) -> None:
    """Waits until the file's bytes are on the disk."""
    stream.flush()
    os.fsync(stream.fileno())


def flush_folder(folder: Path) -> None:
    """Waits until the names in ``folder`` are on the disk, where the system can do that."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Removes a file, a link or a folder with all that is in it, following no link; nothing where there is nothing."""
    import shutil

    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
