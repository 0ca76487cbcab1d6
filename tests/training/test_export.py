"""Export: the file holds the weights that went in, in the order that its readers expect, and is whole or not there."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from gguf.quants import dequantize, quantize
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer
from typer.testing import CliRunner

import tiny_models
from retranslate.cli import app
from retranslate.errors import InputError
from retranslate.rewriter import Request, Rewriter
from retranslate.training import export as exporting
from retranslate.training.data import Example
from retranslate.training.export import PLANS, Rung, export, fit, interleave, llama_cpp_name, rungs
from retranslate.training.rounding import input_moments, pack_q5_0

TOLERANCE = {"Q8_0": 0.01, "Q5_1": 0.06, "Q5_0": 0.06, "Q4_1": 0.12, "mixed": 0.01}
CALIBRATION = [Example(f"{line} again", line) for line in tiny_models.sentences(4)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save_causal(tmp_path_factory.mktemp("checkpoint"), marker=None)


@pytest.fixture(scope="module")
def template(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "base.gguf"
    _write_template(
        path, list(json.loads((checkpoint / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]), checkpoint
    )
    return path


def _write_template(path: Path, tokens: list[str], checkpoint: Path) -> None:
    size = len(AutoTokenizer.from_pretrained(checkpoint))
    tokens = (tokens + [f"<extra{n}>" for n in range(size)])[:size] if len(tokens) != 3 else tokens
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("a base")
    writer.add_license("apache-2.0")
    writer.add_languages(["en"])
    writer.add_file_type(1)
    writer.add_block_count(99)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * len(tokens))
    writer.add_token_merges(["t h", "th e"])
    writer.add_bos_token_id(1)
    writer.add_add_bos_token(False)
    writer.add_tensor("nothing", np.zeros((1, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def opened(folder: Path) -> dict[str, torch.Tensor]:
    return dict(AutoModelForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=torch.float32).state_dict())


def distance(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def test_the_command_writes_a_folder_that_opens_under_its_own_name(
    checkpoint: Path, template: Path, tmp_path: Path
) -> None:
    command = ["train", "export", str(checkpoint), "-o", str(tmp_path / "mine"), "--quantisation", "Q8_0"]
    with pytest.raises(InputError, match="its tokenizer has 49,152 tokens, the checkpoint"):
        CliRunner().invoke(app, command, catch_exceptions=False)  # the bundled model has another
    assert not (tmp_path / "mine" / "model.gguf").exists()
    outcome = CliRunner().invoke(app, [*command, "--template", str(template)], catch_exceptions=False)
    assert outcome.stdout.strip() == str(tmp_path / "mine" / "model.gguf")
    rewriter = Rewriter.load(tmp_path / "mine", "cpu")
    assert rewriter.name == "mine"
    (rewrite,) = rewriter.rewrite([Request(tiny_models.sentences(1)[0])])
    assert rewrite.score < 0


# --- What comes back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS)
def test_the_weights_come_back_through_transformers(
    checkpoint: Path, template: Path, tmp_path: Path, plan: str
) -> None:
    path = export(checkpoint, tmp_path / "out", plan, template=template)
    assert path == tmp_path / "out" / "model.gguf"
    expected = dict(AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).state_dict())
    found = opened(tmp_path / "out")
    assert found.keys() == expected.keys()
    for name in expected:
        if expected[name].ndim == 1:
            assert torch.equal(found[name], expected[name]), name
        else:
            assert distance(found[name], expected[name]) < TOLERANCE[plan], name


def test_the_model_answers_as_before(checkpoint: Path, template: Path, tmp_path: Path) -> None:
    export(checkpoint, tmp_path, "Q8_0", template=template)
    ids = torch.tensor(
        [AutoTokenizer.from_pretrained(checkpoint)("The ministry said that the bridge will open.").input_ids]
    )
    with torch.inference_mode():
        before = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)(ids).logits
        after = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="model.gguf", dtype=torch.float32)(ids).logits
    assert distance(after, before) < 0.05


def test_the_tokenizer_beside_it_is_the_checkpoints(checkpoint: Path, template: Path, tmp_path: Path) -> None:
    export(checkpoint, tmp_path, "Q8_0", template=template)
    text = "An engineer told reporters that 12 boats left İzmir."
    assert (
        AutoTokenizer.from_pretrained(tmp_path)(text).input_ids
        == AutoTokenizer.from_pretrained(checkpoint)(text).input_ids
    )


def test_the_rewriter_opens_the_folder(checkpoint: Path, template: Path, tmp_path: Path) -> None:
    export(checkpoint, tmp_path, "Q8_0", template=template, name="tiny", max_tokens=77)
    rewriter = Rewriter.load(tmp_path, "cpu")
    assert (rewriter.name, rewriter.max_tokens) == ("tiny", 77)
    assert len(rewriter.rewrite([Request("The bridge open.")])) == 1


def test_the_marker_describes_the_file(checkpoint: Path, template: Path, tmp_path: Path) -> None:
    path = export(checkpoint, tmp_path, "Q5_0", template=template, name="tiny")
    assert json.loads((tmp_path / "retranslate.json").read_text("utf-8")) == {
        "name": "tiny",
        "max_tokens": 150,
        "weights": "model.gguf",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "quantisation": "Q5_0",
    }
    assert not list(tmp_path.glob("*.partial"))


def test_metadata_is_the_templates_but_for_what_depends_on_the_weights(
    checkpoint: Path, template: Path, tmp_path: Path
) -> None:
    reader = gguf.GGUFReader(export(checkpoint, tmp_path, "Q5_0", template=template))
    original = gguf.GGUFReader(template)
    for name, field in original.fields.items():
        if name.startswith("tokenizer.") or name in ("general.name", "general.license", "general.languages"):
            assert reader.fields[name].contents() == field.contents(), name
            assert reader.fields[name].types == field.types, name
    assert reader.fields["general.file_type"].contents() == 8
    assert reader.fields["llama.block_count"].contents() == 2
    assert {tensor.tensor_type.name for tensor in reader.tensors} == {"Q5_0", "F32"}
    assert all(tensor.tensor_type.name == "F32" for tensor in reader.tensors if "norm" in tensor.name)


def test_an_earlier_export_serves_as_template(checkpoint: Path, template: Path, tmp_path: Path) -> None:
    first = export(checkpoint, tmp_path / "one", "Q5_0", template=template)
    second = export(checkpoint, tmp_path / "two", "Q5_0", template=first)
    assert first.read_bytes() == second.read_bytes()


def test_calibration_leaves_an_ordinary_file(checkpoint: Path, template: Path, tmp_path: Path) -> None:
    export(checkpoint, tmp_path / "plain", "Q5_0", template=template)
    export(checkpoint, tmp_path / "fitted", "Q5_0", template=template, calibration=CALIBRATION)
    plain, fitted = opened(tmp_path / "plain"), opened(tmp_path / "fitted")
    expected = dict(AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).state_dict())
    changed = {name for name in plain if not torch.equal(plain[name], fitted[name])}
    assert "model.layers.0.self_attn.q_proj.weight" in changed
    assert all(".layers." in name for name in changed)
    assert all(distance(fitted[name], expected[name]) < 0.2 for name in changed)


# --- Names and rows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("model.embed_tokens.weight", "token_embd.weight"),
        ("model.norm.weight", "output_norm.weight"),
        ("lm_head.weight", "output.weight"),
        ("model.layers.12.self_attn.o_proj.weight", "blk.12.attn_output.weight"),
        ("model.layers.0.post_attention_layernorm.weight", "blk.0.ffn_norm.weight"),
    ],
)
def test_tensors_are_named_as_llama_cpp_does(key: str, name: str) -> None:
    assert llama_cpp_name(key) == name


@pytest.mark.parametrize("key", ["model.layers.0.self_attn.q_proj.bias", "encoder.block.0.weight", ""])
def test_a_tensor_without_a_place_is_refused(key: str) -> None:
    with pytest.raises(InputError, match="no place in a Llama-type GGUF file"):
        llama_cpp_name(key)


def test_rotary_pairs_stand_side_by_side() -> None:
    rows = np.arange(8, dtype=np.float32).reshape(8, 1)
    assert interleave(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


# --- The plan ------------------------------------------------------------------------------------------------------

CHOICES = st.dictionaries(
    st.sampled_from("abcdef"),
    st.lists(st.tuples(st.integers(1, 50), st.floats(0, 9)), min_size=1, max_size=4).map(
        lambda steps: tuple(
            Rung(f"T{n}", sum(size for size, _ in steps[: n + 1]), error) for n, (_, error) in enumerate(steps)
        )
    ),
    min_size=1,
)


@given(CHOICES, st.integers(0, 300))
def test_a_plan_keeps_to_the_budget_and_is_never_worse_than_the_least(
    choices: dict[str, tuple[Rung, ...]], spare: int
) -> None:
    least = sum(options[0].size for options in choices.values())
    plan = fit(choices, least + spare)
    taken = {tensor: next(rung for rung in choices[tensor] if rung.quantisation == plan[tensor]) for tensor in choices}
    assert sum(rung.size for rung in taken.values()) <= least + spare
    assert all(taken[tensor].error <= choices[tensor][0].error for tensor in choices)


def test_the_rise_that_saves_most_a_byte_comes_first() -> None:
    choices = {"a": (Rung("low", 10, 5.0), Rung("high", 20, 1.0)), "b": (Rung("low", 10, 5.0), Rung("high", 20, 0.5))}
    assert fit(choices, 30) == {"a": "low", "b": "high"}
    assert fit(choices, 40) == {"a": "high", "b": "high"}
    assert fit(choices, 0) == {"a": "low", "b": "low"}


def noise(rows: int, columns: int, seed: int = 1) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


def test_four_bits_are_for_what_they_lose_nothing_of() -> None:
    plain = noise(8, 64)
    assert [rung.quantisation for rung in rungs(plain)] == ["Q5_0", "Q8_0"]
    q4_1 = gguf.GGMLQuantizationType.Q4_1
    on_the_grid = dequantize(quantize(plain, q4_1), q4_1)
    assert [rung.quantisation for rung in rungs(on_the_grid)] == ["Q4_1"]
    nearly = (on_the_grid + 0.02 * noise(8, 64, 2)).astype(np.float32)
    assert [rung.quantisation for rung in rungs(nearly)] == ["Q5_0", "Q8_0"]


def test_an_error_weighs_as_much_as_it_is_told() -> None:
    plain = noise(8, 64)
    light, heavy = rungs(plain, 1.0), rungs(plain, 3.0)
    assert [rung.error for rung in heavy] == pytest.approx([3 * rung.error for rung in light])
    assert light[0].error > light[1].error > 0


# --- Rounding ------------------------------------------------------------------------------------------------------


def _correlated(count: int, width: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    few = torch.randn(count, 6, generator=generator)
    return few @ torch.randn(6, width, generator=generator) + 0.1 * torch.randn(count, width, generator=generator)


def test_rounding_by_moments_changes_the_output_less() -> None:
    weights, inputs = torch.from_numpy(noise(40, 128)), _correlated(300, 128)
    q5_0 = gguf.GGMLQuantizationType.Q5_0
    fitted = torch.from_numpy(dequantize(pack_q5_0(weights, inputs.T @ inputs), q5_0))
    nearest = torch.from_numpy(dequantize(quantize(weights.numpy(), q5_0), q5_0))
    expected = inputs @ weights.T
    assert distance(inputs @ fitted.T, expected) < 0.6 * distance(inputs @ nearest.T, expected)


def test_rounding_with_moments_of_nothing_is_nearest_rounding() -> None:
    weights = torch.from_numpy(noise(8, 64))
    q5_0 = gguf.GGMLQuantizationType.Q5_0
    packed = pack_q5_0(weights, torch.zeros(64, 64))
    assert packed.shape == quantize(weights.numpy(), q5_0).shape
    nearest = dequantize(quantize(weights.numpy(), q5_0), q5_0)
    assert (
        np.abs(dequantize(packed, q5_0) - nearest).max()
        < 1e-3 * np.abs(nearest).max() + 0.2 * np.abs(nearest).max() / 16
    )


def test_a_row_of_zeros_stays_zero() -> None:
    q5_0 = gguf.GGMLQuantizationType.Q5_0
    assert not dequantize(pack_q5_0(torch.zeros(2, 32), torch.eye(32)), q5_0).any()


def test_every_linear_layer_has_its_moments(checkpoint: Path) -> None:
    moments = input_moments(checkpoint, [[1, 2, 3], [4, 5]])
    assert moments["model.layers.1.mlp.down_proj.weight"].shape == (64, 64)
    assert len(moments) == 14
    assert all(torch.equal(moment, moment.T) or torch.allclose(moment, moment.T) for moment in moments.values())
    assert all(moment.trace() > 0 for moment in moments.values())


# --- Refusals ------------------------------------------------------------------------------------------------------


def _with_config(checkpoint: Path, folder: Path, **changes: Any) -> Path:
    shutil.copytree(checkpoint, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | changes), "utf-8")
    return folder


def _without(checkpoint: Path, folder: Path, file: str) -> Path:
    shutil.copytree(checkpoint, folder)
    (folder / file).unlink()
    return folder


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("plan", "'Q3_0' is not one of Q8_0, Q5_1"),
        ("no folder", "no config.json here"),
        ("no tokenizer", "no tokenizer.json here"),
        ("no weights", "no weights"),
        ("cut weights", "cannot be read"),
        ("bad config", "not JSON"),
        ("other family", "a model of type 'gpt2'"),
        ("no template", "not a GGUF file"),
        ("false template", "not a GGUF file"),
        ("other tokenizer", "its tokenizer has 3 tokens, the checkpoint"),
        ("too large", "too large for a file of 20,000 bytes"),
        ("output", "cannot be made"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(
    checkpoint: Path, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, message: str
) -> None:
    source, output, plan = checkpoint, tmp_path / "out", "mixed"
    match what:
        case "plan":
            plan = "Q3_0"
        case "no folder":
            source = tmp_path / "lost"
        case "no tokenizer":
            source = _without(checkpoint, tmp_path / "c", "tokenizer.json")
        case "no weights":
            source = _without(checkpoint, tmp_path / "c", "model.safetensors")
        case "cut weights":
            source = _with_config(checkpoint, tmp_path / "c")
            data = (source / "model.safetensors").read_bytes()
            (source / "model.safetensors").write_bytes(data[:1000])
        case "bad config":
            source = _with_config(checkpoint, tmp_path / "c")
            (source / "config.json").write_text("{", "utf-8")
        case "other family":
            source = _with_config(checkpoint, tmp_path / "c", model_type="gpt2")
        case "no template":
            template = tmp_path / "lost.gguf"
        case "false template":
            template = tmp_path / "false.gguf"
            template.write_bytes(b"no GGUF at all, but long enough to look into")
        case "other tokenizer":
            template = tmp_path / "other.gguf"
            _write_template(template, ["a", "b", "c"], checkpoint)
        case "too large":
            monkeypatch.setattr(exporting, "MAX_BYTES", 20_000)
        case "output":
            output.write_text("a file", "utf-8")
    with pytest.raises(InputError, match=message) as caught:
        export(source, output, plan, template=template)
    assert "\n" not in str(caught.value)
    assert not output.is_dir() or not list(output.iterdir())


def test_an_export_that_breaks_off_leaves_the_old_file(
    checkpoint: Path, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = export(checkpoint, tmp_path, "Q8_0", template=template)
    before = path.read_bytes()

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(gguf.GGUFWriter, "write_tensors_to_file", stop)
    with pytest.raises(KeyboardInterrupt):
        export(checkpoint, tmp_path, "Q4_1", template=template)
    assert path.read_bytes() == before
