"""Checkpoints that survive being killed at any moment.

Two folders take turns, and a small marker file says which of them is whole. A checkpoint goes into the folder that the
marker does not name; only when it is complete is the marker replaced, in one step. So a run loses at most what it
learnt since its last checkpoint.
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
_SLOTS = ("checkpoint-a", "checkpoint-b")
_OPTIMIZER = "optimizer.safetensors"


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
    if slot not in _SLOTS or not (output / slot / _OPTIMIZER).is_file():
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
    slot = _SLOTS[1] if previous is not None and previous.folder.name == _SLOTS[0] else _SLOTS[0]
    folder = output / slot
    if folder.exists():
        shutil.rmtree(folder)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _save_optimizer(optimizer, folder / _OPTIMIZER)
    (folder / MARKER).write_text(json.dumps({"name": output.name}) + "\n", encoding="utf-8")
    partial = output / f"{LAST}.partial"
    partial.write_text(json.dumps({"recipe": fingerprint, "folder": slot, **asdict(progress)}), encoding="utf-8")
    os.replace(partial, output / LAST)
    return Checkpoint(folder, progress)


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
    for name, tensor in load_file(checkpoint.folder / _OPTIMIZER).items():
        index, key = name.split(".")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
