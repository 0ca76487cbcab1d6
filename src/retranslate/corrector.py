"""The conductor: the order of the steps and nothing else.

split -> glossary -> rules -> model -> guards -> edits. A sentence whose rewrite a guard refuses keeps what glossary and
rules made of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

from retranslate import guards, judging, rules
from retranslate.edits import Edit, Result, SegmentResult, Status, apply, compose, word_edits
from retranslate.glossary import Glossary, Match
from retranslate.rewriter import CLOSE_CALL, Request, Rewrite, Rewriter
from retranslate.text import Segment, split, untouchables
from retranslate.version import __version__

_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
# Common in English and not words of the neighbouring languages.
_ENGLISH = frozenset(
    "the of and that to with for from by is was were are has have had not this which his their he they it its been will would said at".split()
)
# Those among them that are words of a neighbour too, and the commonest words of the neighbours.
_SHARED = frozenset("of to for by is was are has had he at will not it".split())
_FOREIGN = frozenset(
    """der die das und ist nicht mit ein eine einen den dem des im zu von für auf sich auch wie le la les et est dans une pour que qui du au
    sur pas ne il elle los las del y en es una por con se su lo bir ve bu için ile da ki het een van niet op zijn di che non è och det att
    som av os em um na não jest nie z się że""".split()
)
_CODE = re.compile(
    r"[{}\\|\t]|\(\)|==|=>|</|;$|^(?:def|class|if|for|while)\b.*:$|^(?:import|return|from)\b.*[\[(]|\w\[|\w\([\"']|\w\.\w+\(|\w_\w"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


MARGINS = {"strict": 0.16, "default": 0.08, "bold": 0.0}
"""How much better a rewrite has to read, in nats a token of the model's own score, by the name of the setting."""


@dataclass(frozen=True)
class Settings:
    """How a Corrector works.

    ``guards`` are the names of the guards that are asked (see :data:`retranslate.guards.GUARDS`). ``margin`` is by how much
    an accepted text must beat the sentence as it was in the model's mean log-probability a token. ``batch_size`` is the
    number of sentences decoded together: a matter of speed and memory, never of the outcome. ``window`` is the number of
    texts that :meth:`Corrector.stream` reads ahead to fill its batches.
    """

    guards: tuple[str, ...] = tuple(guards.GUARDS)
    margin: float = MARGINS["default"]
    batch_size: int = 16
    window: int = 32


@dataclass
class _Draft:
    """A segment on its way: ``edits`` on its own offsets lead to ``text``."""

    segment: Segment
    text: str
    edits: list[Edit] = field(default_factory=list)
    hints: list[Match] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    proposal: str | None = None
    candidate: str | None = None
    refused_by: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        if self.text != self.segment.text:
            return "changed"
        return "refused" if self.refused_by else "unchanged"


class Corrector:
    """Repairs garbled English. Calls do not change it; one instance can serve many texts.

    ``rewriter`` may be None: glossary and rules alone then do what they can.
    """

    def __init__(self, glossary: Glossary, rewriter: Rewriter | None, settings: Settings = Settings()) -> None:
        self.glossary = glossary
        self.rewriter = rewriter
        self.settings = settings

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path | None = None,
        *,
        glossary: Glossary | None = None,
        device: str | None = None,
        settings: Settings = Settings(),
    ) -> Corrector:
        """A Corrector with the bundled model and glossaries, or with those given.

        ``model`` is a folder or hub id of a seq2seq checkpoint or of a model made by ``retranslate train``; ``device`` a
        torch device name, by default the best there is. Raises InputError when the model or a glossary cannot be used.
        """
        return cls(Glossary.load() if glossary is None else glossary, Rewriter.load(model, device), settings)

    @classmethod
    def without_model(cls, *, glossary: Glossary | None = None, settings: Settings = Settings()) -> Corrector:
        """A Corrector of glossary and rules alone; needs no torch."""
        return cls(Glossary.load() if glossary is None else glossary, None, settings)

    @cached_property
    def signature(self) -> str:
        """What made a result: version, model, glossary and guards. The same signature gives the same output."""
        model = self.rewriter.signature if self.rewriter else "none"
        asked = "all" if self.settings.guards == tuple(guards.GUARDS) else "+".join(self.settings.guards) or "none"
        margin = f"|margin:{self.settings.margin:g}" if self.settings.margin else ""
        return f"retranslate:{__version__}|model:{model}|glossary:{self.glossary.signature}|guards:{asked}{margin}"

    def __call__(self, text: str) -> Result:
        """``text`` repaired."""
        return self.correct_many([text])[0]

    def correct_many(self, texts: Sequence[str], on_progress: Callable[[int, int], None] | None = None) -> list[Result]:
        """The texts repaired, in order; sentences are batched over all of them.

        ``on_progress`` is called with the number of sentences that the model has done and has to do.
        """
        drafts = [[self._prepared(segment) for segment in split(text)] for text in texts]
        self._rewrite([draft for document in drafts for draft in document], on_progress)
        return [self._result(text, document) for text, document in zip(texts, drafts, strict=True)]

    def stream(self, texts: Iterable[str]) -> Iterator[Result]:
        """The texts repaired one by one, reading ahead no more than ``settings.window`` of them."""
        iterator = iter(texts)
        while window := list(islice(iterator, self.settings.window)):
            yield from self.correct_many(window)

    def _prepared(self, segment: Segment) -> _Draft:
        """The segment after glossary and rules."""
        draft = _Draft(segment, segment.text)
        if segment.kind == "blank":
            return draft
        protected = [(span.start, span.end) for span in untouchables(segment.text)]
        for match in self.glossary.match(_valid(segment.text)):
            if any(match.start < end and start < match.end for start, end in protected):
                continue
            if match.row.mode == "keep":
                draft.kept.append(match.found)
                continue
            if match.row.mode == "forbid" or match.replacement is None:
                draft.flags.append(f"{match.found}: {match.row.note or 'flagged by the glossary'}")
            elif match.row.mode == "hint":
                draft.hints.append(match)
            elif match.replacement != match.found:
                reason = match.row.note or f"{' | '.join(match.row.wrong)} -> {' | '.join(match.row.right)}"
                draft.edits.append(Edit(match.start, match.end, match.found, match.replacement, "glossary", reason))
        draft.text = apply(segment.text, draft.edits)
        repairs = rules.repair(draft.text, segment.kind)
        if repairs and not self._breaks_glossary(draft, apply(draft.text, repairs)):
            _edit(draft, repairs)
        return draft

    def _breaks_glossary(self, draft: _Draft, text: str) -> tuple[str, ...]:
        """``keep`` where ``text`` has lost a term that is never touched, ``forbid`` where it has gained one that must not be."""
        broken = []
        if any(text.count(term) < draft.text.count(term) for term in draft.kept):
            broken.append("keep")
        if len(self.glossary.forbidden(_valid(text))) > len(self.glossary.forbidden(_valid(draft.text))):
            broken.append("forbid")
        return tuple(broken)

    def _rewrite(self, drafts: Sequence[_Draft], on_progress: Callable[[int, int], None] | None) -> None:
        """Lets the model rewrite the drafts that are prose, and the guards judge what it wrote."""
        if self.rewriter is None:
            return
        waiting: dict[Request, list[_Draft]] = {}
        for draft in drafts:
            if not is_prose(draft.segment, draft.text):
                continue
            request = Request(draft.text, tuple((hint.found, " | ".join(hint.alternatives)) for hint in draft.hints))
            if self.rewriter.fits(request):
                waiting.setdefault(request, []).append(draft)
            else:
                draft.refused_by = ("too long",)
        rewrites = self.rewriter.rewrite(list(waiting), self.settings.batch_size, on_progress)
        for same, rewrite in zip(waiting.values(), rewrites, strict=True):
            for draft in same:
                self._judge(draft, rewrite)
        self._accept_what_reads_better(self.rewriter, waiting)

    def _judge(self, draft: _Draft, rewrite: Rewrite) -> None:
        """Leaves in ``draft.candidate`` as much of the rewrite as the guards let pass."""
        if rewrite.text == draft.text:
            return
        draft.proposal = rewrite.text
        if not rewrite.complete:
            draft.refused_by = ("truncated",)
            return
        terms = guards.Terms.of([(hint.found, " ".join(hint.alternatives)) for hint in draft.hints])
        verdict = judging.judge(draft.text, rewrite.text, terms, self.settings.guards)
        broken = self._breaks_glossary(draft, verdict.text)
        draft.refused_by = (*verdict.refused_by, *broken)
        draft.candidate = verdict.text if verdict.text != draft.text and not broken else None

    def _accept_what_reads_better(self, rewriter: Rewriter, waiting: Mapping[Request, Sequence[_Draft]]) -> None:
        """Applies the candidates that beat the sentence as it was by the margin, in the model's own eyes."""
        judged = [
            (request, draft) for request, same in waiting.items() for draft in same if draft.candidate is not None
        ]
        if not judged:
            return
        size = self.settings.batch_size
        before = rewriter.score([(request, draft.text) for request, draft in judged], size)
        after = rewriter.score([(request, draft.candidate or "") for request, draft in judged], size)
        for (request, draft), score_before, score_after in zip(judged, before, after, strict=True):
            gain = score_after - score_before
            if abs(gain - self.settings.margin) < CLOSE_CALL:
                # Too close to leave it to what else was in the batch.
                (alone_before,) = rewriter.score([(request, draft.text)], 1)
                (alone_after,) = rewriter.score([(request, draft.candidate or "")], 1)
                gain = alone_after - alone_before
            if gain < self.settings.margin:
                draft.refused_by = (*draft.refused_by, "margin")
            else:
                _edit(draft, word_edits(draft.text, draft.candidate or "", "model", "rewritten by the model"))

    def _result(self, text: str, drafts: Sequence[_Draft]) -> Result:
        edits = [edit.moved(draft.segment.start) for draft in drafts for edit in draft.edits]
        segments = tuple(
            SegmentResult(
                draft.segment.start, draft.segment.end, draft.segment.kind, draft.status, draft.segment.text, draft.text,
                draft.refused_by, draft.proposal, tuple(draft.flags),
            )
            for draft in drafts
            if draft.segment.kind != "blank"
        )  # fmt: skip
        return Result(text, "".join(draft.text for draft in drafts), tuple(edits), segments, self.signature)


def _valid(text: str) -> str:
    """``text`` with lone surrogates, which no encoder takes, replaced one for one."""
    return _SURROGATE.sub("\ufffd", text)


def _edit(draft: _Draft, edits: Sequence[Edit]) -> None:
    """Applies ``edits``, which are on the draft's text, and keeps the receipt on the segment's offsets."""
    text = apply(draft.text, edits)
    draft.edits = compose(draft.segment.text, draft.edits, edits)
    draft.text = text


def is_prose(segment: Segment, text: str) -> bool:
    """Whether a segment is English prose that the model may be asked about.

    Not so: anything but sentences and headings, fewer than three words, mostly other scripts, other languages, capitals
    only, code, rows of a table, and text that is not valid Unicode.
    """
    if segment.kind not in ("sentence", "heading"):
        return False
    words = text.split()
    letters = _LETTER.findall(text)
    if len(words) < 3 or not letters or len(letters) < 0.5 * len(text.replace(" ", "")):
        return False
    if len(_LATIN.findall(text)) < 0.9 * len(letters) or not any(character.islower() for character in text):
        return False
    if _CODE.search(text) or _SURROGATE.search(text):
        return False
    return _is_english([word.strip(".,;:!?\"'“”’()").lower() for word in words])


def _is_english(words: Sequence[str]) -> bool:
    english = [word for word in words if word in _ENGLISH]
    if not english or (len(words) > 12 and len(english) < len(words) / 16):
        return False
    foreign = sum(word in _FOREIGN for word in words)
    # "Was will der Minister?" has two English words.
    return foreign == 0 or (foreign <= len(english) and not _SHARED.issuperset(english))
