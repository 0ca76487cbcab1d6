"""Fuzzing led by coverage, with Atheris (``pip install atheris``); no part of a test run.

python tests/fuzz/coverage_guided.py text -runs=10000
python tests/fuzz/coverage_guided.py glossary -runs=10000
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["retranslate"]):
    from retranslate import Corrector, Glossary
    from retranslate.edits import apply
    from retranslate.errors import InputError
    from retranslate.files import decoded
    from retranslate.glossary import COLUMNS
    from retranslate.glossary_check import check
    from retranslate.text import split, untouchables

HEADER = ("\t".join(COLUMNS) + "\n").encode()
SENTENCE = "He pointed Hadi that an element of Daash fled, the strings of the popular crowd."
SCRATCH = Path(tempfile.mkdtemp()) / "any.tsv"
corrector = Corrector.without_model()
corrector(SENTENCE)


def read_text(data: bytes) -> None:
    """A file: decoded, split, repaired by glossary and rules."""
    try:
        document = decoded("any.txt", data)
    except InputError:
        text = data.decode("utf-8", "surrogateescape")
    else:
        text = document.text
        assert document.encode(text) == data
    pieces = split(text)
    assert "".join(piece.text for piece in pieces) == text
    assert all(text[span.start : span.end] == span.text for span in (*pieces, *untouchables(text)))
    result = corrector(text)
    assert apply(text, result.edits) == result.text


def read_glossary(data: bytes) -> None:
    """A glossary with a good header: read, checked, matched."""
    SCRATCH.write_bytes(HEADER + data)
    try:
        check([SCRATCH])
        glossary = Glossary.load([SCRATCH], bundled=False)
    except InputError:
        return
    said = f"{SENTENCE} {' '.join(variant for row in glossary.rows for variant in row.wrong)}"
    assert all(said[match.start : match.end] == match.found for match in glossary.match(said))
    result = Corrector(glossary, None)(said)
    assert apply(said, result.edits) == result.text


if __name__ == "__main__":
    target = {"text": read_text, "glossary": read_glossary}[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
