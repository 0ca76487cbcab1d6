"""Noun groups the Arabic way: the construct state, adjectives after their noun, titles with an article, nouns for verbs.

Code ID. Each function takes the root of a sentence's tree, changes it and returns True, or returns False where the
sentence offers no place for it.
"""

from __future__ import annotations

import random

from retranslate import morphology
from retranslate.training.tree import Node, word


def _of(owner: Node) -> Node:
    """The word "of" with ``owner`` behind it."""
    preposition = word("of", "prep", "IN")
    preposition.insert_right(0, owner)
    return preposition


def _the() -> Node:
    return word("the", "det", "DT")


def modifiers_after_noun(root: Node, rng: random.Random) -> bool:
    """ID: "the parliamentary finance committee" -> "the committee finance parliamentary", "the committee the finance ..."."""
    candidates = []
    for noun in root.walk():
        if noun.tag not in ("NN", "NNS", "NNP", "NNPS") or noun.entity in (
            "PERSON",
            "GPE",
            "DATE",
            "MONEY",
            "PERCENT",
            "TIME",
        ):
            continue
        modifiers = [node for node in noun.left if node.dep in ("amod", "compound", "nmod")]
        safe = [m for m in modifiers if m.entity not in ("PERSON", "DATE", "CARDINAL", "ORDINAL") and not m.joined]
        if safe and len(safe) == len(modifiers) and len(safe) <= 3 and all(m.word.isalpha() for m in safe):
            if noun.tag[:3] == "NNP" and noun.entity not in ("ORG", ""):
                continue
            candidates.append((noun, safe))
    if not candidates:
        return False
    noun, modifiers = rng.choice(candidates)
    for modifier in modifiers:
        noun.insert_right(0, modifier)
        if modifier.place == 0 and not modifier.keeps_capital():
            modifier.word = modifier.word.lower()
    if [node.word.lower() for node in noun.children("det")[:1]] == ["the"] and rng.random() < 0.3:
        noun.insert_right(0, _the())
    return True


def possessive_to_of(root: Node, rng: random.Random) -> bool:
    """ID: "the army's commander" -> "the commander of the army", or "commander the army"."""
    candidates = [
        (noun, owner)
        for noun in root.walk()
        for owner in noun.left
        if owner.dep == "poss" and any(node.tag == "POS" for node in owner.right)
    ]
    if not candidates:
        return False
    noun, owner = rng.choice(candidates)
    for marker in [node for node in owner.right if node.tag == "POS"]:
        marker.detach()
    owner.detach()
    if rng.random() < 0.75:
        noun.insert_right(0, _of(owner))
        if not any(node.dep == "det" for node in noun.left):
            noun.insert_left(0, _the())
    else:
        noun.insert_right(0, owner)
    return True


_SIDES = {"northern": "north", "southern": "south", "eastern": "east", "western": "west", "central": "center"}


def compound_to_of(root: Node, rng: random.Random) -> bool:
    """ID: "oil exports" -> "the exports of the oil"; "the southern ports" -> "the ports of the south"."""
    candidates = [
        (noun, modifier)
        for noun in root.walk()
        for modifier in noun.left
        if noun.tag in ("NN", "NNS") and not modifier.joined and modifier.word.islower() and modifier.word.isalpha()
        and (
            (modifier.dep == "compound" and modifier.tag in ("NN", "NNS") and not modifier.entity)
            or (modifier.dep == "amod" and modifier.word in _SIDES)
        )
    ]  # fmt: skip
    if not candidates:
        return False
    noun, modifier = rng.choice(candidates)
    if modifier.word in _SIDES:
        modifier.word = _SIDES[modifier.word]
    elif modifier.tag == "NN" and rng.random() < 0.25:
        modifier.word = morphology.inflect(modifier.lemma, "NNS")
    if modifier.word in _SIDES.values() or rng.random() < 0.5:
        modifier.insert_left(0, _the())
    noun.insert_right(0, _of(modifier))
    if not noun.children("det", "poss", "nummod") and rng.random() < 0.7:
        noun.insert_left(0, _the())
    return True


_TITLES = frozenset(
    "minister president governor commander spokesman deputy mayor ambassador judge general director secretary".split()
)
_PORTFOLIOS = frozenset("Oil Finance Defense Interior Health Education Trade Justice Transport Foreign Defence".split())


def title_with_article(root: Node, rng: random.Random) -> bool:
    """ID: "Governor Salih" -> "the governor Salih"; "Oil Minister Adel" -> "the Minister of Oil Adel"."""
    for name in root.walk():
        titles = [node for node in name.left if node.dep == "compound" and node.word.lower() in _TITLES]
        if name.tag != "NNP" or not titles or name.children("det"):
            continue
        title = titles[0]
        spot = name.left.index(title)
        portfolios = [node for node in (*name.left[:spot], *title.left) if node.word in _PORTFOLIOS]
        if title.word == "Minister" and len(portfolios) == 1 and portfolios[0].word != "Foreign":
            title.insert_right(0, _of(portfolios[0]))
        elif spot == 0 and not title.left and rng.random() < 0.5:
            title.word = title.word.lower()
        name.insert_left(0, _the())
        return True
    return False


def verbal_noun(root: Node, rng: random.Random) -> bool:
    """ID: "to support the army" -> "for the supporting of the army", "for supporting the army"."""
    candidates = [
        (verb, mark, thing)
        for verb in root.walk()
        for mark in verb.left
        for thing in verb.right[:1]
        if verb.tag == "VB" and mark.tag == "TO" and thing.dep == "dobj" and verb.dep in ("xcomp", "advcl", "acl")
        and len(verb.left) == 1 and thing.tag in ("NN", "NNS", "NNP", "NNPS")
    ]  # fmt: skip
    if not candidates:
        return False
    verb, mark, thing = rng.choice(candidates)
    mark.word = rng.choice(("for", "to", "on", "in order"))
    verb.word = morphology.inflect(verb.lemma, "VBG")
    if mark.word == "in order":
        mark.word = "in order of"
    elif rng.random() < 0.5:
        verb.insert_left(1, _the())
        verb.insert_right(0, _of(thing))
    return True


def dropped_of(root: Node, rng: random.Random) -> bool:
    """ID: "the spokesman of the ministry" -> "the spokesman ministry"."""
    candidates = [
        node
        for node in root.walk()
        if node.word == "of" and node.parent is not None and node.parent.tag in ("NN", "NNS") and node.right
        and node.right[0].tag[:2] == "NN"
    ]  # fmt: skip
    if not candidates:
        return False
    rng.choice(candidates).kept = False
    return True
