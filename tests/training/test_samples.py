"""Samples of damage to read, and the rates beside the typology's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from parsing import PARSER, SENTENCES, parser

from retranslate.errors import InputError
from retranslate.training.damage import type_codes
from retranslate.training.data import Example, prepare, read_examples
from retranslate.training.recipe import Recipe, Source
from retranslate.training.samples import TYPOLOGY, damaged, rate_table, shown


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    parser()
    clean = tmp_path / "clean.txt"
    clean.write_text("\n".join(SENTENCES) + "\n", "utf-8")
    sources = (Source("identity", (clean,), 0.5), Source("damage", (clean,), 0.5))
    return Recipe(base=tmp_path, output=tmp_path / "run", sources=sources, parser=PARSER)


def test_only_damage_is_shown_and_the_seed_decides(recipe: Recipe) -> None:
    first = damaged(recipe, 10)
    assert {example.kind for example in first} == {"damage"}
    assert all(example.types or example.hints or example.source != example.target for example in first)
    assert any(example.types for example in first)
    assert damaged(recipe, 10) == first
    assert damaged(recipe, 10, seed=recipe.seed) == first
    assert damaged(recipe, 10, seed=99) != first


def test_types_are_codes_and_outlive_the_file(recipe: Recipe) -> None:
    examples = read_examples(prepare(recipe, 15))
    assert {code for example in examples for code in example.types} <= set(type_codes())
    assert any(example.types for example in examples)
    assert not any(example.types for example in examples if example.kind == "identity")


def test_a_recipe_without_damage_is_refused(recipe: Recipe) -> None:
    with pytest.raises(InputError, match="of the kind 'damage'"):
        damaged(replace(recipe, sources=recipe.sources[:1]), 5)
    narrow = replace(recipe, sources=(replace(recipe.sources[1], words=(90, 91)),))
    with pytest.raises(InputError, match="gives no example"):
        damaged(narrow, 5)


def test_a_sample_has_its_types_both_texts_and_the_hints() -> None:
    examples = [
        Example("He X that", "X said that", (("a", "b"), ("c", "d")), "damage", ("V2", "LX")),
        Example("e", "f"),
    ]
    assert list(shown(examples)) == ["1  V2 LX\n  - He X that\n  + X said that\n  ? a = b; c = d", "2  \n  - e\n  + f"]


def test_rates_are_shares_of_sentences() -> None:
    examples = [
        Example("a", "b", types=("LX", "V1")),
        Example("a", "b", types=("LX",)),
        Example("a", "b"),
        Example("a", "b"),
    ]
    rows = {row.split()[0]: row.split()[1:] for row in rate_table(examples).splitlines()[1:]}
    assert rows["LX"] == ["50.0", "66"]
    assert rows["V1"] == ["25.0", "18"]
    assert rows["WO"] == ["0.0", "51"]
    assert rows["mean"] == ["0.75", "3.5"]
    assert set(rows) == {*TYPOLOGY, *type_codes(), "mean"}
