"""What torch computes: the answers of plain greedy decoding, the scores of a forward pass, for every family."""

from __future__ import annotations

import pytest
import torch

import tiny_models
from retranslate import rewriter as module
from retranslate.rewriter import Request, Rewriter, with_terms

FAMILIES = ("causal", "t5", "bart", "marian")
REQUESTS = [Request(text) for text in tiny_models.sentences(12)] + [Request("Short."), Request("")]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_answer_is_that_of_plain_greedy_decoding(tiny_rewriters: dict[str, Rewriter], family: str) -> None:
    rewriter = tiny_rewriters[family]
    for request, answer in zip(REQUESTS, rewriter.rewrite(REQUESTS, 5), strict=True):
        prompt = torch.tensor([rewriter._read(request)])
        limit = module.answer_limit(prompt.shape[1])
        with torch.inference_mode():
            plain = rewriter._model.generate(
                prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=limit,
                pad_token_id=rewriter._pad, eos_token_id=rewriter._tokenizer.eos_token_id,
            )  # fmt: skip
        written = plain[0, 1:] if family != "causal" else plain[0, prompt.shape[1] :]
        assert answer.text == rewriter._text(written.tolist())


def test_a_model_that_cannot_read_raggedly_answers_alike(
    tiny_rewriters: dict[str, Rewriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    rewriter = tiny_rewriters["bart"]
    expected = rewriter.rewrite(REQUESTS, 5)
    monkeypatch.setitem(rewriter.__dict__, "_reader", None)
    for answer, wanted in zip(rewriter.rewrite(REQUESTS, 5), expected, strict=True):
        assert (answer.text, answer.complete) == (wanted.text, wanted.complete)
        assert answer.score == pytest.approx(wanted.score, abs=2e-3)


def test_decoder_only_score_agrees_with_a_forward_pass(tiny_rewriter: Rewriter) -> None:
    tokenizer, model = tiny_rewriter._tokenizer, tiny_rewriter._model
    pairs = [
        (Request("The council said that 12 boats left.", (("boats", "ships"),)), "12 boats left, the council said."),
        (Request("No."), "Yes, no one was hurt."),
    ]
    for (request, answer), score in zip(pairs, tiny_rewriter.score(pairs), strict=True):
        prompt = [*tokenizer(f" {with_terms(request.sentence, request.hints)}").input_ids, tokenizer.bos_token_id]
        target = [*tokenizer(f" {answer}").input_ids, tokenizer.eos_token_id]
        with torch.inference_mode():
            logits = model(torch.tensor([prompt + target])).logits[0]
        steps = logits[len(prompt) - 1 : -1].log_softmax(-1)[range(len(target)), target]
        assert score == pytest.approx(float(steps.mean()), abs=1e-3)


@pytest.mark.parametrize("family", ["t5", "bart", "marian"])
def test_encoder_decoder_score_agrees_with_the_models_own_loss(
    tiny_rewriters: dict[str, Rewriter], family: str
) -> None:
    rewriter = tiny_rewriters[family]
    tokenizer, model = rewriter._tokenizer, rewriter._model
    pairs = [
        (Request("The council said that 12 boats left."), "12 boats left."),
        (Request("No."), "The wells near Basra are clean."),
    ]
    for (request, answer), score in zip(pairs, rewriter.score(pairs), strict=True):
        batch = tokenizer(request.sentence, text_target=answer, return_tensors="pt")
        with torch.inference_mode():
            loss = float(model(input_ids=batch.input_ids, labels=batch.labels).loss)
        assert score == pytest.approx(-loss, abs=1e-3)
