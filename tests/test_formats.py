"""Documents repaired with their mark-up kept: what of a repair is made, and what is refused."""

from __future__ import annotations

from typing import cast

import pytest

import retranslate.formats
from conftest import GlossaryMaker
from format_checks import Scripted, rewritten
from retranslate.corrector import Corrector
from retranslate.edits import Edit
from retranslate.errors import InputError
from retranslate.formats import Kind, correct, kind_of, repair


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", Kind.text), ("standard input", Kind.text), ("a", Kind.text), ("md", Kind.text), ("a.HTML", Kind.html),
        ("a.b/c.htm", Kind.html), ("README.md", Kind.markdown), ("a.en.srt", Kind.srt), ("a.vtt", Kind.vtt),
        ("a.xlf", Kind.xliff), ("a.xliff", Kind.xliff), ("en.po", Kind.po), ("a.html.txt", Kind.text),
    ],
)  # fmt: skip
def test_the_ending_tells_the_kind(name: str, kind: Kind) -> None:
    assert kind_of(name) is kind


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'parse'"):
        retranslate.formats.parse  # noqa: B018


def test_text_is_repaired_as_ever(make_glossary: GlossaryMaker) -> None:
    corrector = Corrector.without_model(glossary=make_glossary(("Daash", "Daesh", "fix")))
    text = "<p>He pointed Hadi that the\n<b>Daash</b> fled.</p>"
    assert correct(corrector, text) == corrector(text)


def test_a_document_is_corrected_in_one_call_with_progress() -> None:
    corrector = Scripted({"One road is open.": "The road is open."})
    told: list[tuple[int, int]] = []
    text = "<h1>One road</h1><p>One road is open. So it is.</p>\n<ul><li>One</ul>"
    result = correct(cast("Corrector", corrector), text, Kind.html, lambda *numbers: told.append(numbers))
    assert corrector.calls == [["One road\nOne road is open. So it is.\nOne"]]
    assert told == [(1, 1)]
    assert result.text == text.replace("One road is", "The road is")
    assert result.signature == "scripted"
    assert [(text[s.start : s.end], s.status) for s in result.segments] == [
        ("One road", "unchanged"), ("One road is open.", "changed"), ("So it is.", "unchanged"), ("One", "unchanged"),
    ]  # fmt: skip


def test_the_receipt_is_that_of_the_whole_document(make_glossary: GlossaryMaker) -> None:
    corrector = Corrector.without_model(glossary=make_glossary(("Daash", "Daesh", "fix")))
    text = "<p>Nothing.</p>\r\n<p title='Daash'>The <i>Daash</i> fled &amp; hid.</p>"
    result = correct(corrector, text, Kind.html)
    (edit,) = result.edits
    assert (text[edit.start : edit.end], edit.replacement, edit.kind) == ("Daash", "Daesh", "glossary")
    assert result.segments[1].original == "The <i>Daash</i> fled &amp; hid."
    assert result.segments[1].text == "The <i>Daesh</i> fled &amp; hid."
    assert result.diff("a.html").count("\n+") == 2
    assert result.to_dict()["text"] == result.text


@pytest.mark.parametrize(
    ("text", "sentence", "rewrite", "expected"),
    [
        # Within an element, beside it, and at its edge, where what is added goes outside.
        ("He <b>is gone</b> now.", "He is gone now.", "He was gone now.", "He <b>was gone</b> now."),
        ("He <b>is gone</b> now.", "He is gone now.", "Hadi is gone today.", "Hadi <b>is gone</b> today."),
        ("He <b>is</b> gone.", "He is gone.", "He already is gone.", "He already <b>is</b> gone."),
        ("He <b>is</b> gone.", "He is gone.", "He is not gone.", "He <b>is</b> not gone."),
        ("<b>He</b> <i>is</i> gone.", "He is gone.", "He now is gone.", "<b>He</b> now <i>is</i> gone."),
        # Across a tag.
        ("He <b>is gone</b> now.", "He is gone now.", "He is off.", None),
        ("The <b>road</b> of iron.", "The road of iron.", "The iron road.", None),
        # A word that moves out of its element would leave its link to another word.
        ('He told <a href="/h">Hadi</a> that.', "He told Hadi that.", "Hadi told him that.", None),
        ("He told <b>old Hadi</b> that.", "He told old Hadi that.", "He told young Hadi that.", "He told <b>young Hadi</b> that."),
        ("They <b>has</b> the road.", "They has the road.", "They have the road.", "They <b>have</b> the road."),
        ("They <b>has</b> the road.", "They has the road.", "They the road.", None),
        ("They <b>old</b> mend road.", "They old mend road.", "They mend old road.", None),
        # What stays as it is.
        ("Run <code>a b</code> now.", "Run a b now.", "Run a b today.", "Run <code>a b</code> today."),
        ("Run <code>a b</code> now.", "Run a b now.", "Run b now.", None),
        ("One <img src=x> two.", "One  two.", "One two.", None),
        # References are read and written.
        ("Caf&eacute; &amp; bar &lt;now.", "Café & bar <now.", "Café & pub <now.", "Caf&eacute; &amp; pub &lt;now."),
        ("Caf&eacute; is shut.", "Café is shut.", "Bar & grill <is shut.", "Bar &amp; grill &lt;is shut."),
        ("R& D is x.", "R& D is x.", "R& lt is x.", "R& lt is x."),
        ("R& amp is x.", "R& amp is x.", "R&amp is x.", None),
        # Line ends stay between words.
        ("It is\n  the road.", "It is the road.", "That was a road.", "That\n  was a road."),
        ("It is\n  the road.", "It is the road.", "Roads.", "Roads."),
        # What no mark-up has room for, and what would leave nothing.
        ("It is open.", "It is open.", "It\nis open.", None),
        ("It is open.", "It is open.", "It is \ud800.", None),
        ("It is open.", "It is open.", "", None),
        ("It is open.", "It is open.", "...", None),
    ],
)  # fmt: skip
def test_a_rewrite_is_made_where_it_keeps_the_markup(
    text: str, sentence: str, rewrite: str, expected: str | None
) -> None:
    result = rewritten(Kind.html, f"<p>{text}</p>", {sentence: rewrite})
    if expected is None:
        assert result.text == f"<p>{text}</p>"
        assert result.edits == ()
        assert (result.segments[0].status, result.segments[0].refused_by) == ("refused", ("markup",))
    else:
        assert result.text == f"<p>{expected}</p>"
        assert (result.segments[0].status, result.segments[0].refused_by) == ("changed", ())


def test_where_a_rule_is_refused_the_glossary_is_kept(make_glossary: GlossaryMaker) -> None:
    corrector = Corrector.without_model(glossary=make_glossary(("Daash", "Daesh", "fix"), ("strings", "leads", "fix")))
    sentence = "He pointed <b>Hadi</b> that the <i>Daash</i> strings fled."
    assert corrector("He pointed Hadi that the Daash strings fled.").text.startswith("Hadi pointed out that")
    result = correct(corrector, f"<p>{sentence} Daash!", Kind.html)
    assert result.text == "<p>He pointed <b>Hadi</b> that the <i>Daesh</i> leads fled. Daesh!"
    assert [(segment.status, segment.refused_by) for segment in result.segments] == [
        ("changed", ("markup",)),
        ("changed", ()),
    ]


def test_a_name_is_the_same_in_all_paragraphs(make_glossary: GlossaryMaker) -> None:
    text = "<p>Jurgen Stock came.</p><p>Jurgen Stock left.</p><ul><li>Then <b>Jurgen</b> <i>Stoke</i> spoke.</ul>"
    result = correct(Corrector.without_model(glossary=make_glossary()), text, Kind.html)
    assert result.text == text.replace("Stoke", "Stock")
    (step,) = result.segments[-1].steps
    assert (step.by, step.text) == ("consistency", "Then <b>Jurgen</b> <i>Stock</i> spoke.")


def test_the_steps_tell_only_what_was_made(make_glossary: GlossaryMaker) -> None:
    corrector = Corrector.without_model(glossary=make_glossary(("Daash", "Daesh", "fix")))
    (segment,) = correct(corrector, "<p>He pointed <b>Hadi</b> that the Daash fled.", Kind.html).segments
    assert [(step.by, step.text) for step in segment.steps] == [("glossary", segment.text)]
    assert segment.text == "He pointed <b>Hadi</b> that the Daesh fled."


def test_only_the_sentence_that_crosses_markup_is_refused() -> None:
    text = "<p>He <b>is gone</b> now. He is gone now."
    result = rewritten(Kind.html, text, {"He is gone now.": "He is off."})
    assert result.text == "<p>He <b>is gone</b> now. He is off."


def test_only_the_sentence_that_would_be_markup_is_refused() -> None:
    text = "<p>R& amp is it. It is open. R& amp is it. It is open."
    result = rewritten(Kind.html, text, {"R& amp is it.": "R&amp is it.", "It is open.": "It was open."})
    assert result.text == "<p>R& amp is it. It was open. R& amp is it. It was open."
    assert [segment.status for segment in result.segments] == ["refused", "changed", "refused", "changed"]


def test_a_passage_of_hopeless_repairs_is_left_alone_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "MAX_CHECKS", 5)
    text = "<p>" + "R& amp is it. " * 50
    result = rewritten(Kind.html, text, {"R& amp is it.": "R&amp is it."})
    assert not result.changed
    assert len(result.refused) == 50


def test_a_segment_that_begins_in_the_middle_of_what_is_fixed_overlaps_none() -> None:
    text = "<p>Say <code>it. He</code> said.</p>"
    result = rewritten(Kind.html, text, {"He said.": "He says."})
    assert result.text == "<p>Say <code>it. He</code> says.</p>"
    assert [text[segment.start : segment.end] for segment in result.segments] == ["Say <code>it. He</code>", " said."]


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(InputError, match=r"^a\.xlf: line 1, column 1: not well-formed XML: syntax error\.$"):
        correct(cast("Corrector", Scripted({})), "He said.", Kind.xliff, name="a.xlf")


@pytest.mark.parametrize("kind", [*Kind])
def test_nothing_is_nothing(kind: Kind, make_glossary: GlossaryMaker) -> None:
    if kind is Kind.xliff:
        return  # no document at all
    result = correct(Corrector.without_model(glossary=make_glossary()), "", kind)
    assert (result.text, result.edits, result.segments) == ("", (), ())


def test_repairs_that_stand_alone_but_not_together_are_all_left_out() -> None:
    opens, closes, words = (Edit(at, at, "", text, "model", "") for at, text in enumerate("<>w"))

    def stands(edits: list[Edit]) -> bool:
        return not {"<", ">"} <= {edit.replacement for edit in edits}

    assert repair._unbearable([[opens], [words]], stands) == set()
    assert repair._unbearable([[opens], [], [closes], [words]], stands) == {0, 1, 2, 3}
    assert repair._unbearable([[opens, closes], [], [words]], stands) == {0}
