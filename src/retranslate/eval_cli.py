"""``retranslate eval``: parse, call, print."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retranslate.errors import InputError

if TYPE_CHECKING:
    from retranslate.evaluation.scoring import Scores, System


class TableFormat(StrEnum):
    """How scores are printed."""

    md = "md"
    json = "json"


def evaluate(
    sets: Annotated[
        list[Path] | None, typer.Argument(metavar="[SET]...", help="Sets: .jsonl or .tsv, or .gz of them.")
    ] = None,
    source: Annotated[Path | None, typer.Option("--source", help="A text file of source segments, one a line.")] = None,
    reference: Annotated[
        list[Path] | None, typer.Option("--reference", help="Its references, line by line; repeatable.")
    ] = None,
    hypothesis: Annotated[
        list[str] | None,
        typer.Option("--hypothesis", metavar="[NAME=]FILE", help="Outputs made elsewhere; repeatable."),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="DIR_OR_ID", help="Another model.")] = None,
    no_model: Annotated[bool, typer.Option("--no-model", help="Leave out the systems that need the model.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="The first N segments of each set.")] = None,
    samples: Annotated[
        int, typer.Option("--samples", min=0, help="Bootstrap samples; 0 leaves significance out.")
    ] = 1000,
    format: Annotated[TableFormat, typer.Option("--format", help="What to print.")] = TableFormat.md,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Also write the scores here, as JSON.")] = None,
) -> None:
    """Score repairs against references: do nothing, glossary only, model only and full in one table."""
    from retranslate.evaluation.scoring import Evaluation
    from retranslate.evaluation.sets import read_parallel, read_set
    from retranslate.evaluation.systems import from_file

    loaded = {str(path): read_set(path) for path in sets or []}
    if source is not None:
        if not reference:
            raise InputError("--source needs at least one --reference.")
        loaded[str(source)] = read_parallel(source, reference)
    if not loaded:
        raise InputError("no set given; name a .jsonl or .tsv file, or --source and --reference.")
    systems, signature = _systems(model, no_model)
    for entry in hypothesis or []:
        name, _, path = entry.rpartition("=")
        systems[name or path] = from_file(Path(path))
    evaluation = Evaluation(samples)
    scores = [evaluation.run(systems, segments[:limit], Path(name).name) for name, segments in loaded.items()]
    _print(scores, format)
    if output is not None:
        _write(scores, signature, output)


def _systems(model: str | None, no_model: bool) -> tuple[dict[str, System], str]:
    from retranslate.corrector import Corrector
    from retranslate.evaluation.systems import built_in

    if no_model:
        corrector = Corrector.without_model()
        return {"glossary only": corrector.correct_many}, corrector.signature
    return built_in(model)


def _print(scores: list[Scores], format: TableFormat) -> None:
    if format is TableFormat.json:
        print(json.dumps([score.to_dict() for score in scores], ensure_ascii=False, indent=1))
        return
    for score in scores:
        damaged = score.segments - score.clean
        print(f"\n{score.set_name}: {damaged:,} damaged and {score.clean:,} clean segments\n\n{score}")
    print("\n* not significantly different from do nothing (paired bootstrap, p < 0.05)")


def _write(scores: list[Scores], signature: str, output: Path) -> None:
    from retranslate.files import write_whole

    if output.exists():
        raise InputError(f"{output}: exists; results are never overwritten.")
    record = {"signature": signature, "scores": [score.to_dict() for score in scores]}
    write_whole(output, (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode())
