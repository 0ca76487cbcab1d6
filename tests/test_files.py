"""Files are read exactly and written whole or not at all."""

from __future__ import annotations

import codecs
import errno
import io
import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate.errors import InputError, RetranslateError
from retranslate.files import Document, read_document, refuse_unwritable, write_whole

# --- reading ---------------------------------------------------------------------------------------------------------


def _written(folder: Path, data: bytes) -> str:
    path = folder / "text.txt"
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        (b"one\r\ntwo\rthree\n", "utf-8", "one\r\ntwo\rthree\n"),
        (b"", "utf-8", ""),
        (codecs.BOM_UTF8 + b"one", "utf-8", "one"),
        (codecs.BOM_UTF8 + b"one", "utf-8-sig", "one"),
        (b"one", "utf-8-sig", "one"),
        ("بغداد".encode("cp1256"), "cp1256", "بغداد"),
        ("İ\n".encode("utf-16"), "utf-16", "İ\n"),
        (codecs.BOM_UTF16_BE + "İ\n".encode("utf-16-be"), "utf-16", "İ\n"),
        (codecs.BOM_UTF32_LE + "İ\n".encode("utf-32-le"), "UTF-32", "İ\n"),
        (b"\xe9t\xe9", "Latin-1", "été"),
        (b"a\x00b", "utf-8", "a\x00b"),
    ],
)
def test_what_is_read_is_written_back_alike(tmp_path: Path, data: bytes, encoding: str, text: str) -> None:
    document = read_document(_written(tmp_path, data), encoding)
    assert document.text == text
    assert document.encode(document.text) == data


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_every_utf8_text_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    data = text.encode()
    document = read_document(_written(tmp_path_factory.getbasetemp(), data))
    assert document.encode(document.text) == data


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (b"abc\xffdef", "utf-8", r"byte 3 \(0xff\) is not utf-8; name the right one with --encoding"),
        (codecs.BOM_UTF8 + b"abc\xff", "utf-8", r"byte 6 \(0xff\)"),
        ("x".encode("utf-16"), "utf-8", r"begins like UTF-16; give --encoding utf-16"),
        (b"abc\x81", "cp1252", r"byte 3 \(0x81\) is not cp1252"),
    ],
)
def test_an_undecodable_byte_is_named_with_its_offset(tmp_path: Path, data: bytes, encoding: str, message: str) -> None:
    name = _written(tmp_path, data)
    with pytest.raises(InputError, match=message) as caught:
        read_document(name, encoding)
    assert str(caught.value).startswith(name)


@pytest.mark.parametrize("encoding", ["klingon", "base64", "rot13", "hex", "undefined", ""])
def test_what_is_no_text_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(InputError, match="no such encoding"):
        read_document(_written(tmp_path, b"one"), encoding)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.txt: no such file"):
        read_document(str(tmp_path / "missing.txt"))
    with pytest.raises(InputError, match="a directory; give the files in it"):
        read_document(str(tmp_path))
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        read_document("x" * 5000)


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one\r\n")))
    assert read_document("-") == Document("standard input", "one\r\n", "utf-8")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input: closed"):
        read_document("-")


def test_a_character_that_the_encoding_lacks_is_named() -> None:
    with pytest.raises(InputError, match=r"a\.txt: the repaired text has 'ب', which latin-1 cannot hold; write UTF-8"):
        Document("a.txt", "", "latin-1").encode("ب")


# --- writing ---------------------------------------------------------------------------------------------------------


def _leftovers(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith(".")]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_whole(tmp_path / "new.txt", b"one")
    finally:
        os.umask(old)
    assert (tmp_path / "new.txt").read_bytes() == b"one"
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_an_old_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "old.txt"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert _leftovers(tmp_path) == []


def test_a_link_stays_one_and_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    target, link = tmp_path / "sub" / "target.txt", tmp_path / "link.txt"
    target.write_bytes(b"old")
    link.symlink_to(Path("sub") / "target.txt")
    write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_link_to_nothing_makes_its_file(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "target.txt")
    write_whole(link, b"new")
    assert (tmp_path / "target.txt").read_bytes() == b"new"


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(link)
    with pytest.raises(InputError, match=r"link\.txt: cannot be written"):
        write_whole(link, b"new")


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
@pytest.mark.parametrize(
    ("number", "error"),
    [
        *((number, RetranslateError) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)),
        *((number, InputError) for number in (errno.EACCES, errno.EROFS)),
    ],
)
def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int, error: type[Exception]
) -> None:
    path = tmp_path / "old.txt"
    path.write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(RetranslateError, match="nothing was changed") as caught:
        write_whole(path, b"new")
    assert type(caught.value) is error
    assert path.read_bytes() == b"old"
    assert _leftovers(tmp_path) == []


def test_an_interrupted_write_leaves_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "new.txt", b"new")
    assert os.listdir(tmp_path) == []


def test_a_read_only_place_is_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever may do anything can write to a read-only file: what the system would say is simulated.
    path = tmp_path / "old.txt"
    path.write_bytes(b"old")
    for locked in (path, tmp_path):
        monkeypatch.setattr(os, "access", lambda place, mode, locked=locked: Path(place) != locked)
        with pytest.raises(InputError, match=r"old\.txt: read-only; nothing was written"):
            refuse_unwritable(path)
        with pytest.raises(InputError, match="read-only"):
            write_whole(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_directory_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a directory; give a file to write to"):
        write_whole(tmp_path, b"new")
    with pytest.raises(InputError, match=r"there is no directory .*nowhere; make it first"):
        write_whole(tmp_path / "nowhere" / "new.txt", b"new")
    with pytest.raises(InputError, match=r"cannot be written|no directory"):
        refuse_unwritable(Path("x" * 5000))


def test_a_device_is_written_to_and_not_replaced() -> None:
    before = os.stat(os.devnull)
    write_whole(Path(os.devnull), b"new")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode) == stat.S_ISCHR(before.st_mode)
    assert os.stat(os.devnull).st_ino == before.st_ino


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, b"new")
        assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)
