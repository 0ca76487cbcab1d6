"""Repairs so regular that they need no model: reporting frames and end marks.

Each rule is a named pure function ``str -> str`` on one segment that returns it unchanged unless it is certain. They run
after the glossary and before the model. The frames are what Arabic's verb-first order left in English: "He pointed
Hadi that", "Said the minister that", "The Osaf, that".
"""

from __future__ import annotations

import re
from collections.abc import Callable

from retranslate.edits import Edit, apply, word_edits
from retranslate.text import SegmentKind

_NAME = r"(?:al-|el-)?[A-Z][\w'’-]+"
_TITLE = (
    r"(?:(?:the|a) )?(?:[A-Z][\w-]+ )?(?:Prime Minister|Foreign Minister|Minister|President|Governor|General|Secretary General|Secretary-General|"
    r"MP|Deputy|Spokesman|Spokeswoman|Speaker|Mayor|Colonel|Brigadier|Captain|Sheikh|Dr\.?|Judge|Envoy|Ambassador|Adviser|Advisor|"
    r"minister|president|governor|general|spokesman|spokeswoman|speaker|mayor|colonel|brigadier|captain|sheikh|judge|envoy|"
    r"ambassador|adviser|advisor|director|head|chairman|commander|official|source|doctor|rector|engineer|union|bank|ministry|"
    r"police|committee|commission|council)"
)
# A subject that is certain: a title with or without a name, or one to three names.
_SUBJECT = rf"(?P<subject>{_TITLE}(?: (?:of|for|in) (?:the )?[\w-]+(?: [A-Z][\w-]+)?)?(?: {_NAME}){{0,4}}|{_NAME}(?: {_NAME}){{0,2}})"
_VERB = (
    r"(?P<verb>said|stressed|confirmed|explained|added|noted|announced|warned|revealed|affirmed|emphasi[sz]ed|declared|indicated|"
    r"stated|insisted|mentioned|continued|claimed|asserted|denied|pointed)"
)
_THAT = r"(?P<that>,? that\b[”\"“]?)"
_DUMMY_FIRST = re.compile(rf"^(?:And |and )?(?:He|She|It) (?:has |was )?{_VERB} {_SUBJECT}{_THAT}")
_VERB_FIRST = re.compile(rf"^(?:And )?(?i:{_VERB}) {_SUBJECT}{_THAT}")
_VERB_LOST = re.compile(rf"^(?:He|She) (?P<subject>{_NAME}(?: {_NAME}){{0,2}}){_THAT}")
_GARBLED_ADDED = re.compile(r"^(?:The|And|And he) Osaf,?(?P<rest>\s*[,”\"“]|\s+that\b)")
_BETWEEN = re.compile(r"^And between,?\s+(?P<that>that\b|[”\"“])")
_SIDE = re.compile(rf"^(?P<side>(?:For|On) (?:his|her|its|their) (?:part|side)), {_SUBJECT} that\b")
_END_MARK = re.compile(r"(?<=[.!?”\"])\s*\(?(?:anthy|Anthy|ANTHY|Finished ?/|It ended|[Ee]nded ?/)\)?(?:[ /]{0,3}\d{1,3}(?: ?[A-Z])?)?[ .]*$")
_END_LINE = re.compile(r"^\(?(?:anthy|Anthy|Finished ?/|Ended ?/)\)?(?:[ /]{0,3}\d{1,3}(?: ?[A-Z])?)?[ .]*$")
_NOT_SUBJECT = re.compile(r"^(?:That|This|There|The|It|He|She|They|We|In|On|At|And|But|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)$")


def dummy_subject(sentence: str) -> str:
    """V1: "He pointed Hadi that" -> "Hadi pointed out that". "He told the minister that" is left alone."""
    match = _DUMMY_FIRST.match(sentence)
    return sentence if match is None else _attributed(match["subject"], match["verb"], match["that"], sentence[match.end() :])


def verb_first(sentence: str) -> str:
    """V1: "Said the minister that" -> "The minister said that"."""
    match = _VERB_FIRST.match(sentence)
    return sentence if match is None else _attributed(match["subject"], match["verb"], match["that"], sentence[match.end() :])


def lost_verb(sentence: str) -> str:
    """V2: "He Karim that" -> "Karim said that"."""
    match = _VERB_LOST.match(sentence)
    if match is None or _NOT_SUBJECT.match(match["subject"].split()[0]):
        return sentence
    return _attributed(match["subject"], "said", match["that"], sentence[match.end() :])


def lost_verb_after_side(sentence: str) -> str:
    """MV: "For his part, the mayor that" -> "For his part, the mayor said that"."""
    match = _SIDE.match(sentence)
    return sentence if match is None else f"{match['side']}, {match['subject']} said that{sentence[match.end():]}"


def garbled_added(sentence: str) -> str:
    """V2, TR: "The Osaf, that" -> "He added that"; "And between that" -> "He explained that"."""
    if match := _GARBLED_ADDED.match(sentence):
        rest = sentence[match.start("rest") :].lstrip(" ,")
        return f"He added {rest}" if rest.startswith("that") else f"He added, {rest}"
    if match := _BETWEEN.match(sentence):
        return f"He explained {sentence[match.start('that'):]}"
    return sentence


def end_mark(sentence: str) -> str:
    """FT: the translated end mark of an agency ("anthy 7", "Finished / 18") goes."""
    return _END_LINE.sub("", _END_MARK.sub("", sentence))


def _attributed(subject: str, verb: str, that: str, rest: str) -> str:
    verb = "pointed out" if verb.lower() == "pointed" else verb.lower()
    return f"{subject[:1].upper()}{subject[1:]} {verb} {that.lstrip(', ')}{rest}"


Rule = Callable[[str], str]

FRAMES: tuple[Rule, ...] = (garbled_added, dummy_subject, verb_first, lost_verb, lost_verb_after_side)
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
