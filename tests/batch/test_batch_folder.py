"""Folders: the tree is kept; what is no text in it is copied, and nothing is read or written through a link."""

from __future__ import annotations

import codecs
import gzip
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from batch_runs import GARBLED, REPAIRED, run, tree, write_folder

import retranslate.batch.folder as folder_module
from retranslate.errors import InputError


def receipts(output: Path) -> dict[str, dict[str, Any]]:
    lines = output.with_name(f"{output.name}.receipts.jsonl").read_text("utf-8").splitlines()
    return {record["file"]: record for record in map(json.loads, lines)}


def test_the_tree_is_kept_and_every_file_has_a_receipt(tmp_path: Path) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    (source / "a" / "empty").mkdir(parents=True)
    (source / "a" / "one.txt").write_bytes(f"{GARBLED}\r\n".encode())
    (source / "a" / "two").write_bytes(codecs.BOM_UTF8 + GARBLED.encode())
    (source / "clean.txt.gz").write_bytes(gzip.compress(b"It is over.\n"))
    (source / "garbled.txt.gz").write_bytes(gzip.compress(GARBLED.encode()))
    (source / "picture.png").write_bytes(b"\x89PNG\xff")
    (source / "table.csv").write_text(GARBLED, "utf-8")
    (source / "broken.gz").write_bytes(gzip.compress(b"x" * 1000)[:-9])
    os.chmod(source / "a" / "one.txt", 0o640)
    summary = run(source, output)
    after = tree(output)
    assert after.keys() == tree(source).keys()
    assert (output / "a" / "empty").is_dir()
    assert after["a/one.txt"] == f"{REPAIRED}\r\n".encode()
    assert stat.S_IMODE((output / "a" / "one.txt").stat().st_mode) == 0o640
    assert after["a/two"] == codecs.BOM_UTF8 + REPAIRED.encode()
    assert gzip.decompress(after["garbled.txt.gz"]) == REPAIRED.encode()
    for name in ("clean.txt.gz", "picture.png", "table.csv", "broken.gz"):
        assert after[name] == (source / name).read_bytes()
    statuses = {name: record["status"] for name, record in receipts(output).items()}
    assert list(statuses) == [
        "broken.gz",
        "clean.txt.gz",
        "garbled.txt.gz",
        "picture.png",
        "table.csv",
        "a/one.txt",
        "a/two",
    ]
    assert statuses["a/one.txt"] == statuses["a/two"] == statuses["garbled.txt.gz"] == "changed"
    assert statuses["clean.txt.gz"] == "unchanged"
    assert statuses["picture.png"] == "error: byte 0 (0x89) is not utf-8"
    assert statuses["table.csv"].startswith("error: a table (.csv), no text")
    assert statuses["broken.gz"].startswith("error: a broken gzip file")
    assert receipts(output)["a/one.txt"]["edits"][0]["original"] == "Daash"
    assert summary.statuses == {"changed": 3, "unchanged": 1, "refused": 0, "error": 3}


def test_links_are_followed_inside_of_the_folder_only(tmp_path: Path) -> None:
    source, output, secret = tmp_path / "in", tmp_path / "out", tmp_path / "secret"
    (source / "sub").mkdir(parents=True)
    secret.mkdir()
    (secret / "key").write_text("secret", "utf-8")
    (source / "one.txt").write_text(GARBLED, "utf-8")
    (source / "inside").symlink_to("one.txt")
    (source / "outside").symlink_to(secret / "key")
    (source / "folder").symlink_to(secret)
    (source / "nowhere").symlink_to("missing")
    (source / "sub" / "loop").symlink_to(source)
    os.mkfifo(source / "pipe")
    run(source, output)
    assert tree(output) == {"one.txt": REPAIRED.encode(), "inside": REPAIRED.encode()}
    assert not any(path.is_symlink() for path in output.rglob("*"))
    left_out = {name for name, record in receipts(output).items() if record["status"].endswith("left out")}
    assert left_out == {"outside", "folder", "nowhere", "sub/loop", "pipe"}


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    name = os.fsdecode(b"caf\xe9.txt")
    (source / name).write_text(GARBLED, "utf-8")
    run(source, output)
    assert (output / name).read_text("utf-8") == REPAIRED
    assert receipts(output).keys() == {name}


def test_a_file_too_large_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "MAX_ROW_BYTES", 100)
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "bomb.gz").write_bytes(gzip.compress(bytes(100_000)))
    (source / "large.txt").write_text(GARBLED * 100, "utf-8")
    run(source, output)
    assert tree(output) == tree(source)
    assert all("longer than" in record["status"] for record in receipts(output).values())


def test_another_encoding_comes_back_in_it_or_not_at_all(tmp_path: Path) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "a.txt").write_bytes(f"{GARBLED} café".encode("latin-1"))
    run(source, output, encoding="latin-1")
    assert tree(output) == {"a.txt": f"{REPAIRED} café".encode("latin-1")}
    with pytest.raises(InputError, match="no such encoding"):
        run(source, tmp_path / "other", encoding="klingon")


def test_a_repair_that_the_encoding_cannot_hold_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "a.txt").write_text(GARBLED, "ascii")
    monkeypatch.setattr(folder_module, "repaired_text", lambda row, outcome: "é")
    run(source, output, encoding="ascii")
    assert tree(output) == tree(source)
    assert receipts(output)["a.txt"]["status"].startswith("error: the repaired text has 'é', which ascii cannot hold")


def test_the_first_files_only(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "in", 20)
    run(source, tmp_path / "out", limit=5)
    assert len(tree(tmp_path / "out")) == 5


def test_a_file_changed_under_the_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_folder(tmp_path / "in", 5)
    write = folder_module.Folder.write

    def late(self: Any, *args: Any) -> None:
        (source / "year0" / "month0" / "page0.txt").write_text("other", "utf-8")
        write(self, *args)

    monkeypatch.setattr(folder_module.Folder, "write", late)
    with pytest.raises(InputError, match="the input changed while it was worked on, at row year0/month0/page0"):
        run(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
