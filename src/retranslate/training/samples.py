"""Damage to look at: sentences before and after, and how often each type was done beside how often it is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from retranslate.errors import InputError
from retranslate.training.damage import type_codes
from retranslate.training.data import Example, build
from retranslate.training.recipe import Recipe

RATED = 1_000
"""Sentences that the rates are counted on."""

TYPOLOGY = {
    "LX": 66, "WO": 51, "V1": 18, "V3": 14, "V2": 7, "MV": 14, "MW": 20, "PR": 19, "ID": 17, "QT": 14, "AG": 9, "XW": 9,
    "AR": 8, "TN": 8, "NG": 4, "GL": 2,
}  # fmt: skip
"""How many of 100 garbled sentences of real articles had a type, by one reader's count: read them as +-5."""
TYPOLOGY_MEAN = 3.5
"""Types in one such sentence."""


def damaged(recipe: Recipe, count: int, seed: int | None = None) -> list[Example]:
    """The first ``count`` examples that the recipe's damage makes. Raises InputError when it has none or they give none."""
    sources = tuple(source for source in recipe.sources if source.kind == "damage")
    if not sources:
        raise InputError("the recipe has no [[source]] of the kind 'damage'; there is nothing to show.")
    own = replace(recipe, sources=sources, seed=recipe.seed if seed is None else seed)
    examples = list(build(own, count))
    if not examples:
        raise InputError("the recipe's damage gives no example; widen 'words', or give more files.")
    return examples


def shown(examples: Sequence[Example]) -> Iterator[str]:
    """The examples as text to read, one block each."""
    for number, example in enumerate(examples, start=1):
        hints = "; ".join(f"{wrong} = {right}" for wrong, right in example.hints)
        yield f"{number}  {' '.join(example.types)}\n  - {example.source}\n  + {example.target}" + (
            f"\n  ? {hints}" if hints else ""
        )


def rate_table(examples: Sequence[Example]) -> str:
    """How many of 100 examples have each type, beside the typology's count, and the mean number of types."""
    found = Counter(code for example in examples for code in set(example.types))
    codes = [*TYPOLOGY, *(code for code in type_codes() if code not in TYPOLOGY)]
    lines = ["type   here  found"]
    for code in codes:
        wanted = TYPOLOGY.get(code)
        lines.append(f"{code}    {100 * found[code] / len(examples):6.1f} {'-' if wanted is None else wanted:>6}")
    lines.append(f"mean  {found.total() / len(examples):6.2f} {TYPOLOGY_MEAN:>6}")
    return "\n".join(lines)
