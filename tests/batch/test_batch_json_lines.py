"""JSON lines: what is no text to repair comes back as it was spelt."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest
from batch_runs import GARBLED, REPAIRED, run, unchanged
from hypothesis import given
from hypothesis import strategies as st

import retranslate.batch.json_lines as json_lines
from retranslate.batch.json_lines import JsonLines
from retranslate.files import packed

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


def written(folder: Path, data: bytes, column: str = "text") -> list[bytes]:
    """The output lines for an input in which nothing is repaired."""
    path, scratch = folder / "in.jsonl", folder / "table"
    path.write_bytes(data)
    scratch.unlink(missing_ok=True)
    source = JsonLines(path, column)
    source.write(unchanged(source), folder, folder / "out.jsonl")
    return scratch.read_bytes().splitlines()


def test_the_repair_stands_beside_the_source(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(f'{{"id": 1.50, "text": "{GARBLED}"}}\n', "utf-8")
    run(path, tmp_path / "out.jsonl")
    line = (tmp_path / "out.jsonl").read_text("utf-8")
    assert line.startswith(f'{{"id": 1.50, "source_text": "{GARBLED}", "text": "{REPAIRED}", "edits": [{{"start": 4, ')
    assert line.endswith('"status": "changed"}\n')


def test_a_column_of_another_name_keeps_it(tmp_path: Path) -> None:
    (line,) = written(tmp_path, b'{"body": "One.", "status": 200}', "body")
    assert line == b'{"body": "One.", "source_status": 200, "text": "One.", "edits": [], "status": "unchanged"}'


@given(st.dictionaries(st.text(), json_values, max_size=4), st.booleans())
def test_every_member_comes_back_as_it_was_spelt(
    tmp_path_factory: pytest.TempPathFactory, members: dict[str, object], ascii_only: bool
) -> None:
    spelt = json.dumps(members, ensure_ascii=ascii_only)
    (line,) = written(tmp_path_factory.getbasetemp(), spelt.encode(errors="backslashreplace") + b"\n")
    # parse_float=str: to the last digit.
    before, after = (json.loads(text, parse_float=str, parse_constant=str) for text in (spelt, line))
    for name, value in before.items():
        shown = f"source_{name}" if name in ("text", "edits", "status") and f"source_{name}" not in before else name
        if shown == name and name in ("text", "edits", "status"):
            continue
        assert after[shown] == value


@given(st.binary(max_size=60).filter(lambda data: not packed(data)))
def test_no_line_whatever_is_lost(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    raw = data.replace(b"\n", b" ")
    lines = written(tmp_path_factory.getbasetemp(), raw + b"\n")
    stripped = raw.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
    if not raw.removeprefix(b"\xef\xbb\xbf").strip():
        assert lines == []
        return
    (row,) = map(json.loads, lines)
    kept = row.get("line")
    kept = base64.b64decode(row["line_base64"]) if kept is None else kept.encode()
    assert kept == stripped
    assert row["status"].startswith("error: ")


@pytest.mark.parametrize(
    ("line", "error", "text"),
    [
        (b'{"id": 1}', "no member 'text'", None),
        (b'{"text": null}', "'text' is no text", None),
        (b'{"text": [1.50]}', "'text' is no text", [1.5]),
        (rb'{"text": "a\ud800"}', "'text' has half of a surrogate pair, which is no character", "a\ud800"),
        (b"[1]", "not a JSON object: it does not begin with '{'", None),
        (b'{"text": "a"} b', "not a JSON object: more after the object, at character 14", None),
        (b'{"text" "a"}', "not a JSON object: no name and colon at character 9", None),
        (b'{"text": "a" 1}', "not a JSON object: no comma or '}' at character 14", None),
        (b'{"text": "a",}', "not a JSON object: ", None),
        (b'{"text": ' + b"[" * 100_000 + b"}", "not a JSON object: ", None),
    ],
)
def test_a_bad_line_is_kept_with_its_error(tmp_path: Path, line: bytes, error: str, text: object) -> None:
    (row,) = map(json.loads, written(tmp_path, line))
    assert row["status"].startswith(f"error: {error}")
    assert row["edits"] == []
    assert row["text"] == text


def test_a_line_too_long_to_be_read_does_not_take_the_others_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "MAX_ROW_BYTES", 40)
    lines = b'{"text": "a"}\n{"text": "' + b"b" * 200 + b'"}\n{"text": "c"}\n'
    rows = list(map(json.loads, written(tmp_path, lines)))
    assert [row["text"] for row in rows] == ["a", None, "c"]
    assert rows[1]["status"].startswith("error: longer than")


def test_gzip_in_and_out(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(f'\n{{"text": "{GARBLED}"}}\n\n'.encode()))
    run(tmp_path / "in.jsonl.gz", tmp_path / "out.jsonl.gz")
    run(tmp_path / "in.jsonl.gz", tmp_path / "out.jsonl")
    assert gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()) == (tmp_path / "out.jsonl").read_bytes()
    assert json.loads((tmp_path / "out.jsonl").read_bytes())["text"] == REPAIRED
