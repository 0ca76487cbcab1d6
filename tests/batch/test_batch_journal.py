"""The journal and what it is written with: whole, or not at all, at whatever moment it ends."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from retranslate.batch import durable
from retranslate.batch.journal import Journal
from retranslate.batch.rows import Outcome
from retranslate.errors import InputError, RetranslateError

OUTCOMES = [Outcome("1", "0" * 16, "unchanged"), Outcome("2", "", "error: \udcff")]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path / "out.batch")
    made.make()
    return made


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_shards_come_back_in_the_order_of_the_rows(journal: Journal) -> None:
    other = [Outcome("3", "", "unchanged")]
    journal.append(1, other)
    journal.append(0, OUTCOMES)
    assert sorted(journal.numbers()) == [0, 1]
    assert list(journal.outcomes()) == [*OUTCOMES, *other]


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-5], lambda data: b"x" + data, lambda data: data[:20] + b"xx" + data[22:]])  # fmt: skip
def test_a_damaged_shard_counts_as_not_there(journal: Journal, damage) -> None:  # type: ignore[no-untyped-def]
    journal.append(0, OUTCOMES)
    (path,) = (journal.folder / "shards").iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert journal.shard(0) is None
    with pytest.raises(InputError, match="damaged; give the same command again"):
        list(journal.outcomes())
    journal.append(0, OUTCOMES)
    assert journal.shard(0) == OUTCOMES


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_full_disk_leaves_the_shards_that_were_there(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    journal.append(0, OUTCOMES)
    before = names(journal.folder)

    def full(*args: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, step, full)
        with pytest.raises(RetranslateError, match="is kept: make room and give the same command again") as caught:
            journal.append(1, OUTCOMES)
    assert not isinstance(caught.value, InputError)
    assert names(journal.folder) == before
    assert list(journal.outcomes()) == OUTCOMES


def test_what_a_killed_run_was_writing_is_swept_away(journal: Journal) -> None:
    journal.append(0, OUTCOMES)
    before = names(journal.folder)
    for folder in (journal.folder, journal.folder / "shards"):
        (folder / ".abc.tmp").write_bytes(b"x")
    journal.sweep()
    assert names(journal.folder) == before


def test_two_runs_do_not_share_a_journal(journal: Journal) -> None:
    with journal.lock(), pytest.raises(InputError, match="another run is at work on this output"):
        journal.lock()
    with journal.lock():
        pass


@pytest.mark.parametrize("name", ["", "shards", "job.json"])
def test_nothing_is_written_through_a_link(tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = tmp_path / "out.batch"
    if name:
        folder.mkdir()
    (folder / name if name else folder).symlink_to(elsewhere)
    with pytest.raises(InputError, match="a link, or with links in it"):
        Journal(folder).make()
    assert names(elsewhere) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 0}', "[" * 100_000])
def test_a_record_that_is_none_is_told(journal: Journal, text: str) -> None:
    (journal.folder / "job.json").write_text(text, "utf-8")
    with pytest.raises(InputError, match="begin again with --fresh"):
        journal.read()


def test_the_record_comes_back(journal: Journal) -> None:
    assert journal.read() is None
    record = journal.record("running", {"signature": "a|b"})
    assert journal.read() == record
    journal.clear()
    assert journal.read() is None


def test_a_file_that_could_not_be_finished_is_not_left(tmp_path: Path) -> None:
    def half() -> None:
        with durable.new_file(tmp_path / "table", zipped=True) as stream:
            stream.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert names(tmp_path) == []


def test_a_zipped_file_depends_on_its_contents_alone(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with durable.new_file(tmp_path / name, zipped=True) as stream:
            stream.write(b"text")
        os.utime(tmp_path / name, (0, 0))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_removing_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    for name in ("gone", "link", "nothing"):
        durable.remove(tmp_path / name)
    assert names(tmp_path) == ["kept", "kept/file"]
