"""The check of glossary files: what it finds, and what it is content with."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import glossary_text
from retranslate.glossary_check import check


def problems(tmp_path: Path, *rows: tuple[str, ...]) -> list[tuple[int, str]]:
    path = tmp_path / "checked.tsv"
    path.write_text(glossary_text(*rows), "utf-8")
    found = check([path])
    assert all(str(problem).startswith(f"{path}:{problem.line}: ") for problem in found)
    return [(problem.line, problem.message) for problem in found]


@pytest.mark.parametrize(
    ("rows", "line", "message"),
    [
        ([("red", "blue", "fix"), ("red", "green", "fix")], 3, "'red' conflicts with"),
        ([("red", "blue", "fix"), ("Red", "green", "fix")], 3, "'Red' conflicts with"),
        ([("red", "blue", "fix"), ("red", "blue", "hint")], 3, "'red' conflicts with"),
        ([("element*", "fighter*", "fix"), ("elements", "troops", "fix")], 3, "'elements' conflicts with"),
        ([("red", "blue", "fix", "sky|sea"), ("red", "green", "fix", "sea|sky")], 3, "'red' conflicts with"),
        ([("red", "blue", "fix"), ("red", "blue", "fix")], 3, "'red' repeats"),
        ([("red", "blue", "only-near")], 2, "'only-near' without words in column 'near'"),
        ([("red|red", "blue", "fix")], 2, "'red' stands twice in column 'wrong'"),
        ([("red", "blue", "fix"), ("red", "green", "fix", "sky")], 3, "'red' is never reached"),
        ([("red", "blue", "fix", "sky|sea"), ("red", "green", "fix", "sky")], 3, "'red' is never reached"),
        ([("red", "blue", "fix", "", "x"), ("red", "green", "fix", "", "x|y")], 3, "'red' is never reached"),
        ([("red", "blue", "fix"), ("blue", "green", "fix")], 2, "'blue' would itself be replaced by"),
        (
            [("red", "the blue bird*", "hint"), ("blue", "green", "fix")],
            2,
            "'the blue bird*' would itself be replaced by",
        ),
        ([("red", "old bird*", "fix"), ("birds", "owls", "fix")], 2, "'old bird*' would itself be replaced by"),
        ([("council", "city council", "fix")], 2, "'city council' would itself be replaced by"),
        ([("r\u200bed", "blue", "fix")], 2, "U+200B in column 'wrong'"),
        ([("red", "\u202eblue", "fix")], 2, "U+202E in column 'right'"),
        ([("red", "blue", "fix", "sk\u200fy")], 2, "U+200F in column 'near'"),
        ([("re*d", "blue", "fix")], 2, "one star, at the end of a word"),
        ([("red* bird*", "blue", "fix")], 2, "one star, at the end of a word"),
        ([("* bird", "blue", "fix")], 2, "one star, at the end of a word"),
        (
            [("red", "blue", "fix", "smuggl*")],
            2,
            "a star stands for the inflections of a whole word; write 'smuggle*'?",
        ),
        ([("red", "blue", "fix", "", "old currenc*")], 2, "write 'currency*'?"),
        ([("red", "blue*", "fix")], 2, "'blue*' has a star but no word of column 'wrong' has one"),
    ],
)
def test_the_check_finds(tmp_path: Path, rows: list[tuple[str, ...]], line: int, message: str) -> None:
    found = problems(tmp_path, *rows)
    assert any(at == line and message in told for at, told in found), found


@pytest.mark.parametrize(
    "rows",
    [
        [("red", "blue", "fix", "sky"), ("red", "green", "fix")],
        [("red", "blue", "fix", "sky"), ("red", "green", "fix", "sea")],
        [("red", "bluebird", "fix"), ("blue", "green", "fix")],
        [("red", "blue bird", "fix"), ("blue", "green", "fix", "sky")],
        [("red", "blue bird", "fix"), ("blue", "green", "hint")],
        [("Red", "blue", "fix", "", "", "exact"), ("red", "green", "fix")],
        [("Red", "Rosso", "fix", "", "", "exact"), ("RED", "green", "fix", "", "", "exact")],
        [("isis", "ISIS", "fix", "", "", "exact")],
        [("element*", "fighter*", "fix"), ("elementary", "basic", "fix")],
    ],
)
def test_the_check_is_content_with(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    assert problems(tmp_path, *rows) == []


def test_the_check_takes_several_files_as_one_glossary(tmp_path: Path) -> None:
    first, second = tmp_path / "b.tsv", tmp_path / "a.tsv"
    first.write_text(glossary_text(("red", "blue", "fix")), "utf-8")
    second.write_text(glossary_text(("red", "green", "fix"), ("tall* bird*", "x", "fix")), "utf-8")
    found = check([first, second])
    assert [(problem.source, problem.line) for problem in found] == [(str(second), 2), (str(second), 3)]
    assert f"{first}:2" in found[0].message
