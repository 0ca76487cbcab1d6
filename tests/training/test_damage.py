"""Damage: every type does what its name says, the seed decides, and names and numbers come through."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsing import SENTENCES, outcomes, parse, tree

from retranslate.glossary import Glossary
from retranslate.glossary_file import Row
from retranslate.training import clauses, nouns, wording
from retranslate.training.damage import TREE_DAMAGE, Damaged, Rates, TreeDamage, damage, type_codes
from retranslate.training.marks import curl_quotes, misplace_quotes, misplace_spaces
from retranslate.training.senses import MOST_SENSES, ReversedGlossary, invent_hint, literal_senses
from retranslate.training.tree import from_doc

NO_SENSES = ReversedGlossary.of(Glossary())
TERMS = ReversedGlossary.of(
    Glossary(
        (
            Row(("element*",), ("fighter*", "member*"), "hint"),
            Row(("edit*",), ("liberate*",), "fix"),
            Row(("Palm",), ("al-Nakheel",), "fix", case="exact"),
            Row(("peace",), ("salary scale",), "hint"),
            Row(("mayor of wood",), ("carpenter",), "keep"),
        )
    )
)


# --- Type by type --------------------------------------------------------------------------------------------------

EXAMPLES: list[tuple[TreeDamage, str, str]] = [
    (
        clauses.verb_first_attribution,
        "The minister stressed that the road is open.",
        "He stressed the minister that the road is open.",
    ),
    (
        clauses.verb_first_attribution,
        "The minister stressed that the road is open.",
        "stressed the minister that the road is open.",
    ),
    (
        clauses.verb_first_attribution,
        "The woman said that the road is open.",
        "She said the woman that the road is open.",
    ),
    (clauses.lost_reporting_verb, "Karim said that the money arrived.", "He Karim that the money arrived."),
    (clauses.lost_reporting_verb, "The minister said that the road is open.", "The minister, that the road is open."),
    (clauses.garbled_frame, "He added that the road is open.", "The Osaf, that the road is open."),
    (
        clauses.double_attribution,
        "The minister said that the road is open.",
        "The minister told said that the road is open.",
    ),
    (
        clauses.double_attribution,
        "The minister confirmed that the road is open.",
        "The minister was confirmed that the road is open.",
    ),
    (clauses.verb_first, "The school opened its doors.", "And opened the school its doors."),
    (clauses.verb_first, "The council had met the envoys.", "was the council has met the envoys."),
    (
        clauses.adverbial_before_object,
        "The minister visited the port in the morning.",
        "The minister visited in the morning the port.",
    ),
    (clauses.adverbial_first, "The minister visited the port on Monday.", "The minister on Monday visited the port."),
    (
        clauses.relative_clause_the_arabic_way,
        "They rejected the plan, which the ministries approved.",
        "They rejected the plan, which approved it the ministries.",
    ),
    (
        clauses.relative_clause_the_arabic_way,
        "He left the hall in which the council meets.",
        "He left the hall which meets in it the council.",
    ),
    (clauses.adverb_astray, "The army quickly took the town.", "The army took the town quickly."),
    (clauses.dropped_subject, "He stressed the need for calm.", "And stressed the need for calm."),
    (
        nouns.modifiers_after_noun,
        "The parliamentary finance committee met.",
        "The committee finance parliamentary met.",
    ),
    (nouns.possessive_to_of, "The mayor read the army's letter.", "The mayor read the letter of the army."),
    (nouns.possessive_to_of, "The mayor read the army's letter.", "The mayor read letter the army."),
    (nouns.dropped_of, "The spokesman of the ministry left.", "The spokesman the ministry left."),
    (wording.dropped_relative, "Traders who sell wheat left.", "Traders sell wheat left."),
    (wording.dropped_copula, "The road is open.", "The road open."),
    (wording.dropped_copula, "Three men were killed.", "Three men killed."),
    (wording.dropped_function_word, "He said that they have left.", "He said they have left."),
    (wording.dropped_function_word, "He said that they have left.", "He said that have left."),
    (wording.dropped_function_word, "He said that they have left.", "He said that they left."),
    (wording.resumptive_pronoun, "The town that he visited is small.", "The town that he visited it is small."),
    (wording.resumptive_pronoun, "The men who left are safe.", "The men who they left are safe."),
    (wording.doubled_subject, "The ministry sent a letter.", "The ministry it sent a letter."),
    (wording.surplus_article, "They fight terrorism.", "They fight the terrorism."),
    (wording.lost_article, "The governor read a statement.", "The governor read statement."),
    (wording.wrong_preposition, "He insisted on his opinion.", "He insisted in his opinion."),
    (wording.singular_after_number, "They sent 12 files.", "They sent 12 file."),
    (wording.verb_disagrees, "The roads are open.", "The roads is open."),
    (wording.verb_disagrees, "The minister meets them.", "The minister meet them."),
    (
        wording.wrong_gender,
        "The council said it would publish its plan.",
        "The council said she would publish its plan.",
    ),
    (
        wording.wrong_gender,
        "The council said it would publish its plan.",
        "The council said it would publish her plan.",
    ),
    (wording.wrong_relative, "Traders who sell wheat left.", "Traders which sell wheat left."),
    (wording.article_everywhere, "They want peace and security.", "They want the peace and the security."),
    (wording.spelt_out_date, "The port opened in July.", "The port opened in the month of July."),
    (wording.spelt_out_date, "The port opened on Friday.", "The port opened on the day Friday."),
    (wording.spelt_out_date, "The talks begin next week.", "The talks begin the week the next."),
    (wording.manner_phrase, "The army quickly took the town.", "The army took the town in a quick manner."),
    (nouns.compound_to_of, "The oil exports fell.", "The exports of the oil fell."),
    (nouns.compound_to_of, "They closed the southern ports.", "They closed the ports of the south."),
    (nouns.title_with_article, "Governor Salih left the hall.", "the governor Salih left the hall."),
    (nouns.title_with_article, "They met Oil Minister Adel Salih.", "They met the Minister of Oil Adel Salih."),
    (nouns.verbal_noun, "They agreed to support the army.", "They agreed for the supporting of the army."),
    (nouns.verbal_noun, "They agreed to support the army.", "They agreed on supporting the army."),
    (
        nouns.modifiers_after_noun,
        "The parliamentary committee met.",
        "The committee the parliamentary met.",
    ),
    (
        clauses.lost_main_verb,
        "The ministry announced on Monday the arrest of two men.",
        "The ministry, on Monday, the arrest of two men.",
    ),
    (wording.false_passive, "The council decided the matter.", "The council was decided the matter."),
    (wording.false_passive, "The talks were held in Basra.", "The talks has been held in Basra."),
]


@pytest.mark.parametrize(("change", "before", "after"), EXAMPLES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_type_makes_this_out_of_that(change: TreeDamage, before: str, after: str) -> None:
    assert after in outcomes(change, before)


# In their order, and not as a set: tests that run two at a time have to be collected alike by both.
CHANGES = list(dict.fromkeys(change for change, _, _ in EXAMPLES))


def test_every_type_has_an_example() -> None:
    assert {change for change, _, _ in EXAMPLES} == set(itertools.chain(*TREE_DAMAGE.values()))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_type_that_finds_no_place_changes_nothing(change: TreeDamage) -> None:
    assert outcomes(change, "Yes.") == set()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_type_that_reports_a_change_has_made_one(change: TreeDamage) -> None:
    for sentence in SENTENCES:
        assert sentence not in outcomes(change, sentence, seeds=6) or change is clauses.verb_first_attribution


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (wording.verb_disagrees, "It's open and he's got it."),
        (wording.dropped_copula, "It's open."),
        (clauses.dropped_subject, "He's open to it."),
        (wording.dropped_function_word, "They do not know it."),
        (clauses.verb_first_attribution, "She said that the road is open."),
        (wording.wrong_gender, "She read her letter."),
    ],
)
def test_what_english_could_not_undo_is_left_alone(change: TreeDamage, sentence: str) -> None:
    assert outcomes(change, sentence) == set()


# --- All together --------------------------------------------------------------------------------------------------


def damaged(sentence: str, seed: int, senses: ReversedGlossary = NO_SENSES, severity: float = 1.7) -> Damaged | None:
    root = from_doc(parse(sentence))
    return None if root is None else damage(root, senses, random.Random(seed), severity=severity)


def test_the_same_seed_gives_the_same_damage() -> None:
    for sentence in SENTENCES:
        assert damaged(sentence, 7, TERMS) == damaged(sentence, 7, TERMS)


def test_other_seeds_give_other_damage() -> None:
    assert len({damaged(SENTENCES[0], seed).text for seed in range(20)}) > 8  # type: ignore[union-attr]


def test_rates_of_zero_leave_the_sentence_as_it_is() -> None:
    nothing = Rates(**dict.fromkeys(type_codes(), 0.0))
    for sentence in SENTENCES[:4]:
        result = damage(tree(sentence), TERMS, random.Random(1), nothing)
        assert result == Damaged(sentence, sentence)


def test_the_target_is_the_clean_sentence() -> None:
    for sentence, seed in itertools.product(SENTENCES, range(10)):
        result = damaged(sentence, seed, TERMS)
        if result is not None:
            assert re.sub("[“”]", '"', result.target) == sentence


def test_marks_of_the_target_are_curly_only_where_the_source_has_curly_ones() -> None:
    results = [damaged(SENTENCES[9], seed) for seed in range(40)]
    curly = [result for result in results if result is not None and "“" in result.target]
    assert curly
    assert all("”" in result.text for result in curly)


def numbers(text: str) -> Counter[str]:
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", text))


@pytest.mark.parametrize("sentence", SENTENCES)
def test_no_damage_changes_a_number_or_a_name(sentence: str) -> None:
    doc = parse(sentence)
    # Titles may lose their capital: "Governor Salih", "the governor Salih".
    names = Counter(token.lower_ for token in doc if token.tag_ in ("NNP", "NNPS") and token.is_alpha)
    names.update(token.lower_ for token in doc if token.ent_type_ == "NORP")
    for seed in range(25):
        result = damaged(sentence, seed)
        if result is not None:
            assert numbers(result.text) == numbers(sentence), result.text
            assert not names - Counter(re.findall(r"\w+", result.text.lower())), result.text


@pytest.mark.parametrize("sentence", SENTENCES)
def test_no_damage_loses_a_negation(sentence: str) -> None:
    for seed in range(15):
        result = damaged(sentence, seed)
        if result is not None:
            assert len(re.findall(r"\bnot\b", result.text)) == len(re.findall(r"\bnot\b", sentence))


def test_the_types_that_were_used_are_told() -> None:
    used: set[str] = set()
    for sentence, seed in itertools.product(SENTENCES, range(12)):
        if (result := damaged(sentence, seed, TERMS)) is not None:
            used.update(result.types)
            assert (result.text == sentence) <= (not result.types)
    assert used == set(type_codes())


def test_the_sentence_still_opens_with_a_capital_nearly_always() -> None:
    results = [damaged(SENTENCES[0], seed) for seed in range(60)]
    capitals = [result.text[:1].isupper() for result in results if result is not None]
    assert sum(capitals) / len(capitals) > 0.75


# --- Literal senses ------------------------------------------------------------------------------------------------


def senses_of(text: str) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    made = set()
    for seed in range(40):
        literal, hints = literal_senses(text, TERMS, random.Random(seed))
        made.add((literal, tuple(hints)))
    return made


@pytest.mark.parametrize(
    ("before", "after", "hints"),
    [
        ("Two fighters fled.", "Two elements fled.", (("elements", "fighters | members"),)),
        ("Two members fled.", "Two elements fled.", (("elements", "fighters | members"),)),
        ("They liberated it.", "They edited it.", (("edited", "liberated"),)),
        ("The new salary scale came.", "The new peace came.", (("peace", "salary scale"),)),
        ("He told al-Nakheel so.", "He told Palm so.", (("Palm", "al-Nakheel"),)),
        ("Fighters fled.", "Elements fled.", (("Elements", "fighters | members"),)),
        ("They saw a fighter.", "They saw an element.", (("an element", "a fighter | a member"),)),
        ("A fighter fled.", "An element fled.", (("An element", "A fighter | A member"),)),
    ],
)
def test_the_glossary_is_read_backwards_with_inflection_and_article(
    before: str, after: str, hints: tuple[tuple[str, str], ...]
) -> None:
    readings = {
        literal: tuple((wrong, right.lower()) for wrong, right in given_hints)
        for literal, given_hints in senses_of(before)
    }
    assert readings[after] == tuple((wrong, right.lower()) for wrong, right in hints)


def test_keep_rows_and_parts_of_words_are_not_touched() -> None:
    text = "The carpenter remembers a firefighter."
    assert senses_of(text) == {(text, ())}


def test_at_most_three_senses_a_sentence() -> None:
    for _, hints in senses_of("fighters, fighters, fighters, fighters and fighters left"):
        assert len(hints) <= MOST_SENSES


def test_every_hint_is_in_the_text_and_undoes_its_damage() -> None:
    before = "Two fighters liberated a member for the salary scale."
    for text, hints in senses_of(before):
        for wrong, right in hints:
            assert wrong in text
            assert any(reading in before for reading in right.split(" | "))


def test_an_invented_hint_names_what_it_replaced() -> None:
    nouns = [("owl", "owls")]
    made = {invent_hint("The small committee met in the hospital.", random.Random(seed), nouns) for seed in range(20)}
    assert ("The small owl met in the hospital.", ("owl", "committee")) in made
    assert invent_hint("He ran.", random.Random(1), nouns) is None


def test_an_invented_hint_leaves_the_words_of_other_hints_alone() -> None:
    text, hints = "The small committee met.", [("small committee", "board")]
    assert all(invent_hint(text, random.Random(seed), [("owl", "owls")], hints) is None for seed in range(9))


# --- Marks and spaces ----------------------------------------------------------------------------------------------


def test_quotation_marks_go_to_the_wrong_side() -> None:
    made = {misplace_quotes('He said that "we will stay."', random.Random(seed)) for seed in range(80)}
    assert 'He said that" we will stay. "' in made
    assert any("”" in text for text in made)
    assert all(re.sub(r"[\W]", "", text) == "Hesaidthatwewillstay" for text in made)


@given(st.text(st.sampled_from('ab ."“”,'), max_size=30), st.integers(0, 50))
def test_misplacing_marks_keeps_every_word(text: str, seed: int) -> None:
    assert re.sub(r"\W", "", misplace_quotes(text, random.Random(seed))) == re.sub(r"\W", "", text)


def test_straight_marks_become_curly_by_turns() -> None:
    assert curl_quotes('"One" and "two') == "“One” and “two"
    assert curl_quotes("none") == "none"


def test_spaces_go_where_they_do_not_belong_but_numbers_stay_apart() -> None:
    made = {misplace_spaces("In 2014, 25 well-known men left, women too.", random.Random(seed)) for seed in range(60)}
    assert made == {
        "In 2014 , 25 well-known men left , women too.",
        "In 2014, 25 well-known men left, women too .",
        "In 2014, 25 well-known men left,women too.",
        "In 2014, 25 well - known men left, women too.",
    }
