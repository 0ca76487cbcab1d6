"""``retranslate batch``: parse, call, print."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retranslate import options

if TYPE_CHECKING:
    from rich.progress import Progress

    from retranslate.batch.job import Job, Summary, Survey
    from retranslate.batch.repairing import Engine, MakeCorrector


class EngineName(StrEnum):
    """Where the rows are repaired."""

    local = "local"
    ray = "ray"


def batch(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A folder of text files; .jsonl, .csv, .parquet; .gz of these.")
    ],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="A folder, or a file of the same kind, to be made.")],
    column: Annotated[
        str, typer.Option("--column", metavar="NAME", help="The column that is to be repaired.")
    ] = "text",
    encoding: Annotated[str, typer.Option("--encoding", help="The encoding of a folder's files.")] = "utf-8",
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="The first N rows only.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew: throw away what an earlier run has done, and its output file.")
    ] = False,
    workers: Annotated[
        int, typer.Option("-O", "--workers", min=1, max=1024, metavar="N", help="Processes that repair.")
    ] = 1,
    engine: Annotated[
        EngineName, typer.Option("--engine", help="This machine, or the Ray cluster it belongs to (extra: ray).")
    ] = EngineName.local,
    glossary: options.Glossaries = None,
    no_default_glossary: options.NoDefault = False,
    no_model: options.NoModel = False,
    model: options.Model = None,
    device: options.Device = None,
    strict: options.Strict = False,
    bold: options.Bold = False,
    second_chance: options.SecondChance = 4,
    batch_size: options.BatchSize = 16,
) -> None:
    """Repair a folder of texts or a table, however long: a run that was stopped goes on when it is given again.

    The output has the input's columns and "text" (the repair), "edits" and "status"; input columns of these names are
    kept as "source_text" and so on.
    """
    from retranslate.batch.job import Job
    from retranslate.batch.sources import open_source, refuse_output

    margin = options.margin(strict, bold)
    job = Job(open_source(source, column, encoding), output, limit)
    refuse_output(job.source, output)
    make = partial(
        options.corrector, glossary, no_default_glossary, no_model, model, device, margin, batch_size, second_chance
    )
    with _engine(engine, make, 1 if dry_run else workers, device) as repairing:
        if dry_run:
            _show_survey(job, job.survey(repairing.signature, fresh))
            return
        started = time.monotonic()
        with _progress() as on_progress:
            try:
                summary = job.run(repairing, fresh=fresh, on_progress=on_progress)
            except KeyboardInterrupt:
                print("retranslate: stopped; give the same command again to go on.", file=sys.stderr)
                raise
    _show_summary(job, summary, on_progress.repaired, time.monotonic() - started)


def _engine(name: EngineName, make: MakeCorrector, workers: int, device: str | None) -> Engine:
    if name is EngineName.ray:
        from retranslate.batch.ray_engine import OnRay

        return OnRay(make, workers, gpu=(device or "").startswith("cuda"))
    if workers > 1:
        from retranslate.batch.workers import Workers

        return Workers(make, workers)
    from retranslate.batch.repairing import InProcess

    return InProcess(make)


class _Progress:
    """Counts the rows that this run repairs, beside those of earlier runs, and shows them on a ``bar``, where there is one."""

    def __init__(self, bar: Progress | None = None) -> None:
        self._bar = bar
        self._started: tuple[float, int] | None = None
        self.repaired = 0

    def __call__(self, done: int, rows: int) -> None:
        now = time.monotonic()
        if self._started is None:
            self._started = (now, done)
            if self._bar is not None:
                # The speed, and the time left, are this run's: what was found done took no time.
                self._bar.add_task("", total=rows, completed=done, speed="")
        started, found = self._started
        self.repaired = done - found
        if self._bar is not None and self.repaired:
            speed = f"{self.repaired / max(now - started, 1e-9):,.1f} rows/s"
            self._bar.update(self._bar.task_ids[0], completed=done, speed=speed)


@contextmanager
def _progress() -> Iterator[_Progress]:
    """A bar on standard error, when that is a terminal, with rows a second and the time left."""
    if not sys.stderr.isatty():
        yield _Progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn())
    # Shards come in bursts: the time left is judged by the last ten minutes.
    with Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=600) as bar:
        yield _Progress(bar)


def _show_survey(job: Job, survey: Survey) -> None:
    print(f"{survey.rows:,} rows, {survey.bad:,} of them without a text that can be repaired")
    print(f"{survey.done:,} done by an earlier run, {survey.rows - survey.done:,} to do")
    for place in job.source.parts(job.output).values():
        print(f"would write {place}")


def _show_summary(job: Job, summary: Summary, repaired: int, seconds: float) -> None:
    statuses = ", ".join(f"{count:,} {status}" for status, count in summary.statuses.items())
    print(f"{summary.rows:,} rows: {statuses}")
    print(f"edits: {', '.join(f'{count:,} {kind}' for kind, count in summary.edits.items())}")
    if repaired:
        print(f"this run: {repaired:,} rows in {seconds:,.1f} s, {repaired / max(seconds, 1e-9):,.1f} rows/s")
    else:
        print("this run: nothing was left to do")
    for key, status in summary.errors:
        print(f"  {key}: {status}")
    if summary.statuses["error"] > len(summary.errors):
        print(f"  and {summary.statuses['error'] - len(summary.errors):,} more: see the column 'status'")
    for place in job.source.parts(job.output).values():
        print(f"written: {place}")
