"""Checkpoints that survive being killed at any moment.

Two folders take turns, and a small marker file says which of them is whole. A checkpoint goes into the folder that the
marker does not name; only when it is complete is the marker replaced, in one step. So a run loses at most what it
learnt since its last checkpoint. The best model, where there are pairs to tell it by, is kept beside them in the same way.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retranslate.errors import InputError
from retranslate.rewriter import MARKER

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

LAST = "last.json"
BEST = "best.json"
_SLOTS = ("checkpoint-a", "checkpoint-b")
_BEST_SLOTS = ("best-a", "best-b")
OPTIMIZER = "optimizer.safetensors"


@dataclass(frozen=True)
class Progress:
    """How far a run has come: pairs trained on, batches, and the running mean of the loss (nan before the first)."""

    pairs: int = 0
    batches: int = 0
    loss: float = math.nan

    def after(self, pairs: int, loss: float) -> Progress:
        """The progress after one more batch of ``pairs`` pairs."""
        mean = loss if math.isnan(self.loss) else 0.98 * self.loss + 0.02 * loss
        return replace(self, pairs=self.pairs + pairs, batches=self.batches + 1, loss=mean)


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint on disk: ``folder`` holds model, tokenizer and optimizer."""

    folder: Path
    progress: Progress


@dataclass(frozen=True)
class Best:
    """The model with the lowest dev loss so far: ``folder`` holds it without the optimizer, ``pairs`` is when it was."""

    folder: Path
    pairs: int
    loss: float


def last_checkpoint(output: Path, fingerprint: str) -> Checkpoint | None:
    """The newest complete checkpoint below ``output``, if any.

    Raises InputError when it was made by another recipe, ``fingerprint`` telling the recipes apart, or when the marker
    is broken.
    """
    marker = output / LAST
    if not marker.exists():
        return None
    try:
        entry = json.loads(marker.read_text("utf-8"))
        made_by, slot = entry.pop("recipe"), entry.pop("folder")
        progress = Progress(**entry)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{marker}: broken, or of another version ({error!r}); start again in an empty output folder."
        ) from error
    if made_by != fingerprint:
        raise InputError(
            f"{output}: holds a run of another recipe (data, mix, seed or settings differ); only pairs, decay and "
            "checkpoint_minutes may change when a run goes on. Put the recipe back, or give another output folder."
        )
    if slot not in _SLOTS or not (output / slot / OPTIMIZER).is_file():
        raise InputError(
            f"{marker}: names a checkpoint that is not there ({slot}); start again in an empty output folder."
        )
    return Checkpoint(output / slot, progress)


def save_checkpoint(
    output: Path,
    fingerprint: str,
    progress: Progress,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    optimizer: torch.optim.Optimizer,
) -> Checkpoint:
    """Writes a checkpoint and makes it the last one."""
    previous = last_checkpoint(output, fingerprint)
    folder = _emptied(output, _SLOTS, previous.folder if previous else None)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _save_optimizer(optimizer, folder / OPTIMIZER)
    (folder / MARKER).write_text(json.dumps({"name": output.name}) + "\n", encoding="utf-8")
    _mark(output / LAST, {"recipe": fingerprint, "folder": folder.name, **asdict(progress)})
    return Checkpoint(folder, progress)


def best_so_far(output: Path, fingerprint: str, progress: Progress) -> Best | None:
    """The best model that was kept up to ``progress``; None when there is none that can be used."""
    try:
        entry = json.loads((output / BEST).read_text("utf-8"))
        best = Best(output / entry["folder"], int(entry["pairs"]), float(entry["loss"]))
        usable = entry["recipe"] == fingerprint and entry["folder"] in _BEST_SLOTS and best.pairs <= progress.pairs
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return best if usable and best.folder.is_dir() else None


def keep_best(output: Path, fingerprint: str, checkpoint: Checkpoint, loss: float) -> Best:
    """Copies the model of ``checkpoint`` and makes it the best one."""
    previous = best_so_far(output, fingerprint, checkpoint.progress)
    folder = _emptied(output, _BEST_SLOTS, previous.folder if previous else None)
    shutil.copytree(checkpoint.folder, folder, ignore=shutil.ignore_patterns(OPTIMIZER))
    pairs = checkpoint.progress.pairs
    _mark(output / BEST, {"recipe": fingerprint, "folder": folder.name, "pairs": pairs, "loss": loss})
    return Best(folder, pairs, loss)


def _emptied(output: Path, slots: tuple[str, str], in_use: Path | None) -> Path:
    """The slot that is not in use, with nothing left of what was in it."""
    folder = output / (slots[1] if in_use is not None and in_use.name == slots[0] else slots[0])
    if folder.exists():
        shutil.rmtree(folder)
    return folder


def _mark(marker: Path, entry: dict[str, Any]) -> None:
    partial = marker.with_name(f"{marker.name}.partial")
    partial.write_text(json.dumps(entry), encoding="utf-8")
    os.replace(partial, marker)


def _save_optimizer(optimizer: torch.optim.Optimizer, path: Path) -> None:
    from safetensors.torch import save_file

    state = optimizer.state_dict()["state"]
    save_file(
        {f"{index}.{key}": value.contiguous() for index, values in state.items() for key, value in values.items()}, path
    )


def restore_optimizer(optimizer: torch.optim.Optimizer, checkpoint: Checkpoint) -> None:
    """Gives ``optimizer`` the moments that it had at the checkpoint."""
    from safetensors.torch import load_file

    state: dict[int, dict[str, Any]] = {}
    for name, tensor in load_file(checkpoint.folder / OPTIMIZER).items():
        index, key = name.split(".")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
