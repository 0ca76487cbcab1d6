"""Text to segments: nothing is lost, and sentences end where a reader would say so."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retranslate.text import Segment, is_unicode, passages, split, untouchables, valid

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)
NEWS_LIKE = st.lists(
    st.sampled_from(
        ["The minister", "said", "Gen.", "5.5", "a.m.", "\"", "“", "”", ".", "!", "...", ",", " ", "  ", "\n", "\r\n", "\u00a0", "\u200f", "İ",
         "-", "1.", "•", "BAGHDAD", "(AP)", "—", "https://example.org/a.b", "U.S.", "’", "\u2028", "\t", "\U0001f600", "\ud800"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


def texts(text: str, *kinds: str) -> list[str]:
    return [segment.text for segment in split(text) if segment.kind in (kinds or ("sentence", "heading"))]


def kinds(text: str) -> list[tuple[str, str]]:
    return [(segment.kind, segment.text) for segment in split(text) if segment.kind != "blank"]


def assert_tiles(text: str) -> None:
    position = 0
    for segment in split(text):
        assert segment.start == position
        assert segment.end > segment.start
        assert segment.text == text[segment.start : segment.end]
        position = segment.end
    assert position == len(text)


@given(ANY_TEXT)
@example("")
@example("   \t ")
@example("One.\r\nTwo.\rThree.")
@example("The road\u00a0is open.\u200f\n\u202bThe port too.\u202c")
@example("İstanbul is open. İzmir too.")
@example("\U0001f600 Yes. \U00020000 No.")
@example("half a pair \ud83d. And on")
@example("no final newline")
@example("1. \n- \n• ")
def test_segments_tile_any_string(text: str) -> None:
    assert_tiles(text)


@given(NEWS_LIKE)
def test_segments_tile_what_looks_like_news(text: str) -> None:
    assert_tiles(text)


@given(NEWS_LIKE)
def test_no_segment_but_blank_ones_holds_a_line_end(text: str) -> None:
    for segment in split(text):
        if segment.kind != "blank":
            assert len(segment.text.splitlines()) == 1
            assert segment.text == segment.text.strip()


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\r\n \u00a0\t\r\n"])
def test_nothing_but_white_space_is_blank(text: str) -> None:
    assert all(segment.kind == "blank" for segment in split(text))


@pytest.mark.parametrize("unit", ["word ", "x", "1", '"', "( ", "a.m. ", "A", "'' ", "…"])
def test_a_megabyte_in_one_line_is_quick(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    assert_tiles(text)
    assert time.process_time() - started < 20


@pytest.mark.parametrize("line", ["1" * 58 + "a", "1a" * 29, "- " * 29 + "x", "Aa" * 30, "A" * 59])
def test_no_line_makes_a_pattern_run_wild(line: str) -> None:
    started = time.process_time()
    assert_tiles(line)
    assert time.process_time() - started < 5


# --- Where sentences end -------------------------------------------------------------------------------------------


def test_two_sentences_of_a_line_are_two() -> None:
    assert texts("The bridge was closed. Traffic went round it!") == [
        "The bridge was closed.",
        "Traffic went round it!",
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "Gen. Salih met the envoy near Mt. Sinjar.",
        "The talks began at 9 a.m. on Monday in the capital.",
        "The U.S. Embassy gave no comment.",
        "Mr. Hadi and Dr. Nasser of St. George came.",
        "Prices rose by 3.5 percent to 1,204.75 dinars.",
        "The letter of 12.03.2016 names No. 7 and Art. 140 of the law.",
        "J. R. Karim wrote it on Jan. 5 for Haddad Bros. and Co. of Basra.",
        "He quoted the law, e.g. Article 4, and left.",
        "The file is at https://example.org/a.b.html and stays there.",
        "The price, approx. 40 dollars, was fair.",
    ],
)
def test_a_dot_inside_a_sentence_does_not_end_it(sentence: str) -> None:
    assert texts(sentence) == [sentence]


def test_an_abbreviation_ends_a_sentence_when_a_new_one_clearly_begins() -> None:
    assert texts("The talks ended at 9 p.m. The envoy left at once.") == [
        "The talks ended at 9 p.m.",
        "The envoy left at once.",
    ]


@pytest.mark.parametrize(
    "quotation",
    [
        'He said: "The road is open. The port is closed." Then he left.',
        "He said: “The road is open. The port is closed.” Then he left.",
        'He said that" the road is open. The port is closed ." Then he left.',
    ],
)
def test_a_quotation_is_not_cut_where_a_sentence_ends_inside_it(quotation: str) -> None:
    first, second = texts(quotation)
    assert second == "Then he left."
    assert first + " " + second == quotation


def test_an_odd_quotation_mark_does_not_swallow_the_line() -> None:
    assert texts('He said" the road is open. Then he left.') == ['He said" the road is open.', "Then he left."]


def test_closing_marks_stay_with_their_sentence() -> None:
    assert texts("“We will stay.” (He smiled.) They went.") == ["“We will stay.”", "(He smiled.)", "They went."]


def test_a_small_letter_goes_on_with_the_sentence() -> None:
    assert texts("The firm bought ten ... no, twelve ships. it then sold them.") == [
        "The firm bought ten ... no, twelve ships. it then sold them."
    ]


def test_a_line_end_always_ends_a_sentence() -> None:
    assert texts("The road is\nopen today.") == ["The road is", "open today."]


# --- What a line is ------------------------------------------------------------------------------------------------


def test_a_short_line_without_end_mark_is_a_heading() -> None:
    assert kinds("Ministers meet in Basra\n\nThey met for an hour.") == [
        ("heading", "Ministers meet in Basra"),
        ("sentence", "They met for an hour."),
    ]


@pytest.mark.parametrize(
    ("line", "dateline"),
    [
        ("BAGHDAD - The road is open.", "BAGHDAD -"),
        ("Basra (Nahr News) - The road is open.", "Basra (Nahr News) -"),
        ("NEW YORK, May 5 (Wire) -- The road is open.", "NEW YORK, May 5 (Wire) --"),
        ("Baghdad / Nahr / The road is open.", "Baghdad / Nahr /"),
        ("[Basra-Nahr] The road is open.", "[Basra-Nahr]"),
    ],
)
def test_a_dateline_is_a_segment_of_its_own(line: str, dateline: str) -> None:
    assert kinds(line) == [("dateline", dateline), ("sentence", "The road is open.")]


@pytest.mark.parametrize("marker", ["-", "*", "•", "1.", "12)", "(a)", "b.", "iv)", "—"])
def test_a_list_marker_is_a_segment_of_its_own(marker: str) -> None:
    assert kinds(f"{marker} The road is open.") == [("list", marker), ("sentence", "The road is open.")]


@pytest.mark.parametrize("line", ["A. Karim opened the road.", "J. R. Nasser spoke.", "I -- we -- went home."])
def test_initials_and_dashes_are_no_marker_and_no_dateline(line: str) -> None:
    assert kinds(line) == [("sentence", line)]


@pytest.mark.parametrize(
    "line",
    ["Leave a Reply", "Fill in your details below or click an icon to log in:", "Share this:", "Copyright 2016 Nahr", "© Nahr",
     "Number of readings: 231", "Related", "Related articles", "Connecting to %s", "Home | World | Sport"],
)  # fmt: skip
def test_furniture_of_a_page_is_a_footer(line: str) -> None:
    assert kinds(line) == [("footer", line)]


@pytest.mark.parametrize("line", ["12/03/2016", "Monday 14 March 2016, 10:30", "2016-03-14", "[231]"])
def test_a_stamp_is_a_footer(line: str) -> None:
    assert kinds(line) == [("footer", line)]


@pytest.mark.parametrize(
    "line", ["Related talks were held in Basra.", "Copyright infringement is rare.", "Tagged bags were found."]
)
def test_a_sentence_that_begins_like_a_footer_is_none(line: str) -> None:
    assert kinds(line) == [("sentence", line)]


# --- What must not be touched --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "span"),
    [
        ("See https://example.org/a?b=1. It helps.", "url", "https://example.org/a?b=1"),
        ("(www.example.org/news)", "url", "www.example.org/news"),
        ("Write to press.office@example.org today.", "email", "press.office@example.org"),
        ("So said @nahr_news on Monday", "handle", "@nahr_news"),
        ("The tag #basra2016 spread", "hashtag", "#basra2016"),
        ("Run `fix it` now", "code", "`fix it`"),
        ("Connecting to %s", "code", "%s"),
        ("A <b>bold</b> word", "code", "<b>"),
    ],
)
def test_untouchable_spans_are_found_exactly(text: str, kind: str, span: str) -> None:
    first = untouchables(text)[0]
    assert (first.kind, first.text) == (kind, span)
    assert text[first.start : first.end] == span


def test_plain_text_has_no_untouchable_span() -> None:
    assert untouchables("The ministry said 5 < 6 and no. 7 & 8 #1 stay.") == []


@given(ANY_TEXT)
def test_untouchable_spans_are_in_order_and_slice_the_text(text: str) -> None:
    cursor = 0
    for span in untouchables(text):
        assert cursor <= span.start < span.end
        assert text[span.start : span.end] == span.text
        cursor = span.end


def test_a_segment_is_a_value() -> None:
    assert split("Go.") == [Segment(0, 3, "sentence", "Go.")]


@given(ANY_TEXT)
@example("a\ud800b\udcffc")
def test_what_no_encoder_takes_is_replaced_one_for_one(text: str) -> None:
    assert is_unicode(text) == (text.encode("utf-8", "ignore").decode() == text)
    assert is_unicode(valid(text))
    assert len(valid(text)) == len(text)
    assert (valid(text) == text) == is_unicode(text)


@given(st.text(alphabet="ab .\n\r"), st.integers(1, 20))
def test_passages_are_the_text_and_have_its_segments(text: str, size: int) -> None:
    parts = list(passages(text, size))
    assert "".join(parts) == text
    pieces, start = [], 0
    for part in parts:
        pieces += [(start + segment.start, start + segment.end, segment.kind) for segment in split(part)]
        start += len(part)
    assert pieces == [(segment.start, segment.end, segment.kind) for segment in split(text)]


def test_passages_end_after_a_blank_line_where_there_is_one() -> None:
    assert list(passages("a\n\nb\nc\nd", 6)) == ["a\n\n", "b\nc\nd"]
    assert list(passages("ab\ncd\nef", 7)) == ["ab\ncd\n", "ef"]
    assert list(passages("a line that is too long\nb", 5)) == ["a line that is too long\n", "b"]
    assert list(passages("", 5)) == [""]
