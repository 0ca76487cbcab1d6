"""The page of a repaired text: nothing of it is lost, nothing in it is run."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from retranslate.corrector import Corrector
from retranslate.edits import Refused, Result, SegmentResult
from retranslate.glossary import Glossary, Row
from retranslate.page import marked, page

GLOSSARY = Glossary((Row(("Daash",), ("Daesh",), "fix", case="exact", note="a <name>"),))
TEXT = "He Karim that a convoy of Daash stopped.\r\n\r\n  <b>Log out</b> & go\n"


def _visible(markup: str) -> str:
    body = re.search(r'<div class="text">(.*?)</div>', markup, re.DOTALL)
    assert body is not None
    return html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"<ins .*?</ins>", "", body[1], flags=re.DOTALL)))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n Daash.")))
def test_pieces_and_originals_joined_are_the_input(text: str) -> None:
    result = Corrector(GLOSSARY, None)(text)
    pieces = [piece for stretch in marked(result) for piece in stretch.pieces]
    assert "".join(piece.edit.original if piece.edit else piece.text for piece in pieces) == text


def test_the_page_shows_the_whole_input_escaped() -> None:
    markup = page([("a.txt", Corrector(GLOSSARY, None)(TEXT))])
    assert _visible(markup) == TEXT
    assert "<b>Log out" not in markup
    assert "a &lt;name&gt;" in markup


def test_every_edit_says_by_whom_and_why() -> None:
    markup = page([("a.txt", Corrector(GLOSSARY, None)(TEXT))])
    assert '<ins class="glossary" title="glossary: a &lt;name&gt;">Daesh</ins>' in markup
    assert '<ins class="rule" title="rule: lost verb">' in markup
    assert markup.count("<tr><td>") == len(Corrector(GLOSSARY, None)(TEXT).edits)


def test_a_name_restored_from_the_text_has_a_colour_of_its_own() -> None:
    text = "Jurgen Stock came. Jurgen Stoke spoke. Stock left."
    markup = page([("a.txt", Corrector(GLOSSARY, None)(text))])
    assert '<ins class="consistency" title="consistency: Stoke is Stock elsewhere in the text">Stock</ins>' in markup
    assert ".consistency {" in markup


def test_a_refused_rewrite_is_shown_with_its_guards() -> None:
    refused = Refused((("12", "13"),), (("numbers", "lost '12'"),))
    segment = SegmentResult(
        0, 9, "sentence", "refused", "12 fled 9", "12 fled 9", ("numbers",), "13 <fled> 9", refusals=(refused,)
    )
    markup = page([("a.txt", Result("12 fled 9", "12 fled 9", (), (segment,), "sig"))])
    assert 'title="refused by numbers; the model wrote: 13 &lt;fled&gt; 9"' in markup
    assert "<td>13 &lt;fled&gt; 9</td><td>numbers</td><td>numbers: lost &#39;12&#39;" in markup


def test_the_page_asks_nobody_for_anything() -> None:
    markup = page([("a.txt", Corrector(GLOSSARY, None)("See https://example.org/a now."))])
    assert "<script" not in markup
    assert not re.search(r'(?:src|href)="(?!data:)', markup)
