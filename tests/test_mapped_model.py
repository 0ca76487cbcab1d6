"""A model as llama.cpp runs it: its logits are those of torch, whatever seat and pass they come from."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoConfig, LlamaForCausalLM

from retranslate import mapped_model
from retranslate.beams import Logits
from retranslate.errors import InputError

pytest.importorskip("llama_cpp")

from retranslate.mapped_model import Continuation, Model

IDS = [5, 9, 30, 7, 61, 12, 5, 5, 40]


@pytest.fixture(scope="module")
def model(gguf_folder: Path) -> Model:
    return Model(gguf_folder / "model.gguf")


@pytest.fixture(scope="module")
def expected(gguf_folder: Path) -> Logits:
    """The logits after each of IDS, by torch."""
    with torch.inference_mode():
        theirs = LlamaForCausalLM.from_pretrained(gguf_folder, gguf_file="model.gguf", dtype=torch.float32)
        return np.asarray(theirs(torch.tensor([IDS])).logits[0])


def test_its_numbers_are_those_of_the_model(gguf_folder: Path, model: Model) -> None:
    config = AutoConfig.from_pretrained(gguf_folder)
    with torch.device("meta"):
        outline = LlamaForCausalLM(config)
    assert (model.vocabulary, model.parameters) == (config.vocab_size, outline.num_parameters())


def test_the_logits_are_those_of_torch(model: Model, expected: Logits) -> None:
    found = model.context(64).read(Continuation(0, 0, IDS, len(IDS)))
    assert found == pytest.approx(expected, abs=2e-2)


def test_a_text_can_be_read_in_pieces_and_gone_back_on(model: Model, expected: Logits) -> None:
    context = model.context(64)
    assert context.read(Continuation(0, 0, IDS[:4], 0)).shape == (0, model.vocabulary)
    context.read(Continuation(0, 4, [33, 34, 35], 1))  # what the text does not say after all
    found = context.read(Continuation(0, 4, IDS[4:], 3))
    assert found == pytest.approx(expected[-3:], abs=2e-2)


def test_a_text_may_be_longer_than_a_pass(model: Model, expected: Logits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped_model, "_PASS", 4)
    found = model.context(64).read(Continuation(0, 0, IDS, len(IDS) - 1))
    assert found == pytest.approx(expected[1:], abs=2e-2)


def test_texts_in_other_seats_do_not_matter(model: Model, expected: Logits) -> None:
    context = model.context(64, seats=3)
    context.read(Continuation(0, 0, IDS[:5], 1), Continuation(1, 0, [8, 8, 70], 1))
    context.copy(0, 2)
    context.forget(0)
    found = context.read(Continuation(1, 3, [9], 1), Continuation(2, 5, IDS[5:], 4))
    assert found[1:] == pytest.approx(expected[-4:], abs=2e-2)


def test_the_same_passes_have_the_same_outcome(model: Model) -> None:
    runs = [Continuation(0, 0, IDS, 3), Continuation(0, 5, [8, 9], 2), Continuation(0, 0, IDS[::-1], 2)]
    contexts = [model.context(64), model.context(512)]
    first, second = ([context.read(run) for run in runs] for context in contexts)
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_a_damaged_file_is_told_in_one_line(
    gguf_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "model.gguf"
    broken.write_bytes((gguf_folder / "model.gguf").read_bytes()[:5000])
    with pytest.raises(InputError, match=r"model\.gguf: the model cannot be loaded by llama\.cpp: ") as caught:
        Model(broken)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("given", "count"), [("3", 3), ("", None), ("many", None), ("0", None)])
def test_the_number_of_threads_is_that_of_the_environment(
    given: str, count: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert mapped_model.threads() == count if count else 1 <= mapped_model.threads() <= 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_can_compute(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    context = model.context(64)
    before = context.read(Continuation(0, 0, IDS, 1))
    child = os.fork()
    if child == 0:
        os._exit(0 if np.allclose(context.read(Continuation(0, 0, IDS, 1)), before, atol=1e-3) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
