"""Tiny random models, one for each family that the rewriter loads, and the sentences that their tokenizers are made of.

The weights are random but seeded, so that an answer is nonsense and always the same nonsense. They are drawn wide, and
the end mark is favoured, so that answers differ from sentence to sentence and most of them come to an end.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gguf
import sentencepiece
import tokenizers
import torch
import transformers

from retranslate.half_linear import rounded
from retranslate.tensor_names import llama_cpp_name
from retranslate.training.export import interleave

SUBJECTS = (
    "The governor", "A spokesman", "The council", "Her deputy", "The port authority", "An engineer", "The head of the clinic",
    "The union", "Nadia Qasim", "The ministry", "His lawyer", "The river police",
)  # fmt: skip
VERBS = (
    "said that", "denied that", "added that", "confirmed on Monday that", "told reporters that", "will announce that", "did not say that",
)  # fmt: skip
CLAUSES = (
    "the bridge will open in May.", "12 boats left the harbor.", "schools stay closed until Sunday.", "the price of bread rose by 3.5 percent.",
    "no one was hurt in the fire.", "strings of evidence were found.", "the wells near Basra are clean.", "the vote was postponed, again.",
    "elements of the group fled north!", "\"nothing has changed\" since last year.",
)  # fmt: skip


def sentences(count: int = 400) -> list[str]:
    """``count`` different short news sentences, always the same ones."""
    every = [" ".join(parts) for parts in itertools.product(SUBJECTS, VERBS, CLAUSES)]
    random.Random(5).shuffle(every)
    return every[:count]


def save_causal(folder: Path, *, marker: dict[str, Any] | None) -> Path:
    """A Llama with a byte-level BPE tokenizer; with a marker it is a model of this project's own kind."""
    tokenizer = _byte_level_bpe(sentences(), ["<|end|>", "<|start|>"])
    wrapped = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", bos_token="<|start|>", pad_token="<|end|>"
    )
    config = transformers.LlamaConfig(
        vocab_size=len(wrapped), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=1024, bos_token_id=wrapped.bos_token_id, eos_token_id=wrapped.eos_token_id, pad_token_id=wrapped.pad_token_id,
        initializer_range=0.6, tie_word_embeddings=False,
    )  # fmt: skip
    model = _seeded(lambda: transformers.LlamaForCausalLM(config))
    with torch.no_grad():
        model.lm_head.weight[wrapped.eos_token_id] *= 1.6
    _save(folder, model, wrapped)
    if marker is not None:
        (folder / "retranslate.json").write_text(json.dumps(marker), "utf-8")
    return folder


def save_rounded(folder: Path, *, marker: dict[str, Any] | None) -> Any:
    """The model of :func:`save_causal`, of numbers that half precision holds, so that all ways to compute it have the same; returns it."""
    save_causal(folder, marker=marker)
    model = with_rounded_matrices(transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32))
    model.save_pretrained(folder)
    return model


def save_gguf(folder: Path, *, marker: dict[str, Any]) -> Path:
    """The model of :func:`save_rounded` with its weights, in float32, in a GGUF file as llama.cpp opens it."""
    model = save_rounded(folder, marker=marker)
    config = model.config
    writer = gguf.GGUFWriter(folder / "model.gguf", "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"token {number}" for number in range(config.vocab_size)])
    writer.add_token_types([1] * config.vocab_size)
    writer.add_token_merges(["t o", "k e"])
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for key, weights in model.state_dict().items():
        name, values = llama_cpp_name(key), weights.numpy()
        part = name.split(".")[-2]
        writer.add_tensor(name, interleave(values, heads[part]) if part in heads else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (folder / "model.safetensors").unlink()
    return folder


def with_rounded_matrices(model: Any) -> Any:
    """``model``, its matrices rounded to half precision: as our own Llama multiplies with them."""
    for weights in model.parameters():
        if weights.dim() == 2:
            weights.data = rounded(weights.data)
    return model


def save_t5(folder: Path) -> Path:
    """A T5 whose tokenizer is a sentencepiece model trained here and nothing else."""
    _sentencepiece(folder / "spiece.model", sentences(), vocabulary=300, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    config = transformers.T5Config(
        vocab_size=300, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_decoder_layers=2, num_heads=4, decoder_start_token_id=0,
        pad_token_id=0, eos_token_id=1, initializer_factor=4.0, tie_word_embeddings=False,
    )  # fmt: skip
    model = _seeded(lambda: transformers.T5ForConditionalGeneration(config))
    with torch.no_grad():
        model.lm_head.weight[1] *= 4
    _save(folder, model, None)
    _configure_tokenizer(folder, tokenizer_class="T5Tokenizer", extra_ids=0, model_max_length=512)
    return folder


def save_bart(folder: Path) -> Path:
    """A BART with a byte-level BPE tokenizer."""
    wrapped = _bart_tokenizer(_byte_level_bpe(sentences(), ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]))
    config = transformers.BartConfig(
        vocab_size=len(wrapped), d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
        encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=512, init_std=0.6, bos_token_id=0, pad_token_id=1, eos_token_id=2,
        decoder_start_token_id=2, forced_bos_token_id=0, forced_eos_token_id=None,
    )  # fmt: skip
    model = _seeded(lambda: transformers.BartForConditionalGeneration(config))
    model.final_logits_bias[0, 2] = 10
    _save(folder, model, wrapped)
    return folder


def save_marian(folder: Path) -> Path:
    """A Marian with a sentencepiece model a side, both trained here, and the vocabulary they share."""
    source = _sentencepiece(
        folder / "source.spm", sentences(), vocabulary=250, pad_id=-1, eos_id=0, unk_id=1, bos_id=-1
    )
    # The two sides differ, so that a mix-up shows.
    target = _sentencepiece(
        folder / "target.spm",
        [text.upper() for text in sentences()] + sentences(),
        vocabulary=280,
        pad_id=-1,
        eos_id=0,
        unk_id=1,
        bos_id=-1,
    )
    pieces = dict.fromkeys(["</s>", "<unk>", *_pieces(source), *_pieces(target), "<pad>"])
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    config = transformers.MarianConfig(
        vocab_size=len(vocabulary), d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
        encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=512, init_std=0.6, pad_token_id=vocabulary["<pad>"], eos_token_id=0,
        bos_token_id=0, decoder_start_token_id=vocabulary["<pad>"], forced_eos_token_id=None,
    )  # fmt: skip
    model = _seeded(lambda: transformers.MarianMTModel(config))
    model.final_logits_bias[0, 0] = 13
    # As in the real ones, the padding would win if the generation settings did not forbid it.
    model.final_logits_bias[0, vocabulary["<pad>"]] = 50
    model.generation_config.bad_words_ids = [[vocabulary["<pad>"]]]
    _save(folder, model, None)
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    _configure_tokenizer(
        folder, tokenizer_class="MarianTokenizer", source_lang="en", target_lang="en", model_max_length=512
    )
    return folder


def _seeded(build: Any) -> Any:
    state = torch.random.get_rng_state()
    torch.manual_seed(11)
    try:
        return build().eval()
    finally:
        torch.random.set_rng_state(state)


def _save(folder: Path, model: Any, tokenizer: Any) -> None:
    model.save_pretrained(folder)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)


def _byte_level_bpe(texts: Iterable[str], special: list[str]) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=420, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _bart_tokenizer(tokenizer: tokenizers.Tokenizer) -> Any:
    tokenizer.post_processor = tokenizers.processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )


def _sentencepiece(path: Path, texts: list[str], *, vocabulary: int, **ids: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=str(path), vocab_size=vocabulary, character_coverage=1.0, hard_vocab_limit=False,
        num_threads=1, minloglevel=2, **ids,
    )  # fmt: skip
    # The trainer chooses the ending itself.
    path.with_name(f"{path.name}.vocab").unlink()
    return path.with_name(f"{path.name}.model").rename(path)


def _pieces(model: Path) -> list[str]:
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    return [processor.id_to_piece(index) for index in range(processor.get_piece_size())]


def _configure_tokenizer(folder: Path, **settings: Any) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
