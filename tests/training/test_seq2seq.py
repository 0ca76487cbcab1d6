"""Encoder-decoder models: fresh ones and checkpoints learn from the same examples, resume, and open in the rewriter."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from killing import Killed, kill_at_call
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

import tiny_models
from retranslate.errors import InputError
from retranslate.rewriter import Request, Rewriter
from retranslate.torch_rewriter import TorchRewriter
from retranslate.training import loop
from retranslate.training.data import Example
from retranslate.training.recipe import EncoderDecoder, Family, Recipe, Source
from retranslate.training.seq2seq import encode, loss_of, make_fresh, train_encoder_decoder

PAIRS = 40
SHAPES = {
    family: EncoderDecoder(family, vocabulary=300, width=32, feed_forward=64, layers=2, heads=4, dropout=0.1)
    for family in ("t5", "marian")
}


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    data = tmp_path / "pairs.tsv"
    lines = [f"{line.replace(' the ', ' ')}\t{line}\n" for line in tiny_models.sentences(PAIRS)]
    data.write_text("".join(lines), "utf-8")
    return Recipe(
        base=None,
        output=tmp_path / "run",
        sources=(Source("pairs", (data,), 1.0),),
        pairs=PAIRS,
        batch_tokens=400,
        learning_rate=3e-3,
        warmup=4,
        decay=10,
        max_tokens=200,
        encoder_decoder=SHAPES["t5"],
    )


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("bases")
    return {
        "t5": tiny_models.save_t5(root / "t5"),
        "bart": tiny_models.save_bart(root / "bart"),
        "marian": tiny_models.save_marian(root / "marian"),
    }


def marker(recipe: Recipe) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads((recipe.output / "encoder-decoder" / "last.json").read_text("utf-8"))
    return entry


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).state_dict())


@pytest.mark.parametrize("family", ["t5", "marian"])
def test_a_fresh_model_learns_and_opens_in_the_rewriter(
    recipe: Recipe, family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses: list[float] = []
    real = loop._step
    monkeypatch.setattr(loop, "_step", lambda *arguments: losses.append(real(*arguments)) or losses[-1])
    # Long enough to learn something: the same pairs again and again.
    data = recipe.sources[0].files[0]
    data.write_text(data.read_text("utf-8") * 5, "utf-8")
    longer = replace(recipe, pairs=5 * PAIRS, encoder_decoder=SHAPES[family])
    folder = train_encoder_decoder(longer)
    assert marker(longer)["pairs"] == 5 * PAIRS
    assert sum(losses[-3:]) < 0.9 * sum(losses[:3])
    rewriter = Rewriter.load(folder, "cpu")
    assert rewriter.parameters == AutoModelForSeq2SeqLM.from_pretrained(folder).num_parameters()
    (answer,) = rewriter.rewrite([Request("The governor said that bridge will open in May.")])
    assert isinstance(answer.text, str)
    assert not list(folder.glob("*.bin"))


@pytest.mark.parametrize("family", ["t5", "bart", "marian"])
def test_a_checkpoint_is_trained_further(recipe: Recipe, checkpoints: dict[str, Path], family: str) -> None:
    base = checkpoints[family]
    folder = train_encoder_decoder(replace(recipe, base=base, encoder_decoder=None))
    before, after = weights(base), weights(folder)
    assert set(before) == set(after)
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert isinstance(Rewriter.load(folder, "cpu").rewrite([Request("The road is open.")])[0].text, str)


def test_a_killed_run_goes_on_and_ends_where_an_unbroken_one_does(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with dropout: what is dropped depends on the place in the run."""
    often = replace(recipe, checkpoint_minutes=1e-9)
    unbroken = train_encoder_decoder(replace(often, output=tmp_path / "unbroken"))
    with monkeypatch.context() as patched:
        kill_at_call(patched, loop, "_step", 4)
        with pytest.raises(Killed):
            train_encoder_decoder(often)
    assert marker(often)["batches"] == 3
    expected, found = weights(unbroken), weights(train_encoder_decoder(often))
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-5)


def test_the_dev_pairs_choose_the_best_model(recipe: Recipe) -> None:
    folder = train_encoder_decoder(replace(recipe, dev=recipe.sources[0].files, dev_pairs=5))
    assert folder.parent == recipe.output / "encoder-decoder"
    assert folder.name in ("best-a", "best-b")


def test_another_shape_may_not_go_on_with_a_run(recipe: Recipe) -> None:
    train_encoder_decoder(recipe)
    with pytest.raises(InputError, match="holds a run of another recipe"):
        train_encoder_decoder(replace(recipe, encoder_decoder=replace(SHAPES["t5"], layers=1)))


@pytest.mark.parametrize("family", ["t5", "bart", "marian"])
def test_an_example_is_encoded_as_the_rewriter_reads_and_writes_it(checkpoints: dict[str, Path], family: str) -> None:
    model = AutoModelForSeq2SeqLM.from_pretrained(checkpoints[family])
    tokenizer = AutoTokenizer.from_pretrained(checkpoints[family])
    rewriter = TorchRewriter(model, tokenizer, own=True, name="tiny", weights="0")
    example = Example("strings were found.", "leads were found.", (("strings", "leads"),))
    encoded = encode(example, tokenizer)
    assert list(encoded.prompt) == rewriter._read(Request(example.source, example.hints))
    assert list(encoded.answer) == rewriter._write(example.target)


@pytest.mark.parametrize("family", ["t5", "bart", "marian"])
def test_the_loss_is_the_score_of_the_rewriter(checkpoints: dict[str, Path], family: str) -> None:
    model = AutoModelForSeq2SeqLM.from_pretrained(checkpoints[family], dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoints[family])
    rewriter = TorchRewriter(model, tokenizer, own=True, name="tiny", weights="0")
    examples = [Example("the road open", "the road is open"), Example("He said wells clean.", "The wells are clean.")]
    items = [encode(example, tokenizer) for example in examples]
    scores = rewriter.score([(Request(example.source), example.target) for example in examples])
    sizes = [len(item.answer) for item in items]
    with torch.inference_mode():
        found = loss_of(model, tokenizer.pad_token_id, items).item()
    expected = -sum(score * size for score, size in zip(scores, sizes, strict=True)) / sum(sizes)
    assert found == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("family", ["t5", "marian"])
def test_a_vocabulary_spells_what_it_was_made_from(tmp_path: Path, family: Family) -> None:
    texts = [*tiny_models.sentences(100), "“It is 20 °C,” said Zoë … of 5½ km."]
    _, tokenizer = make_fresh(SHAPES[family], texts, tmp_path, seed=1)
    for text in texts:
        assert tokenizer.decode(tokenizer(f" {text}").input_ids, skip_special_tokens=True).strip() == text


def test_the_same_seed_and_texts_make_the_same_model(tmp_path: Path) -> None:
    texts = tiny_models.sentences(100)
    (one, first), (two, second) = (make_fresh(SHAPES["t5"], texts, tmp_path / name, seed=1) for name in "ab")
    assert first.get_vocab() == second.get_vocab()
    for name, weight in one.state_dict().items():
        assert torch.equal(weight, two.state_dict()[name])


@pytest.mark.parametrize("what", ["no base", "missing", "other family"])
def test_what_cannot_be_trained_is_refused(recipe: Recipe, tmp_path: Path, what: str) -> None:
    match what:
        case "no base":
            wrong, message = replace(recipe, encoder_decoder=None), "neither a base model nor a table"
        case "missing":
            wrong, message = replace(recipe, encoder_decoder=None, base=tmp_path / "lost"), "no such folder"
        case _:
            base = tiny_models.save_causal(tmp_path / "causal", marker=None)
            wrong, message = replace(recipe, encoder_decoder=None, base=base), "no model that can be trained"
    with pytest.raises(InputError, match=message):
        train_encoder_decoder(wrong)
