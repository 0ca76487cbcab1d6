"""Parquet files that are damaged or lie are refused by name, or every row of them comes out."""

from __future__ import annotations

import gzip
import io

import pytest
from fuzzed_tables import try_table
from hypothesis import given

from hostile import fuzzed, mangled

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def parquet(**options: object) -> bytes:
    """A small Parquet file."""
    stream = io.BytesIO()
    columns = {
        "text": ["The Daash fled.", None, "é" * 50] * 4,
        "n": list(range(12)),
        "nested": [{"a": [1, 2]}, None, {"a": []}] * 4,
    }
    pq.write_table(pa.table(columns), stream, row_group_size=5, **options)
    return stream.getvalue()


PARQUET = (
    parquet(),
    parquet(compression="zstd", use_dictionary=False),
    parquet(compression="none", data_page_version="2.0"),
)


@fuzzed
@given(mangled(*PARQUET))
def test_parquet(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    try_table(tmp_path_factory.getbasetemp(), "any.parquet", data)


@fuzzed
@given(mangled(gzip.compress(PARQUET[0])))
def test_gzip_of_it(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    try_table(tmp_path_factory.getbasetemp(), "any.parquet.gz", data)
