"""A Corrector in other people's processes: its pickle is small, the same for the same Corrector, and opened to the same."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tiny_models
from conftest import glossary_text
from retranslate import corrector as corrector_module
from retranslate import rewriter as rewriter_module
from retranslate.corrector import Corrector, Settings
from retranslate.errors import InputError
from retranslate.glossary import Glossary
from retranslate.rewriter import Rewriter
from retranslate.torch_rewriter import TorchRewriter

TEXTS = [f"{sentence} He pointed Karim that the Daash fled." for sentence in tiny_models.sentences(6)]


@pytest.fixture(autouse=True)
def none_loaded_before() -> None:
    rewriter_module._loaded_again.cache_clear()


@pytest.fixture
def own_glossary(tmp_path: Path) -> Path:
    path = tmp_path / "own.tsv"
    path.write_text(
        glossary_text(("Daash", "Daesh", "fix"), *((f"wrong{n}", "right", "hint") for n in range(2000))), "utf-8"
    )
    return path


@pytest.fixture
def folder(tiny_folders: dict[str, Path], tmp_path: Path) -> Path:
    return shutil.copytree(tiny_folders["causal"], tmp_path / "model")


def made(folder: Path, own_glossary: Path) -> Corrector:
    return Corrector.from_pretrained(
        folder, glossary=Glossary.load([own_glossary]), device="cpu", settings=Settings(margin=0.0, batch_size=3)
    )


def test_a_pickle_is_small_and_opens_to_the_same_corrector(folder: Path, own_glossary: Path) -> None:
    corrector = made(folder, own_glossary)
    data = pickle.dumps(corrector)
    assert len(data) < 2000
    opened = pickle.loads(data)
    assert opened.signature == corrector.signature
    assert opened.settings == corrector.settings
    assert opened.correct_many(TEXTS) == corrector.correct_many(TEXTS)


def test_the_same_corrector_has_the_same_pickle_before_and_after_use(folder: Path, own_glossary: Path) -> None:
    first, second = made(folder, own_glossary), made(folder, own_glossary)
    fresh = pickle.dumps(first)
    first.correct_many(TEXTS)
    assert pickle.dumps(first) == fresh == pickle.dumps(second) == pickle.dumps(pickle.loads(fresh))


def test_whatever_changes_the_outcome_changes_the_pickle(
    folder: Path, own_glossary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrector = made(folder, own_glossary)
    others = [
        Corrector(corrector.glossary, corrector.rewriter, Settings(margin=0.1)),
        Corrector(corrector.glossary, None, corrector.settings),
        Corrector(Glossary.load([own_glossary], bundled=False), corrector.rewriter, corrector.settings),
    ]
    pickles = [pickle.dumps(each) for each in (corrector, *others)]
    own_glossary.write_text(glossary_text(("Daash", "ISIS", "fix")), "utf-8")
    pickles.append(pickle.dumps(made(folder, own_glossary)))
    monkeypatch.setattr(corrector_module, "__version__", "99")
    pickles.append(pickle.dumps(corrector))
    assert len(set(pickles)) == len(pickles)


def test_relative_paths_are_found_from_elsewhere(
    folder: Path, own_glossary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps(made(Path("model"), Path("own.tsv")))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert pickle.loads(data)(TEXTS[0]).changed


def test_what_has_changed_since_is_refused(
    folder: Path, own_glossary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pickle.dumps(made(folder, own_glossary))
    with monkeypatch.context() as patch:
        patch.setattr(corrector_module, "__version__", "99")
        with pytest.raises(InputError, match=r"pickled by retranslate .*; with 99 make it anew"):
            pickle.loads(data)
    weights = folder / "model.safetensors"
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    rewriter_module._loaded_again.cache_clear()
    with pytest.raises(InputError, match=r"model: other weights \(sha256 \w{8}\) than those that were pickled"):
        pickle.loads(data)
    own_glossary.write_text(glossary_text(("Daash", "ISIS", "fix")), "utf-8")
    with pytest.raises(InputError, match=r"own\.tsv, the bundled glossaries: changed since"):
        pickle.loads(data)
    own_glossary.unlink()
    with pytest.raises(InputError, match=r"own\.tsv: cannot read the glossary"):
        pickle.loads(data)


def test_a_process_loads_a_model_once(folder: Path, own_glossary: Path) -> None:
    data = pickle.dumps(made(folder, own_glossary))
    assert pickle.loads(data).rewriter is pickle.loads(data).rewriter


def test_a_glossary_made_of_rows_is_pickled_with_them(own_glossary: Path) -> None:
    loaded = Glossary.load([own_glossary], bundled=False)
    of_rows = Glossary(loaded.rows[:3], 3)
    assert pickle.loads(pickle.dumps(of_rows)) == of_rows
    assert len(pickle.dumps(loaded)) < 500


def test_a_model_that_came_from_nowhere_is_told(tiny_rewriter: Rewriter) -> None:
    made_here = TorchRewriter(tiny_rewriter._model, tiny_rewriter._tokenizer, own=True, name="here", weights="0")
    with pytest.raises(pickle.PicklingError, match="not loaded from a folder"):
        pickle.dumps(made_here)


FORKED = """
import os, sys, torch
from retranslate.rewriter import Request, Rewriter

rewriter = Rewriter.load(sys.argv[1], "cpu")
torch.set_num_threads(2)
large = torch.ones(400, 2000)
for process in ("parent", "child"):
    assert float((large @ large.T).sum()) == 400 * 400 * 2000  # in threads, where there are any
    print(process, torch.get_num_threads(), rewriter.rewrite([Request("The bridge will open.")])[0].text, flush=True)
    if process == "parent" and os.fork():
        os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_does_not_wait_for_threads_that_it_has_not(tiny_folders: dict[str, Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, str(tiny_folders["causal"])],
        env={**os.environ, "OMP_NUM_THREADS": "2"}, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    parent, child = (line.split(" ", 2) for line in done.stdout.splitlines())
    assert parent == ["parent", "2", child[2]]
    assert child[:2] == ["child", "1"]


@pytest.mark.model
def test_the_bundled_corrector_is_small_and_names_no_path() -> None:
    data = pickle.dumps(Corrector.from_pretrained())
    assert len(data) < 1000
    assert str(Path(rewriter_module.__file__).parent).encode() not in data


# --- Hugging Face datasets -------------------------------------------------------------------------------------------

DATASETS = """
import json, sys
from pathlib import Path
import datasets
from retranslate import Corrector, Glossary

folder, glossary, table = sys.argv[1:4]
corrector = Corrector.from_pretrained(folder, glossary=Glossary.load([glossary]), device="cpu")


def repaired(rows):
    return {"repaired": [result.text for result in corrector.correct_many(rows["text"])]}


rows = datasets.load_dataset("json", data_files=table, split="train", cache_dir=str(Path(table).parent / "cache"))
mapped = rows.map(repaired, batched=True, batch_size=2, num_proc=int(sys.argv[4]))
again = rows.map(repaired, batched=True, batch_size=2, num_proc=int(sys.argv[4]))
print(json.dumps({
    "fingerprints": [mapped._fingerprint, again._fingerprint],
    "files": sorted(item["filename"] for item in mapped.cache_files),
    "texts": list(mapped["repaired"]),
}))
"""


def run_datasets(tmp_path: Path, folder: Path, glossary: Path, processes: int) -> dict[str, Any]:
    command = [
        sys.executable, "-W", "ignore", "-c", DATASETS, str(folder), str(glossary), str(tmp_path / "rows.jsonl"), str(processes)
    ]  # fmt: skip
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=offline)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_datasets_map_works_in_processes_and_finds_its_cache_again(
    folder: Path, own_glossary: Path, tmp_path: Path
) -> None:
    pytest.importorskip("datasets")
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), "utf-8")
    first = run_datasets(tmp_path, folder, own_glossary, 2)
    assert first["texts"] == [result.text for result in made(folder, own_glossary).correct_many(TEXTS)]
    times = [Path(file).stat().st_mtime_ns for file in first["files"]]
    second = run_datasets(tmp_path, folder, own_glossary, 2)
    assert first == second
    assert len({*first["fingerprints"], *second["fingerprints"]}) == 1
    assert [Path(file).stat().st_mtime_ns for file in second["files"]] == times
    own_glossary.write_text(glossary_text(("Daash", "ISIS", "fix")), "utf-8")
    third = run_datasets(tmp_path, folder, own_glossary, 2)
    assert third["fingerprints"][0] != first["fingerprints"][0]
    assert any("ISIS" in text for text in third["texts"])
