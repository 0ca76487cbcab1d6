"""XLIFF: which words are repaired, that everything else stays, and that XML's dangers are kept out."""

from __future__ import annotations

import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import GlossaryMaker
from format_checks import meddled, plain, rewritten, untouched
from retranslate.corrector import Corrector
from retranslate.errors import InputError
from retranslate.formats import Kind, correct

LEAVES = st.sampled_from((
    '<x id="1"/>', '<ph id="2">c <sub>d</sub></ph>', "&amp;", "&#233;", "&lt;", "<![CDATA[x<y]]>", "<!-- c -->", "<?p x?>", "\n  ", "\r\n", " ",
    "He said. ", "The road is open. ", "word", "é", '"x"', ">", '<sc id="1"/>', "𝄞", "\t", "\u2028", "\u202e", "]]&gt;", '<bpt id="1">b</bpt>',
))  # fmt: skip
PAIRS = (
    'g id="1"',
    'pc id="1"',
    'mrk mtype="seg"',
    'mrk mtype="protected"',
    'mrk translate="no"',
    'mrk id="t"',
    "odd:one xmlns:odd='urn:x'",
)
CONTENTS = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.sampled_from(PAIRS), st.lists(inner, max_size=4)).map(
        lambda pair: f"<{pair[0]}>{''.join(pair[1])}</{pair[0].split()[0]}>"
    ),
)
FILES = st.lists(CONTENTS, max_size=8).map(
    lambda parts: f"<xliff><file><target>{''.join(parts)}</target><target>He said.</target></file></xliff>"
)

V1 = """<?xml version="1.0" encoding="UTF-8"?>
<!-- Daash -->
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"><file original="Daash"><body>
<trans-unit id="1"><source>Daash</source>
  <target state="translated">The <g id="1" ctype="Daash">Daash</g> fled
    &amp; <x id="2"/> <ph id="3">Daash</ph>Daash h&#xEB;d.<![CDATA[Daash]]></target>
  <note>Daash</note><alt-trans><target>Daash</target></alt-trans></trans-unit>
<trans-unit id="2" translate="no"><source/><target>Daash</target></trans-unit>
<trans-unit id="3" approved="yes"><source/><target>Daash</target></trans-unit>
<trans-unit id="4"><target state="final">Daash</target></trans-unit>
<trans-unit id="5"><seg-source><mrk mtype="seg" mid="0">Daash</mrk></seg-source>
  <target><g id="1"><mrk mtype="seg" mid="0">Daash fled.</mrk> <mrk mtype="seg" mid="1">It hid.</mrk></g><mrk mtype="protected">Daash</mrk></target></trans-unit>
<trans-unit id="6"><target/></trans-unit><trans-unit id="7"><target> </target></trans-unit>
</body></file></xliff>
"""
V2 = """<xliff version="2.0" srcLang="ar" trgLang="en" xmlns="urn:oasis:names:tc:xliff:document:2.0" xmlns:mtc="urn:x"><file id="f">
<unit id="1"><segment><source>Daash</source><target>The <pc id="1">Daash</pc><ph id="2"/> <sc id="3"/>fled<ec startRef="3"/>.
<mrk id="m" translate="no">Daash</mrk></target></segment><ignorable><source> </source><target> </target></ignorable>
<mtc:matches><mtc:match><source>Daash</source><target>Daash</target></mtc:match></mtc:matches></unit>
<unit id="2"><segment state="final"><source/><target>Daash</target></segment></unit></file></xliff>
"""


@pytest.fixture
def corrector(make_glossary: GlossaryMaker) -> Corrector:
    return Corrector.without_model(glossary=make_glossary(("Daash", "Daesh", "fix")))


def test_the_words_of_targets_are_repaired_and_nothing_else(corrector: Corrector) -> None:
    wanted = V1
    for before, after in (
        (">Daash</g> fled", ">Daesh</g> fled"),
        ("</ph>Daash", "</ph>Daesh"),
        (">Daash fled.", ">Daesh fled."),
    ):
        assert before in wanted
        wanted = wanted.replace(before, after)
    assert correct(corrector, V1, Kind.xliff).text == wanted
    assert correct(corrector, V1.replace("\n", "\r\n"), Kind.xliff).text == wanted.replace("\n", "\r\n")
    assert correct(corrector, V2, Kind.xliff).text == V2.replace(">Daash</pc>", ">Daesh</pc>")


def test_what_is_read_of_targets() -> None:
    assert plain(Kind.xliff, V1) == ["The Daash fled & {} {}Daash hëd.{}", "\nDaash fled.\n \nIt hid.\n{}"]
    assert plain(Kind.xliff, V2) == ["The Daash{} fled. {}"]


@pytest.mark.parametrize(
    ("target", "sentence", "rewrite", "expected"),
    [
        ("It is <g>open</g>.", "It is open.", "It was open.", "It was <g>open</g>."),
        ("It is <g>open</g>.", "It is open.", "It is now.", "It is <g>now</g>."),
        ("It is <g>open</g>.", "It is open.", "Open it is.", None),
        ("It is\n  open &gt; 1.", "It is open > 1.", "It was open & > 1.", "It was\n  open &amp; &gt; 1."),
        ("It is <x/> now.", "It is {} now.", "It was {} today.", "It was <x/> today."),
        ("It is <x/> now.", "It is {} now.", "It is now {}.", "It is now <x/>."),
        ("It is <x/> now.", "It is {} now.", "It is now.", None),
        ("It is.", "It is.", "It <is>.", "It &lt;is&gt;."),
        ("It ]]x> is.", "It ]]x> is.", "It ]]> is.", None),
        ("It is.", "It is.", "It \ufffe is.", None),
    ],
)
def test_a_rewrite_is_made_where_it_keeps_the_markup(
    target: str, sentence: str, rewrite: str, expected: str | None
) -> None:
    text = "<xliff><target>{}</target></xliff>"
    result = rewritten(Kind.xliff, text.replace("{}", target), {sentence: rewrite})
    assert result.text == text.replace("{}", expected or target)
    assert bool(result.segments[0].refused_by) is (expected is None)


@given(FILES)
def test_every_document_comes_back_as_it_was(text: str) -> None:
    untouched(Kind.xliff, text)


def elements(text: str) -> list[tuple[str, object]]:
    return [(element.tag, element.attrib) for element in ElementTree.fromstring(text).iter()]


@given(FILES, st.integers(0, 1000), st.sampled_from((0.05, 0.3, 1.0)))
@settings(max_examples=200)
def test_no_repair_changes_the_document_around_the_words(text: str, seed: int, rate: float) -> None:
    assert elements(meddled(Kind.xliff, text, seed, rate).text) == elements(text)


@given(st.text())
def test_what_is_not_xml_is_told_with_its_place(text: str) -> None:
    with pytest.raises(InputError, match=r"^text: line \d+, column \d+: not well-formed XML: "):
        untouched(Kind.xliff, f"<xliff><target>{text}</xliff>")


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        f'<!DOCTYPE x [<!ENTITY b SYSTEM "{Path(__file__).as_uri()}">]>',
        '<!DOCTYPE x [<!ENTITY b SYSTEM "http://127.0.0.1/b">]>',
        '<!DOCTYPE x [<!ENTITY % b SYSTEM "http://127.0.0.1/b"> %b;]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    ],
)
def test_entities_are_refused_and_nothing_is_fetched(prolog: str) -> None:
    with pytest.raises(InputError, match=r"^text: line 1, column \d+: .*no entity but XML's own is read"):
        untouched(Kind.xliff, f"{prolog}<xliff><target>&b;</target></xliff>")


def test_a_document_type_without_entities_is_no_harm() -> None:
    untouched(
        Kind.xliff,
        '<!DOCTYPE xliff PUBLIC "-//XLIFF//DTD XLIFF//EN" "http://127.0.0.1/x.dtd"><xliff><target>a</target></xliff>',
    )


@pytest.mark.parametrize(
    "target",
    ["He said. " * 20_000, "<g>" * 10_000 + "He said." + "</g>" * 10_000, "<ph>" * 10_000 + "</ph>" * 10_000, "a" + "&amp;" * 20_000, "<x/>" * 20_000],
    ids=range(5),
)  # fmt: skip
def test_hostile_documents_take_no_long_time(target: str) -> None:
    started = time.process_time()
    text = f"<xliff><target>{target}</target></xliff>"
    untouched(Kind.xliff, text)
    meddled(Kind.xliff, text, 1, 0.02)
    assert time.process_time() - started < 20
