"""The options that several commands share, and the Corrector that they ask for."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from retranslate.errors import InputError

if TYPE_CHECKING:
    from retranslate.corrector import Corrector

Margin = Literal["strict", "default", "bold"]

Glossaries = Annotated[
    list[Path] | None, typer.Option("--glossary", metavar="FILE", help="A glossary of your own (TSV); may be repeated.")
]
NoDefault = Annotated[bool, typer.Option("--no-default-glossary", help="Leave the bundled glossaries out.")]
NoModel = Annotated[bool, typer.Option("--no-model", help="Glossary and rules only; fast, and no torch is loaded.")]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="DIR_OR_ID", help="Another model: a folder, or the hub id of one in the local cache."
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        help="torch, llama.cpp, or a device of torch: cpu, cuda, mps. By default torch on the best there is; for a short text llama.cpp, where it is installed and can.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Accept only rewrites that read much better.")]
Bold = Annotated[bool, typer.Option("--bold", help="Accept rewrites that read a little better.")]
BatchSize = Annotated[
    int, typer.Option("--batch-size", min=1, max=1024, help="Sentences decoded together; changes speed only.")
]

SecondChance = Annotated[
    int,
    typer.Option(
        "--second-chance",
        metavar="N",
        min=0,
        max=16,
        help="Ask for N other rewrites where nothing of one could stand; 0 is faster.",
    ),
]


def margin(strict: bool, bold: bool) -> Margin:
    """The name of the margin asked for. Raises InputError when it is two."""
    if strict and bold:
        raise InputError("--strict and --bold exclude each other; give one.")
    return "strict" if strict else "bold" if bold else "default"


def corrector(
    glossary: list[Path] | None,
    no_default_glossary: bool,
    no_model: bool,
    model: str | None,
    device: str | None,
    margin: Margin,
    batch_size: int,
    second_chance: int,
    characters: int | None = None,
) -> Corrector:
    """The Corrector that the options ask for. Raises InputError when they contradict each other or cannot be met.

    Where all that is to be repaired is known, ``characters`` says how much it is.
    """
    from retranslate.corrector import MARGINS, Corrector, Settings
    from retranslate.glossary import Glossary
    from retranslate.rewriter import quickest

    if no_model and model is not None:
        raise InputError("--no-model and --model exclude each other; give one.")
    terms = Glossary.load(glossary or (), bundled=not no_default_glossary)
    settings = Settings(margin=MARGINS[margin], batch_size=batch_size, second_chance=second_chance)
    if no_model:
        return Corrector.without_model(glossary=terms, settings=settings)
    if device is None and characters is not None:
        device = quickest(model, characters)
    made = Corrector.from_pretrained(model, glossary=terms, device=device, settings=settings)
    # What there is by now stays to the end of the process: to look for garbage in it takes longer than a sentence does.
    gc.freeze()
    return made
