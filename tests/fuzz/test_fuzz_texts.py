"""Any text, any bytes: a text comes out, every edit is where it says, and the edits make the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile import attempt, fuzzed, fuzzed_with_a_model, in_time, mangled, texts
from retranslate import Corrector
from retranslate.edits import Result, apply
from retranslate.files import read_document
from retranslate.rewriter import Rewriter
from retranslate.text import split, untouchables

ENCODINGS = ("utf-8", "utf-16", "utf-32", "utf-7", "cp1256", "latin-1", "shift_jis", "punycode")
HONEST = ("He said the road is open.\n" * 3).encode()


@pytest.fixture(scope="module")
def corrector() -> Corrector:
    """The bundled glossaries, their dictionary loaded."""
    made = Corrector.without_model()
    made("He pointed Hadi that elements of Daash fled.")
    return made


@fuzzed
@given(st.binary(max_size=200) | mangled(HONEST, HONEST.decode().encode("utf-16")), st.sampled_from(ENCODINGS))
def test_bytes_are_read_exactly_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, encoding: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(data)
    document = attempt(lambda: read_document(str(path), encoding), path)
    if document is None:
        return
    assert document.encoding not in ("utf-8", "latin-1") or document.encode(document.text) == data


@fuzzed
@given(texts)
def test_segments_slice_and_rejoin(text: str) -> None:
    with in_time():
        segments = split(text)
        spans = untouchables(text)
    assert "".join(segment.text for segment in segments) == text
    assert all(text[piece.start : piece.end] == piece.text for piece in (*segments, *spans))


def check(text: str, result: Result) -> None:
    """What holds of every result."""
    assert all(text[edit.start : edit.end] == edit.original for edit in result.edits)
    assert all(text[segment.start : segment.end] == segment.original for segment in result.segments)
    assert apply(text, result.edits) == result.text
    assert (result.text == text) == (not result.edits)


@fuzzed
@given(texts)
def test_the_bundled_glossary_and_the_rules_survive_any_text(corrector: Corrector, text: str) -> None:
    with in_time():
        result = corrector(text)
    check(text, result)


@fuzzed_with_a_model
@given(texts)
def test_a_model_survives_any_text(corrector: Corrector, tiny_rewriter: Rewriter, text: str) -> None:
    with in_time():
        result = Corrector(corrector.glossary, tiny_rewriter)(text)
    check(text, result)
