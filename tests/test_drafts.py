"""Drafts: what the glossary has to say about a segment, sorted, and receipts for whatever is done to it."""

from __future__ import annotations

from conftest import GlossaryMaker
from retranslate.drafts import Draft, drafted
from retranslate.edits import Edit, apply
from retranslate.glossary import Glossary
from retranslate.text import Segment


def of(glossary: Glossary, text: str) -> Draft:
    return drafted(Segment(7, 7 + len(text), "sentence", text), glossary)


def test_rows_are_sorted_by_what_is_to_be_done_with_them(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(
        ("Daash", "Daesh", "fix", "", "", "keep", "a name"), ("strings", "leads", "fix", "police"), ("parents", "residents", "hint"),
        ("old bridge", "", "keep"), ("martyrs", "", "forbid"), ("wire", "", "fix"), ("same", "same", "fix"),
    )  # fmt: skip
    draft = of(glossary, "Daash has strings for the parents of martyrs at the same old bridge by wire.")
    assert [(fix.match.found, fix.reading, fix.reason) for fix in draft.fixes] == [("Daash", "Daesh", "a name")]
    assert [match.found for match in draft.doubts] == ["strings"]
    assert [match.found for match in draft.hints] == ["parents"]
    assert draft.kept == ["old bridge"]
    assert draft.flags == ["martyrs: flagged by the glossary", "wire: flagged by the glossary"]
    assert draft.text == draft.segment.text


def test_links_are_nobodys_words(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(
        ("crowd", "Hashd", "fix"), ("strings", "leads", "fix", "police"), ("parents", "residents", "hint")
    )
    draft = of(glossary, "See https://example.org/crowd-strings-parents or @parents now.")
    assert (draft.fixes, draft.doubts, draft.hints) == ([], [], [])


def test_blank_segments_are_not_looked_at(make_glossary: GlossaryMaker) -> None:
    assert drafted(Segment(0, 1, "blank", "\n"), make_glossary(("\\n", "x", "fix"))).fixes == []


def test_every_step_leaves_its_receipt() -> None:
    draft = of(Glossary(), "one two three")
    draft.edit("glossary", [Edit(0, 3, "one", "uno", "glossary", "first")])
    draft.edit("rule", [])
    draft.edit("model", [Edit(0, 7, "uno two", "1 2", "model", "second")])
    assert draft.text == apply("one two three", draft.edits) == "1 2 three"
    assert [(edit.original, edit.replacement, edit.reason) for edit in draft.edits] == [("one two", "1 2", "second")]
    assert [(step.by, step.text) for step in draft.steps] == [("glossary", "uno two three"), ("model", "1 2 three")]
    assert draft.result().status == "changed"
    assert (draft.result().start, draft.result().end) == (7, 20)


def test_words_left_in_letters_are_doubts_unless_the_glossary_has_them(make_glossary: GlossaryMaker) -> None:
    text = "The pupils came Bhafilat from Almadaris."
    draft = of(Glossary(), text)
    assert [match.found for match in draft.doubts] == ["Bhafilat", "Almadaris"]
    draft = of(make_glossary(("Bhafilat", "by bus", "fix", "", "", "exact"), ("Almadaris", "", "keep")), text)
    assert [fix.reading for fix in draft.fixes] == ["by bus"]
    assert draft.doubts == []


def test_matches_that_share_a_character_with_a_taken_span_are_left_out(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("Bhafilat Almadaris", "school buses", "fix", "", "", "exact"))
    draft = of(glossary, "They took Bhafilat Almadaris to Almatar.")
    assert [fix.match.found for fix in draft.fixes] == ["Bhafilat Almadaris"]
    assert [match.found for match in draft.doubts] == ["Almatar"]
