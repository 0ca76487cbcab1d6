"""HTML: which words are repaired, and that everything else stays, whatever the page is like."""

from __future__ import annotations

import sys
import time

import html5lib
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import GlossaryMaker
from format_checks import meddled, passages, plain, untouched
from retranslate.corrector import Corrector
from retranslate.errors import InputError
from retranslate.formats import Kind, correct

BITS = (
    "<p>", "</p>", "<b>", "</b>", '<a href="x>y">', "</a>", "<br>", "<!-- c -->", "<img src=x>", "<code>", "</code>", "<script>", "</script>",
    "<pre>", "</pre>", "&amp;", "&eacute;", "&lt", "&", "<", ">", "</>", "\r\n", "\n  ", "\t", " ", "He said. ", "The road is open. ", "word",
    '"x"', "<span translate=no>", "</span>", "<div>", "</div>", "<svg>", "</svg>", "\0", "\ud800", "\u202e", "&fjlig;", "<table><td>", "é",
    "<plaintext", "<textarea>", "</textarea>", "<![CDATA[x]]>", "1. ", "<!--", "-->", "<?php x ?>", "<title>", "</title>", "<style>", "</style>",
    "<li>", "<noscript>", "</noscript>", "<template>", "</template>", "<math>", "<math><mi>x</mi></math>", "\f", "<P CLASS=notranslate>", "\u2028",
)  # fmt: skip
PAGES = st.lists(st.sampled_from(BITS), max_size=30).map("".join)

PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>The Daash</title><style>p:before { content: "Daash" }</style></head>
<body class="Daash">
<script>var x = "<p>Daash fled.</p>";</script>
<!-- Daash -->
<h1 title="Daash">The Daash</h1>
<p>
    The <b>Daash</b> fled
    &amp; <a href="/?q=Daash&amp;x">the Daash</a> hid.<br>Daash
    was &ldquo;gone&rdquo;.
</p>
<pre>Daash
  fled</pre>
<ul><li>Daash fled<li><code>Daash</code> is <kbd>Daash</kbd></ul>
<table><tr><td>Daash</td></tr></table>
<p translate="no">Daash</p><p>A <span class="x notranslate">Daash <b>fled</b></span> Daash.</p>
<textarea>Daash</textarea><select><option>Daash</select><svg><text>Daash</text></svg><noscript><p>Daash</noscript>
Daash.
</body></html>
"""


def repaired(text: str, make_glossary: GlossaryMaker) -> str:
    return correct(Corrector.without_model(glossary=make_glossary(("Daash", "Daesh", "fix"))), text, Kind.html).text


def dom(text: str) -> list[tuple[str, str]]:
    """The elements and attributes of the page by another parser; its text left out."""
    found = []
    for element in html5lib.parse(text, namespaceHTMLElements=False).iter():
        found.append((str(element.tag), str(sorted(element.attrib.items()))))
    return found


def test_the_words_of_a_page_are_repaired_and_nothing_else(make_glossary: GlossaryMaker) -> None:
    wanted = PAGE
    for before, after in (
        (">The Daash<", ">The Daesh<"), ("The <b>Daash", "The <b>Daesh"), (">the Daash<", ">the Daesh<"), ("<br>Daash", "<br>Daesh"),
        ("<li>Daash", "<li>Daesh"), ("<td>Daash", "<td>Daesh"), ("</span> Daash", "</span> Daesh"), ("\nDaash.\n", "\nDaesh.\n"),
    ):  # fmt: skip
        wanted = wanted.replace(before, after)
    wanted = wanted.replace("<title>The Daesh", "<title>The Daash")
    assert repaired(PAGE, make_glossary) == wanted


def test_a_page_with_nothing_to_repair_is_the_same() -> None:
    untouched(Kind.html, PAGE)
    untouched(Kind.html, PAGE.replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>One <b>two</b>\r\n   three</p>", ["One two three"]),
        ("One<p>two<div>three</div>four", ["One", "two", "three", "four"]),
        ("<p>a &lt;b&gt; &#65; &copy &unknown; AT&T</p>", ["a <b> A © &unknown; AT&T"]),
        ("<p>a<br>b<hr>c<img>d<wbr>e</p>", ["a", "b", "cde"]),
        ("<p>a <!-- b --> c</p>", ["a  c"]),
        ("<p>a <!-- b --> c<script>d</script>e</p>", ["a  c", "e"]),
        ("<p>a <code>b <i>c</i></code> d</p>", ["a b c d"]),
        ("<p>a <code>b <p>c</code> d</p>", ["a ", " d"]),
        ("<p>a <code>b c d</p><p>e", ["a "]),
        ("<p>a <span translate=no>b</span> c <q translate=NO>d <q>e</q> f</q> g</p>", ["a b c d e f g"]),
        ("<p>a</><b>b</></b></p>", ["ab"]),
        ("<p>a < b <c d", ["a < b "]),
        ("<my-tag>a</my-tag>b", ["a", "b"]),
        ("<svg><p>a</svg><p>b<textarea><p>c", ["b"]),
        ("<p>a<plaintext>b", ["a"]),
        ("<p>a</p><!-- never closed <p>b", ["a"]),
        ("<p>...</p><p>&nbsp;</p>", []),
    ],
)
def test_what_is_read_of_a_page(text: str, expected: list[str]) -> None:
    assert plain(Kind.html, text) == expected


@given(PAGES)
def test_every_page_comes_back_as_it_was(text: str) -> None:
    untouched(Kind.html, text)


@given(st.text())
def test_every_text_is_a_page(text: str) -> None:
    untouched(Kind.html, text)


@given(PAGES, st.integers(0, 1000), st.sampled_from((0.05, 0.3, 1.0)))
@example("<!-- c -->&fjlig;", 269, 0.05)
@example(" <!-- c -->f", 269, 0.05)
@settings(max_examples=200)
def test_no_repair_changes_the_page_around_the_words(text: str, seed: int, rate: float) -> None:
    result = meddled(Kind.html, text, seed, rate)
    clean = text.replace("\ud800", "x")  # the other parser takes these for something else
    if text == clean and result.changed:
        assert dom(result.text) == dom(text)


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * 10_000 + "<p>He said." + "</div>" * 10_000,
        "<p>" + "<b>" * 10_000 + "He said." + "</b>" * 10_000,
        "<code>" * 10_000 + "He said.",
        "<p>" + "He <b>said</b>. " * 2_000,
        "<p>" + "He said. " * 20_000,
        "<" * 100_000,
        "<p>a" + "&" * 100_000,
        "<p>a" + "&amp;" * 20_000,
        "<!--" * 20_000,
        "<p>a" + " " * 100_000 + "b",
        "</>" * 20_000,
        "<p a='" + "x" * 100_000,
    ],
    ids=range(12),
)
def test_hostile_pages_take_no_long_time(text: str) -> None:
    started = time.process_time()
    untouched(Kind.html, text)
    meddled(Kind.html, text, 1, 0.02)
    assert time.process_time() - started < 20


def test_without_its_parser_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "turbohtml", None)
    monkeypatch.delitem(sys.modules, "retranslate.formats.html")
    with pytest.raises(InputError, match=r"^html needs turbohtml; install the extra: pip install '\.\[formats\]'"):
        passages(Kind.html, "<p>a")
