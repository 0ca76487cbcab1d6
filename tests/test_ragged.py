"""Ragged passes: whatever is read together, each sentence gets the logits that it has alone."""

from __future__ import annotations

import random
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from retranslate.ragged import ATTENTION, RaggedBatch, can_read_ragged, read_alone
from retranslate.rewriter import Request, Rewriter

FAMILIES = ("causal", "t5", "bart", "marian")
BART = {
    "vocab_size": 99, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 128, "decoder_start_token_id": 2, "init_std": 0.6,
}  # fmt: skip
T5 = {
    "vocab_size": 99, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0,
    "initializer_factor": 4.0,
}  # fmt: skip
RELATIVES: dict[str, Any] = {
    "mbart": lambda: transformers.MBartConfig(**BART),
    "pegasus": lambda: transformers.PegasusConfig(**BART),
    "blenderbot": lambda: transformers.BlenderbotConfig(**BART),
    "mt5": lambda: transformers.MT5Config(**T5),
    "umt5": lambda: transformers.UMT5Config(**T5),
}
STRANGERS: dict[str, Any] = {
    "m2m100": lambda: transformers.M2M100Config(**BART),
    "led": lambda: transformers.LEDConfig(**BART, attention_window=8),
}


def _built(config: Any) -> Any:
    torch.manual_seed(3)
    model = transformers.AutoModelForSeq2SeqLM.from_config(config).eval()
    model.generation_config.decoder_start_token_id = config.decoder_start_token_id
    return model


def _tokens(dice: random.Random, most: int, least: int = 1) -> list[int]:
    return [dice.randrange(4, 90) for _ in range(dice.randint(least, most))]


@pytest.fixture(scope="module")
def exact_models(tiny_folders: dict[str, Path]) -> dict[str, Any]:
    """The tiny models in double precision, in which a wrong place shows and noise does not."""
    models = {}
    for name, folder in tiny_folders.items():
        kind = transformers.AutoModelForCausalLM if name == "causal" else transformers.AutoModelForSeq2SeqLM
        models[name] = kind.from_pretrained(folder, dtype=torch.float64).eval()
        assert can_read_ragged(models[name])
    return models


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_read_together_is_read_as_if_alone(exact_models: dict[str, Any], family: str, seed: int) -> None:
    model = exact_models[family]
    dice = random.Random(seed)
    batch = RaggedBatch(model)
    prompts: list[list[int]] = []
    written: list[list[int]] = []
    for _ in range(8):
        while not prompts or (len(prompts) < 5 and dice.random() < 0.6):
            prompts.append(_tokens(dice, 80 if dice.random() < 0.2 else 12))
            written.append([])
            batch.admit(prompts[-1])
        drafts = [_tokens(dice, 6, least=0) for _ in prompts]
        logits = iter(torch.cat([*batch.read(drafts)]))
        for seat, draft in enumerate(drafts):
            expected = read_alone(model, prompts[seat], written[seat] + draft)[len(written[seat]) :]
            for wanted in expected:
                torch.testing.assert_close(next(logits), wanted, atol=1e-6, rtol=1e-6)
            accepted, token = dice.randint(0, len(draft)), dice.randrange(4, 90)
            batch.settle(seat, accepted, token)
            written[seat] += [*draft[:accepted], token]
        for seat in reversed(range(len(prompts))):
            if dice.random() < 0.2:
                batch.leave(seat)
                for rows in (prompts, written):
                    rows[seat] = rows[-1]
                    rows.pop()
        assert len(batch) == len(prompts)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sentence_can_be_taken_back_to_any_place(exact_models: dict[str, Any], family: str) -> None:
    model = exact_models[family]
    dice = random.Random(5)
    batch = RaggedBatch(model)
    prompts = [_tokens(dice, 12), _tokens(dice, 12)]
    for prompt in prompts:
        batch.admit(prompt)
    written = [_tokens(dice, 9, least=6), _tokens(dice, 9, least=6)]
    batch.read(written)
    for back in (5, 2, 0):
        drafts = [_tokens(dice, 6), _tokens(dice, 6)]
        for seat in range(2):
            batch.rewind(seat, written[seat][:back])
        logits = iter(torch.cat([*batch.read(drafts)]))
        for prompt, ids, draft in zip(prompts, written, drafts, strict=True):
            for wanted in read_alone(model, prompt, ids[:back] + draft)[back:]:
                torch.testing.assert_close(next(logits), wanted, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", RELATIVES)
def test_relatives_of_the_known_families_go_along(name: str) -> None:
    model = _built(RELATIVES[name]())
    assert can_read_ragged(model)
    assert model.config._attn_implementation == ATTENTION


@pytest.mark.parametrize("name", STRANGERS)
def test_other_architectures_are_found_out_and_left_alone(name: str) -> None:
    model = _built(STRANGERS[name]())
    before = model.config._attn_implementation
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.inference_mode():
        expected = model.generate(ids, do_sample=False, max_new_tokens=9)
        assert not can_read_ragged(model)
        assert torch.equal(model.generate(ids, do_sample=False, max_new_tokens=9), expected)
    assert model.config._attn_implementation == before


def test_a_model_whose_ragged_logits_are_wrong_is_found_out(
    tiny_rewriters: dict[str, Rewriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_rewriters["bart"]._model
    assert can_read_ragged(model)
    # As if an architecture counted places by itself.
    monkeypatch.setattr("retranslate.ragged._Seats.get_seq_length", lambda self, layer=0: 0)
    assert not can_read_ragged(model)


@pytest.mark.parametrize("family", FAMILIES)
def test_ordinary_passes_are_as_before(tiny_rewriters: dict[str, Rewriter], family: str) -> None:
    model = tiny_rewriters[family]._model
    ids = torch.tensor([[5, 6, 7, 8, 9], [9, 8, 7, 4, 4]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    more = {"decoder_input_ids": ids[:, :3]} if model.config.is_encoder_decoder else {}
    with torch.inference_mode():
        model.set_attn_implementation("sdpa")
        expected = model(ids, attention_mask=mask, **more).logits
        assert can_read_ragged(model)
        found = model(ids, attention_mask=mask, **more).logits
    torch.testing.assert_close(found, expected)


def test_nothing_is_asked_that_transformers_will_drop(tiny_rewriters: dict[str, Rewriter]) -> None:
    for rewriter in tiny_rewriters.values():
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            assert rewriter.rewrite([Request("The road is open.")])
