"""``retranslate train``: the commands reach what they are about, and what is wrong is said in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tiny_models
from retranslate.cli import app
from retranslate.errors import InputError
from retranslate.training import samples as samples_module


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    tiny_models.save_causal(tmp_path / "base", marker=None)
    lines = tiny_models.sentences(20)
    (tmp_path / "pairs.tsv").write_text("".join(f"{one.replace(' the ', ' ')}\t{one}\n" for one in lines), "utf-8")
    path = tmp_path / "recipe.toml"
    path.write_text(
        'base = "base"\noutput = "run"\npairs = 20\nbatch_tokens = 400\nfrozen_layers = 1\nmax_tokens = 200\n'
        '[[source]]\nkind = "pairs"\nshare = 1\nfiles = ["pairs.tsv"]\n[preference]\npairs = 10\nrewrites = 4\ngap = 0.5\ntemperature = 2.0\n'
        "[encoder_decoder]\nvocabulary = 200\nwidth = 16\nfeed_forward = 16\nlayers = 1\nheads = 2\n",
        "utf-8",
    )
    return path


def printed(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["train", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_model_is_trained_taught_to_prefer_and_averaged(recipe: Path) -> None:
    folder = Path(printed(recipe).strip())
    assert json.loads((recipe.parent / "run" / "last.json").read_text("utf-8"))["pairs"] == 20
    assert printed("run", recipe).strip() == str(folder)
    preferring = Path(printed("preference", recipe).strip())
    assert (preferring / "model.safetensors").is_file()
    assert preferring.parent.name == "preference"
    output = recipe.parent / "mean"
    assert printed("average", folder, preferring, "-o", output).strip() == str(output)
    assert (output / "model.safetensors").is_file()


def test_an_encoder_decoder_is_trained_from_the_same_recipe(recipe: Path) -> None:
    folder = Path(printed(recipe, "--encoder-decoder").strip())
    assert folder.parent == recipe.parent / "run" / "encoder-decoder"
    assert json.loads((folder / "config.json").read_text("utf-8"))["model_type"] == "t5"


def test_samples_are_shown_with_their_rates(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from retranslate.training.data import Example

    asked = []

    def damaged(_: object, count: int, seed: int | None) -> list[Example]:
        asked.append((count, seed))
        return [Example(f"source {n}", "target", (), "damage", ("V1",)) for n in range(count)]

    monkeypatch.setattr(samples_module, "damaged", damaged)
    text = printed("samples", recipe, "--count", 2, "--seed", 7)
    assert asked == [(samples_module.RATED, 7)]
    assert "source 1" in text
    assert "source 2" not in text
    assert "V1     100.0     18" in text


def test_a_recipe_that_is_not_there_is_refused_by_every_command(tmp_path: Path) -> None:
    for command in ([], ["run"], ["samples"], ["preference"]):
        with pytest.raises(InputError, match="cannot read the recipe"):
            CliRunner().invoke(app, ["train", *command, str(tmp_path / "lost.toml")], catch_exceptions=False)
