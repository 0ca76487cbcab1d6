"""The conductor: the order of the steps and nothing else.

split -> glossary -> rules -> model -> guards -> glossary again -> edits. A sentence whose rewrite a guard refuses keeps what
glossary and rules made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from retranslate import acceptance, ambiguity, consistency, guards, rules, terms
from retranslate.drafts import Draft, drafted
from retranslate.edits import Result, apply
from retranslate.errors import InputError
from retranslate.glossary import Glossary
from retranslate.memory import give_back
from retranslate.prose import is_prose
from retranslate.rewriter import Request, Rewriter
from retranslate.text import PASSAGE, passages, split
from retranslate.version import __version__

MARGINS = {"strict": 5.0, "default": 3.0, "bold": 1.0}
"""How much better a rewrite has to read, in nats a sentence of the model's own score, by the name of the setting."""

_MUCH = 10_000
"""Characters of text after which memory is given back: that takes a few milliseconds."""


@dataclass(frozen=True)
class Settings:
    """How a Corrector works.

    ``guards`` are the names of the guards that are asked (see :data:`retranslate.guards.GUARDS`). ``margin`` is by how much
    an accepted text must beat the sentence as it was: the gain in the model's mean log-probability a token, times the words
    of the sentence; a third less or more by what glossary and rules have found in the sentence and its text
    (:mod:`retranslate.acceptance`). ``second_chance`` is the number of other rewrites that the model is asked for where one
    was refused and nothing of it could stand: none is faster. With ``skip_fluent`` the model is not asked about sentences
    that are clearly fluent, if it comes with a detector of such (:mod:`retranslate.fluency`). ``batch_size`` is the number
    of sentences decoded together: a matter of speed and memory, never of the outcome. ``window`` is the number of texts
    that :meth:`Corrector.stream` reads ahead to fill its batches.
    """

    guards: tuple[str, ...] = tuple(guards.GUARDS)
    margin: float = MARGINS["default"]
    second_chance: int = 4
    skip_fluent: bool = True
    batch_size: int = 16
    window: int = 32


class Corrector:
    """Repairs garbled English. Calls do not change it; one instance can serve many texts, and many threads.

    ``rewriter`` may be None: glossary and rules alone then do what they can. A pickle names the files of model and
    glossaries, which are read again where it is opened (InputError if they have changed), and holds neither weights nor
    rows; equal Correctors have equal pickles, those of other versions, weights or rows differ.
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

        ``model`` is a folder or hub id of a seq2seq checkpoint or of a model made by ``retranslate train``; ``device``
        says what computes it, as for :meth:`retranslate.rewriter.Rewriter.load`. Raises InputError when the model or a glossary cannot be used.
        """
        return cls(Glossary.load() if glossary is None else glossary, Rewriter.load(model, device), settings)

    @classmethod
    def without_model(cls, *, glossary: Glossary | None = None, settings: Settings = Settings()) -> Corrector:
        """A Corrector of glossary and rules alone; needs no torch."""
        return cls(Glossary.load() if glossary is None else glossary, None, settings)

    def with_settings(self, settings: Settings) -> Corrector:
        """One with the same glossary and model that works by ``settings``."""
        return Corrector(self.glossary, self.rewriter, settings)

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (__version__, self.glossary, self.rewriter, self.settings)

    @cached_property
    def signature(self) -> str:
        """What made a result: version, model, glossary and guards. The same signature gives the same output."""
        model = self.rewriter.signature if self.rewriter else "none"
        asked = "all" if self.settings.guards == tuple(guards.GUARDS) else "+".join(self.settings.guards) or "none"
        margin = f"|margin:{self.settings.margin:g}" if self.settings.margin else ""
        chances = f"|second_chance:{self.settings.second_chance}" if self.settings.second_chance else ""
        every = "" if self.settings.skip_fluent else "|every_sentence"
        return f"retranslate:{__version__}|model:{model}|glossary:{self.glossary.signature}|guards:{asked}{margin}{chances}{every}"

    def __call__(self, text: str) -> Result:
        """``text`` repaired."""
        return self.correct_many([text])[0]

    def correct_many(self, texts: Sequence[str], on_progress: Callable[[int, int], None] | None = None) -> list[Result]:
        """The texts repaired, in order; sentences are batched over all of them.

        A text of more than :data:`retranslate.text.PASSAGE` characters is repaired passage by passage, so that memory does
        not grow with it: names and terms agree within a passage. ``on_progress`` is called with the number of sentences
        that the model has done and has to do, or, of so long a text, with that of characters.
        """
        repaired = iter(self._correct([text for text in texts if len(text) <= PASSAGE], on_progress))
        return [
            next(repaired) if len(text) <= PASSAGE else Result.joined(list(self._passages(text, on_progress)))
            for text in texts
        ]

    def _passages(self, text: str, on_progress: Callable[[int, int], None] | None) -> Iterator[Result]:
        done = 0
        for passage in passages(text, PASSAGE):
            yield from self._correct([passage], None)
            done += len(passage)
            if on_progress is not None:
                on_progress(done, len(text))

    def prepared(self, text: str) -> list[Draft]:
        """The segments of ``text`` after glossary and rules, as they are when the model's turn comes."""
        document = [drafted(segment, self.glossary) for segment in split(text)]
        self._repair_terms(document)
        for draft in document:
            self._repair_frames(draft)
        is_garbled = acceptance.is_garbled(document)
        for draft in document:
            draft.in_garbled_text = is_garbled
        return document

    def _correct(self, texts: Sequence[str], on_progress: Callable[[int, int], None] | None) -> list[Result]:
        documents = [self.prepared(text) for text in texts]
        drafts = [draft for document in documents for draft in document]
        if self.rewriter is not None:
            self._rewrite(self.rewriter, drafts, on_progress)
            for document in documents:
                self._look_again(document)
        for document in documents:
            terms.settle(document, self.glossary, self.settings.guards)
            consistency.restore_names(document)
        if sum(map(len, texts)) > _MUCH:
            give_back()
        return [self._result(text, document) for text, document in zip(texts, documents, strict=True)]

    def stream(self, texts: Iterable[str]) -> Iterator[Result]:
        """The texts repaired one by one, reading ahead no more than ``settings.window`` of them."""
        iterator = iter(texts)
        while window := list(islice(iterator, self.settings.window)):
            yield from self.correct_many(window)

    def _repair_terms(self, document: Sequence[Draft]) -> None:
        """Applies the glossary: rows that are certain, and doubtful ones that the sentence or the document speaks for."""
        if self.rewriter is not None:
            ambiguity.weigh(document, self.rewriter, self.settings.batch_size)
        ambiguity.decide(document)
        for draft in document:
            draft.edit("glossary", [fix.edit() for fix in draft.fixes])

    def _repair_frames(self, draft: Draft) -> None:
        """Applies the rules, unless they break a term of the glossary."""
        if draft.segment.kind != "blank":
            edits = rules.repair(draft.text, draft.segment.kind)
            if edits and not terms.broken(draft, self.glossary, apply(draft.text, edits)):
                draft.edit("rule", edits)

    def _rewrite(
        self, rewriter: Rewriter, drafts: Sequence[Draft], on_progress: Callable[[int, int], None] | None
    ) -> None:
        """Lets the model rewrite the drafts that are prose; as much of it as guards and margin let pass is applied."""
        waiting: dict[Request, list[Draft]] = {}
        detector = rewriter.detector if self.settings.skip_fluent else None
        for draft in drafts:
            if not is_prose(draft.segment, draft.text):
                continue
            offered = terms.offered(draft)
            if detector is not None and not offered and detector.is_fluent(draft.text):
                continue
            request = Request(draft.text, offered)
            if rewriter.fits(request):
                draft.given = draft.text
                waiting.setdefault(request, []).append(draft)
            else:
                draft.refused_by = ("too long",)
        settings = self.settings
        rewrites = rewriter.rewrite(list(waiting), settings.batch_size, on_progress)
        for same, rewrite in zip(waiting.values(), rewrites, strict=True):
            for draft in same:
                acceptance.judge(draft, rewrite, self.glossary, settings.guards)
        if rewriter.reads_terms:
            acceptance.remind(rewriter, waiting, self.glossary, settings.guards, settings.batch_size)
        acceptance.accept_what_reads_better(rewriter, waiting, settings.margin, settings.batch_size)
        if settings.second_chance and (stuck := acceptance.stuck(waiting)):
            acceptance.second_chance(
                rewriter, stuck, settings.second_chance, self.glossary, settings.guards, settings.batch_size
            )
            acceptance.accept_what_reads_better(rewriter, stuck, settings.margin, settings.batch_size)

    def _look_again(self, document: Sequence[Draft]) -> None:
        """Asks the glossary about what the model has rewritten: in a sentence put in order more words show their sense."""
        rewritten = [draft for draft in document if draft.steps and draft.steps[-1].by == "model"]
        again = [drafted(replace(draft.segment, text=draft.text), self.glossary) for draft in rewritten]
        self._repair_terms(again)
        for draft, second in zip(rewritten, again, strict=True):
            draft.edit("glossary", [fix.edit() for fix in second.fixes])

    def _result(self, text: str, document: Sequence[Draft]) -> Result:
        edits = [edit.moved(draft.segment.start) for draft in document for edit in draft.edits]
        segments = tuple(draft.result() for draft in document if draft.segment.kind != "blank")
        return Result(text, "".join(draft.text for draft in document), tuple(edits), segments, self.signature)


def _made_again(version: str, glossary: Glossary, rewriter: Rewriter | None, settings: Settings) -> Corrector:
    """What a pickle stands for."""
    if version != __version__:
        raise InputError(f"this Corrector was pickled by retranslate {version}; with {__version__} make it anew.")
    return Corrector(glossary, rewriter, settings)
