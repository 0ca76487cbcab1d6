"""``retranslate fix`` on documents with mark-up: everything that works for text works for them."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest

from retranslate.edits import Edit, apply
from test_cli import assert_refused, fix, own_glossary, write

__all__ = ["own_glossary"]  # the fixture that the tests run in

PAGE = '<p class="Daash">The <b>Daash</b> fled.</p>\r\n<script>Daash</script>\r\n'
WANTED = PAGE.replace("<b>Daash", "<b>Daesh")


def test_the_ending_chooses_the_format() -> None:
    write("a.html", PAGE)
    write("a.md", "`Daash` Daash\n")
    write("a.txt", "`Daash` <b>Daash</b>\n")
    outcome = fix("a.html", "a.md", "a.txt")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.decode() == WANTED + "`Daash` Daesh\n" + "`Daash` <b>Daesh</b>\n"


def test_as_says_it_for_standard_input_and_against_the_ending() -> None:
    assert fix("--as", "html", stdin=PAGE.encode()).out.decode() == WANTED
    assert fix(stdin=PAGE.encode()).out.decode() == PAGE.replace(">Daash", ">Daesh")
    write("a.html", PAGE)
    assert fix("--as", "text", "a.html").out.decode() == PAGE.replace(">Daash", ">Daesh")


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    assert_refused(fix("--as", "docx"), "docx", "html", "markdown", "srt", "vtt", "xliff", "po")


def test_diff_check_and_in_place_go_with_every_format() -> None:
    path = write("a.html", PAGE)
    write("b.html", "<p>It is over.</p>")
    outcome = fix("--diff", "a.html", "b.html")
    assert outcome.code == 1
    assert '+<p class="Daash">The <b>Daesh</b> fled.</p>\r\n' in outcome.out.decode()
    outcome = fix("--check", "a.html", "b.html")
    assert (outcome.code, outcome.out) == (1, b"a.html\n")
    assert fix("--in-place", "a.html", "b.html").code == 0
    assert path.read_bytes() == WANTED.encode()


def test_the_receipt_replays_on_the_file() -> None:
    write("a.html", PAGE)
    record = json.loads(fix("--format", "json", "a.html").out)
    assert record["text"] == WANTED
    assert apply(PAGE, [Edit(**edit) for edit in record["edits"]]) == WANTED
    assert [PAGE[segment["start"] : segment["end"]] for segment in record["segments"]] == ["The <b>Daash</b> fled."]


def test_the_page_of_a_document_shows_its_edits() -> None:
    write("a.html", PAGE)
    assert "Daesh" in fix("--format", "html", "a.html").out.decode()


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE)])
def test_encodings_and_marks_stay(encoding: str, mark: bytes) -> None:
    data = mark + '<?xml version="1.0"?><xliff><target>Daash é</target></xliff>'.encode(encoding)
    write("a.xlf", data)
    named = ("--encoding", "utf-16") if encoding != "utf-8" else ()
    assert fix("a.xlf", *named).out == data.replace("Daash".encode(encoding), "Daesh".encode(encoding))


def test_what_cannot_be_read_stops_everything_and_changes_nothing() -> None:
    good = write("a.html", PAGE)
    bad = write("b.xlf", '<!DOCTYPE x [<!ENTITY a "Daash">]><xliff><target>&a;</target></xliff>')
    assert_refused(fix("--in-place", "a.html", "b.xlf"), "b.xlf: line 1, column", "declares an entity (a)")
    assert good.read_bytes() == PAGE.encode()
    assert b"Daash" in bad.read_bytes()


@pytest.mark.model
def test_the_model_repairs_the_words_of_a_page(tmp_path: Path) -> None:
    from retranslate import Corrector
    from retranslate.formats import Kind, correct

    text = '<h1>News</h1>\n<p>Warned the spokesman that\n  the roads is closed. It is <a href="/s">over</a>.</p>\n'
    result = correct(Corrector.from_pretrained(device="cpu"), text, Kind.html)
    assert result.changed
    assert '<a href="/s">' in result.text
    assert result.text.startswith("<h1>News</h1>\n<p>")
    assert apply(text, result.edits) == result.text
