"""Training data: readers that name file and line, filters, and a mix that the recipe alone decides."""

from __future__ import annotations

import gzip
import os
import re
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from parsing import PARSER, SENTENCES, parser

from retranslate.errors import InputError
from retranslate.training.damage import Rates
from retranslate.training.data import (
    Example,
    build,
    close_pair,
    fingerprint,
    load_parser,
    prepare,
    read_examples,
    read_lines,
    read_pairs,
    token_f1,
)
from retranslate.training.recipe import Recipe, Source

PAIRS = [
    (f"He said the governor that bridge {n} is open.", f"The governor said that bridge {n} is open.") for n in range(30)
]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    clean, pairs, glossary = tmp_path / "clean.txt", tmp_path / "pairs.tsv", tmp_path / "own.tsv"
    clean.write_text("\n".join(SENTENCES) + "\n", "utf-8")
    pairs.write_text("".join(f"{garbled}\t{fluent}\n" for garbled, fluent in PAIRS), "utf-8")
    glossary.write_text(
        "wrong\tright\tmode\tnear\tnot_near\tcase\tnote\nrepository\tdam\thint\t\t\tkeep\t\nbridge\tspan\thint\t\t\tkeep\t\n",
        "utf-8",
    )
    return Recipe(
        base=tmp_path,
        output=tmp_path / "run",
        sources=(Source("pairs", (pairs,), 0.6), Source("identity", (clean,), 0.4)),
        glossary=(glossary,),
        pairs=12,
    )


@pytest.fixture
def damaging(recipe: Recipe) -> Recipe:
    parser()
    return replace(recipe, sources=(Source("damage", recipe.sources[1].files, 1.0),))


# --- Readers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lines.txt", "lines.txt.gz"])
def test_lines_are_numbered_and_stripped_of_their_ends(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    data = "one\r\n\ntwo é".encode()
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert list(read_lines(path)) == [(1, "one"), (2, ""), (3, "two é")]


@pytest.mark.parametrize(
    ("name", "data", "line", "message"),
    [
        ("a.txt", b"one\ncaf\xe9\n", 2, "byte 4 is not UTF-8"),
        ("a.txt.gz", b"no gzip at all", 1, "cannot read on"),
        ("a.txt.gz", gzip.compress(b"one\ntwo\n" * 5000)[:-30], None, "cannot read on"),
    ],
    ids=["not UTF-8", "not gzip", "cut off"],
)
def test_a_broken_file_is_refused_by_line(
    tmp_path: Path, name: str, data: bytes, line: int | None, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        list(read_lines(path))
    assert re.match(rf"{re.escape(str(path))}:{line or '[0-9]+'}: ", str(caught.value))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lost\.txt:1: cannot read on"):
        list(read_lines(tmp_path / "lost.txt"))


@pytest.mark.parametrize(("bad", "columns"), [("no tab", 1), ("one\ttwo\tthree", 3), ("", 1)])
def test_a_pair_needs_exactly_one_tab(tmp_path: Path, bad: str, columns: int) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(f"a\tb\n{bad}\nc\td\n", "utf-8")
    with pytest.raises(InputError, match=rf"pairs\.tsv:2: {columns} columns where 2 are needed"):
        list(read_pairs(path))


# --- Filters -------------------------------------------------------------------------------------------------------


def test_token_f1_is_the_overlap_of_words() -> None:
    assert token_f1("the road is open", "The road is open") == 1.0
    assert token_f1("the road", "a port") == 0.0
    assert token_f1("the old road", "the road") == pytest.approx(0.8)
    assert token_f1("", "") == 0.0


@pytest.mark.parametrize(
    ("source", "target", "close"),
    [
        ("he said the road open now", "he said the road is open now", True),
        ("he said the road open now", "something else that has as many words", False),
        ("he said the road open now", "he said the road open now and more and more and more", False),
        ("too short", "too short", False),
        ("", "", False),
        ("the road is open", "the road is open", True),
    ],
)
def test_only_close_pairs_are_taken(source: str, target: str, close: bool) -> None:
    settings = Source("pairs", (), 1.0, min_f1=0.65, ratio=(0.8, 1.25), words=(4, 20))
    assert close_pair(source, target, settings) is close


def test_guarded_pairs_are_those_that_no_guard_would_refuse() -> None:
    plain, guarded = (Source("pairs", (), 1.0, guarded=wanted, words=(4, 20)) for wanted in (False, True))
    invented = ("the road open in Basra since 2014", "the road is open in Mosul since 2015")
    assert close_pair(*invented, plain)
    assert not close_pair(*invented, guarded)
    assert close_pair("the road open in Basra since 2014", "the road is open in Basra since 2014", guarded)


# --- The mix -------------------------------------------------------------------------------------------------------


def test_the_same_recipe_gives_the_same_examples(recipe: Recipe) -> None:
    assert list(build(recipe, 20)) == list(build(recipe, 20))


def test_more_examples_begin_with_the_same_ones(recipe: Recipe) -> None:
    assert list(build(recipe, 8)) == list(build(recipe, 30))[:8]


def test_another_seed_gives_others(recipe: Recipe) -> None:
    assert list(build(recipe, 8)) != list(build(replace(recipe, seed=2), 8))


def test_sources_that_run_dry_give_what_they_have(recipe: Recipe) -> None:
    kinds = Counter(example.kind for example in build(recipe, 1000))
    assert kinds == {"pairs": len(PAIRS), "identity": len(SENTENCES)}


def test_identity_examples_are_their_own_target(recipe: Recipe) -> None:
    for example in build(recipe, 1000):
        if example.kind == "identity":
            assert example.source == example.target


def test_distractors_are_words_that_stand_in_the_target(recipe: Recipe) -> None:
    hinted = [example for example in build(recipe, 1000) if example.hints]
    assert hinted
    for example in hinted:
        for wrong, _ in example.hints:
            assert re.search(rf"\b{wrong}\b", example.target)


def test_post_edits_come_as_glossary_and_rules_hand_them_to_the_model(recipe: Recipe, tmp_path: Path) -> None:
    pairs = {
        "Daash entered the town in July.": "Daesh went into the town in July.",
        "Daash left the repository.": "The group left the dam.",
        "The repository is full.": "The dam is full.",
    }
    file = tmp_path / "edits.tsv"
    file.write_text("".join(f"{garbled}\t{edited}\n" for garbled, edited in pairs.items()), "utf-8")
    examples = list(build(replace(recipe, sources=(Source("post-edits", (file,), 1.0, ratio=(0.5, 2.0)),)), 9))
    terms = {example.target: tuple(hint for hint in example.hints if hint[0] != hint[1]) for example in examples}
    assert {example.target: (example.source, terms[example.target]) for example in examples} == {
        "Daesh went into the town in July.": ("Daesh entered the town in July.", ()),
        "The dam is full.": ("The repository is full.", (("repository", "dam"),)),
        # The editor took another word than the glossary: nothing is handed over that would have to be undone.
        "The group left the dam.": ("Daash left the repository.", ()),
    }


def test_some_post_edits_remind_the_model_of_words_that_both_sides_have(recipe: Recipe, tmp_path: Path) -> None:
    file = tmp_path / "edits.tsv"
    lines = [f"He said Karim that boats {n} of the North are clean." for n in range(200)]
    file.write_text(
        "".join(f"{line}\tKarim said that boats {n} in the North are dry.\n" for n, line in enumerate(lines))
    )
    examples = list(build(replace(recipe, sources=(Source("post-edits", (file,), 1.0),)), 200))
    reminders = [hint for example in examples for hint in example.hints]
    assert 30 <= sum(bool(example.hints) for example in examples) <= 90
    assert set(reminders) == {(word, word) for word in ("Karim", "boats", "North")}
    assert max(len(example.hints) for example in examples) == 3


def test_damage_gives_garbled_sources_for_clean_targets(damaging: Recipe) -> None:
    # A single draw hangs on the glossary, which is read backwards.
    seeds = range(1, 6)
    examples = [example for seed in seeds for example in build(replace(damaging, seed=seed), 40)]
    assert len(examples) >= len(seeds) * (len(SENTENCES) - 2)
    for example in examples:
        assert example.source != example.target
        assert example.kind == "damage"


def test_damaged_examples_depend_on_the_recipe_alone(damaging: Recipe) -> None:
    assert list(build(damaging, 10)) == list(build(damaging, 10))


def test_every_hint_of_a_damaged_example_is_in_its_source(damaging: Recipe) -> None:
    for example in build(replace(damaging, rates=Rates(LX=1.0, GL=0.0)), 40):
        for wrong, _ in example.hints:
            assert wrong.lower() in example.source.lower()


def test_an_unknown_parser_is_refused_with_what_to_install() -> None:
    with pytest.raises(InputError, match=r"'no_such_parser' cannot be loaded .* pip install '\.\[train\]'"):
        load_parser("no_such_parser")


def test_the_default_parser_is_the_one_of_the_extra(recipe: Recipe) -> None:
    assert recipe.parser == PARSER


# --- The file ------------------------------------------------------------------------------------------------------


def test_prepared_examples_are_read_back(recipe: Recipe) -> None:
    assert read_examples(prepare(recipe, 12)) == list(build(recipe, 12))


def test_what_was_prepared_is_used_again(recipe: Recipe) -> None:
    path = prepare(recipe, 12)
    before = path.stat().st_mtime_ns
    assert prepare(recipe, 12) == path
    assert path.stat().st_mtime_ns == before


def test_half_a_file_is_never_taken_for_a_whole_one(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(recipe: Recipe, count: int) -> object:
        yield from islice(build(recipe, count), 3)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("retranslate.training.data.build", breaking)
        with pytest.raises(KeyboardInterrupt):
            prepare(recipe, 12)
    assert not list(recipe.output.glob("*.jsonl"))
    assert len(read_examples(prepare(recipe, 12))) == 12


def _grow(path: Path) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write("One more line here now.\tOne more line here now.\n")


@pytest.mark.parametrize("what", ["count", "seed", "rates", "parser", "share", "file", "glossary"])
def test_the_fingerprint_changes_with_what_examples_depend_on(recipe: Recipe, what: str) -> None:
    before = fingerprint(recipe, 12)
    after, count = recipe, 12
    match what:
        case "count":
            count = 13
        case "seed":
            after = replace(recipe, seed=2)
        case "rates":
            after = replace(recipe, rates=Rates(V1=0.1))
        case "parser":
            after = replace(recipe, parser="other")
        case "share":
            after = replace(recipe, sources=(recipe.sources[0], replace(recipe.sources[1], share=0.5)))
        case "file":
            _grow(recipe.sources[0].files[0])
        case "glossary":
            with recipe.glossary[0].open("a", encoding="utf-8") as stream:
                stream.write("owl\tbird\thint\t\t\tkeep\t\n")
    assert fingerprint(after, count) != before


def test_the_fingerprint_stays_with_settings_of_the_training(recipe: Recipe) -> None:
    assert fingerprint(replace(recipe, learning_rate=0.5, batch_tokens=3), 12) == fingerprint(recipe, 12)


def test_sources_without_an_example_are_refused(recipe: Recipe) -> None:
    narrow = replace(recipe, sources=tuple(replace(source, words=(90, 91)) for source in recipe.sources))
    with pytest.raises(InputError, match="give no example"):
        prepare(narrow, 5)
    assert not list(recipe.output.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_that_cannot_be_made_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be made"):
        prepare(recipe, 5)


def test_an_output_that_is_a_file_is_refused(recipe: Recipe) -> None:
    recipe.output.write_text("", "utf-8")
    with pytest.raises(InputError, match="cannot be made"):
        prepare(recipe, 5)


def test_an_example_is_a_value() -> None:
    assert Example("a", "b") == Example("a", "b", (), "")
