"""Fine-tuning: batches, the learning rate, the loss, and runs that are killed and go on."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

import tiny_models
from retranslate.errors import InputError
from retranslate.rewriter import Request, Rewriter
from retranslate.training import checkpoint, finetune
from retranslate.training.checkpoint import Progress, last_checkpoint, save_checkpoint
from retranslate.training.data import Example
from retranslate.training.finetune import IGNORED, collate, encode, loss_of, plan, rate_at, train
from retranslate.training.recipe import Recipe, Source

PAIRS = 40


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save_causal(tmp_path_factory.mktemp("base"), marker=None)


@pytest.fixture
def recipe(base: Path, tmp_path: Path) -> Recipe:
    data = tmp_path / "pairs.tsv"
    data.write_text(
        "".join(f"{line.replace(' the ', ' ')}\t{line}\n" for line in tiny_models.sentences(PAIRS)), "utf-8"
    )
    return Recipe(
        base=base,
        output=tmp_path / "run",
        sources=(Source("pairs", (data,), 1.0),),
        pairs=PAIRS,
        batch_tokens=400,
        learning_rate=1e-3,
        warmup=4,
        decay=10,
        frozen_layers=1,
        max_tokens=120,
    )


def marker(recipe: Recipe) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads((recipe.output / "last.json").read_text("utf-8"))
    return entry


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict())


# --- Batches -------------------------------------------------------------------------------------------------------

LENGTHS = st.lists(st.integers(1, 60), max_size=120)


@given(LENGTHS, st.integers(1, 300), st.integers(0, 9), st.integers(1, 50))
def test_a_plan_covers_every_index_once(lengths: list[int], batch_tokens: int, seed: int, pool: int) -> None:
    batches = plan(lengths, batch_tokens, seed, pool)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(batches)


@given(LENGTHS, st.integers(1, 300), st.integers(0, 9), st.integers(1, 50))
def test_a_batch_is_no_larger_than_asked_unless_it_is_one_example(
    lengths: list[int], batch_tokens: int, seed: int, pool: int
) -> None:
    for batch in plan(lengths, batch_tokens, seed, pool):
        assert len(batch) == 1 or max(lengths[index] for index in batch) * len(batch) <= batch_tokens


@given(LENGTHS, st.integers(1, 300), st.integers(0, 9))
def test_a_plan_depends_on_its_arguments_alone(lengths: list[int], batch_tokens: int, seed: int) -> None:
    assert plan(lengths, batch_tokens, seed) == plan(lengths, batch_tokens, seed)


@given(LENGTHS, LENGTHS, st.integers(60, 300))
def test_more_examples_leave_the_batches_of_full_pools_alone(
    lengths: list[int], more: list[int], batch_tokens: int
) -> None:
    full = lengths[: len(lengths) // 10 * 10]
    first = plan(full, batch_tokens, 3, pool=10)
    assert plan(full + more, batch_tokens, 3, pool=10)[: len(first)] == first


# --- The learning rate ---------------------------------------------------------------------------------------------


def test_the_rate_rises_stays_and_falls_to_a_tenth(recipe: Recipe) -> None:
    settings = replace(recipe, learning_rate=1.0, warmup=10, decay=20)
    rates = [rate_at(pairs, 100, settings) for pairs in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:81] == [1.0] * 71
    assert rates[80:] == sorted(rates[80:], reverse=True)
    assert rates[-1] == pytest.approx(0.1)


def test_the_rate_falls_to_a_tenth_though_fewer_examples_came_than_were_asked_for(recipe: Recipe) -> None:
    assert rate_at(50, 50, replace(recipe, pairs=1000)) == pytest.approx(0.1 * recipe.learning_rate)


@given(st.integers(0, 500), st.integers(0, 300), st.integers(0, 50), st.integers(0, 50))
def test_the_rate_is_never_zero_nor_above_the_plateau(pairs: int, total: int, warmup: int, decay: int) -> None:
    settings = Recipe(Path(), Path(), (), warmup=warmup, decay=decay, learning_rate=2.0)
    assert 0 < rate_at(pairs, total, settings) <= 2.0


# --- Encoding and loss ---------------------------------------------------------------------------------------------


def test_an_example_is_encoded_as_the_rewriter_reads_it(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    example = Example("strings were found.", "leads were found.", (("strings", "leads"),))
    encoded = encode(example, tokenizer)
    rewriter = Rewriter(AutoModelForCausalLM.from_pretrained(base), tokenizer, own=True, name="tiny", weights="0")
    assert list(encoded.prompt) == rewriter._read(Request(example.source, example.hints))
    assert encoded.prompt[-1] == tokenizer.bos_token_id
    assert encoded.answer[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(encoded.answer[:-1]).strip() == example.target
    assert len(encoded) == len(encoded.prompt) + len(encoded.answer)


def test_only_the_repair_is_learnt(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    items = [encode(Example("a b c", "d"), tokenizer), encode(Example("a", "b c d e f"), tokenizer)]
    ids, labels = collate(items, 0, "cpu")
    assert ids.shape == labels.shape == (2, max(map(len, items)))
    for row, item in enumerate(items):
        assert ids[row, : len(item)].tolist() == [*item.prompt, *item.answer]
        assert labels[row, : len(item.prompt)].tolist() == [IGNORED] * len(item.prompt)
        assert labels[row, len(item.prompt) : len(item)].tolist() == list(item.answer)
        assert set(labels[row, len(item) :].tolist()) <= {IGNORED}


def test_the_loss_is_the_mean_over_the_answers_whatever_the_padding(base: Path) -> None:
    tokenizer, model = (
        AutoTokenizer.from_pretrained(base),
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
    )
    items = [encode(Example("the road open", "the road is open"), tokenizer), encode(Example("yes", "no"), tokenizer)]
    with torch.inference_mode():
        together = loss_of(model, *collate(items, 0, "cpu")).item()
        apart = [loss_of(model, *collate([item], 0, "cpu")).item() for item in items]
        expected = [
            model(input_ids=ids, labels=labels).loss.item()
            for ids, labels in (collate([item], 0, "cpu") for item in items)
        ]
    assert apart == pytest.approx(expected, abs=1e-4)
    sizes = [len(item.answer) for item in items]
    assert together == pytest.approx(
        sum(loss * size for loss, size in zip(apart, sizes, strict=True)) / sum(sizes), abs=1e-4
    )


# --- A run ---------------------------------------------------------------------------------------------------------


def test_a_run_trains_all_pairs_and_leaves_a_model(recipe: Recipe) -> None:
    folder = train(recipe)
    last = marker(recipe)
    assert last["pairs"] == PAIRS
    assert last["batches"] >= 2
    assert math.isfinite(last["loss"])
    before, after = weights(recipe.base), weights(folder)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert "model.layers.1.mlp.up_proj.weight" in changed
    assert not any(name.startswith(("model.layers.0.", "model.embed_tokens")) for name in changed)


def test_the_trained_model_opens_in_the_rewriter(recipe: Recipe) -> None:
    rewriter = Rewriter.load(train(recipe), "cpu")
    (answer,) = rewriter.rewrite([Request("The governor said that bridge will open in May.")])
    assert isinstance(answer.text, str)
    assert rewriter.name == "run"


def test_a_finished_run_is_not_trained_again(recipe: Recipe) -> None:
    folder = train(recipe)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert train(recipe) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


class _Killed(BaseException):
    pass


def _killed_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """The next run stops dead, without any clean-up of its own, once ``steps`` batches are trained."""
    done = 0
    real = finetune._step

    def step(*arguments: Any) -> float:
        nonlocal done
        if done == steps:
            raise _Killed
        done += 1
        return real(*arguments)

    monkeypatch.setattr(finetune, "_step", step)


def test_a_killed_run_goes_on_and_ends_where_an_unbroken_one_does(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = replace(recipe, checkpoint_minutes=1e-9)
    unbroken = train(replace(often, output=tmp_path / "unbroken"))
    with monkeypatch.context() as patched:
        _killed_after(patched, 3)
        with pytest.raises(_Killed):
            train(often)
    assert marker(often)["batches"] == 3
    resumed = train(often)
    assert marker(often)["pairs"] == PAIRS
    expected, found = weights(unbroken), weights(resumed)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-5)


def test_a_run_killed_before_its_first_checkpoint_starts_anew(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        _killed_after(patched, 1)
        with pytest.raises(_Killed):
            train(recipe)
    assert last_checkpoint(recipe.output, recipe.fingerprint) is None
    train(recipe)
    assert marker(recipe)["pairs"] == PAIRS


def test_kill_9_loses_nothing_but_the_last_minutes(recipe: Recipe, tmp_path: Path) -> None:
    """A real process, really killed."""
    often = replace(recipe, checkpoint_minutes=1e-9, batch_tokens=60)
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom retranslate.training import finetune\n"
        "from retranslate.training.recipe import Recipe, Source\n"
        f"finetune.train(Recipe(Path({str(often.base)!r}), Path({str(often.output)!r}), "
        f"(Source('pairs', (Path({str(often.sources[0].files[0])!r}),), 1.0),), pairs={PAIRS}, batch_tokens=60, learning_rate=1e-3, "
        "warmup=4, decay=10, frozen_layers=1, max_tokens=120, checkpoint_minutes=1e-9))\n",
        "utf-8",
    )
    process = subprocess.Popen(
        [sys.executable, str(script)], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if (often.output / "last.json").exists() and marker(often)["batches"] >= 3:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.02)
    assert process.wait() == -signal.SIGKILL
    found = last_checkpoint(often.output, often.fingerprint)
    assert found is not None
    assert found.progress.batches >= 3
    assert found.progress.pairs < PAIRS
    train(often)
    assert marker(often)["pairs"] == PAIRS


@pytest.mark.parametrize("minutes", [1e-9, 60.0])
def test_the_log_has_no_line_twice_after_a_resume(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, minutes: float
) -> None:
    recipe = replace(recipe, checkpoint_minutes=minutes)
    monkeypatch.setattr(finetune, "REPORT_EVERY", 1)
    with monkeypatch.context() as patched:
        _killed_after(patched, 2)
        with pytest.raises(_Killed):
            train(recipe)
    train(recipe)
    with (recipe.output / "log.csv").open(encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["pairs", "loss", "learning_rate", "pairs_per_second"]
    pairs = [int(row[0]) for row in rows]
    assert pairs == sorted(set(pairs))
    assert pairs[-1] == PAIRS


@pytest.mark.parametrize(
    "change", [{"seed": 2}, {"learning_rate": 0.5}, {"sources": ()}, {"frozen_layers": 0}, {"max_tokens": 60}]
)
def test_another_recipe_may_not_go_on_with_a_run(recipe: Recipe, change: dict[str, Any]) -> None:
    train(recipe)
    with pytest.raises(InputError, match="holds a run of another recipe"):
        train(replace(recipe, **change))


def test_a_run_may_go_on_for_longer(recipe: Recipe) -> None:
    half = replace(recipe, pairs=PAIRS // 2)
    train(half)
    assert marker(half)["pairs"] == PAIRS // 2
    train(replace(recipe, decay=5, checkpoint_minutes=1.0))
    assert PAIRS // 2 < marker(recipe)["pairs"] <= PAIRS + PAIRS // 2


def test_examples_that_are_too_long_are_left_out_and_told(recipe: Recipe, capsys: pytest.CaptureFixture[str]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(recipe.base)
    examples = [Example("a", "b"), Example("a " * 300, "b")]
    assert len(finetune._encoded(examples, tokenizer, replace(recipe, pairs=2))) == 1
    assert "1 of 2 examples are longer than 120 tokens and left out" in capsys.readouterr().err


def test_sources_that_give_too_little_are_told(recipe: Recipe, capsys: pytest.CaptureFixture[str]) -> None:
    finetune._encoded([Example("a", "b")], AutoTokenizer.from_pretrained(recipe.base), recipe)
    assert "the sources give 1 examples, not 40" in capsys.readouterr().err


# --- Refusals ------------------------------------------------------------------------------------------------------


def _broken_folder(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{", "utf-8")
    return folder


@pytest.mark.parametrize("what", ["missing", "empty", "broken", "other family", "all frozen", "too short"])
def test_what_cannot_be_trained_is_refused_in_one_line(recipe: Recipe, tmp_path: Path, what: str) -> None:
    match what:
        case "missing":
            wrong, message = replace(recipe, base=tmp_path / "lost"), "no such folder"
        case "empty":
            (tmp_path / "empty").mkdir()
            wrong, message = replace(recipe, base=tmp_path / "empty"), "no model that can be trained"
        case "broken":
            wrong, message = replace(recipe, base=_broken_folder(tmp_path / "broken")), "no model that can be trained"
        case "other family":
            wrong, message = replace(recipe, base=tiny_models.save_t5(tmp_path / "t5")), "no model that can be trained"
        case "all frozen":
            wrong, message = replace(recipe, frozen_layers=2), "nothing would be trained"
        case _:
            wrong, message = replace(recipe, max_tokens=3), "are longer than max_tokens = 3"
    with pytest.raises(InputError, match=message) as caught:
        train(wrong)
    assert "\n" not in str(caught.value)


# --- Checkpoints ---------------------------------------------------------------------------------------------------


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

    def stop(*_: Any, **__: Any) -> None:
        raise _Killed

    owner, name = {
        "model": (model, "save_pretrained"),
        "tokenizer": (tokenizer, "save_pretrained"),
        "optimizer": (checkpoint, "_save_optimizer"),
        "marker": (checkpoint.os, "replace"),
        "removal": (checkpoint.shutil, "rmtree"),
    }[moment]
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, stop)
        with pytest.raises(_Killed):
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
