"""Preference: which rewrites are better, that the model learns it, and that it goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from killing import Killed, kill_at_call
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

import tiny_models
from retranslate.errors import InputError
from retranslate.rewriter import Request, Rewriter
from retranslate.training import loop, preference
from retranslate.training.data import Example
from retranslate.training.encoding import Encoded
from retranslate.training.finetune import encode, open_learner, train
from retranslate.training.preference import (
    Contest,
    Lesson,
    harm,
    lessons,
    matched,
    preference_loss,
    preferring,
    quality,
    token_logs,
    train_preference,
)
from retranslate.training.recipe import Preference, Recipe, Source

EXAMPLE = Example(
    "The governor said bridge near Basra will open in May.", "The governor said that the bridge near Basra will open in May."
)  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save_causal(tmp_path_factory.mktemp("base"), marker=None)


@pytest.fixture(scope="module")
def tokenizer(base: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(base)


@pytest.fixture
def recipe(base: Path, tmp_path: Path) -> Recipe:
    data = tmp_path / "pairs.tsv"
    lines = tiny_models.sentences(40)
    data.write_text("".join(f"{line.replace(' the ', ' ')}\t{line}\n" for line in lines), "utf-8")
    return Recipe(
        base=base,
        output=tmp_path / "run",
        sources=(Source("pairs", (data,), 1.0),),
        pairs=20,
        batch_tokens=400,
        learning_rate=1e-3,
        warmup=4,
        decay=10,
        frozen_layers=1,
        max_tokens=200,
        preference=Preference(pairs=24, rewrites=4, gap=0.5, temperature=2.0, learning_rate=1e-3),
    )


GOOD = EXAMPLE.target
PARTLY = "The governor said the bridge near Basra will be opened in May."
LOSING = "The governor said that the bridge will open."


# --- Which rewrite is better ---------------------------------------------------------------------------------------


def test_the_target_is_as_good_as_can_be_where_the_guards_let_it_pass() -> None:
    assert quality(EXAMPLE, GOOD) == pytest.approx(100)


def test_quality_is_that_of_the_rewrite_and_of_what_the_guards_let_pass_of_it() -> None:
    assert quality(EXAMPLE, GOOD) > quality(EXAMPLE, PARTLY) > quality(EXAMPLE, LOSING)
    # The guards take back what would be lost, so the whole is better than the rewrite by itself.
    alone = quality(replace(EXAMPLE, source=LOSING), LOSING)
    assert quality(EXAMPLE, LOSING) > alone


def test_the_best_meets_the_worst_and_the_second_best_the_second_worst() -> None:
    worst = "Basra."
    assert matched(EXAMPLE, [LOSING, GOOD, worst, PARTLY, GOOD, ""], gap=1) == [(GOOD, worst), (PARTLY, LOSING)]
    assert matched(EXAMPLE, [LOSING, GOOD, PARTLY], gap=1) == [(GOOD, LOSING)]


@pytest.mark.parametrize("rewrites", [[], [GOOD], [GOOD, GOOD], [""]])
def test_without_two_rewrites_there_is_no_contest(rewrites: list[str]) -> None:
    assert matched(EXAMPLE, rewrites, gap=1) == []


def test_rewrites_that_are_nearly_as_good_do_not_meet() -> None:
    apart = quality(EXAMPLE, GOOD) - quality(EXAMPLE, PARTLY)
    assert matched(EXAMPLE, [GOOD, PARTLY], gap=apart - 0.01) == [(GOOD, PARTLY)]
    assert matched(EXAMPLE, [GOOD, PARTLY], gap=apart + 0.01) == []


def test_lessons_are_contests_in_ids(tokenizer: PreTrainedTokenizerBase, capsys: pytest.CaptureFixture[str]) -> None:
    (lesson,) = lessons([EXAMPLE, EXAMPLE], [[], [Contest(GOOD, LOSING, 1.5)]], tokenizer)
    assert lesson == Lesson(encode(EXAMPLE, tokenizer), encode(replace(EXAMPLE, target=LOSING), tokenizer), 1.5)
    assert len(lesson) == len(lesson.better) + len(lesson.worse)
    assert "1 contests between rewrites of 2 sentences" in capsys.readouterr().err


def test_a_model_that_always_writes_the_same_has_nothing_to_choose(tokenizer: PreTrainedTokenizerBase) -> None:
    with pytest.raises(InputError, match="nothing to choose"):
        lessons([EXAMPLE], [[]], tokenizer)


def test_harm_is_counted_in_a_thousand_words() -> None:
    words = len(EXAMPLE.source.rstrip(".").split())
    assert harm([(EXAMPLE, EXAMPLE.target)]) == 0
    assert harm([]) == 0
    lost = EXAMPLE.source.replace(" in May", "")
    assert harm([(EXAMPLE, lost), (EXAMPLE, EXAMPLE.source)]) == pytest.approx(1000 / (2 * words))


# --- What is learnt ------------------------------------------------------------------------------------------------


def _nats(model: torch.nn.Module, item: Encoded) -> float:
    with torch.inference_mode():
        scores = model(torch.tensor([[*item.prompt, *item.answer]])).logits[0].log_softmax(-1)
    return sum(scores[len(item.prompt) + place - 1, token].item() for place, token in enumerate(item.answer))


def test_token_logs_are_those_of_each_answer_by_itself(base: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    learner = open_learner(base, 0)
    items = [encode(replace(EXAMPLE, target=text), tokenizer) for text in (GOOD, LOSING, "Basra.")]
    with torch.inference_mode():
        logs = token_logs(learner.model, items, tokenizer.eos_token_id)
    assert [len(rows) for rows in logs] == [len(item.answer) for item in items]
    for rows, item in zip(logs, items, strict=True):
        assert rows.sum().item() == pytest.approx(_nats(learner.model, item), rel=1e-3)


def test_the_loss_is_that_of_the_papers(base: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    learner = open_learner(base, 0)
    better, worse = (encode(replace(EXAMPLE, target=text), tokenizer) for text in (GOOD, LOSING))
    high, low = (_nats(learner.model, item) for item in (better, worse))
    settings = Preference(beta=0.5, anchor=0.0)

    def loss(ahead: float, settings: Preference = settings) -> float:
        batch = [Lesson(better, worse, ahead)]
        return preference_loss(learner.model, batch, tokenizer.eos_token_id, settings).item()

    # Where nothing has been learnt, a coin decides.
    assert loss(high - low) == pytest.approx(0.6931, abs=1e-3)
    assert loss(high - low - 2.0) == pytest.approx(-torch.tensor(1.0).sigmoid().log().item(), abs=1e-3)
    anchored = loss(high - low, replace(settings, anchor=0.25))
    assert anchored == pytest.approx(0.6931 - 0.25 * high / len(better.answer), rel=1e-3)


def test_the_better_rewrite_becomes_likelier_and_the_worse_less_likely(
    base: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    learner = open_learner(base, 0)
    better, worse = (encode(replace(EXAMPLE, target=text), tokenizer) for text in (GOOD, LOSING))
    optimizer = torch.optim.AdamW(learner.model.parameters(), lr=1e-3)
    # A model that writes both.
    for _ in range(60):
        loop._step(learner, optimizer, [better, worse], 3e-3, seed=1)
    before = _nats(learner.model, better), _nats(learner.model, worse)
    choosing = preferring(learner, Preference(beta=0.1, anchor=0.25))
    for _ in range(20):
        loop._step(choosing, optimizer, [Lesson(better, worse, before[0] - before[1])], 1e-3, seed=1)
    after = _nats(learner.model, better), _nats(learner.model, worse)
    assert after[0] - after[1] > before[0] - before[1] + 5
    assert after[1] < before[1]
    assert after[0] > before[0] - 2


# --- A run ---------------------------------------------------------------------------------------------------------


def test_a_run_teaches_a_trained_model_and_tells_what_it_did(
    recipe: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = replace(recipe, dev=recipe.sources[0].files, dev_pairs=4)
    trained = train(recipe)
    folder = train_preference(recipe)
    told = capsys.readouterr().err
    assert "contests between rewrites of 24 sentences" in told
    assert told.index("before: ") < told.index("after: ")
    assert folder.parent == recipe.output / "preference"
    before, after = (
        AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).state_dict() for path in (trained, folder)
    )
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert isinstance(Rewriter.load(folder, "cpu").rewrite([Request("The road is open.")])[0].text, str)


def test_another_model_may_be_taught(recipe: Recipe, tmp_path: Path) -> None:
    own = tiny_models.save_causal(tmp_path / "own", marker={"name": "tiny"})
    folder = train_preference(replace(recipe, preference=replace(recipe.preference, model=own)))
    assert (folder / "model.safetensors").is_file()


def test_without_a_trained_model_there_is_nothing_to_teach(recipe: Recipe) -> None:
    with pytest.raises(InputError, match="no trained model"):
        train_preference(recipe)


@pytest.mark.parametrize("moment", ["rewriting", "training"])
def test_a_killed_run_goes_on_and_ends_where_an_unbroken_one_does(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    monkeypatch.setattr(preference, "_AT_ONCE", 5)
    start = tiny_models.save_causal(tmp_path / "own", marker={"name": "tiny"})
    often = replace(recipe, checkpoint_minutes=1e-9, preference=replace(recipe.preference, model=start))
    unbroken = train_preference(replace(often, output=tmp_path / "unbroken"))
    owner, name = (preference._Writer, "contests") if moment == "rewriting" else (loop, "_step")
    with monkeypatch.context() as patched:
        kill_at_call(patched, owner, name, 3)
        with pytest.raises(Killed):
            train_preference(often)
    if moment == "rewriting":
        (kept,) = (often.output / "preference").glob("*.contests")
        with kept.open("a", encoding="utf-8") as stream:
            stream.write('[]\n[{"better": "torn')
    resumed = train_preference(often)
    (lines,), (whole,) = ([p.read_text("utf-8") for p in f.parent.glob("*.contests")] for f in (resumed, unbroken))
    assert lines == whole
    assert len(lines.splitlines()) == recipe.preference.pairs
    expected, found = (
        AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).state_dict() for path in (unbroken, resumed)
    )
    for key in expected:
        torch.testing.assert_close(found[key], expected[key], rtol=1e-4, atol=1e-5)


def test_contests_say_how_far_ahead_their_writer_finds_the_better_one(recipe: Recipe, tmp_path: Path) -> None:
    own = tiny_models.save_causal(tmp_path / "own", marker={"name": "tiny"})
    folder = train_preference(replace(recipe, preference=replace(recipe.preference, model=own)))
    (kept,) = folder.parent.glob("*.contests")
    (examples,) = folder.parent.glob("examples-*.jsonl")
    lines = zip(examples.read_text("utf-8").split("\n"), kept.read_text("utf-8").split("\n"), strict=True)
    example, contest = next((json.loads(one), json.loads(other)[0]) for one, other in lines if other not in ("", "[]"))
    learner = open_learner(own, 0)
    high, low = (
        _nats(learner.model, encode(Example(example["source"], contest[side]), learner.tokenizer))
        for side in ("better", "worse")
    )
    # The writer rounds to bfloat16 where it can.
    assert contest["ahead"] == pytest.approx(high - low, rel=0.05, abs=0.5)
