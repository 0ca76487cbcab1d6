"""The rules: what each repairs, and the good English that looks like its prey."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate import rules
from retranslate.corrector import Corrector
from retranslate.edits import apply
from retranslate.glossary import Glossary

REPAIRS = [
    ("dummy_subject", "He pointed Hadi that the number doubled.", "Hadi pointed out that the number doubled."),
    ("dummy_subject", "He said the minister that the road is open.", "The minister said that the road is open."),
    ("dummy_subject", "And he confirmed Colonel Salah Mutar that it is over.", None),
    ("dummy_subject", "And He confirmed Colonel Salah Mutar that it is over.", "Colonel Salah Mutar confirmed that it is over."),
    ("dummy_subject", "She added the head of the committee, that it rained.", "The head of the committee added that it rained."),
    ("dummy_subject", "He has stressed al-Abadi that the dam is safe.", "Al-Abadi stressed that the dam is safe."),
    ("dummy_subject", "He announced the governor that schools will close.", "The governor announced that schools will close."),
    (
        "dummy_subject",
        "He said Interpol Secretary General Jurgen Stock during a meeting of ministers yesterday, that “Interpol will help.”",
        "Interpol Secretary General Jurgen Stock said during a meeting of ministers yesterday, that “Interpol will help.”",
    ),
    ("dummy_subject", "She added Minister Nadia Qasim in a press statement that \"it rained.\"", "Minister Nadia Qasim added in a press statement that \"it rained.\""),
    ("dummy_subject", "He said President Karim during a visit praised the troops that stood there.", None),
    ("verb_first", "Said the minister that schools will open.", "The minister said that schools will open."),
    ("verb_first", "Warned the bank that notes are forged.", "The bank warned that notes are forged."),
    ("verb_first", "And stressed Karim that he will stay.", "Karim stressed that he will stay."),
    ("lost_verb", "He Qasim that the road is closed.", "Qasim said that the road is closed."),
    ("lost_verb", "She Nadia Qasim, that it rained.", "Nadia Qasim said that it rained."),
    ("lost_verb_after_side", "For her part, the doctor that the wells are clean.", "For her part, the doctor said that the wells are clean."),
    ("lost_verb_after_side", "On his side, Mayor Karim Daoud that it rained.", "On his side, Mayor Karim Daoud said that it rained."),
    ("garbled_added", "The Osaf, that the bridge is ready.", "He added that the bridge is ready."),
    ("garbled_added", 'The Osaf, "it is ready."', 'He added, "it is ready."'),
    ("garbled_added", "And between that the price rose.", "He explained that the price rose."),
    ("garbled_added", 'And between, "it is ready."', 'He explained, "it is ready."'),
    ("verb_first", "Warned the central bank that notes are forged.", "The central bank warned that notes are forged."),
    ("past_perfect", "Was the committee has finished its report.", "The committee had finished its report."),
    ("past_perfect", "And was the council have met on Sunday.", "The council had met on Sunday."),
    ("two_pieces", 'She said," it is full, "adding" we need ten. "', 'She said, "it is full," adding, "we need ten."'),
    ("two_pieces", "Hadi said that” it is full , “noting that ” we wait. ”", "Hadi said that “it is full,” noting that “we wait.”"),
    ("counted_singular", "A grant for 2,300 family is ready.", "A grant for 2,300 families is ready."),
    ("counted_singular", "It costs 11 thousand dinar, and took twenty person.", "It costs 11 thousand dinars, and took twenty people."),
    ("counted_singular", "Some twelve person were hurt.", "Some twelve people were hurt."),
    ("what_for_which", "The main valve burst on Sunday, what led to the loss of 40 barrels.", "The main valve burst on Sunday, which led to the loss of 40 barrels."),
    ("what_for_which", "Bread is up again, he said, and the bank is silent, what means that we wait.", "Bread is up again, he said, and the bank is silent, which means that we wait."),
    ("what_for_which", "He added that the price of bread is up again, what means that we wait.", "He added that the price of bread is up again, which means that we wait."),
    ("what_for_which", "The dam is closed since the flood, what caused the shortage.", "The dam is closed since the flood, which caused the shortage."),
    ("end_mark", "The ferry will sail in April. anthy", "The ferry will sail in April."),
    ("end_mark", "The ferry will sail in April. anthy 7", "The ferry will sail in April."),
    ("end_mark", "The governor thanked them. Finished / 25 K", "The governor thanked them."),
    ("end_mark", 'He said "it is over." Ended / 12', 'He said "it is over."'),
    ("end_mark", "(anthy)", ""),
    ("end_mark", "Finished / 18", ""),
]  # fmt: skip

GOOD_ENGLISH = [
    "That is, after all those years of talking, what led to the war.",
    "We may never know for sure, what caused the fire.",
    "But if you look a few years back, what led to the split?",
    "The panel will look at how it began, and at least in part, what caused the fire.",
    "In the words of the old man, what means that to you?",
    "He told the minister that the road was open.",
    "He said that the minister was away.",
    "And between March and May it rained.",
    "And between that day and the next it rained.",
    "And between that hill and the sea lies the town.",
    "He said Monday that the road was open.",
    "It was confirmed Tuesday that the vote is off.",
    "She announced Friday that she will resign.",
    "Announced Monday that he would go, the coach cried.",
    "He warned the council that prices would rise.",
    "She warned President Karim that time was short.",
    "He announced the committee that will count the votes.",
    "She mentioned the director that hired her.",
    "He revealed the source that had told him.",
    "He pointed to the map and told us where the camp was.",
    "For his part, the coach said he had expected a harder match.",
    "For his part, the minister that took office in May said no.",
    "For her part, the doctor that I met said it was over.",
    '"The bridge is safe," said Mayor Karim Daoud.',
    "The governor was confirmed in office.",
    "Said is a town of three thousand people.",
    "The meeting ended at noon.",
    "It ended 2-1.",
    "It ended.",
    "The work is finished / the road is open.",
    "He that is without sin may cast the first stone.",
    "He said the minister would come.",
    "What the minister said that day was wrong.",
    "Never before had the river been so low in May.",
    "Warned by the council that rain was near, they left.",
    "Was the committee right to wait until it had met?",
    "It was the council that had met on Sunday.",
    'He said, "We go," adding, "they stay."',
    'She said "no" twice, adding "never" under her breath.',
    "Confirmed cases that need a doctor are few.",
    "She has 1 factory in a 12 hectare park, and 20 percent of another.",
    "The Group of 20 summit of 2016 ended.",
    "It is in Article 12 paragraph of the law, and in Channel 4 policy.",
    "Nearly 80 faculty from here, four who were away, paid 3 million in 2015.",
    "It holds 10 sheep, 40 aircraft, and 501(c)4 factory.",
]


@pytest.mark.parametrize(("rule", "garbled", "repaired"), REPAIRS)
def test_a_rule_repairs_its_frame(rule: str, garbled: str, repaired: str | None) -> None:
    assert getattr(rules, rule)(garbled) == (garbled if repaired is None else repaired)


@pytest.mark.parametrize(("rule", "garbled", "repaired"), REPAIRS)
def test_a_repaired_sentence_is_at_rest(rule: str, garbled: str, repaired: str | None) -> None:
    for every in (*rules.FRAMES, *rules.FOOTERS):
        assert every(repaired or "It is over.") == (repaired or "It is over.")


@pytest.mark.parametrize("sentence", GOOD_ENGLISH)
def test_good_english_is_left_alone(sentence: str) -> None:
    assert rules.repair(sentence, "sentence") == []
    assert Corrector(Glossary(), None)(sentence).text == sentence


def test_every_rule_names_its_edits() -> None:
    (edit,) = rules.repair("The ferry will sail in April. anthy 7", "sentence")
    assert (edit.kind, edit.reason, edit.replacement) == ("rule", "end mark", "")


def test_two_rules_can_meet_in_a_sentence() -> None:
    sentence = "He pointed Hadi that it is over. anthy 7"
    edits = rules.repair(sentence, "sentence")
    assert apply(sentence, edits) == "Hadi pointed out that it is over."
    assert all("dummy subject" in edit.reason and "end mark" in edit.reason for edit in edits)


def test_frames_are_for_sentences_only() -> None:
    assert rules.rules_for("sentence") == rules.FRAMES + rules.FOOTERS
    assert rules.rules_for("heading") == rules.rules_for("footer") == rules.FOOTERS
    assert rules.rules_for("list") == rules.rules_for("dateline") == rules.rules_for("blank") == ()
    assert rules.repair("Said the minister that it is over", "heading") == []


FRAME_WORDS = (
    "He She It And and said pointed warned told the minister head of Karim al-Abadi that , The Osaf between For his part, \" ” anthy 7 . / Finished"
).split(" ")  # fmt: skip


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(FRAME_WORDS), max_size=14).map(" ".join)))
def test_edits_of_rules_replay(segment: str) -> None:
    for kind in ("sentence", "heading", "footer", "list"):
        edits = rules.repair(segment, kind)
        repaired = apply(segment, edits)
        assert (repaired != segment) == bool(edits)
        assert all(edit.kind == "rule" and edit.reason for edit in edits)


def test_a_long_line_takes_no_time() -> None:
    for piece in ("He said the minister of ", "Karim ", ". ", "anthy / 7 ", "And between that "):
        line = piece * 20_000
        assert rules.end_mark(line) is not None
        assert rules.dummy_subject(line) is not None
        assert rules.verb_first(line) is not None
