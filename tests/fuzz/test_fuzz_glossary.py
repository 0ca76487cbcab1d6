"""Any file given as a glossary is read or refused by name, and what was read matches where it says."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import glossary_text
from hostile import FRAGMENTS, attempt, fuzzed, in_time, mangled, texts
from retranslate import Corrector, Glossary
from retranslate.edits import apply
from retranslate.glossary import COLUMNS
from retranslate.glossary_check import check

HONEST = glossary_text(
    ("element* of", "fighter* of | member* of", "fix", "fled | group*", "chemical"),
    ("strings", "leads", "hint", "police", "guitar", "exact", "a note"),
    ("Hit", "", "keep", "", "", "exact"),
    ("crowd*", "", "forbid"),
).encode()

cells = st.one_of(
    st.lists(st.sampled_from([*FRAGMENTS, "element*", "a", "*", "|", "an ", "MP*"]), max_size=5).map("".join),
    st.text(st.characters(exclude_characters="\t\n\0", codec="utf-8"), max_size=8),
)
rows = st.tuples(cells, cells, st.sampled_from(["fix", "hint", "keep", "forbid"]), cells, cells, st.sampled_from(["keep", "exact"]), cells)  # fmt: skip


def written(path: Path, cells_of_rows: list[tuple[str, ...]]) -> Path:
    """A glossary file with these rows, in which no cell breaks out of its place."""
    lines = ["\t".join(COLUMNS)]
    for row in cells_of_rows:
        lines.append("\t".join(cell.translate({9: None, 10: None, 0: None}) for cell in row))
    path.write_bytes("\n".join(lines).encode("utf-8", "ignore"))
    return path


@pytest.fixture(scope="module", autouse=True)
def dictionary() -> None:
    """Loads the dictionary, which takes seconds."""
    Corrector.without_model()("He pointed Hadi that elements of Daash fled.")


@fuzzed
@given(st.binary(max_size=80) | mangled(HONEST))
def test_a_file_is_read_or_refused_by_name(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.tsv"
    path.write_bytes(data)
    found = attempt(lambda: check([path]), path)
    if found is None:
        return
    with in_time():
        Glossary.load([path], bundled=False).match("The elements of the group fled.")
    assert all(problem.line > 0 for problem in found)


@fuzzed
@given(st.lists(rows, max_size=6), texts, st.data())
def test_any_rows_match_where_they_say(
    tmp_path_factory: pytest.TempPathFactory, given_rows: list[tuple[str, ...]], text: str, data: st.DataObject
) -> None:
    path = written(tmp_path_factory.getbasetemp() / "rows.tsv", given_rows)
    glossary = attempt(lambda: Glossary.load([path], bundled=False), path)
    if glossary is None:  # a row without anything that is wrong
        return
    # Most texts know nothing of these rows: put their words in.
    words = [variant.replace("*", "") for row in glossary.rows for variant in row.wrong]
    said = f"{text} {' '.join(data.draw(st.lists(st.sampled_from(words), max_size=5)))}" if words else text
    with in_time():
        matches = glossary.match(said)
        result = Corrector(glossary, None)(said)
    assert all(said[match.start : match.end] == match.found for match in matches)
    assert all(one.end <= other.start for one, other in pairwise(matches))
    assert apply(said, result.edits) == result.text
