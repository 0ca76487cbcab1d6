"""Weights from a GGUF file: the numbers that transformers reads, and one clear line for every way a file can be wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

import tiny_models
from retranslate.errors import InputError
from retranslate.gguf_weights import EMBEDDING, PackedEmbedding, halves_apart, read_llama, unpacked
from retranslate.rewriter import BUNDLED, Request, Rewriter
from retranslate.tensor_names import llama_cpp_name
from retranslate.training.export import interleave

MIX = {"attn_q": "Q4_0", "attn_k": "Q8_0", "attn_v": "Q4_1", "ffn_up": "Q5_0", "ffn_down": "Q5_1", "ffn_gate": "F16"}
Tensors = dict[str, np.ndarray[Any, Any]]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save_causal(tmp_path_factory.mktemp("checkpoint"), marker={"name": "tiny", "max_tokens": 150})


@pytest.fixture(scope="module")
def folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model of this project's kind with its weights in a GGUF file, in every quantisation there is."""
    copy = Path(shutil.copytree(checkpoint, tmp_path_factory.mktemp("gguf") / "model"))
    (copy / "model.safetensors").unlink()
    _write(copy / "model.gguf", _tensors(checkpoint))
    return copy


def _tensors(checkpoint: Path) -> Tensors:
    model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    heads = {"attn_q": model.config.num_attention_heads, "attn_k": model.config.num_key_value_heads}
    tensors = {}
    for name, weights in model.state_dict().items():
        name = llama_cpp_name(name)
        part = name.split(".")[-2]
        tensors[name] = interleave(weights.numpy(), heads[part]) if part in heads else weights.numpy()
    return tensors


def _write(path: Path, tensors: Tensors, architecture: str = "llama") -> None:
    writer = gguf.GGUFWriter(path, architecture)
    config = json.loads((path.parent / "config.json").read_text())
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"token {number}" for number in range(config["vocab_size"])])
    writer.add_token_types([1] * config["vocab_size"])
    writer.add_token_merges(["t o", "k e"])
    for name, values in tensors.items():
        kind = MIX.get(name.split(".")[-2]) if values.ndim == 2 else None
        if kind is None:
            writer.add_tensor(name, values)
        else:
            packed = quantize(values, GGMLQuantizationType[kind])
            writer.add_tensor(name, packed, raw_dtype=GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _read(folder: Path) -> dict[str, torch.Tensor]:
    config = LlamaConfig.from_pretrained(folder)
    with torch.device("meta"):
        shapes = {name: tuple(value.shape) for name, value in LlamaForCausalLM(config).named_parameters()}
    return dict(read_llama(next(folder.glob("*.gguf")), shapes, config.num_attention_heads, config.num_key_value_heads))


def _assert_as_transformers_reads(folder: Path, found: dict[str, torch.Tensor]) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=torch.float32)
    expected = dict(model.named_parameters())
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_the_numbers_are_those_that_transformers_reads(folder: Path) -> None:
    _assert_as_transformers_reads(folder, _read(folder))


@pytest.mark.model
def test_the_numbers_of_the_bundled_model_are_those_that_transformers_reads() -> None:
    if not [*BUNDLED.glob("*.gguf")]:
        pytest.skip("no weights in this source tree")
    _assert_as_transformers_reads(BUNDLED, _read(BUNDLED))


def test_the_model_answers_as_the_one_that_transformers_opens(folder: Path) -> None:
    rewriter = Rewriter.load(folder, "cpu")
    opened = AutoModelForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=torch.float32)
    theirs = tiny_models.with_rounded_matrices(opened)
    ids = rewriter._read(Request("The bridge will open in May."))
    with torch.inference_mode():
        expected = theirs(torch.tensor([ids])).logits[0, -1:]
        torch.testing.assert_close(rewriter._model.read_alone(ids, []), expected, atol=1e-3, rtol=1e-3)
    assert rewriter.parameters == theirs.num_parameters()


@pytest.mark.parametrize("kind", ["F32", "F16", "Q4_0", "Q8_0"])
def test_embeddings_are_unpacked_row_by_row(
    checkpoint: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(checkpoint, tmp_path / "model"))
    monkeypatch.setitem(MIX, "token_embd", kind)
    _write(folder / "model.gguf", _tensors(checkpoint))
    weights = _read(folder)[EMBEDDING]
    ids = torch.tensor([[3, 1, 3], [0, 2, len(weights) - 1]])
    assert torch.equal(PackedEmbedding(folder / "model.gguf")(ids), weights[ids])


@pytest.mark.parametrize("kind", ["F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"])
def test_every_quantisation_is_unpacked_as_by_gguf(kind: str) -> None:
    quantisation = GGMLQuantizationType[kind]
    values = np.random.default_rng(2).normal(size=(700, 512)).astype(np.float32)
    packed = quantize(values, quantisation)
    assert np.array_equal(unpacked(packed, quantisation), dequantize(packed, quantisation).reshape(-1))


@given(st.integers(1, 5), st.integers(1, 6))
def test_rows_are_put_back_where_the_export_took_them_from(heads: int, half: int) -> None:
    values = np.arange(heads * 2 * half * 3, dtype=np.float32).reshape(-1, 3)
    assert np.array_equal(halves_apart(interleave(values, heads), heads), values)


# --- Files that cannot be used --------------------------------------------------------------------------------------


def _without(name: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {key: value for key, value in tensors.items() if key != name}


WRONG: dict[str, tuple[Callable[[Tensors], Tensors], str]] = {
    "missing": (_without("blk.1.ffn_up.weight"), "model.layers.1.mlp.up_proj.weight"),
    "no norm": (_without("output_norm.weight"), "1 tensors are missing, such as model.norm.weight"),
    "too wide": (lambda all: all | {"blk.0.attn_v.weight": np.zeros((16, 64), np.float32)}, "shape (16, 64)"),
    "too long": (lambda all: all | {"output_norm.weight": np.zeros(64, np.float32)}, "asks for (32,)"),
    "one more": (lambda all: all | {"rope_freqs.weight": np.zeros(4, np.float32)}, "rope_freqs.weight"),
    "one more layer": (lambda all: all | {"blk.2.ffn_norm.weight": np.zeros(32, np.float32)}, "no such tensor"),
}


@pytest.mark.parametrize("damage", WRONG)
def test_wrong_tensors_are_named(folder: Path, checkpoint: Path, tmp_path: Path, damage: str) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    change, expected = WRONG[damage]
    _write(copy / "model.gguf", change(_tensors(checkpoint)))
    assert expected in _refusal(copy)


def test_another_architecture_is_named(folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    _write(copy / "model.gguf", _tensors(checkpoint), "gemma")
    assert "'gemma' where 'llama' is expected" in _refusal(copy)


@pytest.mark.parametrize("share", [0, 0.0001, 0.001, 0.01, 0.05, 0.1, 0.3, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_one_line(folder: Path, tmp_path: Path, share: float) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    data = (copy / "model.gguf").read_bytes()
    (copy / "model.gguf").write_bytes(data[: int(len(data) * share)])
    assert "damaged or cut short" in _refusal(copy)


def test_a_file_of_another_kind_is_one_line(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "model.gguf").write_text("these are no weights")
    assert "damaged or cut short" in _refusal(copy)


def _refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        Rewriter.load(folder, "cpu")
    message = str(caught.value)
    assert str(folder / "model.gguf") in message
    assert "\n" not in message
    return message
