"""Reading text files exactly, and writing files whole or not at all."""

from __future__ import annotations

import codecs
import contextlib
import errno
import json
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from retranslate.errors import InputError, RetranslateError

STDIN = "-"
MAX_BYTES = 256 * 1024 * 1024
"""The largest text that is read whole: beyond it lie logs, images of disks and devices without an end."""


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
    text_codec(encoding)
    shown = "standard input" if name == STDIN else name
    try:
        with contextlib.nullcontext(_standard_input()) if name == STDIN else open(name, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"{shown}: no such file.") from error
    except IsADirectoryError as error:
        raise InputError(f"{shown}: a directory; give the files in it.") from error
    except OSError as error:
        raise InputError(f"{shown}: cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise InputError(
            f"{shown}: more than {MAX_BYTES >> 20} MiB; repair it in parts, as a folder or a table of 'retranslate batch'."
        )
    return decoded(shown, data, encoding)


def decoded(shown: str, data: bytes, encoding: str = "utf-8") -> Document:
    """The document that ``data`` is, called ``shown``. Raises InputError naming it, and the byte where it is not ``encoding``."""
    codec = text_codec(encoding)
    if kind := packed(data):
        raise InputError(f"{shown}: {kind}, no text; give what is in it.")
    bom, codec = next(((bom, plain) for bom, plain in _MARKS.get(codec, ()) if data.startswith(bom)), (b"", codec))
    codec = "utf-8" if codec == "utf-8-sig" else codec
    try:
        return Document(shown, data[len(bom) :].decode(codec), codec, bom)
    except UnicodeDecodeError as error:
        if not bom and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise InputError(f"{shown}: begins like UTF-16; give --encoding utf-16.") from error
        raise InputError(
            f"{shown}: byte {len(bom) + error.start} (0x{data[len(bom) + error.start]:02x}) is not {encoding}; "
            "name the right one with --encoding."
        ) from error
    except UnicodeError as error:  # a stateful codec that cannot say where
        raise InputError(f"{shown}: not {encoding}: {error}; name the right one with --encoding.") from error


def packed(data: bytes) -> str:
    """What a file that begins with ``data`` is, where its text, if it has any, is packed in it; empty for any other."""
    return next((kind for mark, kind in _PACKED.items() if data.startswith(mark)), "")


_PACKED = {b"\x1f\x8b\x08": "a gzip file", b"PK\x03\x04": "a zip archive or an office document", b"%PDF-": "a PDF file"}

# What a byte order mark says beyond the name that was given.
_MARKS = {
    "utf-8": ((codecs.BOM_UTF8, "utf-8"),),
    "utf-8-sig": ((codecs.BOM_UTF8, "utf-8"),),
    "utf-16": ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
    "utf-32": ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")),
}


def json_line(record: Mapping[str, Any]) -> bytes:
    """``record`` as one line of JSON in UTF-8."""
    # A backslash escape of what UTF-8 cannot hold is an escape in JSON too.
    return (json.dumps(record, ensure_ascii=False) + "\n").encode(errors="backslashreplace")


def text_codec(encoding: str) -> str:
    """The canonical name of ``encoding``. Raises InputError where there is none of that name, or it is none for text."""
    try:
        # Decoding tells text encodings from the likes of base64.
        b"a".decode(encoding, "ignore")
        return codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise InputError(f"--encoding {encoding}: no such encoding; try utf-8, cp1256, latin-1 ...") from error


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise InputError("standard input: closed; name a file.")
    return sys.stdin.buffer


def refuse_unwritable(path: Path) -> None:
    """Raises InputError where :func:`write_whole` could not write to ``path``: asked before the work, not after it."""
    try:
        target = path.resolve() if path.is_symlink() else path
        if target.is_dir():
            raise InputError(f"{path}: a directory; give a file to write to.")
        if not target.parent.is_dir():
            raise InputError(f"{path}: there is no directory {target.parent}; make it first.")
        special = target.exists() and not target.is_file()
        places = (target,) if special else (target.parent, target) if target.exists() else (target.parent,)
        if not all(os.access(place, os.W_OK) for place in places):
            raise InputError(f"{path}: read-only; nothing was written.")
    except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
        reason = error.strerror if isinstance(error, OSError) else "a link that leads to itself"
        raise InputError(f"{path}: cannot be written: {reason}.") from error


def write_whole(path: Path, data: bytes) -> None:
    """Puts ``data`` at ``path`` in one step, keeping the permissions of a file that was there and following a link.

    A device or a pipe is written to as it is. Raises InputError where the place cannot be written to, RetranslateError
    when the disk is full or fails; the old file is then as it was.
    """
    refuse_unwritable(path)
    target = path.resolve() if path.is_symlink() else path
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            _replace(target, data)
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror}; nothing was changed."
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            raise RetranslateError(message) from error
        raise InputError(message) from error


def _replace(target: Path, data: bytes) -> None:
    old = target.stat() if target.exists() else None
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if old is not None and hasattr(os, "chown"):
            with contextlib.suppress(OSError):
                os.chown(temporary, old.st_uid, old.st_gid)
        os.chmod(temporary, stat.S_IMODE(old.st_mode) if old is not None else 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
