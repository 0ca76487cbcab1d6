"""Fixtures that more than one test file uses."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

# Before torch is imported: the tests run beside other work, and threads change no result.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
import torch
from hypothesis import HealthCheck, settings

import tiny_models
from retranslate.glossary import COLUMNS, Glossary
from retranslate.rewriter import Request, Rewriter

torch.set_num_threads(1)
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", settings.get_profile("default"), max_examples=10_000)
settings.load_profile("default")

MARKER = {"name": "tiny", "max_tokens": 150}
SENTENCES = [*tiny_models.sentences(12), "Short.", "", "Ünïcode – “quotes” and 12,5 %"]
REQUESTS = [Request(text) for text in SENTENCES] + [Request(SENTENCES[0], (("strings", "leads"),))]


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder with a tiny random model for each family."""
    root = tmp_path_factory.mktemp("models")
    return {
        "causal": tiny_models.save_causal(root / "causal", marker=MARKER),
        "t5": tiny_models.save_t5(root / "t5"),
        "bart": tiny_models.save_bart(root / "bart"),
        "marian": tiny_models.save_marian(root / "marian"),
    }


@pytest.fixture(scope="session")
def gguf_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model of the kind that ``retranslate train`` makes, its weights in a GGUF file."""
    return tiny_models.save_gguf(tmp_path_factory.mktemp("gguf") / "model", marker=MARKER)


@pytest.fixture(scope="session")
def tiny_rewriters(tiny_folders: dict[str, Path]) -> dict[str, Rewriter]:
    """The tiny models, loaded."""
    return {name: Rewriter.load(folder, "cpu") for name, folder in tiny_folders.items()}


@pytest.fixture(scope="session")
def tiny_rewriter(tiny_rewriters: dict[str, Rewriter]) -> Rewriter:
    """The tiny model of the kind that ``retranslate train`` makes."""
    return tiny_rewriters["causal"]


GlossaryMaker = Callable[..., Glossary]


@pytest.fixture
def make_glossary(tmp_path: Path) -> GlossaryMaker:
    """Makes a Glossary without the bundled rows: ``make_glossary(("Daash", "Daesh", "fix"), ...)``; further cells may follow."""

    def make(*rows: tuple[str, ...]) -> Glossary:
        path = tmp_path / "own.tsv"
        path.write_text(glossary_text(*rows), "utf-8")
        return Glossary.load([path], bundled=False)

    return make


def glossary_text(*rows: tuple[str, ...]) -> str:
    """A glossary file with ``rows`` of wrong, right, mode and, where they matter, near, not_near, case and note."""
    lines = ["\t".join(COLUMNS)]
    for row in rows:
        wrong, right, mode, near, not_near, case, note = (*row, *[""] * (7 - len(row)))
        lines.append("\t".join((wrong, right, mode, near, not_near, case or "keep", note)))
    return "\n".join(lines) + "\n"
