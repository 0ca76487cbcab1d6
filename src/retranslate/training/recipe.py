"""The recipe of a training run: a TOML file, read into frozen settings."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from retranslate.errors import InputError
from retranslate.training.damage import Rates

Kind = Literal["damage", "pairs", "identity"]


@dataclass(frozen=True)
class Source:
    """A share of the mix.

    ``damage``: fluent sentences, one a line, garbled here. ``pairs``: ``garbled<TAB>fluent`` lines, of which only those
    with a token F1 of at least ``min_f1`` and a length ratio within ``ratio`` are taken, since independent references
    teach deletion. ``identity``: fluent sentences that must come back as they are.
    """

    kind: Kind
    files: tuple[Path, ...]
    share: float
    min_f1: float = 0.0
    ratio: tuple[float, float] = (0.8, 1.25)
    words: tuple[int, int] = (4, 45)


@dataclass(frozen=True)
class Recipe:
    """Everything a run depends on. Lengths in tokens, ``checkpoint_minutes`` in minutes, the rest as named.

    The learning rate rises over ``warmup`` pairs, stays, and falls to a tenth over the last ``decay`` pairs of ``pairs``.
    """

    base: Path
    output: Path
    sources: tuple[Source, ...]
    glossary: tuple[Path, ...] = ()
    parser: str = "en_core_web_sm"
    seed: int = 1
    pairs: int = 60_000
    batch_tokens: int = 1_600
    learning_rate: float = 2e-4
    warmup: int = 1_000
    decay: int = 10_000
    frozen_layers: int = 8
    max_tokens: int = 160
    changed_weight: float = 1.0
    checkpoint_minutes: float = 4.0
    rates: Rates = field(default_factory=Rates)


def read_recipe(path: Path) -> Recipe:
    """The recipe at ``path``; relative paths in it are relative to its folder. Raises InputError naming key and file."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot read the recipe: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file: {error}") from error
    folder = path.parent
    known = {item.name for item in fields(Recipe)} - {"sources"} | {"source"}
    if surplus := sorted(set(table) - known):
        raise InputError(f"{path}: unknown key {surplus[0]!r}; known are {', '.join(sorted(known))}.")
    for needed in ("base", "output", "source"):
        if needed not in table:
            raise InputError(f"{path}: the key {needed!r} is missing.")
    sources = tuple(_source(entry, path) for entry in table.pop("source"))
    rates = Rates(**_checked(table.pop("rates", {}), {item.name for item in fields(Rates)}, path, "[rates]"))
    settings: dict[str, Any] = dict(table)
    for name in ("base", "output"):
        settings[name] = folder / settings[name]
    settings["glossary"] = tuple(folder / name for name in settings.get("glossary", ()))
    try:
        return Recipe(sources=sources, rates=rates, **settings)
    except TypeError as error:
        raise InputError(f"{path}: {error}") from error


def _checked(table: dict[str, Any], known: set[str], path: Path, where: str) -> dict[str, Any]:
    if surplus := sorted(set(table) - known):
        raise InputError(f"{path}: unknown key {surplus[0]!r} in {where}; known are {', '.join(sorted(known))}.")
    return table


def _source(entry: dict[str, Any], path: Path) -> Source:
    table = _checked(dict(entry), {item.name for item in fields(Source)}, path, "[[source]]")
    if table.get("kind") not in get_args(Kind):
        raise InputError(f"{path}: [[source]] kind {table.get('kind')!r} is not one of {', '.join(get_args(Kind))}.")
    files = tuple(path.parent / name for name in table.get("files", ()))
    missing = [name for name in files if not name.is_file()]
    if missing or not files:
        raise InputError(f"{path}: [[source]] {table['kind']}: {missing[0] if missing else 'no files'}: no such file.")
    for name in ("ratio", "words"):
        if name in table:
            table[name] = tuple(table[name])
    return Source(**{**table, "files": files})
