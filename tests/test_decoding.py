"""Decoding guided by the source: the outcome of greedy decoding whatever the source says, in fewer passes when it is right."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tiny_models
from retranslate.decoding import Terms, decode, score
from retranslate.drafting import Answer, Task
from retranslate.ragged import RaggedModel, can_read_ragged
from retranslate.rewriter import CLOSE_CALL, Request, Rewriter

FAMILIES = ("causal", "t5", "bart", "marian")
SENTENCES = [*tiny_models.sentences(10), "Short.", ""]


def _terms(rewriter: Rewriter, tie: float = CLOSE_CALL) -> Terms:
    return Terms.of(rewriter._model, rewriter._tokenizer.eos_token_id, tie)


def _reader(rewriter: Rewriter) -> RaggedModel:
    assert can_read_ragged(rewriter._model)
    return RaggedModel(rewriter._model)


def _tasks(rewriter: Rewriter, limit: int = 40) -> list[Task]:
    return [Task(rewriter._read(Request(text)), rewriter._write(text), limit) for text in SENTENCES]


def _answers(found: Iterator[tuple[int, Answer]]) -> list[Answer]:
    return [answer for _, answer in sorted(found, key=lambda pair: pair[0])]


def _greedy(rewriter: Rewriter, task: Task) -> list[int]:
    """What transformers writes for this sentence alone."""
    prompt = torch.tensor([task.prompt])
    with torch.inference_mode():
        output = rewriter._model.generate(
            prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=task.limit,
            pad_token_id=rewriter._pad, eos_token_id=rewriter._tokenizer.eos_token_id,
        )[0].tolist()  # fmt: skip
    return list(output[1:] if rewriter._seq2seq else output[len(task.prompt) :])


@pytest.fixture(scope="module")
def greedy(tiny_rewriters: dict[str, Rewriter]) -> dict[str, list[list[int]]]:
    """What each of the tiny models writes, by the generate of transformers, one sentence at a time."""
    return {
        family: [_greedy(tiny_rewriters[family], task) for task in _tasks(tiny_rewriters[family])]
        for family in FAMILIES
    }


def _damaged(ids: list[int], dice: random.Random) -> list[int]:
    """``ids`` with some left out, some doubled and some exchanged."""
    damaged: list[int] = []
    for token in ids:
        kind = dice.random()
        damaged += (
            [] if kind < 0.1 else [token, token] if kind < 0.2 else [dice.randrange(4, 90)] if kind < 0.3 else [token]
        )
    return damaged


SOURCES: dict[str, Callable[[Task, list[int], random.Random], list[int]]] = {
    "the sentence": lambda task, answer, dice: list(task.source),
    "nothing": lambda task, answer, dice: [],
    "the answer": lambda task, answer, dice: answer,
    "the answer, damaged": lambda task, answer, dice: _damaged(answer, dice),
    "nonsense": lambda task, answer, dice: [dice.randrange(4, 90) for _ in range(30)],
    "ends in the middle": lambda task, answer, dice: [*answer[:4], answer[-1], *answer[4:]],
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_answer_is_that_of_greedy_decoding_whatever_the_source(
    tiny_rewriters: dict[str, Rewriter], greedy: dict[str, list[list[int]]], family: str, source: str
) -> None:
    rewriter = tiny_rewriters[family]
    dice = random.Random(7)
    tasks = [
        dataclasses.replace(task, source=SOURCES[source](task, answer, dice))
        for task, answer in zip(_tasks(rewriter), greedy[family], strict=True)
    ]
    for seats in (1, 5, 32):
        found = _answers(decode(_reader(rewriter), tasks, _terms(rewriter), seats))
        assert [answer.ids for answer in found] == greedy[family]


@pytest.mark.parametrize("limit", [1, 2, 7])
@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_ends_at_its_own_limit(
    tiny_rewriters: dict[str, Rewriter], greedy: dict[str, list[list[int]]], family: str, limit: int
) -> None:
    rewriter = tiny_rewriters[family]
    tasks = _tasks(rewriter, limit)
    tasks[3] = dataclasses.replace(tasks[3], limit=30)
    found = _answers(decode(_reader(rewriter), tasks, _terms(rewriter), 5))
    for answer, task, whole in zip(found, tasks, greedy[family], strict=True):
        assert answer.ids == whole[: task.limit]


# --- What the model thinks of given answers -------------------------------------------------------------------------

OPTIONS = [
    [[5, 6, 7, 8, 2], [5, 6, 9, 2]],
    [[9, 2]],
    [[5, 6, 7, 8, 2], [5, 6, 7, 8, 2], [5, 6, 7], [7, 2], [7, 5, 2]],
    [[8], [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 2], [8]],
]


def test_what_is_shared_is_read_once(tiny_rewriters: dict[str, Rewriter], monkeypatch: pytest.MonkeyPatch) -> None:
    rewriter = tiny_rewriters["causal"]
    prompts = [task.prompt for task in _tasks(rewriter)[:4]]
    reader = _reader(rewriter)
    passes: list[int] = []
    forward = rewriter._model.forward

    def counting(ids: torch.Tensor, **more: Any) -> Any:
        passes.append(ids.numel())
        return forward(ids, **more)

    monkeypatch.setattr(rewriter._model, "forward", counting)
    score(reader, prompts, OPTIONS)
    # The last token of an answer is not read, but the one before the place where two answers part is read again.
    whole = sum(len(prompt) + len(options[0]) - 1 for prompt, options in zip(prompts, OPTIONS, strict=True))
    assert passes == [whole, 2 + 1 + 1 + 11, 1 + 1 + 1 + 1, 1 + 1 + 2 + 1, 1 + 1 + 2 + 1]


# --- How many passes ------------------------------------------------------------------------------------------------

END, VOCABULARY = 0, 12


class Script:
    """In the place of a Reader and of its Batch: a model that writes a given answer to each prompt (its number), and counts its passes."""

    def __init__(self, answers: list[list[int]]) -> None:
        self.answers = answers
        self.passes = 0
        self._seats: list[tuple[int, int]] = []

    def batch(self) -> Script:
        return self

    def admit(self, prompt: list[int]) -> None:
        self._seats.append((prompt[0], 0))

    def read(self, drafts: list[list[int]]) -> Iterator[torch.Tensor]:
        self.passes += 1
        rows = []
        for (number, written), draft in zip(self._seats, drafts, strict=True):
            for step in range(len(draft) + 1):
                rest = self.answers[number][written:]
                # Behind a draft that is wrong, and behind the end, a model may say anything.
                right = step < len(rest) and draft[:step] == rest[:step]
                rows.append(rest[step] if right else step % VOCABULARY)
        return iter(torch.split(torch.nn.functional.one_hot(torch.tensor(rows), VOCABULARY).float(), 3))

    def settle(self, seat: int, accepted: int, token: int) -> None:
        number, written = self._seats[seat]
        assert self.answers[number][written + accepted] == token
        self._seats[seat] = (number, written + accepted + 1)

    def leave(self, seat: int) -> None:
        self._seats[seat] = self._seats[-1]
        self._seats.pop()


def _scripted(answers: list[list[int]], sources: list[list[int]], seats: int = 1) -> tuple[list[list[int]], int]:
    """What is written when a model wants to write ``answers``, and the number of passes it takes."""
    script = Script(answers)
    tasks = [Task([number], source, 99) for number, source in enumerate(sources)]
    found = _answers(decode(script, tasks, Terms(END, 0.0), seats))
    return [answer.ids for answer in found], script.passes


IDS = st.lists(st.integers(1, VOCABULARY - 1), max_size=20)
ANY_IDS = st.lists(st.integers(0, VOCABULARY - 1), max_size=20)


@given(st.lists(st.tuples(IDS, ANY_IDS), min_size=1, max_size=6), st.integers(1, 4))
def test_any_answer_is_written_whatever_the_sources_and_never_in_more_passes(
    pairs: list[tuple[list[int], list[int]]], seats: int
) -> None:
    answers = [[*answer, END] for answer, _ in pairs]
    written, passes = _scripted(answers, [source for _, source in pairs], seats)
    assert written == answers
    without = _scripted(answers, [[] for _ in pairs], seats)[1]
    assert passes <= without if seats == 1 else passes <= sum(map(len, answers))


LONG = [1 + (n * n + n // 3) % (VOCABULARY - 1) for n in range(60)]


@pytest.mark.parametrize(
    ("source", "most"),
    [
        ([*LONG, END], 6),
        ([*LONG[:30], 5, *LONG[31:], END], 12),
        ([*LONG[:30], *LONG[33:], END], 14),
        ([*LONG[:30], 5, 5, 5, *LONG[30:], END], 12),
        ([], 61),
    ],
    ids=["right", "one other token", "three tokens to be added", "three tokens to be left out", "no source"],
)
def test_a_source_that_is_nearly_right_saves_most_passes(source: list[int], most: int) -> None:
    written, passes = _scripted([[*LONG, END]], [source])
    assert written == [[*LONG, END]]
    assert passes <= most
    assert source or passes == most


def test_the_next_sentence_takes_a_free_seat() -> None:
    lengths = [9, 2, 4, 3, 7, 1, 5]
    ends = [0, 0, 0]
    for length in lengths:
        ends[ends.index(min(ends))] += length
    answers = [[*[3] * (length - 1), END] for length in lengths]
    assert _scripted(answers, [[] for _ in lengths], seats=3) == (answers, max(ends))


# --- What the checkpoint wants --------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["t5", "bart", "marian"])
def test_forced_and_forbidden_tokens_are_those_of_transformers(
    tiny_rewriters: dict[str, Rewriter],
    greedy: dict[str, list[list[int]]],
    family: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rewriter = tiny_rewriters[family]
    settings, end = rewriter._model.generation_config, rewriter._tokenizer.eos_token_id
    written = sorted({token for ids in greedy[family] for token in ids[1:]} - {end})
    doubled = [[a, b] for ids in greedy[family] for a, b in pairwise(ids[1:]) if b != end]
    monkeypatch.setattr(settings, "forced_bos_token_id", 17)
    monkeypatch.setattr(settings, "suppress_tokens", written[:2])
    monkeypatch.setattr(settings, "bad_words_ids", [*(settings.bad_words_ids or []), *doubled[::2], [17, 9, 9], [end]])
    tasks = _tasks(rewriter)
    expected = [_greedy(rewriter, task) for task in tasks]
    assert all(mine != theirs for mine, theirs in zip(expected, greedy[family], strict=True))
    assert all(ids[0] == 17 and not set(written[:2]) & set(ids[1:]) for ids in expected)
    for source in ("the sentence", "the answer"):
        guided = [
            dataclasses.replace(task, source=SOURCES[source](task, ids, random.Random(1)))
            for task, ids in zip(tasks, greedy[family], strict=True)
        ]
        found = _answers(decode(_reader(rewriter), guided, _terms(rewriter), 5))
        assert [answer.ids for answer in found] == expected


# --- Ties -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_when_every_step_is_a_tie_every_step_is_read_alone(
    tiny_rewriters: dict[str, Rewriter],
    greedy: dict[str, list[list[int]]],
    family: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rewriter = tiny_rewriters[family]
    asked: list[list[int]] = []
    reader = _reader(rewriter)
    read_alone = RaggedModel.read_alone

    def noting(self: RaggedModel, prompt: Any, written: list[int]) -> torch.Tensor:
        asked.append(list(written))
        return read_alone(self, prompt, written)

    monkeypatch.setattr(RaggedModel, "read_alone", noting)
    tasks = _tasks(rewriter)[:3]
    found = _answers(decode(reader, tasks, _terms(rewriter, tie=torch.inf), 3))
    assert [answer.ids for answer in found] == greedy[family][:3]
    # A step with a single token to choose from is no tie.
    forced = 1 if rewriter._model.generation_config.forced_bos_token_id is not None else 0
    expected = [answer.ids[:n] for answer in found for n in range(forced, len(answer.ids))]
    assert sorted(asked) == sorted(expected)


def test_a_clear_lead_is_not_read_again(tiny_rewriters: dict[str, Rewriter], monkeypatch: pytest.MonkeyPatch) -> None:
    rewriter = tiny_rewriters["causal"]
    reader = _reader(rewriter)
    monkeypatch.setattr(RaggedModel, "read_alone", lambda *args: pytest.fail("read what was clear"))
    assert len(list(decode(reader, _tasks(rewriter), _terms(rewriter, tie=0.0), 4))) == len(SENTENCES)
