"""Damages fluent English the way phrase-based translation from Arabic did.

Every type is a small function on the dependency tree (or on the text, where that is enough), named by its code in the
error typology: V1-V3 verb first, WO word order, ID construct state, MW missing words, PR prepositions, QT quotation
marks, AG agreement, AR articles, XW extra words, TN tense, LX/TR/NM/BR literal senses and mangled names out of the
glossary read backwards. Damage never touches a name, a number or a date in a way that English alone, or a hint, could
not undo.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import cache

import ahocorasick_rs

from retranslate import morphology
from retranslate.glossary import Glossary, Row, expand, fold, realise
from retranslate.training.attribution import REPORTING
from retranslate.training.tree import Node, spell, word


@dataclass(frozen=True)
class Rates:
    """How often a type is tried where it is possible, from 0 to 1, at severity 1.

    The defaults give about the typology's rates on news text: a type that is possible in few sentences has a high rate.
    """

    V1: float = 0.85
    V2: float = 0.25
    V3: float = 0.25
    WO: float = 0.80
    ID: float = 0.26
    MW: float = 0.32
    PR: float = 0.22
    QT: float = 0.70
    AG: float = 0.24
    XW: float = 0.25
    AR: float = 0.12
    TN: float = 0.11
    LX: float = 0.85
    GL: float = 0.05


@dataclass(frozen=True)
class Damaged:
    """A garbled sentence with its target; ``hints`` are the pairs (what it says, what it should say) that a glossary would offer."""

    text: str
    target: str
    hints: tuple[tuple[str, str], ...] = ()
    types: tuple[str, ...] = ()


@dataclass
class _Draft:
    root: Node
    rng: random.Random
    types: list[str] = field(default_factory=list)

    def nodes(self) -> list[Node]:
        return list(self.root.walk())


TreeDamage = Callable[[_Draft], bool]


def damage(root: Node, glossary: Glossary, rng: random.Random, rates: Rates = Rates(), severity: float = 1.0) -> Damaged:
    """The sentence under ``root`` (which is used up), garbled; ``severity`` multiplies the rates.

    The same tree, glossary and state of ``rng`` give the same text.
    """
    target, length = spell(root), root.size()
    draft = _Draft(root, rng)
    first = next(root.walk())
    for code, attempts in _TREE_DAMAGE.items():
        rate = min(0.95, getattr(rates, code) * severity)
        # A long sentence has room for a second accident of the same kind.
        for attempt in attempts * (2 if length > 22 and code in _REPEATABLE else 1):
            if rng.random() < rate / len(attempts) ** 0.5 and attempt(draft):
                draft.types.append(code)
    _recapitalise(root, first, rng)
    text = spell(root)
    hints: list[tuple[str, str]] = []
    if rng.random() < min(0.95, rates.LX * severity):
        text, hints = literal_senses(text, glossary, rng)
        draft.types.extend(["LX"] * bool(hints))
    if '"' in text and rng.random() < min(0.95, rates.QT * severity):
        text = misplace_quotes(text, rng)
        draft.types.append("QT")
    if "”" in text and '"' in target:
        target = curl_quotes(target)
    if rng.random() < rates.GL * severity:
        text = misplace_spaces(text, rng)
        draft.types.append("GL")
    return Damaged(text, target, tuple(hints), tuple(dict.fromkeys(draft.types)))


def _recapitalise(root: Node, first: Node, rng: random.Random) -> None:
    nodes = [node for node in root.walk() if node.word[:1].isalnum()]
    if not nodes or nodes[0] is first:
        return
    if not first.in_name() and first.entity != "NORP" and first.word != "I" and not first.word.isupper():
        first.word = first.word[:1].lower() + first.word[1:]
    if rng.random() < 0.9:
        nodes[0].word = nodes[0].word[:1].upper() + nodes[0].word[1:]


# --- V1, V2: the reporting clause -----------------------------------------------------------------------------


def _reporting(draft: _Draft) -> tuple[Node, Node] | None:
    """The main reporting verb and its subject, where the clause follows them."""
    verb = draft.root
    subjects = [node for node in verb.left if node.dep == "nsubj"]
    if not verb.kept or verb.lemma not in REPORTING or not subjects or not any(node.dep in ("ccomp", "dobj") for node in verb.right):
        return None
    return (verb, subjects[0]) if verb.tag in ("VBD", "VBZ") else None


_LITERAL_VERB = {
    "pointed": ("pointed", "pointed"),
    "said": ("said", "said", "told", "mentioned"),
    "noted": ("noted", "pointed", "and noted"),
    "explained": ("explained", "showed", "between"),
    "added": ("added", "and added"),
    "stressed": ("stressed", "confirmed", "assured"),
    "confirmed": ("confirmed", "was confirmed", "assured"),
    "announced": ("announced", "was announced"),
    "revealed": ("revealed", "revealed on", "detected"),
    "continued": ("continued", "followed"),
    "warned": ("warned", "cautioned"),
}
_SHE = re.compile(r"\b(?:her|she|mrs|ms|woman|mother|queen)\b", re.IGNORECASE)


def verb_first_attribution(draft: _Draft) -> bool:
    """V1: "The minister stressed that" -> "He stressed the minister that" or "Stressed the minister that"."""
    found = _reporting(draft)
    if found is None or found[1].tag == "PRP":
        return False
    verb, subject = found
    options = _LITERAL_VERB.get(verb.word)
    if options:
        verb.word = draft.rng.choice(options)
        for particle in [node for node in verb.right if node.dep == "prt"]:
            particle.kept = False
    dummy = "She" if _SHE.search(spell(subject)) else "He"
    lead = draft.rng.choices((dummy, "", "And", "It"), (0.55, 0.3, 0.12, 0.03))[0]
    _lower_article(subject)
    verb.insert_right(0, subject)
    if lead:
        verb.insert_left(0, word(lead))
    _mark_clause(verb, draft.rng)
    return True


def _lower_article(subject: Node) -> None:
    opening = next(subject.walk())
    if opening.place == 0 and not opening.in_name() and opening.entity != "NORP" and opening.word != "I":
        opening.word = opening.word[:1].lower() + opening.word[1:]


def _mark_clause(verb: Node, rng: random.Random) -> None:
    for clause in [node for node in verb.right if node.dep == "ccomp"]:
        marks = [node for node in clause.left if node.dep == "mark"]
        if not marks:
            clause.insert_left(0, word("that", "mark", "IN"))
        if rng.random() < 0.2:
            verb.insert_right(verb.right.index(clause), word(",", "punct", ","))


def lost_reporting_verb(draft: _Draft) -> bool:
    """V2: "Karim said that" -> "He Karim that"; "The minister said that" -> "The minister, that"."""
    found = _reporting(draft)
    if found is None or found[0].word not in ("said", "says"):
        return False
    verb, subject = found
    if verb.left and subject.tag == "PRP":
        return False
    verb.kept = False
    _mark_clause(verb, draft.rng)
    if draft.rng.random() < 0.6:
        _lower_article(subject)
        verb.insert_left(0, word("He"))
    return True


def garbled_frame(draft: _Draft) -> bool:
    """V2, TR: "He added that" -> "The Osaf, that"; "He explained that" -> "And between that"."""
    found = _reporting(draft)
    if found is None or found[1].tag != "PRP" or found[1].word not in ("He", "She"):
        return False
    verb, subject = found
    frames = {
        "added": ("The Osaf,", "And Osaf", "The Osaf", "And added", "Osaf"),
        "explained": ("And between", "Between", "And between,"),
        "said": ("He said he", "And said", "He told said"),
        "continued": ("And followed", "He followed"),
    }
    if verb.word not in frames:
        return False
    subject.kept = False
    verb.word = draft.rng.choice(frames[verb.word])
    _mark_clause(verb, draft.rng)
    return True


def double_attribution(draft: _Draft) -> bool:
    """XW: "The minister told" -> "The minister told said"; "said" -> "was said"."""
    found = _reporting(draft)
    if found is None or found[0].word not in ("said", "told", "confirmed", "announced", "stressed"):
        return False
    verb = found[0]
    verb.word = {"said": "told said", "told": "told said"}.get(verb.word, f"was {verb.word}")
    return True


# --- V3 and WO: verbs and modifiers out of their place -------------------------------------------------------------


def verb_first(draft: _Draft) -> bool:
    """V3: "The school opened its doors" -> "And opened the school its doors"; "had met" -> "Was ... has met"."""
    candidates = []
    for verb in draft.nodes():
        subjects = [node for node in verb.left if node.dep in ("nsubj", "nsubjpass")]
        if verb.tag not in ("VBD", "VBZ", "VBN", "VBG", "VB") or not subjects or verb.lemma == "be":
            continue
        if subjects[0].tag in ("PRP", "WDT", "WP", "EX") or verb.lemma in REPORTING or subjects[0].size() > 14:
            continue
        if verb is draft.root or verb.dep in ("ccomp", "advcl", "conj"):
            candidates.append((verb, subjects[0]))
    if not candidates:
        return False
    verb, subject = draft.rng.choice(candidates)
    had = [node for node in verb.left if node.word in ("had", "has", "have") and node.dep == "aux"]
    _lower_article(subject)
    if had and verb.left.index(had[0]) > verb.left.index(subject) and draft.rng.random() < 0.7:
        verb.insert_left(verb.left.index(subject), word("was", "aux", "VBD"))
        had[0].word = draft.rng.choice(("has", "had", had[0].word))
    else:
        verb.insert_right(1 if verb.right and verb.right[0].dep == "prt" else 0, subject)
        if verb is draft.root and draft.rng.random() < 0.35:
            verb.insert_left(0, word("And"))
    return True


def adverbial_before_object(draft: _Draft) -> bool:
    """WO: "visited the port in the morning" -> "visited in the morning the port"."""
    candidates = []
    for verb in draft.nodes():
        objects = [node for node in verb.right if node.dep in ("dobj", "ccomp", "attr", "xcomp")]
        if verb.tag[:2] == "VB" and objects:
            spot = verb.right.index(objects[0])
            later = [node for node in verb.right[spot + 1 :] if node.dep in ("prep", "npadvmod", "advmod", "dative")]
            candidates += [(verb, spot, node) for node in later if node.size() <= 7]
    if not candidates:
        return False
    verb, spot, branch = draft.rng.choice(candidates)
    verb.insert_right(spot, branch)
    return True


def adverbial_first(draft: _Draft) -> bool:
    """WO: "The minister visited the port on Monday" -> "The minister on Monday visited the port"."""
    candidates = []
    for verb in draft.nodes():
        if verb.tag[:2] == "VB" and any(node.dep in ("nsubj", "nsubjpass") for node in verb.left):
            tails = [node for node in verb.right if node.dep in ("prep", "npadvmod", "advmod") and node.size() <= 6]
            candidates += [(verb, node) for node in tails]
    if not candidates:
        return False
    verb, branch = draft.rng.choice(candidates)
    verb.insert_left(len(verb.left), branch)
    return True


def relative_clause_the_arabic_way(draft: _Draft) -> bool:
    """WO, XW: "the plan, which the ministries approved" -> "the plan, which approved it the ministries".

    "in which the council meets" -> "which meets in it the council"; without pronoun: "the road which take the trucks".
    """
    for verb in draft.nodes():
        subjects = [node for node in verb.left if node.dep in ("nsubj", "nsubjpass") and node.tag not in ("WDT", "WP")]
        if verb.dep != "relcl" or verb.parent is None or not subjects or verb.lemma == "be":
            continue
        subject = subjects[0]
        pronoun = "them" if verb.parent.tag in ("NNS", "NNPS") else "it"
        fronted = [node for node in verb.left if node.dep == "prep" and node.right and node.right[0].tag in ("WDT", "WP")]
        if subject.tag != "PRP":
            _lower_article(subject)
            verb.insert_right(0, subject)
        if fronted:
            relative = fronted[0].right[0].detach()
            verb.insert_left(0, relative)
            fronted[0].insert_right(0, word(pronoun, "pobj", "PRP"))
            verb.insert_right(0, fronted[0])
        elif draft.rng.random() < 0.6:
            verb.insert_right(0, word(pronoun, "dobj", "PRP"))
            if not any(node.tag in ("WDT", "WP") for node in verb.left):
                verb.insert_left(0, word("which" if draft.rng.random() < 0.6 else "that", "dobj", "WDT"))
        return True
    return False


def dropped_subject(draft: _Draft) -> bool:
    """MW: "He stressed the need" -> "And stressed the need"."""
    subjects = [node for node in draft.root.left if node.dep == "nsubj" and node.word == "He"]
    if not subjects or subjects[0] is not next(draft.root.walk()) or not draft.root.kept:
        return False
    subjects[0].word = "And"
    return True


def adverb_astray(draft: _Draft) -> bool:
    """WO: "The army quickly took the town" -> "The army took the town quickly"; "also said" -> "said also"."""
    for verb in draft.nodes():
        adverbs = [node for node in verb.left if node.dep == "advmod" and node.tag == "RB" and not node.children()]
        movable = [node for node in adverbs if node.lemma not in ("not", "never", "only", "n't", "when", "why", "how")]
        if verb.tag[:2] == "VB" and movable and draft.rng.random() < 0.7:
            last = len([node for node in verb.right if node.dep != "punct"])
            verb.insert_right(draft.rng.choice((0, last)), movable[0])
            return True
    return False


# --- ID: construct state and adjectives after their noun -----------------------------------------------------------


def modifiers_after_noun(draft: _Draft) -> bool:
    """ID: "the parliamentary finance committee" -> "the committee finance parliamentary"."""
    candidates = []
    for noun in draft.nodes():
        if noun.tag not in ("NN", "NNS", "NNP", "NNPS") or noun.entity in ("PERSON", "GPE", "DATE", "MONEY", "PERCENT", "TIME"):
            continue
        modifiers = [node for node in noun.left if node.dep in ("amod", "compound", "nmod")]
        safe = [m for m in modifiers if m.entity not in ("PERSON", "DATE", "CARDINAL", "ORDINAL") and not m.joined]
        if safe and len(safe) == len(modifiers) and len(safe) <= 3 and all(m.word.isalpha() for m in safe):
            if noun.tag[:3] == "NNP" and noun.entity not in ("ORG", ""):
                continue
            candidates.append((noun, safe))
    if not candidates:
        return False
    noun, modifiers = draft.rng.choice(candidates)
    for modifier in modifiers:
        noun.insert_right(0, modifier)
        if modifier.place == 0 and not modifier.in_name() and modifier.entity != "NORP":
            modifier.word = modifier.word.lower()
    return True


def possessive_to_of(draft: _Draft) -> bool:
    """ID: "the army's commander" -> "the commander of the army", or "commander the army"."""
    candidates = [
        (noun, owner)
        for noun in draft.nodes()
        for owner in noun.left
        if owner.dep == "poss" and any(node.tag == "POS" for node in owner.right)
    ]
    if not candidates:
        return False
    noun, owner = draft.rng.choice(candidates)
    for marker in [node for node in owner.right if node.tag == "POS"]:
        marker.detach()
    owner.detach()
    if draft.rng.random() < 0.75:
        preposition = word("of", "prep", "IN")
        preposition.insert_right(0, owner)
        noun.insert_right(0, preposition)
        if not any(node.dep == "det" for node in noun.left):
            noun.insert_left(0, word("the", "det", "DT"))
    else:
        noun.insert_right(0, owner)
    return True


def dropped_of(draft: _Draft) -> bool:
    """ID: "the spokesman of the ministry" -> "the spokesman ministry"."""
    candidates = [
        node
        for node in draft.nodes()
        if node.word == "of" and node.parent is not None and node.parent.tag in ("NN", "NNS") and node.right
        and node.right[0].tag[:2] == "NN"
    ]  # fmt: skip
    if not candidates:
        return False
    draft.rng.choice(candidates).kept = False
    return True


# --- MW, XW: missing and extra words -------------------------------------------------------------------------------


def dropped_relative(draft: _Draft) -> bool:
    """MW: "traders who sell it" -> "traders sell it"."""
    return _drop(draft, lambda node: node.tag in ("WDT", "WP") and node.parent is not None and node.parent.dep == "relcl")


def dropped_copula(draft: _Draft) -> bool:
    """MW: "the road is open" -> "the road open"; "was killed" -> "killed"."""
    return _drop(draft, lambda node: node.lemma == "be" and node.tag in ("VBZ", "VBP", "VBD", "VB") and node.word != "'s")


def dropped_function_word(draft: _Draft) -> bool:
    """MW: "that", "to", a pronoun subject or an auxiliary goes missing."""

    def droppable(node: Node) -> bool:
        pronoun = node.tag == "PRP" and node.dep == "nsubj" and node.parent is not None and node.parent.dep != "ROOT"
        auxiliary = node.dep == "aux" and node.lemma in ("have", "do") and not _negated(node.parent)
        return (node.dep == "mark" and node.word == "that") or node.tag == "TO" or pronoun or auxiliary

    return _drop(draft, droppable)


def _negated(node: Node | None) -> bool:
    return node is not None and bool(node.children("neg"))


def _drop(draft: _Draft, wanted: Callable[[Node], bool]) -> bool:
    candidates = [node for node in draft.nodes() if wanted(node) and not node.joined]
    if not candidates:
        return False
    draft.rng.choice(candidates).kept = False
    return True


def resumptive_pronoun(draft: _Draft) -> bool:
    """XW: "the town that he visited" -> "the town that he visited it"; "the men who left" -> "the men who they left"."""
    for verb in draft.nodes():
        if verb.dep != "relcl" or verb.parent is None:
            continue
        plural = verb.parent.tag in ("NNS", "NNPS")
        relatives = [node for node in verb.left if node.tag in ("WDT", "WP")]
        if not relatives:
            continue
        relative = relatives[0]
        if relative.dep in ("nsubj", "nsubjpass"):
            pronoun = "they" if plural else ("he" if relative.word == "who" else "it")
            verb.insert_left(verb.left.index(relative) + 1, word(pronoun, "nsubj", "PRP"))
        else:
            verb.insert_right(0, word("them" if plural else "it", "dobj", "PRP"))
        return True
    return False


def doubled_subject(draft: _Draft) -> bool:
    """XW: "The ministry sent" -> "The ministry it sent"."""
    for verb in (draft.root,):
        subjects = [node for node in verb.left if node.dep == "nsubj" and node.tag[:2] == "NN"]
        if subjects and subjects[0].entity != "PERSON":
            pronoun = "they" if subjects[0].tag in ("NNS", "NNPS") else draft.rng.choice(("it", "she", "he"))
            verb.insert_left(verb.left.index(subjects[0]) + 1, word(pronoun, "nsubj", "PRP"))
            return True
    return False


# --- AR, PR, AG, TN: small words and endings -----------------------------------------------------------------------


def surplus_article(draft: _Draft) -> bool:
    """AR: "fight terrorism" -> "fight the terrorism"."""
    candidates = [
        noun
        for noun in draft.nodes()
        if noun.tag in ("NN", "NNS") and noun.dep in ("dobj", "pobj", "nsubj", "conj") and not noun.entity and noun.word.isalpha()
        and not any(node.dep in ("det", "poss", "nummod", "predet", "neg", "compound", "quantmod") for node in noun.left)
        and not noun.word.isupper() and noun.lemma not in ("percent", "today", "yesterday", "tomorrow")
    ]  # fmt: skip
    if not candidates:
        return False
    noun = draft.rng.choice(candidates)
    opening = next(noun.walk())
    if opening.word[:1].isupper() and opening.in_name():
        return False
    noun.insert_left(0, word("the", "det", "DT"))
    return True


def lost_article(draft: _Draft) -> bool:
    """AR: "the governor" -> "governor"; "a statement" -> "statement"."""
    return _drop(draft, lambda node: node.dep == "det" and node.word in ("the", "a", "an"))


_PREPOSITIONS = {
    "on": ("in", "for", "about", "at", "upon"),
    "in": ("at", "on", "within", "into"),
    "to": ("for", "into", "of", "on"),
    "for": ("to", "of", "on"),
    "with": ("by", "to", "from", "on"),
    "by": ("from", "with", "of"),
    "of": ("from", "for", "in"),
    "from": ("of", "by"),
    "at": ("in", "on"),
    "about": ("on", "for", "from"),
    "into": ("to", "in"),
    "over": ("on", "upon"),
    "among": ("between",),
    "against": ("on", "anti"),
    "during": ("through", "within"),
    "through": ("during", "by"),
}


def wrong_preposition(draft: _Draft) -> bool:
    """PR: "insisted on" -> "insisted to". Prepositions before dates and places keep theirs more often than not."""
    candidates = [
        node
        for node in draft.nodes()
        if node.dep in ("prep", "agent", "dative") and node.word in _PREPOSITIONS
        and (draft.rng.random() < 0.4 or not any(child.entity in ("DATE", "TIME", "GPE", "CARDINAL") for child in node.right))
    ]  # fmt: skip
    if not candidates:
        return False
    node = draft.rng.choice(candidates)
    node.word = draft.rng.choice(_PREPOSITIONS[node.word])
    return True


def singular_after_number(draft: _Draft) -> bool:
    """AG: "12 files" -> "12 file"; a plural elsewhere may lose its ending too, where its verb shows the number."""
    counted = [node for node in draft.nodes() if node.tag == "NNS" and node.children("nummod") and node.word != "people"]
    if not counted:
        return False
    noun = draft.rng.choice(counted)
    noun.word = morphology.inflect(noun.lemma, "NN") if noun.word.islower() else noun.word
    return True


_DISAGREEING = {"is": "are", "are": "is", "was": "were", "were": "was", "has": "have", "have": "has", "does": "do"}


def verb_disagrees(draft: _Draft) -> bool:
    """AG: "they were" -> "they was"; "the minister meets" -> "the minister meet"."""
    candidates = [node for node in draft.nodes() if node.tag in ("VBZ", "VBP", "VBD") and node.parent is not None or node is draft.root]
    changeable = [node for node in candidates if node.word in _DISAGREEING or node.tag == "VBZ" and node.lemma.isalpha() and node.lemma != "be"]
    if not changeable:
        return False
    node = draft.rng.choice(changeable)
    node.word = _DISAGREEING.get(node.word) or morphology.inflect(node.lemma, "VBP")
    return True


def wrong_gender(draft: _Draft) -> bool:
    """AG: "The ministry said it" -> "The ministry said she"; "its" -> "her"."""
    swaps = {"it": ("she", "he"), "its": ("her", "his")}
    candidates = [node for node in draft.nodes() if node.word in swaps and node.dep in ("nsubj", "nsubjpass", "poss")]
    if not candidates:
        return False
    node = draft.rng.choice(candidates)
    node.word = draft.rng.choice(swaps[node.word])
    return True


def false_passive(draft: _Draft) -> bool:
    """TN: "the council decided" -> "the council was decided"; "was held" -> "has been held"."""
    verbs = [node for node in draft.nodes() if node.tag == "VBD" and node.lemma not in ("be", "have", "do") and not node.children("aux")]
    if verbs and draft.rng.random() < 0.6:
        verb = draft.rng.choice(verbs)
        verb.word = f"{draft.rng.choice(('was', 'has', 'had'))} {morphology.inflect(verb.lemma, 'VBN')}"
        return True
    passive = [node for node in draft.nodes() if node.dep == "auxpass" and node.word in ("was", "were")]
    if not passive:
        return False
    draft.rng.choice(passive).word = draft.rng.choice(("has been", "have been", "is"))
    return True


_REPEATABLE = frozenset({"WO", "ID", "MW", "PR"})
_TREE_DAMAGE: dict[str, tuple[TreeDamage, ...]] = {
    "V2": (lost_reporting_verb, garbled_frame),
    "V1": (verb_first_attribution,),
    "XW": (double_attribution, resumptive_pronoun, doubled_subject),
    "V3": (verb_first,),
    "WO": (adverbial_before_object, adverbial_first, relative_clause_the_arabic_way, adverb_astray),
    "ID": (modifiers_after_noun, possessive_to_of, dropped_of),
    "MW": (dropped_relative, dropped_copula, dropped_function_word, dropped_subject),
    "PR": (wrong_preposition, wrong_preposition),
    "AG": (singular_after_number, verb_disagrees, wrong_gender),
    "AR": (surplus_article, lost_article),
    "TN": (false_passive,),
}


# --- LX, TR, NM, BR: the glossary read backwards -------------------------------------------------------------------


@cache
def _backwards(glossary_id: int) -> tuple[ahocorasick_rs.AhoCorasick, list[list[tuple[Row, str, tuple[str, ...]]]]]:
    glossary = _GLOSSARIES[glossary_id]
    forms: dict[str, list[tuple[Row, str, tuple[str, ...]]]] = {}
    for row in glossary.rows:
        if row.mode not in ("fix", "hint"):
            continue
        for right in row.right:
            for surface, tags in expand(right):
                if len(surface) > 2:
                    forms.setdefault(fold(surface), []).append((row, surface, tags))
    return ahocorasick_rs.AhoCorasick(list(forms)), list(forms.values())


_GLOSSARIES: dict[int, Glossary] = {}


def literal_senses(text: str, glossary: Glossary, rng: random.Random, most: int = 3) -> tuple[str, list[tuple[str, str]]]:
    """LX, TR, NM, BR: terms of ``text`` as the machine would have put them, and the hints that undo them."""
    _GLOSSARIES.setdefault(id(glossary), glossary)
    automaton, entries = _backwards(id(glossary))
    folded = fold(text)
    found = automaton.find_matches_as_indexes(folded, overlapping=True)
    spans = sorted((start, -end, index) for index, start, end in found if _whole_word(folded, start, end))
    hints: list[tuple[str, str]] = []
    pieces, cursor = [], 0
    for start, negative_end, index in spans:
        end = -negative_end
        if start < cursor or len(hints) == most or rng.random() < 0.15:
            continue
        row, _, tags = rng.choice(entries[index])
        literal = realise(rng.choice(row.wrong), tags)
        original = text[start:end]
        if "*" in literal or literal.lower() == original.lower():
            continue
        if original[:1].isupper() and row.case == "keep" and start == 0:
            literal = literal[:1].upper() + literal[1:]
        pieces.append(text[cursor:start] + literal)
        readings = [realise(right, tags) for right in row.right]
        hints.append((literal, " | ".join(readings if original in readings else [original, *readings[1:]])))
        cursor = end
    return "".join((*pieces, text[cursor:])), hints


def _whole_word(text: str, start: int, end: int) -> bool:
    return (start == 0 or not text[start - 1].isalnum()) and (end == len(text) or not text[end].isalnum())


# --- QT, GL: quotation marks and spaces ----------------------------------------------------------------------------


def misplace_quotes(text: str, rng: random.Random) -> str:
    """QT: marks attach to the wrong side: that "we go" -> that" we go; ." -> . " or ."""
    opening, closing = rng.choice((('"', '"'), ('"', '"'), ("”", "”"), ("“", "”"), ("“", '"')))
    parts = re.split('["“”]', text)
    if len(parts) < 2:
        return text
    pieces = [parts[0]]
    style = rng.random()
    for position, part in enumerate(parts[1:]):
        if position % 2 == 0:
            before = pieces.pop()
            if style < 0.5:
                pieces += [before.rstrip() + rng.choice(("", "", ",")) + opening + " ", part.lstrip()]
            elif style < 0.75:
                pieces += [before.rstrip() + " " + opening + " ", part.lstrip()]
            else:
                pieces += [before, opening + part]
        else:
            inside = pieces.pop()
            if style < 0.75 or rng.random() < 0.5:
                # Two pieces of one quotation: the mark clings to the word between them.
                follows = part.lstrip() if re.match(r" [a-z]", part) and rng.random() < 0.5 else part
                pieces += [inside.rstrip() + " " + closing, follows]
            else:
                pieces += [re.sub(r"([.,])$", r" \1", inside) + closing, part]
    return re.sub("  +", " ", "".join(pieces)).strip()


def curl_quotes(text: str) -> str:
    """Straight double quotation marks as curly ones, by turns opening and closing."""
    parts = text.split('"')
    marks = ["“" if position % 2 == 0 else "”" for position in range(len(parts) - 1)]
    return "".join(part + mark for part, mark in zip(parts, [*marks, ""], strict=True))


def misplace_spaces(text: str, rng: random.Random) -> str:
    """GL: a space before a comma, a full stop or around a hyphen, or none after it."""
    change = rng.choice((
        lambda: re.sub(r"(?<=\w)([,;])(?= )", r" \1", text),
        lambda: re.sub(r"\.$", " .", text),
        lambda: re.sub(r"(?<=\w), (?=\w)", ",", text, count=1),
        lambda: re.sub(r"(?<=[a-z])-(?=[a-z])", " - ", text),
    ))  # fmt: skip
    return change()


def invent_hint(text: str, rng: random.Random, nouns: Sequence[tuple[str, str]]) -> tuple[str, tuple[str, str]] | None:
    """Replaces one plain noun of ``text`` by an unrelated one out of ``nouns`` (singular, plural), and hints at it.

    Teaches a model to follow a term line that it has never seen, which is what a user's own glossary is.
    """
    words = [match for match in re.finditer(r"(?<=[ ])[a-z]{4,}(?=[ .,])", text)]
    rng.shuffle(words)
    for match in words[:8]:
        number = morphology.plain_noun(match.group())
        if number is None:
            continue
        literal = rng.choice(nouns)[number == "NNS"]
        return text[: match.start()] + literal + text[match.end() :], (literal, match.group())
    return None


def type_codes() -> tuple[str, ...]:
    """The codes that :class:`Rates` has a rate for."""
    return tuple(item.name for item in fields(Rates))
