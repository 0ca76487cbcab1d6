"""Training an encoder-decoder model on the same examples: a T5 or Marian checkpoint, or a fresh one of either kind.

Meant for people with an accelerator: a fresh model has to learn English first. Its sentencepiece vocabulary is made
from the recipe's own examples.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retranslate.errors import InputError
from retranslate.rewriter import as_inner_words, with_terms
from retranslate.training import loop
from retranslate.training.checkpoint import last_checkpoint
from retranslate.training.data import Example
from retranslate.training.encoding import Encoded, padded, weights_of
from retranslate.training.finetune import best_device, dev_examples, material, open_pretrained, read_prepared
from retranslate.training.loop import Learner
from retranslate.training.recipe import EncoderDecoder, Recipe, fingerprint

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

FOLDER = "encoder-decoder"
"""Where the checkpoints are, inside the recipe's output: one recipe can train a model of each family."""
_VOCABULARY = "vocabulary"
_LONGEST = 512
"""Tokens: as many positions has a fresh Marian."""


def train_encoder_decoder(recipe: Recipe) -> Path:
    """As :func:`retranslate.training.finetune.train`, for an encoder-decoder model; returns the folder of the model.

    The model is a fresh one where the recipe has a table [encoder_decoder], else the seq2seq checkpoint in its base.
    No layer is frozen. Raises InputError when data, base or output cannot be used.
    """
    shape = recipe.encoder_decoder
    own = replace(recipe, output=recipe.output / FOLDER)
    mark = fingerprint([recipe.fingerprint, None if shape is None else asdict(shape)])
    found = last_checkpoint(own.output, mark)
    dev = dev_examples(recipe)
    # What may be refused comes before what takes long.
    opened = _open(found.folder if found else _base(recipe)) if found or shape is None else None
    examples = read_prepared(recipe)
    if opened is None:
        assert shape is not None
        texts = [text for one in examples for text in (with_terms(one.source, one.hints), one.target)]
        opened = make_fresh(shape, texts, own.output, recipe.seed)
    learner = _learner(*opened)
    encode_by = partial(encode, tokenizer=learner.tokenizer)
    return loop.run(own, mark, learner, material(recipe, examples, dev, encode_by), found)


def encode(example: Example, tokenizer: PreTrainedTokenizerBase, changed_weight: float = 1.0) -> Encoded:
    """The example as the rewriter puts it to a model that was trained here, special tokens of the tokenizer included."""
    source = as_inner_words(example.source)
    prompt = tokenizer(as_inner_words(with_terms(example.source, example.hints))).input_ids
    # The two sides of a Marian may have a vocabulary each.
    answer = tokenizer(text_target=as_inner_words(example.target)).input_ids
    before = tokenizer(text_target=source).input_ids
    return Encoded(tuple(prompt), tuple(answer), weights_of(before, answer, changed_weight))


def loss_of(model: PreTrainedModel, pad: int, batch: Sequence[Encoded]) -> torch.Tensor:
    """The weighted mean cross-entropy over the answers' tokens."""
    import torch

    device = str(model.device)
    prompts = padded([item.prompt for item in batch], pad, device, torch.long)
    mask = padded([(1,) * len(item.prompt) for item in batch], 0, device, torch.long)
    labels = padded([item.answer for item in batch], pad, device, torch.long)
    weights = padded([item.weights for item in batch], 0.0, device, torch.float32)
    shifted = model.prepare_decoder_input_ids_from_labels(labels=labels)
    logits = model(input_ids=prompts, attention_mask=mask, decoder_input_ids=shifted, use_cache=False).logits
    counted = weights != 0
    each = torch.nn.functional.cross_entropy(logits[counted].float(), labels[counted], reduction="none")
    return (each * weights[counted]).sum() / weights.sum()


def _base(recipe: Recipe) -> Path:
    if recipe.base is None:
        raise InputError("the recipe has neither a base model nor a table [encoder_decoder].")
    return recipe.base


def _open(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    model, tokenizer = open_pretrained(folder, "AutoModelForSeq2SeqLM")
    if tokenizer.pad_token_id is None:
        raise InputError(f"{folder}: its tokenizer has no padding token; training needs one.")
    return model, tokenizer


def _learner(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Learner:
    model.to(best_device()).train()
    return Learner(model, tokenizer, partial(loss_of, model, tokenizer.pad_token_id))


# --- Fresh models --------------------------------------------------------------------------------------------------


def make_fresh(
    shape: EncoderDecoder, texts: Sequence[str], output: Path, seed: int
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model with random weights by ``seed``, and a tokenizer whose vocabulary is made from ``texts`` inside ``output``."""
    import torch
    from transformers import AutoTokenizer

    folder = output / _VOCABULARY
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    make = {"t5": _t5, "marian": _marian}[shape.family]
    torch.manual_seed(seed)
    model = make(shape, texts, folder)
    return model, AutoTokenizer.from_pretrained(folder)


def _t5(shape: EncoderDecoder, texts: Sequence[str], folder: Path) -> PreTrainedModel:
    from transformers import T5Config, T5ForConditionalGeneration

    pieces = _sentencepiece(folder / "spiece.model", texts, shape.vocabulary, pad_id=0, eos_id=1, unk_id=2)
    _configure(folder, tokenizer_class="T5Tokenizer", extra_ids=0)
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(pieces), d_model=shape.width, d_kv=shape.width // shape.heads, d_ff=shape.feed_forward,
            num_layers=shape.layers, num_decoder_layers=shape.layers, num_heads=shape.heads, dropout_rate=shape.dropout,
            feed_forward_proj="gated-gelu", decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
        )
    )  # fmt: skip


def _marian(shape: EncoderDecoder, texts: Sequence[str], folder: Path) -> PreTrainedModel:
    from transformers import MarianConfig, MarianMTModel

    pieces = _sentencepiece(folder / "source.spm", texts, shape.vocabulary, pad_id=-1, eos_id=0, unk_id=1)
    # Both sides are English: one vocabulary serves them.
    shutil.copyfile(folder / "source.spm", folder / "target.spm")
    pad = len(pieces)
    vocabulary = {piece: index for index, piece in enumerate([*pieces, "<pad>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    _configure(folder, tokenizer_class="MarianTokenizer", source_lang="en", target_lang="en")
    return MarianMTModel(
        MarianConfig(
            vocab_size=pad + 1, d_model=shape.width, encoder_layers=shape.layers, decoder_layers=shape.layers,
            encoder_attention_heads=shape.heads, decoder_attention_heads=shape.heads, encoder_ffn_dim=shape.feed_forward,
            decoder_ffn_dim=shape.feed_forward, dropout=shape.dropout, max_position_embeddings=_LONGEST, init_std=0.02,
            scale_embedding=True, pad_token_id=pad, eos_token_id=0, bos_token_id=0, decoder_start_token_id=pad,
            forced_eos_token_id=None,
        )
    )  # fmt: skip


def _configure(folder: Path, **settings: Any) -> None:
    text = json.dumps({**settings, "model_max_length": _LONGEST})
    (folder / "tokenizer_config.json").write_text(text, "utf-8")


def _sentencepiece(path: Path, texts: Sequence[str], vocabulary: int, **ids: Any) -> list[str]:
    """Trains a unigram vocabulary of at most ``vocabulary`` pieces into ``path`` and returns the pieces.

    Every character of ``texts`` is in it, as it is: the default normalisation would rewrite what is not garbled.
    """
    import sentencepiece

    model = path.with_suffix("")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=str(model), vocab_size=vocabulary, hard_vocab_limit=False,
        character_coverage=1.0, normalization_rule_name="identity", max_sentence_length=100_000, num_threads=1,
        minloglevel=2, bos_id=-1, **ids,
    )  # fmt: skip
    model.with_suffix(".vocab").unlink()
    made = model.with_suffix(".model")
    if made != path:
        made.rename(path)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return [processor.id_to_piece(index) for index in range(processor.get_piece_size())]
