"""Averages of checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import tiny_models
from retranslate.errors import InputError
from retranslate.rewriter import Request, Rewriter
from retranslate.training.average import average, mean


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=5))
def test_the_mean_is_the_mean(values: list[float]) -> None:
    found = mean([{"a": torch.tensor([value, 1.0])} for value in values])
    torch.testing.assert_close(found, {"a": torch.tensor([sum(values) / len(values), 1.0])})


def test_models_of_other_shapes_have_no_mean() -> None:
    with pytest.raises(ValueError, match="the same tensors"):
        mean([{"a": torch.ones(2)}, {"a": torch.ones(3)}])
    with pytest.raises(ValueError, match="the same tensors"):
        mean([{"a": torch.ones(2)}, {"b": torch.ones(2)}])


@pytest.fixture
def checkpoints(tmp_path: Path) -> list[Path]:
    folders = [tiny_models.save_causal(tmp_path / name, marker={"name": "tiny"}) for name in ("one", "two")]
    state = load_file(folders[1] / "model.safetensors")
    save_file({name: 3 * tensor for name, tensor in state.items()}, folders[1] / "model.safetensors", {"format": "pt"})
    save_file({"0.step": torch.ones(1)}, folders[0] / "optimizer.safetensors")
    return folders


def test_an_average_is_a_model(checkpoints: list[Path], tmp_path: Path) -> None:
    folder = average(checkpoints, tmp_path / "mean")
    first = load_file(checkpoints[0] / "model.safetensors")
    torch.testing.assert_close(
        load_file(folder / "model.safetensors"), {name: 2 * tensor for name, tensor in first.items()}
    )
    assert not (folder / "optimizer.safetensors").exists()
    assert isinstance(Rewriter.load(folder, "cpu").rewrite([Request("The road is open.")])[0].text, str)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mean", "one", "two"]


@pytest.mark.parametrize("what", ["exists", "missing", "broken", "other"])
def test_what_cannot_be_averaged_is_refused(checkpoints: list[Path], tmp_path: Path, what: str) -> None:
    output = tmp_path / "mean"
    match what:
        case "exists":
            output.mkdir()
            message = "exists already"
        case "missing":
            checkpoints.append(tmp_path / "lost")
            message = "cannot be read"
        case "broken":
            (checkpoints[1] / "model.safetensors").write_bytes(b"no")
            message = "cannot be read"
        case _:
            save_file({"a": torch.ones(1)}, checkpoints[1] / "model.safetensors", {"format": "pt"})
            message = "do not have the same tensors"
    with pytest.raises(InputError, match=message):
        average(checkpoints, output)
    assert what == "exists" or not output.exists()
