"""Fine-tuning: batches by length, a loss on the repair only, checkpoints that survive being killed."""

from __future__ import annotations

import csv
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retranslate.rewriter import as_inner_words, with_terms
from retranslate.training.data import Example, prepare, read_examples
from retranslate.training.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """Token ids of one pair: ``prompt`` ends with the separator, ``answer`` with the end mark; a loss weight a token."""

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


def rate_at(pairs: int, recipe: Recipe) -> float:
    """The learning rate after ``pairs`` pairs: warm-up, plateau, linear decay to a tenth."""
    rising = min(1.0, (pairs + 1) / max(1, recipe.warmup))
    left = max(0, recipe.pairs - pairs)
    falling = min(1.0, 0.1 + 0.9 * left / max(1, recipe.decay))
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

    hidden = model.model(ids, use_cache=False).last_hidden_state[:, :-1]
    wanted = labels[:, 1:]
    chosen = wanted != IGNORED
    logits = model.lm_head(hidden[chosen])
    return torch.nn.functional.cross_entropy(logits.float(), wanted[chosen])


def train(recipe: Recipe) -> Path:
    """Runs the recipe to its end, from its last checkpoint if there is one; returns the folder of the trained model."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    examples = read_examples(prepare(recipe, recipe.pairs))
    tokenizer = AutoTokenizer.from_pretrained(recipe.base)
    encoded = [item for item in (encode(example, tokenizer) for example in examples) if len(item) <= recipe.max_tokens]
    batches = plan([len(item) for item in encoded], recipe.batch_tokens, recipe.seed)

    state = _State.load(recipe.output)
    model = AutoModelForCausalLM.from_pretrained(state.model or recipe.base, dtype=torch.float32)
    _freeze(model, recipe.frozen_layers)
    model.to(device).train()
    optimizer = torch.optim.AdamW(
        [parameter for parameter in model.parameters() if parameter.requires_grad],
        lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True,
    )  # fmt: skip
    state.restore(optimizer)

    last_saved = started = time.monotonic()
    pairs_before = state.pairs
    for number, batch in enumerate(batches):
        if number < state.batches:
            continue
        for group in optimizer.param_groups:
            group["lr"] = rate_at(state.pairs, recipe)
        ids, labels = collate([encoded[index] for index in batch], tokenizer.pad_token_id, device)
        with torch.autocast(device, torch.bfloat16):
            loss = loss_of(model, ids, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        state.advance(len(batch), loss.item(), number + 1)
        now = time.monotonic()
        if number % 20 == 19:
            _report(state, recipe, len(encoded), (state.pairs - pairs_before) / (now - started))
        if now - last_saved > 60 * recipe.checkpoint_minutes:
            state.save(model, tokenizer, optimizer)
            last_saved = time.monotonic()
    state.save(model, tokenizer, optimizer)
    return state.folder


def _freeze(model: PreTrainedModel, layers: int) -> None:
    """Embeddings (tied to the output) and the lowest ``layers`` stay as they are: faster, and English is not unlearnt."""
    if layers == 0:
        return
    model.get_input_embeddings().weight.requires_grad_(False)
    for layer in model.model.layers[:layers]:
        layer.requires_grad_(False)


def _report(state: _State, recipe: Recipe, total: int, speed: float) -> None:
    left = (total - state.pairs) / max(speed, 1e-9)
    line = f"{state.pairs:,}/{total:,} pairs  loss {state.loss:.3f}  {speed:.1f} pairs/s  {left / 60:.0f} min left"
    print(line, file=sys.stderr, flush=True)
    path = recipe.output / "log.csv"
    new = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(["pairs", "loss", "learning_rate", "pairs_per_second"])
        writer.writerow([state.pairs, f"{state.loss:.4f}", f"{rate_at(state.pairs, recipe):.2e}", f"{speed:.2f}"])


class _State:
    """How far a run has come, and its checkpoint on disk: two folders that take turns, so that one is always whole."""

    def __init__(self, folder: Path, output: Path, found: bool) -> None:
        self.folder = folder
        self.output = output
        self.model = folder if found else None
        self.pairs = self.batches = 0
        self.loss = math.nan

    @classmethod
    def load(cls, output: Path) -> _State:
        marker = output / "last.json"
        if not marker.exists():
            return cls(output / "checkpoint-a", output, found=False)
        last = json.loads(marker.read_text())
        state = cls(output / last["folder"], output, found=True)
        state.pairs, state.batches, state.loss = last["pairs"], last["batches"], last["loss"]
        return state

    def restore(self, optimizer: torch.optim.Optimizer) -> None:
        if self.model is None:
            return
        from safetensors.torch import load_file

        flat = load_file(self.model / "optimizer.safetensors")
        per_parameter: dict[int, dict[str, Any]] = {}
        for name, tensor in flat.items():
            index, key = name.split(".")
            per_parameter.setdefault(int(index), {})[key] = tensor
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": per_parameter, "param_groups": groups})

    def advance(self, pairs: int, loss: float, batches: int) -> None:
        self.pairs += pairs
        self.batches = batches
        self.loss = loss if math.isnan(self.loss) else 0.98 * self.loss + 0.02 * loss

    def save(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, optimizer: torch.optim.Optimizer) -> None:
        from safetensors.torch import save_file

        name = "checkpoint-b" if self.folder.name == "checkpoint-a" and self.folder.exists() else "checkpoint-a"
        self.folder = self.output / name
        model.save_pretrained(self.folder)
        tokenizer.save_pretrained(self.folder)
        flat = {
            f"{index}.{key}": value.contiguous()
            for index, values in optimizer.state_dict()["state"].items()
            for key, value in values.items()
        }
        save_file(flat, self.folder / "optimizer.safetensors")
        marker = self.output / "last.json.partial"
        marker.write_text(json.dumps({"folder": name, "pairs": self.pairs, "batches": self.batches, "loss": self.loss}))
        marker.replace(self.output / "last.json")
        self.model = self.folder


def dev_losses(folder: Path, examples: Sequence[Example]) -> Iterator[float]:
    """The loss of the model in ``folder`` on each of ``examples``."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        for example in examples:
            ids, labels = collate([encode(example, tokenizer)], tokenizer.pad_token_id, "cpu")
            yield loss_of(model, ids, labels).item()
