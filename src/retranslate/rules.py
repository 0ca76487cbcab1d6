"""Repairs so regular that they need no model: reporting frames, counted singulars, relative clauses and end marks.

Each rule is a named pure function ``str -> str`` on one segment that returns it unchanged unless it is certain. They run
after the glossary and before the model. The frames are what Arabic's verb-first order left in English: "He pointed
Hadi that", "Said the minister that", "The Osaf, that".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from retranslate import morphology
from retranslate.edits import Edit, apply, word_edits
from retranslate.lexicon import FUNCTION_WORDS, NUMBER_WORDS
from retranslate.text import SegmentKind

_NAME = r"(?:al-|el-)?[A-Z][\w'’-]+"
_TITLE = (
    r"(?:(?:the|a) )?(?:[A-Z][\w-]+ )?(?:Prime Minister|Foreign Minister|Minister|President|Governor|General|Secretary General|Secretary-General|"
    r"MP|Deputy|Spokesman|Spokeswoman|Speaker|Mayor|Colonel|Brigadier|Captain|Sheikh|Dr\.?|Judge|Envoy|Ambassador|Adviser|Advisor|"
    r"minister|president|governor|general|spokesman|spokeswoman|speaker|mayor|colonel|brigadier|captain|sheikh|judge|envoy|"
    r"ambassador|adviser|advisor|director|head|chairman|commander|official|source|doctor|rector|engineer|union|bank|ministry|"
    r"police|committee|commission|council)"
)
_OF = r"(?: (?:of|for|in) (?:the )?[\w-]+(?: [A-Z][\w-]+)?)?"
_MODIFIED = r"(?:the|a) [a-z-]+ (?:bank|union|ministry|committee|council|commission|source|official)"
# A subject that is certain: a title with or without a name, or one to three names.
_SUBJECT = rf"(?P<subject>(?:{_MODIFIED}|{_TITLE}){_OF}(?: {_NAME}){{0,4}}|{_NAME}(?: {_NAME}){{0,2}})"
_VERB = (
    r"(?P<verb>said|stressed|confirmed|explained|added|noted|announced|warned|revealed|affirmed|emphasi[sz]ed|declared|indicated|"
    r"stated|insisted|mentioned|continued|claimed|asserted|denied|pointed)"
)
_THAT = r"(?P<that>,? that\b[”\"“]?)"
_DUMMY_FIRST = re.compile(rf"^(?:And |and )?(?:He|She|It) (?:has |was )?{_VERB} {_SUBJECT}{_THAT}")
# "He said Secretary General Jurgen Stock during a meeting in Lyon, that": here a title and a name have to be the subject.
_DUMMY_APART = re.compile(
    rf"^(?:And |and )?(?:He|She|It) {_VERB} (?P<subject>{_TITLE}{_OF}(?: {_NAME}){{1,4}})"
    r"(?P<aside>,? (?:during|in an? (?:\w+ )?(?:statement|conference|interview|speech|meeting)|at an? (?:\w+ )?(?:conference|meeting))\b"
    r"[^.;:“”\"]{0,200}?)(?P<that>, that\b| that ?(?=[“”\"]))"
)
_VERB_FIRST = re.compile(rf"^(?:And )?(?i:{_VERB}) {_SUBJECT}{_THAT}")
_VERB_LOST = re.compile(rf"^(?:He|She) (?P<subject>{_NAME}(?: {_NAME}){{0,2}}){_THAT}")
_GARBLED_ADDED = re.compile(r"^(?:The|And|And he) Osaf,?(?P<rest>\s*[,”\"“]|\s+that\b)")
# "And between that day and the next" is English: what follows has to open a clause.
_BETWEEN = re.compile(
    r"^And between,?\s+(?P<that>that[”\"“]?\s+(?:the|a|an|it|he|she|they|we|there|this|these|all|some|no|his|her|its|their|\d|[A-Z])|[”\"“])"
)
# Ungrammatical in a question as well: "Was the committee has finished".
_WAS_HAS = re.compile(
    r"^(?:Was|And was) (?P<subject>the (?:[\w-]+ ){1,5}?)(?:has|have|had) (?P<done>(?:already |also )?(?:\w+ed|met|taken|given|held|sent|made|said|left|won|lost|begun|gone|come))\b"
)
_QUOTE = '["“”]'
_ADDING = r"(?P<verb>(?:adding|noting|stressing|explaining|confirming|indicating|pointing out|saying)(?: that)?)"
# A quotation in two pieces whose inner marks cling to the word between them.
_TWO_PIECES = re.compile(
    rf"^(?P<said>[^\"“”]*\b(?:said|added|explained|continued|stressed|noted|confirmed|affirmed|pointed out|that)),?\s*{_QUOTE}\s*(?P<one>[^\"“”]+?)\s*"
    rf"(?:,\s*{_QUOTE}|{_QUOTE}\s*,?)\s*{_ADDING}\s*{_QUOTE}\s*(?P<two>[^\"“”]+?)\s*{_QUOTE}\s*$"
)
_SIDE = re.compile(rf"^(?P<side>(?:For|On) (?:his|her|its|their) (?:part|side)), {_SUBJECT} that\b")
_COUNTED = re.compile(
    r"(?<![\w.,:/)$€£#-])(?P<count>(?:\d{1,3}(?:,\d{3})+|(?!0*1?\s)\d{1,3}|"
    rf"{'|'.join(word for word, value in NUMBER_WORDS.items() if value not in '01')})(?: (?:thousand|million|billion))?) (?P<noun>[a-z]{{3,}})"
    r"(?=[.,;:!?\"”]|$| (?:of|in|to|for|from|with|at|on|by|is|are|was|were|has|have|had|will|who|that|which|during|since|until|after|before)\b)"
)
_BEFORE_NAMES = frozenset(
    "a an the this that his her its their our my your each every another top bottom first last article group no number page chapter phase "
    "level under age aged channel act section grade category type tier week day round stage room".split()
)
_UNCOUNTED = FUNCTION_WORDS | frozenset(
    "percent percentile thousand million billion trillion dozen score gross head foot aircraft yen yuan won baht rand euro noon midnight faculty "
    "memoranda".split()
)
"""Stand behind a number as they are."""
_CURRENCIES = frozenset("dinar dirham riyal".split())
"""No words of the dictionary."""
# "The valve burst, what led to": a clause before the comma, no question anywhere, not "That is, after all, what led to".
_WHAT = re.compile(
    r"(?<![^,;:.?!\"“”])(?<!\bis,)(?<!\bwas,)(?P<before>[^,;:.?!\"“”]+), what (?P<verb>caused|forced|pushed|prompted|prevented|raised|increased|allowed|enabled|confirms|confirmed|indicates|"
    r"indicated|reflects|reflected|means|meant|threatens|le(?:d|ads) to|resulted in)\b(?! (?:it|you|of|that of)\b)(?= [a-z])"
)
_ASKS = re.compile(
    r"\b(?:what|how|why|whether|ask\w*|know\w*|knew|learn\w*|understand\w*|understood|wonder\w*|explain\w*|discuss\w*|describ\w+|question\w*|"
    r"investigat\w+|determin\w+|establish\w*|discover\w*|reveal\w*|examin\w+|see|tell|told|remember\w*|recall\w*|out)\b",
    re.IGNORECASE,
)
_FEWEST_BEFORE_WHAT = 5
_END_MARK = re.compile(
    r"(?<=[.!?”\"])\s*\(?(?:anthy|Anthy|ANTHY|Finished ?/|It ended|[Ee]nded ?/)\)?(?:[ /]{0,3}\d{1,3}(?: ?[A-Z])?)?[ .]*$"
)
_END_LINE = re.compile(r"^\(?(?:anthy|Anthy|Finished ?/|Ended ?/)\)?(?:[ /]{0,3}\d{1,3}(?: ?[A-Z])?)?[ .]*$")
_NOT_SUBJECT = re.compile(
    r"^(?:That|This|There|The|It|He|She|They|We|In|On|At|And|But|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|"
    r"January|February|March|April|May|June|July|August|September|October|November|December)$"
)
# "He warned the council that", "He announced the committee that will": the noun is the verb's object.
_TAKES_PERSON = frozenset({"warned"})
_TAKES_THING = frozenset("announced confirmed revealed affirmed declared stated mentioned noted claimed denied".split())
_RELATIVE = re.compile(
    r"\s+(?:(?:also|never|still|already) )?(?:will|would|shall|should|can|could|may|might|must|has|have|had|is|are|was|were|did|does|\w+ed|met|"
    r"took|came|went|won|lost|led|left|held|ran|made|said)\b"
)
_SAID = re.compile(r"\b(?:said|told|added)\b")


def dummy_subject(sentence: str) -> str:
    """V1: "He pointed Hadi that" -> "Hadi pointed out that". "He told the minister that" is left alone."""
    if apart := _DUMMY_APART.match(sentence):
        return _attributed(apart["subject"], apart["verb"], f"{apart['aside']}{apart['that']}", sentence[apart.end() :])
    match = _DUMMY_FIRST.match(sentence)
    if match is None or match["verb"] in _TAKES_PERSON or not _opens_clause(match, sentence):
        return sentence
    return _attributed(match["subject"], match["verb"], match["that"], sentence[match.end() :])


def verb_first(sentence: str) -> str:
    """V1: "Said the minister that" -> "The minister said that"."""
    match = _VERB_FIRST.match(sentence)
    if match is None or not _opens_clause(match, sentence):
        return sentence
    return _attributed(match["subject"], match["verb"], match["that"], sentence[match.end() :])


def lost_verb(sentence: str) -> str:
    """V2: "He Karim that" -> "Karim said that"."""
    match = _VERB_LOST.match(sentence)
    if match is None or _NOT_SUBJECT.match(match["subject"].split()[0]):
        return sentence
    return _attributed(match["subject"], "said", match["that"], sentence[match.end() :])


def lost_verb_after_side(sentence: str) -> str:
    """MV: "For his part, the mayor that" -> "For his part, the mayor said that"."""
    match = _SIDE.match(sentence)
    if match is None:
        return sentence
    rest = sentence[match.end() :]
    # "For her part, the doctor that I met said": the verb is there, and "that" is relative.
    return (
        sentence
        if _RELATIVE.match(rest) or _SAID.search(rest)
        else f"{match['side']}, {match['subject']} said that{rest}"
    )


def garbled_added(sentence: str) -> str:
    """V2, TR: "The Osaf, that" -> "He added that"; "And between that" -> "He explained that"."""
    if match := _GARBLED_ADDED.match(sentence):
        rest = sentence[match.start("rest") :].lstrip(" ,")
        return f"He added {rest}" if rest.startswith("that") else f"He added, {rest}"
    if match := _BETWEEN.match(sentence):
        rest = sentence[match.start("that") :]
        return f"He explained {rest}" if rest.startswith("that") else f"He explained, {rest}"
    return sentence


def past_perfect(sentence: str) -> str:
    """V3: "Was the committee has finished its report" -> "The committee had finished its report"."""
    match = _WAS_HAS.match(sentence)
    if match is None:
        return sentence
    return f"{match['subject'][:1].upper()}{match['subject'][1:]}had {match['done']}{sentence[match.end() :]}"


def two_pieces(sentence: str) -> str:
    """QT: said," A, "adding" B. " -> said, "A," adding, "B." """
    match = _TWO_PIECES.match(sentence)
    if match is None:
        return sentence
    opening, closing = ("“", "”") if re.search("[“”]", sentence) else ('"', '"')
    said, verb = (part if part.endswith("that") else f"{part}," for part in (match["said"], match["verb"]))
    one = match["one"].rstrip(" ,")
    repaired = f"{said} {opening}{one},{closing} {verb} {opening}{match['two']}{closing}"
    # Marks that stood well are left as they were typed.
    return sentence if repaired.translate(_STRAIGHT) == sentence.translate(_STRAIGHT) else repaired


_STRAIGHT = str.maketrans("“”", '""')


def counted_singular(sentence: str) -> str:
    """AG: Arabic counts in the singular above ten: "a grant for 2,300 family" -> "a grant for 2,300 families"."""

    def counted(match: re.Match[str]) -> str:
        noun = match["noun"]
        if _names_by_number(sentence[: match.start()].rsplit(maxsplit=2)) or not _is_singular(noun):
            return match.group()
        return f"{match['count']} {'people' if noun == 'person' else morphology.inflect(noun, 'NNS')}"

    return _COUNTED.sub(counted, sentence)


def _names_by_number(before: Sequence[str]) -> bool:
    """Whether a number behind these words is a name or stands before its noun as an adjective: "Article 12 paragraph", "a 40 bed ward"."""
    last = before[-1] if before else ""
    named = len(before) > 1 and (last[:1].isupper() or before[-2:] == ["Group", "of"])
    return named or last[-1:].isdigit() or last.lower().strip("\"“(‘'") in _BEFORE_NAMES


def _is_singular(noun: str) -> bool:
    """Whether a word in lower case is a noun in the singular, and nothing else."""
    return noun not in _UNCOUNTED and (noun in _CURRENCIES or morphology.plain_noun(noun) == "NN")


def what_for_which(sentence: str) -> str:
    """MW: Arabic's *mimma* opens a clause on all that was said: "The valve burst, what led to" -> ", which led to"."""

    def related(match: re.Match[str]) -> str:
        before = match["before"]
        if len(before.split()) < _FEWEST_BEFORE_WHAT or _ASKS.search(sentence, 0, match.end("before")):
            return match.group()
        return f"{before}, which {match['verb']}"

    return sentence if sentence.rstrip('"”').endswith("?") else _WHAT.sub(related, sentence)


def end_mark(sentence: str) -> str:
    """FT: the translated end mark of an agency ("anthy 7", "Finished / 18") goes."""
    return _END_LINE.sub("", _END_MARK.sub("", sentence))


def _opens_clause(match: re.Match[str], sentence: str) -> bool:
    """Whether the subject of a frame can be one, and its "that" opens what was said."""
    if _NOT_SUBJECT.match(match["subject"].split()[0]):
        return False
    return not (match["verb"].lower() in _TAKES_THING and _RELATIVE.match(sentence, match.end()))


def _attributed(subject: str, verb: str, that: str, rest: str) -> str:
    verb = "pointed out" if verb.lower() == "pointed" else verb.lower()
    return f"{subject[:1].upper()}{subject[1:]} {verb} {that.lstrip(', ')}{rest}"


Rule = Callable[[str], str]

FRAMES: tuple[Rule, ...] = (
    garbled_added, dummy_subject, verb_first, lost_verb, lost_verb_after_side, past_perfect, two_pieces, counted_singular,
    what_for_which
)  # fmt: skip
FOOTERS: tuple[Rule, ...] = (end_mark,)


def rules_for(kind: SegmentKind) -> tuple[Rule, ...]:
    """The rules that apply to a segment of this kind."""
    if kind == "sentence":
        return FRAMES + FOOTERS
    return FOOTERS if kind in ("footer", "heading") else ()


def repair(segment: str, kind: SegmentKind) -> list[Edit]:
    """The edits of all rules for ``kind`` on ``segment``, by words; their reason is the rule's name."""
    text, names = segment, []
    for rule in rules_for(kind):
        changed = rule(text)
        if changed != text:
            names.append(rule.__name__.replace("_", " "))
            text = changed
    edits = word_edits(segment, text, "rule", ", ".join(names))
    assert apply(segment, edits) == text
    return edits
