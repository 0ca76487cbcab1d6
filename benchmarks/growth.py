"""How time and memory grow with the length of a text.

    python benchmarks/growth.py                  # glossary and rules alone, 1 kB to 10 MB
    python benchmarks/growth.py --model 1 10 100 # with the bundled model, sizes in kB
    python benchmarks/growth.py --model --same 10000 # memory alone: ten lines again and again, asked about once a passage
    python benchmarks/growth.py --model --lines news.txt 10000 # sentences of a file, one a line, each of them once
    python benchmarks/growth.py --plot growth.svg # and a picture of it; needs matplotlib

Every text is repaired by a process of its own, as the command line does it; unless told otherwise its sentences are those
of a garbled article with other numbers in each.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

ARTICLE = Path(__file__).parents[1] / "examples" / "garbled_article.txt"


class Reading(NamedTuple):
    """What the repair of a text of ``size`` kB took: seconds on the clock and of the processors, and the most memory in MB."""

    size: int
    clock: float
    processor: float
    memory: float


def main(
    kilobytes: Annotated[list[int] | None, typer.Argument(metavar="[KB]...", help="Sizes of the texts.")] = None,
    model: Annotated[bool, typer.Option("--model", help="With the bundled model.")] = False,
    same: Annotated[bool, typer.Option("--same", help="The article's first lines again and again.")] = False,
    lines: Annotated[
        Path | None, typer.Option("--lines", metavar="FILE", help="The lines of a file, from the first.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw it, as the ending says.")] = None,
) -> None:
    """Prints a table of sizes, times and the most memory that was held."""
    written = partial(_beginning, lines.read_text("utf-8")) if lines is not None else _again if same else _text
    readings = [_read(size, written(size * 1000), model) for size in kilobytes or [1, 10, 100, 1_000, 10_000]]
    table = Table("kB", "clock, s", "CPU, s", "memory, MB")
    for size, clock, processor, memory in readings:
        table.add_row(f"{size:,}", f"{clock:.1f}", f"{processor:.1f}", f"{memory:,.0f}")
    Console().print(table)
    if plot is not None:
        _draw(readings, plot)


def _read(size: int, text: str, model: bool) -> Reading:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "text.txt")
        path.write_text(text, "utf-8")
        command = [sys.executable, "-m", "retranslate", "fix", *([] if model else ["--no-model"]), str(path)]
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        clock = time.perf_counter() - started
    if status:
        raise typer.Exit(1)
    return Reading(
        size, clock, used.ru_utime + used.ru_stime, used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    )


def _draw(readings: Sequence[Reading], path: Path) -> None:
    from matplotlib import pyplot

    sizes = [reading.size for reading in readings]
    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for axis, unit in zip(axes, ("seconds", "memory, MB"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="length of the text, kB", ylabel=unit)
        axis.grid(alpha=0.3)
    axes[0].plot(sizes, [reading.clock for reading in readings], "o-", label="on the clock")
    last = readings[-1]
    axes[0].plot(sizes, [last.clock * size / last.size for size in sizes], ":", color="grey", label="linear")
    axes[0].legend()
    axes[1].plot(sizes, [reading.memory for reading in readings], "o-")
    axes[1].set_ylim(10, 10_000)
    figure.savefig(path)


def _beginning(text: str, length: int) -> str:
    """``text`` up to the last line that ends within ``length`` characters."""
    return text[: text.rfind("\n", 0, length) + 1]


def _again(length: int) -> str:
    """The first ten lines of the article, again and again, until there are ``length`` characters."""
    lines = "".join(ARTICLE.read_text("utf-8").splitlines(keepends=True)[:10])
    return (lines * (length // len(lines) + 1))[:length]


def _text(length: int) -> str:
    """An article after the other, until there are ``length`` characters; no two have a number in common."""
    article = ARTICLE.read_text("utf-8")
    text = ""
    for edition in itertools.count(2):
        if len(text) >= length:
            return text[:length]
        text += re.sub(r"\d+", lambda found, edition=edition: str(int(found.group()) * edition), article) + "\n\n"
    raise AssertionError


if __name__ == "__main__":
    typer.run(main)
