"""How time and memory grow with the length of a text.

    python benchmarks/growth.py                  # glossary and rules alone, 1 kB to 10 MB
    python benchmarks/growth.py --model 1 10 100 # with the bundled model, sizes in kB

Every text is repaired by a process of its own, as the command line does it; its sentences are those of a garbled
article with other names and numbers in each.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

ARTICLE = Path(__file__).parents[1] / "examples" / "garbled_article.txt"


def main(
    kilobytes: Annotated[list[int] | None, typer.Argument(metavar="[KB]...", help="Sizes of the texts.")] = None,
    model: Annotated[bool, typer.Option("--model", help="With the bundled model.")] = False,
) -> None:
    """Prints a table of sizes, times and the most memory that was held."""
    table = Table("kB", "clock, s", "CPU, s", "memory, MB")
    for size in kilobytes or [1, 10, 100, 1_000, 10_000]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "text.txt")
            path.write_text(_text(size * 1000), "utf-8")
            command = [sys.executable, "-m", "retranslate", "fix", *([] if model else ["--no-model"]), str(path)]
            started = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(process.pid, 0)
            clock = time.perf_counter() - started
        if status:
            raise typer.Exit(1)
        memory = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
        table.add_row(f"{size:,}", f"{clock:.1f}", f"{used.ru_utime + used.ru_stime:.1f}", f"{memory:,.0f}")
    Console().print(table)


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
