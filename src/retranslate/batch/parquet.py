"""Parquet files, by row groups. Needs pyarrow: the extra ``[batch]``."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retranslate.batch.durable import new_file
from retranslate.batch.reading import Table, is_gzip, opened
from retranslate.batch.rows import MAX_ROW_BYTES, OUTPUT_COLUMNS, Outcome, Row, column_names, paired, repaired_text
from retranslate.errors import InputError, first_line

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

READ_ROWS = 1024
WRITE_BYTES = 64 * 1024 * 1024
"""Rows are written as a row group when they take as much memory, or when a row group of the input ends."""
MOST_UNZIPPED = 100


@dataclass(frozen=True)
class Parquet(Table):
    """A Parquet file whose column ``column``, of texts, is to be repaired."""

    def __post_init__(self) -> None:
        try:
            import pyarrow.parquet  # noqa: F401
        except ModuleNotFoundError as error:
            raise InputError(
                f"{self.path}: Parquet needs pyarrow; install the extra: pip install 'retranslate[batch]' (or pyarrow itself)."
            ) from error

    def rows(self) -> Iterator[Row]:
        """The rows in order."""
        with self._file() as file:
            number = 0
            for group in range(file.num_row_groups):
                for batch in self._batches(file, group, [self.column]):
                    for row in _rows(batch.column(0), self.column, number):
                        number += 1
                        yield row

    def write(self, outcomes: Iterable[Outcome], folder: Path, output: Path) -> None:
        """Writes the repaired table into ``folder``, with the compression of each of its columns."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        remaining = iter(outcomes)
        with self._file() as file, new_file(folder / "table", zipped=is_gzip(output)) as stream:
            schema = _output_schema(file.schema_arrow)
            with pq.ParquetWriter(stream, schema, compression=_compression(file, schema)) as writer:
                for tables in self._output_tables(file, remaining, schema):
                    writer.write_table(pa.concat_tables(tables))

    def _output_tables(
        self, file: pq.ParquetFile, outcomes: Iterator[Outcome], schema: pa.Schema
    ) -> Iterator[list[pa.Table]]:
        """The tables that make a row group each."""
        number = 0
        for group in range(file.num_row_groups):
            waiting: list[pa.Table] = []
            for batch in self._batches(file, group):
                rows = list(_rows(batch.column(batch.schema.names.index(self.column)), self.column, number))
                number += len(rows)
                table = _output_table(batch, rows, outcomes, schema)
                waiting += [table] if table.num_rows else []
                if sum(table.nbytes for table in waiting) >= WRITE_BYTES:
                    yield waiting
                    waiting = []
                if table.num_rows < len(rows):  # --limit
                    break
            if waiting:
                yield waiting

    @contextlib.contextmanager
    def _file(self) -> Iterator[pq.ParquetFile]:
        import pyarrow.parquet as pq

        with _seekable(self.path) as source:
            with self._told():
                file = pq.ParquetFile(source)
            with file:
                self._refuse_column(file.schema_arrow)
                yield file

    def _batches(self, file: pq.ParquetFile, group: int, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        with self._told():
            yield from file.iter_batches(READ_ROWS, [group], columns)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        import pyarrow as pa

        try:
            yield
        except FileNotFoundError as error:
            raise InputError(f"{self.path}: no such file.") from error
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path}: not a Parquet file that can be read: {first_line(error)}") from error

    def _refuse_column(self, schema: pa.Schema) -> None:
        import pyarrow as pa

        if self.column not in schema.names:
            raise InputError(
                f"{self.path}: no column {self.column!r}; there are: {', '.join(schema.names)}; name one with --column."
            )
        kind = schema.field(self.column).type
        plain = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_string_view(plain)):
            raise InputError(
                f"{self.path}: column {self.column!r} holds {kind}, not texts; name another with --column."
            )


@contextlib.contextmanager
def _seekable(path: Path) -> Iterator[Any]:
    """The file; a zipped one in a temporary copy, since Parquet is read from its end."""
    if not is_gzip(path):
        yield path
        return
    with tempfile.TemporaryFile() as copy:
        with opened(path) as stream:
            while part := stream.read(1 << 20):
                copy.write(part)
                if copy.tell() > MAX_ROW_BYTES + MOST_UNZIPPED * path.stat().st_size:
                    raise InputError(
                        f"{path}: unzips to more than {MOST_UNZIPPED} times its size, as no Parquet file does; it is not read."
                    )
        copy.seek(0)
        yield copy


def _rows(column: pa.Array, name: str, before: int) -> Iterator[Row]:
    import pyarrow as pa

    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    # As bytes: one text that is not UTF-8 must not take the others with it.
    for number, value in enumerate(plain.cast(pa.large_string()).cast(pa.large_binary()).to_pylist(), start=before + 1):
        yield _row(str(number), value, name)


def _row(key: str, value: bytes | None, name: str) -> Row:
    if value is None:
        return Row(key, None, f"{name!r} is null")
    if len(value) > MAX_ROW_BYTES:
        return Row(key, None, f"longer than {MAX_ROW_BYTES >> 20} MiB")
    try:
        return Row(key, value.decode())
    except UnicodeDecodeError as error:
        return Row(key, None, f"byte {error.start + 1} is not UTF-8")


def _output_schema(schema: pa.Schema) -> pa.Schema:
    import pyarrow as pa

    names = column_names(schema.names)
    fields = [field.with_name(name) for field, name in zip(schema, names, strict=True)]
    return pa.schema([*fields, *(pa.field(name, pa.string()) for name in OUTPUT_COLUMNS)], schema.metadata)


def _output_table(batch: pa.RecordBatch, rows: list[Row], outcomes: Iterator[Outcome], schema: pa.Schema) -> pa.Table:
    """The batch, or as much of it as there are outcomes, with the new columns."""
    import pyarrow as pa

    done = list(paired(((row, row) for row in rows), islice(outcomes, len(rows))))
    new = [
        pa.array([repaired_text(row, outcome) for row, _, outcome in done], pa.string()),
        pa.array([json.dumps(outcome.edits_as_json(), ensure_ascii=False) for _, _, outcome in done], pa.string()),
        pa.array([outcome.status for _, _, outcome in done], pa.string()),
    ]
    return pa.Table.from_arrays([*batch.slice(0, len(done)).columns, *new], schema=schema)


def _compression(file: pq.ParquetFile, schema: pa.Schema) -> str:
    """The compression of the file's first column: one that it was written with can be written."""
    if not file.num_row_groups or not file.metadata.num_columns:
        return "snappy"
    name = str(file.metadata.row_group(0).column(0).compression).lower()
    return "none" if name == "uncompressed" else name
