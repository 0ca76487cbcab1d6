"""Fine-tuning a decoder-only model: it reads the garbled sentence, a separator, and learns to write the repair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from retranslate import gguf_weights
from retranslate.errors import InputError, first_line
from retranslate.rewriter import BUNDLED, as_inner_words, with_terms
from retranslate.training import loop
from retranslate.training.checkpoint import last_checkpoint
from retranslate.training.data import Example, prepare, read_examples, read_pairs
from retranslate.training.encoding import IGNORED, Encoded, padded, weights_of
from retranslate.training.loop import Learner, Material, fitting
from retranslate.training.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase


def train(recipe: Recipe) -> Path:
    """Runs the recipe to its end, from its last checkpoint if there is one; returns the folder of the trained model.

    Raises InputError when the recipe's data, base model or output folder cannot be used.
    """
    # What may be refused comes before what takes long.
    found = last_checkpoint(recipe.output, recipe.fingerprint)
    dev = dev_examples(recipe)
    learner = open_learner(found.folder if found else recipe.base or BUNDLED, recipe.frozen_layers)
    encode_by = partial(encode, tokenizer=learner.tokenizer)
    return loop.run(recipe, recipe.fingerprint, learner, material(recipe, read_prepared(recipe), dev, encode_by), found)


def read_prepared(recipe: Recipe) -> list[Example]:
    """The recipe's examples, made now or before; that the sources give too few is told."""
    examples = read_examples(prepare(recipe, recipe.pairs))
    if len(examples) < recipe.pairs:
        loop.tell(f"the sources give {len(examples):,} examples, not {recipe.pairs:,}")
    return examples


def material(
    recipe: Recipe, examples: Sequence[Example], dev: Sequence[Example], encode_by: Callable[..., Encoded]
) -> Material:
    """Examples and held-out pairs as ids. In the dev loss every token counts alike, so that recipes can be compared."""
    weight = recipe.changed_weight
    return Material(
        fitting((encode_by(example, changed_weight=weight) for example in examples), recipe.max_tokens, "examples"),
        fitting((encode_by(example) for example in dev), recipe.max_tokens, "dev pairs"),
    )


def dev_examples(recipe: Recipe) -> list[Example]:
    """The held-out pairs of the recipe, at most ``dev_pairs`` of them, spread evenly over its dev files."""
    every = [Example(*pair, kind="dev") for path in recipe.dev for pair in read_pairs(path)]
    wanted = min(recipe.dev_pairs, len(every))
    return [every[place * len(every) // wanted] for place in range(wanted)]


def encode(example: Example, tokenizer: PreTrainedTokenizerBase, changed_weight: float = 1.0) -> Encoded:
    """The example as the bundled model reads it: source, separator (the BOS token), target, EOS."""

    def ids(text: str) -> list[int]:
        found: list[int] = tokenizer(as_inner_words(text), add_special_tokens=False).input_ids
        return found

    prompt = [*ids(with_terms(example.source, example.hints)), tokenizer.bos_token_id]
    answer = [*ids(example.target), tokenizer.eos_token_id]
    before = [*ids(example.source), tokenizer.eos_token_id]
    return Encoded(tuple(prompt), tuple(answer), weights_of(before, answer, changed_weight))


def open_learner(folder: Path, frozen_layers: int) -> Learner:
    """The model in ``folder``, ready to be trained. Raises InputError when it cannot be trained here."""
    from retranslate.training.swift import attend_in_groups

    model, tokenizer = open_causal(folder)
    frozen = _freeze(model, frozen_layers)
    device = best_device()
    if device == "cpu":
        attend_in_groups(model)
    model.to(device).train()
    pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id

    def loss(batch: Sequence[Encoded]) -> torch.Tensor:
        return loss_of(model, *collate(batch, pad, device))

    return Learner(model, tokenizer, loss, frozen)


def best_device() -> str:
    """CUDA where there is one, else the processor."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def collate(batch: Sequence[Encoded], pad: int, device: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, labels and weights, all of shape (batch, longest), padded on the right; labels are IGNORED outside answers."""
    import torch

    return (
        padded([(*item.prompt, *item.answer) for item in batch], pad, device, torch.long),
        padded([(IGNORED,) * len(item.prompt) + item.answer for item in batch], IGNORED, device, torch.long),
        padded([(0.0,) * len(item.prompt) + item.weights for item in batch], 0.0, device, torch.float32),
    )


def loss_of(model: PreTrainedModel, ids: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The weighted mean of the cross-entropy over the answers' tokens.

    Causal attention and padding on the right: no mask is needed.
    """
    from retranslate.training.swift import cross_entropy

    hidden = model.model(ids, use_cache=False).last_hidden_state[:, :-1]
    wanted, weights = labels[:, 1:], weights[:, 1:]
    counts = weights > 0
    return cross_entropy(hidden[counts], model.lm_head.weight, wanted[counts], weights[counts])


def open_pretrained(folder: Path, family: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Model and tokenizer in ``folder``; ``family`` is a class of transformers. Raises InputError when it has none such.

    A Llama may also lie there as a GGUF file, such as :func:`retranslate.training.export.export` writes.
    """
    import torch
    import transformers

    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; 'base' is the folder of the model to start from.")
    gguf = min(folder.glob("*.gguf"), default=None)
    try:
        if gguf is not None and family == "AutoModelForCausalLM":
            model = _unpacked(gguf, transformers.AutoConfig.from_pretrained(folder))
        else:
            model = getattr(transformers, family).from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    except Exception as error:  # transformers raises nearly every class there is
        raise InputError(f"{folder}: no model that can be trained: {first_line(error)}") from error
    return model, tokenizer


def _unpacked(gguf: Path, config: PretrainedConfig) -> PreTrainedModel:
    """The Llama in the file ``gguf`` with weights that can be trained. Raises InputError when it holds none like ``config``."""
    import transformers

    model = transformers.LlamaForCausalLM(config)
    shapes = {name: tuple(weights.shape) for name, weights in model.named_parameters()}
    stored = gguf_weights.read_llama(gguf, shapes, config.num_attention_heads, config.num_key_value_heads)
    # Tied weights are named once; what is missing otherwise was refused.
    model.load_state_dict(dict(stored), strict=False)
    return model


def open_causal(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The Llama-type model in ``folder``. Raises InputError when it is of another type, or its tokenizer lacks a mark."""
    model, tokenizer = open_pretrained(folder, "AutoModelForCausalLM")
    if model.config.model_type != "llama":
        raise InputError(f"{folder}: a model of type {model.config.model_type!r}; training takes Llama-type models.")
    if tokenizer.bos_token_id is None or tokenizer.eos_token_id is None:
        raise InputError(
            f"{folder}: its tokenizer has no BOS or no EOS token; they separate and end the two sentences."
        )
    return model, tokenizer


def _freeze(model: PreTrainedModel, layers: int) -> frozenset[torch.nn.Parameter]:
    """Embeddings (tied to the output) and the lowest ``layers`` stay as they are: faster, and English is not unlearnt."""
    if layers == 0:
        return frozenset()
    if layers >= len(model.model.layers):
        raise InputError(
            f"frozen_layers = {layers}, but the model has {len(model.model.layers)} layers; nothing would be trained."
        )
    frozen = frozenset({model.get_input_embeddings().weight, *model.model.layers[:layers].parameters()})
    for parameter in frozen:
        parameter.requires_grad_(False)
    return frozen
