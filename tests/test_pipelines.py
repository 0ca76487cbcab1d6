"""The README's "In other pipelines", run as it stands there, and the hooks for pre-commit."""

from __future__ import annotations

import importlib
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import GlossaryMaker
from retranslate import cli
from retranslate.corrector import Corrector

ROOT = Path(__file__).parents[1]
SECTION = (ROOT / "README.md").read_text("utf-8").split("\n## In other pipelines\n")[1].split("\n## ")[0]
REPAIRED = "The fighters of Daesh fled."


def example(name: str) -> str:
    """The Python of the part of the section that is called so."""
    found = re.search(rf"### {re.escape(name)}\n.*?```python\n(.*?)```", SECTION, re.DOTALL)
    assert found is not None
    return found.group(1)


def run_example(name: str, make_glossary: GlossaryMaker, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Runs an example with a small glossary in the place of the model; returns its names."""
    corrector = Corrector.without_model(
        glossary=make_glossary(("Daash", "Daesh", "fix"), ("element*", "fighter*", "fix"))
    )
    monkeypatch.setattr(Corrector, "from_pretrained", lambda *_, **__: corrector)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example(name), f"README, {name}", "exec"), names)
    return names


def test_pandas(make_glossary: GlossaryMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = pytest.importorskip("pandas")
    news = run_example("pandas", make_glossary, monkeypatch)["news"]
    assert news["repaired"].tolist()[::2] == [REPAIRED, "It is over."]
    assert pandas.isna(news["repaired"][1])
    assert news["edits"][[0, 2]].tolist() == [2, 0]


def test_polars(make_glossary: GlossaryMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("polars")
    news = run_example("Polars", make_glossary, monkeypatch)["news"]
    assert news["repaired"].to_list() == [REPAIRED, None, "It is over."]


def test_datasets(make_glossary: GlossaryMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasets")
    news = run_example("Hugging Face datasets", make_glossary, monkeypatch)["news"]
    assert list(news["repaired"]) == [REPAIRED, "It is over."]


def test_spacy(make_glossary: GlossaryMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("spacy")
    # Where the package is not installed there is no entry point to be found by.
    importlib.import_module("retranslate.spacy_component")
    make_glossary()
    (tmp_path / "own.tsv").rename(tmp_path / "mine.tsv")
    monkeypatch.chdir(tmp_path)
    doc = run_example("spaCy", make_glossary, monkeypatch)["doc"]
    assert doc._.retranslated == REPAIRED
    assert len(doc._.retranslation["edits"]) == 2


# --- pre-commit ------------------------------------------------------------------------------------------------------

HOOKS = re.findall(
    r"^- id: (\S+)\n(.*?)(?=^- id|\Z)", (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"), re.M | re.S
)
TWICE = "wrong\tright\tmode\tnear\tnot_near\tcase\tnote\nDaash\tDaesh\tfix\t\t\tkeep\t\nDaash\tISIS\tfix\t\t\tkeep\t\n"


def test_the_readme_names_every_hook() -> None:
    assert re.findall(r"- id: (\S+)", SECTION) == [name for name, _ in HOOKS]


@pytest.mark.parametrize(
    ("hook", "file", "text", "code", "after"),
    [
        ("retranslate", "a.txt", "The Daash fled.", 0, "Daesh fled."),
        ("retranslate", "a.txt", "It is over.", 0, "It is over."),
        ("retranslate-check", "a.txt", "The Daash fled.", 1, "The Daash fled."),
        ("retranslate-check", "a.txt", "It is over.", 0, "It is over."),
        ("retranslate-glossary", "glossaries/a.tsv", TWICE, 1, TWICE),
        ("retranslate-glossary", "glossaries/a.tsv", TWICE.rsplit("Daash", 1)[0], 0, TWICE.rsplit("Daash", 1)[0]),
    ],
)
def test_a_hook_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str, file: str, text: str, code: int, after: str
) -> None:
    fields = dict(re.findall(r"^  (\w+): (.*)$", dict(HOOKS)[hook], re.M))
    assert re.search(fields.get("files", ""), file)
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    command = shlex.split(fields["entry"])
    monkeypatch.setattr(sys, "argv", [*command, *["--no-model"] * ("fix" in command), file])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert command[0] == "retranslate"
    assert (ended.value.code or 0) == code
    assert path.read_text("utf-8") == after
