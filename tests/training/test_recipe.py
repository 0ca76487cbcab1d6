"""Recipes: what is read, and how a wrong one is refused with file and key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from retranslate.errors import InputError
from retranslate.training.damage import Rates
from retranslate.training.recipe import CHANGEABLE, EncoderDecoder, Preference, Recipe, Source, read_recipe

SOURCE = '[[source]]\nkind = "damage"\nshare = 0.5\nfiles = ["clean.txt"]\n'
TOP = 'base = "base"\noutput = "run"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base").mkdir()
    (tmp_path / "clean.txt").write_text("A sentence.\n", "utf-8")
    (tmp_path / "own.tsv").write_text("", "utf-8")
    return tmp_path


def recipe(folder: Path, text: str) -> Recipe:
    path = folder / "recipe.toml"
    path.write_text(text, "utf-8")
    return read_recipe(path)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        recipe(folder, text)
    message = str(caught.value)
    assert message.startswith(str(folder / "recipe.toml"))
    assert "\n" not in message
    return message.removeprefix(str(folder / "recipe.toml"))


def test_paths_are_relative_to_the_recipe_and_the_rest_has_defaults(folder: Path) -> None:
    assert recipe(folder, TOP + SOURCE) == Recipe(
        base=folder / "base",
        output=folder / "run",
        sources=(Source("damage", (folder / "clean.txt",), 0.5),),
    )


def test_every_setting_is_read(folder: Path) -> None:
    text = TOP + (
        'glossary = ["own.tsv"]\nparser = "other"\nseed = 5\npairs = 10\nbatch_tokens = 20\nlearning_rate = 1e-5\nwarmup = 1\ndecay = 2\n'
        "frozen_layers = 3\nmax_tokens = 40\ncheckpoint_minutes = 2\nchanged_weight = 2\ndev = ['own.tsv']\ndev_pairs = 7\n[rates]\nV1 = 0.5\nLX = 1\n"
        "[encoder_decoder]\nfamily = 'marian'\nvocabulary = 300\nwidth = 32\nfeed_forward = 64\nlayers = 2\nheads = 4\ndropout = 0\n"
        "[preference]\npairs = 9\nrewrites = 3\ntemperature = 1\ngap = 2\nbeta = 0.5\nanchor = 0\nlearning_rate = 1e-6\nmodel = 'base'\n"
        '[[source]]\nkind = "pairs"\nshare = 1\nfiles = ["clean.txt"]\nmin_f1 = 0.7\nguarded = true\nratio = [0.9, 1]\nwords = [2, 30]\n'
    )
    assert recipe(folder, text) == Recipe(
        base=folder / "base",
        output=folder / "run",
        sources=(Source("pairs", (folder / "clean.txt",), 1.0, 0.7, True, (0.9, 1.0), (2, 30)),),
        glossary=(folder / "own.tsv",),
        parser="other",
        seed=5,
        pairs=10,
        batch_tokens=20,
        learning_rate=1e-5,
        warmup=1,
        decay=2,
        frozen_layers=3,
        max_tokens=40,
        checkpoint_minutes=2.0,
        changed_weight=2.0,
        dev=(folder / "own.tsv",),
        dev_pairs=7,
        rates=Rates(V1=0.5, LX=1.0),
        encoder_decoder=EncoderDecoder("marian", 300, 32, 64, 2, 4, 0.0),
        preference=Preference(9, 3, 1.0, 2.0, 0.5, 0.0, 1e-6, folder / "base"),
    )


@pytest.mark.parametrize(("table", "shape"), [("", None), ("[encoder_decoder]\n", EncoderDecoder())])
def test_a_recipe_needs_no_base(folder: Path, table: str, shape: EncoderDecoder | None) -> None:
    assert recipe(folder, 'output = "run"\n' + SOURCE + table) == Recipe(
        base=None,
        output=folder / "run",
        sources=(Source("damage", (folder / "clean.txt",), 0.5),),
        encoder_decoder=shape,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('base = "base"\n' + SOURCE, "the key 'output' is missing"),
        (TOP, "the key 'source' is missing"),
        (TOP + "source = 3", "'source' must be one or more [[source]] tables"),
        (TOP + "source = []", "'source' must be one or more [[source]] tables"),
        (TOP + "steps = 3\n" + SOURCE, "unknown key 'steps'"),
        (TOP.replace('"base"', '"elsewhere"') + SOURCE, "base: "),
        (TOP.replace('"base"', "3") + SOURCE, "base: 3 is not a text"),
        (TOP + "pairs = 0\n" + SOURCE, "pairs: 0 is not a whole number of at least 1"),
        (TOP + "pairs = 2.5\n" + SOURCE, "pairs: 2.5 is not a whole number"),
        (TOP + "pairs = true\n" + SOURCE, "pairs: True is not a whole number"),
        (TOP + 'seed = "x"\n' + SOURCE, "seed: 'x' is not a whole number"),
        (TOP + "learning_rate = 0\n" + SOURCE, "learning_rate: 0 is not a number above 0"),
        (TOP + "learning_rate = inf\n" + SOURCE, "learning_rate: inf is not a number above 0"),
        (TOP + "learning_rate = nan\n" + SOURCE, "learning_rate: nan is not a number above 0"),
        (TOP + "frozen_layers = -1\n" + SOURCE, "frozen_layers: -1 is not a whole number of at least 0"),
        (TOP + 'glossary = "own.tsv"\n' + SOURCE, "glossary: 'own.tsv' is not a list of file names"),
        (TOP + 'glossary = ["lost.tsv"]\n' + SOURCE, "no such file"),
        (TOP + "rates = 3\n" + SOURCE, "'rates' must be a table"),
        (TOP + SOURCE + "[rates]\nV9 = 0.5\n", "[rates]: unknown key 'V9'; known are AG, AR"),
        (TOP + SOURCE + "[rates]\nV1 = 1.5\n", "[rates]: V1: 1.5 is not a number from 0 to 1"),
        (
            TOP + SOURCE.replace('"damage"', '"noise"'),
            "[[source]] 1: kind: 'noise' is not one of damage, pairs, post-edits, identity",
        ),
        (TOP + SOURCE + SOURCE.replace("0.5", "0"), "[[source]] 2: share: 0 is not a number above 0"),
        (TOP + SOURCE.replace("share = 0.5\n", ""), "[[source]] 1: the key 'share' is missing"),
        (TOP + SOURCE.replace('["clean.txt"]', "[]"), "[[source]] 1: files: none given"),
        (TOP + SOURCE.replace("clean.txt", "lost.txt"), "[[source]] 1: files: "),
        (TOP + SOURCE + "weight = 2\n", "[[source]] 1: unknown key 'weight'"),
        (TOP + SOURCE + "words = [5]\n", "[[source]] 1: words: [5] is not two whole numbers"),
        (TOP + SOURCE + "words = [9, 5]\n", "[[source]] 1: words: [9, 5] is not two whole numbers"),
        (TOP + SOURCE + "words = [0, 5]\n", "[[source]] 1: words: [0, 5] is not two whole numbers"),
        (TOP + SOURCE + "words = [1.5, 5]\n", "[[source]] 1: words: [1.5, 5] is not two whole numbers"),
        (TOP + SOURCE + 'ratio = ["a", "b"]\n', "[[source]] 1: ratio: ['a', 'b'] is not two numbers"),
        (TOP + SOURCE + "min_f1 = 2\n", "[[source]] 1: min_f1: 2 is not a number from 0 to 1"),
        (TOP + "changed_weight = 0.5\n" + SOURCE, "changed_weight: 0.5 is not a number of at least 1"),
        (TOP + 'dev = ["lost.tsv"]\n' + SOURCE, "dev: "),
        (TOP + "dev_pairs = 0\n" + SOURCE, "dev_pairs: 0 is not a whole number"),
        (TOP + "encoder_decoder = 3\n" + SOURCE, "'encoder_decoder' must be a table [encoder_decoder]"),
        (
            TOP + SOURCE + "[encoder_decoder]\nfamily = 'gpt'\n",
            "[encoder_decoder]: family: 'gpt' is not one of t5, marian",
        ),
        (
            TOP + SOURCE + "[encoder_decoder]\nwidth = 100\n",
            "[encoder_decoder]: width: 100 is not a multiple of twice the heads (8)",
        ),
        (
            TOP + SOURCE + "[encoder_decoder]\ndropout = 1\n",
            "[encoder_decoder]: dropout: 1 is not a number from 0, below 1",
        ),
        (TOP + SOURCE + "[encoder_decoder]\ndepth = 1\n", "[encoder_decoder]: unknown key 'depth'"),
        (TOP + SOURCE + "[preference]\nbeta = 0\n", "[preference]: beta: 0 is not a number above 0"),
        (TOP + SOURCE + "[preference]\nanchor = -1\n", "[preference]: anchor: -1 is not a number of at least 0"),
        (
            TOP + SOURCE + "[preference]\nweight = 1\n",
            "[preference]: unknown key 'weight'; known are anchor, beta, gap, learning_rate, model, pairs, rewrites, temperature",
        ),
        ("base = ", "not a TOML file"),
    ],
)
def test_a_wrong_recipe_is_refused_by_key(folder: Path, text: str, message: str) -> None:
    assert message in refusal(folder, text)


def test_a_missing_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the recipe: No such file"):
        read_recipe(tmp_path / "lost.toml")


def test_a_recipe_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(b'base = "caf\xe9"')
    with pytest.raises(InputError, match="not a TOML file"):
        read_recipe(path)


CHANGES = {
    "pairs": 5, "decay": 6, "checkpoint_minutes": 7.0, "output": Path("elsewhere"), "base": Path("other"), "sources": (), "glossary": (Path("g"),),
    "parser": "p", "seed": 9, "batch_tokens": 9, "learning_rate": 0.5, "warmup": 9, "frozen_layers": 1, "max_tokens": 9, "rates": Rates(V1=0.1),
    "changed_weight": 2.0, "dev": (Path("d"),), "dev_pairs": 3, "encoder_decoder": EncoderDecoder(), "preference": Preference(beta=2.0),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_the_fingerprint_stays_only_when_what_may_change_changes(folder: Path, name: str) -> None:
    before = recipe(folder, TOP + SOURCE)
    after = replace(before, **{name: CHANGES[name]})
    assert (before.fingerprint == after.fingerprint) is (name in CHANGEABLE)


def test_every_setting_counts_for_the_fingerprint_or_is_listed() -> None:
    assert set(CHANGES) == set(Recipe.__dataclass_fields__)
