"""Our own Llama: the logits of transformers, whatever is read together; and which models it takes on."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from retranslate.errors import InputError
from retranslate.llama import Llama, Shape
from retranslate.rewriter import BUNDLED
from retranslate.seats import ROWS

CPU = torch.device("cpu")
Checkpoint = tuple[Llama, Any]


@pytest.fixture(scope="module")
def both(gguf_folder: Path) -> Checkpoint:
    """The tiny model, ours and as transformers opens it."""
    theirs = transformers.AutoModelForCausalLM.from_pretrained(gguf_folder, gguf_file="model.gguf", dtype=torch.float32)
    return Llama(_shape(gguf_folder), gguf_folder / "model.gguf", CPU), theirs.eval()


def _config(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    return found


def _shape(folder: Path) -> Shape:
    shape = Shape.of(_config(folder))
    assert shape is not None
    return shape


def _tokens(dice: random.Random, most: int, least: int = 1) -> list[int]:
    return [dice.randrange(4, 90) for _ in range(dice.randint(least, most))]


@torch.inference_mode()
def _expected(theirs: Any, ids: list[int], rows: int) -> torch.Tensor:
    logits: torch.Tensor = theirs(torch.tensor([ids])).logits[0, -rows:]
    return logits


def _assert_close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-4)


def test_a_sentence_alone_is_read_as_by_transformers(both: Checkpoint) -> None:
    ours, theirs = both
    dice = random.Random(1)
    for written in ([], _tokens(dice, 1), _tokens(dice, 30, 20)):
        prompt = _tokens(dice, 120)
        _assert_close(ours.read_alone(prompt, written), _expected(theirs, prompt + written, len(written) + 1))


@given(st.integers(0, 10_000))
def test_what_is_read_together_is_read_as_if_alone(both: Checkpoint, seed: int) -> None:
    ours, theirs = both
    dice = random.Random(seed)
    batch = ours.batch()
    texts: list[list[int]] = []
    openings: list[int] = []
    for _ in range(5):
        while not texts or (len(texts) < 4 and dice.random() < 0.6):
            texts.append(_tokens(dice, 80 if dice.random() < 0.2 else 12))
            openings.append(len(texts[-1]))
            batch.admit(texts[-1])
        drafts = [_tokens(dice, 6, least=0) for _ in texts]
        parts = torch.split(torch.cat([*batch.read(drafts)]), [len(draft) + 1 for draft in drafts])
        for seat, (draft, found) in enumerate(zip(drafts, parts, strict=True)):
            _assert_close(found, _expected(theirs, texts[seat] + draft, len(draft) + 1))
            accepted, token = dice.randint(0, len(draft)), dice.randrange(4, 90)
            batch.settle(seat, accepted, token)
            texts[seat] = [*texts[seat], *draft[:accepted], token]
        if dice.random() < 0.3:
            seat = dice.randrange(len(texts))
            texts[seat] = texts[seat][: openings[seat] + dice.randint(0, len(texts[seat]) - openings[seat])]
            batch.rewind(seat, texts[seat][openings[seat] :])
        if dice.random() < 0.3:
            seat = dice.randrange(len(texts))
            batch.leave(seat)
            for rows in (texts, openings):
                rows[seat] = rows[-1]  # type: ignore[index]
                rows.pop()
        assert len(batch) == len(texts)


def test_logits_come_in_pieces_of_a_bounded_size(both: Checkpoint) -> None:
    ours, theirs = both
    dice = random.Random(2)
    prompts, drafts = [_tokens(dice, 12) for _ in range(3)], [_tokens(dice, 60, least=40) for _ in range(3)]
    batch = ours.batch()
    for prompt in prompts:
        batch.admit(prompt)
    pieces = [*batch.read(drafts)]
    assert len(pieces) > 1
    assert all(len(piece) <= ROWS for piece in pieces)
    expected = [
        _expected(theirs, prompt + draft, len(draft) + 1) for prompt, draft in zip(prompts, drafts, strict=True)
    ]
    _assert_close(torch.cat(pieces), torch.cat(expected))


def test_a_fork_goes_on_with_what_its_parent_has_read(both: Checkpoint) -> None:
    ours, theirs = both
    batch = ours.batch()
    prompts = ([5, 6, 7, 8], [9, 10])
    for prompt in prompts:
        batch.admit(prompt)
    batch.read([(), ()])
    batch.fork([1, 0, 1])
    for seat, token in enumerate((20, 21, 22)):
        batch.settle(seat, 0, token)
    texts = [[*prompts[1], 20], [*prompts[0], 21], [*prompts[1], 22]]
    for found, text in zip(torch.cat([*batch.read([(), (), ()])]), texts, strict=True):
        _assert_close(found, _expected(theirs, text, 1)[0])


def test_its_weights_are_counted_once(both: Checkpoint) -> None:
    ours, theirs = both
    assert ours.parameters == theirs.num_parameters()


def test_tied_and_other_embeddings(gguf_folder: Path) -> None:
    tied = _shape(gguf_folder)
    other = Shape(**{**vars(tied), "tied": not tied.tied})
    assert ("lm_head.weight" in tied.tensors()) != ("lm_head.weight" in other.tensors())
    with pytest.raises(InputError, match=r"model\.gguf: .*(lm_head|output)"):
        Llama(other, gguf_folder / "model.gguf", CPU)


STRANGE: dict[str, dict[str, Any]] = {
    "another family": {"model_type": "mistral"},
    "another activation": {"hidden_act": "gelu"},
    "biases": {"attention_bias": True},
    "biases between": {"mlp_bias": True},
    "stretched positions": {"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0}},
    "stretched positions, as they were written once": {"rope_scaling": {"type": "linear", "factor": 2.0}},
}


@pytest.mark.parametrize("change", STRANGE)
def test_what_is_no_plain_llama_is_left_to_transformers(gguf_folder: Path, change: str) -> None:
    assert Shape.of(_config(gguf_folder) | STRANGE[change]) is None


def test_the_base_of_the_frequencies_may_stand_where_it_once_stood(gguf_folder: Path) -> None:
    config = _config(gguf_folder)
    theta = config.pop("rope_parameters")["rope_theta"]
    assert Shape.of(config | {"rope_theta": theta}) == _shape(gguf_folder)


@pytest.mark.model
def test_the_bundled_model_is_a_plain_llama() -> None:
    if not [*BUNDLED.glob("*.gguf")]:
        pytest.skip("no weights in this source tree")
    model = transformers.LlamaConfig.from_pretrained(BUNDLED)
    with torch.device("meta"):
        outline = transformers.LlamaForCausalLM(model)
    assert _shape(BUNDLED).tensors() == {name: tuple(value.shape) for name, value in outline.named_parameters()}
