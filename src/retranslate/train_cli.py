"""``retranslate train`` and the commands around it: parse, call, print."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from retranslate.errors import InputError
from retranslate.run_by_default import RunByDefault

train_app = typer.Typer(
    cls=RunByDefault,
    help="Train a model by a recipe. Needs the extra: pip install '.[train]'.",
    rich_markup_mode=None,
)
RecipeFile = Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="What to train on, and how.")]


@contextmanager
def _extra() -> Iterator[None]:
    """Says what to install when a package of the extra is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(f"training needs {error.name}; install the extra: pip install '.[train]'") from error


@train_app.command("run")
def run(
    recipe: RecipeFile,
    encoder_decoder: Annotated[
        bool,
        typer.Option("--encoder-decoder", help="Train a T5- or Marian-type model instead; meant for an accelerator."),
    ] = False,
) -> None:
    """Fine-tune a model by a recipe, from its last checkpoint if there is one; print the folder of the model.

    "retranslate train RECIPE.toml" means this. "retranslate train samples" shows the damage, "retranslate train
    preference" teaches a trained model which of its rewrites are the better ones, "retranslate train average" takes the
    mean of checkpoints, and "retranslate train export" makes one small file of a model.
    """
    with _extra():
        from retranslate.training.finetune import train
        from retranslate.training.recipe import read_recipe
        from retranslate.training.seq2seq import train_encoder_decoder

        print((train_encoder_decoder if encoder_decoder else train)(read_recipe(recipe)))


@train_app.command("samples")
def samples(
    recipe: RecipeFile,
    count: Annotated[int, typer.Option(min=0, help="Sentences to show.")] = 50,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed than the recipe's.")] = None,
) -> None:
    """Show damaged sentences to read, and how often each type of damage is done beside how often it is found."""
    with _extra():
        from retranslate.training.recipe import read_recipe
        from retranslate.training.samples import RATED, damaged, rate_table, shown

        examples = damaged(read_recipe(recipe), max(count, RATED), seed)
        print("\n\n".join([*shown(examples[:count]), f"of 100 in {len(examples):,} sentences\n{rate_table(examples)}"]))


@train_app.command("preference")
def preference(recipe: RecipeFile) -> None:
    """Teach the recipe's trained model which of its own rewrites are the better ones."""
    with _extra():
        from retranslate.training.preference import train_preference
        from retranslate.training.recipe import read_recipe

        print(train_preference(read_recipe(recipe)))


@train_app.command("fluency")
def fluency(
    recipe: RecipeFile,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to write it (.npz).")],
) -> None:
    """Make the detector of sentences so fluent that the model need not read them."""
    with _extra():
        from retranslate.training.detector import train_fluency
        from retranslate.training.recipe import read_recipe

        print(train_fluency(read_recipe(recipe), output))


@train_app.command("average")
def average(
    checkpoints: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Checkpoints of one run.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="A new folder for the mean.")],
) -> None:
    """Write the mean of checkpoints as a model of its own."""
    from retranslate.training.average import average as write_average

    print(write_average(checkpoints, output))


@train_app.command("export")
def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="FOLDER", help="A trained model.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where to write it; --model takes this folder.")
    ],
    quantisation: Annotated[
        str, typer.Option(help="Q8_0, Q5_1, Q5_0, Q4_1, or mixed: what is best within 100 MB.")
    ] = "mixed",
    template: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.gguf", help="A GGUF file with the same tokenizer, if it is not that of the bundled model."
        ),
    ] = None,
) -> None:
    """Write a trained model as one small GGUF file, with its tokenizer beside it; it is named like its folder."""
    with _extra():
        from retranslate.rewriter import BUNDLED
        from retranslate.training.export import WEIGHTS
        from retranslate.training.export import export as write_export

        name = output.resolve().name
        print(write_export(checkpoint, output, quantisation, template=template or BUNDLED / WEIGHTS, name=name))
