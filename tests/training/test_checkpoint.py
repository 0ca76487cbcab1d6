"""Checkpoints: whole or not there, whatever is killed, and the best model beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from killing import Killed, kill_at_call
from transformers import AutoModelForCausalLM, AutoTokenizer

import tiny_models
from retranslate.errors import InputError
from retranslate.training import checkpoint
from retranslate.training.checkpoint import Progress, best_so_far, keep_best, last_checkpoint, save_checkpoint


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save_causal(tmp_path_factory.mktemp("base"), marker=None)


@pytest.fixture
def parts(base: Path) -> tuple[Any, Any, torch.optim.Optimizer]:
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
        AutoTokenizer.from_pretrained(base),
    )
    return model, tokenizer, torch.optim.AdamW(model.parameters())


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_two_folders_take_turns(output: Path, parts: tuple[Any, Any, Any]) -> None:
    names = [save_checkpoint(output, "f", Progress(n, n, 0.5), *parts).folder.name for n in range(4)]
    assert names == ["checkpoint-a", "checkpoint-b", "checkpoint-a", "checkpoint-b"]
    assert last_checkpoint(output, "f") == checkpoint.Checkpoint(output / "checkpoint-b", Progress(3, 3, 0.5))


@pytest.mark.parametrize("moment", ["model", "tokenizer", "optimizer", "marker", "removal"])
def test_a_checkpoint_that_breaks_off_leaves_the_one_before_whole(
    output: Path, parts: tuple[Any, Any, Any], moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tokenizer, _ = parts
    save_checkpoint(output, "f", Progress(1, 1, 0.5), *parts)
    before = last_checkpoint(output, "f")
    save_checkpoint(output, "f", Progress(2, 2, 0.5), *parts)
    whole = last_checkpoint(output, "f")
    assert before != whole
    assert whole is not None
    kept = (whole.folder / "model.safetensors").read_bytes()

    owner, name = {
        "model": (model, "save_pretrained"),
        "tokenizer": (tokenizer, "save_pretrained"),
        "optimizer": (checkpoint, "_save_optimizer"),
        "marker": (checkpoint.os, "replace"),
        "removal": (checkpoint.shutil, "rmtree"),
    }[moment]
    with monkeypatch.context() as patched:
        kill_at_call(patched, owner, name, 1)
        with pytest.raises(Killed):
            save_checkpoint(output, "f", Progress(3, 3, 0.5), *parts)
    assert last_checkpoint(output, "f") == whole
    assert (whole.folder / "model.safetensors").read_bytes() == kept
    assert save_checkpoint(output, "f", Progress(3, 3, 0.5), *parts).folder != whole.folder


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"pairs": 1}', '{"recipe": "f", "folder": "checkpoint-a", "steps": 1}']
)
def test_a_broken_marker_is_refused(output: Path, text: str) -> None:
    (output / "last.json").write_text(text, "utf-8")
    with pytest.raises(InputError, match="broken, or of another version"):
        last_checkpoint(output, "f")


@pytest.mark.parametrize("slot", ["checkpoint-a", "../elsewhere"])
def test_a_marker_that_names_no_checkpoint_is_refused(output: Path, slot: str) -> None:
    (output / "last.json").write_text(
        json.dumps({"recipe": "f", "folder": slot, "pairs": 1, "batches": 1, "loss": 1.0}), "utf-8"
    )
    with pytest.raises(InputError, match="a checkpoint that is not there"):
        last_checkpoint(output, "f")


def test_progress_keeps_a_running_mean_of_the_loss() -> None:
    progress = Progress().after(3, 2.0)
    assert progress == Progress(3, 1, 2.0)
    assert progress.after(2, 1.0) == Progress(5, 2, pytest.approx(1.98))


# --- The best model ------------------------------------------------------------------------------------------------


def _best(output: Path, parts: tuple[Any, Any, Any], pairs: int, loss: float) -> checkpoint.Best:
    return keep_best(output, "f", save_checkpoint(output, "f", Progress(pairs, pairs, 0.5), *parts), loss)


def test_the_best_model_outlives_the_checkpoints(output: Path, parts: tuple[Any, Any, Any]) -> None:
    best = _best(output, parts, 1, 0.5)
    kept = (best.folder / "model.safetensors").read_bytes()
    with torch.no_grad():
        parts[0].lm_head.weight.zero_()
    for pairs in (2, 3):
        save_checkpoint(output, "f", Progress(pairs, pairs, 0.5), *parts)
    assert best_so_far(output, "f", Progress(3, 3, 0.5)) == best
    assert (best.folder / "model.safetensors").read_bytes() == kept
    assert {path.name for path in best.folder.iterdir()} >= {"tokenizer.json", "retranslate.json", "config.json"}


@pytest.mark.parametrize("moment", ["copy", "marker", "removal"])
def test_a_best_model_that_breaks_off_leaves_the_one_before_whole(
    output: Path, parts: tuple[Any, Any, Any], moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _best(output, parts, 1, 0.6)
    whole = _best(output, parts, 2, 0.5)
    kept = (whole.folder / "model.safetensors").read_bytes()
    last = save_checkpoint(output, "f", Progress(3, 3, 0.5), *parts)

    owner, name = {
        "copy": (checkpoint.shutil, "copytree"),
        "marker": (checkpoint.os, "replace"),
        "removal": (checkpoint.shutil, "rmtree"),
    }[moment]
    with monkeypatch.context() as patched:
        kill_at_call(patched, owner, name, 1)
        with pytest.raises(Killed):
            keep_best(output, "f", last, 0.4)
    assert best_so_far(output, "f", last.progress) == whole
    assert (whole.folder / "model.safetensors").read_bytes() == kept
    assert keep_best(output, "f", last, 0.4).folder != whole.folder


@pytest.mark.parametrize(
    "text", ["", "[]", '{"recipe": "f"}', '{"recipe": "f", "folder": "..", "pairs": 1, "loss": 1}']
)
def test_a_broken_note_of_the_best_is_as_good_as_none(output: Path, text: str) -> None:
    (output / "best.json").write_text(text, "utf-8")
    assert best_so_far(output, "f", Progress(3, 3, 0.5)) is None


def test_the_best_of_another_recipe_or_of_a_later_time_does_not_count(
    output: Path, parts: tuple[Any, Any, Any]
) -> None:
    _best(output, parts, 2, 0.5)
    assert best_so_far(output, "g", Progress(2, 2, 0.5)) is None
    assert best_so_far(output, "f", Progress(1, 1, 0.5)) is None
