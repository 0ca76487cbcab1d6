"""What the tests of all formats share: a corrector that edits at random, and what has to hold whatever it edits."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import cast

from retranslate.corrector import Corrector
from retranslate.edits import Edit, Result, SegmentResult, Status, apply, word_edits
from retranslate.formats import Kind, correct, repair
from retranslate.formats.kinds import layout_of
from retranslate.formats.pieces import Passage
from retranslate.text import split

# Words, and what is mark-up in one format or another.
REPLACEMENTS = (
    "", "Hadi", "the road", "fled in May", "2.", "- no", "#", "=== ===", "&", "amp;", "<b>", "</p>", "a > b", "]]>", "-->", "%s", "{name}",
    '"', "\\n", "\\", "`x", "*bold*", "_", "[a](b)", "(b)", "!", "|", "\n", "\n\n", "\u2028", "\x00", "\ud800", " ", "  padded ", "é", "\u202e",
    "~~", "> q", "1) x", "---", ":", "+", "//", "]", "<", "100%", "d", "{", "}", "'", "&lt;", "#x41;", "www.x.org",
)  # fmt: skip
_EDITABLE = re.compile(r"\S+(?:\s+\S+)?|\s+|.")


class Meddler:
    """A corrector that replaces, deletes and inserts at random, with no regard to what it does to the document."""

    signature = "meddler"

    def __init__(self, seed: int, rate: float = 0.3, replacements: Sequence[str] = REPLACEMENTS) -> None:
        self._random = random.Random(seed)
        self._rate = rate
        self._replacements = replacements

    def correct_many(self, texts: Sequence[str], on_progress: Callable[[int, int], None] | None = None) -> list[Result]:
        return [self._result(text) for text in texts]

    def _result(self, text: str) -> Result:
        edits: list[Edit] = []
        segments = []
        for segment in split(text):
            if segment.kind == "blank":
                continue
            inside = self._edits(segment.text)
            after = apply(segment.text, inside)
            status: Status = "changed" if after != segment.text else "unchanged"
            steps = tuple(repair._steps(segment.text, inside))
            found = SegmentResult(segment.start, segment.end, segment.kind, status, segment.text, after, steps=steps)
            segments.append(found)
            edits += [edit.moved(segment.start) for edit in inside]
        return Result(text, apply(text, edits), tuple(edits), tuple(segments), self.signature)

    def _edits(self, text: str) -> list[Edit]:
        edits = []
        for match in _EDITABLE.finditer(text):
            if self._random.random() >= self._rate:
                continue
            start, end = match.span() if self._random.random() < 0.8 else (match.start(), match.start())
            kind = self._random.choice(("glossary", "rule", "model"))
            replacement = self._random.choice(self._replacements)
            if replacement != text[start:end]:
                edits.append(Edit(start, end, text[start:end], replacement, kind, "meddled"))  # type: ignore[arg-type]
        return edits


class Scripted:
    """A corrector that rewrites the sentences it is told to, as the model would, and counts how often it is asked."""

    signature = "scripted"

    def __init__(self, rewrites: dict[str, str]) -> None:
        self._rewrites = rewrites
        self.calls: list[list[str]] = []

    def correct_many(self, texts: Sequence[str], on_progress: Callable[[int, int], None] | None = None) -> list[Result]:
        self.calls.append(list(texts))
        if on_progress:
            on_progress(len(texts), len(texts))
        return [self._result(text) for text in texts]

    def _result(self, text: str) -> Result:
        edits: list[Edit] = []
        segments = []
        for segment in split(text):
            after = self._rewrites.get(segment.text, segment.text)
            inside = word_edits(segment.text, after, "model", "rewritten")
            edits += [edit.moved(segment.start) for edit in inside]
            status: Status = "changed" if inside else "unchanged"
            if segment.kind != "blank":
                segments.append(SegmentResult(segment.start, segment.end, segment.kind, status, segment.text, after))
        return Result(text, apply(text, edits), tuple(edits), tuple(segments), self.signature)


def rewritten(kind: Kind, text: str, rewrites: dict[str, str]) -> Result:
    """``text`` with some of its sentences rewritten."""
    return correct(cast("Corrector", Scripted(rewrites)), text, kind)


def meddled(kind: Kind, text: str, seed: int, rate: float = 0.3) -> Result:
    """``text`` as the Meddler leaves it, once everything that must hold has been seen to hold."""
    result = correct(cast("Corrector", Meddler(seed, rate)), text, kind)
    assert result.original == text
    assert apply(text, result.edits) == result.text
    assert list(result.edits) == sorted(result.edits, key=lambda edit: (edit.start, edit.end))
    cursor = 0
    for segment in result.segments:
        assert cursor <= segment.start < segment.end
        assert segment.original == text[segment.start : segment.end]
        inside = [edit.moved(-segment.start) for edit in result.edits if segment.start <= edit.start < segment.end]
        assert apply(segment.original, [edit for edit in inside if edit.end <= len(segment.original)])
        cursor = segment.end
        replayed = segment.original
        for step in segment.steps:
            replayed = apply(replayed, step.edits)
            assert replayed == step.text
        assert replayed == segment.text
    assert skeleton(kind, result.text) == skeleton(kind, text)
    return result


def untouched(kind: Kind, text: str) -> None:
    """Asserts that a document with nothing to repair comes back as it was, and that its pieces tile its passages."""
    result = correct(cast("Corrector", Meddler(0, 0.0)), text, kind)
    assert (result.text, result.edits) == (text, ())
    passages(kind, text)


def passages(kind: Kind, text: str) -> list[Passage]:
    """The passages of ``text``; asserts that they are in order and that their pieces leave nothing out."""
    layout = layout_of(kind)(text)
    found = []
    reached = 0
    for start, end in layout.passages:
        assert reached <= start < end <= len(text)
        reached = end
        passage = Passage(text[start:end], layout.read(text[start:end]))
        cursor = 0
        for piece in passage.pieces:
            assert piece.start == cursor < piece.end
            assert piece.kind != "plain" or piece.text == passage.raw[piece.start : piece.end]
            cursor = piece.end
        assert cursor == len(passage.raw)
        found.append(passage)
    return found


def plain(kind: Kind, text: str) -> list[str]:
    """What the corrector sees of ``text``."""
    return [passage.plain for passage in passages(kind, text)]


def skeleton(kind: Kind, text: str) -> list[object]:
    """All of the document that is not words: what stands around its passages, and the mark-up within them."""
    spans = layout_of(kind)(text).passages
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    around = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return [*around, *(passage.markup for passage in passages(kind, text))]
