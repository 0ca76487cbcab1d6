"""Input that somebody made to do harm, or that an accident made so: each kind once, and what becomes of it."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import retranslate.evaluation.sets as sets
import retranslate.files as files
import retranslate.glossary_file as glossary_file
from conftest import GlossaryMaker, glossary_text
from hostile import in_time
from retranslate import Corrector, Glossary
from retranslate.batch import comma_separated, json_lines, open_source
from retranslate.consistency import misspelt
from retranslate.edits import apply
from retranslate.errors import InputError
from retranslate.evaluation.sets import read_set
from retranslate.files import read_document
from retranslate.glossary_check import check
from retranslate.rewriter import Rewriter
from retranslate.text import MAX_SENTENCE, split, untouchables


@pytest.fixture(scope="module", autouse=True)
def dictionary() -> None:
    """Loads the dictionary, which takes seconds, before any time is taken."""
    Corrector.without_model()("He pointed Hadi that elements of Daash fled.")


# --- characters ------------------------------------------------------------------------------------------------------

STRANGE = {
    "controls": "\x01\x07\x1b[2J",
    "NUL": "\0",
    "bidi override": "\u202e",
    "bidi isolate": "\u2066",
    "zero-width joiner": "\u200d",
    "byte order mark": "\ufeff",
    "tag character": "\U000e0041",
    "escaped byte": "\udc80",
    "half of a pair": "\ud83d",
    "forty accents": "e" + "\u0301" * 40,
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_strange_characters_stay_where_they_are(make_glossary: GlossaryMaker, strange: str) -> None:
    corrector = Corrector.without_model(glossary=make_glossary(("Daash", "Daesh", "fix")))
    text = f"{strange} The Daash {strange} fled.{strange}\n{strange}"
    result = corrector(text)
    assert result.text == text.replace("Daash", "Daesh")
    assert apply(text, result.edits) == result.text


def test_a_row_with_the_mark_of_a_lost_character_does_not_break_on_a_byte_that_was_lost(
    make_glossary: GlossaryMaker,
) -> None:
    corrector = Corrector.without_model(glossary=make_glossary(("caf\ufffd", "cafe", "fix")))
    assert corrector("The caf\udce9 is open.").text == "The cafe is open."


# --- lines and words without an end ----------------------------------------------------------------------------------

ENDLESS = {
    "digits": "0123456789",
    "dots in a word": "a.",
    "at signs": "a@",
    "hyphens": "a-",
    "words": "the elements of Daash fled to the strings, ",
    "no spaces": "elements,Daash,strings,",
    "links": "https://a.b/c Daash ",
    "open quotations": '" Daash said ',
    "brackets": "([{",
}


@pytest.mark.parametrize("unit", ENDLESS.values(), ids=ENDLESS)
def test_a_line_without_an_end_takes_time_by_its_length_alone(make_glossary: GlossaryMaker, unit: str) -> None:
    own = make_glossary(
        ("Daash", "Daesh", "fix"), ("element*", "fighter*", "hint"), ("strings", "leads", "fix", "police")
    )
    corrector = Corrector.without_model(glossary=own)
    text = unit * (60_000 // len(unit))
    with in_time():
        result = corrector(text)
    assert apply(text, result.edits) == result.text == text.replace("Daash", "Daesh")


@pytest.mark.parametrize("unit", ENDLESS.values(), ids=ENDLESS)
def test_no_sentence_is_longer_than_anybody_writes(unit: str) -> None:
    text = unit * 2_000
    pieces = split(text)
    assert "".join(piece.text for piece in pieces) == text
    assert max(len(piece.text) for piece in pieces) <= MAX_SENTENCE


@pytest.mark.parametrize("link", ["https://a.b/" + "elements/" * 500, "`" + "elements of " * 400 + "`"])
def test_a_link_is_not_cut_however_long(make_glossary: GlossaryMaker, link: str) -> None:
    text = f"{'word ' * 390}{link} {'word ' * 500}elements"
    assert link in [span.text for piece in split(text) for span in untouchables(piece.text)]
    corrector = Corrector.without_model(glossary=make_glossary(("elements", "fighters", "fix")))
    assert corrector(text).text == text.removesuffix("elements") + "fighters"


def test_many_names_after_one_title_are_quick() -> None:
    draw = random.Random(3)
    names = ["".join(draw.choices("abcdefghijklmnoprstuvz", k=8)).capitalize() for _ in range(20_000)]
    with in_time():
        assert misspelt([f"Colonel {name} left." for name in names]) == {}


# --- glossaries ------------------------------------------------------------------------------------------------------


def test_a_glossary_of_thirty_thousand_rows(tmp_path: Path) -> None:
    rows = [(f"wrongword{number}", f"rightword{number}", "fix") for number in range(30_000)]
    (tmp_path / "large.tsv").write_text(glossary_text(*rows), "utf-8")
    with in_time():
        glossary = Glossary.load([tmp_path / "large.tsv"], bundled=False)
        (match,) = glossary.match("It is wrongword29999 here.")
    assert match.replacement == "rightword29999"


def test_thousands_of_rows_for_the_same_word(tmp_path: Path) -> None:
    (tmp_path / "same.tsv").write_text(
        glossary_text(*[("strings", f"leads{number}", "fix") for number in range(5_000)]), "utf-8"
    )
    with in_time():
        glossary = Glossary.load([tmp_path / "same.tsv"], bundled=False)
        matches = glossary.match("strings " * 200)
        problems = check([tmp_path / "same.tsv"])
    assert {match.replacement for match in matches} == {"leads0"}
    assert len(problems) == 4_999


# Columns are no patterns; the star alone has a meaning.
@pytest.mark.parametrize(
    "wrong", ["(a+)+$", "(.*)*x", "[", r"\1", "^", "(?:" * 300, "* " + "a" * 998, "a*" * 500, "a" * 999 + "*"]
)
def test_a_pattern_in_a_glossary_is_plain_text(make_glossary: GlossaryMaker, wrong: str) -> None:
    with in_time():
        glossary = make_glossary((wrong, "b", "fix", "", "(x+)+y"))
        assert glossary.match("a" * 5_000 + "!") == []
        if "*" not in wrong:
            assert [match.found for match in glossary.match(f"Is {wrong} there?")] == [wrong]


@pytest.mark.parametrize(
    "wrong", ["a" * 60_000, "a" * 60_000 + "*", "a*" * 20_000, "* " + "a" * 60_000, "b | " + "a" * 1_001]
)
def test_a_wording_longer_than_any_sentence_is_refused(make_glossary: GlossaryMaker, wrong: str) -> None:
    with in_time(), pytest.raises(InputError, match=r"own\.tsv:2: column 'wrong' has [\d,]+ characters in one wording"):
        make_glossary((wrong, "b", "fix"))


def test_other_cells_may_be_long(make_glossary: GlossaryMaker) -> None:
    with in_time():
        glossary = make_glossary(("Daash", "D" * 30_000, "fix", "fled | " + "a" * 20_000 + "*", "b" * 10_000))
        assert [match.replacement for match in glossary.match("Daash fled.")] == ["D" * 30_000]


def test_a_glossary_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glossary_file, "MAX_BYTES", 1_000_000)
    with pytest.raises(InputError, match=r"/dev/zero: more than 0 MiB\. Is this a glossary"):
        Glossary.load(["/dev/zero"])


# --- files that are something else -----------------------------------------------------------------------------------


def zipped() -> bytes:
    """A zip archive whose one member would unpack to a hundred times its size."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("text.txt", "The Daash fled.\n" * 10_000)
    return stream.getvalue()


PACKED = {"gzip": gzip.compress(b"The Daash fled."), "zip": zipped(), "PDF": b"%PDF-1.4\n%\xe2\xe3"}


@pytest.mark.parametrize("data", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_an_archive_is_not_repaired_as_a_text(tmp_path: Path, data: bytes, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.txt: a .*, no text; give what is in it"):
        read_document(str(tmp_path / "a.txt"), encoding)


@pytest.mark.parametrize("data", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet", "set.tsv", "set.jsonl"])
def test_an_archive_is_no_table_and_no_set(tmp_path: Path, data: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(data)
    read: Callable[[], object] = lambda: read_set(tmp_path / name)  # noqa: E731
    if name.startswith("a"):
        read = lambda: list(open_source(tmp_path / name).rows())  # noqa: E731
    with pytest.raises(InputError, match=name):
        read()


def test_utf16_is_told_how_to_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("The Daash fled.".encode("utf-16"))
    with pytest.raises(InputError, match=r"a\.txt: begins like UTF-16; give --encoding utf-16\."):
        read_document(str(path))
    assert read_document(str(path), "utf-16").text == "The Daash fled."


def test_a_text_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 2 << 20)
    with pytest.raises(InputError, match="/dev/zero: more than 2 MiB; repair it in parts"):
        read_document("/dev/zero")


@pytest.mark.parametrize("name", ["in.jsonl", "in.csv", "in.parquet", "in"])
def test_a_pipe_is_no_input_of_a_run_that_reads_twice(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="no regular file"):
        open_source(tmp_path / name)


# --- what unzips without an end --------------------------------------------------------------------------------------


def bomb(path: Path, before: bytes = b"") -> Path:
    """A gzip file of some kilobytes that unzips to 8 MB without a line end."""
    with gzip.open(path, "wb", 1) as stream:
        stream.write(before)
        for _ in range(8):
            stream.write(b"0" * (1 << 20))
    return path


def memory_of(work: Callable[[], object]) -> int:
    """The most bytes that Python's objects took meanwhile."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["in.jsonl.gz", "in.csv.gz"])
def test_a_bomb_is_read_in_pieces_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for reader in (json_lines, comma_separated):
        monkeypatch.setattr(reader, "MAX_ROW_BYTES", 1 << 18)
    source = open_source(bomb(tmp_path / name, b"text\n" if "csv" in name else b""))
    assert memory_of(lambda: list(source.rows())) < 4 << 20
    (row,) = source.rows()
    assert row.text is None
    assert row.error == "longer than 0 MiB; left out"


def test_a_bomb_for_a_header_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comma_separated, "MAX_ROW_BYTES", 1 << 18)
    with pytest.raises(InputError, match="the header cannot be read: longer than 0 MiB"):
        list(open_source(bomb(tmp_path / "in.csv.gz")).rows())


def test_a_bomb_is_no_evaluation_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "MAX_LINE_BYTES", 1 << 18)

    def read() -> None:
        with pytest.raises(InputError, match=r"set\.tsv\.gz:1: longer than 0 MiB"):
            read_set(bomb(tmp_path / "set.tsv.gz"))

    assert memory_of(read) < 2 << 20


# --- models ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_model_that_wants_to_run_its_own_code_is_told_how_to_do_without(
    tiny_folders: dict[str, Path], tmp_path: Path, name: str
) -> None:
    folder = Path(shutil.copytree(tiny_folders["causal"], tmp_path / "copy"))
    settings = json.loads((folder / name).read_text("utf-8"))
    settings["auto_map"] = {"AutoModelForCausalLM": "evil.Evil", "AutoTokenizer": ["evil.Evil", None]}
    (folder / name).write_text(json.dumps(settings), "utf-8")
    (folder / "evil.py").write_text("raise SystemExit('it ran')\n", "utf-8")
    with pytest.raises(InputError, match=rf"{name} asks for code of its own .*auto_map.* save_pretrained"):
        Rewriter.load(folder, "cpu")
