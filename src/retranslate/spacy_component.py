"""A spaCy component: ``nlp.add_pipe("retranslate")``. Only who adds it needs spaCy; it is found by its entry point.

The tokens of a Doc stay those of the garbled text. Beside them the component sets two attributes of plain values, which
therefore survive ``Doc.to_bytes``, a DocBin and ``nlp.pipe`` with several processes:

- ``doc._.retranslated``: the repaired text, a string;
- ``doc._.retranslation``: the receipt, the dictionary that ``Result.to_dict`` gives (after a DocBin its lists are tuples).

To go on with the repaired text, give it to a second pipeline: ``tagger(doc._.retranslated)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch

from retranslate.corrector import MARGINS, Corrector, Settings
from retranslate.edits import Result
from retranslate.errors import InputError
from retranslate.glossary import Glossary

TEXT, RECEIPT = "retranslated", "retranslation"

for _name in (TEXT, RECEIPT):
    Doc.set_extension(_name, default=None, force=True)


class RepairDocs:
    """Repairs the text of Docs with ``corrector``; sentences are batched over many Docs in :meth:`pipe`."""

    def __init__(self, corrector: Corrector) -> None:
        self.corrector = corrector

    def __call__(self, doc: Doc) -> Doc:
        return _with(doc, self.corrector(doc.text))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int) -> Iterator[Doc]:
        """The Docs of ``stream`` in order, reading ahead no more of them than a Corrector does."""
        for docs in minibatch(stream, min(batch_size, self.corrector.settings.window)):
            for doc, result in zip(docs, self.corrector.correct_many([doc.text for doc in docs]), strict=True):
                yield _with(doc, result)


def _with(doc: Doc, result: Result) -> Doc:
    doc._.set(TEXT, result.text)
    doc._.set(RECEIPT, result.to_dict())
    return doc


@Language.factory(  # type: ignore[untyped-decorator]
    "retranslate",
    assigns=[f"doc._.{TEXT}", f"doc._.{RECEIPT}"],
    default_config={
        "model": None,
        "device": None,
        "with_model": True,
        "glossaries": [],
        "bundled_glossaries": True,
        "margin": "default",
        "second_chance": Settings.second_chance,
        "batch_size": Settings.batch_size,
    },
)
def make_component(
    nlp: Language,
    name: str,
    model: str | None,
    device: str | None,
    with_model: bool,
    glossaries: list[str],
    bundled_glossaries: bool,
    margin: str,
    second_chance: int,
    batch_size: int,
) -> RepairDocs:
    """The component, its model loaded; without ``with_model`` glossary and rules alone, and no torch.

    ``model`` and ``glossaries`` are paths, which is all that ``nlp.to_disk`` keeps of them; ``margin`` is "strict",
    "default" or "bold". Raises InputError when any of these cannot be used.
    """
    if margin not in MARGINS:
        raise InputError(f"margin {margin!r} is not one of {', '.join(MARGINS)}.")
    terms = Glossary.load(map(Path, glossaries), bundled=bundled_glossaries)
    settings = Settings(margin=MARGINS[margin], second_chance=second_chance, batch_size=batch_size)
    if not with_model:
        return RepairDocs(Corrector.without_model(glossary=terms, settings=settings))
    return RepairDocs(Corrector.from_pretrained(model, glossary=terms, device=device, settings=settings))
