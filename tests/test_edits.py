"""Edits: they replay exactly, are sorted, never overlap, and two rounds of them make one."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retranslate.edits import Edit, Result, SegmentResult, apply, compose, tokens, word_edits
from retranslate.errors import InputError

WORDS = st.lists(
    st.sampled_from(["the", "The", "minister", "minister's", "co-op", "12", "İ", " ", "  ", "\n", "\u00a0", ",", ".", "\"", "-", "\U0001f600"]), max_size=14
).map("".join)  # fmt: skip
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
TEXTS = WORDS | ANY_TEXT


def edit(start: int, end: int, original: str, replacement: str) -> Edit:
    return Edit(start, end, original, replacement, "model", "a test")


def changes(before: str, after: str) -> list[tuple[str, str]]:
    return [(item.original, item.replacement) for item in word_edits(before, after, "model", "a test")]


@st.composite
def text_and_edits(draw: st.DrawFn, text: str | None = None) -> tuple[str, list[Edit]]:
    """A text and any edits that fit it, insertions and deletions among them, touching ones too."""
    text = draw(TEXTS) if text is None else text
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    return text, [edit(start, end, text[start:end], draw(st.text("ab \n", max_size=4))) for start, end in spans]


# --- tokens and word_edits -----------------------------------------------------------------------------------------


@given(TEXTS)
def test_tokens_join_to_the_text(text: str) -> None:
    assert "".join(tokens(text)) == text


def test_a_word_keeps_its_apostrophe_and_hyphen() -> None:
    assert tokens("The well-known minister’s car.") == ["The", " ", "well-known", " ", "minister’s", " ", "car", "."]


@given(TEXTS, TEXTS)
@example("a b c", "c b a")
@example("", "new")
@example("old", "")
def test_word_edits_turn_the_one_text_into_the_other(before: str, after: str) -> None:
    edits = word_edits(before, after, "model", "a test")
    assert apply(before, edits) == after
    assert all(left.end <= right.start for left, right in itertools.pairwise(edits))
    assert all(item.original == before[item.start : item.end] for item in edits)
    assert all((item.kind, item.reason) == ("model", "a test") for item in edits)


@given(TEXTS)
def test_equal_texts_need_no_edit(text: str) -> None:
    assert word_edits(text, text, "model", "") == []


def test_only_the_changed_words_are_edited() -> None:
    assert changes("The elements of the group left.", "The members of the group left.") == [("elements", "members")]


def test_changed_neighbours_are_one_edit() -> None:
    assert changes("He pointed Karim that it ended.", "Karim pointed out that it ended.") in (
        [("He pointed Karim", "Karim pointed out")],
        [("He", "Karim"), ("Karim", "out")],
    )
    assert changes("two old words here", "three new words here") == [("two old", "three new")]


# --- apply ---------------------------------------------------------------------------------------------------------


def test_edits_apply_in_any_order() -> None:
    edits = [edit(4, 7, "two", "2"), edit(0, 3, "one", "1")]
    assert apply("one two", edits) == "1 2"


@pytest.mark.parametrize(
    "edits",
    [
        [edit(0, 3, "two", "2")],
        [edit(0, 3, "one", "1"), edit(2, 5, "e t", "x")],
        [edit(-3, 0, "", "x")],
        [edit(3, 1, "", "x")],
        [edit(4, 9, "two", "2")],
        [edit(9, 9, "", "x")],
    ],
    ids=["other text", "overlap", "before the start", "backwards", "past the end", "insertion past the end"],
)
def test_edits_that_do_not_fit_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(InputError, match="does not fit the text"):
        apply("one two", edits)


def test_a_moved_edit_is_the_same_edit_further_on() -> None:
    assert edit(1, 2, "b", "x").moved(3) == edit(4, 5, "b", "x")


# --- compose -------------------------------------------------------------------------------------------------------


@given(st.data())
def test_two_rounds_of_edits_compose_to_one(data: st.DataObject) -> None:
    text, first = data.draw(text_and_edits())
    middle = apply(text, first)
    _, second = data.draw(text_and_edits(middle))
    composed = compose(text, first, second)
    assert apply(text, composed) == apply(middle, second)
    assert composed == sorted(composed, key=lambda item: (item.start, item.end))
    assert all(left.end <= right.start for left, right in itertools.pairwise(composed))


@given(text_and_edits())
def test_composing_with_nothing_keeps_what_the_edits_do(given_edits: tuple[str, list[Edit]]) -> None:
    text, edits = given_edits
    assert apply(text, compose(text, edits, [])) == apply(text, edits)
    assert apply(text, compose(text, [], edits)) == apply(text, edits)


def test_edits_apart_keep_their_own_reasons() -> None:
    first = [Edit(0, 1, "a", "xx", "glossary", "first")]
    second = [Edit(3, 4, "b", "y", "model", "second")]
    assert [item.reason for item in compose("a b", first, second)] == ["first", "second"]


def test_of_edits_that_touch_the_second_has_the_last_word() -> None:
    first = [Edit(0, 3, "one", "uno", "glossary", "first")]
    second = [Edit(0, 3, "uno", "1", "model", "second")]
    assert compose("one two", first, second) == [Edit(0, 3, "one", "1", "model", "second")]


def test_an_edit_taken_back_is_no_edit() -> None:
    assert compose("one", [edit(0, 3, "one", "uno")], [edit(0, 3, "uno", "one")]) == []


# --- Result --------------------------------------------------------------------------------------------------------


def result(original: str, text: str) -> Result:
    edits = tuple(word_edits(original, text, "model", "a test"))
    status = "changed" if edits else "unchanged"
    segment = SegmentResult(
        0, len(original), "sentence", status, original, text, refused_by=("numbers",), flags=("odd",)
    )
    return Result(original, text, edits, (segment,), "retranslate:test")


def test_to_dict_is_plain_json_and_replays() -> None:
    given_result = result("The elements left.", "The members left.")
    entry = json.loads(json.dumps(given_result.to_dict()))
    assert (
        apply("The elements left.", [Edit(**item) for item in entry["edits"]]) == entry["text"] == "The members left."
    )
    assert entry["segments"][0]["refused_by"] == ["numbers"]
    assert entry["segments"][0]["flags"] == ["odd"]
    assert entry["signature"] == "retranslate:test"


def test_a_result_prints_its_text_and_knows_whether_it_changed() -> None:
    assert str(result("a", "b")) == "b"
    assert result("a", "b").changed
    assert not result("a", "a").changed
    assert [segment.original for segment in result("a", "a").refused] == ["a"]


def test_an_unchanged_text_has_no_diff() -> None:
    assert result("a\nb\n", "a\nb\n").diff() == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("one\ntwo\nthree\n", "one\n2\nthree\n"),
        ("one\ntwo", "one\n2"),
        ("one\r\ntwo\r\n", "one\r\n2\r\n"),
        ("one\x0bhalf\u2028line\ntwo\n", "one\x0bhalf\u2028line\n2\n"),
    ],
    ids=["plain", "no final line end", "CRLF", "other line ends"],
)
def test_the_diff_is_one_that_patch_understands(tmp_path: Path, before: str, after: str) -> None:
    target = tmp_path / "text"
    target.write_bytes(before.encode())
    diff = result(before, after).diff()
    subprocess.run(["patch", "--binary", str(target)], input=diff.encode(), check=True, capture_output=True)
    assert target.read_bytes() == after.encode()
