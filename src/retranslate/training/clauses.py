"""Clauses the Arabic way: verb first, the reporting verb lost or doubled, adverbials and relatives out of their place.

Codes V1, V2, V3, WO and the double attribution of XW. Each function takes the root of a sentence's tree, changes it and
returns True, or returns False where the sentence offers no place for it.
"""

from __future__ import annotations

import random
import re

from retranslate.training.attribution import REPORTING
from retranslate.training.tree import Node, spell, word


def _reporting(root: Node) -> tuple[Node, Node] | None:
    """The main reporting verb and its subject, where the clause follows them."""
    verb = root
    subjects = [node for node in verb.left if node.dep == "nsubj"]
    if (
        not verb.kept
        or verb.lemma not in REPORTING
        or not subjects
        or not any(node.dep in ("ccomp", "dobj") for node in verb.right)
    ):
        return None
    return (verb, subjects[0]) if verb.tag in ("VBD", "VBZ") else None


_LITERAL_VERB = {
    "pointed": ("pointed", "pointed"),
    "said": ("said", "said", "mentioned"),
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


def verb_first_attribution(root: Node, rng: random.Random) -> bool:
    """V1: "The minister stressed that" -> "He stressed the minister that" or "Stressed the minister that"."""
    found = _reporting(root)
    if found is None or found[1].tag == "PRP":
        return False
    verb, subject = found
    options = _LITERAL_VERB.get(verb.word)
    if options:
        verb.word = rng.choice(options)
        for particle in [node for node in verb.right if node.dep == "prt"]:
            particle.kept = False
    dummy = "She" if _SHE.search(spell(subject)) else "He"
    lead = rng.choices((dummy, "", "And", "It"), (0.55, 0.3, 0.12, 0.03))[0]
    _lower_article(subject)
    verb.insert_right(0, subject)
    if lead:
        verb.insert_left(0, word(lead))
    _mark_clause(verb, rng)
    return True


def _lower_article(subject: Node) -> None:
    opening = next(subject.walk())
    if opening.place == 0 and not opening.keeps_capital():
        opening.word = opening.word[:1].lower() + opening.word[1:]


def _mark_clause(verb: Node, rng: random.Random) -> None:
    for clause in [node for node in verb.right if node.dep == "ccomp"]:
        marks = [node for node in clause.left if node.dep == "mark"]
        if not marks:
            clause.insert_left(0, word("that", "mark", "IN"))
        if rng.random() < 0.2:
            verb.insert_right(verb.right.index(clause), word(",", "punct", ","))


def lost_reporting_verb(root: Node, rng: random.Random) -> bool:
    """V2: "Karim said that" -> "He Karim that"; "The minister said that" -> "The minister, that"."""
    found = _reporting(root)
    if found is None or found[0].word not in ("said", "says"):
        return False
    verb, subject = found
    if verb.left and subject.tag == "PRP":
        return False
    verb.kept = False
    _mark_clause(verb, rng)
    if rng.random() < 0.6:
        _lower_article(subject)
        verb.insert_left(0, word("He"))
    return True


def lost_main_verb(root: Node, rng: random.Random) -> bool:
    """MV: "The ministry announced on Monday the arrest" -> "The ministry, on Monday, the arrest"."""
    verb = root
    subjects = [node for node in verb.left if node.dep == "nsubj" and node.tag[:2] == "NN"]
    if verb.word not in ("announced", "said", "reported", "confirmed") or not subjects or not verb.kept:
        return False
    if not any(node.dep in ("dobj", "ccomp") for node in verb.right) or any(
        node.dep in ("aux", "neg") for node in verb.left
    ):
        return False
    adjunct = next((node for node in verb.right if node.dep in ("npadvmod", "prep") and node.size() <= 3), None)
    if adjunct is not None:
        for node in (word(",", "punct", ","), adjunct, word(",", "punct", ",")):
            verb.insert_left(len(verb.left), node)
    verb.kept = False
    _mark_clause(verb, rng)
    return True


def garbled_frame(root: Node, rng: random.Random) -> bool:
    """V2, TR: "He added that" -> "The Osaf, that"; "He explained that" -> "And between that"."""
    found = _reporting(root)
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
    verb.word = rng.choice(frames[verb.word])
    _mark_clause(verb, rng)
    return True


def double_attribution(root: Node, rng: random.Random) -> bool:
    """XW: "The minister told" -> "The minister told said"; "said" -> "was said"."""
    found = _reporting(root)
    if found is None or found[0].word not in ("said", "told", "confirmed", "announced", "stressed"):
        return False
    verb = found[0]
    verb.word = {"said": "told said", "told": "told said"}.get(verb.word, f"was {verb.word}")
    return True


def verb_first(root: Node, rng: random.Random) -> bool:
    """V3: "The school opened its doors" -> "And opened the school its doors"; "had met" -> "Was ... has met"."""
    candidates = []
    for verb in root.walk():
        subjects = [node for node in verb.left if node.dep in ("nsubj", "nsubjpass")]
        if verb.tag not in ("VBD", "VBZ", "VBN", "VBG", "VB") or not subjects or verb.lemma == "be":
            continue
        if subjects[0].tag in ("PRP", "WDT", "WP", "EX") or verb.lemma in REPORTING or subjects[0].size() > 14:
            continue
        if verb is root or verb.dep in ("ccomp", "advcl", "conj"):
            candidates.append((verb, subjects[0]))
    if not candidates:
        return False
    verb, subject = rng.choice(candidates)
    had = [node for node in verb.left if node.word in ("had", "has", "have") and node.dep == "aux"]
    _lower_article(subject)
    if had and verb.left.index(had[0]) > verb.left.index(subject) and rng.random() < 0.7:
        verb.insert_left(verb.left.index(subject), word("was", "aux", "VBD"))
        had[0].word = rng.choice(("has", "had", had[0].word))
    else:
        verb.insert_right(1 if verb.right and verb.right[0].dep == "prt" else 0, subject)
        if verb is root and rng.random() < 0.35:
            verb.insert_left(0, word("And"))
    return True


def adverbial_before_object(root: Node, rng: random.Random) -> bool:
    """WO: "visited the port in the morning" -> "visited in the morning the port"."""
    candidates = []
    for verb in root.walk():
        objects = [node for node in verb.right if node.dep in ("dobj", "ccomp", "attr", "xcomp")]
        if verb.tag[:2] == "VB" and objects:
            spot = verb.right.index(objects[0])
            later = [node for node in verb.right[spot + 1 :] if node.dep in ("prep", "npadvmod", "advmod", "dative")]
            candidates += [(verb, spot, node) for node in later if node.size() <= 7]
    if not candidates:
        return False
    verb, spot, branch = rng.choice(candidates)
    verb.insert_right(spot, branch)
    return True


def adverbial_first(root: Node, rng: random.Random) -> bool:
    """WO: "The minister visited the port on Monday" -> "The minister on Monday visited the port"."""
    candidates = []
    for verb in root.walk():
        if verb.tag[:2] == "VB" and any(node.dep in ("nsubj", "nsubjpass") for node in verb.left):
            tails = [node for node in verb.right if node.dep in ("prep", "npadvmod", "advmod") and node.size() <= 6]
            candidates += [(verb, node) for node in tails]
    if not candidates:
        return False
    verb, branch = rng.choice(candidates)
    verb.insert_left(len(verb.left), branch)
    return True


def relative_clause_the_arabic_way(root: Node, rng: random.Random) -> bool:
    """WO, XW: "the plan, which the ministries approved" -> "the plan, which approved it the ministries".

    "in which the council meets" -> "which meets in it the council"; without pronoun: "the road which take the trucks".
    """
    for verb in list(root.walk()):
        subjects = [node for node in verb.left if node.dep in ("nsubj", "nsubjpass") and node.tag not in ("WDT", "WP")]
        if verb.dep != "relcl" or verb.parent is None or not subjects or verb.lemma == "be":
            continue
        subject = subjects[0]
        pronoun = "them" if verb.parent.tag in ("NNS", "NNPS") else "it"
        fronted = [
            node for node in verb.left if node.dep == "prep" and node.right and node.right[0].tag in ("WDT", "WP")
        ]
        if subject.tag != "PRP":
            _lower_article(subject)
            verb.insert_right(0, subject)
        if fronted:
            relative = fronted[0].right[0].detach()
            verb.insert_left(0, relative)
            fronted[0].insert_right(0, word(pronoun, "pobj", "PRP"))
            verb.insert_right(0, fronted[0])
        elif rng.random() < 0.6:
            verb.insert_right(0, word(pronoun, "dobj", "PRP"))
            if not any(node.tag in ("WDT", "WP") for node in verb.left):
                verb.insert_left(0, word("which" if rng.random() < 0.6 else "that", "dobj", "WDT"))
        return True
    return False


def adverb_astray(root: Node, rng: random.Random) -> bool:
    """WO: "The army quickly took the town" -> "The army took the town quickly"; "also said" -> "said also"."""
    for verb in list(root.walk()):
        adverbs = [
            node for node in verb.left if node.dep == "advmod" and node.tag == "RB" and not (node.left or node.right)
        ]
        movable = [node for node in adverbs if node.lemma not in ("not", "never", "only", "n't", "when", "why", "how")]
        if verb.tag[:2] == "VB" and movable and rng.random() < 0.7:
            last = max((place + 1 for place, node in enumerate(verb.right) if node.dep != "punct"), default=0)
            verb.insert_right(rng.choice((0, last)), movable[0])
            return True
    return False


def dropped_subject(root: Node, rng: random.Random) -> bool:
    """MW: "He stressed the need" -> "And stressed the need"."""
    subjects = [node for node in root.left if node.dep == "nsubj" and node.word == "He"]
    if not subjects or subjects[0] is not next(root.walk()) or subjects[0].joined or not root.kept:
        return False
    subjects[0].word = "And"
    return True
