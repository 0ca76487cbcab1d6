"""Export: a trained checkpoint as one small GGUF file that transformers opens, with its tokenizer and marker beside it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retranslate.errors import InputError
from retranslate.rewriter import MARKER

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFReader, GGUFWriter

    Matrix = np.ndarray[Any, np.dtype[np.float32]]

MAX_BYTES = 100_000_000
WEIGHTS = "model.gguf"
PLANS = ("Q8_0", "Q5_1", "Q5_0", "Q4_1", "mixed")
_LADDER = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")
_FILE_TYPES = {"Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9}
_BLOCK = 32
_HEADROOM = 16 * 1024
"""Bytes set aside for the table of tensors and the padding between them."""

_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_TOP = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}


@dataclass(frozen=True)
class Rung:
    """What a quantisation would make of a tensor: ``size`` in bytes, ``error`` as a share of the tensor's square sum."""

    quantisation: str
    size: int
    error: float


def export(
    checkpoint: Path, output: Path, quantisation: str = "mixed", *, template: Path, name: str = "retranslate", max_tokens: int = 150
) -> Path:
    """Writes the Llama-type ``checkpoint`` (a folder with safetensors) to the folder ``output``; returns the weights file.

    ``quantisation`` is one of :data:`PLANS`; "mixed" gives each matrix the type that helps most within
    :data:`MAX_BYTES`. Norms stay float32. ``template`` is a GGUF file with the same tokenizer, whose metadata is
    copied: the file that the base model came in, or an earlier export. ``name`` and ``max_tokens`` (the longest
    sentence, in tokens) go into the marker file. Every file is written whole or not at all, the marker last.
    Raises InputError when the checkpoint or the template cannot be used or the two do not belong together.
    """
    if quantisation not in PLANS:
        raise InputError(f"quantisation {quantisation!r} is not one of {', '.join(PLANS)}.")
    config = _read_config(checkpoint)
    reader = _open_template(template, config)
    tensors = dict(_llama_tensors(checkpoint, config))
    if quantisation == "mixed":
        plan = fit({tensor: rungs(values) for tensor, values in _matrices(tensors)}, MAX_BYTES - _fixed_bytes(reader, tensors))
    else:
        plan = {tensor: quantisation for tensor, _ in _matrices(tensors)}
    _make_folder(output)
    weights = output / WEIGHTS
    partial = output / f"{WEIGHTS}.partial"
    _write_gguf(partial, reader, config, tensors, plan)
    if quantisation == "mixed" and partial.stat().st_size > MAX_BYTES:
        partial.unlink()
        raise InputError(f"{checkpoint}: too large: even at its smallest the model takes more than {MAX_BYTES:,} bytes.")
    os.replace(partial, weights)
    for file in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        _copy_whole(checkpoint / file, output / file)
    with weights.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    marker = {"name": name, "max_tokens": max_tokens, "weights": WEIGHTS, "sha256": digest, "quantisation": quantisation}
    _write_whole(output / MARKER, json.dumps(marker, indent=2) + "\n")
    return weights


# --- The checkpoint ------------------------------------------------------------------------------------------------


def _read_config(checkpoint: Path) -> dict[str, Any]:
    for file in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        if not (checkpoint / file).is_file():
            raise InputError(f"{checkpoint}: no {file} here; give the folder of a checkpoint.")
    try:
        config: dict[str, Any] = json.loads((checkpoint / "config.json").read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{checkpoint / 'config.json'}: not JSON: {error}") from error
    if config.get("model_type") != "llama":
        raise InputError(f"{checkpoint}: a model of type {config.get('model_type')!r}; only Llama-type models can be exported.")
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


def llama_cpp_name(key: str) -> str:
    """The name in llama.cpp of the weights that transformers calls ``key``. Raises InputError for an unknown one.

    >>> llama_cpp_name("model.layers.3.mlp.up_proj.weight")
    'blk.3.ffn_up.weight'
    """
    if key in _TOP:
        return _TOP[key]
    match key.split("."):
        case ["model", "layers", number, *module, "weight"] if ".".join(module) in _NAMES:
            return f"blk.{number}.{_NAMES['.'.join(module)]}.weight"
    raise InputError(f"the tensor {key!r} has no place in a Llama-type GGUF file.")


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


def _matrices(tensors: Mapping[str, Matrix]) -> Iterator[tuple[str, Matrix]]:
    for tensor, values in tensors.items():
        if values.ndim == 2:
            if values.shape[1] % _BLOCK:
                raise InputError(f"{tensor}: {values.shape[1]} columns; quantisation needs a multiple of {_BLOCK}.")
            yield tensor, values


def rungs(values: Matrix) -> tuple[Rung, ...]:
    """What each quantisation makes of ``values``, from the smallest to the largest."""
    import numpy as np
    from gguf.quants import dequantize

    total = float(np.square(values, dtype=np.float64).sum()) or 1.0
    found = []
    for quantisation in _LADDER:
        packed = _packed(values, quantisation)
        lost = dequantize(packed, _type(quantisation)) - values
        found.append(Rung(quantisation, packed.nbytes, float(np.square(lost, dtype=np.float64).sum()) / total))
    return tuple(found)


def fit(choices: Mapping[str, Sequence[Rung]], budget: int) -> dict[str, str]:
    """The quantisation of each tensor: all start at the smallest, and the rise that saves most error a byte comes next.

    Stops when no further rise fits ``budget`` bytes; what is smallest may itself be more than that.
    """
    chosen = {tensor: 0 for tensor in choices}
    free = budget - sum(options[0].size for options in choices.values())
    while True:
        rises = [
            ((options[chosen[tensor]].error - better.error) / (better.size - options[chosen[tensor]].size), tensor, position)
            for tensor, options in choices.items()
            for position, better in enumerate(options)
            if 0 < better.size - options[chosen[tensor]].size <= free and better.error < options[chosen[tensor]].error
        ]
        if not rises:
            return {tensor: choices[tensor][position].quantisation for tensor, position in chosen.items()}
        _, tensor, position = max(rises)
        free -= choices[tensor][position].size - choices[tensor][chosen[tensor]].size
        chosen[tensor] = position


def _type(quantisation: str) -> Any:
    from gguf import GGMLQuantizationType

    return GGMLQuantizationType[quantisation]


def _packed(values: Matrix, quantisation: str) -> np.ndarray[Any, Any]:
    from gguf.quants import quantize

    return quantize(values, _type(quantisation))


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


def _fixed_bytes(reader: GGUFReader, tensors: Mapping[str, Matrix]) -> int:
    return int(reader.data_offset) + _HEADROOM + sum(values.nbytes for values in tensors.values() if values.ndim != 2)


def _write_gguf(
    path: Path, reader: GGUFReader, config: Mapping[str, Any], tensors: Mapping[str, Matrix], plan: Mapping[str, str]
) -> None:
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    _copy_metadata(reader, writer)
    _add_shape(writer, config)
    share = {used: sum(tensors[tensor].size for tensor in plan if plan[tensor] == used) for used in set(plan.values())}
    writer.add_file_type(_FILE_TYPES[max(share, key=lambda used: share[used])])
    writer.add_quantization_version(2)
    for tensor in sorted(tensors):
        if tensor in plan:
            writer.add_tensor(tensor, _packed(tensors[tensor], plan[tensor]), raw_dtype=_type(plan[tensor]))
        else:
            writer.add_tensor(tensor, tensors[tensor])
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


def _copy_whole(source: Path, target: Path) -> None:
    partial = target.with_name(f"{target.name}.partial")
    shutil.copyfile(source, partial)
    os.replace(partial, target)


def _write_whole(target: Path, text: str) -> None:
    partial = target.with_name(f"{target.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, target)
