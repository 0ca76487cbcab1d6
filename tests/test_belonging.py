"""What belongs to what: owners, names and genitives that a rewrite must not tear apart, and repairs that look like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate import belonging
from retranslate.guards import GUARDS, Terms

# What must be refused, by the function that sees it.
TORN = [
    ("reversed_possession", "The commander of the operations left.", "The commander's operations left."),
    ("reversed_possession", "A dispute between guards the facilities and the company.", "A dispute between the guards' facilities and the company."),
    ("new_owners", "The expert Zuhair, that the road is closed.", "Zuhair's expert says that the road is closed."),
    ("new_owners", "Considered the legal expert Samer the law void.", "Samer's legal expert considered the law void."),
    ("new_owners", "Said Minister of Culture Rahal that it is over.", "Rahal's Culture Minister said that it is over."),
    ("new_owners", "A source in the company of Gulf Ferries said so.", "The company's source in Gulf Ferries said so."),
    ("new_owners", "The lawyer for the coalition of Free Unions left.", "The coalition's lawyer for Free Unions left."),
    ("new_owners", "The builder Wael of the office of canals left.", "Wael of the office's canals builder left."),
    ("new_owners", "On Basel road there is snow.", "On the road's Basel there is snow."),
    ("new_owners", "The guard of the lake and the marsh met.", "The lake's guard and the marsh met."),
    ("broken_genitives", "The prophets of the flood thought that would come the rain.", "The prophets thought the flood would come the rain."),
    ("turned_genitives", "They called the bands of the rescue.", "They called the rescue of the bands."),
    ("turned_genitives", "The roof of a house fell.", "The house of a roof fell."),
    ("glued_nouns", "Also visited the mayor the factory.", "The factory mayor also visited."),
    ("parted_complements", "A guard unauthorized to speak said so.", "An unauthorized guard to speak said so."),
    ("parted_complements", "A witness unable to speak left.", "An unable witness to speak left."),
    ("parted_names", "The trainer Murad Qadir left.", "Murad Trainer Qadir left."),
    ("parted_names", "The singer Samer Rahal left.", "The singer Rahal Samer left."),
    ("parted_names", "They play in League Two again.", "They play in Two League again."),
    ("parted_names", "He lives in Sector 9 with them.", "He lives in 9 Sector with them."),
]  # fmt: skip

# Repairs that all of them must let pass.
REPAIRED = [
    ("The deal of the striker collapsed.", "The striker's deal collapsed."),
    ("As reported the committee of the displacement parliamentary.", "In the parliamentary displacement committee's report."),
    ("The traders in the market of Jamila left.", "Traders in Jamila's market left."),
    ("The people of the city of Mosul left.", "Mosul's people left."),
    ("The office of Prime Minister Rahal is closed.", "Prime Minister Rahal's office is closed."),
    ("The spokesman ministry said so.", "The ministry's spokesman said so."),
    ("The book Karim's is here.", "Karim's book is here."),
    ("The Committee Finance parliamentary met.", "The Parliamentary Finance Committee met."),
    ("The University Basra opened.", "The University of Basra opened."),
    ("On March 5 it rained.", "On 5 March it rained."),
    ("The fears of the end of time grew.", "The fears of the end of time have grown."),
    ("The end of the road is the end of the city.", "The end of the road is the city's end."),
    ("The roof of the house fell.", "The roofs of the houses fell."),
    ("The station of the south opened the gates.", "The station opened the gates of the south."),
    ("Visited the mayor the new station.", "The mayor visited the new station."),
    ("Repaired the company the eastern the bridge.", "The eastern company repaired the bridge."),
    ("The ambassador Italian to Iraq left.", "The Italian ambassador to Iraq left."),
    ("There are ways possible to end it.", "There are possible ways to end it."),
    ("A force armed left.", "An armed force left."),
    ("Samer Rahal, the singer, left.", "The singer, Samer Rahal, left."),
    ("They crossed the Golan Syrian on foot.", "They crossed the Syrian Golan on foot."),
]  # fmt: skip


@pytest.mark.parametrize(("function", "before", "after"), TORN)
def test_what_is_torn_apart_is_seen(function: str, before: str, after: str) -> None:
    assert getattr(belonging, function)(before, after)
    assert getattr(belonging, function)(before, before) == []


@pytest.mark.parametrize(("before", "after"), REPAIRED)
def test_a_true_repair_passes(before: str, after: str) -> None:
    assert GUARDS["belonging"](before, after, Terms()) == []


def test_every_function_has_a_case() -> None:
    assert {case[0] for case in TORN} == {function.__name__ for function in belonging.BELONGING}


WORDS = (
    "the expert Karim Rahal of Hadi's guards' Two League 9 thought flood is company bridge , . that on Monday".split()
)
SENTENCES = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join))


@given(SENTENCES)
def test_a_sentence_tears_nothing_apart_in_itself(text: str) -> None:
    assert GUARDS["belonging"](text, text, Terms()) == []


@given(SENTENCES, SENTENCES)
def test_any_two_sentences_can_be_compared(before: str, after: str) -> None:
    for function in belonging.BELONGING:
        assert all(isinstance(complaint, str) for complaint in function(before, after))
