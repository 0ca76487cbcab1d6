"""Reading text files exactly, and writing files whole or not at all."""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from retranslate.errors import InputError, RetranslateError

STDIN = "-"


@dataclass(frozen=True)
class Document:
    """A text as it was read: ``text`` with its line ends untouched, and what is needed to write it back alike."""

    name: str
    text: str
    encoding: str
    bom: bytes = b""

    def encode(self, text: str) -> bytes:
        """``text`` in the document's encoding, with the byte order mark it had."""
        try:
            return self.bom + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise InputError(
                f"{self.name}: the repaired text has {error.object[error.start]!r}, which {self.encoding} cannot hold; "
                "write UTF-8 instead (convert the input to UTF-8 and leave out --encoding)."
            ) from error


def read_document(name: str, encoding: str = "utf-8") -> Document:
    """The file ``name``, or standard input for ``-``. Raises InputError naming the file, and the byte where it is not ``encoding``."""
    try:
        codec = codecs.lookup(encoding).name
    except LookupError as error:
        raise InputError(f"--encoding {encoding}: no such encoding; try utf-8, cp1256, latin-1 ...") from error
    shown = "standard input" if name == STDIN else name
    try:
        data = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{shown}: no such file.") from error
    except IsADirectoryError as error:
        raise InputError(f"{shown}: a directory; give the files in it.") from error
    except OSError as error:
        raise InputError(f"{shown}: cannot be read: {error.strerror}.") from error
    bom = codecs.BOM_UTF8 if codec == "utf-8" and data.startswith(codecs.BOM_UTF8) else b""
    try:
        return Document(shown, data[len(bom) :].decode(codec), codec, bom)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{shown}: byte {len(bom) + error.start} (0x{data[len(bom) + error.start]:02x}) is not {encoding}; "
            "name the right one with --encoding."
        ) from error


def write_whole(path: Path, data: bytes) -> None:
    """Puts ``data`` at ``path`` in one step, keeping the permissions of a file that was there and following a link.

    Raises InputError where the place cannot be written to, RetranslateError when the disk is full; the old file is then
    as it was.
    """
    target = path.resolve() if path.is_symlink() else path
    if target.is_dir():
        raise InputError(f"{path}: a directory; give a file to write to.")
    if target.exists() and not os.access(target, os.W_OK):
        raise InputError(f"{path}: read-only; nothing was written.")
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask())
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        message = f"{path}: cannot be written: {error.strerror}; nothing was changed."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RetranslateError(message) from error
        raise InputError(message) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
