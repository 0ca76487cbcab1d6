"""A job: begun, stopped at any step, gone on with, refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from batch_runs import GARBLED, make_corrector, run, tree, write_folder, write_json_lines

from conftest import glossary_text
from retranslate.batch import InProcess, Job, Outcome, open_source, rows
from retranslate.batch.durable import remove
from retranslate.batch.repairing import Work
from retranslate.errors import InputError


class Crash(BaseException):
    """The process is gone: nothing catches it, nothing is tidied up."""


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "SHARD_ROWS", 4)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_json_lines(tmp_path / "in.jsonl", [{"text": f"{GARBLED} {n}"} for n in range(18)])


def crashing_at(step: int, patch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Makes the ``step``-th step to the disk the last one: all that follow raise Crash. Says how many there were."""
    taken = 0

    def wrapped(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def step_or_crash(*args: Any, **options: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken > step:
                raise Crash
            return real(*args, **options)

        return step_or_crash

    for name in ("fsync", "replace", "unlink", "mkdir", "rmdir"):
        patch.setattr(os, name, wrapped(name))
    return lambda: taken


@pytest.mark.parametrize("kind", ["table", "folder"])
def test_stopped_after_any_step_to_the_disk_it_ends_with_the_same_bytes(
    tmp_path: Path, kind: str, source: Path
) -> None:
    if kind == "folder":
        source = write_folder(tmp_path / "folder", 10)
    ending = "" if kind == "folder" else ".jsonl"
    run(source, tmp_path / f"whole{ending}")
    place = tmp_path / f"out{ending}"
    with pytest.MonkeyPatch.context() as patch:
        steps = crashing_at(10**9, patch)
        run(source, tmp_path / f"count{ending}")
    assert steps() > 20
    for step in range(steps()):
        with pytest.MonkeyPatch.context() as patch:
            crashing_at(step, patch)
            with pytest.raises(Crash):
                run(source, place)
        summary = run(source, place)
        if kind == "folder":
            assert tree(place) == tree(tmp_path / "whole")
            receipts = place.with_name("out.receipts.jsonl")
            assert receipts.read_bytes() == (tmp_path / "whole.receipts.jsonl").read_bytes()
            assert summary.rows == 10
            receipts.unlink()
        else:
            assert place.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
            assert summary.rows == 18
        journal = place.with_name(f"{place.name}.batch")
        assert sorted(path.name for path in journal.iterdir()) == ["job.json", "lock"]
        for path in (journal, place):
            remove(path)


class Broken(InProcess):
    """An engine that is stopped after so many shards."""

    def __init__(self, make: Any, shards: int) -> None:
        super().__init__(make)
        self.left = shards

    def run(self, work: Work) -> Iterator[tuple[int, list[Outcome]]]:
        for number, outcomes in super().run(work):
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            yield number, outcomes


def begin(source: Path, output: Path, shards: int, limit: int | None = None, **reading: Any) -> None:
    """Begins a job and stops it after so many shards."""
    with pytest.raises(KeyboardInterrupt), Broken(make_corrector(source.parent), shards) as engine:
        Job(open_source(source, **reading), output, limit).run(engine)


def test_what_is_done_is_not_done_again(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    begin(source, output, 2)
    assert not output.exists()
    progress: list[tuple[int, int]] = []
    with InProcess(make_corrector(tmp_path)) as engine:
        job = Job(open_source(source), output)
        assert job.survey(engine.signature).done == 8
        job.run(engine, on_progress=lambda done, rows: progress.append((done, rows)))
        assert job.survey(engine.signature).done == 18
    assert progress == [(8, 18), (12, 18), (16, 18), (18, 18)]


def test_a_damaged_shard_is_made_anew(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "whole.jsonl")
    begin(source, tmp_path / "out.jsonl", 3)
    shard = tmp_path / "out.jsonl.batch" / "shards" / "000000001.jsonl.gz"
    shard.write_bytes(shard.read_bytes()[:30])
    run(source, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_another_input_glossary_or_setting_is_refused_until_told(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    begin(source, output, 2)
    with pytest.raises(InputError, match="differs from this one in: limit; give it the same, begin again with --fresh"):
        run(source, output, limit=3)
    with pytest.raises(InputError, match="differs from this one in: column;"):
        run(source, output, column="body")
    glossary = tmp_path / "own.tsv"
    make = make_corrector(tmp_path)
    glossary.write_text(glossary_text(("Daash", "IS", "fix")), "utf-8")
    with InProcess(make) as engine, pytest.raises(InputError, match="differs from this one in: glossary;"):
        Job(open_source(source), output).run(engine)
    write_json_lines(source, [{"text": GARBLED}])
    with pytest.raises(InputError, match="differs from this one in: input;"):
        run(source, output)
    assert run(source, output, fresh=True).rows == 1
    assert len(output.read_bytes().splitlines()) == 1


def test_a_finished_job_given_again_does_nothing(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    summary = run(source, output)
    inode = output.stat().st_ino
    assert run(source, output) == summary
    assert output.stat().st_ino == inode
    output.unlink()
    with pytest.raises(InputError, match="was made by this very job, but is gone; make it again with --fresh"):
        run(source, output)
    assert run(source, output, fresh=True) == summary


def test_what_no_job_made_is_not_written_over(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text("mine", "utf-8")
    with pytest.raises(InputError, match="exists, and no unfinished run made it; --fresh writes over it"):
        run(source, output)
    assert output.read_text("utf-8") == "mine"
    assert run(source, output, fresh=True).rows == 18
    folder = write_folder(tmp_path / "folder", 3)
    (tmp_path / "tree").mkdir()
    assert run(folder, tmp_path / "tree").rows == 3
    with pytest.raises(InputError, match="a directory that is not empty; take it away, or name another place"):
        run(folder, tmp_path / "tree", fresh=True)


def test_the_summary_counts_rows_edits_and_errors(tmp_path: Path) -> None:
    texts = [GARBLED, "It is over.", 1, 2, 3, 4, 5, 6, f"He pointed Hadi that {GARBLED}"]
    summary = run(write_json_lines(tmp_path / "in.jsonl", [{"text": text} for text in texts]), tmp_path / "out.jsonl")
    assert summary.rows == 9
    assert summary.statuses == {"changed": 2, "unchanged": 1, "refused": 0, "error": 6}
    assert summary.edits["glossary"] == 2
    assert summary.errors == [(str(n), "error: 'text' is no text") for n in range(3, 8)]
    record = json.loads((tmp_path / "out.jsonl.batch" / "job.json").read_text("utf-8"))
    assert record["state"] == "done"
    assert record["about"]["signature"].startswith("retranslate:")


@pytest.mark.parametrize("limit", [1, 4, 5, 100])
def test_the_first_rows_only(source: Path, tmp_path: Path, limit: int) -> None:
    assert run(source, tmp_path / "out.jsonl", limit=limit).rows == min(18, limit)
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == min(18, limit)


def test_an_empty_input_has_an_empty_output(tmp_path: Path) -> None:
    assert run(write_json_lines(tmp_path / "in.jsonl", []), tmp_path / "out.jsonl").rows == 0
    assert (tmp_path / "out.jsonl").read_bytes() == b""
