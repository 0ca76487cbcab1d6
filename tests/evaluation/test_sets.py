"""Evaluation sets: what is read, and what a broken file is told."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest

from retranslate.errors import InputError
from retranslate.evaluation.sets import read_parallel, read_set

ENTRY = {"source": "The road open.", "reference": "The road is open."}


def test_a_json_line_becomes_a_segment_with_all_its_fields(tmp_path: Path) -> None:
    entry = {**ENTRY, "id": "a-1", "tags": ["MW"], "must": ["is open"], "must_not": ["road open"], "clean": False}
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(entry) + "\n\n", "utf-8")
    (segment,) = read_set(path)
    assert (segment.id, segment.source, segment.references) == ("a-1", ENTRY["source"], (ENTRY["reference"],))
    assert (segment.tags, segment.must, segment.must_not, segment.clean) == (
        ("MW",),
        ("is open",),
        ("road open",),
        False,
    )


def test_several_references_are_read_and_the_line_number_serves_as_id(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps({"source": "a", "references": ["b", "c"]}), "utf-8")
    (segment,) = read_set(path)
    assert segment.id == "1"
    assert segment.references == ("b", "c")


def test_gzip_and_plain_tsv_give_the_same_segments(tmp_path: Path) -> None:
    data = b"The road open.\tThe road is open.\nHe go.\tHe goes.\n"
    (tmp_path / "set.tsv").write_bytes(data)
    (tmp_path / "set.tsv.gz").write_bytes(gzip.compress(data))
    assert read_set(tmp_path / "set.tsv") == read_set(tmp_path / "set.tsv.gz")
    assert [segment.source for segment in read_set(tmp_path / "set.tsv")] == ["The road open.", "He go."]


@pytest.mark.parametrize(
    ("name", "content", "line", "says"),
    [
        ("a.jsonl", b'{"source": "a", "reference": "b"}\n{broken\n', 2, "not JSON"),
        ("a.jsonl", b'{"reference": "b"}\n', 1, "'source'"),
        ("a.jsonl", b'{"source": "a"}\n', 1, "'reference'"),
        ("a.jsonl", b'{"source": "a", "reference": " "}\n', 1, "empty"),
        ("a.jsonl", b'{"source": "a", "references": ["b", 3]}\n', 1, "'reference'"),
        ("a.jsonl", b'{"source": "a", "reference": "b", "must": "c"}\n', 1, "'must'"),
        ("a.jsonl", b'["a", "b"]\n', 1, "not a JSON object"),
        ("a.jsonl", b'{"source": "\\ud800", "reference": "b"}\n', 1, "surrogate"),
        ("a.jsonl", b"[" * 100_000 + b"\n", 1, "not JSON"),
        ("a.jsonl", b'{"source": "a", "reference": "b", "clean": 1}\n', 1, "'clean'"),
        ("a.jsonl", b'{"source": "a", "reference": "b", "must": [""]}\n', 1, "'must'"),
        ("a.tsv", b"a\tb\nonly one\n", 2, "one column"),
        ("a.tsv", b"a\tb\na\t \n", 2, "empty"),
        ("a.tsv", b"a\tb\n\xff\tb\n", 2, "not UTF-8"),
        ("a.tsv.gz", b"no gzip at all", 1, "cannot be read"),
    ],
)
def test_a_broken_set_is_named_with_its_line(tmp_path: Path, name: str, content: bytes, line: int, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_set(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.tsv", "plain.txt"])
def test_a_missing_or_unknown_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=name):
        read_set(tmp_path / name)


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("\n")
    with pytest.raises(InputError, match="no segment"):
        read_set(tmp_path / "a.tsv")


def test_parallel_files_pair_line_by_line(tmp_path: Path) -> None:
    for name, text in (("s", "one\ntwo\n"), ("r1", "eins\nzwei\n"), ("r2", "uno\ndos\n")):
        (tmp_path / name).write_text(text)
    segments = read_parallel(tmp_path / "s", [tmp_path / "r1", tmp_path / "r2"])
    assert [(segment.source, segment.references) for segment in segments] == [
        ("one", ("eins", "uno")),
        ("two", ("zwei", "dos")),
    ]


def test_unequal_line_counts_are_refused_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("one\ntwo\nthree\n")
    (tmp_path / "r").write_text("eins\n")
    with pytest.raises(InputError, match=r"r:2: 1 lines where .*s has 3"):
        read_parallel(tmp_path / "s", [tmp_path / "r"])
    with pytest.raises(InputError, match=r"s:2: 3 lines where .*r has 1"):
        read_parallel(tmp_path / "r", [tmp_path / "s"])


def test_an_empty_reference_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("one\ntwo\n")
    (tmp_path / "r").write_text("eins\n\n")
    with pytest.raises(InputError, match="r:2: the reference is empty"):
        read_parallel(tmp_path / "s", [tmp_path / "r"])


def test_bad_lines_can_be_taken_and_the_others_keep_their_places(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"source": "a", "reference": "b"}\n\n{broken\n\xff\n{"source": "c", "reference": "d"}\n')
    bad: list[InputError] = []
    segments = read_set(path, bad.append)
    assert [segment.position for segment in segments] == [0, 3]
    assert [str(error).split(":")[1] for error in bad] == ["3", "4"]


def test_bad_lines_of_parallel_files_can_be_taken(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("one\ntwo\nthree\n")
    (tmp_path / "r").write_text("eins\n \ndrei\n")
    bad: list[InputError] = []
    assert [segment.position for segment in read_parallel(tmp_path / "s", [tmp_path / "r"], bad.append)] == [0, 2]
    assert len(bad) == 1


def test_a_clean_segment_is_its_own_reference(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"source": "a", "clean": true}\n')
    assert read_set(path)[0].references == ("a",)


@pytest.mark.parametrize("content", [b'{"source": "a", "reference": "b"}\n', b"a\tb\n"])
def test_standard_input_is_json_lines_or_tsv(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    (segment,) = read_set(Path("-"))
    assert (segment.source, segment.references) == ("a", ("b",))


def test_gzip_that_ends_too_early_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(b"a\tb\n" * 500)[:-12])
    with pytest.raises(InputError, match=r"a\.tsv\.gz:\d+: cannot be read"):
        read_set(tmp_path / "a.tsv.gz")
