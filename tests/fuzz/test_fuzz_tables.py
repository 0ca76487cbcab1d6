"""Any file given as a table or a set: it is refused by name, or every row of it comes out."""

from __future__ import annotations

import gzip
import json

import pytest
from fuzzed_tables import try_table
from hypothesis import given
from hypothesis import strategies as st

from hostile import attempt, fuzzed, mangled, texts
from retranslate.errors import InputError
from retranslate.evaluation.sets import read_lines, read_parallel, read_set
from retranslate.files import packed

ROWS = [
    {"id": 1, "text": "The Daash fled.", "more": [1.50, {"a": None}]},
    {"text": "It is\u2028 open. \U0001f600"},
    {"text": None},
]
JSON_LINES = "".join(f"{json.dumps(row, ensure_ascii=False)}\r\n" for row in ROWS).encode()
CSV = b'\xef\xbb\xbfid,text,text2\r\n1,"The ""Daash"" fled,\n today.",\r\n2,Two,x\r\n'
SET = b'{"source": "One.", "reference": "Two.", "tags": ["a"], "must": ["x"]}\n{"source": "C.", "clean": true}\n'


@fuzzed
@given(st.binary(max_size=100) | mangled(JSON_LINES, JSON_LINES.replace(b"\r", b"")))
def test_json_lines(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    rows = try_table(tmp_path_factory.getbasetemp(), "any.jsonl", data)
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert rows == sum(bool(line.strip()) for line in lines) or packed(data)


@fuzzed
@given(st.binary(max_size=60).map(lambda data: b"text,id\n" + data) | mangled(CSV))
def test_csv(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    try_table(tmp_path_factory.getbasetemp(), "any.csv", data)


@fuzzed
@given(
    st.sampled_from(["any.jsonl.gz", "any.csv.gz"]),
    mangled(*map(gzip.compress, (JSON_LINES, CSV))),
)
def test_gzip_of_them(tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes) -> None:
    try_table(tmp_path_factory.getbasetemp(), name, data)


@fuzzed
@given(st.sampled_from(["any.jsonl", "any.tsv", "any.jsonl.gz", "any.tsv.gz"]), st.binary(max_size=100) | mangled(SET, b"One.\tTwo.\tThree.\n", gzip.compress(SET)))  # fmt: skip
def test_sets(tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    bad: list[InputError] = []
    segments = attempt(lambda: read_set(path, bad.append), path)
    if segments is None:
        return
    assert all(segment.references or segment.clean for segment in segments)
    assert all(str(path) in str(error) for error in bad)


@fuzzed
@given(mangled(b"One.\nTwo.\n", b"One.\r\nTwo."), mangled(b"A\nB\n"))
def test_parallel_files_and_hypotheses(tmp_path_factory: pytest.TempPathFactory, ours: bytes, theirs: bytes) -> None:
    paths = [tmp_path_factory.getbasetemp() / name for name in ("any.src", "any.ref")]
    for path, data in zip(paths, (ours, theirs), strict=True):
        path.write_bytes(data)
    lines = attempt(lambda: list(read_lines(paths[0])), *paths)
    segments = attempt(lambda: read_parallel(paths[0], [paths[1]], lambda error: None), *paths)
    if lines is None or segments is None:
        return
    assert all(segment.source == lines[segment.position][1] for segment in segments)


@fuzzed
@given(st.lists(texts, max_size=5))
def test_any_text_goes_through_json_lines_and_csv(
    tmp_path_factory: pytest.TempPathFactory, given_texts: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    as_json = "".join(json.dumps({"text": text}) + "\n" for text in given_texts).encode()
    assert try_table(folder, "texts.jsonl", as_json) == len(given_texts)
    as_csv = b"text\r\n" + b"".join(
        b'"%s"\r\n' % text.replace('"', '""').encode("utf-8", "surrogatepass") for text in given_texts
    )
    assert try_table(folder, "texts.csv", as_csv) == len(given_texts)
