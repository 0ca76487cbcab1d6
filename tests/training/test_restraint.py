"""Restraint: which tokens are unlearnt, that it works, and that it goes on where it stopped."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from killing import Killed, kill_at_call
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

import tiny_models
from retranslate.errors import InputError
from retranslate.rewriter import Request, Rewrite, Rewriter
from retranslate.training import loop, restraint
from retranslate.training.data import Example
from retranslate.training.finetune import encode, open_learner, train
from retranslate.training.recipe import Recipe, Restraint, Source
from retranslate.training.restraint import contrasts, harm, lessons, train_restraint

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
        restraint=Restraint(pairs=24, learning_rate=1e-3),
    )


def _marked(tokenizer: PreTrainedTokenizerBase, ids: tuple[int, ...], weights: tuple[float, ...], sign: int) -> str:
    text: str = tokenizer.decode([one for one, weight in zip(ids, weights, strict=True) if weight * sign > 0])
    return text


# --- Which tokens --------------------------------------------------------------------------------------------------


def test_what_was_invented_must_not_be_written(tokenizer: PreTrainedTokenizerBase) -> None:
    rewrite = Rewrite("The governor said that the bridge near Basra will open in Sunday May.", 0.0)
    (refused,) = contrasts(EXAMPLE, rewrite, tokenizer, weight=2.0)[:1]
    assert set(refused.weights) == {0.0, -2.0}
    marked = _marked(tokenizer, refused.answer, refused.weights, -1)
    assert "Sunday" in marked
    assert "that" not in marked
    assert "bridge" not in marked


def test_where_something_was_lost_the_next_word_must_not_follow_and_the_lost_one_must(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    rewrite = Rewrite("The governor said that the bridge will open in May.", 0.0)
    refused, accepted = contrasts(EXAMPLE, rewrite, tokenizer, weight=1.0)
    assert _marked(tokenizer, refused.answer, refused.weights, -1).strip() == "will"
    must = _marked(tokenizer, accepted.answer, accepted.weights, 1)
    assert "near" in must
    assert set(accepted.weights) == {0.0, 1.0}


@pytest.mark.parametrize(
    "text",
    [EXAMPLE.source, EXAMPLE.target, "The governor said the bridge near Basra will open in May."],
    ids=["nothing done", "the target", "less than the target"],
)
def test_what_the_guards_accept_is_not_unlearnt(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    assert contrasts(EXAMPLE, Rewrite(text, 0.0), tokenizer, weight=1.0) == []


def test_what_the_target_says_too_is_not_unlearnt_though_a_guard_refuses_it(tokenizer: PreTrainedTokenizerBase) -> None:
    example = replace(EXAMPLE, target="The governor said that the bridge near Basra will open on Sunday.")
    assert contrasts(example, Rewrite(example.target, 0.0), tokenizer, weight=1.0) == []


def test_an_answer_without_an_end_teaches_nothing_about_the_end(tokenizer: PreTrainedTokenizerBase) -> None:
    rewrite = Rewrite("The governor said " + "the bridge " * 20, 0.0, complete=False)
    refused = contrasts(EXAMPLE, rewrite, tokenizer, weight=1.0)[0]
    assert refused.answer[-1] != tokenizer.eos_token_id
    assert len(refused.answer) == len(refused.weights)


def test_lessons_have_the_targets_and_some_that_went_well(
    tokenizer: PreTrainedTokenizerBase, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = Rewrite("The governor said that the bridge will open in May.", 0.0)
    examples = [EXAMPLE] * 8
    rewrites = [None, bad, *[Rewrite(EXAMPLE.target, 0.0)] * 6]
    items = lessons(examples, rewrites, tokenizer, weight=1.0)
    assert "1 of 8 rewrites have something to unlearn" in capsys.readouterr().err
    assert len(items) == 3 + restraint.ANCHORS
    assert sum(set(item.weights) == {1.0} for item in items) == 1 + restraint.ANCHORS


def test_a_model_without_fault_has_nothing_to_learn(tokenizer: PreTrainedTokenizerBase) -> None:
    with pytest.raises(InputError, match="refuse none of the model's rewrites"):
        lessons([EXAMPLE], [Rewrite(EXAMPLE.target, 0.0)], tokenizer, weight=1.0)


def test_harm_is_counted_in_a_thousand_words() -> None:
    words = len(EXAMPLE.source.rstrip(".").split())
    assert harm([(EXAMPLE, EXAMPLE.target)]) == 0
    assert harm([]) == 0
    lost = EXAMPLE.source.replace(" in May", "")
    assert harm([(EXAMPLE, lost), (EXAMPLE, EXAMPLE.source)]) == pytest.approx(1000 / (2 * words))


# --- A run ---------------------------------------------------------------------------------------------------------


def test_a_refused_token_becomes_less_likely(base: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    rewrite = Rewrite("The governor said that the bridge will open in May.", 0.0)
    items = contrasts(EXAMPLE, rewrite, tokenizer, weight=1.0)
    learner = open_learner(base, 0)
    optimizer = torch.optim.AdamW(learner.model.parameters(), lr=1e-3)

    def chances() -> tuple[float, float]:
        found = []
        for item in items:
            with torch.inference_mode():
                scores = learner.model(torch.tensor([[*item.prompt, *item.answer]])).logits[0].log_softmax(-1)
            place = next(number for number, weight in enumerate(item.weights) if weight)
            found.append(math.exp(scores[len(item.prompt) + place - 1, item.answer[place]]))
        return found[0], found[1]

    # A model that writes just this.
    habit = [encode(replace(EXAMPLE, target=rewrite.text), tokenizer)]
    while chances()[0] < 0.9:
        loop._step(learner, optimizer, habit, 3e-3, seed=1)
    before = chances()
    for _ in range(20):
        loop._step(learner, optimizer, items, 3e-3, seed=1)
    after = chances()
    assert after[0] < 0.1 < before[0]
    assert after[1] > 0.5 > before[1]


def test_a_run_teaches_a_trained_model_and_tells_what_it_did(
    recipe: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = replace(recipe, dev=recipe.sources[0].files, dev_pairs=4)
    trained = train(recipe)
    folder = train_restraint(recipe)
    told = capsys.readouterr().err
    assert "rewrites have something to unlearn" in told
    assert told.index("before: ") < told.index("after: ")
    assert folder.parent == recipe.output / "restraint"
    before, after = (
        AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).state_dict() for path in (trained, folder)
    )
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert isinstance(Rewriter.load(folder, "cpu").rewrite([Request("The road is open.")])[0].text, str)


def test_another_model_may_be_taught(recipe: Recipe, base: Path, tmp_path: Path) -> None:
    own = tiny_models.save_causal(tmp_path / "own", marker={"name": "tiny"})
    folder = train_restraint(replace(recipe, restraint=replace(recipe.restraint, model=own)))
    assert (folder / "model.safetensors").is_file()


def test_without_a_trained_model_there_is_nothing_to_teach(recipe: Recipe) -> None:
    with pytest.raises(InputError, match="no trained model"):
        train_restraint(recipe)


@pytest.mark.parametrize("moment", ["rewriting", "training"])
def test_a_killed_run_goes_on_and_ends_where_an_unbroken_one_does(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    monkeypatch.setattr(restraint, "_AT_ONCE", 5)
    start = tiny_models.save_causal(tmp_path / "own", marker={"name": "tiny"})
    often = replace(recipe, checkpoint_minutes=1e-9, restraint=replace(recipe.restraint, model=start))
    unbroken = train_restraint(replace(often, output=tmp_path / "unbroken"))
    owner, name = (Rewriter, "rewrite") if moment == "rewriting" else (loop, "_step")
    with monkeypatch.context() as patched:
        kill_at_call(patched, owner, name, 3)
        with pytest.raises(Killed):
            train_restraint(often)
    if moment == "rewriting":
        (kept,) = (often.output / "restraint").glob("*.rewrites")
        with kept.open("a", encoding="utf-8") as stream:
            stream.write('{"text": "torn')
    resumed = train_restraint(often)
    lines = [path.read_text("utf-8") for path in sorted(resumed.parent.glob("*.rewrites"))]
    assert lines == [path.read_text("utf-8") for path in sorted(unbroken.parent.glob("*.rewrites"))]
    expected, found = (
        AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).state_dict() for path in (unbroken, resumed)
    )
    for key in expected:
        torch.testing.assert_close(found[key], expected[key], rtol=1e-4, atol=1e-5)


def test_rewrites_are_those_of_the_rewriter(base: Path, tmp_path: Path) -> None:
    rewriter = Rewriter.load(tiny_models.save_causal(tmp_path / "own", marker={"max_tokens": 80}), "cpu")
    long = Example("the road " * 90, "the road")
    examples = [EXAMPLE, long, replace(EXAMPLE, hints=(("bridge", "span"),))]
    found = restraint._rewritten(rewriter, examples, tmp_path / "some.rewrites")
    assert found[1] is None
    assert [found[0], found[2]] == rewriter.rewrite(
        [Request(one.source, one.hints) for one in (examples[0], examples[2])]
    )
    assert len((tmp_path / "some.rewrites").read_text("utf-8").splitlines()) == 3
    assert json.loads((tmp_path / "some.rewrites").read_text("utf-8").splitlines()[1]) is None
