"""Each guard alone: what it must let pass and what it must refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retranslate import guards, writing
from retranslate.counterparts import DATA
from retranslate.guards import GUARDS, Terms

# Guard, before, after: the repair may stand.
PASS = [
    ("numbers", "He said 12 boats left.", "Twelve boats left, he said."),
    ("numbers", "It costs 25,000 dinars.", "The cost is 25000 dinars."),
    ("numbers", "One of two of mouse click.", "Two mouse clicks."),
    ("numbers", "Prices rose 5 %.", "Prices rose by 5 percent."),
    ("numbers", "Prices rose 5 per cent.", "Prices rose by 5 percent."),
    ("numbers", "three thousand houses", "three thousand homes"),
    ("numbers", "He wounded a second man in the second week.", "He wounded another man in the second week."),
    ("numbers", "It happened in 2010-2015.", "That happened in 2010-2015."),
    ("numbers", "He bought 3 thousand blankets for half a million.", "He bought 3,000 blankets for half a million."),
    ("numbers", "It costs 2.5 million and five hundred thousand.", "It costs 2,500,000 and 500,000."),
    ("numbers", "About 30 of thousand left.", "About 30 thousand left."),
    ("numbers", "It raised £20m, they said.", "It raised £20 million, they said."),
    ("counts", "We need six other months.", "We need six more months."),
    ("units", "A guard aged 60 years hit the owner, 43 year old.", "A 60-year-old guard hit the 43-year-old owner."),
    ("units", "People from 15 to 25 years fell ill.", "People from 15 to 25 years of age fell ill."),
    ("counts", "12 wounded, 3 killed.", "3 killed and 12 wounded."),
    ("counts", "All of the men left.", "Every man left."),
    ("units", "It is 5 km long and costs $3.", "It is 5 kilometres long and costs 3 dollars."),
    ("units", "98 million of barrel in days", "98 million barrels in days"),
    ("units", "Days of war came.", "Nights of war came."),
    ("dates", "On Monday said the council.", "The council said on Monday."),
    ("dates", "It may open in May.", "It can open in May."),
    ("dates", "They march in March.", "They walk in March."),
    ("dates", "He will visit on Sunday the coming.", "He will visit next Sunday."),
    ("dates", "They put it off to day of Sunday the coming.", "They put it off until next Sunday."),
    ("dates", "It is open from Sunday.", "It is open as of Sunday."),
    ("dates", "It is closed to Monday, and opens on Monday.", "It is closed till Monday and opens on Monday."),
    ("times", "The plane landed in it at noon, in the evening, at 5 p.m.", "At noon, in the evening and at 5pm the plane landed there."),
    ("links", "See https://example.org/a?b=1.", "Look at https://example.org/a?b=1."),
    ("links", "write to a.b@example.com now", "now write to a.b@example.com"),
    ("symbols", "It costs $5 or €4.", "The price is $5 or €4."),
    ("lines", "One line.", "Still one line."),
    ("script", "The sign says «أهلاً», which means welcome.", "«أهلاً» on the sign means welcome."),
    ("script", "He sang \"Die Gedanken sind frei\" on the stage.", "On the stage he sang \"Die Gedanken sind frei\"."),
    ("names", "He pointed Hadi that it is over.", "Hadi pointed out that it is over."),
    ("names", "Warned the Minister of the flood.", "The minister warned of the flood."),
    ("names", "Baghdad said no.", "No, said Baghdad."),
    ("names", "It was paid by Black Berry.", "It was paid by BlackBerry."),
    ("names", "Iraqis voted.", "Iraqi voters turned out."),
    ("names", "Killing of five in the north.", "Five were killed in the north."),
    ("names", "The plane left from Sana'a.", "The plane left from Sanaa."),
    ("names", "The plane left from Sanaa.", "The plane left from Sana’a."),
    ("names", "BRIDGE CLOSED IN BASRA", "bridge closed"),
    ("names", "\"They left,\" he said.", "\"All of them left,\" he said."),
    ("titles", "The deputy Karim met the former minister.", "MP Karim met the former minister."),
    ("titles", "Told the MP Faleh Sari, that it is over.", "MP Faleh Sari said that it is over."),
    ("titles", "The Minister of the minister's party left.", "The minister left his party."),
    ("negation", "He did not say that.", "That he didn't say."),
    ("negation", "Nobody came.", "No one came."),
    ("negation", "Not returned from the families only 30.", "Only 30 of the families returned."),
    ("negation", "They did not receive of their dues only a quarter.", "They received only a quarter of their dues."),
    ("negation", "It won't open only after a month, and he does not know.", "It will open only after a month, and he does not know."),
    ("negation", "It can't be.", "It cannot be."),
    ("attribution", "He said the minister that it is over.", "The minister said that it is over."),
    ("attribution", "He told said that it is over.", "He said that it is over."),
    ("attribution", "It is over.", "It is over, he said."),
    ("attribution", "It is over, told the head of the mission in Basra.", "It is over, said the head of the mission in Basra."),
    ("titles", "Doctor Karim, the ex chairman.", "Dr. Karim, the former head."),
    ("titles", "They live under the line of poverty.", "They live below the poverty line."),
    ("units", "It offers a loan of three years.", "It offers a three-year loan."),
    ("content", "They began a strike for three days.", "They began a three-day strike."),
    ("invention", "They began a strike for three days.", "They began a three-day strike."),
    ("content", "A delay of 12 months is likely.", "A 12-month delay is likely."),
    ("belonging", "He heard the screams of the woman and jumped.", "He heard the woman's screams and jumped."),
    ("attribution", "The confirmation that it is over came.", "They confirm that it is over."),
    ("attribution", "He said that it is over.", "He stressed that it is over."),
    ("attribution", "He told: \"It is over.\"", "He said: \"It is over.\""),
    ("attribution", "The mayor was confirmed that it is over.", "The mayor confirmed that it is over."),
    ("speaker", "He said the minister that it is over.", "The minister said that it is over."),
    ("speaker", "Hadi told Karim that it is over.", "Karim was told by Hadi that it is over."),
    ("speaker", "And stressed the need to leave.", "He stressed the need to leave."),
    ("speaker", "She left, and her son.", "She left, and so did her son."),
    ("speaker", "And the source added, who declined to reveal his name, that it is over.", "The source, who declined to reveal his name, added that it is over."),
    ("roles", "The statement which issued it the union is long.", "The statement which the union issued is long."),
    ("roles", "Opened the minister the bridge.", "The bridge was opened by the minister."),
    ("belonging", "The deal of the striker collapsed.", "The striker's deal collapsed."),
    ("modality", "He may leave.", "He might leave."),
    ("modality", "He can't leave.", "He cannot leave."),
    ("modality", "He will leave in May.", "He would leave in May."),
    ("names", "The forces of Kuwait met Badri.", "Kuwaiti forces met al-Badri."),
    ("modality", "He said that will leave.", "He said that he is to leave."),
    ("modality", "The road will be opened.", "The road is to be opened."),
    ("modality", "He will put it there.", "He put it there."),
    ("content", "Said the minister that schools will open.", "The minister said that schools will open."),
    ("content", "He asks people in order to learn.", "He questions people to learn."),
    ("content", "The parliament member resigned.", "The member of parliament resigned."),
    ("content", "The parliamentary committee met.", "The parliament committee met."),
    ("content", "The deputies condemned the attack.", "Lawmakers denounced the assault."),
    ("content", "The liberation of the town", "The town was liberated"),
    ("content", "The injuries reached 2000 injuries.", "The injuries reached 2000."),
    ("invention", "The council closed.", "The council was closed."),
    ("invention", "The deputies left.", "The lawmakers left."),
    ("invention", "He carried the visit out.", "He made the visit."),
    ("content", "The finances of the town fell.", "The town's financial state fell."),
    ("content", "They talked in a peaceful way.", "They talked peacefully."),
    ("content", "The strike is for a period of a week.", "The strike is for a week."),
    ("content", "They rose on the day of Saturday by amount of 8,000.", "They rose on Saturday by 8,000."),
    ("content", "In a statement received a copy from it the News, he resigned.", "In a statement received by the News, he resigned."),
    ("content", "The plan amounting to $60 million failed.", "The $60 million plan failed."),
    ("invention", "He left on way to Basra at the age of 14 years.", "He left on his way to Basra at age 14."),
    ("invention", "An area rich with oil", "An oil-rich area"),
    ("content", "The forgery of the record is old.", "Forging the record is old."),
    ("loop", "He had had enough of it.", "He had had enough of that."),
    ("loop", "again and again and again", "again and again and again"),
    ("loop", "He said that that man left.", "He said that that man left."),
    ("length", "one two three four five six", "one two three four"),
    ("length", "He left.", "He left early today."),
    ("truncation", "He said that the road is what it was paid for.", "He said the road is what he paid for."),
    ("truncation", "The road is closed due to the works of the drain.", "Due to the drain works the road is closed."),
    ("quotes", 'He said," it is over. "', 'He said, "It is over."'),
    ("quotes", 'He said "it is over.', 'He said "it is over."'),
    ("brackets", "the group (armed) left [again]", "the armed (group) left [again]"),
    ("brackets", ":) it is (over", "it is :) (over"),
    ("sentence type", "Is it over ?", "Is it over?"),
    ("sentence type", "Was the road closed?", "Has the road been closed?"),
    ("sentence type", "He waited…", "He was waiting..."),
    ("sentence type", "When fell the rain they left.", "When the rain fell they left."),
    ("sentence type", 'He said "it is over."', 'He said it is "over".'),
    ("sentence type", "Floods in the south", "Flooding in the south"),
    ("sentence type", "Minister Visits Flooded Villages", "Minister Visits the Flooded Villages"),
    ("profanity", "\"Damn it,\" he said.", "He said, \"Damn it.\""),
    ("profanity", "The cock crowed at dawn.", "At dawn the cock crowed."),
]  # fmt: skip

# Guard, before, after, what the complaint names.
REFUSE = [
    ("numbers", "He said 12 boats left.", "He said the boats left.", "lost '12'"),
    ("numbers", "He said boats left.", "He said 12 boats left.", "invented '12'"),
    ("numbers", "It costs 25,000 dinars.", "It costs 25 dinars.", "lost '25000'"),
    ("numbers", "It rose 3.5 percent.", "It rose 35 percent.", "lost '3.5'"),
    ("numbers", "It rose 5 percent.", "It rose 5.", "lost 'percent'"),
    ("numbers", "It rose 5%.", "It rose 5.", "lost 'percent'"),
    ("numbers", "two million people", "two billion people", "lost 'million'"),
    ("numbers", "the third attack", "the fourth attack", "lost 'third'"),
    ("numbers", "three and three", "three", "lost '3'"),
    ("numbers", "It was -5 degrees.", "It was 5 degrees.", "lost '-5'"),
    ("numbers", "at 10:30", "at 10", "lost '10:30'"),
    ("numbers", "It cost 52 000 euros.", "It cost 52 euros.", "lost '52000'"),
    ("numbers", "It costs 3 thousand.", "It costs 30,000.", "lost '3'"),
    ("numbers", "300 men and 5 women left.", "3 men and 5 hundred women left.", "lost '300'"),
    ("counts", "12 wounded, 3 killed.", "3 wounded, 12 killed.", "'12' and '3' changed places"),
    ("counts", "It rose from 3 to 5 percent.", "It rose from 5 to 3 percent.", "'3' and '5' changed places"),
    ("counts", "Every road is closed.", "A road is closed.", "lost 'all'"),
    ("counts", "The road is closed.", "Most of the road is closed.", "invented 'most'"),
    ("units", "It is 5 km long.", "It is 5 miles long.", "lost 'kilometer'"),
    ("units", "It is 5 km long.", "It is 5 long.", "lost 'kilometer'"),
    ("units", "It costs 5 dinars.", "It costs 5 dollars.", "invented 'dollar'"),
    ("units", "The dinar rose.", "The euro rose.", "lost 'dinar'"),
    ("units", "It weighs 5 tonnes.", "It weighs 5 tons.", "lost 'tonne'"),
    ("units", "He paid for 43 years.", "He paid for the 43-year-old.", "lost 'year'"),
    ("units", "It lasted 3 days.", "It lasted 3 weeks.", "invented 'week'"),
    ("dates", "On Monday it rained.", "It rained.", "lost 'monday'"),
    ("dates", "It opens in May.", "It opens in June.", "lost 'may'"),
    ("dates", "It rained.", "It rained yesterday.", "invented 'yesterday'"),
    ("dates", "It opens on Sunday the coming.", "It opens on Sunday.", "lost 'next'"),
    ("dates", "It opened last week.", "It opens next week.", "lost 'last'"),
    ("dates", "They put it off to day of Sunday.", "They put it off on Sunday.", "'to sunday' became 'on'"),
    ("dates", "It is closed until the month of May.", "It is closed in May.", "'until may' became 'in'"),
    ("times", "It opens at 5 a.m. today.", "It opens at 5 p.m. today.", "lost 'a.m.'"),
    ("times", "He left in the morning.", "He left.", "lost 'morning'"),
    ("times", "He left.", "He left at noon.", "invented 'noon'"),
    ("links", "See https://example.org/a.", "See https://example.org/b.", "lost 'https://example.org/a'"),
    ("links", "ask @tigris_wire now", "ask tigris wire now", "lost '@tigris_wire'"),
    ("links", "Connecting to %s now", "Connecting to s now", "lost '%s'"),
    ("symbols", "It costs $5.", "It costs 5.", "lost '$'"),
    ("symbols", "It costs 5.", "It costs €5.", "invented '€'"),
    ("symbols", "Rain at last 🌧 today", "Rain at last today", "lost '🌧'"),
    ("symbols", "The café opened.", "The caf\ufffd opened.", "invented"),
    ("symbols", "He wrote <|end|> on it.", "He wrote on it.", "lost '|'"),
    ("lines", "One line.", "One\nline.", "1 lines before, 2 after"),
    ("lines", "One line.", "One\u2028line.", "1 lines before, 2 after"),
    ("script", "The sign says «أهلاً», which means welcome.", "The sign says welcome.", "lost ARABIC script"),
    ("script", "The bridge is open.", "The мост is open.", "invented CYRILLIC script"),
    ("script", "The bridge is open.", "The bridge ist offen nicht.", "invented 'nicht', which is not English"),
    ("names", "He told Karim that it is over.", "He told them that it is over.", "lost 'Karim'"),
    ("names", "He left.", "Then Karim left.", "invented 'Karim'"),
    ("names", "Baghdad said no.", "The city said no.", "lost 'Baghdad'"),
    ("names", "He met Salah Mutar.", "He met Salah Matar.", "lost 'Mutar'"),
    ("names", "Lend them the money.", "Give them the money.", "lost 'lend', which opened the sentence"),
    ("names", "He was in Oman.", "He was in Amman.", "invented 'Amman'"),
    ("titles", "The deputy minister left.", "The minister left.", "lost 'deputy'"),
    ("titles", "The minister left.", "The former minister left.", "invented 'former'"),
    ("titles", "The governor left.", "The mayor left.", "lost 'governor'"),
    ("titles", "Colonel Nabil left.", "Nabil left.", "lost 'colonel'"),
    ("titles", "Told the MP Faleh Sari, that it is over.", "The MP told Faleh Sari that it is over.", "'mp' parted from 'faleh'"),
    ("negation", "He did not say that.", "He did say that.", "1 negations before, 0 after"),
    ("negation", "They did not return only 30.", "They returned 30.", "2 negations before, 0 after"),
    ("negation", "He did not find only a box.", "He did not find a box.", "2 negations before, 1 after"),
    ("negation", "It is not the only road.", "It is the only road.", "2 negations before, 1 after"),
    ("negation", "It is not only good but cheap.", "It is only good but cheap.", "2 negations before, 1 after"),
    ("negation", "It works not with the votes only, but with each.", "It works with the votes only, but with each.", "2 negations before, 1 after"),
    ("negation", "He came.", "He never came.", "0 negations before, 1 after"),
    ("negation", "It isn't over.", "It is over.", "1 negations before, 0 after"),
    ("negation", "They left without a word.", "They left with a word.", "1 negations before, 0 after"),
    ("attribution", "He said that it is over, and she added that it rained.", "He said that it is over, and it rained.", "lost 1 of 2"),
    ("attribution", "Counts by divers that he saw are high.", "Counts by divers also confirm that they are high.", "invented 'confirm'"),
    ("attribution", "Karim, the head of the mission, told the agency that it is over.", "Karim, the head of the mission, said the agency that it is over.", "lost 'told'"),
    ("titles", "The undersecretary left.", "The secretary left.", "lost 'undersecretary'"),
    ("units", "It is a three-year loan.", "It is a three-month loan.", "lost 'year'"),
    ("belonging", "The guard of the lake and the marsh left.", "The lake's guard and the marsh left.", "'lake' parted from its 'and'"),
    ("names", "The letter of Mr Hunter arrived.", "The letter of Mr Sniper arrived.", "lost 'Hunter'"),
    ("attribution", "He revealed the files.", "He was revealed to the court.", "a verb of saying became passive"),
    ("attribution", "A source, told News, that it rained.", "A source, told News, said that it rained.", "the same speaker says it twice"),
    ("speaker", "Hadi told Karim that it is over.", "Karim told Hadi that it is over.", "'karim' did not say it"),
    ("speaker", "The minister said the governor left.", "The governor said the minister left.", "'governor' did not say it"),
    ("speaker", "The minister said no.", "The governor, who met nobody, said no.", "'governor' did not say it"),
    ("speaker", "was read out on the square.", "He was read out on the square.", "invented 'he'"),
    ("roles", "The statement which issued it the union is long.", "The statement issued the union is long.", "'issued' lost its 'it'"),
    ("roles", "The packages that the terrorists planted exploded.", "The packages planted the terrorists and exploded.", "'packages' now does"),
    ("roles", "He was killed with his son.", "He was killed by his son.", "'with' 'son' became 'by'"),
    ("belonging", "The expert Zuhair said so.", "Zuhair's expert said so.", "'expert zuhair' became"),
    ("belonging", "They play in League Two.", "They play in Two League.", "'league two' became 'two league'"),
    ("modality", "He may leave.", "He leaves.", "lost 'may'"),
    ("modality", "He leaves.", "He must leave.", "invented 'must'"),
    ("modality", "He said he will sign it.", "He said he signed it.", "'will sign' became 'signed'"),
    ("modality", "It would not end it.", "It ended it.", "'would end' became 'ended'"),
    ("modality", "He could leave.", "He should leave.", "lost 'can'"),
    ("content", "The council closed the harbor and the market.", "The council closed the harbor.", "lost 'market'"),
    ("content", "He spoke in this form.", "He spoke in this.", "lost 'form'"),
    ("content", "It is the period of unrest, and the end of peace.", "It is unrest, and the end of quiet.", "lost 'peace'"),
    ("content", "The road to Iraq is open.", "The road to Israel is open.", "lost 'iraq'"),
    ("content", "The north bank is open.", "The south bank is open.", "lost 'north'"),
    ("content", "He gave files to police.", "He gave books to police.", "lost 'files'"),
    ("content", "A string quartet played works for strings.", "A quartet played works for strings.", "lost 'string'"),
    ("invention", "The council closed.", "The council closed the airport hotel.", "invented 'airport'"),
    ("invention", "The main road is cut, and he called the drivers.", "The main road is cut, and he called the drivers of the main road.", "invented 'road'"),
    ("invention", "The old ferry sank.", "The old ferry burned.", "invented 'burned'"),
    ("loop", "He said it is over.", "He said it is over is over.", "repeats 'is over'"),
    ("loop", "He said it is over.", "He said said it is over.", "repeats 'said'"),
    ("loop", "Awaits the minister the president, and awaits the president the parliament.", "The minister awaits the president, and parliament awaits the president.", "repeats 'awaits the president'"),
    ("loop", "the old bridge fell and he left", "the old bridge fell and the old bridge left", "repeats 'the old bridge'"),
    ("length", "one two three four five six seven", "one two", "7 words before, 2 after"),
    ("length", "one two three four five", "a b c d e f g h i j", "5 words before, 10 after"),
    ("length", "It is", "", "no word is left"),
    ("length", "It is so.", "...", "no word is left"),
    ("truncation", "The road is closed since the morning.", "The road is closed since the", "breaks off after 'the'"),
    ("truncation", "He left, and the old ferry sank.", "He left.", "the end is gone: 'old ferry sank'"),
    ("quotes", 'He said "it is over."', 'He said "it is over.', "an unpaired quotation mark"),
    ("quotes", 'He said "it is over."', "He said it is over.", "2 quotation marks before, 0 after"),
    ("quotes", "He said it is over.", 'He said "it is over."', "0 quotation marks before, 2 after"),
    ("brackets", "the group (armed) left", "the armed group left", "brackets () changed"),
    ("brackets", "It read « Fermé » on it.", "It read Fermé on it.", "brackets «» changed"),
    ("brackets", "It is (all) over", "It is )all( over", "brackets out of order"),
    ("sentence type", "Is it over?", "It is over.", "ended in '?'"),
    ("sentence type", "Is it over?", "It is over?", "a question became a statement"),
    ("sentence type", "Which is why a ring is needed.", "What is why a ring is needed.", "opened with 'which', now with 'what'"),
    ("sentence type", "Floods in the south", "Floods in the south.", "ended in ''"),
    ("sentence type", "It is over.", "It is over", "ended in '.'"),
    ("sentence type", "Minister Visits Flooded Villages", "Minister visits flooded villages", "a heading lost its capitals"),
    ("profanity", "The road is in a bad state.", "The road is in a shitty state, damn it.", "invented a coarse word"),
]  # fmt: skip


# What comes close to a true repair and changes a fact: some guard has to see it.
CHANGED_FACTS = [
    ('The crisis is not limited to Iraq only.', 'The crisis is limited to Iraq only.'),
    ('The attack did not target the army only.', 'The attack targeted only the army.'),
    ('The number does not exceed 20 persons only.', 'The number exceeds only 20 people.'),
    ('The losses were not material only and included persons.', 'The losses were only material and included people.'),
    ('No civilians were killed and only two cars burned.', 'Civilians were killed and only two cars burned.'),
    ('The minister did not attend the meeting and sent only his deputy.', 'The minister attended the meeting and sent only his deputy.'),
    ('Iran did not deny the attack and blamed only Israel.', 'Iran denied the attack and blamed only Israel.'),
    ('No group claimed the attack which targeted only the civilians.', 'A group claimed the attack which targeted only the civilians.'),
    ('The forces did not kill the hostages because only two guards were there.', 'The forces killed the hostages because only two guards were there.'),
    ("He was not Karim's only son.", "He was Karim's only son."),
    ('It does not depend only on oil.', 'It depends only on oil.'),
    ('Other sources said that 30 persons were killed.', 'Other sources said that more than 30 people were killed.'),
    ('Other people left.', 'More people left.'),
    ('Another 20 persons wounded in the attack.', 'More than 20 people were wounded in the attack.'),
    ('Police said that a girl aged 14 was killed in Basra.', 'Police said that 14 girls were killed in Basra.'),
    ('A bomb killed a citizen aged 40 years.', 'A bomb killed 40 citizens.'),
    ('The bombing wounded 12 children in the market.', 'The bombing wounded a child aged 12 in the market.'),
    ('The police arrested 30 women.', 'The police arrested a 30-year-old woman.'),
    ('He was imprisoned at the age of 17 years.', 'He was imprisoned for 17 years.'),
    ('The man aged 20 years was sentenced to prison.', 'The man was sentenced to 20 years in prison.'),
    ("At five o'clock gunmen attacked the village.", 'Five gunmen attacked the village.'),
    ('Five gunmen attacked the village.', "Gunmen attacked the village at five o'clock."),
    ('The company paid £20m for the field.', 'The company paid £20 for the field.'),
    ('The company paid $4.1bn for it.', 'The company paid $4.1m for it.'),
    ('Gunmen kidnapped two employees in the way to Baghdad.', 'Gunmen kidnapped two employees in Baghdad.'),
    ('She works in fashion in Beirut.', 'She works in Beirut.'),
    ('The minister visited Mosul for the first time since 2014.', 'The minister was the first to visit Mosul since 2014.'),
    ('He spoke with his father for the last time on Friday.', 'He spoke with his father last on Friday.'),
    ('The Iran-backed groups attacked the base.', 'The groups backed Iran and attacked the base.'),
    ('The party that backed Iran won the elections.', 'The Iran-backed party won the elections.'),
    ('He found the gun of the man in the car.', 'He found the gunman in the car.'),
    ('The leader of the Kurdish party arrived.', "The Kurdish leader's party arrived."),
    ('The commander of the northern operations was killed.', "The northern commander's operations were killed."),
    ('The ministry announced the signing of agreement by the company.', 'The ministry announced the signing of an agreement with the company.'),
    ('The gunmen killed by the army five civilians.', 'The gunmen killed five civilians with the army.'),
    ('The minister ended his visit by meeting the president.', 'The minister ended his visit to meet the president.'),
    ('The group which was attacked by it the police fled.', 'The group which was attacked by the police fled.'),
    ('Hadi stressed the need of calm and said Karim met the governor.', 'Karim, who Hadi said met the governor, stressed the need of calm.'),
    ('Fled 5 thousand soldiers and 3,000 civilians from the city.', '3,000 soldiers and 5,000 civilians fled from the city.'),
    ('Three hundred twenty thousand families returned.', '300 of 20,000 families returned.'),
    ('He was tried in the affairs of the bank.', 'He was tried in the bank.'),
    ('He burned a copy of it in the square.', 'He burned it in the square.'),
    ("We'll go to the well.", 'Well go to the well.'),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CHANGED_FACTS)
def test_what_only_looks_like_a_repair_is_refused(before: str, after: str) -> None:
    assert guards.judge(before, after)
    assert guards.judge(before, before) == {}


@pytest.mark.parametrize(("guard", "before", "after"), PASS)
def test_a_guard_lets_a_true_repair_pass(guard: str, before: str, after: str) -> None:
    assert GUARDS[guard](before, after, Terms()) == []


@pytest.mark.parametrize(("guard", "before", "after", "complaint"), REFUSE)
def test_a_guard_refuses_what_it_protects_from(guard: str, before: str, after: str, complaint: str) -> None:
    complaints = GUARDS[guard](before, after, Terms())
    assert any(complaint in found for found in complaints), complaints


def test_every_guard_has_cases_of_both_kinds() -> None:
    assert {case[0] for case in PASS} == {case[0] for case in REFUSE} == set(GUARDS)


def test_every_guard_says_what_it_protects() -> None:
    for guard in GUARDS.values():
        assert guard.__doc__


def test_the_glossary_allows_what_it_maps() -> None:
    terms = Terms.of([("strings", "leads"), ("Guterich", "Guterres"), ("Trliuna", "trillion")])
    assert guards.names_kept("He met Guterich.", "He met Guterres.", terms) == []
    assert guards.names_kept("He met Guterich.", "He met Gutierrez.", terms) == [
        "lost 'Guterich'",
        "invented 'Gutierrez'",
    ]
    assert guards.numbers_kept("21 Trliuna dinars", "21 trillion dinars", terms) == []
    assert guards.content_kept("New strings of evidence emerged.", "New leads of evidence emerged.", terms) == []


def test_judge_asks_the_guards_it_is_told_to() -> None:
    before, after = "He did not meet 12 men.", "He met 13 men."
    assert set(guards.judge(before, after, guards=("numbers",))) == {"numbers"}
    assert {"numbers", "negation"} <= set(guards.judge(before, after))
    assert guards.judge(before, after, guards=()) == {}


NEWS_WORDS = (
    "the a minister said that not 12 3.5 Karim Baghdad Monday may May never bridge \"over\" (near) no fire $5 5% https://x.org/a two million "
    "second had again again. it? “so” « Fermé » don't İzmir 🙂 -7 10:30 and"
).split(" ")  # fmt: skip
SENTENCES = st.one_of(st.text(max_size=120), st.lists(st.sampled_from(NEWS_WORDS), max_size=25).map(" ".join))


@given(SENTENCES)
def test_a_sentence_is_a_fair_rewrite_of_itself(text: str) -> None:
    assert guards.judge(text, text) == {}


@given(SENTENCES, SENTENCES)
def test_guards_answer_on_any_pair(before: str, after: str) -> None:
    verdict = guards.judge(before, after)
    assert list(verdict) == [name for name in GUARDS if name in verdict]
    assert all(complaints for complaints in verdict.values())


@given(SENTENCES, SENTENCES, st.sampled_from(sorted(GUARDS)))
def test_each_guard_can_be_asked_alone(before: str, after: str, name: str) -> None:
    alone = guards.judge(before, after, guards=(name,))
    assert alone == {key: value for key, value in guards.judge(before, after).items() if key == name}


@given(SENTENCES)
def test_a_lost_number_is_always_noticed(text: str) -> None:
    with_number = f"{text} 4711 end"
    assert "numbers" in guards.judge(with_number, f"{text} end")


@pytest.mark.parametrize(
    ("guard", "before", "after"),
    [
        ("attribution", "He told the minister that it rained.", "The minister said that it rained."),
        ("names", "United scored twice at the end.", "The team scored twice at the end."),
        ("symbols", "The cafe\u0301 opened in May.", "The cafe opened in May."),
        ("sentence type", "open it again", "Open it again"),
        ("sentence type", "which was the end of the ferry.", "This was the end of the ferry."),
    ],
)
def test_what_the_bundled_model_once_did_to_good_text_is_refused(guard: str, before: str, after: str) -> None:
    assert guards.GUARDS[guard](before, after, guards.Terms())
    assert not guards.GUARDS[guard](before, before, guards.Terms())


def test_the_list_of_coarse_words_is_short_sorted_and_not_to_be_read_by_chance() -> None:
    lines = (DATA / "coarse_words.txt").read_text("utf-8").splitlines()
    words = [line for line in lines if not line.startswith("#")]
    assert words == sorted(set(words))
    assert 20 <= len(words) == len(writing.coarse_words()) <= 60
    assert writing.coarse_words().isdisjoint(words)
