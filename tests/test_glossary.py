"""The glossary: what a row means, which one wins, which ones stay uncertain and how broken files are refused."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import GlossaryMaker, glossary_text
from retranslate.errors import InputError
from retranslate.glossary import Glossary, Row, bundled_paths, expand, fold, read_rows, realise

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=120)


def repaired(glossary: Glossary, sentence: str) -> str:
    """The sentence with the likeliest reading of every match put in."""
    for match in reversed(glossary.match(sentence)):
        if match.replacement is not None:
            sentence = sentence[: match.start] + match.replacement + sentence[match.end :]
    return sentence


# --- Offsets -------------------------------------------------------------------------------------------------------


@given(ANY_TEXT)
def test_folding_keeps_the_length_of_every_string(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(st.characters(exclude_categories=()))
def test_folding_keeps_the_length_of_every_character(character: str) -> None:
    assert len(fold(character + "é")) == 2


def test_folding_evens_out_case_quotes_spaces_and_hyphens() -> None:
    assert fold("İSTANBUL’s\u00a0“co\u2011op”\t") == 'istanbul\'s "co-op" '


PIECES = st.lists(
    st.sampled_from(["element", "elements", "Elements", "an element", "the", "The", "a", "of the", "group", "Daash", "İ", "\U0001f600", "\ud800", " ", " ", ".", "’", "-"]),
    max_size=16,
).map(" ".join)  # fmt: skip


@given(PIECES | ANY_TEXT)
def test_matches_slice_the_sentence_and_do_not_overlap(sentence: str) -> None:
    cursor = 0
    for match in MIXED.match(sentence):
        assert cursor <= match.start < match.end
        assert match.found == sentence[match.start : match.end]
        cursor = match.end


def _row(wrong: str, right: str, mode: str = "fix", **more: object) -> Row:
    return Row(tuple(wrong.split("|")), tuple(filter(None, right.split("|"))), mode, **more)  # type: ignore[arg-type]


MIXED = Glossary(
    (
        _row("element*", "fighter*|member*"),
        _row("of the", "by a"),
        _row("element of the group", "unit"),
        _row("Daash", "ISIS", case="exact"),
    ),
    user=2,
)


def test_an_article_in_an_earlier_match_is_not_taken_twice() -> None:
    glossary = Glossary((_row("out of an", "from an"), _row("element*", "fighter*")))
    matches = glossary.match("Out of an element came word.")
    assert [match.found for match in matches] == ["Out of an", "element"]


# --- What a row does -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Two elements fled.", "Two fighters fled."),
        ("The army edited the town.", "The army liberated the town."),
        ("The town was edited.", "The town was liberated."),
        ("They are editing it.", "They are liberating it."),
        ("Elements fled.", "Fighters fled."),
        ("ELEMENTS FLED", "FIGHTERS FLED"),
        ("Elementary things.", "Elementary things."),
        ("A subelement.", "A subelement."),
    ],
)
def test_inflection_and_case_follow_the_text(make_glossary: GlossaryMaker, sentence: str, expected: str) -> None:
    glossary = make_glossary(("element*", "fighter*", "fix"), ("edit*", "liberate*", "fix"))
    assert repaired(glossary, sentence) == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("He saw an element.", "He saw a fighter."),
        ("An element left.", "A fighter left."),
        ("The element left.", "The fighter left."),
        ("A mouse ran.", "An owl ran."),
        ("It is a fun element.", "It is a fun fighter."),
        ("Visit the mass of the citizen today.", "Visit the Muwatin bloc today."),
        ("The mass of the citizen left.", "The Muwatin bloc left."),
        ("a mass of the citizen left.", "the Muwatin bloc left."),
    ],
)
def test_articles_agree(make_glossary: GlossaryMaker, sentence: str, expected: str) -> None:
    glossary = make_glossary(
        ("element*", "fighter*", "fix"), ("mouse", "owl", "fix"), ("mass of the citizen", "the Muwatin bloc", "fix")
    )
    assert repaired(glossary, sentence) == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The court rejected two stabbing.", "The court rejected two appeals."),
        ("It threw out 14 stabbing and several stabbing.", "It threw out 14 appeals and several appeals."),
        ("In 2014 stabbing was common.", "In 2014 appeal was common."),
        ("The dues will be drain in May.", "The dues will be paid in May."),
        ("The dues were not drain.", "The dues were not paid."),
        ("They will drain the dues.", "They will pay the dues."),
        ("There is one stabbing.", "There is one appeal."),
    ],
)
def test_a_reading_agrees_with_a_number_and_a_form_of_be(
    make_glossary: GlossaryMaker, sentence: str, expected: str
) -> None:
    glossary = make_glossary(("stabbing*", "appeal*", "fix"), ("drain*", "pay*", "fix"))
    assert repaired(glossary, sentence) == expected


def test_an_exact_row_is_for_its_own_case_only(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("Palm", "al-Nakheel", "fix", "", "", "exact"))
    assert repaired(glossary, "Palm said a palm fell. PALM") == "al-Nakheel said a palm fell. PALM"


def test_an_exact_row_matches_whatever_the_shape_of_quotes(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("Wasn’t Ali", "Wasnat Ali", "fix", "", "", "exact"))
    assert repaired(glossary, "Wasn't Ali and Wasn’t Ali") == "Wasnat Ali and Wasnat Ali"


def test_capitals_in_a_starred_word_are_kept() -> None:
    assert [surface.text for surface in expand("MP*")] == ["MP", "MPs"]
    assert [surface.text for surface in expand("Brother* of")] == ["Brother of", "Brothers of"]
    assert realise("MP*", ("NNS",)) == "MPs"


def test_variants_share_their_row(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("Daash|Daesh|Da'ash", "ISIS", "fix"))
    assert repaired(glossary, "Daash, Daesh and Da’ash") == "ISIS, ISIS and ISIS"


def test_all_readings_are_offered_the_likeliest_first(make_glossary: GlossaryMaker) -> None:
    (match,) = make_glossary(("string*", "lead*|thread*", "hint")).match("Three strings")
    assert match.alternatives == ("leads", "threads")
    assert match.replacement == "leads"


def test_a_row_without_a_right_side_only_flags(make_glossary: GlossaryMaker) -> None:
    (match,) = make_glossary(("oddity", "", "fix")).match("An oddity.")
    assert match.replacement is None
    assert match.found == "oddity"


@pytest.mark.parametrize(
    ("sentence", "hit"),
    [
        ("The army and elements", True),
        ("Armies of elements", True),
        ("The army, oxygen and elements", False),
        ("Elements", False),
    ],
)
def test_near_and_not_near_words_decide(make_glossary: GlossaryMaker, sentence: str, hit: bool) -> None:
    glossary = make_glossary(("element*", "fighter*", "fix", "army*|state of law", "oxygen"))
    assert bool(glossary.match(sentence)) is hit


def test_near_may_be_several_words(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("mass", "bloc", "hint", "state of law"))
    assert glossary.match("The State of Law mass")
    assert not glossary.match("The law of the state, a mass")


def test_a_row_whose_conditions_fail_leaves_the_place_to_the_next(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("mass", "bloc", "fix", "parliament"), ("mass", "crowd", "fix"))
    assert repaired(glossary, "The mass in parliament") == "The bloc in parliament"
    assert repaired(glossary, "The mass outside") == "The crowd outside"


def test_the_longest_match_wins(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("state", "condition", "fix"), ("state of law", "Dawlat al-Qanun", "fix"))
    assert repaired(glossary, "the state of law in a state") == "the Dawlat al-Qanun in a condition"


def test_a_keep_row_protects_its_words(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("element*", "fighter*", "fix"), ("chemical element*", "", "keep"))
    matches = glossary.match("A chemical element, two elements")
    assert [(match.row.mode, match.found) for match in matches] == [("keep", "chemical element"), ("fix", "elements")]


def test_forbidden_words_are_found(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("State", "", "forbid", "", "", "exact"))
    assert [match.found for match in glossary.forbidden("The State and the state")] == ["State"]


def test_output_is_not_matched_again(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("red", "blue", "fix"), ("blue", "red", "fix"))
    assert repaired(glossary, "red blue") == "blue red"


def test_the_users_rows_win(tmp_path: Path) -> None:
    longer = Glossary((_row("mass", "mob"), _row("mass of the citizen", "Muwatin bloc")), user=1)
    assert repaired(longer, "mass of the citizen, mass") == "mob of the citizen, mob"


def test_user_files_come_before_the_bundled_ones(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text(glossary_text(("zalfix", "owl", "fix")), "utf-8")
    glossary = Glossary.load([path])
    assert glossary.user == 1
    assert glossary.rows[0].place == f"{path}:2"
    assert len(glossary) == 1 + sum(len(read_rows(bundled)) for bundled in bundled_paths())


def test_the_signature_changes_with_the_rows_and_not_with_their_file(make_glossary: GlossaryMaker) -> None:
    one = make_glossary(("red", "blue", "fix"))
    assert one.signature == Glossary((_row("red", "blue"),)).signature
    assert one.signature != Glossary((_row("red", "green"),)).signature
    assert len(one.signature) == 8


def test_an_empty_glossary_matches_nothing() -> None:
    assert Glossary().match("Anything at all.") == []


def test_a_megabyte_without_a_full_stop_is_matched_quickly(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("element*", "fighter*", "fix"), ("mass of the citizen", "Muwatin bloc", "fix", "army*"))
    text = "the governor spoke of elements in the army and " * 20_000
    started = time.process_time()
    assert len(glossary.match(text)) == 20_000
    assert time.process_time() - started < 30


# --- Uncertain rows --------------------------------------------------------------------------------------------------


def doubts(glossary: Glossary, sentence: str) -> list[tuple[str, tuple[str, ...]]]:
    _, found = glossary.certain_and_uncertain(sentence)
    return [(match.found, match.alternatives) for match in found]


def test_a_row_without_its_near_words_is_uncertain_and_one_ruled_out_is_not(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("string*", "lead*", "fix", "police", "violin"), ("element*", "member*", "hint", "Daesh"))
    assert doubts(glossary, "An element with strings.") == [("An element", ("A member",)), ("strings", ("leads",))]
    assert doubts(glossary, "The police have strings.") == []
    assert doubts(glossary, "The violin has strings.") == []


def test_rows_without_near_words_are_never_uncertain(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("Daash", "Daesh", "fix"), ("crowd", "mob", "keep", "x"), ("strings", "", "fix", "police"))
    assert doubts(glossary, "Daash has a crowd with strings.") == []


def test_an_only_near_row_is_a_hint_or_nothing(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("string*", "lead*", "only-near", "police"))
    assert doubts(glossary, "There were strings.") == []
    (match,) = glossary.match("The police have strings.")
    assert (match.row.mode, match.alternatives) == ("only-near", ("leads",))


def test_what_is_certain_leaves_no_doubt_about_its_words(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("strings of pearls", "", "keep"), ("strings", "leads", "fix", "police"))
    assert doubts(glossary, "These strings of pearls have strings.") == [("strings", ("leads",))]


@given(PIECES | ANY_TEXT)
def test_uncertain_matches_slice_the_sentence_and_overlap_nothing(sentence: str) -> None:
    glossary = Glossary(
        (
            _row("element*", "member*", near=("Daesh",)),
            _row("the string*", "lead*"),
            _row("string*", "lead*", near=("x",)),
        )
    )
    certain, uncertain = glossary.certain_and_uncertain(sentence)
    assert certain == glossary.match(sentence)
    both = sorted([*certain, *uncertain], key=lambda match: match.start)
    for match in both:
        assert sentence[match.start : match.end] == match.found
    for one, other in itertools.pairwise(both):
        assert one.end <= other.start


# --- Files ---------------------------------------------------------------------------------------------------------

HEADER = "wrong\tright\tmode\tnear\tnot_near\tcase\tnote\n"
GOOD = "red\tblue\tfix\t\t\tkeep\t\n"


def test_comments_blank_lines_a_byte_order_mark_and_crlf_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "g.tsv"
    path.write_bytes(
        (
            "\ufeff# colours\r\n\r\n"
            + HEADER.replace("\n", "\r\n")
            + "red | rosso\tblue\thint\tsky | sea\t\tkeep\twhy\r\n"
        ).encode()
    )
    assert read_rows(path) == [
        Row(("red", "rosso"), ("blue",), "hint", ("sky", "sea"), (), "keep", "why", str(path), 4)
    ]


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"", 1, "empty"),
        (b"# nothing but this\n", 1, "empty"),
        (b"red\tblue\n", 1, "header"),
        ((HEADER + "red\tblue\n").encode(), 2, "2 columns where 7"),
        ((HEADER + GOOD + "\n" + GOOD.rstrip("\n") + "\tmore\n").encode(), 4, "8 columns where 7"),
        (
            (HEADER + GOOD.replace("fix", "repair")).encode(),
            2,
            "mode 'repair' is not one of fix, hint, only-near, keep, forbid",
        ),
        ((HEADER + GOOD.replace("keep", "upper")).encode(), 2, "case 'upper' is not one of keep, exact"),
        ((HEADER + GOOD.replace("red", " | ")).encode(), 2, "'wrong' is empty"),
        ((HEADER + GOOD).encode() + b"caf\xe9" + GOOD.encode(), 3, "byte 4 is not UTF-8"),
        (HEADER.encode() + b"r\0d" + GOOD.encode(), 2, "NUL"),
        (HEADER.encode() + b"x" * 10_000_000, 2, "10,000,000 bytes long"),
        ((HEADER + GOOD).encode("utf-16"), 1, ""),
    ],
    ids=[
        "empty",
        "comments only",
        "no header",
        "too few",
        "too many",
        "mode",
        "case",
        "no wrong",
        "not UTF-8",
        "NUL",
        "10 MB line",
        "UTF-16",
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, data: bytes, line: int, message: str) -> None:
    path = tmp_path / "broken.tsv"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        Glossary.load([path], bundled=False)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", ["missing.tsv", "."])
def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot read the glossary"):
        Glossary.load([tmp_path / name], bundled=False)


def test_the_bundled_files_can_be_read() -> None:
    assert all(read_rows(path) for path in bundled_paths())
