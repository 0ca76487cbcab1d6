"""Acceptance: what guards and glossary refuse is named, the rest is a candidate, and the best of them has to beat the margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import GlossaryMaker
from retranslate import acceptance, guards
from retranslate.drafts import Draft, drafted
from retranslate.edits import Edit, Step
from retranslate.glossary import Glossary
from retranslate.rewriter import Request, Rewrite, Rewriter
from retranslate.text import Segment

ALL = tuple(guards.GUARDS)


def given_to_the_model(text: str, glossary: Glossary = Glossary()) -> Draft:
    draft = drafted(Segment(0, len(text), "sentence", text), glossary)
    draft.edit("glossary", [fix.edit() for fix in draft.fixes])
    draft.in_garbled_text = True
    return draft


def judged(text: str, rewrite: str, glossary: Glossary = Glossary(), names: Sequence[str] = ALL) -> Draft:
    draft = given_to_the_model(text, glossary)
    acceptance.judge(draft, Rewrite(rewrite, 0.0), glossary, names)
    return draft


class Scorer:
    """Scores texts as it is told; alone the score is exact, in a batch it is off by ``noise``."""

    def __init__(self, scores: dict[str, float], noise: float = 0.0) -> None:
        self.scores = scores
        self.noise = noise
        self.alone = 0

    def score(self, pairs: Sequence[tuple[Request, str]], batch_size: int = 16) -> list[float]:
        self.alone += len(pairs) == 1
        return [
            self.scores[text] + (self.noise if len(pairs) > 1 else 0.0) * (n % 2) for n, (_, text) in enumerate(pairs)
        ]


def accepted(candidates: Sequence[str], scorer: Scorer, margin: float) -> Draft:
    """What becomes of candidates for a sentence of three words, with ``margin`` nats a token."""
    draft = given_to_the_model("as it was")
    draft.candidates = dict.fromkeys(candidates, "a test")
    acceptance.accept_what_reads_better(cast(Rewriter, scorer), {Request("as it was"): [draft]}, 3 * margin, 16)
    return draft


def takes(draft: Draft, gain: float) -> bool:
    """Whether "as it is", which gains so many nats in a sentence of three words, is accepted by a margin of 1.5."""
    draft.candidates = {"as it is": "a test"}
    scorer = Scorer({"as it was": -1.0, "as it is": -1.0 + gain / 3})
    acceptance.accept_what_reads_better(cast(Rewriter, scorer), {Request("as it was"): [draft]}, 1.5, 16)
    return draft.text == "as it is"


class Reminded:
    """Answers every request with ``answer`` and remembers the requests."""

    def __init__(self, answer: str, complete: bool = True, longest: int = 1000) -> None:
        self.answer, self.complete, self.longest = answer, complete, longest
        self.asked: list[Request] = []

    def fits(self, request: Request) -> bool:
        return len(request.hints) <= self.longest

    def rewrite(self, requests: Sequence[Request], batch_size: int = 16) -> list[Rewrite]:
        self.asked += requests
        return [Rewrite(self.answer, 0.0, self.complete) for _ in requests]


LONG = "Said Karim that soldiers in the old Market are of the wounded."
LOSSY = "Karim said that soldiers in the market are wounded."


def reminded(rewriter: Reminded, hints: tuple[tuple[str, str], ...] = ()) -> Draft:
    draft = judged(LONG, "Karim said that soldiers are wounded.")
    acceptance.remind(cast(Rewriter, rewriter), {Request(LONG, hints): [draft]}, Glossary(), ALL, 16)
    return draft


def test_the_model_is_reminded_of_lost_words_as_they_are_written_beside_the_terms_it_had() -> None:
    rewriter = Reminded("Karim said that soldiers in the old Market are wounded.")
    draft = reminded(rewriter, (("of the", "among"),))
    assert rewriter.asked == [Request(LONG, (("of the", "among"), ("old", "old"), ("Market", "Market")))]
    assert rewriter.answer in draft.candidates


def test_of_a_second_rewrite_too_only_what_the_guards_let_pass_is_a_candidate() -> None:
    rewriter = Reminded(LOSSY)
    draft = reminded(rewriter)
    assert LOSSY not in draft.candidates
    assert all(not guards.judge(LONG, text) for text in draft.candidates)


@pytest.mark.parametrize(
    "rewriter", [Reminded(LONG), Reminded("Karim said that soldiers in", complete=False), Reminded("Karim", longest=1)]
)
def test_a_second_rewrite_that_is_none_adds_nothing(rewriter: Reminded) -> None:
    before = dict(judged(LONG, "Karim said that soldiers are wounded.").candidates)
    assert reminded(rewriter).candidates == before


class Inventive:
    """Has the same ``answers`` to offer, however many are asked for, and remembers how many were."""

    def __init__(self, *answers: Rewrite) -> None:
        self.answers = answers
        self.counts: list[int] = []

    def alternatives(self, requests: Sequence[Request], count: int, batch_size: int = 16) -> list[list[Rewrite]]:
        self.counts += [count] * len(requests)
        return [list(self.answers) for _ in requests]


def given_a_second_chance(rewriter: Inventive, first: str) -> Draft:
    draft = judged(LONG, first)
    draft.given = draft.text
    stuck = acceptance.stuck({Request(LONG): [draft]})
    acceptance.second_chance(cast(Rewriter, rewriter), stuck, 3, Glossary(), ALL, 16)
    return draft


def test_of_other_rewrites_what_the_guards_let_pass_is_a_candidate_each() -> None:
    whole = "Karim said that soldiers in the old Market are among the wounded."
    other = "Karim said that the soldiers in the market are among the wounded."
    rewriter = Inventive(Rewrite(whole, -0.1), Rewrite(other, -0.2), Rewrite("Karim said", 0.0, False))
    first = judged(LONG, "Karim said that soldiers are wounded.")
    draft = given_a_second_chance(rewriter, "Karim said that soldiers are wounded.")
    assert rewriter.counts == [3]
    assert whole in draft.candidates
    new = [text for text in draft.candidates if text not in first.candidates]
    assert new == [whole, "Karim said that the soldiers in the old Market are among the wounded."]
    assert {draft.candidates[text] for text in new} == {"rewritten by the model at a second attempt"}


@pytest.mark.parametrize(
    ("refused_by", "text", "is_stuck"),
    [
        (("content",), "as it was", True),
        (("content", "margin"), "as it was", True),
        (("truncated",), "as it was", True),
        (("margin",), "as it was", False),
        ((), "as it was", False),
        (("content",), "as it is", False),
    ],
)
def test_who_is_stuck(refused_by: tuple[str, ...], text: str, is_stuck: bool) -> None:
    draft = given_to_the_model("as it was")
    draft.given, draft.refused_by, draft.text = "as it was", refused_by, text
    assert bool(acceptance.stuck({Request("as it was"): [draft]})) == is_stuck


def test_after_a_second_chance_the_margin_is_asked_again() -> None:
    draft = judged(LONG, "Karim said that soldiers are wounded.")
    draft.given, draft.refused_by = draft.text, (*draft.refused_by, "margin")
    stuck = acceptance.stuck({Request(LONG): [draft]})
    acceptance.second_chance(cast(Rewriter, Inventive()), stuck, 3, Glossary(), ALL, 16)
    assert "margin" not in draft.refused_by
    scorer = Scorer(dict.fromkeys((draft.text, *draft.candidates), -1.0))
    acceptance.accept_what_reads_better(cast(Rewriter, scorer), stuck, 3.0, 16)
    assert draft.refused_by.count("margin") == 1


def test_what_has_been_scored_is_not_scored_again() -> None:
    asked: list[str] = []

    class Remembering(Scorer):
        def score(self, pairs: Sequence[tuple[Request, str]], batch_size: int = 16) -> list[float]:
            asked.extend(text for _, text in pairs)
            return super().score(pairs, batch_size)

    scorer = Remembering({"as it was": -1.0, "late": -0.9, "better": -0.1})
    draft, twin = given_to_the_model("as it was"), given_to_the_model("as it was")
    waiting = {Request("as it was"): [draft, twin]}
    draft.candidates = twin.candidates = {"late": "a test"}
    acceptance.accept_what_reads_better(cast(Rewriter, scorer), waiting, 1.5, 16)
    assert (draft.text, asked) == ("as it was", ["as it was", "late"])
    draft.candidates = twin.candidates = {"late": "a test", "better": "a test"}
    acceptance.accept_what_reads_better(cast(Rewriter, scorer), waiting, 1.5, 16)
    assert (draft.text, twin.text, asked) == ("better", "better", ["as it was", "late", "better"])


@pytest.mark.parametrize(("gain", "proven", "stands"), [(1.5, False, False), (2.1, False, True), (1.5, True, True)])
def test_a_second_attempt_at_what_may_be_a_good_sentence_has_to_beat_twice_the_margin(
    gain: float, proven: bool, stands: bool
) -> None:
    draft = given_to_the_model("as it was")
    if proven:
        draft.steps.append(Step("rule", (), "as it was"))
    waiting = {Request("as it was"): [draft]}
    acceptance.second_chance(
        cast(Rewriter, Inventive(Rewrite("as it is", 0.0))), waiting, 1, Glossary(), ("numbers",), 16
    )
    scorer = Scorer({"as it was": 0.0, "as it is": gain / 3})
    acceptance.accept_what_reads_better(cast(Rewriter, scorer), waiting, 1.0, 16)
    assert (draft.text == "as it is") == stands


def test_a_rewrite_that_passed_whole_needs_no_second_chance() -> None:
    rewriter = Inventive(Rewrite("Karim says that soldiers in the old Market are wounded.", 0.0))
    draft = given_a_second_chance(rewriter, "Karim said that soldiers in the old Market are among the wounded.")
    assert rewriter.counts == []
    assert len(draft.candidates) == 1


def test_a_rewrite_that_nobody_minds_is_a_candidate() -> None:
    draft = judged("The road to it open.", "The road to it is open.")
    assert (list(draft.candidates), draft.refusals, draft.refused_by) == (["The road to it is open."], [], ())


def test_a_part_that_a_guard_minds_is_refused_with_its_complaint() -> None:
    draft = judged("He met 12 of the men and it are over.", "He met 13 of the men and it is over.")
    assert list(draft.candidates) == ["He met 12 of the men and it is over."]
    (refused,) = draft.refusals
    assert refused.changes == (("12", "13"),)
    assert draft.refused_by == tuple(dict.fromkeys(guard for guard, _ in refused.complaints))


def test_a_part_that_the_glossary_minds_is_refused_alone(make_glossary: GlossaryMaker) -> None:
    glossary = make_glossary(("old bridge", "", "keep"), ("martyr*", "", "forbid"), ("string*", "lead*", "fix"))
    draft = judged(
        "The old bridge and the strings are for the dead, it are said.",
        "The ancient bridge and the strings are for the martyrs, it is said.",
        glossary,
        (),
    )
    assert list(draft.candidates) == ["The old bridge and the leads are for the dead, it is said."]
    assert draft.refused_by == ("keep", "forbid", "fix")


@given(st.permutations("The old bridge and the strings are for the 12 men of Basra .".split()))
def test_what_passes_has_no_complaint_against_it(words: list[str]) -> None:
    draft = judged("The old bridge and the strings are for the 12 men of Basra .", " ".join(words))
    for text in draft.candidates:
        assert guards.judge(draft.text, text) == {}


def test_the_best_candidate_wins_if_it_beats_the_margin() -> None:
    scores = {"as it was": -1.0, "good": -0.8, "better": -0.5}
    assert accepted(["good", "better"], Scorer(scores), 0.3).text == "better"
    late = accepted(["good", "better"], Scorer(scores), 0.6)
    assert (late.text, late.refused_by) == ("as it was", ("margin",))


def test_near_ties_are_decided_alone() -> None:
    scores = {"as it was": -1.0, "one": -0.5, "other": -0.49999}
    scorer = Scorer(scores, noise=-1e-4)
    assert accepted(["one", "other"], scorer, 0.1).text == "other"
    assert scorer.alone == 3
    scorer = Scorer({"as it was": -1.0, "one": -0.9}, noise=-1e-5)
    assert accepted(["one"], scorer, 0.1 - 1e-9).text == "one"


def test_a_gain_counts_for_every_word_of_the_sentence() -> None:
    scores = {"as it was": -1.0, "better": -0.5}
    draft = given_to_the_model("as it was")
    draft.candidates = {"better": "a test"}
    acceptance.accept_what_reads_better(cast(Rewriter, Scorer(scores)), {Request("as it was"): [draft]}, 1.4, 16)
    assert draft.text == "better"


@pytest.mark.parametrize(("gain", "repaired", "stands"), [(0.9, True, False), (1.1, True, True), (1.1, False, False)])
def test_two_thirds_of_the_margin_will_do_where_something_was_repaired(
    gain: float, repaired: bool, stands: bool
) -> None:
    draft = given_to_the_model("as it was")
    if repaired:
        draft = given_to_the_model("as is was")
        draft.edit("rule", [Edit(3, 5, "is", "it", "rule", "a test")])
    assert takes(draft, gain) == stands


@pytest.mark.parametrize(
    ("gain", "in_garbled_text", "stands"), [(1.7, False, False), (1.7, True, True), (2.1, False, True)]
)
def test_more_than_the_margin_is_asked_where_the_whole_text_may_be_good(
    gain: float, in_garbled_text: bool, stands: bool
) -> None:
    draft = given_to_the_model("as it was")
    draft.in_garbled_text = in_garbled_text
    assert takes(draft, gain) == stands


@pytest.mark.parametrize(
    ("repaired", "untouched", "blank", "garbled"),
    [
        (0, 1, 0, False),
        (0, 0, 0, False),
        (0, 0, 3, False),
        (1, 0, 0, True),
        (1, 7, 9, True),
        (1, 8, 0, False),
        (2, 14, 0, True),
    ],
)
def test_a_text_is_garbled_from_one_repaired_segment_in_eight_on(
    repaired: int, untouched: int, blank: int, garbled: bool
) -> None:
    document = [Draft(Segment(0, 3, "sentence", "It."), "It.") for _ in range(repaired + untouched)]
    for draft in document[:repaired]:
        draft.edit("rule", [Edit(0, 2, "It", "He", "rule", "a test")])
    gaps = [Draft(Segment(0, 1, "blank", " "), " ") for _ in range(blank)]
    assert acceptance.is_garbled([*gaps, *document]) is garbled


def test_clear_cases_are_not_asked_about_twice() -> None:
    scorer = Scorer({"as it was": -1.0, "one": -0.5, "other": -0.2})
    accepted(["one", "other"], scorer, 0.1)
    assert scorer.alone == 0


@pytest.mark.parametrize(
    ("text", "rewrite", "gain", "stands"),
    [
        ("In timber news a mine opened.", "In news timber a mine opened.", 1.5, False),
        ("In timber news a mine opened.", "In news timber a mine opened.", 2.5, True),
        ("They met in a hall old.", "They met in a old hall.", 1.5, True),
        ("They met in a hall.", "They met in the hall.", 1.5, True),
        ("They met in a hall,", "They met, in a hall", 1.5, True),
    ],
)
def test_another_order_alone_has_to_beat_twice_the_margin(text: str, rewrite: str, gain: float, stands: bool) -> None:
    draft = given_to_the_model(text)
    draft.candidates = {rewrite: "a test"}
    words = len(text.split())
    scorer = Scorer({text: -10.0, rewrite: -10.0 + gain / words})
    acceptance.accept_what_reads_better(cast(Rewriter, scorer), {Request(text): [draft]}, 1.0, 16)
    assert (draft.text == rewrite) is stands


def test_where_the_glossary_found_something_order_may_change_as_anything_else(make_glossary: GlossaryMaker) -> None:
    draft = given_to_the_model("New strings news came.", make_glossary(("strings", "leads", "fix")))
    draft.candidates = {"New news leads came.": "a test"}
    scorer = Scorer({draft.text: -10.0, "New news leads came.": -10.0 + 1.5 / 4})
    acceptance.accept_what_reads_better(cast(Rewriter, scorer), {Request("x"): [draft]}, 1.0, 16)
    assert draft.text == "New news leads came."
