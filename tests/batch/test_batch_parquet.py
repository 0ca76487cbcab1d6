"""Parquet: by row groups, every column kept with its type."""

from __future__ import annotations

import errno
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from batch_runs import GARBLED, REPAIRED, run

import retranslate.batch.parquet as parquet
from retranslate.batch import open_source
from retranslate.errors import InputError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def table(texts: Any, **columns: Any) -> Any:
    return pa.table({**columns, "text": texts})


def write(path: Path, data: Any, row_group_size: int = 3, **options: Any) -> Path:
    pq.write_table(data, path, row_group_size=row_group_size, **options)
    return path


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_columns_stay_and_the_repair_stands_beside_them(tmp_path: Path, kind: Any) -> None:
    texts = pa.array([GARBLED, None, "It is over."] * 3, pa.string()).cast(kind)
    days = pa.array(range(9), pa.timestamp("us", "UTC"))
    lists = pa.array([[n] * n for n in range(9)])
    before = table(texts, day=days, tags=lists).replace_schema_metadata({"made by": "us"})
    run(write(tmp_path / "in.parquet", before, 4), tmp_path / "out.parquet")
    after = pq.read_table(tmp_path / "out.parquet")
    assert after.column_names == ["day", "tags", "source_text", "text", "edits", "status"]
    assert after.select(["day", "tags", "source_text"]).equals(before.rename_columns(["day", "tags", "source_text"]))
    assert after.schema.metadata[b"made by"] == b"us"
    assert after["text"].to_pylist() == [REPAIRED, None, "It is over."] * 3
    assert after["status"].to_pylist() == ["changed", "error: 'text' is null", "unchanged"] * 3
    assert json.loads(after["edits"][0].as_py())[0]["original"] == "Daash"


def test_row_groups_and_compression_stay(tmp_path: Path) -> None:
    path = write(tmp_path / "in.parquet", table([str(n) for n in range(10)]), 4, compression="zstd")
    run(path, tmp_path / "out.parquet")
    metadata = pq.ParquetFile(tmp_path / "out.parquet").metadata
    assert [metadata.row_group(group).num_rows for group in range(3)] == [4, 4, 2]
    assert {metadata.row_group(0).column(n).compression for n in range(4)} == {"ZSTD"}


def test_one_text_that_is_not_utf8_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    broken = pa.Array.from_buffers(pa.string(), 3, pa.array([b"a", b"\xff", GARBLED.encode()]).buffers())
    run(write(tmp_path / "in.parquet", table(broken)), tmp_path / "out.parquet")
    after = pq.read_table(tmp_path / "out.parquet")
    assert after["text"].to_pylist() == ["a", None, REPAIRED]
    assert after["status"].to_pylist() == ["unchanged", "error: byte 1 is not UTF-8", "changed"]
    assert after["source_text"].cast(pa.binary()).to_pylist() == [b"a", b"\xff", GARBLED.encode()]


def test_large_row_groups_are_read_and_written_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "READ_ROWS", 10)
    monkeypatch.setattr(parquet, "WRITE_BYTES", 1000)
    path = write(tmp_path / "in.parquet", table([f"Road {n}." for n in range(100)]), 100)
    run(path, tmp_path / "out.parquet")
    assert pq.ParquetFile(tmp_path / "out.parquet").num_row_groups > 1
    assert pq.read_table(tmp_path / "out.parquet")["text"].to_pylist() == [f"Road {n}." for n in range(100)]


@pytest.mark.parametrize("limit", [1, 3, 4, 7, 50])
def test_the_first_rows_only(tmp_path: Path, limit: int) -> None:
    path = write(tmp_path / "in.parquet", table([str(n) for n in range(7)]))
    run(path, tmp_path / "out.parquet", limit=limit)
    assert pq.read_table(tmp_path / "out.parquet")["text"].to_pylist() == [str(n) for n in range(7)][:limit]


def test_an_empty_table(tmp_path: Path) -> None:
    run(
        write(tmp_path / "in.parquet", table(pa.array([], pa.string()), n=pa.array([], pa.int8()))),
        tmp_path / "o.parquet",
    )
    after = pq.read_table(tmp_path / "o.parquet")
    assert (after.num_rows, after.column_names) == (0, ["n", "source_text", "text", "edits", "status"])


def test_gzip_of_it(tmp_path: Path) -> None:
    plain = write(tmp_path / "in.parquet", table([GARBLED]))
    (tmp_path / "in.parquet.gz").write_bytes(gzip.compress(plain.read_bytes()))
    run(tmp_path / "in.parquet.gz", tmp_path / "out.parquet.gz")
    run(plain, tmp_path / "out.parquet")
    assert gzip.decompress((tmp_path / "out.parquet.gz").read_bytes()) == (tmp_path / "out.parquet").read_bytes()


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("in.parquet", b"", "not a Parquet file that can be read"),
        ("in.parquet", b"PAR1" + b"x" * 100 + b"PAR1", "not a Parquet file that can be read"),
        ("in.parquet.gz", b"abc", "a broken gzip file"),
        ("in.parquet.gz", gzip.compress(bytes(2_000_000)), "unzips to more than 100 times its size"),
    ],
)
def test_a_broken_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, message: str
) -> None:
    monkeypatch.setattr(parquet, "MAX_ROW_BYTES", 1000)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message):
        run(tmp_path / name, tmp_path / "out.parquet")


def test_a_column_without_texts_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "in.parquet", pa.table({"n": [1]}))
    with pytest.raises(InputError, match="no column 'text'; there are: n; name one with --column"):
        run(path, tmp_path / "out.parquet")
    with pytest.raises(InputError, match="column 'n' holds int64, not texts"):
        run(path, tmp_path / "out.parquet", column="n")


def test_a_disk_that_is_full_is_not_taken_for_a_broken_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, *args: object, **options: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    path = write(tmp_path / "in.parquet", table([GARBLED]))
    monkeypatch.setattr(pq, "ParquetWriter", Full)
    with pytest.raises(Exception, match="No space left on device; what was done so far is kept") as caught:
        run(path, tmp_path / "out.parquet")
    assert not isinstance(caught.value, InputError)


def test_without_pyarrow_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "in.parquet", table([GARBLED]))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.delattr(pa, "parquet")
    with pytest.raises(
        InputError, match=r"Parquet needs pyarrow; install the extra: pip install 'retranslate\[batch\]'"
    ):
        open_source(path)
