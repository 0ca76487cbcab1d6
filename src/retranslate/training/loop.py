"""The loop that every kind of training shares: steps, reports, dev losses, checkpoints that survive being killed."""

from __future__ import annotations

import csv
import os
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from retranslate.errors import InputError
from retranslate.training.checkpoint import (
    Checkpoint,
    Progress,
    best_so_far,
    keep_best,
    restore_optimizer,
    save_checkpoint,
)
from retranslate.training.encoding import Encoded
from retranslate.training.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

REPORT_EVERY = 20
"""Batches between two lines of progress."""
LOG = "log.csv"
DEV_LOG = "dev.csv"
_LOG_COLUMNS = ("pairs", "loss", "learning_rate", "pairs_per_second")
_DEV_COLUMNS = ("pairs", "loss")
_S = TypeVar("_S", bound=Sized)


@dataclass(frozen=True)
class Learner:
    """A model that is trained. ``loss`` is the mean over a batch of what is learnt, as a scalar tensor."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    loss: Callable[[Sequence[Any]], torch.Tensor]
    frozen: frozenset[torch.nn.Parameter] = frozenset()


@dataclass(frozen=True)
class Material:
    """What is learnt, in the order of the examples, and pairs held out, if there are any, to choose the best model by."""

    items: Sequence[Sized]
    dev: Sequence[Encoded] = ()


def run(recipe: Recipe, fingerprint: str, learner: Learner, material: Material, found: Checkpoint | None) -> Path:
    """Trains ``learner`` to the end and returns the folder of the model: the best on the held-out pairs, else the last.

    ``found`` is the checkpoint that ``learner`` was opened from, if this is no beginning. Raises InputError when the
    device has too little memory for a batch.
    """
    return _Run(recipe, fingerprint, learner, material, found).to_the_end()


def plan(lengths: Sequence[int], batch_tokens: int, seed: int, pool: int = 3_000) -> list[list[int]]:
    """Batches of indices: neighbours in length within a pool of ``pool`` examples, the batches of a pool shuffled.

    A batch holds at most ``batch_tokens`` tokens, padding included. The order depends on the arguments alone, so a
    resumed run goes on where it stopped.
    """
    rng = random.Random(seed)
    batches = []
    for start in range(0, len(lengths), pool):
        ordered = sorted(range(start, min(start + pool, len(lengths))), key=lambda index: lengths[index])
        ready: list[list[int]] = [[]]
        for index in ordered:
            if ready[-1] and lengths[index] * (len(ready[-1]) + 1) > batch_tokens:
                ready.append([])
            ready[-1].append(index)
        rng.shuffle(ready)
        batches += [batch for batch in ready if batch]
    return batches


def rate_at(pairs: int, total: int, recipe: Recipe) -> float:
    """The learning rate after ``pairs`` of ``total`` pairs: warm-up, plateau, linear decay to a tenth."""
    rising = min(1.0, (pairs + 1) / max(1, recipe.warmup))
    falling = min(1.0, 0.1 + 0.9 * max(0, total - pairs) / max(1, recipe.decay))
    return recipe.learning_rate * min(rising, falling)


def fitting(items: Iterable[_S], max_tokens: int, what: str) -> list[_S]:
    """The items that are not too long; how many are left out is told. Raises InputError when none is left of some."""
    every = list(items)
    short = [item for item in every if len(item) <= max_tokens]
    if every and not short:
        raise InputError(f"all {len(every):,} {what} are longer than max_tokens = {max_tokens}; raise it.")
    if len(short) < len(every):
        left_out = len(every) - len(short)
        tell(f"{left_out:,} of {len(every):,} {what} are longer than {max_tokens} tokens and left out")
    return short


def half_precision(device: str) -> torch.autocast:
    """Computes in bfloat16 where ``device``, the type of a torch device, has the arithmetic for it, else in float32.

    A processor without AVX-512 imitates bfloat16, thirty times slower than float32.
    """
    import torch

    able = device != "cpu" or torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return torch.autocast(device, torch.bfloat16, enabled=able)


def mean_loss(learner: Learner, items: Sequence[Encoded], batch_tokens: int) -> float:
    """The mean loss over all tokens of the items' answers."""
    import torch

    total, tokens = 0.0, 0
    learner.model.eval()
    try:
        with torch.inference_mode(), half_precision(learner.model.device.type):
            for batch in plan([len(item) for item in items], batch_tokens, seed=0):
                some = [items[index] for index in batch]
                size = sum(len(item.answer) for item in some)
                total, tokens = total + learner.loss(some).item() * size, tokens + size
    finally:
        learner.model.train()
    return total / tokens


class _Run:
    """A run on its way: what has been saved, and since when."""

    def __init__(
        self, recipe: Recipe, fingerprint: str, learner: Learner, material: Material, found: Checkpoint | None
    ) -> None:
        import torch

        self.recipe, self.fingerprint = recipe, fingerprint
        self.learner, self.material = learner, material
        self.optimizer = torch.optim.AdamW(
            [parameter for parameter in learner.model.parameters() if parameter not in learner.frozen],
            lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True,
        )  # fmt: skip
        if found:
            restore_optimizer(self.optimizer, found)
        self.saved = found
        self.progress = found.progress if found else Progress()
        self.best = best_so_far(recipe.output, fingerprint, self.progress) if found else None
        for name in (LOG, DEV_LOG):
            _cut(recipe.output / name, self.progress.pairs)

    def to_the_end(self) -> Path:
        """Trains what is left and returns the folder of the model."""
        if self.saved:
            self._examine()
        items, recipe = self.material.items, self.recipe
        batches = plan([len(item) for item in items], recipe.batch_tokens, recipe.seed)
        pairs_before = self.progress.pairs
        last_saved = started = time.monotonic()
        for batch in batches[self.progress.batches :]:
            rate = rate_at(self.progress.pairs, len(items), recipe)
            # What a layer drops at random depends on the place in the run alone.
            loss = _step(self.learner, self.optimizer, [items[index] for index in batch], rate, self._seed())
            self.progress = self.progress.after(len(batch), loss)
            now = time.monotonic()
            if self.progress.batches % REPORT_EVERY == 0:
                self._report((self.progress.pairs - pairs_before) / (now - started))
            if now - last_saved > 60 * recipe.checkpoint_minutes:
                self._save()
                last_saved = time.monotonic()
        if self.saved is None or self.saved.progress != self.progress:
            self._save()
        assert self.saved is not None
        return self.best.folder if self.best else self.saved.folder

    def _seed(self) -> int:
        return self.recipe.seed * 1_000_003 + self.progress.batches

    def _save(self) -> None:
        self.saved = save_checkpoint(
            self.recipe.output, self.fingerprint, self.progress, self.learner.model, self.learner.tokenizer, self.optimizer
        )  # fmt: skip
        self._examine()

    def _examine(self) -> None:
        """Takes the dev loss of the checkpoint just saved, unless the log has it, and keeps the model if it is the best."""
        log = self.recipe.output / DEV_LOG
        pairs = self.progress.pairs
        if not self.material.dev or self.saved is None or _last_entry(log) == pairs:
            return
        loss = mean_loss(self.learner, self.material.dev, self.recipe.batch_tokens)
        if self.best is None or loss < self.best.loss:
            self.best = keep_best(self.recipe.output, self.fingerprint, self.saved, loss)
        # The log comes last: killed before, the run does all of this again.
        _append(log, _DEV_COLUMNS, (pairs, f"{loss:.5f}"))
        tell(f"{pairs:,} pairs  dev loss {loss:.4f}  best {self.best.loss:.4f} after {self.best.pairs:,}")

    def _report(self, speed: float) -> None:
        done, total = self.progress.pairs, len(self.material.items)
        left = (total - done) / max(speed, 1e-9)
        tell(f"{done:,}/{total:,} pairs  loss {self.progress.loss:.3f}  {speed:.1f} pairs/s  {left / 60:.0f} min left")
        rate = rate_at(done, total, self.recipe)
        _append(
            self.recipe.output / LOG, _LOG_COLUMNS, (done, f"{self.progress.loss:.4f}", f"{rate:.2e}", f"{speed:.2f}")
        )


def _step(learner: Learner, optimizer: torch.optim.Optimizer, batch: Sequence[Sized], rate: float, seed: int) -> float:
    """One update of the weights; returns the loss before it."""
    import torch

    torch.manual_seed(seed)
    for group in optimizer.param_groups:
        group["lr"] = rate
    device = learner.model.device.type
    try:
        with half_precision(device):
            loss = learner.loss(batch)
        torch.autograd.backward(loss)
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"a batch of {sum(map(len, batch)):,} tokens does not fit into the memory of {device}; lower batch_tokens."
        ) from error
    torch.nn.utils.clip_grad_norm_(learner.model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


def tell(line: str) -> None:
    """Prints a line of progress on standard error."""
    print(line, file=sys.stderr, flush=True)


# --- Logs: CSV files whose first column is the number of pairs -------------------------------------------------------


def _append(path: Path, columns: Sequence[str], row: Sequence[object]) -> None:
    new = not path.exists() or path.stat().st_size == 0
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(columns)
        writer.writerow(row)


def _rows(path: Path) -> list[list[str]]:
    """The header and the rows that are whole; a run may have been killed in the middle of one."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    return [row for number, row in enumerate(rows) if len(row) == len(rows[0]) and (number == 0 or row[0].isdigit())]


def _last_entry(path: Path) -> int | None:
    rows = _rows(path)
    return int(rows[-1][0]) if len(rows) > 1 else None


def _cut(path: Path, pairs: int) -> None:
    """Takes the lines out of a log that tell of batches after the checkpoint: they will be trained again."""
    if not path.exists():
        return
    rows = _rows(path)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows[:1] + [row for row in rows[1:] if int(row[0]) <= pairs])
    os.replace(partial, path)
