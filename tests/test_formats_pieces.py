"""Pieces and passages: where an edit on what a reader sees goes in what is written."""

from __future__ import annotations

import re

import pytest

from retranslate.formats.pieces import Passage, Piece, PieceKind, Place, running, scanned, stretches, tag


def passage(*parts: tuple[str, str, PieceKind] | str) -> Passage:
    """A passage of parts: what is written, how it reads, its kind; a plain string stands for itself."""
    pieces, raw = [], ""
    for part in parts:
        written, text, kind = (part, part, "plain") if isinstance(part, str) else part
        pieces.append(Piece(len(raw), len(raw) + len(written), text, kind))
        raw += written
    return Passage(raw, pieces)


OPEN: tuple[str, str, PieceKind] = ("<b>", "", "opens")
CLOSE: tuple[str, str, PieceKind] = ("</b>", "", "closes")
BREAK: tuple[str, str, PieceKind] = ("\n  ", " ", "space")
BOLD = passage(
    "He ", OPEN, "said", CLOSE, " that", BREAK, "it ", ("&eacute;", "é", "coded"), " ", ("%s", "%s", "fixed")
)


def test_a_passage_reads_without_its_markup() -> None:
    assert BOLD.raw == "He <b>said</b> that\n  it &eacute; %s"
    assert BOLD.plain == "He said that it é %s"
    assert BOLD.markup == [("opens", "<b>"), ("closes", "</b>"), ("fixed", "%s")]


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("He", "He"),
        ("said", "said"),
        ("ai", "ai"),
        ("that it", "that\n  it"),
        ("é", "&eacute;"),
        ("it é", "it &eacute;"),
    ],
)
def test_an_edit_goes_where_its_words_are_written(words: str, written: str) -> None:
    start = BOLD.plain.index(words)
    place = BOLD.place(start, start + len(words))
    assert place is not None
    assert BOLD.raw[place.start : place.end] == written
    assert BOLD.bounds(start, start + len(words)) == (place.start, place.end)


@pytest.mark.parametrize("words", ["He said", "said that", "e s", "%", "%s", "é %s"])
def test_an_edit_that_crosses_a_tag_or_covers_what_is_fixed_has_no_place(words: str) -> None:
    start = BOLD.plain.index(words)
    assert BOLD.place(start, start + len(words)) is None


def test_the_spaces_that_an_edit_covers_are_told() -> None:
    assert BOLD.place(8, 15) == Place(15, 24, ((4, "\n  "),))


@pytest.mark.parametrize(
    ("position", "before"),
    [
        (0, "He <b>said"),
        (1, "e <b>"),
        (3, "<b>said"),
        (5, "id</b>"),
        (7, " that"),
        (13, "it &e"),
        (16, "&eacute;"),
        (20, ""),
    ],
)
def test_an_insertion_goes_outside_of_the_element_at_whose_edge_it_is(position: int, before: str) -> None:
    place = BOLD.place(position, position)
    assert place is not None
    assert place.start == place.end
    assert BOLD.raw[place.start :].startswith(before)


COMMENT: tuple[str, str, PieceKind] = ("<!-- c -->", "", "fixed")


@pytest.mark.parametrize(
    ("text", "position", "before"),
    [
        (passage(COMMENT, "said"), 0, "<!-- c -->"),
        (passage(" ", COMMENT, "said"), 1, " <!-- c -->"),
        (passage(COMMENT, OPEN, "said", CLOSE), 0, "<!-- c -->"),
        (passage(OPEN, COMMENT, "said", CLOSE), 0, ""),
        (passage("He ", COMMENT, "said"), 3, "He "),
    ],
)
def test_an_insertion_does_not_come_before_the_comment_that_the_text_begins_with(
    text: Passage, position: int, before: str
) -> None:
    assert text.place(position, position) == Place(len(before), len(before))


def test_nothing_is_inserted_into_what_is_replaced_as_a_whole() -> None:
    double = passage("a ", ("&fjlig;", "fj", "coded"), ("%d", "%d", "fixed"))
    assert double.place(3, 3) is None
    assert double.place(2, 3) is None
    assert double.place(3, 4) is None
    assert double.place(5, 5) is None
    assert double.place(2, 4) == Place(2, 9)
    assert double.bounds(3, 4) == (2, 9)


def test_white_space_after_white_space_reads_as_nothing() -> None:
    crowded = passage(BREAK, "a ", OPEN, BREAK, "b", BREAK, CLOSE, BREAK, ("<br>", "\n", "fixed"), BREAK, "c")
    assert crowded.plain == "a b \nc"
    place = crowded.place(0, 1)
    assert place is not None
    assert place.start == 3


def test_a_run_is_the_text_that_an_inline_element_holds() -> None:
    nested = passage("one ", OPEN, "two ", OPEN, "three", CLOSE, " four", CLOSE, " five ", OPEN, "six")
    assert nested.run(0, 3) is None
    assert nested.run(4, 7) == (4, 8)
    assert nested.run(9, 11) == (8, 13)
    assert nested.run(14, 18) == (13, 18)
    assert nested.run(19, 23) is None
    assert nested.run(24, 27) == (24, 27)


def test_running_text_has_its_blanks_as_spaces() -> None:
    pieces = list(running("xx a\n b", 2, 7, re.compile(r"\s{2,}")))
    assert pieces == [Piece(2, 4, " a", "plain"), Piece(4, 6, " ", "space"), Piece(6, 7, "b", "plain")]


def test_scanned_text_is_tiled() -> None:
    pieces = scanned("a<b>c", 0, 5, re.compile("<.>"), lambda match: tag(*match.span(), match.group()))
    assert pieces == [Piece(0, 1, "a", "plain"), Piece(1, 4, "", "opens"), Piece(4, 5, "c", "plain")]


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("<b>", "opens"),
        ("</b>", "closes"),
        ("<br>", "fixed"),
        ("<BR>", "fixed"),
        ("<x/>", "fixed"),
        ("<!-- b -->", "fixed"),
        ("<brand>", "opens"),
    ],
)
def test_a_tag_opens_closes_or_stands_alone(raw: str, kind: str) -> None:
    assert tag(0, len(raw), raw) == Piece(0, len(raw), "", kind)  # type: ignore[arg-type]


def test_stretches_are_rows_of_pieces_with_words() -> None:
    word, blank, code = Piece(0, 1, "a", "plain"), Piece(1, 2, " ", "plain"), Piece(2, 3, "x", "fixed")
    assert list(stretches([])) == []
    assert list(stretches([None, word, blank, code, None, blank, None, code, word, None])) == [(0, 3), (2, 1)]
