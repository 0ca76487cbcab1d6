"""What is questionable in glossary files: conflicts, cycles, rows that are never reached, characters that nobody sees."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from retranslate import morphology
from retranslate.glossary import Glossary, fold
from retranslate.glossary_file import Row, expand, read_rows, starred

_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something the check found: where, and what to do about it."""

    source: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.message}"


def check(paths: Iterable[str | Path]) -> list[Problem]:
    """Everything questionable in the files at ``paths``, taken together as one glossary.

    Reports conflicting, repeated and shadowed rows, cycles, invisible characters, misplaced stars and starred stems. Raises
    InputError for a file that is no glossary.
    """
    rows = [row for path in paths for row in read_rows(Path(path))]
    problems = [*_spelling_problems(rows), *_overlap_problems(rows), *_cycle_problems(rows)]
    order = {row.source: position for position, row in reversed(list(enumerate(rows)))}
    return sorted(problems, key=lambda problem: (order[problem.source], problem.line))


def _spelling_problems(rows: Sequence[Row]) -> Iterator[Problem]:
    for row in rows:
        for column, options in (
            ("wrong", row.wrong),
            ("right", row.right),
            ("near", row.near),
            ("not_near", row.not_near),
        ):
            for option in options:
                if hidden := _INVISIBLE.search(option):
                    name = f"U+{ord(hidden.group()):04X}"
                    yield Problem(row.source, row.line, f"invisible character {name} in column '{column}'; delete it.")
                if "*" in option and (fault := _star_problem(option)):
                    yield Problem(row.source, row.line, f"{option!r} in column '{column}': {fault}")
            if len(set(options)) < len(options):
                repeated = min(option for option in options if options.count(option) > 1)
                yield Problem(row.source, row.line, f"{repeated!r} stands twice in column '{column}'.")
        if row.mode == "only-near" and not row.near:
            yield Problem(
                row.source, row.line, "'only-near' without words in column 'near'; give some, or make it a hint."
            )
        if row.replaces and not any("*" in wrong for wrong in row.wrong):
            starred = [right for right in row.right if "*" in right]
            if starred:
                yield Problem(row.source, row.line, f"{starred[0]!r} has a star but no word of column 'wrong' has one.")


def _star_problem(option: str) -> str | None:
    if option.count("*") > 1 or re.search(r"(?<!\w)\*|\*\w", option):
        return "one star, at the end of a word, is allowed."
    if whole := _whole_word(option):
        return f"a star stands for the inflections of a whole word; write '{whole}*'?"
    return None


def _whole_word(option: str) -> str | None:
    """What a starred word may have been cut from: "smuggl*" finds no smuggler, as it would where a star means any ending."""
    stem = starred(option)
    if not stem or morphology.is_lemma(stem):
        return None
    return next((whole for whole in (f"{stem}e", f"{stem}y") if morphology.is_lemma(whole)), None)


def _overlap_problems(rows: Sequence[Row]) -> Iterator[Problem]:
    seen: dict[str, list[Row]] = {}
    for row in rows:
        surfaces = [surface.text for variant in dict.fromkeys(row.wrong) for surface in expand(variant)]
        reported: set[Row] = set()
        for text in dict.fromkeys(surfaces):
            key = fold(text)
            # One by one: a thousand rows may have the same words.
            rivals = (rival for rival in seen.get(key, ()) if rival.case == "keep" or text in _exact_texts(rival))
            for rival in rivals:
                message = _overlap(text, rival, row)
                if message and rival not in reported:
                    reported.add(rival)
                    yield Problem(row.source, row.line, message)
                    break
            seen.setdefault(key, []).append(row)


def _exact_texts(row: Row) -> set[str]:
    return {surface.text for variant in row.wrong for surface in expand(variant)}


def _overlap(text: str, earlier: Row, row: Row) -> str | None:
    if earlier is row:
        return None
    if earlier.conditions == row.conditions:
        if (earlier.case, row.case) == ("exact", "keep"):
            return None
        word = "repeats" if (earlier.right, earlier.mode) == (row.right, row.mode) else "conflicts with"
        return f"{text!r} {word} {earlier.place}; keep one of the two."
    near_covered = not earlier.near or (row.near and set(row.near) <= set(earlier.near))
    if (
        near_covered
        and set(earlier.not_near) <= set(row.not_near)
        and not (earlier.case == "exact" and row.case == "keep")
    ):
        return f"{text!r} is never reached: {earlier.place} always comes first."
    return None


def _cycle_problems(rows: Sequence[Row]) -> Iterator[Problem]:
    certain = Glossary(tuple(row for row in rows if row.mode == "fix" and row.right and not row.near))
    for row in rows:
        if not row.replaces:
            continue
        for right in row.right:
            others = [match.row for surface in expand(right) for match in certain.match(surface.text)]
            if others:
                yield Problem(
                    row.source, row.line, f"{right!r} would itself be replaced by {others[0].place}: a cycle."
                )
