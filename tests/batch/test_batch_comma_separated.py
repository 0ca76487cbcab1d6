"""CSV: cells come back, whatever is in them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from batch_runs import GARBLED, REPAIRED, run, unchanged
from hypothesis import given
from hypothesis import strategies as st

import retranslate.batch.comma_separated as comma_separated
from retranslate.batch.comma_separated import CommaSeparated
from retranslate.errors import InputError

cells = st.text(st.characters(codec="utf-8"), max_size=8)


def written(folder: Path, data: bytes) -> list[list[str]]:
    """The output's records for an input in which nothing is repaired."""
    path, scratch = folder / "in.csv", folder / "table"
    path.write_bytes(data)
    scratch.unlink(missing_ok=True)
    source = CommaSeparated(path, "text")
    source.write(unchanged(source), folder, folder / "out.csv")
    return list(csv.reader(io.StringIO(scratch.read_bytes().decode("utf-8", "surrogateescape"), newline="")))


def spelt(records: list[list[str]]) -> bytes:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerows(records)
    return line.getvalue().encode()


@given(st.lists(st.tuples(cells, cells), max_size=6))
def test_every_cell_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    records = written(tmp_path_factory.getbasetemp(), spelt([["id", "text"], *map(list, rows)]))
    assert records[0] == ["id", "source_text", "text", "edits", "status"]
    assert records[1:] == [[key, text, text, "[]", "unchanged"] for key, text in rows]


def test_the_repair_stands_beside_the_source(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f'id,body\n1,"{GARBLED}"\n', "utf-8")
    run(tmp_path / "in.csv", tmp_path / "out.csv", column="body")
    header, row = csv.reader((tmp_path / "out.csv").read_text("utf-8").splitlines())
    assert header == ["id", "body", "text", "edits", "status"]
    assert row[:3] == ["1", GARBLED, REPAIRED]
    assert json.loads(row[3])[0]["replacement"] == "Daesh"


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_line_ends_and_byte_order_mark_stay(tmp_path: Path, bom: bytes, end: bytes) -> None:
    (tmp_path / "in.csv").write_bytes(bom + b'"text"' + end + b"One." + end)
    run(tmp_path / "in.csv", tmp_path / "out.csv")
    expected = bom + b"source_text,text,edits,status" + end + b"One.,One.,[],unchanged" + end
    assert (tmp_path / "out.csv").read_bytes() == expected


def test_records_of_another_length_are_kept(tmp_path: Path) -> None:
    records = written(tmp_path, b"id,text,z\n1\n2,a,b,c,d\n\n3,a,b\n")
    assert records[1] == ["1", "", "", "", "[]", "error: 1 cells where the header has 3"]
    assert records[2][:5] == ["2", "a", "b", "a", "[]"]
    assert records[2][5] == 'error: 5 cells where the header has 3; the others: ["c", "d"]'
    assert records[3] == ["3", "a", "b", "a", "[]", "unchanged"]


def test_bytes_that_are_not_utf8_stay(tmp_path: Path) -> None:
    records = written(tmp_path, b"text,z\n\xe9t\xe9,1\na,\xff\n")
    assert records[1] == ["\udce9t\udce9", "1", "\udce9t\udce9", "[]", "error: not UTF-8"]
    assert records[2] == ["a", "\udcff", "a", "[]", "unchanged"]


@pytest.mark.parametrize("long", [b"1," + b"b" * 300, b'1,"' + b"b" * 300])
def test_a_record_too_long_to_be_read_is_left_out_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: bytes
) -> None:
    monkeypatch.setattr(comma_separated, "MAX_ROW_BYTES", 100)
    records = written(tmp_path, b"id,text\n0,a\n" + long + b"\n2,c\n")
    assert records[1] == ["0", "a", "a", "[]", "unchanged"]
    assert records[2][-1].startswith("error: longer than")
    assert ["2", "c", "c", "[]", "unchanged"] in records


@pytest.mark.parametrize(("data", "shown"), [(b"", "it is empty"), (b"id,body\n1,a\n", "id, body")])
def test_a_column_that_is_not_there_is_told_before_anything_is_done(tmp_path: Path, data: bytes, shown: str) -> None:
    (tmp_path / "in.csv").write_bytes(data)
    with pytest.raises(InputError, match=f"no column 'text' in the header: {shown}"):
        run(tmp_path / "in.csv", tmp_path / "out.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "own.tsv"]
