"""The story of a sentence: everybody's work is in it, and nobody's words are lost on the way to the screen."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from retranslate.corrector import Corrector
from retranslate.edits import Edit, Refused, Result, SegmentResult, Step, TermResult
from retranslate.explain import Line, explanation, story
from retranslate.glossary import Glossary, Row

GLOSSARY = Glossary(
    (Row(("Daash",), ("Daesh",), "fix", case="exact", note="a name [sic]"), Row(("Hadi",), (), "forbid"))
)
TEXT = "He pointed Hadi that Daash fled. It is over."
WRITTEN = "Karim said that the men fled."
SEGMENT = SegmentResult(
    0, 11, "sentence", "changed", "Men of fled", "The men fled", ("names", "margin"), WRITTEN, ("odd",),
    (Step("model", (Edit(0, 0, "", "The ", "model", "rewritten"),), "The men fled"),),
    (Refused((("", "Karim said that "), ("of ", "")), (("names", "invented 'Karim'"), ("content", "lost 'of'"))),),
    (TermResult("men", ("members", "fighters"), "declined", "the model left it"),),
)  # fmt: skip


def test_the_story_names_glossary_rules_flags_and_result() -> None:
    first, second = Corrector(GLOSSARY, None)(TEXT).segments
    lines = list(story(first))
    assert lines[0] == Line("source", "He pointed Hadi that Daash fled.")
    assert Line("glossary", '"Daash" -> "Daesh" (a name [sic])') in lines
    assert Line("rule", "Hadi pointed out that Daesh fled. (dummy subject)") in lines
    assert Line("flag", "Hadi: flagged by the glossary") in lines
    assert lines[-1] == Line("result", "Hadi pointed out that Daesh fled.")
    assert list(story(second)) == [Line("source", "It is over."), Line("result", "unchanged, as it was")]


def test_the_story_tells_what_was_refused_by_whom_and_what_became_of_a_hint() -> None:
    lines = list(story(SEGMENT))
    assert Line("model", WRITTEN) in lines
    assert (
        Line("refused", "added \"Karim said that\", removed \"of\" (names: invented 'Karim'; content: lost 'of')")
        in lines
    )
    assert [line.what for line in lines if line.who == "refused"][1].endswith("(margin)")
    assert Line("term", '"men" = "members" or "fighters": declined (the model left it)') in lines


def test_without_a_terminal_every_line_is_one_line() -> None:
    odd = SegmentResult(0, 3, "sentence", "refused", "A\x0bb", "A\x0bb", ("truncated",), "one\ntwo")
    text = explanation([("a.txt", Result("A\x0bb", "A\x0bb", (), (odd,), "the signature"))])
    assert text.splitlines()[0] == "a.txt"
    assert re.search(r"^   1  source +A\\nb$", text, re.MULTILINE)
    assert re.search(r"^      model +one\\ntwo$", text, re.MULTILINE)
    assert text.endswith("the signature\n")
    assert "\x1b" not in text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])))
def test_a_terminal_shows_the_same_words_in_colours(text: str) -> None:
    result = Corrector(GLOSSARY, None)(f"{text} Daash fled [bold].")
    shown = explanation([("a.txt", result)], 100_000)
    assert "\x1b[" in shown
    bare = re.sub(r"\x1b\[[\d;]*m", "", shown)
    for segment in result.segments:
        for line in story(segment):
            assert line.what in bare


def test_long_lines_are_wrapped_for_a_terminal() -> None:
    result = Corrector(GLOSSARY, None)("It is a very long road to the end of it and of all the others. " * 3)
    bare = re.sub(r"\x1b\[[\d;]*m", "", explanation([("a.txt", result)], 40))
    assert max(map(len, bare.splitlines())) <= 40
