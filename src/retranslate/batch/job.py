"""A batch run from its first row to its output in place; begun anew or gone on with."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from retranslate.batch.durable import flush_folder, remove, told
from retranslate.batch.journal import Journal
from retranslate.batch.repairing import Engine, Work
from retranslate.batch.rows import Outcome
from retranslate.batch.sources import Source, refuse_output
from retranslate.edits import EditKind, Status
from retranslate.errors import InputError

OnProgress = Callable[[int, int], None]
"""Called with the number of rows that are done, and of all."""
MOST_EXAMPLES = 5


@dataclass
class Summary:
    """What came of a run: rows by status, edits by kind, and the first rows that were kept for an error."""

    rows: int = 0
    statuses: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*get_args(Status), "error"), 0))
    edits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(get_args(EditKind), 0))
    errors: list[tuple[str, str]] = field(default_factory=list)

    def count(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """The outcomes, counted as they pass."""
        for outcome in outcomes:
            self.rows += 1
            self.statuses["error" if outcome.is_error else outcome.status] += 1
            for kind, number in Counter(edit.kind for edit in outcome.edits).items():
                self.edits[kind] += number
            if outcome.is_error and len(self.errors) < MOST_EXAMPLES:
                self.errors.append((outcome.key, outcome.status))
            yield outcome

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Summary:
        """The summary in a journal's record."""
        return cls(
            values["rows"], values["statuses"], values["edits"], [(key, status) for key, status in values["errors"]]
        )


@dataclass(frozen=True)
class Survey:
    """What is there before a run: its rows, those among them without a text, those done by an earlier run."""

    rows: int
    bad: int
    done: int


@dataclass(frozen=True)
class Job:
    """``source`` repaired into ``output``, or the first ``limit`` of its rows.

    ``output`` appears whole, when every row is done. Until then the journal beside it, named like it with ``.batch``
    behind, has what was done; it is taken up by the next run of the same job.
    """

    source: Source
    output: Path
    limit: int | None = None

    @property
    def journal(self) -> Journal:
        """The job's journal."""
        return Journal(self.output.with_name(f"{self.output.name}.batch"))

    def survey(self, signature: str, fresh: bool = False) -> Survey:
        """What a run would find; nothing is written. Raises InputError where the run would refuse to begin."""
        rows, bad, record = self._begun(self._about(signature), fresh)
        if record is None:
            return Survey(rows, bad, 0)
        return Survey(rows, bad, rows if record["state"] != "running" else sum(self._shards_done().values()))

    def run(self, engine: Engine, *, fresh: bool = False, on_progress: OnProgress | None = None) -> Summary:
        """Does what is not done yet and puts the output in its place; ``engine`` has been entered.

        Raises InputError when the output's place is refused, when the input cannot be read, or when the journal is of
        another input, model, glossary or setting and it is not to be begun ``fresh``; RetranslateError when the disk is
        full. Whatever stops it, the next run goes on from there.
        """
        about = self._about(engine.signature)
        rows, _, _ = self._begun(about, fresh)
        self.journal.make()
        with self.journal.lock():
            self.journal.sweep()
            record = None if fresh else self.journal.read()
            if record is None:
                self.journal.clear()
                record = self.journal.record("running", about)
            _refuse_other(record["about"], about)  # another run may have begun since
            if record["state"] == "running":
                self._repair(engine, rows, on_progress)
                record = self.journal.record("publishing", about, asdict(self._assemble(rows)))
            if record["state"] == "publishing":
                self._publish()
                record = self.journal.record("done", about, record["summary"])
            elif absent := [place for place in self.source.parts(self.output).values() if not place.exists()]:
                raise InputError(f"{absent[0]}: was made by this very job, but is gone; make it again with --fresh.")
            self.journal.drop()
        return Summary.of(record["summary"])

    def _begun(self, about: Mapping[str, Any], fresh: bool) -> tuple[int, int, dict[str, Any] | None]:
        """The number of rows, of those without a text, and the record of an earlier run that this one takes up."""
        refuse_output(self.source, self.output)
        rows, bad = self._counted()
        record = None if fresh else self.journal.read()
        if record is None:
            self._refuse_what_is_there(fresh)
        else:
            _refuse_other(record["about"], about)
        return rows, bad, record

    def _counted(self) -> tuple[int, int]:
        """The number of rows, and of those without a text. Raises InputError when the input cannot be read to its end."""
        rows = bad = 0
        for row in Work(self.source, self.limit).rows():
            rows += 1
            bad += row.text is None
        return rows, bad

    def _about(self, signature: str) -> dict[str, Any]:
        return {
            "signature": signature,
            "input": self.source.identity(),
            "reader": type(self.source).__name__,
            **self.source.settings,
            "limit": self.limit,
        }

    def _refuse_what_is_there(self, fresh: bool) -> None:
        for place in self.source.parts(self.output).values():
            if place.is_dir() and not place.is_symlink():
                if any(place.iterdir()):
                    raise InputError(f"{place}: a directory that is not empty; take it away, or name another place.")
            elif not fresh and (place.exists() or place.is_symlink()):
                raise InputError(f"{place}: exists, and no unfinished run made it; --fresh writes over it.")

    def _shards_done(self) -> dict[int, int]:
        """The whole shards in the journal: their numbers, and how many rows each has."""
        numbered = ((number, self.journal.shard(number)) for number in self.journal.numbers())
        return {number: len(outcomes) for number, outcomes in numbered if outcomes is not None}

    def _repair(self, engine: Engine, rows: int, on_progress: OnProgress | None) -> None:
        earlier = self._shards_done()
        done = sum(earlier.values())
        if on_progress is not None:
            on_progress(done, rows)
        for number, outcomes in engine.run(Work(self.source, self.limit, frozenset(earlier))):
            self.journal.append(number, outcomes)
            done += len(outcomes)
            if on_progress is not None:
                on_progress(done, rows)

    def _assemble(self, rows: int) -> Summary:
        """Writes all parts of the output, to be moved to their places together."""
        scratch = self.journal.scratch
        summary = Summary()
        with told(scratch):
            remove(scratch)
            scratch.mkdir()
            try:
                self.source.write(summary.count(self.journal.outcomes()), scratch, self.output)
                if summary.rows != rows:
                    raise InputError(f"{self.source.path}: changed while it was worked on; begin again with --fresh.")
            except BaseException:
                remove(scratch)  # on a full disk, room for the journal
                raise
            flush_folder(scratch)
        return summary

    def _publish(self) -> None:
        for part, place in self.source.parts(self.output).items():
            with told(place):
                made = self.journal.scratch / part
                if made.exists():
                    # In one step; a link that stands there is replaced and not followed.
                    os.replace(made, place)
        flush_folder(self.output.parent)


def _refuse_other(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises InputError naming what differs between the run that was begun and this one."""
    different = [name for name in {**before, **now} if name != "signature" and before.get(name) != now.get(name)]
    different += sorted({part.partition(":")[0] for part in _parts(before) ^ _parts(now)})
    if different:
        raise InputError(
            f"the run that was begun differs from this one in: {', '.join(dict.fromkeys(different))}; give it the same, "
            "begin again with --fresh, or name another output."
        )


def _parts(about: Mapping[str, Any]) -> set[str]:
    """The parts of the signature, such as ``model:…``."""
    return set(str(about.get("signature", "")).split("|"))
