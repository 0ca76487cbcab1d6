"""The ``generate`` of transformers gives what guided decoding gives: the same tokens, their scores, their limits."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import transformers

import tiny_models
from retranslate.decoding import Terms, decode, score
from retranslate.drafting import Answer, Task
from retranslate.generating import generate, score_alone
from retranslate.ragged import RaggedModel, can_read_ragged
from retranslate.rewriter import BUNDLED, CLOSE_CALL, Request, Rewriter

CASES = Path(__file__).parent / "cases"
FAMILIES = ("causal", "t5", "bart", "marian")
SENTENCES = [*tiny_models.sentences(10), "Short.", ""]
OPTIONS = [
    [[5, 6, 7, 8, 2], [5, 6, 9, 2]],
    [[9, 2]],
    [[5, 6, 7, 8, 2], [5, 6, 7, 8, 2], [5, 6, 7], [7, 2], [7, 5, 2]],
    [[8], [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 2], [8]],
]


def _terms(rewriter: Rewriter) -> Terms:
    return Terms.of(rewriter._model, rewriter._tokenizer.eos_token_id, CLOSE_CALL)


def _tasks(rewriter: Rewriter) -> list[Task]:
    return [Task(rewriter._read(Request(text)), rewriter._write(text), 40) for text in SENTENCES]


def _answers(found: Iterator[tuple[int, Answer]]) -> list[Answer]:
    return [answer for _, answer in sorted(found, key=lambda pair: pair[0])]


@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_and_scores_are_those_of_guided_decoding(tiny_rewriters: dict[str, Rewriter], family: str) -> None:
    rewriter = tiny_rewriters[family]
    tasks, terms = _tasks(rewriter), _terms(rewriter)
    tasks[3] = dataclasses.replace(tasks[3], limit=7)
    assert can_read_ragged(rewriter._model)
    guided = _answers(decode(RaggedModel(rewriter._model), tasks, terms, 4))
    plain = _answers(generate(rewriter._model, tasks, terms, rewriter._pad, 4))
    for ours, theirs, task in zip(guided, plain, tasks, strict=True):
        assert ours.ids == theirs.ids
        assert len(theirs.ids) <= task.limit
        assert ours.scores == pytest.approx(theirs.scores, abs=5e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_that_share_a_beginning_are_scored_as_if_alone(
    tiny_rewriters: dict[str, Rewriter], family: str
) -> None:
    rewriter = tiny_rewriters[family]
    assert can_read_ragged(rewriter._model)
    prompts = [task.prompt for task in _tasks(rewriter)[:4]]
    together = score(RaggedModel(rewriter._model), prompts, OPTIONS)
    alone = score_alone(rewriter._model, prompts, OPTIONS)
    for options, mine, theirs in zip(OPTIONS, together, alone, strict=True):
        assert [len(scores) for scores in mine] == [len(answer) for answer in options]
        for found, expected in zip(mine, theirs, strict=True):
            assert found == pytest.approx(expected, abs=2e-3)


@pytest.mark.model
def test_the_bundled_model_writes_what_generate_makes_it_write() -> None:
    if not [*BUNDLED.glob("*.gguf")]:
        pytest.skip("no weights in this source tree")
    rewriter = Rewriter.load(device="cpu")
    opened = transformers.AutoModelForCausalLM.from_pretrained(BUNDLED, gguf_file="model.gguf", dtype="float32")
    theirs = tiny_models.with_rounded_matrices(opened).eval()
    garbled = json.loads((CASES / "in_the_wild.json").read_text("utf-8"))
    clean = json.loads((CASES / "negative.json").read_text("utf-8"))[:12]
    requests = [request for case in (*garbled, *clean) if rewriter.fits(request := Request(case["text"]))]
    tasks = [rewriter._task(request) for request in requests]
    end = rewriter._tokenizer.eos_token_id
    expected = [answer.ids for answer in _answers(generate(theirs, tasks, Terms(end, CLOSE_CALL), end, 16))]
    assert sum(ids == task.source for ids, task in zip(expected, tasks, strict=True)) < len(tasks) - 10
    assert [answer.ids for answer in _answers(rewriter._decoded(tasks, 16))] == expected
