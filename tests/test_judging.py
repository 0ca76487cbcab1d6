"""Judging edit by edit: what stands together is accepted or refused together."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate import guards, judging
from retranslate.edits import apply, word_edits
from retranslate.guards import GUARDS, Terms

ALL = tuple(GUARDS)

CASES = [
    # What the model wrote, what stands, by whom the rest was refused.
    ("The road open.", "The road is open.", "The road is open.", ()),
    ("He pointed Hadi that it is over.", "Hadi pointed out that it is over.", "Hadi pointed out that it is over.", ()),
    ("The road open, he left on Monday.", "The road is open, he left.", "The road is open, he left on Monday.", ("dates",)),
    ("The road open, said 12 men.", "The road is open, said 13 men.", "The road is open, said 12 men.", ("numbers",)),
    ("The town of Hilla is quiet, road closed.", "The town of Basra is quiet, the road closed.", "The town of Hilla is quiet, the road closed.", ("names",)),
    ("It is not open.", "It is open.", "It is not open.", ("negation",)),
    ("It is open.", "It is open?", "It is open.", ("sentence type",)),
    ("The statement which issued it the union last night is long, road closed.", "The statement issued the union last night is long, the road closed.", "The statement which issued it the union last night is long, the road closed.", ("roles",)),
    ("The road open, 12 wounded, 3 killed.", "The road is open, 3 wounded, 12 killed.", "The road is open, 12 wounded, 3 killed.", ("counts",)),
    ("The road open, said the deputies.", "The road is open, lawmakers said.", "The road is open, lawmakers said.", ()),
    ("It open.", "It is open.\nTerms: it", "It is open.", ("lines",)),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "stands", "by"), CASES)
def test_the_good_part_of_a_rewrite_stands(before: str, after: str, stands: str, by: tuple[str, ...]) -> None:
    verdict = judging.judge(before, after, Terms(), ALL)
    assert verdict.text == stands
    assert set(by) <= set(verdict.refused_by)
    assert bool(by) == bool(verdict.refused_by)


def test_refusals_say_which_edits_and_why() -> None:
    verdict = judging.judge("The road open, he left on Monday.", "The road is open, he left.", Terms(), ALL)
    (refusal,) = verdict.refusals
    assert [edit.original for edit in refusal.edits] == [" on Monday"]
    assert refusal.complaints["dates"] == ["lost 'monday'"]


def test_the_whole_rewrite_has_a_verdict_of_its_own() -> None:
    refused = judging.judge("The road open, he left on Monday.", "The road is open, he left.", Terms(), ALL)
    assert refused.rewrite == "The road is open, he left."
    assert refused.complaints == {"dates": ["lost 'monday'"]}
    accepted = judging.judge("The road open.", "The road is open.", Terms(), ALL)
    assert (accepted.rewrite, accepted.complaints) == (accepted.text, {})


def test_guards_are_named_in_their_order() -> None:
    verdict = judging.judge("He met 12 men on Monday.", "He met no 13 men.", Terms(), ALL)
    assert list(verdict.refused_by) == [name for name in GUARDS if name in verdict.refused_by]


def test_only_the_guards_asked_for_refuse() -> None:
    assert judging.judge("He met 12 men.", "He met 13 men.", Terms(), ("dates",)).text == "He met 13 men."
    assert judging.judge("He met 12 men.", "He met 13 men.", Terms(), ()).refused_by == ()


def test_a_move_is_one_group() -> None:
    groups = judging.group(
        "He went home yesterday evening, and it rained.", "Yesterday he went home in the evening, and it rain."
    )
    assert [len(group) for group in groups] == [2, 1]


def test_a_word_and_its_counterpart_elsewhere_are_one_group() -> None:
    groups = judging.group("It is said the deputies that it is over.", "The lawmakers said that it is over.")
    assert len(groups) == 1


def test_verbs_of_saying_that_replace_each_other_are_one_group() -> None:
    before, after = "He told a meeting on the town that it is over.", "A meeting on the town said it is over."
    assert len(judging.group(before, after)) == 1
    assert judging.judge(before, after, Terms(), ALL).text == before


def test_the_marks_of_a_quotation_are_one_group() -> None:
    groups = judging.group("He said it is over, and left.", 'He said "it is over", and he left.')
    assert [[edit.replacement for edit in group] for group in groups] == [['"', '"'], [" he"]]


def test_two_quotations_are_two_groups() -> None:
    before = 'He "said it" is over and "added it" rained.'
    after = 'He said "it is over" and added "it rained".'
    assert len(judging.group(before, after)) == 2


def test_a_relative_pronoun_and_what_repeats_it_are_one_group() -> None:
    groups = judging.group(
        "The bill which the council sent it late is here.", "The bill that the council sent late is here."
    )
    assert [[edit.original for edit in group] for group in groups] == [["which", " it"]]


def test_half_a_move_is_refused() -> None:
    # "In" goes in one place, with a number, and comes in another; there alone, it would be said twice.
    before, after = "He met in 12 towns the men about it.", "He met the men in it."
    verdict = judging.judge(before, after, Terms(), ALL)
    assert verdict.text == before
    assert {"numbers", judging.PARTIAL} <= set(verdict.refused_by)


SPELLINGS = [
    ("It is 12\u00a0km long.", "It is 12 km long.", "It is 12\u00a0km long."),
    ("It was 12\u00a0km long.", "It is 12 km long.", "It is 12\u00a0km long."),
    ("The road\u200b is open.", "The road is open.", "The road\u200b is open."),
    ("The ﬁgures are in.", "The figures are in.", "The ﬁgures are in."),
    ("The cafe\u0301 opened.", "The caf\u00e9 opened.", "The cafe\u0301 opened."),
    ("He said “no” to it.", 'He said "no" to it.', "He said “no” to it."),
    ("Karim’s road.", "Karim's road.", "Karim’s road."),
    ("Two  spaces here.", "Two spaces here.", "Two  spaces here."),
    ("The quorum .", "The quorum.", "The quorum."),
    ("It isover.", "It is over.", "It is over."),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "kept"), SPELLINGS)
def test_another_spelling_of_the_same_characters_is_no_repair(before: str, after: str, kept: str) -> None:
    assert judging.as_typed(before, after) == kept
    assert judging.judge(before, after, Terms(), ()).text == kept


ARTICLES = [
    ("In official letter.", "In a official letter.", "In an official letter."),
    ("Has hospital.", "An hospital, and an eye.", "A hospital, and an eye."),
    ("It is a unusual day.", "It was a unusual day.", "It was a unusual day."),
    ("A 8 and A Mosul.", "A 8 and A Mosul.", "A 8 and A Mosul."),
]


@pytest.mark.parametrize(("before", "after", "right"), ARTICLES)
def test_an_article_that_the_rewrite_brings_goes_with_its_noun(before: str, after: str, right: str) -> None:
    assert judging.with_articles(before, after) == right
    assert judging.judge(before, after, Terms(), ()).text == right


NEWS_WORDS = (
    "the a minister said that not 12 3.5 Karim Baghdad Monday may May never bridge \"over\" (near) no fire $5 5% two million had again again. it? , and"
).split(" ")  # fmt: skip
SENTENCES = st.one_of(st.lists(st.sampled_from(NEWS_WORDS), max_size=16).map(" ".join), st.text(max_size=60))


@st.composite
def rewrites(draw: st.DrawFn) -> tuple[str, str]:
    """A sentence and a rewrite of it: words of it dropped, doubled, moved, replaced."""
    words = draw(st.lists(st.sampled_from(NEWS_WORDS), min_size=1, max_size=14))
    changed = list(words)
    shuffler = random.Random(draw(st.integers(0, 10**6)))
    for _ in range(draw(st.integers(0, 4))):
        place = shuffler.randrange(len(changed)) if changed else 0
        match shuffler.randrange(4):
            case 0 if changed:
                del changed[place]
            case 1:
                changed.insert(place, shuffler.choice(NEWS_WORDS))
            case 2 if changed:
                changed.insert(shuffler.randrange(len(changed)), changed.pop(place))
            case _ if changed:
                changed[place] = shuffler.choice(NEWS_WORDS)
    return " ".join(words), " ".join(changed)


@given(SENTENCES)
def test_a_sentence_is_a_fair_rewrite_of_itself(text: str) -> None:
    assert judging.judge(text, text, Terms(), ALL) == judging.Verdict(text, rewrite=text)


@given(st.one_of(rewrites(), st.tuples(SENTENCES, SENTENCES)))
def test_groups_partition_the_edits(pair: tuple[str, str]) -> None:
    before, after = pair
    grouped = [edit for group in judging.group(before, after) for edit in group]
    edits = word_edits(before, after, "model", "rewritten by the model")
    assert sorted(grouped, key=lambda edit: (edit.start, edit.end)) == edits
    assert apply(before, grouped) == after


@given(rewrites())
def test_what_stands_is_some_of_the_groups_and_passes_the_guards(pair: tuple[str, str]) -> None:
    before, after = pair
    verdict = judging.judge(before, after, Terms(), ALL)
    groups = judging.group(before, verdict.rewrite)
    if len(groups) <= 8:
        subsets = itertools.chain.from_iterable(itertools.combinations(groups, size) for size in range(len(groups) + 1))
        reachable = {apply(before, [edit for group in subset for edit in group]) for subset in subsets}
        assert verdict.text in reachable
    assert guards.judge(before, verdict.text) == {}
    if verdict.text != after:
        assert verdict.refused_by or verdict.rewrite == verdict.text


@given(rewrites())
def test_no_word_is_said_more_often_than_at_either_end(pair: tuple[str, str]) -> None:
    before, after = pair
    for names in (ALL, ("numbers", "names")):
        verdict = judging.judge(before, after, Terms(), names)
        ours, theirs, found = (Counter(guards.words(text)) for text in (before, verdict.rewrite, verdict.text))
        assert all(count <= max(ours[word], theirs[word]) for word, count in found.items())
