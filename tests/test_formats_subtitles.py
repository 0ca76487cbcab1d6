"""SubRip and WebVTT: which words are repaired, and that everything else stays, whatever the file is like."""

from __future__ import annotations

import io
import re
import time

import pytest
import srt
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import GlossaryMaker
from format_checks import meddled, plain, rewritten, untouched
from retranslate.corrector import Corrector
from retranslate.errors import InputError
from retranslate.formats import Kind, correct

SRT_BITS = (
    "1\n", "2\n", "00:00:01,000 --> 00:00:02,000\n", "00:00:01,000 --> 00:00:02,000\r\n", "\n", "\r\n", "\n\n", "<i>", "</i>", "{\\an8}", "- ",
    "\\N", "He said. ", "The road is open. ", "word", "<", ">", "{", "}", "\ud800", "\0", "é", " ", "-->", "\u2028", "<font color=red>",
)  # fmt: skip
VTT_BITS = (
    "NOTE x\n", "id\n", "00:01.000 --> 00:02.000 align:start\n", "00:01.000 --> 00:02.000\r\n", "\n", "\r\n", "\n\n", "<i>", "</i>", "<v Bob>",
    "<00:01.000>", "- ", "&amp;", "&lt;", "&", "He said. ", "The road is open. ", "word", "<", ">", "STYLE\n", "\ud800", "\0", "é", " ", "-->",
)  # fmt: skip
SRT_FILES = st.lists(st.sampled_from(SRT_BITS), max_size=30).map(
    lambda bits: "00:00:01,000 --> 00:00:02,000\n" + "".join(bits)
)
VTT_FILES = st.lists(st.sampled_from(VTT_BITS), max_size=30).map(lambda bits: "WEBVTT\n\n" + "".join(bits))
FILES = st.one_of(st.tuples(st.just(Kind.srt), SRT_FILES), st.tuples(st.just(Kind.vtt), VTT_FILES))

SRT = """1
00:00:01,000 --> 00:00:02,500
The <i>Daash</i> fled
and Daash hid.

2
00:00:02,600 --> 00:00:04,000 X1:10
{\\an8}- Daash!
- <font color="Daash">Daash?</font>

3
00:00:05,000 --> 00:00:06,000

4
00:00:07,000 --> 00:00:08,000
Daash\\NDaash

Daash
"""

VTT = """WEBVTT Daash

NOTE Daash
Daash

STYLE
::cue(.Daash) { color: red }

Daash
00:01.000 --> 00:02.500 align:start
<v Daash>The <c.Daash>Daash</c> fled
<00:02.000>&amp; Daash hid.

00:02.600 --> 00:04.000
- Daash!
"""


@pytest.fixture
def corrector(make_glossary: GlossaryMaker) -> Corrector:
    return Corrector.without_model(glossary=make_glossary(("Daash", "Daesh", "fix")))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_words_of_subrip_are_repaired_and_nothing_else(corrector: Corrector, end: str) -> None:
    wanted = SRT.replace("Daash", "Daesh").replace('color="Daesh"', 'color="Daash"')
    assert correct(corrector, SRT.replace("\n", end), Kind.srt).text == wanted.replace("\n", end)
    assert correct(corrector, "\ufeff" + SRT, Kind.srt).text == "\ufeff" + wanted


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_words_of_webvtt_are_repaired_and_nothing_else(corrector: Corrector, end: str) -> None:
    wanted = VTT
    for before, after in ((">Daash<", ">Daesh<"), ("& Daash hid", ""), ("; Daash", "; Daesh"), ("- Daash", "- Daesh")):
        wanted = wanted.replace(before, after)
    assert correct(corrector, VTT.replace("\n", end), Kind.vtt).text == wanted.replace("\n", end)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (Kind.srt, SRT, ["The Daash fled and Daash hid.", "- Daash!\n- Daash?", "Daash\nDaash", "Daash"]),
        (Kind.srt, "0:0:1,0 --> 0:0:2,0\nA\n7\n0:0:1,0-->0:0:2,0\n8", ["A", "8"]),
        (Kind.srt, "0:0:1,0 --> 0:0:2,0\n1 < 2 {x\nA --> B\nC", ["1 < 2 {x", "C"]),
        (Kind.vtt, VTT, ["The Daash fled & Daash hid.", "- Daash!"]),
        (
            Kind.vtt,
            "WEBVTT\n\n00:01.000 --> 00:02.000\nA &nbsp;&#66; <b\n>c &x\n00:01.000 --> 00:02.000\n...",
            ["A \xa0B c &x"],
        ),
        (Kind.vtt, "WEBVTT", []),
    ],
)
def test_what_is_read_of_subtitles(kind: Kind, text: str, expected: list[str]) -> None:
    assert plain(kind, text) == expected


def test_a_sentence_over_the_lines_of_a_cue_is_one_and_over_cues_it_is_two() -> None:
    text = "1\n0:0:1,0 --> 0:0:2,0\nIt is\nthe road\n\n2\n0:0:2,0 --> 0:0:3,0\nof iron.\n"
    assert plain(Kind.srt, text) == ["It is the road", "of iron."]
    result = rewritten(Kind.srt, text, {"It is the road": "That was a road"})
    assert result.text == text.replace("It is\nthe road", "That\nwas a road")


def test_what_a_cue_cannot_hold_is_refused() -> None:
    for kind, text, expected in (
        (Kind.srt, "0:0:1,0 --> 0:0:2,0\nIt is.", None),
        (Kind.vtt, "WEBVTT\n\n00:01.000 --> 00:02.000\nIt is.", "-- &lt;i&gt; --&gt;."),
    ):
        result = rewritten(kind, text, {"It is.": "-- <i> -->."})
        assert result.text == (text.replace("It is.", expected) if expected else text)


@pytest.mark.parametrize(
    ("kind", "message"), [(Kind.srt, "no line of times such as"), (Kind.vtt, "line 1: not WEBVTT")]
)
def test_what_are_no_subtitles_is_told(kind: Kind, message: str) -> None:
    with pytest.raises(InputError, match=message):
        untouched(kind, "He said.\n")


@given(FILES)
def test_every_file_comes_back_as_it_was(file: tuple[Kind, str]) -> None:
    untouched(*file)


@given(FILES, st.integers(0, 1000), st.sampled_from((0.05, 0.3, 1.0)))
@settings(max_examples=200)
def test_no_repair_changes_the_file_around_the_words(file: tuple[Kind, str], seed: int, rate: float) -> None:
    kind, text = file
    result = meddled(kind, text, seed, rate)
    times = re.compile(r"(?:^|(?<=[\r\n]))[ \t]*[\d:,.]+ --> [\d:,.]+[^\r\n]*")
    assert times.findall(result.text) == times.findall(text)


@given(st.integers(0, 10_000), st.sampled_from((0.3, 1.0)))
def test_other_parsers_find_the_same_times(seed: int, rate: float) -> None:
    before, after = (list(srt.parse(text)) for text in (SRT, meddled(Kind.srt, SRT, seed, rate).text))
    assert [(cue.index, cue.start, cue.end) for cue in after] == [(cue.index, cue.start, cue.end) for cue in before]
    changed = meddled(Kind.vtt, VTT, seed, rate).text
    ours, theirs = (webvtt.from_buffer(io.StringIO(text)) for text in (VTT, changed))
    assert [(cue.identifier, cue.start, cue.end) for cue in theirs] == [
        (cue.identifier, cue.start, cue.end) for cue in ours
    ]
    assert [style.text for style in theirs.styles] == [style.text for style in ours.styles]


@pytest.mark.parametrize(
    "body",
    ["He said. " * 10_000, "He said.\n" * 10_000, "<i" * 50_000, "a" + " " * 100_000 + "b", "{" * 50_000, "&" * 50_000, "\n" * 50_000],
    ids=range(7),
)  # fmt: skip
def test_hostile_subtitles_take_no_long_time(body: str) -> None:
    started = time.process_time()
    for kind, head in ((Kind.srt, "0:0:1,0 --> 0:0:2,0\n"), (Kind.vtt, "WEBVTT\n\n00:01.000 --> 00:02.000\n")):
        untouched(kind, head + body)
        meddled(kind, head + body, 1, 0.02)
    assert time.process_time() - started < 30
