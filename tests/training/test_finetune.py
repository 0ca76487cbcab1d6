"""Fine-tuning: the loss, and runs that are killed and go on."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from killing import Killed, kill_at_call
from transformers import AutoModelForCausalLM, AutoTokenizer

import tiny_models
from retranslate.errors import InputError
from retranslate.rewriter import BUNDLED, Request, Rewriter
from retranslate.torch_rewriter import TorchRewriter
from retranslate.training import finetune, loop
from retranslate.training.checkpoint import last_checkpoint
from retranslate.training.data import Example
from retranslate.training.encoding import IGNORED
from retranslate.training.finetune import collate, dev_examples, encode, loss_of, open_learner, train
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


# --- Encoding and loss ---------------------------------------------------------------------------------------------


def test_an_example_is_encoded_as_the_rewriter_reads_it(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    example = Example("strings were found.", "leads were found.", (("strings", "leads"),))
    encoded = encode(example, tokenizer)
    rewriter = TorchRewriter(AutoModelForCausalLM.from_pretrained(base), tokenizer, own=True, name="tiny", weights="0")
    assert list(encoded.prompt) == rewriter._read(Request(example.source, example.hints))
    assert encoded.prompt[-1] == tokenizer.bos_token_id
    assert encoded.answer[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(encoded.answer[:-1]).strip() == example.target
    assert len(encoded) == len(encoded.prompt) + len(encoded.answer)


def test_only_the_repair_is_learnt(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    items = [encode(Example("a b c", "d"), tokenizer), encode(Example("a", "b c d e f"), tokenizer)]
    ids, labels, counted = collate(items, 0, "cpu")
    assert ids.shape == labels.shape == counted.shape == (2, max(map(len, items)))
    for row, item in enumerate(items):
        assert ids[row, : len(item)].tolist() == [*item.prompt, *item.answer]
        assert labels[row, : len(item.prompt)].tolist() == [IGNORED] * len(item.prompt)
        assert labels[row, len(item.prompt) : len(item)].tolist() == list(item.answer)
        assert set(labels[row, len(item) :].tolist()) <= {IGNORED}
        assert torch.equal(counted[row] != 0, labels[row] != IGNORED)


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
            for ids, labels, _ in (collate([item], 0, "cpu") for item in items)
        ]
    assert apart == pytest.approx(expected, abs=1e-4)
    sizes = [len(item.answer) for item in items]
    assert together == pytest.approx(
        sum(loss * size for loss, size in zip(apart, sizes, strict=True)) / sum(sizes), abs=1e-4
    )


def test_changed_tokens_weigh_more(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    example = Example("road is open", "the road was open", (("road", "way"),))
    plain, weighed = encode(example, tokenizer), encode(example, tokenizer, changed_weight=3.0)
    assert plain.weights == (1.0,) * len(plain.answer)
    assert (weighed.prompt, weighed.answer) == (plain.prompt, plain.answer)
    changed = [token for token, weight in zip(weighed.answer, weighed.weights, strict=True) if weight == 3.0]
    assert {word for word in ("the", "was") if word in tokenizer.decode(changed)} == {"the", "was"}
    assert "road" not in tokenizer.decode(changed)
    assert weighed.weights[-1] == 1.0


def test_a_copy_has_no_changed_token(base: Path) -> None:
    item = encode(Example("the road", "the road"), AutoTokenizer.from_pretrained(base), changed_weight=3.0)
    assert set(item.weights) == {1.0}


def test_the_loss_is_weighted(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    item = encode(Example("the road open", "the road is open"), tokenizer)
    weights = [(2.0, 0.0, 1.0, 3.0)[place % 4] for place in range(len(item.answer))]
    with torch.inference_mode():
        found = loss_of(model, *collate([replace(item, weights=tuple(weights))], 0, "cpu")).item()
        logits = model(torch.tensor([[*item.prompt, *item.answer]])).logits[0]
    chances = logits.log_softmax(-1)[len(item.prompt) - 1 : -1].gather(1, torch.tensor(item.answer).unsqueeze(1))
    terms = [-weight * chance for weight, chance in zip(weights, chances.squeeze(1).tolist(), strict=True)]
    assert found == pytest.approx(sum(terms) / sum(weights), abs=1e-4)


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


def _killed_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """The next run stops dead, without any clean-up of its own, once ``steps`` batches are trained."""
    kill_at_call(monkeypatch, loop, "_step", steps + 1)


def test_a_killed_run_goes_on_and_ends_where_an_unbroken_one_does(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = replace(recipe, checkpoint_minutes=1e-9)
    unbroken = train(replace(often, output=tmp_path / "unbroken"))
    with monkeypatch.context() as patched:
        _killed_after(patched, 3)
        with pytest.raises(Killed):
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
        with pytest.raises(Killed):
            train(recipe)
    assert last_checkpoint(recipe.output, recipe.fingerprint) is None
    train(recipe)
    assert marker(recipe)["pairs"] == PAIRS


def test_kill_9_loses_nothing_but_the_last_minutes(recipe: Recipe, tmp_path: Path) -> None:
    """A real process, really killed."""
    often = replace(recipe, checkpoint_minutes=1e-9, batch_tokens=60)
    script = tmp_path / "run.py"
    script.write_text(
        "import os, signal\nfrom pathlib import Path\nfrom retranslate.training import finetune, loop\n"
        "from retranslate.training.recipe import Recipe, Source\n"
        "done, real = 0, loop._step\n"
        "def step(*arguments):\n"
        "    global done\n"
        "    if done == 3:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    done += 1\n"
        "    return real(*arguments)\n"
        "loop._step = step\n"
        f"finetune.train(Recipe(Path({str(often.base)!r}), Path({str(often.output)!r}), "
        f"(Source('pairs', (Path({str(often.sources[0].files[0])!r}),), 1.0),), pairs={PAIRS}, batch_tokens=60, learning_rate=1e-3, "
        "warmup=4, decay=10, frozen_layers=1, max_tokens=120, checkpoint_minutes=1e-9))\n",
        "utf-8",
    )
    process = subprocess.run([sys.executable, script], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert process.returncode == -signal.SIGKILL
    found = last_checkpoint(often.output, often.fingerprint)
    assert found is not None
    assert found.progress.batches == 3
    assert found.progress.pairs < PAIRS
    train(often)
    assert marker(often)["pairs"] == PAIRS


@pytest.mark.parametrize("minutes", [1e-9, 60.0])
def test_the_log_has_no_line_twice_after_a_resume(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, minutes: float
) -> None:
    recipe = replace(recipe, checkpoint_minutes=minutes)
    monkeypatch.setattr(loop, "REPORT_EVERY", 1)
    with monkeypatch.context() as patched:
        _killed_after(patched, 2)
        with pytest.raises(Killed):
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
    with recipe.sources[0].files[0].open("a", encoding="utf-8") as stream:
        stream.write(f"{'a ' * 80}\t{'a ' * 80}\n")
    longer = replace(recipe, pairs=PAIRS + 1, sources=(replace(recipe.sources[0], words=(1, 200)),))
    train(longer)
    assert "1 of 41 examples are longer than 120 tokens and left out" in capsys.readouterr().err
    assert marker(longer)["pairs"] == PAIRS


def test_sources_that_give_too_little_are_told(recipe: Recipe, capsys: pytest.CaptureFixture[str]) -> None:
    train(replace(recipe, pairs=50))
    assert "the sources give 40 examples, not 50" in capsys.readouterr().err


# --- Held-out pairs ------------------------------------------------------------------------------------------------


@pytest.fixture
def with_dev(recipe: Recipe, tmp_path: Path) -> Recipe:
    files = (tmp_path / "one.tsv", tmp_path / "two.tsv")
    for path, lines in zip(files, (tiny_models.sentences(60)[40:50], tiny_models.sentences(60)[50:]), strict=True):
        path.write_text("".join(f"{line.replace(' the ', ' ')}\t{line}\n" for line in lines), "utf-8")
    return replace(recipe, dev=files, dev_pairs=6, checkpoint_minutes=1e-9)


def test_dev_pairs_are_spread_over_the_files(with_dev: Recipe) -> None:
    lines = tiny_models.sentences(60)[40:]
    assert [example.target for example in dev_examples(with_dev)] == [lines[place] for place in (0, 3, 6, 10, 13, 16)]
    assert len(dev_examples(replace(with_dev, dev_pairs=50))) == 20
    assert dev_examples(replace(with_dev, dev=())) == []


def _dev_log(recipe: Recipe) -> list[tuple[int, float]]:
    with (recipe.output / "dev.csv").open(encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["pairs", "loss"]
    return [(int(pairs), float(loss)) for pairs, loss in rows]


def test_every_checkpoint_has_its_dev_loss_and_the_best_model_is_kept(with_dev: Recipe) -> None:
    folder = train(with_dev)
    losses = _dev_log(with_dev)
    assert len(losses) == marker(with_dev)["batches"]
    best = min(losses, key=lambda row: row[1])
    entry = json.loads((with_dev.output / "best.json").read_text("utf-8"))
    assert (entry["pairs"], entry["folder"]) == (best[0], folder.name)
    assert entry["loss"] == pytest.approx(best[1], abs=1e-5)
    # What was measured is what was kept.
    learner = open_learner(folder, 0)
    items = [encode(example, learner.tokenizer) for example in dev_examples(with_dev)]
    assert loop.mean_loss(learner, items, with_dev.batch_tokens) == pytest.approx(entry["loss"], abs=1e-4)
    assert not (folder / "optimizer.safetensors").exists()
    assert isinstance(Rewriter.load(folder, "cpu").rewrite([Request("The road is open.")])[0].text, str)


def test_a_model_that_only_gets_worse_keeps_its_first_checkpoint(
    with_dev: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    rising = iter(range(100))
    monkeypatch.setattr(loop, "mean_loss", lambda *_: float(next(rising)))
    folder = train(with_dev)
    entry = json.loads((with_dev.output / "best.json").read_text("utf-8"))
    assert entry["loss"] == 0.0
    assert 0 < entry["pairs"] < PAIRS
    assert folder == with_dev.output / "best-a"


def test_the_dev_loss_does_not_change_the_training(with_dev: Recipe, tmp_path: Path) -> None:
    train(with_dev)
    alone = replace(with_dev, dev=(), output=tmp_path / "alone")
    expected, found = weights(train(alone)), weights(with_dev.output / marker(with_dev)["folder"])
    for name in expected:
        assert torch.equal(found[name], expected[name])


@pytest.mark.parametrize("moment", ["save_checkpoint", "mean_loss", "keep_best", "_append"])
def test_a_run_killed_around_its_dev_loss_ends_where_an_unbroken_one_does(
    with_dev: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    whole = replace(with_dev, output=tmp_path / "whole")
    unbroken = train(whole)
    with monkeypatch.context() as patched:
        kill_at_call(patched, loop, moment, 2)
        with pytest.raises(Killed):
            train(with_dev)
    resumed = train(with_dev)
    assert _dev_log(with_dev) == _dev_log(whole)
    expected, found = weights(unbroken), weights(resumed)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-5)


def test_a_finished_run_with_dev_pairs_returns_the_best_again(with_dev: Recipe) -> None:
    folder = train(with_dev)
    before = _dev_log(with_dev)
    assert train(with_dev) == folder
    assert _dev_log(with_dev) == before


# --- Where a run starts --------------------------------------------------------------------------------------------


def test_a_model_in_a_gguf_file_is_trained_like_the_same_one_in_safetensors(recipe: Recipe, tmp_path: Path) -> None:
    bases = {name: tmp_path / name for name in ("packed", "plain")}
    tiny_models.save_gguf(bases["packed"], marker={})
    tiny_models.save_rounded(bases["plain"], marker={})
    ours, theirs = (
        weights(train(replace(recipe, base=base, output=tmp_path / f"{name} trained"))) for name, base in bases.items()
    )
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_recipe_without_a_base_starts_from_the_bundled_model(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recipe.base is not None
    monkeypatch.setattr(finetune, "BUNDLED", recipe.base)
    ours = weights(train(replace(recipe, base=None, output=tmp_path / "other")))
    theirs = weights(train(recipe))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.model
def test_the_bundled_model_can_be_trained() -> None:
    learner = open_learner(BUNDLED, frozen_layers=8)
    loss = learner.loss([encode(Example("He said that the minister.", "The minister said that."), learner.tokenizer)])
    loss.backward()
    assert loss.item() < 5
    assert all(weights.grad is not None for weights in learner.model.parameters() if weights.requires_grad)


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
