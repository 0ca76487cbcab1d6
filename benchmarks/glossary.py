"""How long a glossary takes to load, and how fast it searches, by its number of rows.

    python benchmarks/glossary.py

The rows are made of invented words; the text is English news of invented content, in which one sentence in ten holds
a term. Both are seeded.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from retranslate.glossary import COLUMNS, Glossary
from retranslate.text import split

PROSE = (
    "The committee said on Tuesday that the road to the port would be repaired before the winter.",
    "Officials in the province counted 1,250 families that had returned to their homes since March.",
    "He added that the talks, which began in the capital last week, had reached no agreement.",
    "A spokesman for the ministry told reporters that the budget would be sent to parliament again.",
)


def main(
    rows: Annotated[list[int] | None, typer.Argument(metavar="[ROWS]...", help="Sizes of the glossaries.")] = None,
    megabytes: Annotated[float, typer.Option(help="Size of the text that is searched.", min=0.1)] = 2.0,
    readings: Annotated[int, typer.Option(help="Times that each figure is taken; the median is shown.", min=1)] = 3,
) -> None:
    """Prints a table of loading time and of searching speed."""
    table = Table("rows", "load, CPU s", "search, MB a CPU second", "terms found")
    for count in rows or [100, 1_000, 10_000, 100_000]:
        lines = list(_lines(count))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "terms.tsv")
            path.write_text("\n".join(lines) + "\n", "utf-8")
            load = _median(lambda path=path: _searchable(path), readings)
            glossary = _searchable(path)
        text = _text([line.split("\t")[0] for line in lines[1:]], int(megabytes * 1e6))
        sentences = [segment.text for segment in split(text)]
        search = _median(lambda glossary=glossary, sentences=sentences: _found(glossary, sentences), readings)
        found = _found(glossary, sentences)
        table.add_row(f"{count:,}", f"{load:.2f}", f"{len(text) / 1e6 / search:.1f}", f"{found:,}")
    Console().print(table)


def _lines(count: int) -> Iterator[str]:
    yield "\t".join(COLUMNS)
    rng = random.Random(count)
    for number in range(count):
        star = "*" if number % 10 == 0 else ""
        near = "parliament|ministry" if number % 3 == 0 else ""
        yield "\t".join((f"{_word(rng)} {_word(rng)}{star}", f"term {number}", "fix", near, "", "keep", ""))


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("bdfklmnrst") + rng.choice("aeiou") for _ in range(rng.randint(2, 4)))


def _text(terms: list[str], size: int) -> str:
    rng = random.Random(size)
    sentences: list[str] = []
    length = 0
    while length < size:
        sentence = rng.choice(PROSE)
        if rng.random() < 0.1:
            sentence = sentence.replace("the ", f"the {rng.choice(terms).rstrip('*')} ", 1)
        sentences.append(sentence)
        length += len(sentence) + 1
    return "\n".join(sentences)


def _searchable(path: Path) -> Glossary:
    glossary = Glossary.load([path], bundled=False)
    glossary.match(PROSE[0])
    return glossary


def _found(glossary: Glossary, sentences: list[str]) -> int:
    return sum(len(glossary.match(sentence)) for sentence in sentences)


def _median(action: Callable[[], object], readings: int) -> float:
    times = []
    for _ in range(readings):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return sorted(times)[len(times) // 2]


if __name__ == "__main__":
    typer.run(main)
