"""``retranslate eval`` and ``retranslate eval compare``: parse, call, print."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retranslate import options
from retranslate.errors import InputError
from retranslate.run_by_default import RunByDefault

if TYPE_CHECKING:
    from retranslate.evaluation.results import Comparison
    from retranslate.evaluation.scoring import OnProgress, Scores
    from retranslate.evaluation.sets import EvaluationSegment
    from retranslate.evaluation.systems import System

RESULTS = Path("eval/results")
# From here on, starting more processes pays.
LARGE = 5000


eval_app = typer.Typer(
    cls=RunByDefault, help="Score repairs against references, and compare two runs.", rich_markup_mode=None
)


class TableFormat(StrEnum):
    """How scores are printed."""

    table = "table"
    md = "md"
    json = "json"
    csv = "csv"


class CompareFormat(StrEnum):
    """How a comparison is printed."""

    table = "table"
    json = "json"


@eval_app.command("run")
def evaluate(
    sets: Annotated[
        list[Path] | None, typer.Argument(metavar="[SET]...", help="Sets: .jsonl or .tsv, .gz of them, or '-'.")
    ] = None,
    source: Annotated[Path | None, typer.Option(help="A text file of source segments, one a line.")] = None,
    reference: Annotated[list[Path] | None, typer.Option(help="Its references, line by line; repeatable.")] = None,
    hypothesis: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]FILE", help="Outputs made elsewhere, a line a segment of all sets; repeatable."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]DIR_OR_ID", help="Another model beside the bundled one; repeatable."),
    ] = None,
    no_model: Annotated[bool, typer.Option("--no-model", help="Leave the bundled model out.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="SYSTEM", help="Run this system beside do nothing only; repeatable.")
    ] = None,
    glossary: options.Glossaries = None,
    no_default_glossary: options.NoDefault = False,
    device: options.Device = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The first N segments of each set.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Count bad lines and go on.")] = False,
    samples: Annotated[int, typer.Option(min=0, help="Bootstrap samples; 0: none, and no intervals.")] = 1000,
    trials: Annotated[int, typer.Option(min=0, help="Trials of approximate randomisation; 0: none.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Of both tests.")] = 12345,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes that score; by default by size.")] = None,
    format: Annotated[TableFormat, typer.Option(help="What to print.")] = TableFormat.table,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Print into this file.")] = None,
    most: Annotated[int, typer.Option(min=0, help="How many wins and losses to list.")] = 5,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page to look at.")] = None,
    html_segments: Annotated[int, typer.Option(min=1, help="The page's most segments, the telling first.")] = 1000,
    results: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help=f"Keep the run here; by default in {RESULTS}, where that is."),
    ] = None,
    no_results: Annotated[bool, typer.Option("--no-results", help="Keep no results file.")] = False,
    no_texts: Annotated[bool, typer.Option("--no-texts", help="Keep figures only, for sets not to be shared.")] = False,
    fail_under: Annotated[
        list[str] | None, typer.Option(metavar="FIGURE=BOUND", help="Exit 1 when a figure is under it; repeatable.")
    ] = None,
    fail_over: Annotated[
        list[str] | None, typer.Option(metavar="FIGURE=BOUND", help="Exit 1 when a figure is over it; repeatable.")
    ] = None,
    gate: Annotated[
        str | None, typer.Option(metavar="SYSTEM", help="The system that must pass; default: full.")
    ] = None,
) -> None:
    """Score repairs against references: do nothing, glossary only, model only and full in one table.

    "retranslate eval compare A.json B.json" shows what moved between two runs.
    """
    from retranslate.evaluation.gate import Threshold, failures
    from retranslate.evaluation.scoring import Evaluation
    from retranslate.files import refuse_unwritable, write_whole

    thresholds = [
        *(Threshold.parse(text, "under") for text in fail_under or []),
        *(Threshold.parse(text, "over") for text in fail_over or []),
    ]
    for path in filter(None, (output, html)):
        refuse_unwritable(path)
    loaded, entries = _read_sets(sets or [], source, reference or [], skip_bad)
    hypotheses = _hypotheses(hypothesis or [], loaded, entries)
    glossaries = (glossary or [], no_default_glossary)
    built_in = _built_in(model or [], no_model, glossaries, device, only)
    all_scores = []
    with _progress() as on_progress:
        for name, segments in loaded.items():
            systems = _chosen([*built_in, *hypotheses[name]], only)
            workers = jobs or (os.cpu_count() or 1 if len(segments) >= LARGE else 1)
            evaluation = Evaluation(samples, trials, seed, workers)
            all_scores.append(
                evaluation.run([_limited(system, limit) for system in systems], segments[:limit], name, on_progress)
            )
    shown = _shown(all_scores, format, most, to_file=output is not None)
    if output is not None:
        write_whole(output, shown.encode())
    else:
        sys.stdout.write(shown)
    if html is not None:
        from retranslate.evaluation.report import page

        write_whole(html, page(all_scores, html_segments).encode())
    directory = results or (RESULTS if RESULTS.is_dir() else None)
    if directory is not None and not no_results:
        from retranslate.evaluation.results import write

        kept = write(all_scores, directory, "without texts" if no_texts else "with texts")
        print(f"results: {kept}", file=sys.stderr)
    failed = failures(all_scores, thresholds, gate)
    for line in failed:
        print(f"gate: {line}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


@eval_app.command("compare")
def compare(
    first: Annotated[Path, typer.Argument(metavar="A.json", help="A results file.")],
    second: Annotated[Path, typer.Argument(metavar="B.json", help="A later one.")],
    system: Annotated[str | None, typer.Option(help="Which system; by default full.")] = None,
    format: Annotated[CompareFormat, typer.Option(help="What to print.")] = CompareFormat.table,
    most: Annotated[int, typer.Option(min=0, help="How many segments to list in each direction.")] = 10,
) -> None:
    """Show what moved between two runs, figure by figure and segment by segment."""
    from retranslate.evaluation import results

    comparisons = results.compare(results.read(first), results.read(second), system)
    if format is CompareFormat.json:
        print(json.dumps([each.to_dict() for each in comparisons], ensure_ascii=False, indent=1))
        return
    _show_comparisons(comparisons, most)


# --- Reading -------------------------------------------------------------------------------------------------------


def _read_sets(
    sets: list[Path], source: Path | None, references: list[Path], skip_bad: bool
) -> tuple[dict[str, list[EvaluationSegment]], dict[str, int]]:
    """The segments by set, and the number of entries that each set has, bad ones too."""
    from retranslate.evaluation.sets import STDIN, read_parallel, read_set

    if bool(references) != (source is not None):
        raise InputError("--source and --reference go together; give a file for each.")
    if not sets and source is None:
        raise InputError("no set given; name a .jsonl or .tsv file, or --source and --reference.")
    if sets.count(STDIN) > 1:
        raise InputError("'-' is given twice; standard input can be read only once.")
    bad: list[InputError] = []
    on_bad = bad.append if skip_bad else None
    readers = [(path, partial(read_set, path, on_bad)) for path in sets]
    if source is not None:
        readers.append((source, partial(read_parallel, source, references, on_bad)))
    loaded: dict[str, list[EvaluationSegment]] = {}
    entries: dict[str, int] = {}
    for path, read in readers:
        before = len(bad)
        segments = read()
        name = _unused("stdin" if path == STDIN else path.name, loaded)
        loaded[name], entries[name] = segments, len(segments) + len(bad) - before
    if bad:
        print(f"{len(bad):,} bad lines skipped, the first: {bad[0]}", file=sys.stderr)
    return loaded, entries


def _unused(name: str, taken: dict[str, list[EvaluationSegment]]) -> str:
    number = 1
    while (free := name if number == 1 else f"{name} ({number})") in taken:
        number += 1
    return free


def _hypotheses(
    options: list[str], loaded: dict[str, list[EvaluationSegment]], entries: dict[str, int]
) -> dict[str, list[System]]:
    """The systems made elsewhere, by set: a hypothesis file covers all sets, one after the other."""
    from retranslate.evaluation.systems import HypothesisFile

    files = [HypothesisFile.read(name or Path(path).name, Path(path)) for name, path in map(_named, options)]
    for file in files:
        if len(file.lines) != sum(entries.values()):
            raise InputError(
                f"{file.path}:{min(len(file.lines), sum(entries.values())) + 1}: {len(file.lines):,} lines where the sets have "
                f"{sum(entries.values()):,} segments; a line is a hypothesis."
            )
    found: dict[str, list[System]] = {}
    offset = 0
    for name, segments in loaded.items():
        found[name] = [file.system([segment.position for segment in segments], offset) for file in files]
        offset += entries[name]
    return found


def _named(option: str) -> tuple[str, str]:
    """The name, if any, and the rest of ``NAME=REST``."""
    name, separator, rest = option.partition("=")
    return (name, rest) if separator else ("", option)


# --- Systems -------------------------------------------------------------------------------------------------------


def _built_in(
    models: list[str], no_model: bool, glossaries: tuple[list[Path], bool], device: str | None, only: list[str] | None
) -> list[System]:
    """Glossary only, and model only and full of each model; a model that ``only`` leaves no use for is not loaded."""
    from retranslate.evaluation.systems import FULL, GLOSSARY_ONLY, MODEL_ONLY, built_in, glossary_only
    from retranslate.glossary import Glossary

    chosen: list[tuple[str | None, str]] = [] if no_model else [(None, "")]
    chosen += [(rest, f" {name or Path(rest).name}") for name, rest in map(_named, models)]
    wanted = [
        (path, suffix)
        for path, suffix in chosen
        if only is None or {f"{MODEL_ONLY}{suffix}", f"{FULL}{suffix}"} & set(only)
    ]
    if not wanted and only is not None and GLOSSARY_ONLY not in only:
        return []
    terms = Glossary.load(glossaries[0], bundled=not glossaries[1])
    systems = [glossary_only(terms)]
    for path, suffix in wanted:
        systems += built_in(path, terms, device=device, suffix=suffix)[1:]
    return systems


def _chosen(systems: list[System], only: list[str] | None) -> list[System]:
    if only is None:
        return systems
    from retranslate.evaluation.systems import DO_NOTHING

    unknown = set(only) - {DO_NOTHING} - {system.name for system in systems}
    if unknown:
        there = ", ".join(system.name for system in systems) or "none"
        raise InputError(f"--only {min(unknown)}: no system of that name; there are: {there}.")
    return [system for system in systems if system.name in only]


def _limited(system: System, limit: int | None) -> System:
    """``system`` where a stored one has the outputs of all segments although only the first are asked for."""
    from dataclasses import replace
    from itertools import islice

    if limit is None or system.timed:
        return system
    return replace(system, run=lambda sources: islice(system.run(sources), len(sources)))


@contextmanager
def _progress() -> Iterator[OnProgress | None]:
    """A bar on standard error, when that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def advance(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield advance


# --- Printing ------------------------------------------------------------------------------------------------------


def _shown(all_scores: list[Scores], format: TableFormat, most: int, to_file: bool) -> str:
    from retranslate.evaluation.tables import comma_separated, markdown, terminal

    if format is TableFormat.json:
        return json.dumps([scores.to_dict() for scores in all_scores], ensure_ascii=False, indent=1) + "\n"
    if format is TableFormat.csv:
        return comma_separated(all_scores)
    if format is TableFormat.md:
        return "\n\n".join(map(markdown, all_scores)) + "\n"
    return "".join(terminal(scores, most, colours=False if to_file else None) for scores in all_scores)


def _show_comparisons(comparisons: list[Comparison], most: int) -> None:
    from retranslate.evaluation.tables import terminal_comparison

    for comparison in comparisons:
        sys.stdout.write(terminal_comparison(comparison, most))
