"""PO: which words are repaired, and that everything else stays, whatever the catalogue is like."""

from __future__ import annotations

import time

import polib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import GlossaryMaker
from format_checks import meddled, plain, rewritten, untouched
from retranslate.corrector import Corrector
from retranslate.errors import InputError
from retranslate.formats import Kind, correct

BITS = (
    "\\n", '\\"', "\\\\", "\\t", "\\x41", "\\101", ' "\n"', '"\n"', '"\r\n  "', "%s", "%(n)s", "%1$d", "{x}", "${x}", "%{x}", "%", "{", "}", "<b>",
    "</b>", "<br/>", '<a href=\\"x\\">', "He said. ", "The road is open. ", "word", "é", "\ud800", "\0", " ", "<", ">", "\u2028", "100%", "#", "d",
)  # fmt: skip
STRINGS = st.lists(st.sampled_from(BITS), max_size=20).map("".join)
CATALOGUES = st.tuples(STRINGS, STRINGS).map(
    lambda strings: (
        f'msgid ""\nmsgstr "He said.\\n"\n\n#: a.c:1\nmsgid "a"\nmsgstr "{strings[0]}"\n\n'
        f'msgctxt "x"\nmsgid ""\nmsgid_plural "c"\nmsgstr[0] "He said."\nmsgstr[1] ""\n"{strings[1]}"\n'
    )
)

CATALOGUE = r"""# Daash
msgid ""
msgstr ""
"Project: Daash\n"
"Language: en\n"

#. Daash
#: Daash.c:1
#, fuzzy
#| msgid "Daash"
msgctxt "Daash"
msgid "Daash %s"
msgstr "The \"Daash\" %s fled the "
"Daash town of {Daash}"

msgid "Daash"
msgid_plural "Daash"
msgstr[0] "Daash\n"
  "<a href=\"Daash\">Daash</a>"
msgstr[1] ""

#~ msgid "Daash"
#~ msgstr "Daash"
"""


def test_the_words_of_translations_are_repaired_and_nothing_else(make_glossary: GlossaryMaker) -> None:
    wanted = CATALOGUE
    for before, after in (
        (r"\"Daash\" %s", r"\"Daesh\" %s"), ('"Daash town', '"Daesh town'), (r'[0] "Daash\n', r'[0] "Daesh\n'), (">Daash<", ">Daesh<"),
    ):  # fmt: skip
        assert before in wanted
        wanted = wanted.replace(before, after)
    corrector = Corrector.without_model(glossary=make_glossary(("Daash", "Daesh", "fix")))
    for end in ("\n", "\r\n", "\r"):
        assert correct(corrector, CATALOGUE.replace("\n", end), Kind.po).text == wanted.replace("\n", end)


@pytest.mark.parametrize(
    ("string", "expected"),
    [
        (r"a\tb \"c\" \\d", 'a\tb "c" \\d'),
        (r"a\nb", "a\nb"),
        ('"\n"a "\n  "b"\n"c', "a bc"),
        (r"a %s %(n)d %1$s %-5.2f %% 100% b", "a %s %(n)d %1$s %-5.2f %% 100% b"),
        (r"a<br>b<b>c</b>", "abc"),
        (r"a\x41\101b", r"a\x41\101b"),
    ],
)
def test_what_is_read_of_a_translation(string: str, expected: str) -> None:
    assert plain(Kind.po, f'msgid "x"\nmsgstr "{string}"\n') == [expected]


def test_lines_that_a_comment_parts_are_not_one_string() -> None:
    text = 'msgid "x"\nmsgstr "a "\n# c\n"b"\n'
    untouched(Kind.po, text)
    assert plain(Kind.po, text) == ["a "]


@pytest.mark.parametrize(
    ("string", "sentence", "rewrite", "expected"),
    [
        ('It is "\n"the road.', "It is the road.", "That was a road.", 'That "\n"was a road.'),
        ('It i"\n"s open.', "It is open.", "It was open.", "It was open."),
        ("It is %s now.", "It is %s now.", "It was %s today.", "It was %s today."),
        ("It is %s now.", "It is %s now.", "It is now %s.", "It is now %s."),
        ("It is %s now.", "It is %s now.", "It is now.", None),
        ("It is now.", "It is now.", "It is %s now.", None),
        ("It is 5% now.", "It is 5% now.", "It is 5%s now.", None),
        ("It is now.", "It is now.", r'It "\is now.', r"It \"\\is now."),
        ("It is now.", "It is now.", "It is <b>now</b>.", None),
    ],
)
def test_a_rewrite_is_made_where_it_keeps_the_markup(
    string: str, sentence: str, rewrite: str, expected: str | None
) -> None:
    text = 'msgid "x"\nmsgstr "{}"\n'
    result = rewritten(Kind.po, text.replace("{}", string), {sentence: rewrite})
    assert result.text == text.replace("{}", expected or string)
    assert bool(result.segments[0].refused_by) is (expected is None)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("He said.\n", 1),
        ('msgid "a"\nmsgstr "b\n', 2),
        ('\n"a"\n', 2),
        ('msgid "a"\nmsgstr "b"c"\n', 2),
        ("msgid 'a'\n", 1),
    ],
)
def test_what_is_no_catalogue_is_told(text: str, line: int) -> None:
    with pytest.raises(InputError, match=f"^text: line {line}: not a line of a PO file"):
        untouched(Kind.po, text)


@given(CATALOGUES)
def test_every_catalogue_comes_back_as_it_was(text: str) -> None:
    untouched(Kind.po, text)


@given(CATALOGUES, st.integers(0, 1000), st.sampled_from((0.05, 0.3, 1.0)))
@settings(max_examples=200)
def test_no_repair_changes_the_catalogue_around_the_words(text: str, seed: int, rate: float) -> None:
    assert "\nmsgid" in meddled(Kind.po, text, seed, rate).text


@given(st.integers(0, 10_000), st.sampled_from((0.3, 1.0)))
def test_another_parser_finds_the_same_messages(seed: int, rate: float) -> None:
    before, after = (polib.pofile(text) for text in (CATALOGUE, meddled(Kind.po, CATALOGUE, seed, rate).text))
    assert after.metadata == before.metadata
    for ours, theirs in zip(before, after, strict=True):
        for name in (
            "msgid",
            "msgctxt",
            "msgid_plural",
            "flags",
            "comment",
            "obsolete",
            "occurrences",
            "previous_msgid",
        ):
            assert getattr(theirs, name) == getattr(ours, name)


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1))
def test_another_parser_reads_the_same_words(words: str) -> None:
    wanted = polib.POEntry(msgid="x", msgstr=f"Say {words}")
    text = f"{wanted}"
    untouched(Kind.po, text)
    if "<" not in words and "\\" not in words:
        assert plain(Kind.po, text) == [f"Say {words}"]


@pytest.mark.parametrize(
    "string",
    ["He said. " * 20_000, '\\"' * 50_000, "%-" * 50_000, "<a" * 50_000, "a" + " " * 100_000, "{" * 50_000, '"\n"' * 20_000],
    ids=range(7),
)  # fmt: skip
def test_hostile_catalogues_take_no_long_time(string: str) -> None:
    started = time.process_time()
    untouched(Kind.po, f'msgid "a"\nmsgstr "{string}"\n')
    meddled(Kind.po, f'msgid "a"\nmsgstr "{string}"\n', 1, 0.02)
    with pytest.raises(InputError, match="line 2"):
        untouched(Kind.po, f'msgid "a"\nmsgstr "{string}\\"\n')
    assert time.process_time() - started < 20
