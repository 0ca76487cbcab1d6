"""Folders of text files: the tree is kept, and what is no text in it stays as it is."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from retranslate.batch.durable import new_file
from retranslate.batch.reading import is_gzip, table_ending
from retranslate.batch.rows import MAX_ROW_BYTES, Outcome, Row, paired, repaired_text
from retranslate.errors import InputError
from retranslate.files import Document, decoded, json_line


@dataclass(frozen=True)
class Folder:
    """A folder whose files, plain or gzip, in ``encoding``, are to be repaired.

    Files in another encoding, tables, broken gzip files and files over MAX_ROW_BYTES are copied as they are. Links that
    lead out of the folder or to another folder, devices, pipes and files that must not be read have a receipt only.
    """

    path: Path
    encoding: str = "utf-8"

    @property
    def settings(self) -> dict[str, str]:
        """What besides the input decides about the output."""
        return {"encoding": self.encoding}

    def identity(self) -> str:
        """A digest of the files' names and sizes; what is in them is checked text by text."""
        digest = hashlib.sha256()
        for name in self._names():
            path = self.path / name
            size = path.stat().st_size if path.is_file() else -1
            digest.update(os.fsencode(name) + b"\0" + str(size).encode() + b"\0")
        return digest.hexdigest()

    def rows(self) -> Iterator[Row]:
        """The files in the order of their names, a folder's own files before its folders'."""
        return (row for row, _ in self._records())

    def parts(self, output: Path) -> dict[str, Path]:
        """What :meth:`write` makes, and where it belongs: the receipts stand beside the tree, not in it."""
        return {"receipts": output.with_name(f"{output.name}.receipts.jsonl"), "tree": output}

    def write(self, outcomes: Iterable[Outcome], folder: Path, output: Path) -> None:
        """Writes the repaired tree and its receipts into ``folder``."""
        tree = folder / "tree"
        tree.mkdir()
        for name in self._folders():
            (tree / name).mkdir()
        with new_file(folder / "receipts") as stream:
            for row, document, outcome in paired(self._records(), outcomes):
                try:
                    self._write_file(tree / row.key, row, document, outcome)
                except InputError as error:  # the repaired text has a character that its encoding has not
                    outcome = Outcome.failed(row, str(error).removeprefix(f"{row.key}: ").partition(";")[0])
                    self._write_file(tree / row.key, row, document, outcome)
                stream.write(json_line({"file": row.key, "edits": outcome.edits_as_json(), "status": outcome.status}))
        if hasattr(os, "sync"):
            os.sync()  # file by file it would take longer than the glossary does

    def _write_file(self, target: Path, row: Row, document: Document | None, outcome: Outcome) -> None:
        source = self.path / row.key
        if document is not None and outcome.edits:
            data = document.encode(repaired_text(row, outcome) or "")
            target.write_bytes(gzip.compress(data, 6, mtime=0) if is_gzip(source) else data)
        elif self._is_readable(source):
            shutil.copyfile(source, target)
        else:
            return
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(source, target)

    def _records(self) -> Iterator[tuple[Row, Document | None]]:
        for name in self._names():
            yield self._record(name)

    def _record(self, name: str) -> tuple[Row, Document | None]:
        path = self.path / name
        try:
            document = decoded(name, self._bytes(path), self.encoding)
        except _NoText as error:
            return Row(name, None, str(error)), None
        except InputError as error:
            return Row(name, None, str(error).removeprefix(f"{name}: ").partition(";")[0]), None
        return Row(name, document.text), document

    def _bytes(self, path: Path) -> bytes:
        """What is to be decoded. Raises _NoText where there is no such thing."""
        if not self._is_inside(path):
            raise _NoText("a link that leads out of the folder or to a folder, or no regular file; left out")
        if table := table_ending(path.name):
            raise _NoText(f"a table ({table}), no text; give it to retranslate batch by itself")
        try:
            with gzip.open(path) if is_gzip(path) else path.open("rb") as stream:
                data = stream.read(MAX_ROW_BYTES + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise _NoText(f"a broken gzip file: {error}") from error
        except OSError as error:
            raise _NoText(f"cannot be read: {error.strerror or error}; left out") from error
        if len(data) > MAX_ROW_BYTES:
            raise _NoText(f"longer than {MAX_ROW_BYTES >> 20} MiB")
        return data

    def _is_inside(self, path: Path) -> bool:
        """Whether ``path`` is a regular file of the folder, or a link to one."""
        try:
            return path.is_file() and (not path.is_symlink() or path.resolve().is_relative_to(self.path.resolve()))
        except OSError:
            return False

    def _is_readable(self, path: Path) -> bool:
        return self._is_inside(path) and os.access(path, os.R_OK)

    def _names(self) -> Iterator[str]:
        """The paths of all that is in the folder and no folder itself, relative to it."""
        for here, _, files in self._walk():
            yield from (f"{here}{name}" for name in files)

    def _folders(self) -> Iterator[str]:
        for here, folders, _ in self._walk():
            yield from (f"{here}{name}" for name in folders)

    def _walk(self) -> Iterator[tuple[str, list[str], list[str]]]:
        """A folder's path with a slash behind it, its folders, and what else is in it; only one folder's names are held."""
        waiting = [""]
        while waiting:
            here = waiting.pop()
            folders: list[str] = []
            others: list[str] = []
            try:
                with os.scandir(self.path / here) as entries:
                    for entry in entries:
                        (folders if entry.is_dir(follow_symlinks=False) else others).append(entry.name)
            except OSError as error:
                raise InputError(f"{self.path / here}: cannot be read: {error.strerror}.") from error
            folders.sort()
            yield here, folders, sorted(others)
            waiting += [f"{here}{name}/" for name in reversed(folders)]


class _NoText(Exception):
    """Why a file is not repaired."""
