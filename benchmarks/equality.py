"""Whether guided decoding writes, token for token, what the greedy ``generate`` of transformers writes.

    python benchmarks/equality.py article.txt dev.tsv.gz --record equality.jsonl

Each line of a file, of a table its first column, is put to the bundled model twice, in float32: to the model as retranslate
loads and runs it, and to the model as transformers has it. A batch moves the logits a little even in ``generate``, so
what differs is generated once more alone. The outcome of every line is appended to the record; a run that is
stopped goes on where the record ends.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import torch
import transformers
import typer
from decoding import generated, plain_bundled

from retranslate.decoding import Terms
from retranslate.drafting import Task
from retranslate.ragged import read_alone
from retranslate.rewriter import CLOSE_CALL, Request, Rewriter

BLOCK = 64
"""Lines between two entries in the record."""
BATCH = 16

app = typer.Typer(pretty_exceptions_enable=False)


def lines_of(path: Path) -> Iterator[str]:
    """The sentences of a text file or of the first column of a table, packed by gzip or not."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield line.rstrip("\n").partition("\t")[0]


def compare(rewriter: Rewriter, plain: Any, sentences: Sequence[str]) -> list[dict[str, Any]]:
    """What came of each of the ``sentences``."""
    terms = Terms(rewriter._tokenizer.eos_token_id, CLOSE_CALL)
    found: list[dict[str, Any]] = [{"outcome": "too long"} for _ in sentences]
    fitting = [number for number, text in enumerate(sentences) if rewriter.fits(Request(text))]
    order = sorted(fitting, key=lambda number: len(sentences[number]))
    tasks = [rewriter._task(Request(sentences[number])) for number in order]
    ours = {number: answer.ids for number, answer in rewriter._decoded(tasks, BATCH)}
    for start in range(0, len(tasks), BATCH):
        batch = tasks[start : start + BATCH]
        for place, theirs in enumerate(generated(plain, batch, terms, terms.end), start):
            found[order[place]] = outcome(plain, tasks[place], terms, ours[place], theirs)
    return found


def outcome(plain: Any, task: Task, terms: Terms, ours: list[int], theirs: list[int]) -> dict[str, Any]:
    """Same or not; if not, where, by how much the better token led there, and what ``generate`` writes alone."""
    if ours == theirs:
        return {"outcome": "same", "tokens": len(ours), "copy": ours == list(task.source)}
    at = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    best = read_alone(plain, task.prompt, theirs[:at])[-1].topk(2).values
    (alone,) = generated(plain, [task], terms, terms.end)
    return {
        "outcome": "same as alone" if ours == alone else "different",
        "tokens": len(ours), "ours": ours, "theirs": theirs, "at": at, "lead": float(best[0] - best[1]),
    }  # fmt: skip


@app.command()
def main(
    files: Annotated[list[Path], typer.Argument(help="Text files, or tables (.tsv), packed by gzip (.gz) or not.")],
    record: Annotated[Path, typer.Option(help="Where the outcomes are appended, one line of JSON each.")],
    most: Annotated[int | None, typer.Option(help="Compare no more than so many lines of each file.")] = None,
) -> None:
    """Compare, record and sum up."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    done = Counter(json.loads(line)["file"] for line in record.open(encoding="utf-8")) if record.exists() else Counter()
    rewriter, plain = Rewriter.load(device="cpu"), plain_bundled()
    print(f"{rewriter.signature}, torch {torch.__version__}, transformers {transformers.__version__}", flush=True)
    waiting = {path: islice(lines_of(path), done[path.name], most) for path in files}
    # In turns, so that a run that is cut short has something of each file.
    while waiting:
        for path, lines in list(waiting.items()):
            block = list(islice(lines, BLOCK))
            if not block:
                del waiting[path]
                continue
            with record.open("a", encoding="utf-8") as stream:
                for found in compare(rewriter, plain, block):
                    stream.write(json.dumps({"file": path.name, **found}) + "\n")
    sum_up(record)


def sum_up(record: Path) -> None:
    rows = [json.loads(line) for line in record.open(encoding="utf-8")]
    for name in dict.fromkeys(row["file"] for row in rows):
        mine = [row for row in rows if row["file"] == name]
        counts = Counter(row["outcome"] for row in mine)
        copies = sum(row.get("copy", False) for row in mine)
        print(f"{name}: {len(mine)} lines, {dict(counts)}, {copies} of the same copies of their sentence")
        for row in mine:
            if "at" in row:
                print(f"  {row['outcome']}: from token {row['at']} of {row['tokens']}, lead {row['lead']:.2g} logits")


if __name__ == "__main__":
    app()
