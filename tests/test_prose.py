"""What the model is asked about: English prose, and nothing that only looks like it."""

from __future__ import annotations

import pytest

from retranslate.prose import is_prose
from retranslate.text import split

PROSE = [
    "He said that the road is open.",
    "Minister to visit flooded villages on Friday",
    "The mayor of La Paz said that Van Damme was there.",
    "Three members of al Daash surrendered at dawn.",
    "The UN envoy arrived in Tripoli.",
    "He answered « Fermé », which is the French for it.",
    "It costs 3.5 million dinars (about $2,500) to the town.",
]
NOT_PROSE = [
    "Le conseil n'a pas encore voté le budget de l'année prochaine.",
    "Le ministre a dit que la route est fermée.",
    "Der Minister sagte, die Brücke werde erst im Herbst fertig.",
    "Was will der Minister mit dem Geld?",
    "Die Stadt will es so, und es war nicht leicht.",
    "El puente sigue cerrado; nadie sabe cuándo lo abrirán.",
    "He visto que el ministro has hablado con la prensa.",
    "Bakan, köprünün önümüzdeki ay açılacağını söyledi.",
    "Bu at için has bir yol ve köprü var.",
    "قال المحافظ إن الطريق مفتوح منذ الصباح.",
    "قال The road is مفتوح منذ الصباح اليوم هنا.",
    "Мост закрыт до понедельника, сказал министр.",
    "大桥将于星期一重新开放。",
    "return sum(row.amount for row in rows if row is not None)",
    "if the_list is not None and it.has(item):",
    'print("it is the end of the road")[0]',
    "x = {it: was for it in the}",
    "open the file C:\\data\\it\\was for them",
    "<p>It is the end of the road</p>",
    "COUNCIL VOTES TO CLOSE THE BRIDGE FOR TWO WEEKS",
    "| item of it | price for the year | the end |",
    "Province of it\tSeats for the\tVotes of the",
    "The road is \ud800 open to them.",
    "12.5 33.1 18.9 the 44.2 55.1 100.0 12",
    "It is.",
]


def _is_prose(text: str) -> bool:
    return any(is_prose(segment, segment.text) for segment in split(text))


@pytest.mark.parametrize("text", PROSE)
def test_english_prose_is_for_the_model(text: str) -> None:
    assert _is_prose(text)


@pytest.mark.parametrize("text", NOT_PROSE)
def test_other_languages_code_and_tables_are_not(text: str) -> None:
    assert not _is_prose(text)
