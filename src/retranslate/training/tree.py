"""A sentence as a dependency tree whose branches can be moved, dropped and spelt out again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_CLOSING = frozenset({",", ".", ";", ":", "!", "?", ")", "]", "%", "'s", "’s", "'", "’", "n't", "n’t", "...", "…"})
_SURPLUS_COMMA = re.compile(r",(?:\s*,)*\s*([,.;:!?])")
_CONTRACTIONS = frozenset({"'re", "'ve", "'ll", "'d", "'m", "’re", "’ve", "’ll", "’d", "’m"})


@dataclass(eq=False)
class Node:
    """A word with its dependents to the left and to the right, in order.

    ``tag`` is a Penn tag and ``dep`` a dependency label of spaCy's English models; ``place`` is the word's position in
    the sentence as it was (-1 for a new word), ``joined`` says that no space stood between it and the next one.
    """

    word: str
    lemma: str
    tag: str
    dep: str
    entity: str
    joined: bool
    place: int = -1
    left: list[Node] = field(default_factory=list)
    right: list[Node] = field(default_factory=list)
    parent: Node | None = None
    kept: bool = True

    def walk(self) -> Iterator[Node]:
        """The words of this branch from left to right."""
        for child in self.left:
            yield from child.walk()
        if self.kept:
            yield self
        for child in self.right:
            yield from child.walk()

    def children(self, *deps: str) -> list[Node]:
        """The dependents with one of the labels ``deps``, left to right."""
        return [child for child in (*self.left, *self.right) if child.dep in deps]

    def size(self) -> int:
        """The number of words in this branch."""
        return sum(1 for _ in self.walk())

    def detach(self) -> Node:
        """Takes this branch out of its parent."""
        if self.parent is not None:
            side = self.parent.left if self in self.parent.left else self.parent.right
            side.remove(self)
            self.parent = None
        return self

    def insert_left(self, index: int, branch: Node) -> None:
        """Puts ``branch`` at ``index`` among the left dependents."""
        branch.detach()
        branch.parent = self
        self.left.insert(index, branch)

    def insert_right(self, index: int, branch: Node) -> None:
        """Puts ``branch`` at ``index`` among the right dependents."""
        branch.detach()
        branch.parent = self
        self.right.insert(index, branch)

    def in_name(self) -> bool:
        """Whether the word belongs to a proper name, a number or a date."""
        return self.tag in ("NNP", "NNPS", "CD") or self.entity not in ("", "NORP", "ORDINAL")

    def keeps_capital(self) -> bool:
        """Whether the word has a capital letter wherever it stands: names, nationalities, I."""
        return self.in_name() or self.entity == "NORP" or self.word == "I"


def word(text: str, dep: str = "dep", tag: str = "XX") -> Node:
    """A new word that stands in no sentence yet."""
    return Node(text, text.lower(), tag, dep, "", False)


def from_doc(doc: Doc) -> Node | None:
    """The tree of a parsed one-sentence document.

    None when it has several roots or crossing branches, or when :func:`spell` would not give its very text back.
    """
    roots = [token for token in doc if token.head == token]
    if len(roots) != 1:
        return None
    root = _node(roots[0], None)
    return root if spell(root) == doc.text else None


def _node(token: Token, parent: Node | None) -> Node:
    joined = not token.whitespace_
    node = Node(token.text, token.lemma_, token.tag_, token.dep_, token.ent_type_, joined, token.i, parent=parent)
    node.left = [_node(child, node) for child in token.lefts]
    node.right = [_node(child, node) for child in token.rights]
    return node


def spell(root: Node) -> str:
    """The sentence as text. Words that stood together without a space stay so where they are still neighbours."""
    pieces: list[str] = []
    nodes = list(root.walk())
    open_quote = False
    for position, node in enumerate(nodes):
        following = nodes[position + 1] if position + 1 < len(nodes) else None
        pieces.append(node.word)
        if node.word in ('"', "“", "”"):
            open_quote = node.word == "“" or (node.word == '"' and not open_quote)
        if following is not None and not _glued(node, following, open_quote):
            pieces.append(" ")
    return _SURPLUS_COMMA.sub(r"\1", "".join(pieces)).lstrip(",;: ")


def _glued(node: Node, following: Node, open_quote: bool) -> bool:
    if node.place >= 0 and following.place == node.place + 1:
        return node.joined
    if following.word in _CLOSING or following.word in _CONTRACTIONS or following.tag == "POS":
        return True
    if node.word in ("(", "[", "$", "£", "€", "“", "#", "US$", "A$"):
        return True
    if node.word == '"':
        return open_quote
    if following.word in ('"', "”"):
        return following.word == "”" or open_quote
    return False
