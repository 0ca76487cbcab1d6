"""The spaCy component: what it sets, what survives a pipeline on the disk and in several processes."""

from __future__ import annotations

import importlib
import json
import pickle
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from conftest import glossary_text
from retranslate.corrector import MARGINS, Corrector
from retranslate.errors import InputError
from retranslate.glossary import Glossary

spacy = pytest.importorskip("spacy")
component = importlib.import_module("retranslate.spacy_component")

TEXTS = [f"The Daash fled from town {n}.\nIt is over." for n in range(5)]


@pytest.fixture
def own_glossary(tmp_path: Path) -> Path:
    path = tmp_path / "own.tsv"
    path.write_text(glossary_text(("Daash", "Daesh", "fix")), "utf-8")
    return path


@pytest.fixture
def nlp(own_glossary: Path) -> Any:
    pipeline = spacy.blank("en")
    pipeline.add_pipe(
        "retranslate", config={"with_model": False, "bundled_glossaries": False, "glossaries": [str(own_glossary)]}
    )
    return pipeline


@pytest.fixture
def expected(own_glossary: Path) -> list[dict[str, Any]]:
    corrector = Corrector.without_model(glossary=Glossary.load([own_glossary], bundled=False))
    return [result.to_dict() for result in corrector.correct_many(TEXTS)]


def test_a_doc_keeps_its_text_and_gets_the_repair_and_its_receipt(nlp: Any, expected: list[dict[str, Any]]) -> None:
    doc = nlp(TEXTS[0])
    assert doc.text == TEXTS[0]
    assert doc._.retranslated == "The Daesh fled from town 0.\nIt is over."
    assert doc._.retranslation == expected[0]
    assert spacy.blank("en")(TEXTS[0])._.retranslated is None
    assert nlp("")._.retranslated == ""


@pytest.mark.parametrize("processes", [1, 2])
def test_pipe_gives_what_single_docs_get(nlp: Any, expected: list[dict[str, Any]], processes: int) -> None:
    docs = list(nlp.pipe(TEXTS, batch_size=2, n_process=processes))
    assert [doc._.retranslation for doc in docs] == expected
    assert [doc._.retranslated for doc in docs] == [receipt["text"] for receipt in expected]


def test_pipe_reads_no_further_ahead_than_a_corrector(nlp: Any) -> None:
    read: list[int] = []
    docs = (read.append(number) or nlp.make_doc("It is over.") for number in range(200))  # type: ignore[func-returns-value]
    repairing = nlp.get_pipe("retranslate")
    next(repairing.pipe(docs, batch_size=1000))
    assert len(read) == repairing.corrector.settings.window


def test_a_pipeline_comes_back_from_the_disk(nlp: Any, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "pipeline")
    assert spacy.load(tmp_path / "pipeline")(TEXTS[0])._.retranslation == nlp(TEXTS[0])._.retranslation
    assert sum(path.stat().st_size for path in (tmp_path / "pipeline").rglob("*") if path.is_file()) < 1_000_000


def test_repairs_are_kept_with_the_docs(nlp: Any) -> None:
    stored = spacy.tokens.DocBin(store_user_data=True)
    stored.add(nlp(TEXTS[0]))
    (doc,) = spacy.tokens.DocBin().from_bytes(stored.to_bytes()).get_docs(nlp.vocab)
    assert doc._.retranslated == nlp(TEXTS[0])._.retranslated
    # A DocBin gives lists back as tuples; JSON knows no difference.
    assert json.dumps(doc._.retranslation) == json.dumps(nlp(TEXTS[0])._.retranslation)


def test_the_component_goes_to_spawned_processes_as_paths(nlp: Any) -> None:
    data = pickle.dumps(nlp.get_pipe("retranslate"))
    assert len(data) < 2000
    assert pickle.loads(data)(nlp.make_doc(TEXTS[0]))._.retranslated == nlp(TEXTS[0])._.retranslated


def test_a_model_folder_a_margin_and_second_chances_are_taken(
    tiny_folders: dict[str, Path], own_glossary: Path
) -> None:
    nlp = spacy.blank("en")
    settings = {
        "model": str(tiny_folders["causal"]),
        "device": "cpu",
        "margin": "bold",
        "second_chance": 2,
        "glossaries": [str(own_glossary)],
    }
    nlp.add_pipe("retranslate", config=settings)
    signature = nlp(TEXTS[0])._.retranslation["signature"]
    assert "model:tiny:" in signature
    assert f"margin:{MARGINS['bold']:g}" in signature
    assert signature.endswith("|second_chance:2")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"margin": "brave", "with_model": False}, "'brave' is not one of strict, default, bold"),
        ({"glossaries": ["missing.tsv"], "with_model": False}, r"missing\.tsv: cannot read the glossary"),
        ({"model": "./nowhere"}, "nowhere: no such model folder"),
    ],
)
def test_what_cannot_be_used_is_told_when_it_is_added(config: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        spacy.blank("en").add_pipe("retranslate", config=config)


def test_the_entry_point_leads_to_the_factory() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    module, name = project["entry-points"]["spacy_factories"]["retranslate"].split(":")
    assert getattr(importlib.import_module(module), name) is component.make_component


ABSENT = """
import sys

class Absent:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] == "spacy":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from retranslate import Corrector
print(Corrector.without_model()("It is over.").text)
"""


def test_nothing_else_needs_spacy() -> None:
    done = subprocess.run([sys.executable, "-c", ABSENT], capture_output=True, text=True, timeout=600, check=True)
    assert done.stdout == "It is over.\n"
