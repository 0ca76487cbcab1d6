"""The journal of a run: shards of outcomes, each written once and whole, and the record of what the run is about.

It lies beside the output, in a folder of its own. A shard is there or it is not, whenever the process was killed: it is
written to a temporary file, flushed to the disk and renamed, and the folder flushed.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from retranslate.batch.durable import flush_folder, remove, told, write_file
from retranslate.batch.rows import Outcome
from retranslate.errors import InputError

FORMAT = 1

State = Literal["running", "publishing", "done"]
"""Rows are being repaired; all parts of the output are written and being moved to their places; all is in its place."""


@dataclass(frozen=True)
class Journal:
    """The journal in ``folder``, which need not be there yet."""

    folder: Path

    @property
    def scratch(self) -> Path:
        """Where the parts of the output are written before they are moved to their places."""
        return self.folder / "output"

    def lock(self) -> FileLock:
        """A lock, taken, that the system lets go when the process ends. Raises InputError when another run has it."""
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise InputError(f"{self.folder}: another run is at work on this output; wait for its end.") from error
        return lock

    def make(self) -> None:
        """Makes the folder, where it is not there yet. Raises InputError where a link or a file is in its place."""
        if self.folder.is_symlink() or self._shards.is_symlink() or self._record.is_symlink():
            raise InputError(f"{self.folder}: a link, or with links in it; take it away.")
        with told(self.folder):
            self._shards.mkdir(parents=True, exist_ok=True)
            flush_folder(self.folder)
            flush_folder(self.folder.parent)

    def sweep(self) -> None:
        """Takes away what a run was writing when it was killed."""
        for path in [*self.folder.glob(".*.tmp"), *self._shards.glob(".*.tmp")]:
            remove(path)

    def clear(self) -> None:
        """Takes away all that a run has left, but the lock."""
        # The record first: shards without one count for nothing.
        with told(self.folder):
            for path in (self._record, self.scratch, self._shards):
                remove(path)
        self.make()

    # --- The record ------------------------------------------------------------------------------------------------

    def read(self) -> dict[str, Any] | None:
        """The record, or None where no run has begun. Raises InputError where it is not one of this version."""
        try:
            record = json.loads(self._record.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{self._record}: broken: {error}; begin again with --fresh.") from error
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise InputError(f"{self._record}: of another version of retranslate; begin again with --fresh.")
        return record

    def record(
        self, state: State, about: Mapping[str, Any], summary: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Notes how far the run is, what it is ``about`` and, at its end, what came of it; the record is returned."""
        values = {"format": FORMAT, "state": state, "about": about, "summary": summary}
        with told(self._record):
            write_file(self._record, (json.dumps(values, indent=1, ensure_ascii=True) + "\n").encode())
        return values

    # --- The shards ------------------------------------------------------------------------------------------------

    def append(self, number: int, outcomes: Sequence[Outcome]) -> None:
        """Notes the outcomes of a shard. Raises RetranslateError when the disk is full; no other shard is touched."""
        lines = "".join(json.dumps(outcome.to_dict()) + "\n" for outcome in outcomes)
        with told(self._path(number)):
            write_file(self._path(number), gzip.compress(lines.encode(), 1, mtime=0))

    def shard(self, number: int) -> list[Outcome] | None:
        """The outcomes of a shard, or None where it is not there or damaged: it is then done again."""
        try:
            lines = gzip.decompress(self._path(number).read_bytes()).splitlines()
            return [Outcome.from_dict(json.loads(line)) for line in lines] or None
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
            return None

    def numbers(self) -> Iterator[int]:
        """The numbers of the shards that are there, in no order."""
        for path in self._shards.glob("*.jsonl.gz"):
            stem = path.name.removesuffix(".jsonl.gz")
            if stem.isdecimal():
                yield int(stem)

    def outcomes(self) -> Iterator[Outcome]:
        """All outcomes in the order of the rows. Raises InputError when a shard is damaged."""
        for number in sorted(self.numbers()):
            outcomes = self.shard(number)
            if outcomes is None:
                raise InputError(f"{self._path(number)}: damaged; give the same command again, and it is made anew.")
            yield from outcomes

    def drop(self) -> None:
        """Takes all but the record away, when the output is in its place."""
        remove(self._shards)
        remove(self.scratch)

    @property
    def _record(self) -> Path:
        return self.folder / "job.json"

    @property
    def _shards(self) -> Path:
        return self.folder / "shards"

    def _path(self, number: int) -> Path:
        return self._shards / f"{number:09}.jsonl.gz"
