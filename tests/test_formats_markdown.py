"""Markdown: which words are repaired, and that everything else stays, whatever the document is like."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from conftest import GlossaryMaker
from format_checks import meddled, plain, rewritten, untouched
from retranslate.corrector import Corrector
from retranslate.formats import Kind, correct
from retranslate.formats.markdown import MAX_BRACKETS, MAX_PARAGRAPH

BITS = (
    "# ", "## ", " ##\n", "- ", "1. ", "> ", "\n", "\n\n", "\r\n", "\r", "  \n", "\\\n", "*", "**", "_", "__", "`", "``", "[", "](x)", "](", "![",
    "][a]", "[a]: /x\n", "<b>", "</b>", "<!-- x -->", "<http://x.y>", "&amp;", "&", "\\*", "\\", "|", "|-|-|\n", "---\n", "===\n", "```\n", "    ",
    "\t", "He said. ", "The road is open. ", "word", '"x"', "(", ")", "!", ":", "~~", "\0", "\ud800", "é", "<div>\n", " ", "\u2028", "\x0b", "+++\n",
)  # fmt: skip
DOCUMENTS = st.lists(st.sampled_from(BITS), max_size=30).map("".join)
PARSER = MarkdownIt("commonmark").enable("table")

PAGE = """---
title: Daash
---
# The Daash #

The **Daash** fled and [the Daash](/Daash "Daash") hid,
said `Daash`, ![Daash](/Daash) and <http://x.org/Daash>.
<i title="Daash">Daash</i> is\\
Daash & Daash &amp; \\*Daash.

Daash fled
==========

> - Daash fled
>   in *May*. Daash
> 1. Daash [Daash][Daash] [Daash]

    Daash

```text
Daash
```

| Daash | x |
|-------|---|
| Daash | y |

<div>
Daash
</div>

[Daash]: /Daash "Daash"
"""


def test_the_words_of_a_document_are_repaired_and_nothing_else(make_glossary: GlossaryMaker) -> None:
    wanted = PAGE
    for before, after in (
        ("# The Daash #", "# The Daesh #"), ("**Daash**", "**Daesh**"), ("[the Daash]", "[the Daesh]"), (">Daash</i>", ">Daesh</i>"),
        ("Daash & Daash &amp; \\*Daash", "Daesh & Daesh &amp; \\*Daesh"), ("Daash fled\n=", "Daesh fled\n="), ("- Daash", "- Daesh"),
        ("Daash\n> 1. Daash [Daash][Daash]", "Daesh\n> 1. Daesh [Daesh][Daash]"),
    ):  # fmt: skip
        assert before in wanted
        wanted = wanted.replace(before, after)
    corrector = Corrector.without_model(glossary=make_glossary(("Daash", "Daesh", "fix")))
    assert correct(corrector, PAGE, Kind.markdown).text == wanted
    crlf = correct(corrector, PAGE.replace("\n", "\r\n"), Kind.markdown).text
    assert crlf == wanted.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One *two*\nthree", ["One two three"]),
        ("> One\n> > two\nthree", ["One", "two three"]),
        ("- One\n\n      two\n  three", ["One", "three"]),
        ("One  \ntwo\\\nthree", ["One\ntwo\nthree"]),
        ("Set\nin lines\n---", ["Set in lines"]),
        ("# a #\n#b\n## c ## d ##", ["a", "#b", "c ## d"]),
        ("a ***b*** _c_ 5 * 3 snake_case", ["a b c 5 * 3 snake_case"]),
        ("a `b\nc` d", ["a `b\nc` d"]),
        ("[a *b*](/x 'y') [c][d] [d] [e]\n\n[d]: /d", ["a b c d [e]"]),
        ("![a](b) c", [" c"]),
        ("&copy; \\& \\a &x;", ["© & \\a &x;"]),
        ("a\0b\n\nc", ["c"]),
        ("+++\na = 1\n+++\nb", ["b"]),
        ("---\na: 1\n\nb", ["a: 1", "b"]),
        ("***", []),
        ("a | b\n|-|\n\nc", ["c"]),
        ("a |b\n---\n\nc |d\n===", ["c |d"]),
    ],
)
def test_what_is_read_of_a_document(text: str, expected: list[str]) -> None:
    assert plain(Kind.markdown, text) == expected


@pytest.mark.parametrize(
    ("text", "sentence", "rewrite", "expected"),
    [
        ("> It is\n> the road.", "It is the road.", "That is a road.", "> That is\n> a road."),
        ("It is *the* road.", "It is the road.", "It was the road.", "It was *the* road."),
        ("It is *the* road.", "It is the road.", "It is our road.", "It is *our* road."),
        ("It is _the big_ road.", "It is the big road.", "It is our big road.", "It is _our big_ road."),
        # Words that would be mark-up, or make some of what stands beside them.
        ("It is open.", "It is open.", "It is *open*.", None),
        ("It is open.", "It is open.", "It is <open>.", None),
        ("Two. It is.", "Two.", "2.", None),
        ("Two.\nIt is.", "Two.", "2.", None),
        ("In 1986. It is so as ever it was.", "In 1986.", "1986.", None),
        ("It is\n  two boats.", "It is two boats.", "It is + boats.", None),
        ("See [x] now (y).", "See [x] now (y).", "See [x](y).", None),
        ("See it [x](y).", "See it x.", "See it!x.", None),
        ("See [x] now.\n\n[x]: /y", "See x now.", "See it now.", None),
        ("See [x] now.\n\n[x]: /y", "See x now.", "Go to x now.", "Go to [x] now.\n\n[x]: /y"),
        ("A & B.", "A & B.", "A & C.", "A & C."),
        ("# It is the #1 way", "It is the #1 way", "It is the #", None),
        ("It is\nthe\nroad.", "It is the road.", "It is road.", "It is\nroad."),
        ("It is\nthe\nroad.", "It is the road.", "It is  road.", None),
        ("A & B;", "A & B;", "A &lt;", None),
    ],
)
def test_a_rewrite_is_made_where_it_keeps_the_markup(
    text: str, sentence: str, rewrite: str, expected: str | None
) -> None:
    result = rewritten(Kind.markdown, text, {sentence: rewrite})
    assert result.text == (expected or text)
    assert bool(result.segments[0].refused_by) is (expected is None)


def test_only_the_paragraph_whose_repair_would_be_markup_is_refused() -> None:
    text = "It is open.\n\n[a]: /x\nIt is open.\n\nIt was open.\n"
    result = rewritten(Kind.markdown, text, {"It is open.": "(open)", "It was open.": "It is."})
    # Below a definition "(open)" is the title of its link.
    assert result.text == "(open)\n\n[a]: /x\nIt is open.\n\nIt is.\n"
    assert [segment.refused_by for segment in result.segments] == [(), ("markup",), ()]


@given(DOCUMENTS)
def test_every_document_comes_back_as_it_was(text: str) -> None:
    untouched(Kind.markdown, text)


@given(st.text())
def test_every_text_is_a_document(text: str) -> None:
    untouched(Kind.markdown, text)


def structure(text: str) -> list[object]:
    """What the parser makes of ``text``, words left out."""
    found: list[object] = []
    for token in PARSER.parse(text):
        found.append((token.type, token.markup, token.content if token.type != "inline" else ""))
        for child in token.children or ():
            if child.type not in ("text", "softbreak", "text_special"):
                found.append((child.type, child.markup, child.content, sorted(child.attrs.items())))
    return found


@given(DOCUMENTS, st.integers(0, 1000), st.sampled_from((0.05, 0.3, 1.0)))
@settings(max_examples=200)
def test_no_repair_changes_the_document_around_the_words(text: str, seed: int, rate: float) -> None:
    result = meddled(Kind.markdown, text, seed, rate)
    if result.changed:
        assert structure(result.text) == structure(text)


def test_what_is_no_paragraph_of_prose_is_left_alone() -> None:
    assert plain(
        Kind.markdown, f"One.\n\n{'One two. ' * (MAX_PARAGRAPH // 9 + 1)}\n\n{'[One](x) ' * (MAX_BRACKETS + 1)}"
    ) == ["One."]


@pytest.mark.parametrize(
    "text",
    [
        ">" * 10_000 + "He said.",
        "- " * 5_000 + "He said.",
        "\n".join("  " * depth + "- He said." for depth in range(300)),
        "*a " * 5_000,
        "a " + "[" * 150 + "\n\n" + "a [a](b \"" * 190,
        "|a" * 5_000 + "\n" + "|-" * 5_000 + "\n" + "|b\n" * 2_000,
        "a" + " " * 40_000 + "b",
        "# a" + " " * 40_000 + "b",
        "---\n" + "--\n" * 50_000,
        "a `" * 5_000,
        "a <!-- " * 5_000,
        "He said. " * 5_000,
    ],
    ids=range(12),
)  # fmt: skip
def test_hostile_documents_take_no_long_time(text: str) -> None:
    started = time.process_time()
    untouched(Kind.markdown, text)
    meddled(Kind.markdown, text, 1, 0.02)
    assert time.process_time() - started < 20
