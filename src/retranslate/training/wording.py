"""Small words the Arabic way: words missing or surplus, wrong endings.

Codes MW, XW, AR, PR, AG and TN. Each function takes the root of a sentence's tree, changes it and returns True, or
returns False where the sentence offers no place for it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from retranslate import morphology
from retranslate.lexicon import DAYS, MONTHS
from retranslate.training.tree import Node, word

# --- MW, XW: missing and extra words -------------------------------------------------------------------------------


def dropped_relative(root: Node, rng: random.Random) -> bool:
    """MW: "traders who sell it" -> "traders sell it"."""
    return _drop(
        root, rng, lambda node: node.tag in ("WDT", "WP") and node.parent is not None and node.parent.dep == "relcl"
    )


def dropped_copula(root: Node, rng: random.Random) -> bool:
    """MW: "the road is open" -> "the road open"; "was killed" -> "killed"."""
    return _drop(
        root, rng, lambda node: node.lemma == "be" and node.tag in ("VBZ", "VBP", "VBD", "VB") and node.word != "'s"
    )


def dropped_function_word(root: Node, rng: random.Random) -> bool:
    """MW: "that", "to", a pronoun subject or an auxiliary goes missing."""

    def droppable(node: Node) -> bool:
        pronoun = node.tag == "PRP" and node.dep == "nsubj" and node.parent is not None and node.parent.dep != "ROOT"
        auxiliary = node.dep == "aux" and node.lemma in ("have", "do") and not _negated(node.parent)
        return (node.dep == "mark" and node.word == "that") or node.tag == "TO" or pronoun or auxiliary

    return _drop(root, rng, droppable)


def _negated(node: Node | None) -> bool:
    return node is not None and bool(node.children("neg"))


def _drop(root: Node, rng: random.Random, wanted: Callable[[Node], bool]) -> bool:
    candidates = [node for node in root.walk() if wanted(node) and not node.joined]
    if not candidates:
        return False
    rng.choice(candidates).kept = False
    return True


def resumptive_pronoun(root: Node, rng: random.Random) -> bool:
    """XW: "the town that he visited" -> "the town that he visited it"; "the men who left" -> "the men who they left"."""
    for verb in root.walk():
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


def doubled_subject(root: Node, rng: random.Random) -> bool:
    """XW: "The ministry sent" -> "The ministry it sent"."""
    subjects = [node for node in root.left if node.dep == "nsubj" and node.tag[:2] == "NN"]
    if not subjects or subjects[0].entity == "PERSON":
        return False
    pronoun = "they" if subjects[0].tag in ("NNS", "NNPS") else rng.choice(("it", "she", "he"))
    root.insert_left(root.left.index(subjects[0]) + 1, word(pronoun, "nsubj", "PRP"))
    return True


_DAYS, _MONTHS = (frozenset(map(str.capitalize, names)) for names in (DAYS, MONTHS))
_SPANS = frozenset("week month year".split())


def spelt_out_date(root: Node, rng: random.Random) -> bool:
    """XW: "in July" -> "in the month of July"; "on Friday" -> "on the day Friday"; "next week" -> "the week the next"."""
    for node in root.walk():
        bare = not node.left and not any(child.tag == "CD" for child in node.right)
        if bare and node.word in _MONTHS and node.dep == "pobj":
            node.word = rng.choice(("the month of", "month", "the month")) + f" {node.word}"
            return True
        if bare and node.word in _DAYS and node.dep in ("pobj", "npadvmod"):
            node.word = rng.choice(("the day of", "day", "the day")) + f" {node.word}"
            return True
        order = [child for child in node.left if child.word in ("next", "last")]
        if (node.word in _SPANS or node.word in _DAYS) and len(order) == len(node.left) == 1 and order[0].place > 0:
            order[0].word = rng.choice(("the ", "")) + rng.choice(
                {"next": ("next",), "last": ("past", "last")}[order[0].word]
            )
            node.insert_right(0, order[0])
            if rng.random() < 0.6:
                node.insert_left(0, word("the", "det", "DT"))
            return True
    return False


_MANNERS = {
    "significantly": "significant", "quickly": "quick", "greatly": "great", "clearly": "clear", "directly": "direct",
    "officially": "official", "completely": "complete", "publicly": "public", "seriously": "serious", "rapidly": "rapid",
    "continuously": "continuous", "immediately": "immediate", "largely": "large", "sharply": "sharp", "fully": "full",
    "illegally": "illegal", "peacefully": "peaceful", "gradually": "gradual", "randomly": "random", "mainly": "main",
    "effectively": "effective", "strongly": "strong", "openly": "open", "safely": "safe", "freely": "free",
    "dramatically": "dramatic", "heavily": "heavy", "regularly": "regular", "temporarily": "temporary",
    "permanently": "permanent", "legally": "legal", "successfully": "successful", "slowly": "slow", "widely": "wide",
}  # fmt: skip


def manner_phrase(root: Node, rng: random.Random) -> bool:
    """XW: "rose significantly" -> "rose in significant form"; "quickly" -> "in a quick manner", "in quick"."""
    for node in root.walk():
        verb = node.parent
        if node.dep != "advmod" or node.word not in _MANNERS or node.left or node.right:
            continue
        if verb is None or verb.tag[:2] != "VB":
            continue
        adjective = _MANNERS[node.word]
        article = morphology.indefinite_article(adjective)
        node.word = rng.choice((f"in {article} {adjective} manner", f"in {adjective} form", f"{article} {adjective}"))
        last = max((place + 1 for place, kid in enumerate(verb.right) if kid.dep != "punct"), default=0)
        verb.insert_right(rng.choice((0, last)), node)
        return True
    return False


# --- AR, PR, AG, TN: small words and endings -----------------------------------------------------------------------


def surplus_article(root: Node, rng: random.Random) -> bool:
    """AR: "fight terrorism" -> "fight the terrorism"."""
    candidates = [
        noun
        for noun in root.walk()
        if noun.tag in ("NN", "NNS") and noun.dep in ("dobj", "pobj", "nsubj", "conj") and not noun.entity and noun.word.isalpha()
        and not any(node.dep in ("det", "poss", "nummod", "predet", "neg", "compound", "quantmod") for node in noun.left)
        and not noun.word.isupper() and noun.lemma not in ("percent", "today", "yesterday", "tomorrow")
    ]  # fmt: skip
    if not candidates:
        return False
    noun = rng.choice(candidates)
    opening = next(noun.walk())
    if opening.word[:1].isupper() and opening.in_name():
        return False
    noun.insert_left(0, word("the", "det", "DT"))
    return True


def article_everywhere(root: Node, rng: random.Random) -> bool:
    """AR: "peace and security for farmers" -> "the peace and the security for the farmers"."""
    done = [surplus_article(root, rng) for _ in range(rng.randint(2, 4))]
    return any(done)


def lost_article(root: Node, rng: random.Random) -> bool:
    """AR: "the governor" -> "governor"; "a statement" -> "statement"."""
    return _drop(root, rng, lambda node: node.dep == "det" and node.word in ("the", "a", "an"))


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


def wrong_preposition(root: Node, rng: random.Random) -> bool:
    """PR: "insisted on" -> "insisted to". Prepositions before dates and places keep theirs more often than not."""
    candidates = [
        node
        for node in root.walk()
        if node.dep in ("prep", "agent", "dative") and node.word in _PREPOSITIONS
        and (rng.random() < 0.4 or not any(child.entity in ("DATE", "TIME", "GPE", "CARDINAL") for child in node.right))
    ]  # fmt: skip
    if not candidates:
        return False
    node = rng.choice(candidates)
    node.word = rng.choice(_PREPOSITIONS[node.word])
    return True


def singular_after_number(root: Node, rng: random.Random) -> bool:
    """AG: "12 files" -> "12 file"."""
    counted = [node for node in root.walk() if node.tag == "NNS" and node.children("nummod") and node.word.islower()]
    changeable = [
        node for node in counted if node.word != "people" and morphology.inflect(node.lemma, "NN") != node.word
    ]
    if not changeable:
        return False
    noun = rng.choice(changeable)
    noun.word = morphology.inflect(noun.lemma, "NN")
    return True


_DISAGREEING = {"is": "are", "are": "is", "was": "were", "were": "was", "has": "have", "have": "has", "does": "do"}


def verb_disagrees(root: Node, rng: random.Random) -> bool:
    """AG: "they were" -> "they was"; "the minister meets" -> "the minister meet"."""
    finite = [
        node for node in root.walk() if node.tag in ("VBZ", "VBP", "VBD") and node.word.isalpha() and not node.joined
    ]
    changeable = [node for node in finite if node.word in _DISAGREEING or (node.tag == "VBZ" and node.lemma != "be")]
    if not changeable:
        return False
    node = rng.choice(changeable)
    node.word = _DISAGREEING.get(node.word) or morphology.inflect(node.lemma, "VBP")
    return True


def wrong_gender(root: Node, rng: random.Random) -> bool:
    """AG: "The ministry said it" -> "The ministry said she"; "its" -> "her"."""
    swaps = {"it": ("she", "he"), "its": ("her", "his")}
    candidates = [node for node in root.walk() if node.word in swaps and node.dep in ("nsubj", "nsubjpass", "poss")]
    if not candidates:
        return False
    node = rng.choice(candidates)
    node.word = rng.choice(swaps[node.word])
    return True


def wrong_relative(root: Node, rng: random.Random) -> bool:
    """AG: "the man who left" -> "the man which left"; "the town which" -> "the town who"."""
    swaps = {"who": ("which", "that"), "which": ("who", "that"), "that": ("which", "who"), "whose": ("which its",)}
    candidates = [
        node for node in root.walk() if node.tag in ("WDT", "WP", "WP$") and node.word in swaps and not node.joined
    ]
    if not candidates:
        return False
    node = rng.choice(candidates)
    node.word = rng.choice(swaps[node.word])
    return True


def false_passive(root: Node, rng: random.Random) -> bool:
    """TN: "the council decided" -> "the council was decided"; "was held" -> "has been held"."""
    verbs = [
        node
        for node in root.walk()
        if node.tag == "VBD" and node.lemma not in ("be", "have", "do") and not node.children("aux")
    ]
    if verbs and rng.random() < 0.6:
        verb = rng.choice(verbs)
        verb.word = f"{rng.choice(('was', 'has', 'had'))} {morphology.inflect(verb.lemma, 'VBN')}"
        return True
    passive = [node for node in root.walk() if node.dep == "auxpass" and node.word in ("was", "were")]
    if not passive:
        return False
    rng.choice(passive).word = rng.choice(("has been", "have been", "is"))
    return True
