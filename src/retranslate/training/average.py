"""The mean of checkpoints of one run, which often does better than each of them (Izmailov et al. 2018)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retranslate.errors import InputError
from retranslate.training.checkpoint import OPTIMIZER

if TYPE_CHECKING:
    import torch

WEIGHTS = "model.safetensors"


def mean(states: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The mean of each tensor, summed in float64, in the type of the first. Raises ValueError when names or shapes differ."""
    import torch

    first, *others = states
    for other in others:
        if {name: tensor.shape for name, tensor in first.items()} != {n: t.shape for n, t in other.items()}:
            raise ValueError("the models do not have the same tensors")
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(tensor.dtype)
        for name, tensor in first.items()
    }


def average(checkpoints: Sequence[Path], output: Path) -> Path:
    """Writes the mean of the checkpoints, folders of one run, to the new folder ``output``; the rest is the first one's.

    Raises InputError when one of them cannot be read, when they do not fit together, or when ``output`` exists.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    if output.exists():
        raise InputError(f"{output}: exists already; give a new folder.")
    states = []
    for folder in checkpoints:
        try:
            states.append(load_file(folder / WEIGHTS))
        except (OSError, SafetensorError) as error:
            raise InputError(f"{folder / WEIGHTS}: cannot be read: {error}") from error
    try:
        averaged = mean(states)
    except ValueError as error:
        raise InputError(f"{', '.join(map(str, checkpoints))}: {error}; average checkpoints of one run.") from error
    partial = output.with_name(f"{output.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    try:
        shutil.copytree(checkpoints[0], partial, ignore=shutil.ignore_patterns(WEIGHTS, OPTIMIZER))
        save_file(averaged, partial / WEIGHTS, metadata={"format": "pt"})
        partial.rename(output)
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror or error}.") from error
    return output
