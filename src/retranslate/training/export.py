"""Export: a trained checkpoint as one small GGUF file that transformers opens, with its tokenizer and marker beside it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retranslate.errors import InputError
from retranslate.files import write_whole
from retranslate.rewriter import MARKER
from retranslate.tensor_names import llama_cpp_name
from retranslate.training import rounding
from retranslate.training.data import Example
from retranslate.training.finetune import encode

if TYPE_CHECKING:
    import numpy as np
    import torch
    from gguf import GGUFReader, GGUFWriter

    Matrix = np.ndarray[Any, np.dtype[np.float32]]

MAX_BYTES = 100_000_000
WEIGHTS = "model.gguf"
PLANS = ("Q8_0", "Q5_1", "Q5_0", "Q4_1", "mixed")
_BESIDE = ("config.json", "tokenizer.json", "tokenizer_config.json")
_LADDER = ("Q4_0", "Q4_1", "Q5_0", "Q8_0")
_ONLY_IF_LOSSLESS = ("Q4_0", "Q4_1")
_NOTHING = 1e-6
# How much an error in a weight of this kind shifts the model's answers, measured one kind at a time (ffn_gate = 1).
_WEIGHT = {
    "attn_v": 25.0,
    "attn_k": 10.0,
    "ffn_down": 9.0,
    "token_embd": 3.0,
    "attn_output": 3.0,
    "attn_q": 2.5,
    "ffn_up": 2.0,
}
_FILE_TYPES = {"Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9}
_HEADROOM = 16 * 1024
"""Bytes set aside for the table of tensors and the padding between them."""


@dataclass(frozen=True)
class Rung:
    """What a quantisation would make of a tensor: ``size`` in bytes, ``error`` the expected harm, comparable over tensors."""

    quantisation: str
    size: int
    error: float


@dataclass(frozen=True)
class _Checkpoint:
    """A trained model on disk: its config and its weights, float32, by their names in llama.cpp."""

    folder: Path
    config: Mapping[str, Any]
    tensors: Mapping[str, Matrix]


def export(
    checkpoint: Path,
    output: Path,
    quantisation: str = "mixed",
    *,
    template: Path,
    calibration: Sequence[Example] = (),
    name: str = "retranslate",
    max_tokens: int = 150,
) -> Path:
    """Writes the Llama-type ``checkpoint`` (a folder with safetensors) to the folder ``output``; returns the weights file.

    ``quantisation`` is one of :data:`PLANS`; "mixed" gives each matrix the type that helps most within
    :data:`MAX_BYTES`. Norms stay float32. ``template`` is a GGUF file with the same tokenizer, whose metadata is
    copied: the file that the base model came in, or an earlier export. With ``calibration`` (two dozen examples do),
    matrices of five bits are rounded so that the model's work on them changes least, which takes a minute. ``name``
    and ``max_tokens`` (the longest sentence, in tokens) go into the marker file. Every file is written whole or not at
    all, the marker last. Raises InputError when the checkpoint or the template cannot be used or do not fit together.
    """
    if quantisation not in PLANS:
        raise InputError(f"quantisation {quantisation!r} is not one of {', '.join(PLANS)}.")
    config = _read_config(checkpoint)
    reader = _open_template(template, config)
    trained = _Checkpoint(checkpoint, config, dict(_llama_tensors(checkpoint, config)))
    plan = _plan(trained, quantisation, MAX_BYTES - int(reader.data_offset) - _HEADROOM)
    moments = _moments(trained, calibration)
    packed = {
        tensor: rounding.pack_q5_0(_torch(trained.tensors[tensor]), moments[tensor])
        if plan[tensor] == "Q5_0" and tensor in moments
        else _packed(trained.tensors[tensor], plan[tensor])
        for tensor in plan
    }
    _make_folder(output)
    weights = output / WEIGHTS
    partial = output / f"{WEIGHTS}.partial"
    _write_gguf(partial, reader, trained, plan, packed)
    os.replace(partial, weights)
    for file in _BESIDE:
        write_whole(output / file, (checkpoint / file).read_bytes())
    with weights.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    marker = {
        "name": name,
        "max_tokens": max_tokens,
        "weights": WEIGHTS,
        "sha256": digest,
        "quantisation": quantisation,
    }
    write_whole(output / MARKER, (json.dumps(marker, indent=2) + "\n").encode())
    return weights


# --- The checkpoint ------------------------------------------------------------------------------------------------


def _read_config(checkpoint: Path) -> dict[str, Any]:
    for file in _BESIDE:
        if not (checkpoint / file).is_file():
            raise InputError(f"{checkpoint}: no {file} here; give the folder of a checkpoint.")
    try:
        config: dict[str, Any] = json.loads((checkpoint / "config.json").read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{checkpoint / 'config.json'}: not JSON: {error}") from error
    if config.get("model_type") != "llama":
        raise InputError(
            f"{checkpoint}: a model of type {config.get('model_type')!r}; only Llama-type models can be exported."
        )
    return config


def _llama_tensors(checkpoint: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Matrix]]:
    """The weights under their names in llama.cpp, float32, the query and key rows in its order."""
    from safetensors import SafetensorError, safe_open

    files = sorted(file for file in checkpoint.glob("*.safetensors") if not file.name.startswith("optimizer"))
    if not files:
        raise InputError(f"{checkpoint}: no weights (.safetensors) here.")
    for file in files:
        try:
            with safe_open(file, framework="pt") as stored:
                for key in sorted(stored.keys()):
                    if key == "lm_head.weight" and config.get("tie_word_embeddings"):
                        continue
                    values = stored.get_tensor(key).float().numpy()
                    yield llama_cpp_name(key), _rows_for_llama_cpp(key, values, config)
        except (SafetensorError, OSError) as error:
            raise InputError(f"{file}: cannot be read: {error}") from error


def _rows_for_llama_cpp(key: str, values: Matrix, config: Mapping[str, Any]) -> Matrix:
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    for projection, count in heads.items():
        if f".{projection}." in key:
            return interleave(values, count)
    return values


def interleave(values: Matrix, heads: int) -> Matrix:
    """Query or key rows with the two halves of each head's rotary pairs side by side, as llama.cpp wants them."""
    half = values.shape[0] // heads // 2
    return values.reshape(heads, 2, half, values.shape[1]).swapaxes(1, 2).reshape(values.shape)


# --- The plan ------------------------------------------------------------------------------------------------------


def _plan(trained: _Checkpoint, quantisation: str, budget: int) -> dict[str, str]:
    """The quantisation of each matrix; with "mixed" all tensors together take at most ``budget`` bytes."""
    matrices = {tensor: values for tensor, values in trained.tensors.items() if values.ndim == 2}
    for tensor, values in matrices.items():
        if values.shape[1] % rounding.BLOCK:
            raise InputError(f"{tensor}: {values.shape[1]} columns; quantisation needs a multiple of {rounding.BLOCK}.")
    if quantisation != "mixed":
        return dict.fromkeys(matrices, quantisation)
    choices = {tensor: rungs(values, _WEIGHT.get(tensor.split(".")[-2], 1.0)) for tensor, values in matrices.items()}
    plain = sum(values.nbytes for values in trained.tensors.values() if values.ndim != 2)
    if (least := plain + sum(options[0].size for options in choices.values())) > budget:
        raise InputError(
            f"{trained.folder}: too large for a file of {MAX_BYTES:,} bytes: its weights alone take {least:,} at best."
        )
    return fit(choices, budget - plain)


def rungs(values: Matrix, weight: float = 1.0) -> tuple[Rung, ...]:
    """The types worth having for ``values``, from the smallest to the largest; ``weight`` multiplies their errors.

    Four bits only where they lose nothing, as in layers that training left alone and whose base had four bits. Weights
    that were trained away from such a base lie so near its grid that four bits would round the training away.
    """
    import numpy as np
    from gguf.quants import dequantize

    total = float(np.square(values, dtype=np.float64).sum()) or 1.0
    found: list[Rung] = []
    for quantisation in _LADDER:
        packed = _packed(values, quantisation)
        lost = dequantize(packed, _type(quantisation)) - values
        relative = float(np.square(lost, dtype=np.float64).sum()) / total
        if relative < _NOTHING:
            return (*found, Rung(quantisation, packed.nbytes, 0.0))
        if quantisation not in _ONLY_IF_LOSSLESS:
            found.append(Rung(quantisation, packed.nbytes, weight * values.size * relative))
    return tuple(found)


def fit(choices: Mapping[str, Sequence[Rung]], budget: int) -> dict[str, str]:
    """The type of each tensor: all start at their first, then whatever rise saves most error a byte comes next.

    Stops when no further rise fits ``budget`` bytes.
    """
    chosen = dict.fromkeys(choices, 0)
    free = budget - sum(options[0].size for options in choices.values())
    while True:
        rises = []
        for tensor, options in choices.items():
            now = options[chosen[tensor]]
            for position, better in enumerate(options):
                if 0 < better.size - now.size <= free and better.error < now.error:
                    rises.append(((now.error - better.error) / (better.size - now.size), tensor, position))
        if not rises:
            return {tensor: choices[tensor][position].quantisation for tensor, position in chosen.items()}
        _, tensor, position = max(rises)
        free -= choices[tensor][position].size - choices[tensor][chosen[tensor]].size
        chosen[tensor] = position


def _moments(trained: _Checkpoint, calibration: Sequence[Example]) -> dict[str, torch.Tensor]:
    from transformers import AutoTokenizer

    if not calibration:
        return {}
    tokenizer = AutoTokenizer.from_pretrained(trained.folder)
    encoded = [encode(example, tokenizer) for example in calibration]
    moments = rounding.input_moments(trained.folder, [(*item.prompt, *item.answer) for item in encoded])
    return {llama_cpp_name(key): moment for key, moment in moments.items()}


def _torch(values: Matrix) -> torch.Tensor:
    import torch

    return torch.from_numpy(values.copy())


def _type(quantisation: str) -> Any:
    from gguf import GGMLQuantizationType

    return GGMLQuantizationType[quantisation]


def _packed(values: Matrix, quantisation: str) -> np.ndarray[Any, Any]:
    from gguf.quants import quantize

    packed: np.ndarray[Any, Any] = quantize(values, _type(quantisation))
    return packed


# --- The file ------------------------------------------------------------------------------------------------------


def _open_template(template: Path, config: Mapping[str, Any]) -> GGUFReader:
    from gguf import GGUFReader

    try:
        reader = GGUFReader(template)
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{template}: not a GGUF file that can be read: {error}") from error
    vocabulary = reader.get_field("tokenizer.ggml.tokens")
    if vocabulary is None:
        raise InputError(f"{template}: no tokenizer in this GGUF file; give the one that the base model came in.")
    if len(vocabulary.data) != config["vocab_size"]:
        raise InputError(
            f"{template}: its tokenizer has {len(vocabulary.data):,} tokens, the checkpoint {config['vocab_size']:,}; "
            "give the GGUF file that the base model came in."
        )
    return reader


def _write_gguf(
    path: Path,
    reader: GGUFReader,
    trained: _Checkpoint,
    plan: Mapping[str, str],
    packed: Mapping[str, np.ndarray[Any, Any]],
) -> None:
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    _copy_metadata(reader, writer)
    _add_shape(writer, trained.config)
    share = {
        used: sum(trained.tensors[tensor].size for tensor in plan if plan[tensor] == used)
        for used in set(plan.values())
    }
    writer.add_file_type(_FILE_TYPES[max(share, key=lambda used: (share[used], used))])
    writer.add_quantization_version(2)
    for tensor in sorted(trained.tensors):
        if tensor in plan:
            writer.add_tensor(tensor, packed[tensor], raw_dtype=_type(plan[tensor]))
        else:
            writer.add_tensor(tensor, trained.tensors[tensor])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _copy_metadata(reader: GGUFReader, writer: GGUFWriter) -> None:
    """What the template says about itself and its tokenizer; what depends on the weights is left out."""
    for field in reader.fields.values():
        if not field.name.startswith(("general.", "tokenizer.")):
            continue
        if field.name in ("general.architecture", "general.file_type", "general.quantization_version"):
            continue
        sub_type = field.types[1] if len(field.types) > 1 else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type)


def _add_shape(writer: GGUFWriter, config: Mapping[str, Any]) -> None:
    rope = config.get("rope_parameters") or {}
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(rope.get("rope_theta", config.get("rope_theta", 10_000.0)))
    writer.add_rope_dimension_count(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])
    writer.add_vocab_size(config["vocab_size"])


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{output}: cannot be made: {error.strerror}") from error
