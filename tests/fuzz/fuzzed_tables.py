"""What the fuzz tests of tables share."""

from __future__ import annotations

from pathlib import Path

from hostile import attempt
from retranslate.batch import Outcome, Row, open_source
from retranslate.batch.durable import remove
from retranslate.edits import Edit


def outcome(row: Row) -> Outcome:
    """An outcome for any row; where it has a text, with an edit at its start."""
    if row.text is None:
        return Outcome.failed(row, row.error)
    return Outcome(row.key, row.digest, "changed", (Edit(0, 0, "", "So ", "rule", "a test"),))


def try_table(folder: Path, name: str, data: bytes) -> int | None:
    """Reads a table and writes it; how many rows went through, None where it was refused."""
    path, made, output = folder / name, folder / "table", folder / f"out-{name}"
    path.write_bytes(data)
    remove(made)
    source = open_source(path)

    def go_through() -> int:
        outcomes = [outcome(row) for row in source.rows()]
        source.write(outcomes, folder, output)
        return len(outcomes)

    # What is read of a damaged Parquet file need not be the same twice.
    rows = attempt(go_through, path, "the input changed while it was worked on")
    assert made.exists() == (rows is not None)
    if rows is not None:
        made.rename(output)
        assert len(list(open_source(output).rows())) == rows
    return rows
