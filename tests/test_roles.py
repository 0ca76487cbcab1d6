"""Who did what to whom: turns that a rewrite must not take, and repairs that look like them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate import roles
from retranslate.guards import GUARDS, Terms

# What must be refused, by the function that sees it.
TURNED = [
    ("lost_pronouns", "The statement which issued it the union last night is long.", "The statement issued the union last night which is long."),
    ("lost_pronouns", "The pipe, which damaged it the blast, is old.", "The pipe, which damaged the blast, is old."),
    ("lost_pronouns", "The street which overlooks on it the consulate is closed.", "The street which overlooks the consulate is closed."),
    ("lost_pronouns", "The plan, which approved it yesterday the two ministries, is good.", "The plan, which approved yesterday the two ministries, is good."),
    ("lost_pronouns", "The fire controlled on it completely the bands.", "The fire controlled the bands completely."),
    ("lost_pronouns", "The fire controlled on it the bands of the extinguishing.", "The fire controlled the extinguishing of the bands."),
    ("lost_pronouns", "The water which released it during the flood the gates is gone.", "The water which released during the flood the gates is gone."),
    ("lost_pronouns", "In the session spoke in it three of the novelists.", "In the session, which spoke three of the novelists."),
    ("lost_pronouns", "The herds, moved from them to the hills the shepherds.", "The herds, moved from the shepherds to the hills."),
    ("lost_relatives", "The packages that the terrorists planted exploded.", "The packages planted the terrorists exploded."),
    ("lost_relatives", "He praised the plan which the council approved.", "He praised the plan approved the council."),
    ("lost_relatives", "The man whom the police arrested fled.", "The man has arrested the police and fled."),
    ("turned_around", "Within a week the gates filled the lake.", "Within a week filled the gates the lake."),
    ("swapped_names", "Karim received Hadi in Basra.", "Hadi received Karim in Basra."),
    ("swapped_names", "Xi explained to Trump why he was late.", "Trump explained to Xi why he was late."),
    ("lost_agents", "The bus was bought by the municipality.", "The bus was bought from the municipality."),
    ("lost_agents", "The bus was bought by the municipality.", "The bus bribed the municipality."),
    ("lost_agents", "The mayor was killed by his son.", "The mayor was killed with his son."),
    ("lost_agents", "He was ruled by the court.", "He was to be with the court."),
    ("lost_agents", "It was forged by workers.", "It was to worker the plan."),
    ("new_agents", "He was killed with his son.", "He was killed by his son."),
    ("new_agents", "They were accused of war against the army.", "They were accused of war by the army."),
    ("new_agents", "The road was liberated from the fighters of the group.", "The road was liberated by the fighters of the group."),
    ("turned_passive", "The guards arrested two men.", "The guards were arrested."),
    ("turned_passive", "He unseated her and served again.", "He was unseated and served again."),
    ("turned_passive", "The bank damaged in the furnace eight tons of notes.", "The bank was damaged in the furnace eight tons of notes."),
    ("lost_passive", "The houses threatened by collapse are old.", "The houses have threatened by collapse and are old."),
    ("lost_source", "They want from the fans only patience.", "They want the fans only patience."),
    ("lost_company", "The women which returned with the first families complained.", "The women who returned to the first families complained."),
    ("lost_subjects", "It condemned Karim's advisers for the delay.", "Karim's advisers condemned for the delay."),
    ("lost_subjects", "They attacked the convoy on Monday.", "The convoy attacked on Monday."),
    ("lost_subjects", "Also opened a school, he wanted more.", "A school was also opened, which was wanted more."),
    ("lost_partners", "He and British Minister Johnson discussed a deal.", "And British Minister Johnson discussed a deal."),
    ("lost_doers", "He fired Powell, who he has blamed for the rates.", "He fired Powell, who has blamed for the rates."),
    ("turned_pronouns", "The delegation accompany for him will meet them.", "The delegation he will accompany will meet them."),
    ("turned_pronouns", "It reminded he also that it is over.", "It also reminded him that it is over."),
    ("lost_partners", "She and her brother left.", "Her brother left."),
    ("moved_objects", "He called for the law and to amend it.", "He called for the law and it to amend."),
]  # fmt: skip

# Repairs that all of them must let pass.
REPAIRED = [
    ("The statement which issued it the union is long.", "The statement which the union issued is long."),
    ("The statement which issued it the union is long.", "The statement issued by the union is long."),
    ("The bill, which the government sent it late, is here.", "The bill, which the government sent late, is here."),
    ("A press conference held it yesterday in parliament.", "A press conference held yesterday in parliament."),
    ("The customers they come for looking.", "The customers come for looking."),
    ("He discussed with him the reasons of the cuts.", "He discussed the reasons for the cuts with him."),
    ("The packages that the terrorists planted exploded.", "The packages planted by the terrorists exploded."),
    ("The packages that the terrorists planted exploded.", "The packages the terrorists planted exploded."),
    ("Opened the minister the bridge.", "The minister opened the bridge."),
    ("Opened the minister the bridge.", "The bridge was opened by the minister."),
    ("Karim received Hadi in Basra.", "Hadi was received by Karim in Basra."),
    ("Minister of Electricity Fahdawi said the power ships Turkish arrived.", "Electricity Minister Fahdawi said the Turkish power ships arrived."),
    ("An attack of the group on the base.", "An attack by the group on the base."),
    ("Shelling from the army hit the base.", "Shelling by the army hit the base."),
    ("The mayor was confirmed that it is over.", "The mayor confirmed that it is over."),
    ("The two teams tied with one goal.", "The two teams were tied with one goal."),
    ("The deal of the striker collapsed.", "The striker's deal collapsed."),
    ("Karim's brother left the town.", "The town was left by Karim's brother."),
    ("The delegation left from the hall.", "The delegation left the hall."),
    ("Exports will not exceed from 3 million.", "Exports will not exceed 3 million."),
    ("Sprayed by milk the road the farmers.", "The farmers sprayed the road with milk."),
    ("The truck loaded by stones hit him.", "The truck loaded with stones hit him."),
    ("The judge ordered them by evacuating the house.", "The judge ordered them to evacuate the house."),
    ("It was accompanied by it the mayor.", "It was accompanied by the mayor."),
    ("The bridge, which built it two firms, is new.", "The bridge, built by two firms, is new."),
    ("They prevented the residents leaving from their homes.", "They prevented the residents from leaving their homes."),
    ("He visited the minister the flooded town.", "The minister visited the flooded town."),
    ("They came the residents to the square.", "The residents came to the square."),
    ("She reopened the road.", "She has reopened the road."),
    ("It attacked the group the base, and it fled.", "The group attacked the base, and it fled."),
    ("They need to help him.", "They need to help."),
    ("The man who he visited the town is here.", "The man who visited the town is here."),
    ("The man who he came from Basra is here.", "The man who came from Basra is here."),
    ("He and Karim met Hadi.", "Karim and he met Hadi."),
    ("He and said that it is open.", "He said that it is open."),
    ("He read its first reading on Monday.", "It had its first reading on Monday."),
]  # fmt: skip


@pytest.mark.parametrize(("function", "before", "after"), TURNED)
def test_what_is_turned_around_is_seen(function: str, before: str, after: str) -> None:
    assert getattr(roles, function)(before, after)
    assert getattr(roles, function)(before, before) == []


@pytest.mark.parametrize(("before", "after"), REPAIRED)
def test_a_true_repair_passes(before: str, after: str) -> None:
    assert GUARDS["roles"](before, after, Terms()) == []


def test_every_function_has_a_case() -> None:
    assert {case[0] for case in TURNED} == {function.__name__ for function in roles.ROLES}


WORDS = "the minister Karim it by which that opened filled was has from with of the's guards' bridge , . Mr to on Monday two".split()
SENTENCES = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join))


@given(SENTENCES)
def test_a_sentence_turns_nothing_around_in_itself(text: str) -> None:
    assert GUARDS["roles"](text, text, Terms()) == []


@given(SENTENCES, SENTENCES)
def test_any_two_sentences_can_be_compared(before: str, after: str) -> None:
    for function in roles.ROLES:
        assert all(isinstance(complaint, str) for complaint in function(before, after))
