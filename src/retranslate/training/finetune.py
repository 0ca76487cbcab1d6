"""Fine-tuning: batches by length, a loss on the repair only, checkpoints that survive being killed."""

from __future__ import annotations

import csv
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retranslate.errors import InputError
from retranslate.rewriter import as_inner_words, with_terms
from retranslate.training.checkpoint import Checkpoint, Progress, last_checkpoint, restore_optimizer, save_checkpoint
from retranslate.training.data import Example, prepare, read_examples
from retranslate.training.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

IGNORED = -100
REPORT_EVERY = 20
"""Batches between two lines of progress."""
LOG = "log.csv"
_COLUMNS = ("pairs", "loss", "learning_rate", "pairs_per_second")


@dataclass(frozen=True)
class Encoded:
    """Token ids of one pair: ``prompt`` ends with the separator, ``answer`` with the end mark."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def encode(example: Example, tokenizer: PreTrainedTokenizerBase) -> Encoded:
    """The example as the bundled model reads it: source, separator (the BOS token), target, EOS."""
    prompt = tokenizer(as_inner_words(with_terms(example.source, example.hints)), add_special_tokens=False).input_ids
    answer = tokenizer(as_inner_words(example.target), add_special_tokens=False).input_ids
    return Encoded((*prompt, tokenizer.bos_token_id), (*answer, tokenizer.eos_token_id))


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


def collate(batch: Sequence[Encoded], pad: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and labels, both of shape (batch, longest), padded on the right; labels are IGNORED outside the answers."""
    import torch

    width = max(map(len, batch))
    ids = torch.full((len(batch), width), pad, dtype=torch.long)
    labels = torch.full((len(batch), width), IGNORED, dtype=torch.long)
    for row, item in enumerate(batch):
        ids[row, : len(item)] = torch.tensor((*item.prompt, *item.answer))
        labels[row, len(item.prompt) : len(item)] = torch.tensor(item.answer)
    return ids.to(device), labels.to(device)


def loss_of(model: PreTrainedModel, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy over the answers' tokens. Causal attention and padding on the right: no mask is needed."""
    import torch

    from retranslate.training.swift import cross_entropy

    hidden = model.model(ids, use_cache=False).last_hidden_state[:, :-1]
    wanted = labels[:, 1:]
    chosen = wanted != IGNORED
    right = wanted[chosen]
    return cross_entropy(hidden[chosen], model.lm_head.weight, right, torch.ones(len(right), device=right.device))


def train(recipe: Recipe) -> Path:
    """Runs the recipe to its end, from its last checkpoint if there is one; returns the folder of the trained model.

    Raises InputError when the recipe's data, base model or output folder cannot be used.
    """
    import torch

    from retranslate.training.swift import attend_in_groups

    torch.manual_seed(recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    # What may be refused comes before what takes long.
    found = last_checkpoint(recipe.output, recipe.fingerprint)
    model, tokenizer = _open(found.folder if found else recipe.base)
    frozen = _freeze(model, recipe.frozen_layers)
    encoded = _encoded(read_examples(prepare(recipe, recipe.pairs)), tokenizer, recipe)
    if device == "cpu":
        attend_in_groups(model)
    model.to(device).train()
    optimizer = torch.optim.AdamW(
        [parameter for parameter in model.parameters() if parameter not in frozen],
        lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True,
    )  # fmt: skip
    if found:
        restore_optimizer(optimizer, found)
    _cut_log(recipe.output / LOG, found.progress.pairs if found else 0)
    return _loop(recipe, encoded, model, tokenizer, optimizer, found).folder


def _loop(
    recipe: Recipe,
    encoded: Sequence[Encoded],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    optimizer: torch.optim.Optimizer,
    found: Checkpoint | None,
) -> Checkpoint:
    progress = found.progress if found else Progress()
    batches = plan([len(item) for item in encoded], recipe.batch_tokens, recipe.seed)
    pairs_before = progress.pairs
    saved, last_saved, started = found, time.monotonic(), time.monotonic()
    for batch in batches[progress.batches :]:
        for group in optimizer.param_groups:
            group["lr"] = rate_at(progress.pairs, len(encoded), recipe)
        loss = _step(model, optimizer, collate([encoded[index] for index in batch], _pad(tokenizer), str(model.device)))
        progress = progress.after(len(batch), loss)
        now = time.monotonic()
        if progress.batches % REPORT_EVERY == 0:
            _report(progress, recipe, len(encoded), (progress.pairs - pairs_before) / (now - started))
        if now - last_saved > 60 * recipe.checkpoint_minutes:
            saved = save_checkpoint(recipe.output, recipe.fingerprint, progress, model, tokenizer, optimizer)
            last_saved = time.monotonic()
    if saved is None or saved.progress != progress:
        saved = save_checkpoint(recipe.output, recipe.fingerprint, progress, model, tokenizer, optimizer)
    return saved


def _step(model: PreTrainedModel, optimizer: torch.optim.Optimizer, batch: tuple[torch.Tensor, torch.Tensor]) -> float:
    """One update of the weights; returns the loss before it."""
    import torch

    ids, labels = batch
    with torch.autocast(ids.device.type, torch.bfloat16):
        loss = loss_of(model, ids, labels)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


def _open(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model and tokenizer in ``folder``. Raises InputError when they cannot be trained here."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; 'base' is the folder of the model to start from.")
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except Exception as error:  # transformers raises nearly every class there is
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{folder}: no model that can be trained: {first[:300]}") from error
    if model.config.model_type != "llama":
        raise InputError(f"{folder}: a model of type {model.config.model_type!r}; training takes Llama-type models.")
    if tokenizer.bos_token_id is None or tokenizer.eos_token_id is None:
        raise InputError(
            f"{folder}: its tokenizer has no BOS or no EOS token; they separate and end the two sentences."
        )
    return model, tokenizer


def _pad(tokenizer: PreTrainedTokenizerBase) -> int:
    return int(tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id)


def _encoded(examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, recipe: Recipe) -> list[Encoded]:
    """The examples as ids; those that are too long are left out, and how many is told."""
    fitting = [item for item in (encode(example, tokenizer) for example in examples) if len(item) <= recipe.max_tokens]
    if not fitting:
        raise InputError(f"all {len(examples):,} examples are longer than max_tokens = {recipe.max_tokens}; raise it.")
    if len(fitting) < len(examples):
        left_out = len(examples) - len(fitting)
        _tell(f"{left_out:,} of {len(examples):,} examples are longer than {recipe.max_tokens} tokens and left out")
    if len(examples) < recipe.pairs:
        _tell(f"the sources give {len(examples):,} examples, not {recipe.pairs:,}")
    return fitting


def _freeze(model: PreTrainedModel, layers: int) -> set[torch.nn.Parameter]:
    """Embeddings (tied to the output) and the lowest ``layers`` stay as they are: faster, and English is not unlearnt."""
    if layers == 0:
        return set()
    if layers >= len(model.model.layers):
        raise InputError(
            f"frozen_layers = {layers}, but the model has {len(model.model.layers)} layers; nothing would be trained."
        )
    frozen = {model.get_input_embeddings().weight, *model.model.layers[:layers].parameters()}
    for parameter in frozen:
        parameter.requires_grad_(False)
    return frozen


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _report(progress: Progress, recipe: Recipe, total: int, speed: float) -> None:
    left = (total - progress.pairs) / max(speed, 1e-9)
    rate = rate_at(progress.pairs, total, recipe)
    _tell(
        f"{progress.pairs:,}/{total:,} pairs  loss {progress.loss:.3f}  {speed:.1f} pairs/s  {left / 60:.0f} min left"
    )
    path = recipe.output / LOG
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(_COLUMNS)
        writer.writerow([progress.pairs, f"{progress.loss:.4f}", f"{rate:.2e}", f"{speed:.2f}"])


def _cut_log(path: Path, pairs: int) -> None:
    """Takes the lines out of the log that tell of batches after the checkpoint: they will be trained again."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [header, *(row for row in rows if len(row) == len(_COLUMNS) and int(row[0]) <= pairs)]
        )
    os.replace(partial, path)


def dev_losses(folder: Path, examples: Sequence[Example]) -> Iterator[float]:
    """The loss of the model in ``folder`` on each of ``examples``."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        for example in examples:
            ids, labels = collate([encode(example, tokenizer)], _pad(tokenizer), "cpu")
            yield loss_of(model, ids, labels).item()
